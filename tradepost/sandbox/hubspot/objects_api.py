"""The objects API: lists, single records, merge, search.

https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.hubspot import access, writes
from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.call import Answer, Call, Route
from tradepost.sandbox.hubspot.errors import Refused, not_found
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.paging import after_of, limit_of, next_page
from tradepost.sandbox.hubspot.records import Record
from tradepost.sandbox.hubspot.search import Search
from tradepost.sandbox.hubspot.state import PortalState
from tradepost.sandbox.hubspot.values import text
from tradepost.sandbox.hubspot.view import View

MOST_PAGE = 100
MOST_WITH_HISTORY = 50


def locate(state: PortalState, kind: Kind, record_id: str, id_property: str, *, archived: bool = False) -> Record:
    """The record that an id, or a unique value, names. Raises 404, or 400 for a property that is not unique."""
    if id_property and id_property != "hs_object_id":
        definition = state.property(kind, id_property)
        if definition is None:
            raise Refused(f"Property {id_property} does not exist on object type {kind.constant}")
        if not definition.unique and state.strict.unique_property_needed:
            raise not_unique(state, kind, id_property)
        found = _by_value(state, kind, definition.name, record_id)
        if found is None:
            raise not_found()
        return found
    if archived:
        shelved = state.records.find(kind, record_id, merged=False)
        if shelved is None or not shelved.archived:
            raise not_found()
        return shelved
    record = state.living(kind, record_id)
    if record is None:
        text_id = "" if record_id.isdecimal() else "Object not found.  objectId are usually numeric."
        raise not_found(text_id or "resource not found")
    return record


def _by_value(state: PortalState, kind: Kind, name: str, value: str) -> Record | None:
    found = state.by_unique(kind, name, value)
    if found is None and not state.strict.unique_property_needed:
        found = next((each for each in state.records.table(kind).living() if each.get(name) == value), None)
    return found


def not_unique(state: PortalState, kind: Kind, name: str) -> Refused:
    where = f"{kind.type_id} property {name} in portal ID {state.settings.portal_id}"
    return Refused(f"Unable to perform update/upsert by non-unique {where}")


def warned(call: Call, shown: dict[str, Any], plan: writes.Plan) -> dict[str, Any]:
    """Since 2026-09 answers tell what was normalised."""
    if plan.normalised and call.newest:
        shown["warnings"] = [
            {
                "category": "PROPERTY_VALUE_NORMALIZED",
                "message": f"The value of {name} was normalized",
                "context": {"propertyName": name, "rawValue": raw, "normalizedValue": value},
            }
            for name, raw, value in plan.normalised
        ]
    return shown


def list_records(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    history = call.names("propertiesWithHistory")
    most = MOST_WITH_HISTORY if history and state.strict.history_cap else MOST_PAGE
    limit = limit_of(state, call, 10, most)
    rows = state.records.table(kind).page(archived=call.flag("archived"), start=after_of(call), most=limit + 1)
    view = View(state, call.actor)
    body: dict[str, Any] = {"results": [_shown(view, call, record, history) for record in rows[:limit]]}
    if len(rows) > limit:
        after = str(rows[limit - 1].number + 1)
        body["paging"] = next_page(call, after, f"/crm/v3/objects/{call.args[0]}")
    return Answer(body=body)


def _shown(view: View, call: Call, record: Record, history: list[str]) -> dict[str, Any]:
    names = call.names("properties") if "properties" in call.query else None
    found = view.record(record, names, history)
    linked = view.associations(record, call.names("associations"))
    return found | ({"associations": linked} if linked else {})


def get_record(account: Account, call: Call) -> Answer:
    kind = account.state.kind_of(call.args[0])
    record = locate(account.state, kind, call.args[1], call.first("idProperty"), archived=call.flag("archived"))
    return Answer(body=_shown(View(account.state, call.actor), call, record, call.names("propertiesWithHistory")))


def create_record(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    plan = writes.plan_create(state, call.actor, kind, call.fields)
    record = writes.carry_out(state, call.actor, plan)
    return Answer(status=201, body=warned(call, View(state, call.actor).whole(record), plan))


def update_record(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    record = locate(state, kind, call.args[1], call.first("idProperty"))
    plan = writes.plan_update(state, call.actor, record, call.fields)
    writes.carry_out(state, call.actor, plan)
    return Answer(body=warned(call, View(state, call.actor).record(record, list(plan.values)), plan))


def archive_record(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    record = state.records.find(kind, call.args[1], merged=state.strict.old_ids_resolve)
    if record is None:
        raise not_found()
    writes.archive(state, record)
    return Answer(status=204)


def merge_records(account: Account, call: Call) -> Answer:
    kind = account.state.kind_of(call.args[0])
    primary, other = (text(call.fields.get(name)) for name in ("primaryObjectId", "objectIdToMerge"))
    record = writes.merge(account.state, call.actor, kind, primary, other)
    return Answer(body=View(account.state, call.actor).whole(record))


def gdpr_delete(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    record = locate(state, kind, text(call.fields.get("objectId")), text(call.fields.get("idProperty")))
    writes.erase(state, record)
    return Answer(status=204)


def search_records(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    search = Search(state, kind, call.fields, len(call.raw.decode("utf-8", "replace")))
    page = search.page()
    names = _strings(call.fields, "properties")
    view, index = View(state, call.actor), state.index.of(kind)
    results = []
    for record_id in page.ids:
        record = state.records.find(kind, record_id)
        if record is not None:
            results.append(view.record(record, names or None, document=index.documents[record_id]))
    paging = {"paging": {"next": {"after": page.after}}} if page.after else {}
    return Answer(body={"total": page.total, "results": results, **paging})


def _strings(body: Mapping[str, Any], name: str) -> list[str]:
    return [text(value) for value in body.get(name) or []]


_READ, _WRITE = access.records("read"), access.records("write")
ROUTES = (
    Route("POST", ("*", "search"), "search", "read", search_records, _READ, search=True),
    Route("POST", ("*", "merge"), "merge", "write", merge_records, _WRITE),
    Route("POST", ("*", "gdpr-delete"), "gdpr-delete", "write", gdpr_delete, _WRITE),
    Route("GET", ("*",), "list", "read", list_records, _READ),
    Route("POST", ("*",), "create", "write", create_record, _WRITE),
    Route("GET", ("*", "*"), "get", "read", get_record, _READ),
    Route("PATCH", ("*", "*"), "update", "write", update_record, _WRITE),
    Route("DELETE", ("*", "*"), "archive", "write", archive_record, _WRITE),
)
