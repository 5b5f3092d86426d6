"""What Zoho CRM's answers mean. Pure. Zoho's own messages are dropped: they may quote the mail.

https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    Conflict,
    ConnectorError,
    CursorExpired,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)

Row = Mapping[str, Any]

# What each call needs; named in errors, in `check` and in docs/setup/zoho.md.
SCOPES = {
    "get_org": "ZohoCRM.org.READ",
    "get_users": "ZohoCRM.users.READ",
    "get_modules": "ZohoCRM.settings.modules.READ",
    "get_fields": "ZohoCRM.settings.fields.READ",
    "create_fields": "ZohoCRM.settings.fields.CREATE",
    "get_layouts": "ZohoCRM.settings.layouts.READ",
    "get_pipelines": "ZohoCRM.settings.pipeline.ALL",
    "get_related_lists": "ZohoCRM.settings.related_lists.READ",
    "coql": "ZohoCRM.coql.READ and ZohoCRM.modules.ALL",
    "associate_email": "ZohoCRM.modules.emails.ALL and ZohoCRM.modules.ALL",
    "get_emails": "ZohoCRM.modules.emails.ALL and ZohoCRM.modules.ALL",
    "get_email": "ZohoCRM.modules.emails.ALL and ZohoCRM.modules.ALL",
    "email_available": "ZohoCRM.modules.emails.ALL",
    "link_emails": "ZohoCRM.modules.emails.ALL and ZohoCRM.modules.ALL",
}
_RECORDS = "ZohoCRM.modules.ALL"

_GONE = frozenset(
    {"CONVERTED_RECORD", "ID_ALREADY_CONVERTED", "NO_RECORDS_FOUND", "NOT_FOUND", "NO_CONTENT", "RECORD_NOT_FOUND"}
)
_LICENCE = frozenset({"FEATURE_NOT_SUPPORTED", "FEATURE_NOT_ENABLED", "LICENSE_NOT_SUPPORTED", "NOT_SUPPORTED"})
_CURSOR = frozenset(
    {
        "EXPIRED_VALUE",
        "TOKEN_BOUND_DATA_MISMATCH",
        "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
        "PAGINATION_LIMIT_EXCEEDED",
    }
)
_BROKEN = frozenset({"INTERNAL_ERROR", "INTERNAL_SERVER_ERROR"})
# https://www.zoho.com/crm/developer/docs/api/v7/update-blueprint.html and the vendor's list of codes.
STOPPED = {
    "RECORD_IN_BLUEPRINT": "The record follows a blueprint, and no transition without further data leads there; "
    "move it by hand.",
    "RECORD_LOCKED": "The record is locked in Zoho; unlock it, then run `tradepost retry`.",
    "NOT_APPROVED": "The record waits for an approval in Zoho; approve it, then run `tradepost retry`.",
    "NOT_REVIEWED": "The record waits for a review in Zoho; review it, then run `tradepost retry`.",
    "MAPPING_MISMATCH": "The stage does not belong to the deal's pipeline and layout.",
    "DUPLICATE_DATA": "Another record has this unique value already.",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal of Zoho's, without its message.

    `names` are fields, paths or parameters, `lost` tells that the id of the call is unknown, `duplicate` is the record
    that has the unique value of field `names[0]` already.
    """

    code: str
    names: tuple[str, ...] = ()
    lost: bool = False
    duplicate: str = ""
    permissions: tuple[str, ...] = ()
    sub_code: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one record of a write went: its id and what was done, or the fault."""

    id: str = ""
    action: str = ""
    fault: Fault | None = None
    details: Row = field(default_factory=dict)


def word_in(value: object) -> str:
    """A name of the API, never a value somebody typed."""
    text = str(value or "")
    return text if re.fullmatch(r"[A-Za-z0-9_$.\[\]]{1,120}", text) else ""


def parse_fault(item: object) -> Fault:
    """Read `{code, details, message, status}`; several faults of one record give the first."""
    if not isinstance(item, Mapping):
        return Fault("")
    code = word_in(item.get("code"))
    raw = item.get("details")
    details: Row = raw if isinstance(raw, Mapping) else {}
    several = details.get("errors")
    if code == "MULTIPLE_OR_MULTI_ERRORS" and isinstance(several, list) and several:
        return min((parse_fault(s) for s in several), key=lambda f: f.code != "DUPLICATE_DATA")
    record = details.get("duplicate_record")
    named = details.get("permissions")
    listed = (word_in(details.get(k)) for k in ("api_name", "json_path", "param_name", "param"))
    return Fault(
        code=code,
        names=tuple(dict.fromkeys(n for n in listed if n)),
        lost=code == "INVALID_DATA" and _lost(details),
        duplicate=word_in(record.get("id") if isinstance(record, Mapping) else details.get("id")),
        permissions=tuple(w for p in named if (w := word_in(p))) if isinstance(named, list) else (),
        sub_code=word_in(details.get("code")),
    )


def _lost(details: Row) -> bool:
    """Whether what is invalid is the record of the call, or one that it points to."""
    path = str(details.get("json_path") or "").rpartition(".")[2]
    pointed = {"id", "What_Id", "Who_Id"} & {path, str(details.get("api_name"))}
    return "resource_path_index" in details or bool(pointed)


def faults_in(body: object) -> Fault:
    """The fault of an error answer: of the whole call, or of its only record."""
    if isinstance(body, Mapping) and "code" not in body:
        for name in ("data", "Emails", "fields"):
            items = body.get(name)
            if isinstance(items, list) and items:
                return parse_fault(items[0])
    return parse_fault(body)


def error_of(fault: Fault, *, safe: bool, operation: str = "", status: int | None = None) -> ConnectorError | None:
    """The error one code means, or None where the HTTP status must decide."""
    kind, hint = _reading(fault, operation, safe=safe, status=status)
    if kind is None:
        return None
    if kind is RateLimited:
        return RateLimited(hint, operation=operation, status=status, code=fault.code)
    return kind(hint, operation=operation, status=status, code=fault.code)


def _reading(
    fault: Fault, operation: str, *, safe: bool, status: int | None
) -> tuple[type[ConnectorError] | None, str]:
    code = fault.code
    if not code or (status is not None and (status >= 500 or status == 429)):
        return None, ""
    if code in {"INVALID_TOKEN", "AUTHENTICATION_FAILURE", "INVALID_OAUTHTOKEN"}:
        return AuthFailed, "Zoho refuses the access token, also a fresh one."
    if code == "OAUTH_SCOPE_MISMATCH":
        scope = SCOPES.get(operation, _RECORDS)
        return NotPermitted, f"The sign-in lacks the scope {scope}; make a new grant code with it (docs/setup/zoho.md)."
    if code == "NO_PERMISSION":
        return _no_permission(fault, safe=safe)
    if code == "INVALID_MODULE":
        return NotPermitted, "The module is hidden from Tradepost's user; give its profile access to it."
    if code in _LICENCE and not (operation == "get_pipelines" or safe):
        return NotPermitted, "This edition of Zoho CRM does not offer this."
    if code in _CURSOR and safe:
        return CursorExpired, "The page is no longer there; the list is read anew."
    if code in _GONE or fault.lost:
        return Gone, "The record is deleted, merged, converted or hidden."
    if code == "ALREADY_MODIFIED":
        return Conflict, "The record was changed in between."
    if code in _BROKEN or code == "DEPENDENT_SERVICE_ERROR":
        return _broken(fault, safe=safe)
    if code in {"TOO_MANY_REQUESTS", "RATE_LIMIT_EXCEEDED"}:
        return RateLimited, "Zoho takes no more calls for now."
    where = ", ".join(fault.names)
    return Rejected, STOPPED.get(code, f"Zoho refused it: {code}" + (f" ({where})" if where else ""))


def _no_permission(fault: Fault, *, safe: bool) -> tuple[type[ConnectorError], str]:
    """A missing right of the profile concerns everything; without one named, it is this record's sharing."""
    if fault.permissions or safe:
        named = ", ".join(fault.permissions) or "for this module"
        return NotPermitted, f"The profile of Tradepost's user lacks the permission {named}."
    return Rejected, "Tradepost's user may not change this record; share it with the user, or make it an administrator."


def _broken(fault: Fault, *, safe: bool) -> tuple[type[ConnectorError], str]:
    if safe:
        return Transient, "Zoho failed."
    if fault.sub_code == "LIMIT_EXCEEDED":
        return RateLimited, "A service behind Zoho CRM takes no more for now."
    if fault.sub_code in {"CANNOT_PROCESS", "NO_PERMISSION"}:
        return Rejected, f"A service behind Zoho CRM refused it: {fault.sub_code}"
    return OutcomeUnknown, "Zoho failed; whether it wrote first is not known."


# ------------------------------------------------------------------------------------------------------------- writes


def parse_outcome(body: object, name: str = "data") -> Outcome:
    """How the one record of a write went. Raises `BadReply` where that cannot be told.

    Zoho gives its answers in the order of the records and repeats nothing of them, so one call writes one record:
    no answer can then belong to another.
    """
    items = body.get(name) if isinstance(body, Mapping) else None
    if items is None and isinstance(body, Mapping) and body.get("code"):
        items = [body]
    if isinstance(items, Mapping):
        items = [items]
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], Mapping):
        raise BadReply("The answer does not tell how the write went.")
    item = items[0]
    raw = item.get("details")
    details: Row = raw if isinstance(raw, Mapping) else {}
    if item.get("status") == "success" or item.get("code") == "SUCCESS":
        record = word_in(details.get("id") or details.get("message_id"))
        return Outcome(id=record, action=word_in(item.get("action")), details=details)
    if not word_in(item.get("code")):
        raise BadReply("The answer does not tell how the write went.")
    return Outcome(fault=parse_fault(item), details=details)


# -------------------------------------------------------------------------------------------------------------- lists


@dataclass(frozen=True, slots=True)
class Listed:
    """One page: its rows, and how the next one is asked for (empty: there is none)."""

    rows: tuple[Row, ...] = ()
    token: str = ""
    more: bool = False


def parse_list(body: object, name: str = "data") -> Listed:
    """A page of records, of anything under `name`. Raises `BadReply` when it is none."""
    rows = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(rows, list) or not isinstance(body, Mapping):
        raise BadReply("The answer holds no list.")
    raw = body.get("info")
    info: Row = raw if isinstance(raw, Mapping) else {}
    token = info.get("next_page_token") or info.get("next_index")
    return Listed(
        rows=tuple(r for r in rows if isinstance(r, Mapping)),
        token=str(token) if isinstance(token, str | int) else "",
        more=info.get("more_records") is True,
    )


def parse_time(text: object) -> datetime | None:
    """An ISO 8601 moment with an offset, as UTC; None for anything else."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def id_in(value: object) -> str:
    """The id of a lookup value (`{id, name}`), or a bare id."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def text_in(value: object) -> str:
    """A text; of a lookup or picklist object its name."""
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("actual_value") or value.get("display_value")
    return value if isinstance(value, str) else ""
