"""Batches of records.

https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis#batch
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tradepost.sandbox.hubspot import access, writes
from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.call import Answer, Call, Route
from tradepost.sandbox.hubspot.errors import NOT_FOUND, Refused, bad_json
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.objects_api import MOST_WITH_HISTORY, not_unique, warned
from tradepost.sandbox.hubspot.records import Record
from tradepost.sandbox.hubspot.state import PortalState
from tradepost.sandbox.hubspot.times import stamp
from tradepost.sandbox.hubspot.values import text
from tradepost.sandbox.hubspot.view import View

MOST_INPUTS = 100
Rows = list[dict[str, Any]]
Input = Mapping[str, Any]


def envelope(state: PortalState, results: Sequence[Any], errors: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The answer of any batch; status stays COMPLETE when parts failed (observed)."""
    at = stamp(state.now())
    failed = {"numErrors": len(errors), "errors": list(errors)} if errors else {}
    return {"status": "COMPLETE", "results": list(results), "startedAt": at, "completedAt": at, **failed}


def inputs_of(state: PortalState, call: Call, most: int = MOST_INPUTS, what: str = "a batch") -> list[Input]:
    """Raises 400 for more inputs than are allowed (wording observed)."""
    rows = call.inputs()
    if len(rows) > most and state.strict.batch_cap:
        raise Refused(
            f"The maximum number of inputs supported in {what} is {most}. "
            "Please reduce the number of items and try again"
        )
    return rows


def _distinct(rows: Sequence[Input]) -> None:
    ids = [text(row.get("id")) for row in rows]
    twice = sorted({each for each in ids if ids.count(each) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise Refused(f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique")


def read_batch(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    history = [text(value) for value in call.fields.get("propertiesWithHistory") or []]
    limited = history and state.strict.history_cap
    rows = (
        inputs_of(state, call, MOST_WITH_HISTORY, "a batch request for property histories")
        if limited
        else inputs_of(state, call)
    )
    asked = call.fields.get("properties")
    names = [text(value) for value in asked] if isinstance(asked, list) else None
    id_property = text(call.fields.get("idProperty"))
    view, results, missing = View(state, call.actor), {}, []
    for row in rows:
        value = text(row.get("id"))
        record = _seek(state, kind, value, id_property, archived=call.flag("archived"))
        if record is None:
            missing.append(value)
        else:
            results[record.id] = view.record(record, names, history)
    return _read_answer(state, kind, list(results.values()), missing)


def _read_answer(state: PortalState, kind: Kind, results: Rows, missing: list[str]) -> Answer:
    if not missing or not state.strict.missing_ids_are_207:
        return Answer(body=envelope(state, results))
    return Answer(status=207, body=envelope(state, results, [_missing(kind, missing).entry()]))


def _missing(kind: Kind, ids: list[str]) -> Refused:
    message = f"Could not get some {kind.constant} objects, they may be deleted or not exist. Check that ids are valid."
    return Refused(message, status=404, category=NOT_FOUND, context={"ids": ids})


def _seek(
    state: PortalState, kind: Kind, value: str, id_property: str, *, archived: bool = False, merged: bool = True
) -> Record | None:
    """By id or unique value. Raises 400 for a property that is not unique."""
    if id_property:
        definition = state.property(kind, id_property)
        if definition is None or not definition.unique:
            if state.strict.unique_property_needed:
                raise not_unique(state, kind, id_property)
            return state.living(kind, value)
        return state.by_unique(kind, definition.name, value)
    if archived:
        found = state.records.find(kind, value, merged=False)
        return found if found is not None and found.archived else None
    return state.living(kind, value) if merged or value not in state.records.merged else None


def create_batch(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    rows = inputs_of(state, call)

    def plan(row: Input, claims: writes.Claims) -> writes.Plan:
        return writes.plan_create(state, call.actor, kind, row, claims)

    return _write(state, call, rows, plan, new_status=201)


def upsert_batch(account: Account, call: Call) -> Answer:
    """Create or change by a unique property. Contacts by email are all or none, trace ids or not.

    https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
    """
    state, kind = account.state, account.state.kind_of(call.args[0])
    rows = inputs_of(state, call)
    _distinct(rows)
    _by_unique(state, kind, rows)
    if state.strict.upsert_refuses_associations and any("associations" in row for row in rows):
        raise bad_json('Unrecognized field "associations", not marked as ignorable')

    def plan(row: Input, claims: writes.Claims) -> writes.Plan:
        return _plan_upsert(state, call, kind, row, claims)

    by_email = kind.plural == "contacts" and any(text(row.get("idProperty")) == "email" for row in rows)
    return _write(state, call, rows, plan, upsert=True, whole=by_email)


def _plan_upsert(state: PortalState, call: Call, kind: Kind, row: Input, claims: writes.Claims) -> writes.Plan:
    value, id_property = text(row.get("id")), text(row.get("idProperty"))
    if not id_property:
        record = state.living(kind, value)
        if record is None:
            raise _missing(kind, [value])
        return writes.plan_update(state, call.actor, record, row, claims)
    record = _seek(state, kind, value, id_property)
    if record is not None:
        return writes.plan_update(state, call.actor, record, row, claims)
    properties = {id_property: value, **writes.read_properties(row)}
    return writes.plan_create(state, call.actor, kind, {"properties": properties}, claims)


def _by_unique(state: PortalState, kind: Kind, rows: Sequence[Input], not_for_updates: str = "") -> None:
    """Raises 400 for the whole batch when a property is named that is not unique."""
    for name in dict.fromkeys(text(row.get("idProperty")) for row in rows):
        definition = state.property(kind, name) if name else None
        unique = definition is not None and definition.unique and name != not_for_updates
        if name and not unique and state.strict.unique_property_needed:
            raise not_unique(state, kind, name)


def update_batch(account: Account, call: Call) -> Answer:
    """Always answered one by one.

    https://developers.hubspot.com/changelog/simplifying-batch-update-response-codes-for-crm-v3-apis
    """
    state, kind = account.state, account.state.kind_of(call.args[0])
    rows = inputs_of(state, call)
    _distinct(rows)
    _by_unique(state, kind, rows, not_for_updates="email" if kind.plural == "contacts" else "")

    def plan(row: Input, claims: writes.Claims) -> writes.Plan:
        value = text(row.get("id"))
        record = _seek(state, kind, value, text(row.get("idProperty")), merged=False)
        if record is None:
            raise _missing(kind, [value])
        return writes.plan_update(state, call.actor, record, row, claims)

    return _one_by_one(state, call, rows, plan)


def archive_batch(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    for row in inputs_of(state, call):
        record = state.living(kind, text(row.get("id")))
        if record is not None:
            writes.archive(state, record)
    return Answer(status=204)


# --------------------------------------------------------------------------------------------- all, or one by one


def _write(state: PortalState, call: Call, rows: list[Input], plan: Any, **how: Any) -> Answer:
    """All or none, unless every input has a trace id.

    https://developers.hubspot.com/docs/api-reference/error-handling
    """
    traced = rows and all(row.get("objectWriteTraceId") for row in rows) and not how.get("whole")
    if traced or not state.strict.trace_ids_needed_for_207:
        return _one_by_one(state, call, rows, plan, **how)
    claims: writes.Claims = {}
    plans = [plan(row, claims) for row in rows]
    results = [_done(state, call, row, each, **how) for row, each in zip(rows, plans, strict=True)]
    return Answer(status=how.get("new_status", 200), body=envelope(state, results))


def _one_by_one(state: PortalState, call: Call, rows: list[Input], plan: Any, **how: Any) -> Answer:
    results: Rows = []
    errors: Rows = []
    for row in rows:
        try:
            results.append(_done(state, call, row, plan(row, {}), **how))
        except Refused as refused:
            trace = text(row.get("objectWriteTraceId"))
            errors.append(refused.entry({"objectWriteTraceId": [trace]} if trace else {}))
    status = 207 if errors else how.get("new_status", 200)
    return Answer(status=status, body=envelope(state, results, errors))


def _done(state: PortalState, call: Call, row: Input, plan: writes.Plan, **how: Any) -> dict[str, Any]:
    new = plan.record is None
    record = writes.carry_out(state, call.actor, plan)
    view = View(state, call.actor)
    shown = warned(call, view.whole(record) if new else view.record(record, list(plan.values)), plan)
    if row.get("objectWriteTraceId"):
        shown["objectWriteTraceId"] = text(row["objectWriteTraceId"])
    return shown | ({"new": new} if how.get("upsert") else {})


_READ, _WRITE = access.records("read"), access.records("write")
ROUTES = (
    Route("POST", ("*", "batch", "read"), "batch.read", "read", read_batch, _READ),
    Route("POST", ("*", "batch", "create"), "batch.create", "write", create_batch, _WRITE),
    Route("POST", ("*", "batch", "update"), "batch.update", "write", update_batch, _WRITE),
    Route("POST", ("*", "batch", "upsert"), "batch.upsert", "write", upsert_batch, _WRITE),
    Route("POST", ("*", "batch", "archive"), "batch.archive", "write", archive_batch, _WRITE),
)
