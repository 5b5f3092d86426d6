"""What HubSpot's answers mean. Pure. Its messages are read for names and ids only: they may quote the mail.

https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.base.errors import (
    BadReply,
    ConnectorError,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.base.services import Call, Reply

Row = dict[str, Any]

NAME = re.compile(r"[A-Za-z0-9_.\-]{1,120}")
_CODE = re.compile(r"[A-Za-z0-9_.]{1,80}")
# A permission of the user behind the token, seen as 400 as well as 403. No list of these codes is published.
_NOT_ALLOWED = re.compile(r"[A-Z]_PERMISSIONS?\b|PERMISSION_DENIED|not have (?:the )?\w* ?permission")
_MIGRATING = timedelta(minutes=15)
_LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal, without its message: what kind, which properties, scopes, ids and rows it names."""

    category: str = ""
    codes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    policy: str = ""
    existing: str = ""  # the id of the record that stands in the way
    permission: bool = False
    links: bool = False  # an association is refused

    @property
    def code(self) -> str:
        return next(iter(self.codes), self.category)


# --------------------------------------------------------------------------------------------------------------- faults


def parse_fault(body: object) -> Fault:
    """Read an error envelope; every part of it is optional. Anything else is an empty fault."""
    if not isinstance(body, Mapping):
        return Fault()
    message = str(body.get("message") or "")[:20_000]
    parts = [p for p in _list(body.get("errors")) if isinstance(p, Mapping)]
    embedded = _embedded(message)
    context = _contexts([body, *parts])
    codes = [*(p.get("code") or p.get("subCategory") for p in parts), *(e.get("error") for e in embedded)]
    codes += [body.get("subCategory"), body.get("category")]
    names = [*context("propertyName"), *context("properties"), *(str(e.get("name") or "") for e in embedded)]
    words = f"{message} {' '.join(str(c) for c in codes)} {' '.join(str(p.get('message')) for p in parts)}"
    return Fault(
        category=_code(body.get("category")),
        codes=tuple(dict.fromkeys(c for c in map(_code, codes) if c)),
        names=tuple(dict.fromkeys(n for n in names if NAME.fullmatch(n))),
        scopes=tuple(sorted({s for s in context("requiredGranularScopes") if NAME.fullmatch(s)})),
        ids=tuple(dict.fromkeys((*context("ids"), *context("id"), *context("fromObjectId")))),
        traces=tuple(context("objectWriteTraceId")),
        policy=str(body.get("policyName") or body.get("errorType") or "").upper(),
        existing=_existing(message, [str(e.get("message") or "") for e in embedded]),
        permission=bool(_NOT_ALLOWED.search(words)),
        links=bool(re.search(r"associat", words, re.IGNORECASE)),
    )


def _list(raw: object) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _code(raw: object) -> str:
    return raw if isinstance(raw, str) and _CODE.fullmatch(raw) else ""


def _contexts(bodies: Sequence[Mapping[str, Any]]) -> Callable[[str], list[str]]:
    maps = [b["context"] for b in bodies if isinstance(b.get("context"), Mapping)]

    def of(name: str) -> list[str]:
        raw = [m[name] for m in maps if name in m]
        flat = [v for r in raw for v in (r if isinstance(r, list) else [r])]
        return [str(v) for v in flat if isinstance(v, str | int)]

    return of


def _embedded(message: str) -> list[Mapping[str, Any]]:
    """Some messages end with a JSON array that says which property is wrong."""
    start = message.find("[{")
    if start < 0:
        return []
    try:
        found, _ = json.JSONDecoder().raw_decode(message[start:])
    except (ValueError, RecursionError):
        return []
    return [e for e in _list(found) if isinstance(e, Mapping)]


def _existing(message: str, others: Iterable[str]) -> str:
    """Both spellings: ``Contact already exists. Existing ID: 12345``, and ``... 12345 already has that value.``."""
    for text in (message, *others):
        found = re.search(r"Existing ID:\s*(\d{1,20})|\b(\d{1,20}) already has that value", text)
        if found:
            return found[1] or found[2]
    return ""


def scopes_hint(scopes: Sequence[str]) -> str:
    """What to grant. Where HubSpot names several, any one of them may do."""
    listed = ", ".join(scopes) or "the scope of this call"
    return f"The key or app lacks a scope: add {listed} (docs/setup/hubspot.md lists what each is for)."


def error_of(fault: Fault, *, operation: str = "", status: int | None = None) -> ConnectorError | None:
    """The error that one refusal means, or None where the status must decide."""
    code, names = fault.code, ", ".join(fault.names[:10])
    if "MISSING_SCOPES" in fault.codes or fault.scopes:
        return NotPermitted(scopes_hint(fault.scopes), operation=operation, status=status, code="MISSING_SCOPES")
    if status not in (None, 200, 207) and not 400 <= (status or 0) < 500:
        return None
    if status == 403 or fault.permission:
        what = "associate these records" if fault.links else "do this"
        hint = f"The user who made the key or gave consent may not {what}; give them that permission in HubSpot."
        return NotPermitted(hint, operation=operation, status=status, code=code)
    if status in (404, 410) or code == "OBJECT_NOT_FOUND" or "INVALID_OBJECT_IDS" in fault.codes:
        return Gone("The record is deleted or merged.", operation=operation, status=status, code=code)
    if status == 423 or "LOCKED" in code:
        return Transient("HubSpot holds the record for a moment.", operation=operation, status=status, code=code)
    if not code and status in (None, 200, 207):
        return None
    # A parked item shows the code alone, and what a person must look at is the property.
    told = f"{code} ({names})" if names else code
    hint = f"HubSpot refused it: {told or 'no reason given'}"
    if fault.links and not names:
        hint += "; an association is not taken"
    return Rejected(hint, operation=operation, status=status, code=told)


def bare_code(error: ConnectorError) -> str:
    """HubSpot's own code, without the properties it is about."""
    return error.code.partition(" ")[0]


# ------------------------------------------------------------------------------------------------------------- statuses


def classified(call: Call, reply: Reply, now: datetime, zone: str) -> ConnectorError | None:
    """How an answer with an error status is read; None for the general rule (401, 5xx, redirects)."""
    status, operation = reply.status, call.operation
    if status == 429:
        return limited(reply, now, zone, operation)
    if status == 477:  # the account is being moved; up to a day
        wait = _seconds(reply.headers.get("retry-after", "")) or _MIGRATING
        hint = "HubSpot is moving the account to another data centre."
        return RateLimited(hint, retry_at=now + min(wait, _LONGEST), operation=operation, status=status)
    if status in (401, 408) or not 400 <= status < 500:
        return None
    try:
        fault = parse_fault(reply.json())
    except BadReply:
        fault = Fault()
    if status == 403 and not fault.category and "html" in reply.headers.get("content-type", ""):
        hint = "Something before HubSpot refuses the call; check `proxy` and the address."
        return NotPermitted(hint, operation=operation, status=status)
    return error_of(fault, operation=operation, status=status)


def limited(reply: Reply, now: datetime, zone: str, operation: str) -> RateLimited:
    """Which pool is used up, and when it fills again. `Retry-After` is not promised.

    https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
    """
    try:
        policy = parse_fault(reply.json()).policy
    except BadReply:
        policy = ""
    told = _seconds(reply.headers.get("retry-after", ""))
    if policy == "DAILY":
        hint, at = "The account's calls of the day are used up.", midnight(now, zone)
    elif "TEN_SECOND" in policy:
        ms = reply.headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
        hint, at = "Too many calls in ten seconds.", now + (told or _seconds(ms, 0.001) or timedelta(seconds=10))
    elif policy == "SECONDLY":
        hint, at = "Too many searches in a second.", now + (told or timedelta(seconds=1))
    else:
        hint, at = "Too many calls for now.", now + (told or timedelta(seconds=10))
    return RateLimited(hint, retry_at=min(at, now + _LONGEST), operation=operation, status=429, code=policy[:40])


def _seconds(text: str, unit: float = 1.0) -> timedelta | None:
    found = re.fullmatch(r"\s*(\d{1,8})\s*", text)
    return timedelta(seconds=int(found[1]) * unit) if found else None


def midnight(now: datetime, zone: str) -> datetime:
    """When the next day begins in the account's zone: the daily pool fills then."""
    try:
        here = ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        here = ZoneInfo("UTC")
    tomorrow = now.astimezone(here).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=here).astimezone(UTC)


def usage_of(headers: Mapping[str, str]) -> float | None:
    """Share of the account's daily pool in use; OAuth apps and searches are told none."""
    whole = headers.get("x-hubspot-ratelimit-daily", "")
    left = headers.get("x-hubspot-ratelimit-daily-remaining", "")
    if not (re.fullmatch(r"\d{1,12}", whole) and re.fullmatch(r"-?\d{1,12}", left)) or int(whole) == 0:
        return None
    return min(max(1 - int(left) / int(whole), 0.0), 1.0)


# --------------------------------------------------------------------------------------------------------------- bodies


def rows_of(body: object, operation: str) -> list[Row]:
    """The rows of a listing, search or batch. Raises `BadReply`: an answer with odd rows is not half believed."""
    results = body.get("results") if isinstance(body, Mapping) else None
    if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
        raise BadReply("The answer holds no results.", operation=operation)
    return results


def errors_of(body: Mapping[str, Any]) -> list[Any]:
    """The refusals of a batch's rows."""
    return _list(body.get("errors"))


def records_of(body: object, operation: str) -> list[Row]:
    """Rows that are records: with an id and properties. Raises `BadReply` when one is not."""
    rows = rows_of(body, operation)
    if any(not is_record(r) for r in rows):
        raise BadReply("A row of the answer is no record.", operation=operation)
    return rows


def has_id(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("id"), str | int) and not isinstance(row.get("id"), bool) and row["id"] != ""


def is_record(row: object) -> bool:
    return isinstance(row, Mapping) and has_id(row) and isinstance(row.get("properties"), Mapping)


def next_of(body: Mapping[str, Any]) -> str:
    """The token of the next page; never the link beside it, which names another version."""
    paging = body.get("paging")
    following = paging.get("next") if isinstance(paging, Mapping) else None
    after = following.get("after") if isinstance(following, Mapping) else None
    return str(after) if isinstance(after, str | int) else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one row of a batch went: its record, or why not."""

    row: Row = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def record(self) -> str:
        return str(self.row.get("id") or "")


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """An answer to a batch of creates or upserts: outcomes by trace id; `faults` that name no row."""

    by_trace: Mapping[str, Outcome]
    faults: tuple[Fault, ...] = ()


def batch_answer(body: object, traces: Sequence[str], keys: Mapping[str, str], operation: str) -> BatchAnswer:
    """Read a batch by trace ids, else by unique values (`keys`: value to trace); never by position.

    A single row needs neither. Raises `BadReply`; a row that nothing names has no outcome.
    https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
    """
    if not isinstance(body, Mapping) or body.get("status") not in (None, "COMPLETE"):
        raise BadReply("The batch is not said to be complete.", operation=operation)
    found: dict[str, Outcome] = {}
    for row in records_of(body, operation):
        trace = _trace_of(row, traces, keys)
        if trace:
            found[trace] = Outcome(row=row)
    loose: list[Fault] = []
    for fault in map(parse_fault, errors_of(body)):
        named = [t for t in fault.traces if t in traces and t not in found]
        if not named and len(traces) == 1 and not found:
            named = list(traces)
        found |= {t: Outcome(fault=fault) for t in named}
        loose += [] if named else [fault]
    return BatchAnswer(found, tuple(loose))


def _trace_of(row: Row, traces: Sequence[str], keys: Mapping[str, str]) -> str:
    told = str(row.get("objectWriteTraceId") or "")
    if told in traces:
        return told
    mine = [keys[v] for v in map(str, row["properties"].values()) if v in keys]
    return mine[0] if mine else traces[0] if len(traces) == 1 else ""


def unknown(operation: str, status: int | None = None) -> OutcomeUnknown:
    return OutcomeUnknown("The answer does not tell how this write went.", operation=operation, status=status)
