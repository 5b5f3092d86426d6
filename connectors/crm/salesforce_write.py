"""Writing. New records and links go as composite graphs, each whole or not at all; records that people edit are
changed one by one, under the condition that nobody changed them meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from connectors.base.errors import Conflict, ConnectorError, Gone, OutcomeUnknown, Rejected, Transient
from connectors.base.model import (
    Attempt,
    CompleteTask,
    CreateCustomer,
    CreateTask,
    Customer,
    Effect,
    LinkEmail,
    LogEmail,
    MoveDeal,
    Receipt,
    RecordKind,
    Remove,
    SetFields,
    WriteKind,
)
from connectors.base.services import Clock
from connectors.crm.salesforce_api import SalesforceApi, stops_all
from connectors.crm.salesforce_find import SOBJECT, SalesforceFinder
from connectors.crm.salesforce_map import KEY_FIELD, LEDGER, LEDGER_RECORD, OBJECTS, id18, parse_time, select, soql_text
from connectors.crm.salesforce_org import SalesforceOrg
from connectors.crm.salesforce_parse import Fault, GraphOutcome, cause, error_of
from connectors.crm.salesforce_writes_map import (
    MAX_GRAPHS,
    MAX_NODES,
    Plan,
    close_plan,
    customer_plan,
    graph_json,
    log_plan,
    task_plan,
)

Answer = Receipt | ConnectorError
FindCustomers = Callable[[Sequence[str], Sequence[str]], Awaitable[Sequence[Customer]]]
HALTED = "PROCESSING_HALTED"
_GRAPHED = (LogEmail, LinkEmail, CreateTask, CompleteTask, CreateCustomer)
# The condition compares whole seconds; a record changed within this very second could change again unseen.
_TICK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Planned:
    """A write on its way: its place in the caller's list, and its graph."""

    at: int
    attempt: Attempt
    plan: Plan


class SalesforceWriter:
    """The write side of one org."""

    def __init__(
        self,
        api: SalesforceApi,
        org: SalesforceOrg,
        finder: SalesforceFinder,
        find_customers: FindCustomers,
        clock: Clock,
        *,
        skip_logged: bool,
    ) -> None:
        self._api = api
        self._org = org
        self._finder = finder
        self._find_customers = find_customers
        self._clock = clock
        self._skip_logged = skip_logged

    async def write_many(self, attempts: Sequence[Attempt]) -> tuple[Answer, ...]:
        """See `CrmTarget.write_many`. Raises only before anything was sent, or when one call held them all."""
        answers: dict[int, Answer] = {}
        graphed = [i for i, a in enumerate(attempts) if isinstance(a.write, _GRAPHED)]
        try:
            planned = await self._plan({i: attempts[i] for i in graphed}, answers)
        except ConnectorError as error:
            if len(graphed) == len(attempts):
                raise
            answers |= dict.fromkeys(graphed, error)
            planned = []
        for batch in _batches(planned):
            await self._send_batch(batch, answers)
        for i, attempt in enumerate(attempts):
            if i not in answers:
                answers[i] = _stopped(answers) or await self._alone(attempt)
        return _all_or_raise(tuple(answers[i] for i in range(len(attempts))))

    # ------------------------------------------------------------------------------------------------------- planning

    async def _plan(self, attempts: Mapping[int, Attempt], answers: dict[int, Answer]) -> list[Planned]:
        """Make the graphs; what needs none, or cannot be done any more, is answered at once. Only asks."""
        if not attempts:
            return []
        writes = [a.write for a in attempts.values()]
        mails = [w for w in writes if isinstance(w, LogEmail)]
        around = await self._org.around(await self._finder.accounts([m for m in mails if not m.deal]))
        logged = await self._finder.foreign([m.message_id for m in mails]) if self._skip_logged and mails else {}
        links = [w for w in writes if isinstance(w, LinkEmail)]
        link_plans = await self._finder.link_plans(links) if links else {}
        planned = []
        for i, attempt in attempts.items():
            write = attempt.write
            step: Plan | Answer
            if isinstance(write, LogEmail) and write.message_id in logged:
                step = self._receipt(write.key, logged[write.message_id], Effect.EXISTING, "already_logged")
            elif isinstance(write, LogEmail):
                step = log_plan(write, around)
            elif isinstance(write, LinkEmail):
                step = link_plans.get(write.key) or Gone("The logged mail is gone.", operation="composite.graph")
            elif isinstance(write, CreateTask):
                step = task_plan(write, around)
            elif isinstance(write, CompleteTask):
                step = await self._plan_close(write, around.closing)
            else:
                assert isinstance(write, CreateCustomer)  # noqa: S101 - the caller chose by kind
                step = await self._known(write) or customer_plan(write, around)
            if isinstance(step, Plan) and step.nodes:
                planned.append(Planned(i, attempt, step))
            else:
                answers[i] = self._unchanged(write.key, step) if isinstance(step, Plan) else step
        return planned

    def _unchanged(self, key: str, plan: Plan) -> Receipt:
        return self._receipt(key, plan.record, Effect.UNCHANGED, plan.note)

    async def _plan_close(self, write: CompleteTask, status: str) -> Plan | Answer:
        row = await self._finder.task(write)
        if row is None:
            return Gone("The task is deleted.", operation="composite.graph")
        if row.get("IsClosed"):
            return self._receipt(write.key, str(row["Id"]), Effect.UNCHANGED)
        if not status:
            hint = "The integration user sees no status that closes a task; grant it Access Activities."
            return Rejected(hint, operation="composite.graph", code="NO_CLOSED_STATUS")
        return close_plan(str(row["Id"]), status)

    async def _known(self, write: CreateCustomer) -> Receipt | None:
        """The record that bears the address by now. A contact comes before a lead."""
        order = (RecordKind.CONTACT, RecordKind.LEAD, RecordKind.COMPANY)
        found = await self._find_customers([write.email], [])
        live = sorted((c for c in found if not c.deleted and not c.merged_into), key=lambda c: order.index(c.ref.kind))
        return self._receipt(write.key, live[0].ref.id, Effect.EXISTING, "address_known") if live else None

    def _receipt(self, key: str, record: str, effect: Effect, note: str = "") -> Receipt:
        return self._finder.receipt(key, record, effect, note)

    # -------------------------------------------------------------------------------------------------------- sending

    async def _send_batch(self, batch: Sequence[Planned], answers: dict[int, Answer]) -> None:
        """Send one call, and what it did not come to in another.

        When Salesforce cannot read it as a whole, halves show which mail is to blame.
        """
        if not batch:
            return
        stopped = _stopped(answers)
        if stopped:
            answers |= {p.at: stopped for p in batch}
            return
        try:
            outcomes = await self._api.graphs([graph_json(f"g{p.at}", p.plan) for p in batch])
        except Rejected as error:
            if len(batch) == 1:
                answers[batch[0].at] = error
                return
            for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                await self._send_batch(half, answers)
        except ConnectorError as error:
            answers |= {p.at: error for p in batch}
        else:
            await self._read(batch, outcomes, answers)
            halted = [p for p in batch if cause(outcomes.get(f"g{p.at}", GraphOutcome()).faults).code == HALTED]
            # After 14 failures Salesforce runs no further graph; theirs was not the fault, and others were decided.
            if len(halted) < len(batch):
                await self._send_batch(halted, answers)

    async def _read(
        self, batch: Sequence[Planned], outcomes: Mapping[str, GraphOutcome], answers: dict[int, Answer]
    ) -> None:
        doubled = []
        for p in batch:
            outcome = outcomes.get(f"g{p.at}", GraphOutcome(unknown=True))
            fault = cause(outcome.faults)
            if fault.code == "DUPLICATE_VALUE":
                doubled.append((p, fault))
            elif fault.code == "DUPLICATES_DETECTED" and isinstance(p.attempt.write, CreateCustomer):
                answers[p.at] = await self._refused_double(p.attempt.write, fault)
            else:
                answers[p.at] = self._answer(p, outcome)
        for sobject in sorted({p.plan.sobject for p, _ in doubled}):
            await self._existing([d for d in doubled if d[0].plan.sobject == sobject], sobject, answers)

    def _answer(self, p: Planned, outcome: GraphOutcome) -> Answer:
        record = p.plan.record or outcome.ids.get(p.plan.nodes[0].ref, "")
        if outcome.faults:
            error = error_of(cause(outcome.faults), self._clock.now(), operation="composite.graph", status=200)
            return error or OutcomeUnknown("Salesforce gives no reason.", operation="composite.graph")
        if outcome.unknown or not record:
            return OutcomeUnknown("The answer does not tell how this write went.", operation="composite.graph")
        return self._receipt(p.attempt.write.key, record, p.plan.effect, p.plan.note)

    async def _existing(
        self, doubled: Sequence[tuple[Planned, Fault]], sobject: str, answers: dict[int, Answer]
    ) -> None:
        """The key is taken: that is success. The error's own text may hide the record, so it is asked for."""
        try:
            known = await self._finder.by_key(sobject, [p.attempt.write.key for p, _ in doubled])
        except ConnectorError as error:
            answers |= {p.at: error for p, _ in doubled}
            return
        for p, fault in doubled:
            key = p.attempt.write.key
            if key in known:
                note = "record_deleted" if known[key].deleted else ""
                answers[p.at] = self._receipt(key, known[key].id, Effect.EXISTING, note)
            else:
                answers[p.at] = _unseen(fault)

    async def _refused_double(self, write: CreateCustomer, fault: Fault) -> Answer:
        """A duplicate rule spoke. Only a record with the very address is taken for the same person."""
        try:
            known = await self._known(write)
        except ConnectorError as error:
            return error
        alike = ", ".join(fault.ids[:3])
        hint = "A duplicate rule of the org sees a similar record" + (f": {alike}" if alike else "")
        return known or Rejected(hint, operation="composite.graph", code=fault.code)

    # ---------------------------------------------------------------------------------------------------- one by one

    async def _alone(self, attempt: Attempt) -> Answer:
        write = attempt.write
        try:
            if isinstance(write, MoveDeal):
                return await self._move(write)
            if isinstance(write, SetFields):
                return await self._set(write)
            if isinstance(write, Remove):
                return await self._remove(write)
        except ConnectorError as error:
            return error
        return Rejected(f"Salesforce knows no write of kind {write.kind}.", code="UNSUPPORTED")

    async def _move(self, write: MoveDeal) -> Answer:
        """Move a deal that stands where we expect it, and has not been touched since we looked."""
        deal = id18(write.deal)
        stages = [s.id for s in (await self._org.facts()).pipeline.stages]
        if write.to_stage not in stages:
            return Rejected("The org has no such active stage.", operation="sobject.update", code="UNKNOWN_STAGE")
        row = await self._api.record("Opportunity", deal, ("Id", "StageName", "LastModifiedDate"))
        if row.get("StageName") == write.to_stage:
            return self._receipt(write.key, deal, Effect.UNCHANGED)
        if row.get("StageName") != write.expect_stage:
            return _person_moved()
        try:
            await self._change("Opportunity", deal, {"StageName": write.to_stage}, str(row["LastModifiedDate"]))
        except Conflict:
            return await self._after_conflict(write, deal)
        return self._receipt(write.key, deal, Effect.CHANGED)

    async def _after_conflict(self, write: MoveDeal, deal: str) -> Answer:
        """Somebody saved the deal in between: did they move it, or only edit it?"""
        row = await self._api.record("Opportunity", deal, ("Id", "StageName"))
        if row.get("StageName") == write.to_stage:
            return self._receipt(write.key, deal, Effect.UNCHANGED)
        if row.get("StageName") == write.expect_stage:
            return Transient("Somebody is editing the deal.", operation="sobject.update", status=412)
        return _person_moved()

    async def _change(self, sobject: str, record: str, body: Mapping[str, object], modified: str) -> None:
        last = parse_time(modified)
        if self._api.server_now.replace(microsecond=0) - last.replace(microsecond=0) < _TICK:
            raise Transient("Somebody saved the record this very second.", operation="sobject.update")
        await self._api.change(sobject, record, body, last)

    async def _set(self, write: SetFields) -> Answer:
        """Fill fields, by default only empty ones."""
        sobject, record = OBJECTS[write.record.kind], id18(write.record.id)
        shape = await self._org.shape(sobject)
        names = [name for name, _ in write.fields]
        missing = [n for n in names if shape is None or n not in shape.fields or not shape.fields[n].updateable]
        if missing:
            hint = f"The integration user may not edit {sobject}.{missing[0]}; grant it by field-level security."
            return Rejected(hint, operation="sobject.update", code="INVALID_FIELD")
        row = await self._api.record(sobject, record, ("Id", "LastModifiedDate", *names))
        same = {n: v for n, v in write.fields if str(row.get(n) if row.get(n) is not None else "") != v}
        body = {n: v for n, v in same.items() if not write.only_if_empty or row.get(n) in {None, ""}}
        if not body:
            return self._receipt(write.key, record, Effect.UNCHANGED)
        try:
            await self._change(sobject, record, body, str(row["LastModifiedDate"]))
        except Conflict as error:
            return Transient("Somebody is editing the record.", operation=error.operation, status=412)
        return self._receipt(write.key, record, Effect.CHANGED)

    async def _remove(self, write: Remove) -> Answer:
        """Delete what we made, its ledger row and, for a mail, the platform's task. What is not ours stays."""
        sobject, record = SOBJECT.get(write.made_by), id18(write.record)
        if sobject is None:
            return Rejected(f"A {write.made_by} leaves no record to remove.", operation="sobject.delete")
        ledger = await self._ledger(record)
        if not ledger and not await self._is_ours(sobject, record):
            return Rejected("The record does not bear our key.", operation="sobject.delete", code="NOT_OURS")
        if await self._is_converted(sobject, record):
            return Conflict("People have converted the lead.", operation="sobject.delete", code="CONVERTED")
        task = await self._task_of(record) if write.made_by is WriteKind.LOG_EMAIL else ""
        there = await self._api.delete(sobject, record)
        if task:
            await self._api.delete("Task", task)
        for row in ledger:
            await self._api.delete(LEDGER, row)
        return self._receipt(write.key, record, Effect.CHANGED if there else Effect.UNCHANGED)

    async def _is_ours(self, sobject: str, record: str) -> bool:
        """True as well for a record that is gone already."""
        shape = await self._org.shape(sobject)
        key = (KEY_FIELD,) if shape and KEY_FIELD in shape.fields else ()
        try:
            row = await self._api.record(sobject, record, ("Id", "CreatedById", *key))
        except Gone:
            return True
        return bool(row.get(KEY_FIELD)) if key else row.get("CreatedById") == (await self._org.facts()).me.user

    async def _is_converted(self, sobject: str, record: str) -> bool:
        if sobject != "Lead":
            return False
        try:
            return bool((await self._api.record(sobject, record, ("Id", "IsConverted"))).get("IsConverted"))
        except Gone:
            return False

    async def _ledger(self, record: str) -> list[str]:
        shape = await self._org.shape(LEDGER)
        if shape is None or LEDGER_RECORD not in shape.fields:
            return []
        rows = await self._api.query(select(("Id",), LEDGER, f"{LEDGER_RECORD} = {soql_text(record)}"))
        return [str(r["Id"]) for r in rows]

    async def _task_of(self, mail: str) -> str:
        try:
            row = await self._api.record("EmailMessage", mail, ("Id", "ActivityId"))
        except Gone:
            return ""
        return str(row.get("ActivityId") or "")


def _all_or_raise(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """Raise the one error of a call that failed as a whole; what concerns one record only is an answer."""
    first = answers[0] if answers else None
    whole = isinstance(first, ConnectorError) and not isinstance(first, (Rejected, Gone, Conflict))
    if isinstance(first, ConnectorError) and whole and all(a is first for a in answers):
        raise first
    return answers


def _stopped(answers: Mapping[int, Answer]) -> ConnectorError | None:
    """The error after which nothing more is sent in this round."""
    return next((a for a in answers.values() if isinstance(a, ConnectorError) and stops_all(a)), None)


def _batches(planned: Sequence[Planned]) -> list[list[Planned]]:
    """As few calls as the platform's limits on graphs and nodes allow."""
    batches: list[list[Planned]] = []
    nodes = 0
    for p in planned:
        nodes += len(p.plan.nodes)
        if not batches or len(batches[-1]) >= MAX_GRAPHS or nodes > MAX_NODES:
            batches.append([])
            nodes = len(p.plan.nodes)
        batches[-1].append(p)
    return batches


def _person_moved() -> Conflict:
    return Conflict("A person moved the deal first.", operation="sobject.update", code="PERSON_MOVED_DEAL")


def _unseen(fault: Fault) -> ConnectorError:
    if fault.ours:
        hint = "The key is taken by a record the integration user cannot see; grant it View All on the object."
        return Transient(hint, operation="composite.graph", code=fault.code)
    names = ", ".join(fault.names)
    hint = "Another unique field of the org has this value already" + (f": {names}" if names else "")
    return Rejected(hint, operation="composite.graph", code=fault.code)
