"""Blueprints: processes that drive a field.

https://www.zoho.com/crm/developer/docs/api/v8/get-blueprint.html
https://www.zoho.com/crm/developer/docs/api/v8/update-blueprint.html
"""

from __future__ import annotations

from typing import Any

from tradepost.sandbox.zoho import dml, stops
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import Refused, mandatory, success, wrong_data, wrong_id
from tradepost.sandbox.zoho.metadata import choice_meta, field_meta
from tradepost.sandbox.zoho.records import module_for, record_id
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import Blueprint, State, Transition
from tradepost.sandbox.zoho.store import Row
from tradepost.sandbox.zoho.writing import act_of


def _home(state: State, call: Call) -> tuple[Module, Row, Blueprint]:
    module = module_for(state, call)
    row = state.store.get(module.name, record_id(state, call, module))
    if row is None:
        raise wrong_id()
    process = state.blueprints.get(row.get("$process") or "")
    if process is None:
        raise Refused("RECORD_NOT_IN_PROCESS", "record not in process")
    return module, row, process


def _open(process: Blueprint, row: Row, user: str) -> list[Transition]:
    """The transitions that a user may run now."""
    return [t for t in process.transitions if t.start == row[process.field] and (not t.users or user in t.users)]


def get_blueprint(state: State, call: Call) -> Answer:
    module, row, process = _home(state, call)
    each = module.fields[process.field]
    current = next((c for c in each.choices if c.actual == row[process.field]), None)
    info = {
        "field_id": each.id,
        "api_name": each.name,
        "field_label": each.label,
        "field_name": each.label,
        "column_name": each.name.upper(),
        "field_value": row[process.field],
        "name": process.name,
        "id": process.id,
        "is_continuous": False,
        "continuous": False,
        "escalation": None,
        "current_picklist": choice_meta(current, 1) if current else None,
    }
    transitions = [_meta(state, module, row, process, t) for t in _open(process, row, call.user)]
    return Answer(body={"blueprint": {"process_info": info, "transitions": transitions}})


def _meta(state: State, module: Module, row: Row, process: Blueprint, transition: Transition) -> dict[str, Any]:
    needed = [module.fields[name] for name in transition.needs if name in module.fields]
    following = [t for t in process.transitions if t.start == transition.end]
    return {
        "id": transition.id,
        "name": transition.name,
        "next_field_value": transition.end,
        "criteria_matched": True,
        "criteria_message": None,
        "type": "manual",
        "execution_time": None,
        "sequence": 1,
        "percent_partial_save": 0.0,
        "partial_save": False,
        "color_code": None,
        "text_color_code": None,
        "data": {each.name: state.shown(each, row) for each in needed},
        "fields": [{**field_meta(state, module, each), "mandatory": True, "transition_sequence": n}
                   for n, each in enumerate(needed, 1)],
        "next_transitions": [{"id": t.id, "name": t.name, "criteria_matched": True, "type": "manual"}
                             for t in following],
    }  # fmt: skip


def update_blueprint(state: State, call: Call) -> Answer:
    """One transition a call. Fields that are missing leave it half done: "transition saved partially"."""
    module, row, process = _home(state, call)
    items = call.listed("blueprint", 1)
    name = items[0].get("transition_id")
    if name is None:
        raise mandatory("transition_id", "$.blueprint[0].transition_id")
    found = next((t for t in _open(process, row, call.user) if t.id == str(name)), None)
    if found is None:
        details = {"api_name": "transition_id", "json_path": "$.blueprint[0].transition_id"}
        raise Refused("INVALID_DATA", "invalid transition", details)
    for refusal in (stops.locked(state, row), stops.awaited(state, row)):
        if refusal is not None:
            raise refusal
    data = items[0].get("data") or {}
    if not isinstance(data, dict):
        raise wrong_data("data", "$.blueprint[0].data", expected_data_type="jsonobject")
    return _run(state, call, module, row, process, found, data)


def _run(
    state: State, call: Call, module: Module, row: Row, process: Blueprint, found: Transition, data: dict[str, Any]
) -> Answer:
    act = act_of(call, "blueprint")
    missing = [name for name in found.needs if data.get(name) is None and row.get(name) is None]
    known = {key: value for key, value in data.items() if key in module.fields and key != process.field}
    changes = known if missing else {**known, process.field: found.end}
    dml.write(state, act, module, row, changes, "$.blueprint[0].data")
    message = "transition saved partially" if missing else "transition updated successfully"
    return Answer(body=success({}, message))
