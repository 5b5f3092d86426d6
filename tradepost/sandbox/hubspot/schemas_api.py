"""The account's own kinds of objects.

https://developers.hubspot.com/docs/api-reference/latest/crm/objects/schemas/guide
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tradepost.sandbox.hubspot import access
from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.call import Answer, Call, Route
from tradepost.sandbox.hubspot.defining import make
from tradepost.sandbox.hubspot.errors import Refused, bad_json, not_found
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.links import LinkType
from tradepost.sandbox.hubspot.properties_api import show
from tradepost.sandbox.hubspot.state import PortalState
from tradepost.sandbox.hubspot.times import stamp
from tradepost.sandbox.hubspot.values import text

MOST_KINDS = 10
_ACTIVITIES = ("emails", "meetings", "notes", "tasks", "calls", "communications", "postal_mail")


def list_schemas(account: Account, call: Call) -> Answer:
    archived = call.flag("archived")
    rows = [] if archived else [_shown(account.state, plural) for plural in account.state.schemas]
    return Answer(body={"results": rows})


def get_schema(account: Account, call: Call) -> Answer:
    kind = account.state.kind_of(call.args[0])
    if kind.custom:
        return Answer(body=_shown(account.state, kind.plural))
    return Answer(body=_standard(account.state, kind))


def create_schema(account: Account, call: Call) -> Answer:
    state, body = account.state, call.fields
    name, labels = text(body.get("name")).lower(), body.get("labels")
    if not name or not isinstance(labels, Mapping) or not isinstance(body.get("properties"), list):
        raise bad_json("Some required fields were not set: [name, labels, properties]")
    if state.kinds.find(name) is not None:
        raise Refused(f"An object type named {name} already exists", status=409, category="OBJECT_ALREADY_EXISTS")
    if len(state.schemas) >= MOST_KINDS:
        raise Refused("Maximum number of object schemas reached")
    kind = _add_kind(state, name, body)
    group = f"{name}_information"
    for row in body["properties"]:
        made = make(state, kind, {"groupName": group, "fieldType": "text", "type": "string", **row}, "")
        state.definitions(kind).put(replace(made, unique=bool(row.get("hasUniqueValue"))))
    for other in (*body.get("associatedObjects", []), *_ACTIVITIES):
        state.types.link(kind, state.kind_of(text(other)), own=False)
    return Answer(status=201, body=_shown(state, kind.plural))


def _add_kind(state: PortalState, name: str, body: Mapping[str, Any]) -> Kind:
    title = text(body.get("primaryDisplayProperty"))
    required = [text(each) for each in body.get("requiredProperties") or []]
    searchable = tuple(text(each) for each in body.get("searchableProperties") or [])
    qualified = f"p{state.settings.portal_id}_{name}"
    kind = Kind(
        plural=qualified,
        singular=name,
        type_id=f"2-{state.new_id()}",
        scope="custom",
        title=title,
        defaults=(title,) if title else (),
        searched=searchable or ((title,) if title else ()),
        custom=True,
    )
    state.kinds.add(kind, f"p_{name}", text(body["labels"].get("plural")), f"{name}s")
    now = stamp(state.now())
    state.schemas[kind.plural] = {
        "name": name,
        "labels": {each: text(body["labels"].get(each)) for each in ("singular", "plural")},
        "description": text(body.get("description")),
        "requiredProperties": required,
        "searchableProperties": list(searchable),
        "primaryDisplayProperty": title,
        "secondaryDisplayProperties": [text(each) for each in body.get("secondaryDisplayProperties") or []],
        "createdAt": now,
        "updatedAt": now,
    }
    return kind


def update_schema(account: Account, call: Call) -> Answer:
    held = _own(account.state, call.args[0])
    names: tuple[str, ...] = ("labels", "description", "requiredProperties", "searchableProperties")
    names += ("primaryDisplayProperty", "secondaryDisplayProperties")
    account.state.schemas[held.plural] |= {name: call.fields[name] for name in names if name in call.fields}
    account.state.schemas[held.plural]["updatedAt"] = stamp(account.state.now())
    return Answer(body=_shown(account.state, held.plural))


def add_association(account: Account, call: Call) -> Answer:
    start = account.state.kind_of(text(call.fields.get("fromObjectTypeId")) or call.args[0])
    end = account.state.kind_of(text(call.fields.get("toObjectTypeId")))
    made = account.state.types.link(start, end, own=False, name=text(call.fields.get("name")))
    return Answer(status=201, body=_association(account.state, made))


def delete_schema(account: Account, call: Call) -> Answer:
    kind = _own(account.state, call.args[0])
    if account.state.records.table(kind).shown[False]:
        raise Refused("Cannot delete an object schema that has records")
    account.state.kinds.remove(kind)
    del account.state.schemas[kind.plural]
    return Answer(status=204)


def _own(state: PortalState, name: str) -> Kind:
    kind = state.kind_of(name)
    if not kind.custom:
        raise not_found()
    return kind


def _shown(state: PortalState, plural: str) -> dict[str, Any]:
    kind = state.kind_of(plural)
    return _base(state, kind) | state.schemas[plural] | {"archived": False}


def _standard(state: PortalState, kind: Kind) -> dict[str, Any]:
    labels = {"singular": kind.singular.capitalize(), "plural": kind.plural.capitalize()}
    facts: dict[str, Any] = {"name": kind.constant, "labels": labels, "archived": False}
    facts |= {"requiredProperties": list(kind.required), "searchableProperties": list(kind.searched)}
    return _base(state, kind) | facts | {"primaryDisplayProperty": kind.title, "secondaryDisplayProperties": []}


def _base(state: PortalState, kind: Kind) -> dict[str, Any]:
    return {
        "id": kind.type_id.partition("-")[2],
        "objectTypeId": kind.type_id,
        "fullyQualifiedName": kind.plural if kind.custom else kind.constant,
        "properties": [show(state, kind, each) for each in state.definitions(kind)],
        "associations": [_association(state, link) for link in state.types.by_id.values() if link.start == kind.plural],
    }


def _association(state: PortalState, link: LinkType) -> dict[str, Any]:
    start, end = state.kind_of(link.start), state.kind_of(link.end)
    return {
        "fromObjectTypeId": start.type_id,
        "toObjectTypeId": end.type_id,
        "name": f"{start.singular}_to_{end.singular}",
        "id": str(link.id),
    }


_READ = access.one_of("crm.schemas.custom.read")
_WRITE = access.one_of("crm.schemas.custom.write", "crm.schemas.custom.read")
ROUTES = (
    Route("GET", (), "list", "read", list_schemas, _READ),
    Route("POST", (), "create", "write", create_schema, _WRITE),
    Route("GET", ("*",), "get", "read", get_schema, _READ),
    Route("PATCH", ("*",), "update", "write", update_schema, _WRITE),
    Route("POST", ("*", "associations"), "associations.create", "write", add_association, _WRITE),
    Route("DELETE", ("*",), "archive", "write", delete_schema, _WRITE),
)
