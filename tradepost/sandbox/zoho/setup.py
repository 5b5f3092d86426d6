"""Making and changing fields, and the duplicate check preference.

https://www.zoho.com/crm/developer/docs/api/v8/create-field.html
https://www.zoho.com/crm/developer/docs/api/v8/get-dup-check-pref.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tradepost.sandbox.zoho.call import Answer, Call, array
from tradepost.sandbox.zoho.errors import Refused, mandatory, success, wrong_data, wrong_id, wrong_param
from tradepost.sandbox.zoho.metadata import asked_module
from tradepost.sandbox.zoho.schema import UNIQUE_TYPES, Choice, Field, Module
from tradepost.sandbox.zoho.state import State
from tradepost.sandbox.zoho.writing import Result, written

MOST_FIELDS = 5
TYPES = {
    "text": 255,
    "textarea": 32_000,
    "email": 100,
    "phone": 30,
    "picklist": 120,
    "multiselectpicklist": 255,
    "date": 20,
    "datetime": 20,
    "integer": 9,
    "bigint": 18,
    "double": 16,
    "currency": 16,
    "percent": 5,
    "website": 450,
    "boolean": 5,
}
FIXED = frozenset({"Notes", "Attachments", "users"})


def create_fields(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    items = call.listed("fields", MOST_FIELDS)
    results: list[Result] = []
    for n, item in enumerate(items):
        try:
            made = _made(state, module, item, f"$.fields[{n}]")
        except Refused as refused:
            results.append(refused)
            continue
        state.set_field(module, made)
        results.append(success({"id": made.id}, "field created"))
    return written(state, results, 201, "fields")


def _made(state: State, module: Module, item: Mapping[str, Any], path: str) -> Field:
    for key in ("field_label", "data_type"):
        if not item.get(key):
            raise mandatory(key, f"{path}.{key}")
    if module.name in FIXED:
        raise Refused("NOT_SUPPORTED", "the module does not take custom fields", {"module": module.name})
    kind, label = item["data_type"], item["field_label"]
    if not isinstance(kind, str) or kind not in TYPES:
        raise wrong_data("data_type", f"{path}.data_type", supported_values=list(TYPES))
    name = re.sub(r"\W+", "_", str(item.get("api_name") or label), flags=re.ASCII).strip("_") or "Field"
    if any(each.label == label or each.name == name for each in module.fields.values()):
        where = {"api_name": "field_label", "json_path": f"{path}.field_label"}
        raise Refused("DUPLICATE_DATA", "duplicate data", where)
    length = item.get("length", TYPES[kind])
    if not isinstance(length, int) or not 1 <= length <= max(TYPES[kind], 255):
        raise wrong_data("length", f"{path}.length", maximum_length=TYPES[kind])
    unique = item.get("unique")
    if unique and kind not in UNIQUE_TYPES:
        dependee = {"api_name": "data_type", "json_path": f"{path}.data_type"}
        details: dict[str, Any] = {"dependee": dependee, "api_name": "unique", "json_path": f"{path}.unique"}
        raise Refused("DEPENDENT_MISMATCH", "the field cannot be unique", details)
    external = item.get("external")
    return Field(
        name=name,
        label=label,
        type=kind,
        id=state.ids.new(),
        length=length,
        custom=True,
        unique=bool(unique),
        case_sensitive=_case(unique),
        external=external.get("type", "org") if isinstance(external, dict) else "",
        choices=tuple(
            Choice(each.get("actual_value") or each["display_value"], state.ids.new(), each["display_value"])
            for each in item.get("pick_list_values") or []
        ),
    )


def _case(unique: Any) -> bool:
    return isinstance(unique, dict) and str(unique.get("case_sensitive", unique.get("casesensitive"))).lower() == "true"


def update_fields(state: State, call: Call) -> Answer:
    """PATCH: label, length, unique. A field whose values are not unique cannot become so."""
    module = asked_module(state, call)
    results: list[Result] = []
    for n, item in enumerate(call.listed("fields", MOST_FIELDS)):
        wanted = call.found.get("name") or item.get("id")
        try:
            results.append(_changed(state, module, str(wanted), item, f"$.fields[{n}]"))
        except Refused as refused:
            results.append(refused)
    return written(state, results, 200, "fields")


def _changed(state: State, module: Module, wanted: str, item: Mapping[str, Any], path: str) -> Result:
    found = next((each for each in module.fields.values() if wanted in {each.id, each.name}), None)
    if found is None:
        raise wrong_data("id", f"{path}.id")
    unique = item.get("unique")
    if isinstance(unique, dict) and unique.get("_disable") is not None:
        unique = False
    if unique:
        held = [row[found.name] for row in state.store.rows(module.name) if row.get(found.name) is not None]
        if found.type not in UNIQUE_TYPES or len(held) != len(set(held)):
            raise wrong_data("unique", f"{path}.unique")
    changed = replace(
        found,
        label=item.get("field_label", found.label),
        length=item.get("length", found.length),
        unique=found.unique if unique is None else bool(unique),
        case_sensitive=found.case_sensitive if unique is None else _case(unique),
    )
    state.set_field(module, changed)
    return success({"id": found.id}, "field updated")


def delete_field(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    found = next((f for f in module.fields.values() if call.found["name"] in {f.id, f.name}), None)
    if found is None or not found.custom:
        raise wrong_id(2)
    del module.fields[found.name]
    return Answer(body={"fields": [success({"id": found.id}, "field deleted")]})


# ------------------------------------------------------------------------------------------- duplicate check preference


def get_preference(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    held = state.duplicate_preference.get(module.name)
    return Answer(status=204) if held is None else Answer(body={"duplicate_check_preference": held})


def set_preference(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    given = call.body.get("duplicate_check_preference") if isinstance(call.body, dict) else None
    if not isinstance(given, dict):
        raise mandatory("duplicate_check_preference", "$.duplicate_check_preference")
    if given.get("type") not in ("converted_records", "mapped_module_records"):
        raise wrong_param("type", supported_values=["converted_records", "mapped_module_records"])
    configurations = array(given.get("type_configurations"), "$.duplicate_check_preference.type_configurations")
    for n, each in enumerate(configurations):
        _check_configuration(each, f"$.duplicate_check_preference.type_configurations[{n}]")
    state.duplicate_preference[module.name] = {**given, "type_configurations": configurations}
    return _done("Duplicate Check Preference updated")


def _check_configuration(given: Any, path: str) -> None:
    """Raises INVALID_DATA unless it names a module, and fields in pairs."""
    if not isinstance(given, dict) or not isinstance(given.get("mapped_module"), dict):
        raise wrong_data("mapped_module", f"{path}.mapped_module", expected_data_type="jsonobject")
    for n, pair in enumerate(array(given.get("field_mappings"), f"{path}.field_mappings")):
        for key in ("current_field", "mapped_field"):
            if not isinstance(pair, dict) or not isinstance(pair.get(key), dict) or "api_name" not in pair[key]:
                raise wrong_data(key, f"{path}.field_mappings[{n}].{key}", expected_data_type="jsonobject")


def remove_preference(state: State, call: Call) -> Answer:
    state.duplicate_preference.pop(asked_module(state, call).name, None)
    return _done("Duplicate Check Preference deleted")


def _done(message: str) -> Answer:
    return Answer(body={"duplicate_check_preference": success({}, message)})
