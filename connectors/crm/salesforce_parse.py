"""What Salesforce's answers mean. Pure. Error texts of the org are dropped: they may quote the mail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    Gone,
    NotPermitted,
    RateLimited,
    Rejected,
    Transient,
)

# Codes: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
_GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
_LATER = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "PROCESSING_HALTED",
        "QUERY_TIMEOUT",
        "REQUEST_RUNNING_TOO_LONG",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    }
)
_FORBIDDEN = {
    "STORAGE_LIMIT_EXCEEDED": "The org's data storage is full; free some or buy more, then run `tradepost retry`.",
    "INSUFFICIENT_ACCESS": "The integration user lacks a right to this object; assign the permission set Tradepost.",
    "API_DISABLED_FOR_ORG": "This edition of Salesforce has no API access; it needs Enterprise or the API add-on.",
    "API_CURRENTLY_DISABLED": "The API is switched off; give the integration user the permission API Enabled.",
    "TXN_SECURITY_METERING_ERROR": "A transaction security policy of the org stopped the call; ask its administrator.",
    "UNSUPPORTED_API_VERSION": "This version of the API has ended; install a newer Tradepost.",
}
_SCHEMA = frozenset({"INVALID_FIELD", "INVALID_TYPE", "INVALID_FIELD_FOR_INSERT_UPDATE"})
_DAILY = timedelta(minutes=15)
_CONCURRENT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of Salesforce's, without its message. `names` are fields and objects, `ids` records it points to."""

    code: str
    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    daily: bool = False
    ours: bool = False  # a duplicate whose text names our key field, or hides which field it was


def parse_fault(item: object) -> Fault:
    """Read one element of an error array, of REST (`errorCode`) or of collections (`statusCode`)."""
    if not isinstance(item, Mapping):
        return Fault("")
    message = str(item.get("message") or "")
    code = str(item.get("errorCode") or item.get("statusCode") or item.get("error") or "")[:80]
    listed = [f for f in _list(item.get("fields")) if isinstance(f, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", f)]
    column = re.search(r"No such column '([A-Za-z0-9_.]+)' on (?:entity|sobject of type) '?([A-Za-z0-9_]+)", message)
    kind = re.search(r"sObject type '([A-Za-z0-9_]+)' is not supported", message)
    if column:
        listed.append(f"{column[2]}.{column[1]}")
    if kind:
        listed.append(kind[1])
    return Fault(
        code=code,
        names=tuple(dict.fromkeys(listed)),
        ids=_duplicate_ids(item) + tuple(re.findall(r"record with id: ([A-Za-z0-9]{15,18})", message)),
        daily="TotalRequests" in message,
        ours="Tradepost_Key__c" in message or "<unknown>" in message,
    )


def _duplicate_ids(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids in a DuplicateResult: https://developer.salesforce.com/docs/platform/api/guide/sforce-api-objects-duplicateresult.html."""
    result = item.get("duplicateResult")
    if not isinstance(result, Mapping):
        return ()
    results = [r for r in _list(result.get("matchResults")) if isinstance(r, Mapping)]
    matches = [m for r in results for m in _list(r.get("matchRecords")) if isinstance(m, Mapping)]
    records = [m["record"] for m in matches if isinstance(m.get("record"), Mapping)]
    return tuple(str(r["Id"]) for r in records if r.get("Id"))


def _list(raw: object) -> list[Any]:
    return raw if isinstance(raw, list) else []


def parse_faults(body: object) -> tuple[Fault, ...]:
    items = body if isinstance(body, list) else [body]
    return tuple(f for f in map(parse_fault, items) if f.code)


def cause(faults: Sequence[Fault]) -> Fault:
    """The first fault that is a reason; the others of one transaction are only consequences."""
    consequences = {"PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"}
    reasons = [f for f in faults if f.code not in consequences]
    return (reasons or list(faults) or [Fault("")])[0]


def error_of(fault: Fault, now: datetime, *, operation: str = "", status: int | None = None) -> ConnectorError | None:
    """The error one code means, or None where the HTTP status must decide."""
    code, names = fault.code, ", ".join(fault.names)
    if not code:
        return None
    if code == "REQUEST_LIMIT_EXCEEDED":
        wait = _DAILY if fault.daily else _CONCURRENT
        hint = "The org's daily API calls are used up." if fault.daily else "Too many calls run in the org at once."
        return RateLimited(hint, retry_at=now + wait, operation=operation, status=status, code=code)
    if status is not None and status >= 500:
        return None  # a write may have happened
    if code in _GONE:
        return Gone("The record is deleted, merged or hidden.", operation=operation, status=status, code=code)
    if code in _LATER:
        return Transient("Salesforce did not run it now.", operation=operation, status=status, code=code)
    if code in _FORBIDDEN:
        return NotPermitted(_FORBIDDEN[code], operation=operation, status=status, code=code)
    if code in _SCHEMA:
        hint = f"Not visible to the integration user: {names or 'a field or object'}. Grant it by field-level security."
        return NotPermitted(hint, operation=operation, status=status, code=code)
    if code == "INVALID_SESSION_ID":
        return AuthFailed("Salesforce refuses the session.", operation=operation, status=status, code=code)
    hint = f"Salesforce refused it: {code}" + (f" ({names})" if names else "")
    return Rejected(hint, operation=operation, status=status, code=code)


# -------------------------------------------------------------------------------------------------------------- graphs


@dataclass(frozen=True, slots=True)
class GraphOutcome:
    """How one graph went: `ids` per reference when it succeeded, else the faults, or `unknown`."""

    ids: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    unknown: bool = False

    @property
    def ok(self) -> bool:
        return not self.faults and not self.unknown


def parse_graphs(body: object) -> dict[str, GraphOutcome]:
    """The outcome of each graph by its id; one that is missing in the result has an unknown outcome."""
    graphs = body.get("graphs") if isinstance(body, Mapping) else None
    if not isinstance(graphs, list):
        raise BadReply("The answer holds no graphs.", operation="composite.graph")
    return {str(g["graphId"]): _outcome(g) for g in graphs if isinstance(g, Mapping) and "graphId" in g}


def _outcome(graph: Mapping[str, Any]) -> GraphOutcome:
    reply = graph.get("graphResponse")
    parts = reply.get("compositeResponse") if isinstance(reply, Mapping) else None
    sound = isinstance(parts, list) and all(isinstance(p, Mapping) for p in parts)
    if not isinstance(parts, list) or not sound or not isinstance(graph.get("isSuccessful"), bool):
        return GraphOutcome(unknown=True)
    if not graph["isSuccessful"]:
        failed = (p for p in parts if isinstance(p.get("httpStatusCode"), int) and p["httpStatusCode"] >= 300)
        faults = tuple(f for p in failed for f in parse_faults(p.get("body")))
        return GraphOutcome(faults=faults) if faults else GraphOutcome(unknown=True)
    ids = {
        str(p["referenceId"]): str(p["body"]["id"])
        for p in parts
        if isinstance(p.get("body"), Mapping) and p["body"].get("id") and "referenceId" in p
    }
    return GraphOutcome(ids=ids)


# ---------------------------------------------------------------------------------------------------------------- usage


def parse_usage(header: str) -> float | None:
    """Share of the org's daily calls in use, from ``api-usage=10018/100000``; may exceed 1."""
    found = re.search(r"api-usage=([0-9]{1,15})/([0-9]{1,15})(?![0-9])", header)
    return int(found[1]) / int(found[2]) if found and int(found[2]) else None
