"""sObject Collections: up to 200 records in one request, each with its own result.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from tradepost.sandbox.salesforce import dml, rows
from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.errors import Refused, method_not_allowed
from tradepost.sandbox.salesforce.ids import parse_id
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.store import fold

MOST_RECORDS = 200
MOST_CHUNKS = 10
MOST_READ = 2000
_ROLLED_BACK = Refused(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
    [],
)
Result = dict[str, Any]
Save = Callable[[], Result]


def handle(state: OrgState, call: Call, names: tuple[str, ...]) -> Answer:
    """Everything below /composite/sobjects."""
    match (call.method, names):
        case ("POST", ()):
            return _create(state, call)
        case ("PATCH", ()):
            return _update(state, call)
        case ("DELETE", ()):
            return _delete(state, call)
        case ("PATCH", (name, key)):
            return _upsert(state, call, name, key)
        case (("GET" | "POST"), (name,)):
            return _retrieve(state, call, name)
    raise method_not_allowed(call.method, "POST,PATCH,DELETE,GET")


def _create(state: OrgState, call: Call) -> Answer:
    records = _records(state, call)

    def save(record: dict[str, Any]) -> Save:
        return lambda: _saved(
            dml.insert(state, call.actor, _type(state, call, record), _no_id(record), rows.options(call))
        )

    return _run(state, [save(record) for record in records], _all_or_none(call), keep_ids=False)


def _update(state: OrgState, call: Call) -> Answer:
    def save(record: dict[str, Any]) -> Save:
        def go() -> Result:
            record_id = next((v for k, v in record.items() if k.lower() == "id"), None)
            if not isinstance(record_id, str):
                raise Refused("MISSING_ARGUMENT", "Id not specified in an update call", ["Id"])
            sobject = _type(state, call, record)
            values = {k: v for k, v in record.items() if k.lower() not in {"id", "attributes"}}
            dml.update(state, call.actor, sobject, record_id, values, rows.options(call))
            return _saved(parse_id(record_id) or record_id)

        return go

    return _run(state, [save(record) for record in _records(state, call)], _all_or_none(call))


def _delete(state: OrgState, call: Call) -> Answer:
    ids = [each for each in call.query.get("ids", "").split(",") if each]
    _check_number(state, len(ids))

    def save(record_id: str) -> Save:
        def go() -> Result:
            full = parse_id(record_id)
            sobject = state.schema.find(state.schema.object_of(full)) if full else None
            if full is None or sobject is None:
                raise Refused("MALFORMED_ID", f"malformed id {record_id}", [])
            dml.delete(state, call.actor, sobject, full)
            return _saved(full)

        return go

    return _run(state, [save(each) for each in ids], call.query.get("allOrNone", "").lower() == "true")


def _upsert(state: OrgState, call: Call, name: str, key: str) -> Answer:
    """By an external id that stands in each record; the same value twice in one request fails both times."""
    sobject = rows.visible(state, call, name)
    field = dml.external_id(state, call.actor, sobject, key)
    records = _records(state, call)
    keys = [next((v for k, v in record.items() if k.lower() == field.name.lower()), None) for record in records]
    forms = [value if field.case_sensitive else fold(value) for value in keys]

    def save(record: dict[str, Any], value: Any, form: Any) -> Save:
        def go() -> Result:
            if _type(state, call, record) is not sobject:
                raise Refused("INVALID_TYPE", f"The record is not of type {sobject.name}", [])
            if value is None or value == "":
                raise Refused("MISSING_ARGUMENT", f"{field.name} not specified", [])
            if forms.count(form) > 1 and state.strictness.duplicate_key_in_request:
                raise Refused("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [field.name])
            values = {k: v for k, v in _no_id(record).items() if k.lower() != field.name.lower()}
            done = dml.upsert(state, call.actor, sobject, field.name, value, values, rows.options(call))
            return _saved(done.record_id) | {"created": done.created}

        return go

    saves = [save(*each) for each in zip(records, keys, forms, strict=True)]
    return _run(state, saves, _all_or_none(call))


def _retrieve(state: OrgState, call: Call, name: str) -> Answer:
    """Records by id, in the order asked; null where there is none."""
    sobject = rows.visible(state, call, name)
    if call.method == "GET":
        ids, fields = (call.query.get(k, "").split(",") for k in ("ids", "fields"))
    else:
        ids, fields = call.fields.get("ids") or [], call.fields.get("fields") or []
    if len(ids) > MOST_READ or not any(fields):
        raise Refused("INVALID_INPUT", f"Give fields, and at most {MOST_READ} ids.")
    view = state.view(call.actor, call.version)
    found = [state.live(sobject.name, parse_id(each)) for each in ids]
    body = [rows.record(state, call, sobject, r, list(fields)) if r and view.sees_row(r) else None for r in found]
    return Answer(body=body)


# ------------------------------------------------------------------------------------------------------------- running


def _run(state: OrgState, saves: Sequence[Save], all_or_none: bool, *, keep_ids: bool = True) -> Answer:  # noqa: FBT001
    """Each record by itself, in order; with `all_or_none` one failure takes back the rest."""
    start = state.store.savepoint()
    results = [_one(state, save) for save in saves]
    failed = any(not result["success"] for result in results)
    if failed and all_or_none and state.strictness.collection_all_or_none:
        state.store.rollback(start)
        results = [_rolled_back(result, keep_id=keep_ids) if result["success"] else result for result in results]
    return Answer(body=results, failed=failed)


def _one(state: OrgState, save: Save) -> Result:
    savepoint = state.store.savepoint()
    try:
        return save()
    except Refused as refused:
        state.store.rollback(savepoint)
        return {"success": False, "errors": [refused.row()]}


def _saved(record_id: str) -> Result:
    return {"id": record_id, "success": True, "errors": []}


def _rolled_back(result: Result, *, keep_id: bool) -> Result:
    head = {"id": result["id"]} if keep_id and not result.get("created") else {}
    return head | {"success": False, "errors": [_ROLLED_BACK.row()]}


# -------------------------------------------------------------------------------------------------------------- input


def _records(state: OrgState, call: Call) -> list[dict[str, Any]]:
    records = call.fields.get("records")
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise Refused("JSON_PARSER_ERROR", "records must be a list of sObjects")
    _check_number(state, len(records))
    types = [str(_attribute_type(record)).lower() for record in records]
    if sum(1 for _ in groupby(types)) > MOST_CHUNKS:
        text = f"Cannot have more than {MOST_CHUNKS} chunks in a single operation."
        raise Refused("LIMIT_EXCEEDED", f"{text} Please rearrange the data to reduce chunking.")
    return records


def _check_number(state: OrgState, number: int) -> None:
    if number < 1 or (number > MOST_RECORDS and state.strictness.collection_limit):
        text = f"Number of records must be between 1 and {MOST_RECORDS}, was {number}."
        raise Refused("LIMIT_EXCEEDED" if number else "REQUIRED_FIELD_MISSING", text)


def _attribute_type(record: dict[str, Any]) -> Any:
    attributes = record.get("attributes")
    return attributes.get("type") if isinstance(attributes, dict) else None


def _type(state: OrgState, call: Call, record: dict[str, Any]) -> SObject:
    name = _attribute_type(record)
    if not isinstance(name, str):
        raise Refused("INVALID_TYPE", "attributes.type is required", [])
    try:
        return rows.visible(state, call, name)
    except Refused:
        raise Refused("INVALID_TYPE", f"sObject type '{name}' is not supported.", []) from None


def _no_id(record: dict[str, Any]) -> dict[str, Any]:
    if any(name.lower() == "id" for name in record):
        raise Refused("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])
    return {k: v for k, v in record.items() if k != "attributes"}


def _all_or_none(call: Call) -> bool:
    return call.fields.get("allOrNone") is True
