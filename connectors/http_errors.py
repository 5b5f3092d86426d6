"""What an answer that is not accepted means: one typed error each. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    Conflict,
    ConnectorError,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.base.services import Call, HttpSpec, Reply

LONGEST_WAIT = timedelta(hours=24)
MOST_AHEAD = timedelta(minutes=5)  # that a vendor's clock is believed to be before ours

# Google and HubSpot, Microsoft Graph, HubSpot's older name, Zoho and others.
_ID_HEADERS = ("x-request-id", "request-id", "x-hubspot-correlation-id", "x-correlation-id", "x-amzn-requestid")
_ID = re.compile(r"[\w.:+/=-]{1,100}")


def as_unknown(error: ConnectorError) -> OutcomeUnknown:
    """The same finding on a write: an answer came, but it does not tell whether the write was done.

    A connector wraps the reading of an unsafe call's answer with it::

        try:
            record = reply.json()["id"]
        except BadReply as error:
            raise as_unknown(error) from None
    """
    return OutcomeUnknown(
        error.hint, operation=error.operation, status=error.status, code=error.code, request_id=error.request_id
    )


def error_of(spec: HttpSpec, call: Call, reply: Reply, now: datetime) -> ConnectorError:
    """The vendor's own reading of an answer, else the general rule of `HttpSpec`; complete with ids."""
    try:
        error = spec.classify(call, reply)
    except (BadReply, LookupError, TypeError, ValueError, AttributeError):
        error = None  # the vendor's rule looked for its own error body and found a proxy's page, or another shape
    error = error or _general(call, reply)
    error.operation = error.operation or call.operation
    error.status = error.status or reply.status
    error.request_id = error.request_id or request_id_of(reply)
    if isinstance(error, RateLimited) and error.retry_at is None:
        error.retry_at = retry_at(reply, now)
    return error


def _general(call: Call, reply: Reply) -> ConnectorError:
    status = reply.status
    if status >= 500 or status == 408:
        return _server_failed(call, reply)
    match status:
        case 401:
            return AuthFailed("The sign-in is refused, also with a fresh token.")
        case 403:
            return NotPermitted("Signed in, but this is not allowed.")
        case 404 | 410:
            return Gone("It does not exist, or no longer.")
        case 409 | 412:
            return Conflict("It was changed in between.")
        case 429:
            return RateLimited("Too many calls for now.")
    if 400 <= status < 500:
        return Rejected("The vendor refuses the request.")
    return _senseless(call, reply)


def _server_failed(call: Call, reply: Reply) -> ConnectorError:
    if not call.safe:
        return OutcomeUnknown("The server failed; whether it wrote first is not known.")
    if "retry-after" in reply.headers:
        return RateLimited("The server asks to come back later.")
    return Transient("The server failed.")


def _senseless(call: Call, reply: Reply) -> ConnectorError:
    where = "a redirect" if 300 <= reply.status < 400 else "a status"
    error = BadReply(f"The server answers with {where} that this call cannot have; is the address right?")
    return error if call.safe else as_unknown(error)


def retry_at(reply: Reply, now: datetime) -> datetime | None:
    """When to come back by `Retry-After`: seconds or an HTTP date (RFC 9110 10.2.3), never over a day ahead."""
    value = reply.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", value):
        return now + min(timedelta(seconds=float(value)), LONGEST_WAIT)
    at = _http_date(value)
    return min(max(at, now), now + LONGEST_WAIT) if at else None


def vendor_now(reply: Reply, now: datetime) -> datetime | None:
    """The vendor's time by the header Date; None where it tells none. Never far ahead of ours.

    Feeds of changes are read on from it: after one answer from the year 9999 nothing would ever be news again. A time
    too early only makes a feed tell some of it twice.
    """
    at = _http_date(reply.headers.get("date", ""))
    return min(at, now + MOST_AHEAD) if at else None


def _http_date(value: str) -> datetime | None:
    """In UTC. Numbers beyond all bounds raise more than `ValueError` in the standard library."""
    try:
        at = parsedate_to_datetime(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def request_id_of(reply: Reply) -> str:
    """The vendor's id of the request; empty where there is none, or one that looks like something else."""
    for name in _ID_HEADERS:
        value = reply.headers.get(name, "")
        if _ID.fullmatch(value):
            return value
    return ""
