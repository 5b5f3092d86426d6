"""Composite requests: up to five calls in one, tied by references, rolled back together if wanted.

https://www.zoho.com/crm/developer/docs/api/v8/composite-api.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from tradepost.sandbox.zoho.call import Answer, Call, split_path
from tradepost.sandbox.zoho.errors import Body, Refused, mandatory, success, wrong_data
from tradepost.sandbox.zoho.state import State

NAME = "__composite_requests"
MOST = 5
_REFERENCE = re.compile(r"@\{([^:}]+):\$\.([^}]+)\}")
Handle = Callable[[Call], Answer]


def composite(state: State, call: Call, handle: Handle) -> Answer:
    items = call.listed(NAME)
    if len(items) > MOST:
        details = {"api_name": NAME, "json_path": f"$.{NAME}", "maximum_length": MOST}
        raise Refused("LIMIT_EXCEEDED", "too many sub requests", details)
    rollback = call.body.get("rollback_on_fail") is True
    savepoint = state.store.savepoint()
    answers: dict[str, Any] = {}
    done: list[Body] = []
    for n, item in enumerate(items):
        answer = _one(call, item, n, answers, handle)
        done.append(answer)
        if answer["status"] == "error" and rollback:
            state.store.rollback(savepoint)
            return Answer(status=400, body={NAME: _rolled_back(items, done, n)})
    bad = sum(each["status"] == "error" for each in done)
    status = 200 if not bad else 400 if bad == len(done) else 207
    if status == 207 and not state.rules.partial_is_207:
        status = 200
    return Answer(status=status, body={NAME: done})


def _rolled_back(items: list[dict[str, Any]], done: list[Body], failed: int) -> list[Body]:
    undone = Refused("ROLLBACK_PERFORMED", "rolled back", {"rollbacked_by_sub_request_index": failed}).body()
    stopped = Refused("PROCESSING_STOPPED", "not processed", {}).body()
    return [done[n] if n == failed else undone if n < failed else stopped for n in range(len(items))]


def _one(call: Call, item: Mapping[str, Any], n: int, answers: dict[str, Any], handle: Handle) -> Body:
    """One sub request; what it answered is kept for references under its id (its number by default)."""
    path = f"$.{NAME}[{n}]"
    try:
        answer = handle(_sub_call(call, item, path, answers))
    except Refused as refused:
        return refused.body()
    answers[str(item.get("sub_request_id", n + 1))] = answer.body
    response = {"status_code": answer.status, "headers": dict(answer.headers), "body": answer.body}
    if answer.bad and answer.status >= 400:
        return {**Refused("INVALID_DATA", "sub request failed", {"response": response}).body()}
    return success({"response": response, "sub_request_id": str(item.get("sub_request_id", n + 1))}, "sub request done")


def _sub_call(call: Call, item: Mapping[str, Any], path: str, answers: Mapping[str, Any]) -> Call:
    for key in ("method", "uri"):
        if not isinstance(item.get(key), str):
            raise mandatory(key, f"{path}.{key}")
    known = {key: _filled(item.get(key), answers, f"{path}.{key}") for key in ("uri", "params", "body", "headers")}
    uri, _, query = str(known["uri"]).partition("?")
    segments = split_path(uri)
    if len(segments) < 2 or segments[0] != "crm" or segments[-1] == NAME:
        raise Refused("NOT_SUPPORTED", "the service is not supported", {"allowed_services": ["record", "coql"]})
    if segments[1] != call.version:
        details = {"sub_request_version": segments[1], "composite_request_version": call.version}
        raise Refused("NOT_SUPPORTED", "versions differ", details)
    params, headers = (known[key] if isinstance(known[key], dict) else {} for key in ("params", "headers"))
    return Call(
        method=str(item["method"]).upper(),
        path=segments[2:],
        version=call.version,
        user=call.user,
        query={**dict(parse_qsl(query)), **{str(k): str(v) for k, v in params.items()}},
        headers={str(k).lower(): str(v) for k, v in headers.items()},
        body=known["body"],
    )


def _filled(value: Any, answers: Mapping[str, Any], path: str) -> Any:
    """A value with references like `@{1:$.data[0].details.id}` replaced."""
    if isinstance(value, dict):
        return {key: _filled(each, answers, path) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, answers, path) for each in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda match: _referred(match, answers, path), value)


def _referred(match: re.Match[str], answers: Mapping[str, Any], path: str) -> str:
    found: Any = answers.get(match[1])
    for step in re.findall(r"[^.\[\]]+", match[2]):
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, TypeError, ValueError):
            details = {"api_name": path.rpartition(".")[2], "json_path": path, "reference": match[0]}
            raise Refused("INVALID_REFERENCE", "the reference is invalid", details) from None
    if isinstance(found, (dict, list)):
        return json.dumps(found, ensure_ascii=False)
    if found is None:
        raise wrong_data(path.rpartition(".")[2], path)
    return str(found)
