"""Writing records: up to a hundred a call, each by itself.

https://www.zoho.com/crm/developer/docs/api/v8/insert-records.html
https://www.zoho.com/crm/developer/docs/api/v8/update-records.html
https://www.zoho.com/crm/developer/docs/api/v8/upsert-records.html
https://www.zoho.com/crm/developer/docs/api/v8/delete-records.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.zoho import dml, listing, stops
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import Body, Refused, mandatory, param_missing, success, too_many, wrong_data
from tradepost.sandbox.zoho.records import external_field, module_for, record_id
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import TRIGGERS, Act, State
from tradepost.sandbox.zoho.store import Row

MOST_A_CALL = 100
Result = Body | Refused


def act_of(call: Call, source: str = "crm_api") -> Act:
    """Who writes, and the `trigger` list: absent everything runs, empty nothing. Raises INVALID_DATA."""
    given = call.body.get("trigger") if isinstance(call.body, dict) else None
    if given is None:
        return Act(call.user, source)
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise wrong_data("trigger", "$.trigger", expected_data_type="jsonarray")
    return Act(call.user, source, tuple(each for each in TRIGGERS if each in given))


def items_of(state: State, call: Call) -> list[dict[str, Any]]:
    """Raises LIMIT_EXCEEDED beyond a hundred."""
    return call.listed("data", MOST_A_CALL if state.rules.hundred_records_a_call else 0)


def insert_records(state: State, call: Call) -> Answer:
    module, items, act = module_for(state, call), items_of(state, call), act_of(call)
    _check_writable(module)
    results = [_tried(state, lambda n=n, item=item: _inserted(state, act, module, item, n)) for n, item in _each(items)]
    return written(state, results, 201)


def update_records(state: State, call: Call) -> Answer:
    module, items, act = module_for(state, call), items_of(state, call), act_of(call)
    _check_writable(module)
    external = external_field(call, module)

    def one(item: dict[str, Any], n: int) -> Body:
        return _updated(state, call, act, module, _with_id(state, module, item, external), n)

    results = [_tried(state, lambda n=n, item=item: one(item, n)) for n, item in _each(items)]
    return written(state, results, 200)


def update_record(state: State, call: Call) -> Answer:
    module, items, act = module_for(state, call), items_of(state, call), act_of(call)
    _check_writable(module)
    item = {**items[0], "id": record_id(state, call, module)}
    return written(state, [_tried(state, lambda: _updated(state, call, act, module, item, 0))], 200)


def upsert_records(state: State, call: Call) -> Answer:
    module, items, act = module_for(state, call), items_of(state, call), act_of(call)
    _check_writable(module)
    names = duplicate_checks(state, module, call.body.get("duplicate_check_fields"))
    results = [
        _tried(state, lambda n=n, item=item: _upserted(state, call, act, module, item, names, n))
        for n, item in _each(items)
    ]
    return written(state, results, 200)


def delete_records(state: State, call: Call) -> Answer:
    module = module_for(state, call)
    ids = call.names("ids")
    if not ids:
        raise param_missing("ids")
    if len(ids) > MOST_A_CALL and state.rules.hundred_records_a_call:
        raise too_many(MOST_A_CALL, param_name="ids")
    results = [_tried(state, lambda each=each: _deleted(state, call, module, each)) for each in ids]
    return written(state, results, 200)


def delete_record(state: State, call: Call) -> Answer:
    module = module_for(state, call)
    record = record_id(state, call, module)
    return written(state, [_tried(state, lambda: _deleted(state, call, module, record))], 200)


def clone_record(state: State, call: Call) -> Answer:
    """A copy of a record, with the values in the body instead of its own."""
    module, act = module_for(state, call), act_of(call)
    row = state.store.get(module.name, record_id(state, call, module))
    if row is None:
        raise Refused("INVALID_DATA", "the id given seems to be invalid", {"resource_path_index": 1})
    kept = {n: row[n] for n, f in module.fields.items() if not (f.read_only or f.unique or row.get(n) is None)}
    shown = {name: state.shown(module.fields[name], row) for name in kept}
    changes = items_of(state, call)[0] if isinstance(call.body, dict) and call.body.get("data") else {}
    more = {"$se_module": row["$se_module"]} if row.get("$se_module") else {}
    return written(state, [_tried(state, lambda: _inserted(state, act, module, {**shown, **more, **changes}, 0))], 201)


# --------------------------------------------------------------------------------------------------------- one record


def _each(items: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    return list(enumerate(items))


def _tried(state: State, do: Any) -> Result:
    """What became of one record; a refused one changes nothing."""
    savepoint = state.store.savepoint()
    try:
        found: Body = do()
    except Refused as refused:
        state.store.rollback(savepoint)
        return refused
    return found


def _check_writable(module: Module) -> None:
    if not module.editable:
        raise Refused("NOT_SUPPORTED", "the module does not support this operation", {"module": module.name})


def _inserted(state: State, act: Act, module: Module, item: Mapping[str, Any], n: int) -> Body:
    row = dml.insert(state, act, module, item, f"$.data[{n}]")
    return success(_details(state, row), "record added")


def _with_id(state: State, module: Module, item: Mapping[str, Any], external: str) -> Mapping[str, Any]:
    """An item that names its record by an external field."""
    if not external or item.get(external) is None:
        return item
    rows = state.store.find(module.name, external, item[external])
    if not rows:
        raise Refused("INVALID_DATA", "The value of the external field is invalid.", {"api_name": external})
    return {**item, "id": rows[0]["id"]}


def _updated(state: State, call: Call, act: Act, module: Module, item: Mapping[str, Any], n: int) -> Body:
    path = f"$.data[{n}]"
    record = item.get("id")
    if record is None:
        raise mandatory("id", f"{path}.id")
    _check_unmodified(state, call, module, str(record))
    row = dml.update(state, act, module, str(record), item, path)
    return success(_details(state, row), "record updated")


def _check_unmodified(state: State, call: Call, module: Module, record: str) -> None:
    """https://github.com/zoho/crm-oas, later generation: samples of 412 ALREADY_MODIFIED."""
    limit = listing.header_time(call, "if-unmodified-since", state.rules)
    row = state.store.get(module.name, record)
    if limit is None or row is None or row["Modified_Time"] <= limit or not state.rules.unmodified_since:
        return
    message = "record updated time has already passed if-unmodified-since time"
    raise Refused("ALREADY_MODIFIED", message, _details(state, row), http=412)


def _upserted(
    state: State, call: Call, act: Act, module: Module, item: Mapping[str, Any], names: list[str], n: int
) -> Body:
    path = f"$.data[{n}]"
    if item.get("id") is not None:
        return {**_updated(state, call, act, module, item, n), "duplicate_field": None, "action": "update"}
    for name in names:
        twin = _twin(state, module, name, item.get(name))
        if twin is not None:
            _check_unmodified(state, call, module, twin["id"])
            row = dml.update(state, act, module, twin["id"], item, path)
            return success(_details(state, row), "record updated", duplicate_field=name, action="update")
    row = dml.insert(state, act, module, item, path)
    return success(_details(state, row), "record added", duplicate_field=None, action="insert")


def _twin(state: State, module: Module, name: str, value: Any) -> Row | None:
    """The record that has the value; converted leads are none."""
    if value is None or value == "" or isinstance(value, (dict, list)):
        return None
    each = module.fields[name]
    for row in state.store.find(module.name, name, value):
        if not row.get("Converted__s") and (not each.case_sensitive or row[name] == value):
            return row
    return None


def duplicate_checks(state: State, module: Module, given: Any) -> list[str]:
    """The fields to match on: as given, else the module's system fields and then its unique ones.

    https://help.zoho.com/portal/en/community/topic/kaizen-56-upsert-records-api. Raises INVALID_DATA.
    """
    if given is None:
        system = module.duplicates
        if module.name == "Deals" and not state.rules.deal_name_upsert_default:
            system = ()
        return list(dict.fromkeys([*system, *(each.name for each in module.unique)]))
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise wrong_data("duplicate_check_fields", "$.duplicate_check_fields", expected_data_type="jsonarray")
    for n, name in enumerate(given):
        each = module.fields.get(name)
        allowed = each is not None and (each.unique or name in module.duplicates)
        if not allowed and (each is None or state.rules.upsert_needs_unique_field):
            raise wrong_data("duplicate_check_fields", f"$.duplicate_check_fields[{n}]")
    return given


def _deleted(state: State, call: Call, module: Module, record: str) -> Body:
    row = state.store.get(module.name, record)
    if row is not None:
        stops.check_delete(state, row)
    quiet = call.query.get("wf_trigger") == "false"
    dml.remove(state, Act(call.user, "crm_api", () if quiet else None), module, record)
    return success({"id": record}, "record deleted")


def _details(state: State, row: Row) -> dict[str, Any]:
    """The receipt of a write."""

    def person(user: str) -> dict[str, Any]:
        found = state.person(user) or {"name": "", "id": user}
        return {"name": found["name"], "id": found["id"]}

    return {
        "Modified_Time": state.stamp(row["Modified_Time"]),
        "Modified_By": person(row["Modified_By"]),
        "Created_Time": state.stamp(row["Created_Time"]),
        "id": row["id"],
        "Created_By": person(row["Created_By"]),
        "$approval_state": row.get("$approval", "approved"),
    }


def written(state: State, results: list[Result], status: int, name: str = "data") -> Answer:
    """Items in the order of the request: 207 where some failed, the refusal's status where all did."""
    items = [each.body() if isinstance(each, Refused) else each for each in results]
    refusals = [each for each in results if isinstance(each, Refused)]
    if refusals and state.rules.partial_is_207:
        status = refusals[0].http if len(refusals) == len(results) else 207
    return Answer(status=status, body={name: items})
