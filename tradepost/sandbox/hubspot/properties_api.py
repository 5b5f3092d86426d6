"""Properties and their groups.

https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tradepost.sandbox.hubspot import access
from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.batch_api import envelope, inputs_of
from tradepost.sandbox.hubspot.call import Answer, Call, Route
from tradepost.sandbox.hubspot.defining import make, read_options
from tradepost.sandbox.hubspot.definitions import Group, Option, Property
from tradepost.sandbox.hubspot.errors import NOT_FOUND, Refused
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.pipelines import pipeline_property, stage_property
from tradepost.sandbox.hubspot.state import PortalState
from tradepost.sandbox.hubspot.times import stamp
from tradepost.sandbox.hubspot.values import text


def _options(state: PortalState, kind: Kind, each: Property) -> list[dict[str, Any]]:
    pipelines = state.pipelines.get(kind.plural, {})
    if each.name == stage_property(kind.plural) and pipelines:
        stages = [stage for pipeline in pipelines.values() for stage in pipeline.stages.values()]
        return [Option(value=s.id, label=s.label, order=s.order).json() for s in stages]
    if each.name == pipeline_property(kind.plural) and pipelines:
        return [Option(value=p.id, label=p.label, order=p.order).json() for p in pipelines.values()]
    return [option.json() for option in each.options]


def show(state: PortalState, kind: Kind, each: Property) -> dict[str, Any]:
    """Property, as v3 and later have it."""
    began = next(iter(next(iter(state.pipelines.values())).values())).created_at
    found: dict[str, Any] = {
        "updatedAt": stamp(each.updated_at or began),
        "createdAt": stamp(each.created_at or began),
        "name": each.name,
        "label": each.label,
        "type": each.type,
        "fieldType": each.field_type,
        "description": each.description,
        "groupName": each.group,
        "options": _options(state, kind, each),
        "displayOrder": each.order,
        "calculated": each.calculated,
        "externalOptions": each.open_options and each.type == "enumeration",
        "archived": each.archived,
        "hasUniqueValue": each.unique,
        "hidden": each.hidden,
        "hubspotDefined": each.defined_by_hubspot,
        "modificationMetadata": {
            "archivable": not each.defined_by_hubspot,
            "readOnlyDefinition": each.defined_by_hubspot,
            "readOnlyOptions": each.defined_by_hubspot,
            "readOnlyValue": each.read_only,
        },
        "formField": each.form_field,
        "dataSensitivity": "non_sensitive",
    }
    if each.name == "hubspot_owner_id":
        found["referencedObjectType"] = "OWNER"
    if each.created_by:
        found["createdUserId"] = each.created_by
    if each.archived_at is not None:
        found["archivedAt"] = stamp(each.archived_at)
    return found


def find(state: PortalState, kind: Kind, name: str, *, archived: bool = False) -> Property:
    """Raises 404."""
    each = state.definitions(kind).properties.get(name.lower())
    if each is None or each.archived != archived:
        raise Refused(
            f"Property with name {name} does not exist on object type {kind.type_id}",
            status=404,
            category=NOT_FOUND,
            sub_category="Properties.PROPERTY_NOT_FOUND",
        )
    return each


def list_properties(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    archived = call.flag("archived")
    rows = [each for each in state.definitions(kind).properties.values() if each.archived == archived]
    return Answer(body={"results": [show(state, kind, each) for each in sorted(rows, key=lambda p: p.name)]})


def get_property(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    return Answer(body=show(state, kind, find(state, kind, call.args[1], archived=call.flag("archived"))))


def create_property(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    return Answer(status=201, body=show(state, kind, make(state, kind, call.fields, _user(call))))


def _user(call: Call) -> str:
    return str(call.actor.source.user_id or "")


def update_property(account: Account, call: Call) -> Answer:
    """What can be changed; neither the name nor uniqueness."""
    state, kind = account.state, account.state.kind_of(call.args[0])
    each = find(state, kind, call.args[1])
    if each.defined_by_hubspot and set(call.fields) - {"options"}:
        raise Refused(f"Property {each.name} is defined by HubSpot and cannot be changed")
    texts = {"label": "label", "description": "description", "groupName": "group", "fieldType": "field_type"}
    changes: dict[str, Any] = {own: text(call.fields[name]) for name, own in texts.items() if name in call.fields}
    if "options" in call.fields:
        changes["options"] = read_options(call.fields["options"])
    changed = replace(each, updated_at=state.now(), **changes)
    state.definitions(kind).put(changed)
    return Answer(body=show(state, kind, changed))


def archive_property(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    _archive(state, kind, call.args[1])
    return Answer(status=204)


def _archive(state: PortalState, kind: Kind, name: str) -> None:
    each = find(state, kind, name)
    if each.defined_by_hubspot:
        raise Refused(f"Property {name} is defined by HubSpot and cannot be archived")
    state.definitions(kind).put(replace(each, archived_at=state.now()))


def read_batch(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    archived, results, errors = bool(call.fields.get("archived")), [], []
    for row in inputs_of(state, call):
        try:
            results.append(show(state, kind, find(state, kind, text(row.get("name")), archived=archived)))
        except Refused as refused:
            errors.append(refused.entry())
    return Answer(status=207 if errors else 200, body=envelope(state, results, errors))


def create_batch(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    results, errors = [], []
    for row in inputs_of(state, call):
        try:
            results.append(show(state, kind, make(state, kind, row, _user(call))))
        except Refused as refused:
            errors.append(refused.entry())
    return Answer(status=207 if errors else 200 if call.newest else 201, body=envelope(state, results, errors))


def archive_batch(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    for row in inputs_of(state, call):
        _archive(state, kind, text(row.get("name")))
    return Answer(status=204)


# ---------------------------------------------------------------------------------------------------- groups


def list_groups(account: Account, call: Call) -> Answer:
    groups = account.state.definitions(account.state.kind_of(call.args[0])).groups
    return Answer(body={"results": [group.json() for group in groups.values() if not group.archived]})


def _group(account: Account, call: Call) -> Group:
    group = account.state.definitions(account.state.kind_of(call.args[0])).groups.get(call.args[1])
    if group is None or group.archived:
        raise Refused(f"Property group {call.args[1]} does not exist", status=404, category=NOT_FOUND)
    return group


def get_group(account: Account, call: Call) -> Answer:
    return Answer(body=_group(account, call).json())


def create_group(account: Account, call: Call) -> Answer:
    groups = account.state.definitions(account.state.kind_of(call.args[0])).groups
    name, label = text(call.fields.get("name")), text(call.fields.get("label"))
    if not name or not label:
        raise Refused("Some required fields were not set: [label, name]")
    if name in groups and not groups[name].archived:
        raise Refused(f"A property group named '{name}' already exists.", status=409, category="OBJECT_ALREADY_EXISTS")
    groups[name] = Group(name=name, label=label, order=int(call.fields.get("displayOrder") or -1))
    return Answer(status=201, body=groups[name].json())


def update_group(account: Account, call: Call) -> Answer:
    group = _group(account, call)
    groups = account.state.definitions(account.state.kind_of(call.args[0])).groups
    groups[group.name] = replace(group, label=text(call.fields.get("label")) or group.label)
    return Answer(body=groups[group.name].json())


def archive_group(account: Account, call: Call) -> Answer:
    group = _group(account, call)
    held = account.state.definitions(account.state.kind_of(call.args[0]))
    if any(each.group == group.name for each in held):
        raise Refused(
            f"Property group {group.name} has active properties",
            sub_category="Properties.GROUP_WITH_ACTIVE_PROPERTIES",
        )
    held.groups[group.name] = replace(group, archived=True)
    return Answer(status=204)


# ---------------------------------------------------------------------------------------------------- older versions


def list_v2(account: Account, call: Call) -> Answer:
    """/properties/v1|v2/{type}/properties: a bare list in the older words."""
    state, kind = account.state, account.state.kind_of(call.args[0])
    return Answer(body=[_older(state, kind, each) for each in sorted(state.definitions(kind), key=lambda p: p.name)])


def get_v2(account: Account, call: Call) -> Answer:
    state, kind = account.state, account.state.kind_of(call.args[0])
    return Answer(body=_older(state, kind, find(state, kind, call.args[1])))


def _older(state: PortalState, kind: Kind, each: Property) -> dict[str, Any]:
    shown = show(state, kind, each)
    names: tuple[str, ...] = ("name", "label", "description", "groupName", "type", "fieldType", "options")
    names += ("displayOrder", "calculated", "externalOptions", "hidden", "hubspotDefined", "formField")
    created, updated = each.created_at, each.updated_at
    return {name: shown[name] for name in names} | {
        "createdAt": int(created.timestamp() * 1000) if created else None,
        "updatedAt": int(updated.timestamp() * 1000) if updated else None,
        "deleted": each.archived,
        "readOnlyValue": each.read_only,
        "readOnlyDefinition": each.defined_by_hubspot,
        "mutableDefinitionNotDeletable": False,
        "favorited": False,
        "referencedObjectType": "OWNER" if each.name == "hubspot_owner_id" else None,
        "optionsAreMutable": None,
        "searchableInGlobalSearch": False,
        "hasUniqueValue": each.unique,
    }


_READ, _WRITE = access.definitions("read"), access.definitions("write")
ROUTES = (
    Route("GET", ("*", "groups"), "groups.list", "read", list_groups, _READ),
    Route("POST", ("*", "groups"), "groups.create", "write", create_group, _WRITE),
    Route("GET", ("*", "groups", "*"), "groups.get", "read", get_group, _READ),
    Route("PATCH", ("*", "groups", "*"), "groups.update", "write", update_group, _WRITE),
    Route("DELETE", ("*", "groups", "*"), "groups.archive", "write", archive_group, _WRITE),
    Route("POST", ("*", "batch", "read"), "batch.read", "read", read_batch, _READ),
    Route("POST", ("*", "batch", "create"), "batch.create", "write", create_batch, _WRITE),
    Route("POST", ("*", "batch", "archive"), "batch.archive", "write", archive_batch, _WRITE),
    Route("GET", ("*",), "list", "read", list_properties, _READ),
    Route("POST", ("*",), "create", "write", create_property, _WRITE),
    Route("GET", ("*", "*"), "get", "read", get_property, _READ),
    Route("PATCH", ("*", "*"), "update", "write", update_property, _WRITE),
    Route("DELETE", ("*", "*"), "archive", "write", archive_property, _WRITE),
)
OLDER_ROUTES = (
    Route("GET", ("*", "properties"), "list", "read", list_v2, _READ),
    Route("GET", ("*", "properties", "named", "*"), "get", "read", get_v2, _READ),
)
