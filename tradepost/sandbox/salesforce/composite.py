"""Composite, Composite Graph and Composite Batch.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_graph_introduction.htm
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_graph_limits.htm
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_batch.htm
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradepost.sandbox.salesforce.call import Answer, Call, split_url
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.state import OrgState

MOST_PARTS = 25
MOST_QUERIES = 5
MOST_GRAPHS = 75
MOST_NODES = 500
MOST_DEPTH = 15
MOST_KINDS = 15
MOST_FAILURES = 14
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_REFERENCE_ID = re.compile(r"[A-Za-z0-9_]+")
_GRAPH_ID = re.compile(r"[A-Za-z0-9][^.]{0,38}")
_INHERITED = {"accept", "authorization", "content-type"}
_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."
_TOO_MANY_FAILED = "The graph was not processed because too many graphs of this request failed."

Handle = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Part:
    """One subrequest."""

    method: str
    url: str
    reference: str
    body: Any
    headers: Mapping[str, str]


def composite(state: OrgState, handle: Handle, call: Call) -> Answer:
    """POST /composite."""
    parts = _parts(call.fields.get("compositeRequest"))
    if state.strictness.composite_limits:
        _check_number(parts)
    everything = call.fields.get("allOrNone") is True
    return Answer(body={"compositeResponse": _transaction(state, handle, call, parts, all_or_none=everything)[0]})


def graphs(state: OrgState, handle: Handle, call: Call) -> Answer:
    """POST /composite/graph. Each graph is a transaction."""
    given = call.fields.get("graphs")
    if not isinstance(given, list) or not all(isinstance(graph, dict) for graph in given):
        raise Refused("JSON_PARSER_ERROR", "graphs must be a list")
    named = [(graph.get("graphId"), _parts(graph.get("compositeRequest"))) for graph in given]
    if state.strictness.graph_limits:
        _check_limits(named)
    _check_graphs(named)
    failures = 0
    answers: list[dict[str, Any]] = []
    for graph_id, parts in named:
        if failures > MOST_FAILURES and state.strictness.graphs_halt:
            results, good = [_result(part, _halted(_TOO_MANY_FAILED)) for part in parts], False
        else:
            whole = state.strictness.graph_all_or_none
            results, good = _transaction(state, handle, call, parts, all_or_none=whole)
            failures += not good
        answers.append({"graphId": graph_id, "graphResponse": {"compositeResponse": results}, "isSuccessful": good})
    return Answer(body={"graphs": answers})


def batch(handle: Handle, call: Call) -> Answer:
    """POST /composite/batch: independent calls; with haltOnError the ones after a failure are not made."""
    given = call.fields.get("batchRequests")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_PARTS:
        raise Refused("LIMIT_EXCEEDED", f"A batch has 1 to {MOST_PARTS} subrequests.")
    results: list[dict[str, Any]] = []
    for each in given:
        if any(r["statusCode"] >= 400 for r in results) and call.fields.get("haltOnError") is True:
            text = "Batch execution halted because an error occurred in a previous subrequest"
            results.append({"statusCode": 412, "result": Refused("BATCH_PROCESSING_HALTED", text).body()})
            continue
        url = f"/services/data/{str(each.get('url', '')).removeprefix('/services/data/').lstrip('/')}"
        answer = handle(_call(call, str(each.get("method", "")), url, each.get("richInput"), {}))
        results.append({"statusCode": answer.status, "result": answer.body})
    return Answer(body={"hasErrors": any(r["statusCode"] >= 400 for r in results), "results": results})


# -------------------------------------------------------------------------------------------------------- transactions


def _transaction(
    state: OrgState, handle: Handle, call: Call, parts: Sequence[Part], *, all_or_none: bool
) -> tuple[list[dict[str, Any]], bool]:
    """Run parts in order. With `all_or_none` the first failure rolls all back and the others are reported halted."""
    start = state.store.savepoint()
    done: dict[str, Answer] = {}
    for part in parts:
        answer = _run(handle, call, part, done)
        done[part.reference] = answer
        if answer.bad and all_or_none:
            state.store.rollback(start)
            halted = _halted(_ROLLED_BACK)
            return [_result(each, answer if each is part else halted) for each in parts], False
    return [_result(part, done[part.reference]) for part in parts], not any(a.bad for a in done.values())


def _run(handle: Handle, call: Call, part: Part, done: Mapping[str, Answer]) -> Answer:
    try:
        url = _filled(part.url, done)
        body = _filled(part.body, done)
    except _Unresolved as missing:
        return _halted(str(missing))
    try:
        return handle(_call(call, part.method, url, body, part.headers))
    except Refused as refused:
        return Answer(status=refused.status, body=refused.body())


def _call(outer: Call, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Call:
    path, query = split_url(url)
    if path[:2] != ("services", "data") or len(path) < 4 or not re.fullmatch(r"v\d+\.\d", path[2]):
        raise Refused("INVALID_INPUT", "The URL of a subrequest must start with /services/data/vXX.X/")
    if path[3:4] == ("composite",) and path[4:5] != ("sobjects",):
        raise Refused("INVALID_INPUT", "A composite resource cannot be a subrequest of another one.")
    lowered = {name.lower(): str(value) for name, value in headers.items()}
    return Call(
        method=method, path=path[3:], version=path[2][1:], actor=outer.actor, query=query, headers=lowered, body=body
    )


def _halted(message: str) -> Answer:
    return Answer(status=400, body=[{"errorCode": "PROCESSING_HALTED", "message": message}])


def _result(part: Part, answer: Answer) -> dict[str, Any]:
    return {
        "body": answer.body,
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": part.reference,
    }


# ---------------------------------------------------------------------------------------------------------- references


class _Unresolved(Exception):
    """A reference that names nothing usable."""


def _filled(value: Any, done: Mapping[str, Answer]) -> Any:
    """The value with every @{ref.path} replaced by what the referenced answer holds there."""
    if isinstance(value, dict):
        return {name: _filled(each, done) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, done) for each in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _lookup(whole, done)
    return _REFERENCE.sub(lambda match: _plain(_lookup(match, done)), value)


def _lookup(match: re.Match[str], done: Mapping[str, Answer]) -> Any:
    reference, path = match[1], match[2].lstrip(".")
    answer = done.get(reference)
    text = f"Invalid reference specified. No value for {reference}.{path} found in {reference}"
    if answer is None or answer.status >= 300:
        raise _Unresolved(text)
    here: Any = answer.body
    for name, index in re.findall(r"(\w+)|\[(\d+)\]", match[2].replace(".", " ")):
        try:
            here = here[int(index)] if index else here[name]
        except (KeyError, IndexError, TypeError):
            raise _Unresolved(text) from None
    return here


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


# -------------------------------------------------------------------------------------------------------------- input


def _parts(given: Any) -> list[Part]:
    """Subrequests, checked as a whole: since v52 one bad reference id refuses the entire request."""
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) for each in given):
        raise Refused("JSON_PARSER_ERROR", "compositeRequest must be a list of subrequests")
    parts = [_part(each) for each in given]
    references = [part.reference for part in parts]
    for reference in references:
        if not _REFERENCE_ID.fullmatch(reference):
            text = f"Invalid reference ID {reference!r}: only letters, digits and underscores are allowed."
            raise Refused("INVALID_INPUT", text)
        if references.count(reference) > 1:
            raise Refused("INVALID_INPUT", f"Duplicate reference ID: {reference}")
    return parts


def _part(given: dict[str, Any]) -> Part:
    headers = given.get("httpHeaders") or {}
    if not all(isinstance(given.get(name), str) for name in ("method", "url")):
        raise Refused("JSON_PARSER_ERROR", "A subrequest needs method and url.")
    reference = given.get("referenceId")
    if not isinstance(reference, str):
        raise Refused("JSON_PARSER_ERROR", "A subrequest needs a referenceId.")
    if any(name.lower() in _INHERITED for name in headers):
        raise Refused("INVALID_HEADER_TYPE", "Accept, Authorization and Content-Type are inherited.")
    return Part(given["method"], given["url"], reference, given.get("body"), headers)


def _check_number(parts: Sequence[Part]) -> None:
    if len(parts) > MOST_PARTS:
        raise Refused("LIMIT_EXCEEDED", f"A composite request can have at most {MOST_PARTS} subrequests.")
    if sum(_is_query(part) for part in parts) > MOST_QUERIES:
        text = f"A composite request can have at most {MOST_QUERIES} query and collection subrequests."
        raise Refused("LIMIT_EXCEEDED", text)


def _is_query(part: Part) -> bool:
    path, _ = split_url(part.url)
    return path[3:4] in {("query",), ("queryAll",)} or path[3:5] == ("composite", "sobjects")


def _check_graphs(named: Sequence[tuple[Any, list[Part]]]) -> None:
    """Each graph is named once, and its nodes are such as graphs take."""
    ids = [graph_id for graph_id, _ in named]
    for graph_id in ids:
        if not isinstance(graph_id, str) or not _GRAPH_ID.fullmatch(graph_id) or ids.count(graph_id) > 1:
            raise Refused("INVALID_INPUT", f"Invalid or repeated graphId: {graph_id}")
    for part in (part for _, parts in named for part in parts):
        _kind(part)


def _check_limits(named: Sequence[tuple[Any, list[Part]]]) -> None:
    if len(named) > MOST_GRAPHS:
        raise Refused("LIMIT_EXCEEDED", f"A request can have at most {MOST_GRAPHS} graphs.")
    if sum(len(parts) for _, parts in named) > MOST_NODES:
        raise Refused("LIMIT_EXCEEDED", f"A request can have at most {MOST_NODES} nodes.")
    kinds = {_kind(part) for _, parts in named for part in parts}
    if len(kinds) > MOST_KINDS:
        raise Refused("LIMIT_EXCEEDED", f"A request can have at most {MOST_KINDS} different nodes.")
    for _, parts in named:
        if _depth(parts) > MOST_DEPTH:
            raise Refused("LIMIT_EXCEEDED", f"A graph can be at most {MOST_DEPTH} deep.")


def _kind(part: Part) -> tuple[str, str, str]:
    """Version, method and object: what makes nodes different. Raises for URLs a graph does not take."""
    path, _ = split_url(part.url)
    methods = {5: {"POST"}, 6: {"GET", "PATCH", "DELETE"}, 7: {"GET", "PATCH", "DELETE", "POST"}}.get(len(path), set())
    if path[:2] != ("services", "data") or path[3:4] != ("sobjects",) or part.method not in methods:
        text = f"{part.method} {part.url} cannot be a node: graphs take only records below /sobjects."
        raise Refused("INVALID_INPUT", text)
    version = re.fullmatch(r"v(\d+)\.\d", path[2])
    if version is None or int(version[1]) < 50:
        raise Refused("INVALID_INPUT", "Composite graphs need version 50.0 or later.")
    return path[2], part.method, path[4].lower()


def _depth(parts: Sequence[Part]) -> int:
    """Nodes that refer to none are at depth 1."""
    depths: dict[str, int] = {}
    for part in parts:
        named = {match[1] for match in _REFERENCE.finditer(f"{part.url} {part.body!r}")}
        depths[part.reference] = 1 + max((depths.get(name, 0) for name in named), default=0)
    return max(depths.values())
