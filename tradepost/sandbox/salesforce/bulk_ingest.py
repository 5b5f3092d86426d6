"""What a bulk job does when its turn comes: the records of an ingest job, one by one, as the user who made it.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/get_job_failed_results.htm
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tradepost.sandbox.salesforce import bulk_csv, dml
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import Actor, OrgState
from tradepost.sandbox.salesforce.view import View


class Work(Protocol):
    """What of a job is needed here."""

    operation: str
    sobject: str
    external_id: str
    data: bytes
    delimiter: str
    line_ending: str


@dataclass(slots=True)
class Outcome:
    """`successful` holds (id, created, row), `failed` (id, error, row), `left` rows nobody looked at."""

    columns: Sequence[str] = ()
    successful: list[tuple[str, bool, Sequence[str]]] = field(default_factory=list)
    failed: list[tuple[str, str, Sequence[str]]] = field(default_factory=list)
    left: list[Sequence[str]] = field(default_factory=list)

    def lines(self, which: str) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows of a result file: successful, failed or unprocessed."""
        if which == "unprocessed":
            return list(self.columns), [list(row) for row in self.left]
        second = "sf__Created" if which == "successful" else "sf__Error"
        told: Sequence[tuple[str, bool | str, Sequence[str]]]
        told = self.successful if which == "successful" else self.failed
        return ["sf__Id", second, *self.columns], [[record, word, *row] for record, word, row in told]


def actor(state: OrgState, user_id: str) -> Actor:
    """The user a job runs as, with the rights of this moment."""
    return Actor(user_id, state.access(user_id))


def work(state: OrgState, user_id: str, job: Work) -> Outcome:
    """Carry an ingest job out. Raises ValueError for data that is refused as a whole."""
    columns, rows = bulk_csv.read(job.data, job.delimiter, job.line_ending)
    by = actor(state, user_id)
    sobject = state.schema.get(job.sobject)
    _check_columns(state.view(by), sobject, job, columns)
    outcome = Outcome(columns)
    for row in rows:
        savepoint = state.store.savepoint()
        record_id = ""
        try:
            values = bulk_csv.nested(columns, row)
            record_id = str(values.get("Id") or "")
            made, created = _save(state, by, sobject, job, values)
            outcome.successful.append((made, created, row))
        except Refused as refused:
            state.store.rollback(savepoint)
            fields = " ".join(refused.fields or ()) or "--"
            text = f"{refused.code}:{refused.message}:{fields}{'' if fields == '--' else ' --'}"
            outcome.failed.append((record_id, text, row))
    return outcome


def unprocessed(job: Work) -> Outcome:
    """Nothing was done: every record that was uploaded is left."""
    try:
        columns, rows = bulk_csv.read(job.data, job.delimiter, job.line_ending)
    except ValueError:
        return Outcome()
    return Outcome(columns, left=list(rows))


def _check_columns(view: View, sobject: SObject, job: Work, columns: Sequence[str]) -> None:
    if job.operation in ("delete", "hardDelete") and [c.lower() for c in columns] != ["id"]:
        raise ValueError(f"The '{job.operation}' batch must contain only ids")
    for name in columns:
        parent, dot, _ = name.partition(".")
        known = sobject.relationship(parent) if dot else view.field(sobject, name)
        if known is None:
            raise ValueError(f"Field name not found : {name}")


def _save(state: OrgState, by: Actor, sobject: SObject, job: Work, values: dict[str, Any]) -> tuple[str, bool]:
    """Id of the record, and whether it was made. Raises `Refused`."""
    if job.operation == "insert":
        return dml.insert(state, by, sobject, values), True
    key = job.external_id if job.operation == "upsert" else "Id"
    name = next((each for each in values if each.lower() == key.lower()), "")
    value = values.pop(name, None)
    if value is None:
        if job.operation == "upsert" and key.lower() == "id":
            return dml.insert(state, by, sobject, values), True
        raise Refused("MISSING_ARGUMENT", f"{key} not specified", [])
    if job.operation == "upsert" and key.lower() != "id":
        done = dml.upsert(state, by, sobject, key, value, values)
        return done.record_id, done.created
    row = dml.existing(state, by, sobject, str(value))
    if job.operation in ("delete", "hardDelete"):
        dml.delete(state, by, sobject, row["Id"])
        if job.operation == "hardDelete":
            state.store.put(sobject.name, row["Id"], None)
    else:
        dml.update(state, by, sobject, row["Id"], values)
    return str(row["Id"]), False
