"""Single records: /sobjects/{Object}, /{Id}, /{ExternalIdField}/{value}, with conditional headers.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_retrieve.htm
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest_conditional_requests.htm
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tradepost.sandbox.salesforce import dml
from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.errors import Refused, method_not_allowed, not_found
from tradepost.sandbox.salesforce.ids import parse_id
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.store import Row
from tradepost.sandbox.salesforce.values import render
from tradepost.sandbox.salesforce.view import record_url


def visible(state: OrgState, call: Call, name: str) -> SObject:
    """An object the user may read; others answer as if they did not exist."""
    sobject = state.schema.find(name)
    if sobject is None or sobject.allows("t") or not state.view(call.actor).may_read(sobject):
        raise not_found()
    return sobject


def options(call: Call) -> dml.SaveOptions:
    """What request headers say about a save."""
    header = call.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
    return dml.SaveOptions(allow_duplicates="allowsave=true" in header)


def create(state: OrgState, call: Call, sobject: SObject) -> Answer:
    """POST /sobjects/{Object}."""
    if any(name.lower() == "id" for name in call.fields):
        raise Refused("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])
    made = dml.insert(state, call.actor, sobject, call.fields, options(call))
    headers = {"Location": record_url(call.version, sobject.name, made)}
    return Answer(status=201, body={"id": made, "success": True, "errors": []}, headers=headers)


def by_id(state: OrgState, call: Call, sobject: SObject, record_id: str) -> Answer:
    """GET, PATCH and DELETE of /sobjects/{Object}/{Id}."""
    match call.method:
        case "GET" | "HEAD":
            if parse_id(record_id) is None:
                raise not_found(f"Provided external ID field does not exist or is not accessible: {record_id}")
            return _read(state, call, sobject, state.live(sobject.name, parse_id(record_id)))
        case "PATCH":
            row = dml.existing(state, call.actor, sobject, record_id)
            refusal = _precondition(state, sobject, row, call, changing=True)
            if refusal is not None:
                return refusal
            dml.update(state, call.actor, sobject, row["Id"], call.fields, options(call))
            return Answer(status=204)
        case "DELETE":
            dml.delete(state, call.actor, sobject, record_id)
            return Answer(status=204)
    raise method_not_allowed(call.method, "DELETE,GET,PATCH,HEAD")


def by_external_id(state: OrgState, call: Call, sobject: SObject, key: str, value: str) -> Answer:
    """GET, PATCH, POST and DELETE of /sobjects/{Object}/{Field}/{value}; also /{Id}/{relationship}."""
    reference = sobject.relationship(value)
    if parse_id(key) is not None and reference is not None and sobject.find(key) is None:
        return _parent(state, call, sobject, key, reference.name)
    match call.method:
        case "PATCH" | "POST":
            return _upsert(state, call, sobject, key, value)
        case "GET" | "HEAD":
            return _read(state, call, sobject, _only_match(state, call, sobject, key, value))
        case "DELETE":
            row = _only_match(state, call, sobject, key, value)
            if row is None:
                raise not_found()
            dml.delete(state, call.actor, sobject, row["Id"])
            return Answer(status=204)
    raise method_not_allowed(call.method, "DELETE,GET,PATCH,POST,HEAD")


def _upsert(state: OrgState, call: Call, sobject: SObject, key: str, value: str) -> Answer:
    only = call.query.get("updateOnly", "").lower() == "true"
    done = dml.upsert(state, call.actor, sobject, key, value, call.fields, options(call), update_only=only)
    created = {"created": done.created} if call.number >= 46 else {}
    body = {"id": done.record_id, "success": True, "errors": []} | created
    if done.created:
        headers = {"Location": record_url(call.version, sobject.name, done.record_id)}
        return Answer(status=201, body=body, headers=headers)
    return Answer(status=200, body=body) if call.number >= 46 else Answer(status=204)


def _only_match(state: OrgState, call: Call, sobject: SObject, key: str, value: str) -> Row | None:
    field = dml.external_id(state, call.actor, sobject, key)
    return dml.only_match(state, sobject, field, value)


def _parent(state: OrgState, call: Call, sobject: SObject, record_id: str, field: str) -> Answer:
    row = state.live(sobject.name, parse_id(record_id))
    found = state.view(call.actor, call.version).follow(row[field]) if row is not None else None
    if found is None:
        raise not_found()
    return _read(state, call, state.schema.get(found[0]), found[1])


def _read(state: OrgState, call: Call, sobject: SObject, row: Row | None) -> Answer:
    view = state.view(call.actor, call.version)
    if row is None or row["IsDeleted"] or not view.sees_row(row):
        raise not_found()
    refusal = _precondition(state, sobject, row, call, changing=False)
    if refusal is not None:
        return refusal
    wanted = [name for name in call.query.get("fields", "").split(",") if name]
    body = record(state, call, sobject, row, wanted)
    headers = {"Last-Modified": http_date(row["LastModifiedDate"])}
    if sobject.name == "Account":
        headers["ETag"] = _etag(row)
    return Answer(body=body, headers=headers)


def record(state: OrgState, call: Call, sobject: SObject, row: Row, wanted: list[str]) -> dict[str, Any]:
    """A record as JSON: the wanted fields, or all the user may see. Raises INVALID_FIELD."""
    view = state.view(call.actor, call.version)
    fields = list(view.fields(sobject))
    if wanted:
        known = {f.name.lower(): f for f in fields}
        missing = next((name for name in wanted if name.lower() not in known), None)
        if missing is not None:
            raise Refused("INVALID_FIELD", f"No such column '{missing}' on entity '{sobject.name}'")
        fields = [known[name.lower()] for name in {name.lower(): name for name in [*wanted, "Id"]}.values()]
    head = {"type": sobject.name, "url": record_url(call.version, sobject.name, row["Id"])}
    return {"attributes": head} | {f.name: view.value(row, f) for f in fields}


# -------------------------------------------------------------------------------------------------------- preconditions


def _precondition(state: OrgState, sobject: SObject, row: Row, call: Call, *, changing: bool) -> Answer | None:
    """The refusal a conditional header leads to. Entity tags exist for Account only, so elsewhere they are ignored."""
    failed = Answer(
        status=412, body=[{"message": "A request precondition was not met", "errorCode": "PRECONDITION_FAILED"}]
    )
    if sobject.name == "Account":
        if not _tag_in(call, "if-match", row, default=True):
            return failed
        if _tag_in(call, "if-none-match", row, default=False):
            return failed if changing else Answer(status=304)
    modified = row["LastModifiedDate"]
    limit = moment(call, "if-unmodified-since", strict=changing)
    if limit is not None and modified > limit and state.strictness.unmodified_since:
        return failed
    since = moment(call, "if-modified-since", strict=False)
    if since is not None and modified <= since:
        return failed if changing else Answer(status=304)
    return None


def _tag_in(call: Call, header: str, row: Row, *, default: bool) -> bool:
    text = call.headers.get(header)
    if text is None:
        return default
    return text.strip() == "*" or _etag(row) in [tag.strip().removeprefix("W/") for tag in text.split(",")]


def moment(call: Call, header: str, *, strict: bool) -> datetime | None:
    """A header's HTTP date (whole seconds). A wrong one is 400 when something would be changed, else ignored."""
    text = call.headers.get(header)
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        if strict:
            raise Refused("INVALID_HEADER_TYPE", f"invalid date in header {header}") from None
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _etag(row: Row) -> str:
    text = json.dumps({name: render(value) for name, value in sorted(row.items())})
    return f'"{base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()}"'


def http_date(at: datetime) -> str:
    """A time as HTTP headers write it."""
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")
