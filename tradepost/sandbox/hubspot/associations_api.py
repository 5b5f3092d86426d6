"""Associations, as v3, v4 and the dated versions have them.

https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.hubspot import access, linking
from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.batch_api import envelope, inputs_of
from tradepost.sandbox.hubspot.call import Answer, Call, Route
from tradepost.sandbox.hubspot.errors import NOT_FOUND, Refused, bad_json, not_found
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.links import LinkType
from tradepost.sandbox.hubspot.paging import after_of, limit_of, next_page
from tradepost.sandbox.hubspot.records import Record
from tradepost.sandbox.hubspot.state import PortalState
from tradepost.sandbox.hubspot.values import text
from tradepost.sandbox.hubspot.view import MOST_LINKS, View, type_name, type_named

MOST_CREATED, MOST_READ, MOST_ARCHIVED = 2_000, 1_000, 100


def _id(state: PortalState, call: Call, record_id: str) -> Any:
    """v4 tells ids of ends as numbers (observed), the others as strings."""
    return int(record_id) if call.version == "v4" or not state.strict.ids_are_strings else record_id


def _record(state: PortalState, kind: Kind, record_id: str) -> Record:
    found = state.living(kind, record_id)
    if found is None:
        raise Refused(
            f"{kind.constant}={record_id} is not valid",
            sub_category="crm.associations.INVALID_OBJECT_IDS",
            context={kind.constant: [record_id]},
        )
    return found


def _end_row(state: PortalState, call: Call, end: str, types: list[LinkType]) -> dict[str, Any]:
    return {"toObjectId": _id(state, call, end), "associationTypes": [each.json() for each in types]}


def _v3_rows(state: PortalState, call: Call, end: str, types: list[LinkType]) -> list[dict[str, Any]]:
    return [{"id": _id(state, call, end), "type": type_name(state, each)} for each in types]


def _pair(state: PortalState, call: Call, start: Record, end: Record, types: list[LinkType]) -> dict[str, Any]:
    """LabelsBetweenObjectPair."""
    return {
        "fromObjectTypeId": start.kind.type_id,
        "fromObjectId": _id(state, call, start.id),
        "toObjectTypeId": end.kind.type_id,
        "toObjectId": _id(state, call, end.id),
        "labels": [each.label for each in types if each.label],
    }


# ---------------------------------------------------------------------------------------------------- of one record


def list_links(account: Account, call: Call) -> Answer:
    state, (start, record_id, end) = account.state, call.args
    kind = state.kind_of(end)
    record = state.living(state.kind_of(start), record_id)
    if record is None:
        raise not_found()
    limit, after = limit_of(state, call, MOST_LINKS, MOST_LINKS), after_of(call)
    rows = [row for row in View(state, call.actor).ends(record, kind) if int(row[0]) >= after]
    shown = rows[:limit]
    if call.version == "v3":
        results = [each for end_id, types in shown for each in _v3_rows(state, call, end_id, types)]
    else:
        results = [_end_row(state, call, *row) for row in shown]
    body: dict[str, Any] = {"results": results}
    if len(rows) > limit:
        legacy = f"/crm/v3/objects/{start}/{record_id}/associations/{end}"
        body["paging"] = next_page(call, str(int(shown[-1][0]) + 1), legacy)
    return Answer(body=body)


def _ends(state: PortalState, args: tuple[str, ...]) -> tuple[Record, Record]:
    start, start_id, end, end_id = args[:4]
    return _record(state, state.kind_of(start), start_id), _record(state, state.kind_of(end), end_id)


def put_link(account: Account, call: Call) -> Answer:
    """With the types in the body, which must be there."""
    state = account.state
    start, end = _ends(state, call.args)
    types = linking.read_types(state, start.kind, end.kind, call.body)
    for each in types:
        linking.connect(state, start, end, each)
    return Answer(status=201, body=_pair(state, call, start, end, types))


def put_default_link(account: Account, call: Call) -> Answer:
    state = account.state
    start, end = _ends(state, call.args)
    return Answer(body=envelope(state, _connect_default(state, start, end)))


def _connect_default(state: PortalState, start: Record, end: Record) -> list[dict[str, Any]]:
    """Both directions are told."""
    link = state.types.default(start.kind, end.kind)
    linking.connect(state, start, end, link)
    return [_spec(start, end, link.category, link.id), _spec(end, start, link.category, link.back)]


def _spec(start: Record, end: Record, category: str, type_id: int) -> dict[str, Any]:
    spec = {"associationCategory": category, "associationTypeId": type_id}
    return {"from": {"id": start.id}, "to": {"id": end.id}, "associationSpec": spec}


def put_link_v3(account: Account, call: Call) -> Answer:
    state = account.state
    start, end = _ends(state, call.args)
    linking.connect(state, start, end, type_named(state, start.kind, end.kind, call.args[4]))
    view = View(state, call.actor)
    return Answer(body=view.record(start) | {"associations": view.associations(start, [end.kind.plural])})


def delete_link(account: Account, call: Call) -> Answer:
    """Without a type (v3 names one) all of them go."""
    state, (start, start_id, end, end_id) = account.state, call.args[:4]
    record, kind = _record(state, state.kind_of(start), start_id), state.kind_of(end)
    link = type_named(state, record.kind, kind, call.args[4]) if len(call.args) > 4 else None
    linking.disconnect(state, record, end_id, kind, link)
    return Answer(status=204)


# ---------------------------------------------------------------------------------------------------- batches


def _between(account: Account, call: Call) -> tuple[Kind, Kind]:
    return account.state.kind_of(call.args[0]), account.state.kind_of(call.args[1])


def _id_in(row: Mapping[str, Any], name: str) -> str:
    inner = row.get(name)
    if not isinstance(inner, Mapping):
        raise bad_json(f"Some required fields were not set: [{name}]")
    return text(inner.get("id"))


def read_batch(account: Account, call: Call) -> Answer:
    state, (start, end) = account.state, _between(account, call)
    view, results, errors = View(state, call.actor), [], []
    for row in inputs_of(state, call, MOST_READ):
        record_id = text(row.get("id"))
        record = state.living(start, record_id)
        after = int(text(row.get("after")) or 0)
        found = [each for each in view.ends(record, end) if int(each[0]) >= after] if record is not None else []
        if found:
            results.append(_read_row(state, call, record_id, found))
        elif state.strict.unlinked_ids_are_errors:
            errors.append(_unlinked(start, end, record_id).entry())
    return Answer(status=207 if errors else 200, body=envelope(state, results, errors))


def _read_row(
    state: PortalState, call: Call, record_id: str, found: list[tuple[str, list[LinkType]]]
) -> dict[str, Any]:
    shown = found[:MOST_LINKS]
    if call.version == "v3":
        ends = [each for end, types in shown for each in _v3_rows(state, call, end, types)]
    else:
        ends = [_end_row(state, call, *each) for each in shown]
    row: dict[str, Any] = {"from": {"id": record_id}, "to": ends}
    if len(found) > MOST_LINKS:
        row["paging"] = {"next": {"after": str(int(shown[-1][0]) + 1)}}
    return row


def _unlinked(start: Kind, end: Kind, record_id: str) -> Refused:
    """Observed August 2026."""
    return Refused(
        f"No {end.singular} is associated with {start.singular} {record_id}.",
        status=404,
        category=NOT_FOUND,
        sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
        context={
            "fromObjectId": [record_id],
            "fromObjectType": [start.singular],
            "toObjectType": [end.singular],
        },
    )


def create_batch(account: Account, call: Call) -> Answer:
    state, (start, end) = account.state, _between(account, call)
    rows = [(row, _types(state, call, start, end, row)) for row in inputs_of(state, call, MOST_CREATED)]
    results, errors = [], []
    for row, types in rows:
        try:
            one = _record(state, start, _id_in(row, "from"))
            other = _record(state, end, _id_in(row, "to"))
        except Refused as refused:
            errors.append(refused.entry())
            continue
        for each in types:
            linking.connect(state, one, other, each)
        results.append(_created(state, call, one, other, types))
    return Answer(status=207 if errors else 200 if call.newest else 201, body=envelope(state, results, errors))


def _types(state: PortalState, call: Call, start: Kind, end: Kind, row: Mapping[str, Any]) -> list[LinkType]:
    if call.version == "v3":
        return [type_named(state, start, end, text(row.get("type")))]
    return linking.read_types(state, start, end, row.get("types"))


def _created(state: PortalState, call: Call, one: Record, other: Record, types: list[LinkType]) -> dict[str, Any]:
    if call.version == "v3":
        return {"from": {"id": one.id}, "to": {"id": other.id}, "type": type_name(state, types[0])}
    return _pair(state, call, one, other, types)


def default_batch(account: Account, call: Call) -> Answer:
    state, (start, end) = account.state, _between(account, call)
    results, errors = [], []
    for row in inputs_of(state, call, MOST_CREATED):
        try:
            one, other = _record(state, start, _id_in(row, "from")), _record(state, end, _id_in(row, "to"))
            results.extend(_connect_default(state, one, other))
        except Refused as refused:
            errors.append(refused.entry())
    return Answer(status=207 if errors else 200, body=envelope(state, results, errors))


def archive_batch(account: Account, call: Call) -> Answer:
    """`to` is a list of ids; v3 has one id and a type."""
    state, (start, end) = account.state, _between(account, call)
    for row in inputs_of(state, call, MOST_ARCHIVED):
        record = state.living(start, _id_in(row, "from"))
        if record is None:
            continue
        if isinstance(row.get("to"), list):
            for each in row["to"]:
                linking.disconnect(state, record, text(each.get("id")), end)
        else:
            link = type_named(state, start, end, text(row.get("type"))) if call.version == "v3" else None
            linking.disconnect(state, record, _id_in(row, "to"), end, link)
    return _archived(state, call)


def _archived(state: PortalState, call: Call) -> Answer:
    """Dated versions answer with an empty envelope, older ones with nothing."""
    return Answer(body=envelope(state, [])) if call.dated else Answer(status=204)


def archive_labels(account: Account, call: Call) -> Answer:
    state, (start, end) = account.state, _between(account, call)
    for row in inputs_of(state, call, MOST_ARCHIVED):
        record = state.living(start, _id_in(row, "from"))
        for link in linking.read_types(state, start, end, row.get("types")):
            if record is not None:
                linking.disconnect(state, record, _id_in(row, "to"), end, link)
    return _archived(state, call)


# ---------------------------------------------------------------------------------------------------- types


def list_labels(account: Account, call: Call) -> Answer:
    start, end = _between(account, call)
    return Answer(body={"results": [each.json() for each in account.state.types.between(start.plural, end.plural)]})


def list_types(account: Account, call: Call) -> Answer:
    """v3: ids and names."""
    start, end = _between(account, call)
    rows = account.state.types.between(start.plural, end.plural)
    return Answer(body={"results": [{"id": str(e.id), "name": type_name(account.state, e)} for e in rows]})


def create_label(account: Account, call: Call) -> Answer:
    start, end = _between(account, call)
    label, name = text(call.fields.get("label")), text(call.fields.get("name"))
    if not label or not name:
        raise bad_json("Some required fields were not set: [label, name]")
    inverse = text(call.fields.get("inverseLabel"))
    made = account.state.types.link(start, end, label, inverse, own=True, name=name)
    both = [made] if made.back == made.id else [made, account.state.types.by_id[made.back]]
    return Answer(body={"results": [each.json() for each in both]})


def update_label(account: Account, call: Call) -> Answer:
    held = account.state.types.by_id.get(int(text(call.fields.get("associationTypeId")) or 0))
    if held is None or held.category != "USER_DEFINED":
        raise not_found()
    account.state.types.rename(held.id, text(call.fields.get("label")), text(call.fields.get("inverseLabel")))
    return Answer(status=204)


def delete_label(account: Account, call: Call) -> Answer:
    held = account.state.types.by_id.get(int(call.args[2])) if call.args[2].isdecimal() else None
    if held is None or held.category != "USER_DEFINED":
        raise not_found()
    account.state.types.remove(held.id)
    return Answer(status=204)


def configurations(_account: Account, _call: Call) -> Answer:
    """No account of ours limits how many ends a record may have."""
    return Answer(body={"results": []})


_READ_LINKS, _WRITE_LINKS = access.records("read", 0, 2), access.records("write", 0, 2)
_READ, _WRITE = access.records("read", 0, 1), access.records("write", 0, 1)
_ONE = ("*", "*", "associations")
OBJECT_ROUTES = (
    Route("GET", (*_ONE, "*"), "associations.list", "read", list_links, _READ_LINKS),
    Route("PUT", (*_ONE, "default", "*", "*"), "associations.default", "write", put_default_link, _WRITE_LINKS),
    Route("PUT", (*_ONE, "*", "*"), "associations.create", "write", put_link, _WRITE_LINKS),
    Route("PUT", (*_ONE, "*", "*", "*"), "associations.create", "write", put_link_v3, _WRITE_LINKS),
    Route("DELETE", (*_ONE, "*", "*"), "associations.archive", "write", delete_link, _WRITE_LINKS),
    Route("DELETE", (*_ONE, "*", "*", "*"), "associations.archive", "write", delete_link, _WRITE_LINKS),
)
ROUTES = (
    Route("GET", ("definitions", "configurations", "all"), "configurations.list", "read", configurations),
    Route("GET", ("definitions", "configurations", "*", "*"), "configurations.list", "read", configurations, _READ),
    Route("POST", ("*", "*", "batch", "read"), "batch.read", "read", read_batch, _READ),
    Route("POST", ("*", "*", "batch", "create"), "batch.create", "write", create_batch, _WRITE),
    Route("POST", ("*", "*", "batch", "associate", "default"), "batch.default", "write", default_batch, _WRITE),
    Route("POST", ("*", "*", "batch", "archive"), "batch.archive", "write", archive_batch, _WRITE),
    Route("POST", ("*", "*", "batch", "labels", "archive"), "batch.labels.archive", "write", archive_labels, _WRITE),
    Route("GET", ("*", "*", "labels"), "labels.list", "read", list_labels, _READ),
    Route("POST", ("*", "*", "labels"), "labels.create", "write", create_label, _WRITE),
    Route("PUT", ("*", "*", "labels"), "labels.update", "write", update_label, _WRITE),
    Route("DELETE", ("*", "*", "labels", "*"), "labels.delete", "write", delete_label, _WRITE),
    Route("GET", ("*", "*", "types"), "types.list", "read", list_types, _READ),
)
