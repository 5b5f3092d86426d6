"""Inserting, changing and deleting one record.

https://www.zoho.com/crm/developer/docs/api/v8/insert-records.html
https://www.zoho.com/crm/developer/docs/api/v8/upsert-records.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.zoho import deals, stops, values
from tradepost.sandbox.zoho.errors import Refused, mandatory, wrong_data
from tradepost.sandbox.zoho.schema import Field, Module
from tradepost.sandbox.zoho.state import Act, State, minified
from tradepost.sandbox.zoho.store import Row, fold

Values = dict[str, Any]


def insert(state: State, act: Act, module: Module, item: Mapping[str, Any], path: str = "$.data[0]") -> Row:
    """The new record. Raises its refusal."""
    given = read(state, module, item, path)
    row: Row = {**_defaults(state, act, module), **given}
    _check_mandatory(state, module, row, path)
    row = _derived(state, module, None, row, given)
    if deals.is_deals(module):
        deals.check_stage(state, row, given, path)
    check_unique(state, module, row, given, path)
    row["id"] = state.ids.new()
    state.store.put(module.name, row["id"], row)
    if deals.is_deals(module):
        deals.after(state, act, None, row)
    state.note(act, module.name, row["id"], "added", [])
    state.trigger(act, module.name, "create")
    return row


def update(
    state: State, act: Act, module: Module, record: str, item: Mapping[str, Any], path: str = "$.data[0]"
) -> Row:
    """The changed record. Raises its refusal."""
    old = state.live(module.name, record)
    if old is None:
        raise Refused("INVALID_DATA", "the id given seems to be invalid", {"id": record, "json_path": f"{path}.id"})
    stops.check(state, module, old, [name for name in item if name in module.fields], path)
    return write(state, act, module, old, item, path)


def write(state: State, act: Act, module: Module, old: Row, item: Mapping[str, Any], path: str) -> Row:
    """As `update`, for those whom nothing stops."""
    given = read(state, module, item, path, old)
    row: Row = {**old, **given, "Modified_Time": state.now(), "Modified_By": act.user}
    _check_mandatory(state, module, row, path)
    row = _derived(state, module, old, row, given)
    if deals.is_deals(module):
        deals.check_stage(state, row, given, path)
    check_unique(state, module, row, given, path)
    state.store.put(module.name, row["id"], row)
    if deals.is_deals(module):
        deals.after(state, act, old, row)
    state.note(act, module.name, row["id"], "updated", _history(state, module, old, row, given))
    state.trigger(act, module.name, "edit")
    return row


def remove(state: State, act: Act, module: Module, record: str, kind: str = "recycle") -> None:
    """Put a record into the recycle bin, or away for good."""
    row = state.store.get(module.name, record)
    if row is None:
        raise Refused("INVALID_DATA", "record not deleted", {"id": record})
    for child, each in state.schema.leading_to(module.name):
        for found in state.store.find(child.name, each.name, record):
            if child.name in {"Notes", "Attachments"}:
                state.store.put(child.name, found["id"], None)
            else:
                state.store.change(child.name, found["id"], {each.name: None})
    for side in ("left", "right"):
        for tie in state.store.find("$Links", side, record):
            state.store.put("$Links", tie["id"], None)
    gone = {
        "id": record,
        "module": module.name,
        "display_name": row.get(module.display),
        "type": kind,
        "deleted_time": state.now(),
        "deleted_by": act.user,
        "created_by": row.get("Created_By"),
        "row": row,
    }
    state.store.put(module.name, record, None)
    state.store.put("$Bin", record, gone)
    state.trigger(act, module.name, "delete")


# ------------------------------------------------------------------------------------------------------------- reading


def read(state: State, module: Module, item: Mapping[str, Any], path: str, old: Row | None = None) -> Values:
    """The values of a record in a request. Names that are no fields, and fields that are read only, are passed over.

    Raises INVALID_DATA, or MULTIPLE_OR_MULTI_ERRORS for several.
    """
    found: Values = {}
    refusals: list[Refused] = []
    for name, value in item.items():
        each = module.fields.get(name)
        if each is None or each.read_only:
            continue
        try:
            found |= _value(state, each, value, item, f"{path}.{name}", old)
        except Refused as refused:
            refusals.append(refused)
    if len(refusals) > 1:
        details = {"errors": [refused.body() for refused in refusals]}
        raise Refused("MULTIPLE_OR_MULTI_ERRORS", "multiple errors in the record", details)
    if refusals:
        raise refusals[0]
    return found


def _value(state: State, each: Field, value: Any, item: Mapping[str, Any], path: str, old: Row | None) -> Values:
    if each.type == "ownerlookup":
        return {each.name: _owner(state, each, value, path)}
    if each.type == "lookup":
        return _lookup(state, each, value, item, path, old)
    read = values.read(each, value, path, state.rules)
    append = item.get("$append_values")
    if each.type == "multiselectpicklist" and isinstance(append, dict) and append.get(each.name) and old:
        read = list(dict.fromkeys([*(old.get(each.name) or []), *(read or [])]))
    return {each.name: read}


def _owner(state: State, each: Field, value: Any, path: str) -> str:
    found = values.lookup_id(each, value, path)
    user = state.user(found) if found else None
    if found is None or user is None or (user["status"] != "active" and state.rules.inactive_owner_refused):
        raise wrong_data(each.name, path, expected_data_type="ownerlookup", id=found)
    return found


def _lookup(state: State, each: Field, value: Any, item: Mapping[str, Any], path: str, old: Row | None) -> Values:
    found = values.lookup_id(each, value, path)
    if found is None:
        return {each.name: None}
    if each.lookup == "*":
        named = _named_module(each, value, item, path, old)
        module = state.schema.get(named)
        if module is None or state.live(named, found) is None:
            raise _no_such(each, found, path)
        return {each.name: found, "$se_module": named}
    strict = each.name != "Who_Id" or state.rules.who_is_a_contact
    if state.live(each.lookup, found) is None and (strict or state.module_of(found) is None):
        raise _no_such(each, found, path)
    return {each.name: found}


def _named_module(each: Field, value: Any, item: Mapping[str, Any], path: str, old: Row | None) -> str:
    """`$se_module` beside the lookup, or the module in it."""
    inside = value.get("module") if isinstance(value, dict) else None
    named = inside.get("api_name") if isinstance(inside, dict) else inside
    named = item.get("$se_module") or named or (old or {}).get("$se_module")
    if not named:
        where = path.rpartition(".")[0]
        dependee = {"api_name": each.name, "json_path": path}
        details = {"dependee": dependee, "api_name": "$se_module", "json_path": f"{where}.$se_module"}
        raise Refused("DEPENDENT_FIELD_MISSING", "Dependent Fields missing", details)
    return str(named)


def _no_such(each: Field, found: str, path: str) -> Refused:
    details = {"api_name": each.name, "json_path": path, "id": found}
    return Refused("INVALID_DATA", "the related id given seems to be invalid", details)


# ------------------------------------------------------------------------------------------------------------- derived


def _defaults(state: State, act: Act, module: Module) -> Values:
    now = state.now()
    found: Values = dict.fromkeys(module.fields)
    found |= {"Owner": act.user, "Created_By": act.user, "Modified_By": act.user}
    found |= {"Created_Time": now, "Modified_Time": now, "Locked__s": False, "Record_Status__s": "Available"}
    match module.name:
        case "Deals":
            found["Pipeline"] = deals.default_pipeline(state)
        case "Tasks":
            found |= {"Status": "Not Started", "Priority": "Normal"}
        case "Leads":
            found["Converted__s"] = False
    return found


def _derived(state: State, module: Module, old: Row | None, row: Row, given: Values) -> Row:
    match module.name:
        case "Leads" | "Contacts":
            names = [row.get("First_Name"), row.get("Last_Name")]
            return {**row, "Full_Name": " ".join(name for name in names if name)}
        case "Deals":
            if row.get("Pipeline") is None:
                row = {**row, "Pipeline": deals.default_pipeline(state)}
            return deals.derived(state, old, row, given)
        case "Tasks" if "Status" in given:
            done = row["Status"] == "Completed"
            was = old is not None and old["Status"] == "Completed"
            return {**row, "Closed_Time": (row.get("Closed_Time") if was else state.now()) if done else None}
    return row


def _check_mandatory(state: State, module: Module, row: Row, path: str) -> None:
    if not state.rules.mandatory_fields:
        return
    for each in module.fields.values():
        if each.mandatory and row.get(each.name) is None:
            raise mandatory(each.name, f"{path}.{each.name}")
    if module.name == "Notes" and not (row.get("Note_Title") or row.get("Note_Content")):
        raise mandatory("Note_Content", f"{path}.Note_Content")


def check_unique(state: State, module: Module, row: Row, given: Values, path: str) -> None:
    """Raises DUPLICATE_DATA, which names the record that has the value."""
    if not state.rules.unique_fields_enforced:
        return
    for each in module.unique:
        if each.name not in given or row.get(each.name) is None:
            continue
        for twin in state.store.find(module.name, each.name, row[each.name]):
            same = not each.case_sensitive or twin[each.name] == row[each.name]
            if twin["id"] != row.get("id") and same:
                raise duplicate(state, module, each.name, twin, path)
    _check_preference(state, module, given, path)


def _check_preference(state: State, module: Module, given: Values, path: str) -> None:
    """A lead that exists as a contact or a converted lead, where the organisation does not want that.

    https://help.zoho.com/portal/hi/community/topic/kaizen-177-duplicate-check-preferences-api-vs-upsert-api
    """
    preference = state.duplicate_preference.get(module.name)
    if preference is None:
        return
    for each in module.unique:
        value = given.get(each.name)
        if value is None:
            continue
        for configuration in preference.get("type_configurations", []):
            other = state.schema.get(str(configuration["mapped_module"].get("api_name")))
            mapped = [m["mapped_field"]["api_name"] for m in configuration["field_mappings"]
                      if m["current_field"]["api_name"] == each.name]  # fmt: skip
            for name in mapped if other else ():
                for twin in state.store.find(other.name, name, value) if other else ():
                    raise duplicate(state, other or module, each.name, twin, path)


def duplicate(state: State, module: Module, name: str, twin: Row, path: str) -> Refused:
    """DUPLICATE_DATA with the record that was there before."""
    record = {"id": twin["id"], "Owner": state.person(twin.get("Owner")), "module": minified(module)}
    details = {"api_name": name, "json_path": f"{path}.{name}", "duplicate_record": record, "more_records": False}
    return Refused("DUPLICATE_DATA", "duplicate data", {**details, "id": twin["id"]})


def _history(state: State, module: Module, old: Row, row: Row, given: Values) -> list[dict[str, Any]]:
    """What changed, as a timeline shows it."""
    changed = [name for name in given if name in module.fields and fold(old.get(name)) != fold(row.get(name))]
    return [
        {
            "data_type": module.fields[name].type,
            "enable_colour_code": False,
            "pick_list_values": [],
            "field_label": module.fields[name].label,
            "api_name": name,
            "id": module.fields[name].id,
            "_value": {"new": _plain(state, row.get(name)), "old": _plain(state, old.get(name))},
        }
        for name in changed
    ]


def _plain(state: State, value: Any) -> str | None:
    if value is None:
        return None
    return state.stamp(value) if hasattr(value, "isoformat") else str(value)
