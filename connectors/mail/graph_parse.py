"""Microsoft Graph's answers as our values: errors, pages, links, folders, people. Pure.

Codes: https://learn.microsoft.com/graph/errors; they are compared without case, messages never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    CursorExpired,
    NotPermitted,
    RateLimited,
    Rejected,
)
from connectors.base.services import json_of

# --------------------------------------------------------------------------------------------------- replies, checked


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class User(_Reply):
    """A directory entry. `proxyAddresses` are `smtp:` and others; the right to read basic profiles may leave it out."""

    id: str = Field(min_length=1)
    mail: str | None = None
    userPrincipalName: str | None = None  # noqa: N815
    proxyAddresses: tuple[str, ...] | None = None  # noqa: N815


class UserList(_Reply):
    value: tuple[User, ...] = ()


class RawFolder(_Reply):
    id: str = Field(min_length=1)
    displayName: str | None = None  # noqa: N815
    parentFolderId: str | None = None  # noqa: N815
    childFolderCount: int | None = None  # noqa: N815
    kind: str | None = Field(default=None, alias="@odata.type")
    removed: dict[str, Any] | None = Field(default=None, alias="@removed")


class _FolderPage(_Reply):
    value: tuple[RawFolder, ...]


class _Page(_Reply):
    value: tuple[dict[str, Any], ...]
    next_link: str | None = Field(default=None, alias="@odata.nextLink")
    delta_link: str | None = Field(default=None, alias="@odata.deltaLink")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing or a change feed. `next` and `delta` are path and query; empty where there is none."""

    items: tuple[Mapping[str, Any], ...] = field(repr=False)
    next: str
    delta: str


R = TypeVar("R", bound=_Reply)


def checked(model: type[R], body: object, operation: str) -> R:
    """The answer in its expected shape. Raises `BadReply`, without the answer's contents."""
    try:
        return model.model_validate(body)
    except ValidationError:
        raise BadReply("Graph's answer does not have the documented shape.", operation=operation) from None


def page_of(body: object, root: str, operation: str, *, asked: str = "") -> Page:
    """A page whose items all have an id. A page of a feed goes on or ends: one that does neither raises `BadReply`."""
    page = checked(_Page, body, operation)
    if not all(isinstance(item.get("id"), str) and item["id"] for item in page.value):
        raise BadReply("An item of Graph's answer has no id.", operation=operation)
    following, delta = relative(page.next_link, root, operation), relative(page.delta_link, root, operation)
    if operation.endswith(".delta") and not following and not delta:
        raise BadReply("The page neither goes on nor ends.", operation=operation)
    if following and following == asked:
        raise BadReply("The page leads back to itself.", operation=operation)
    return Page(page.value, following, "" if following else delta)


def folders_of(page: Page, operation: str) -> tuple[RawFolder, ...]:
    return checked(_FolderPage, {"value": page.items}, operation).value


def relative(link: str | None, root: str, operation: str) -> str:
    """Path and query of a link, or nothing. Raises `BadReply` for one to another host: the token would go there."""
    if not link:
        return ""
    try:
        found, home = urlsplit(link), urlsplit(root)
    except ValueError:
        found, home = urlsplit(""), urlsplit(root)
    if (found.scheme.lower(), found.netloc.lower()) != (home.scheme.lower(), home.netloc.lower()):
        raise BadReply("A link in Graph's answer leads to another host.", operation=operation)
    if not found.path:
        raise BadReply("A link in Graph's answer names no path.", operation=operation)
    return f"{found.path}?{found.query}" if found.query else found.path


def moment(value: object) -> datetime | None:
    """A time as Graph writes it, in UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value[:40])
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def own_addresses(user: User) -> tuple[str, ...]:
    """The mailbox's main address first, then its aliases and its sign-in name."""
    proxies = user.proxyAddresses or ()
    main = next((p[5:] for p in proxies if p.startswith("SMTP:")), "") or user.mail or ""
    others = [p[5:] for p in proxies if p[:5].lower() == "smtp:"] + [user.mail or "", user.userPrincipalName or ""]
    named = (main.strip().lower(), *sorted(address.strip().lower() for address in others))
    return tuple(dict.fromkeys(address for address in named if "@" in address))


# --------------------------------------------------------------------------------------------------------------- errors

# Of Outlook's change feeds; the documented ones come as 410, the others were seen as 400.
_EXPIRED = {"syncstatenotfound", "resyncrequired", "syncstateinvalid", "errorinvalidsyncstatedata"}
_EXPIRED |= {"resyncchangesapplydifferences", "resyncchangesuploaddifferences"}
_NO_MAILBOX = {"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "resourcenotfound", "errorinvaliduser"}
_NO_MAILBOX |= {"request_resourcenotfound", "errornonexistentmailbox"}
_FULL = "errorquotaexceeded"
_NO_MIME = "errormimecontentconversionfailed"
_UNTRACKED = {"errorunsupportedrequest", "notsupported", "notimplemented", "unsupportedrequest"}

# https://learn.microsoft.com/graph/auth-limit-mailbox-access; https://learn.microsoft.com/exchange/permissions-exo/application-rbac
DENIED_APP = (
    "The app may not read this mailbox: give it the application permission Mail.Read of Microsoft Graph with an "
    'administrator\'s consent, or, with RBAC for Applications in Exchange Online, the role "Application Mail.Read" '
    "over a scope that holds this mailbox; an application access policy may leave it out. Changes take up to two hours."
)
DENIED_PERSON = (
    "The account that signed in may not read this mailbox: it needs the delegated permission Mail.Read; for a shared "
    "mailbox also Full Access in Exchange, and Mail.Read.Shared among `scopes`."
)
DIRECTORY_APP = (
    "The directory entry of the mailbox cannot be read: give the app the application permission User.ReadBasic.All of "
    "Microsoft Graph (User.Read.All for aliases too) with the consent of an administrator."
)
DIRECTORY_PERSON = (
    "The directory entry of the mailbox cannot be read: the sign-in needs the delegated permission User.Read; for a "
    "shared mailbox also User.ReadBasic.All among `scopes`."
)


def codes_of(body: object) -> tuple[str, ...]:
    """The error codes of a body, outermost first, then those nested in it; none where it is no error body."""
    error: Any = body.get("error") if isinstance(body, dict) else None
    found: list[str] = []
    while isinstance(error, dict) and len(found) < 8:
        found.append(str(error.get("code", ""))[:80])
        error = error.get("innererror") or error.get("innerError")
    return tuple(code for code in found if code)


def body_of(content: bytes) -> object:
    """A body's JSON; None where it is none, as a proxy's page."""
    try:
        found: object = json_of(content)
    except ValueError:
        return None
    return found


def classify(operation: str, status: int, body: object, *, person: bool = False) -> ConnectorError | None:
    """The error an answer means, by its codes. None: the general rule. `person`: signed in by one, not as an app."""
    codes = codes_of(body)
    known = {code.lower() for code in codes}
    context: dict[str, Any] = {"operation": operation, "status": status, "code": codes[0] if codes else ""}
    if operation.endswith(".delta") and (status == 410 or (status < 500 and known & _EXPIRED)):
        return CursorExpired("The folder's change feed no longer knows this position.", **context)
    if _FULL in known:
        return Rejected("The mailbox is full, and Graph keeps no position for it.", **(context | {"code": FULL}))
    if _NO_MIME in known:
        return Rejected("Graph cannot give this mail as MIME.", **context)
    if operation.endswith(".delta") and (status == 501 or known & _UNTRACKED):
        return Rejected("Graph tracks no changes here.", **(context | {"code": UNTRACKED}))
    if status == 401:
        return AuthFailed("Graph refuses the sign-in, also with a fresh token; check `cloud` and the app.", **context)
    if status == 403:
        return NotPermitted(_forbidden(operation, known, person=person), **context)
    if status in (429, 509):
        return RateLimited("Graph asks to slow down.", **context)
    if status == 404 and known & _NO_MAILBOX:
        return NotPermitted(_no_mailbox(operation, known), **context)
    return Rejected("Graph refuses the request.", **context) if status == 400 else None


FULL = "ErrorQuotaExceeded"
UNTRACKED = "ChangeTrackingUnsupported"
"""Codes of a `Rejected` after which a folder is listed by date instead of followed."""


def _forbidden(operation: str, known: set[str], *, person: bool) -> str:
    if "insufficient_claims" in known:
        return "A conditional access policy of the directory keeps the app out; its administrator can except the app."
    if operation.startswith("users."):
        return DIRECTORY_PERSON if person else DIRECTORY_APP
    return DENIED_PERSON if person else DENIED_APP


def _no_mailbox(operation: str, known: set[str]) -> str:
    if operation.startswith("users.") or known & {"errorinvaliduser", "request_resourcenotfound"}:
        return "The directory knows no user of this address; give the user principal name or the main address."
    return "The address has no mailbox in Exchange Online (on-premises, without licence, or just moved or deleted)."


def is_missing_item(status: int, body: object) -> bool:
    """Whether a 404 speaks of the item asked for, and not of its mailbox."""
    return status == 404 and not {code.lower() for code in codes_of(body)} & _NO_MAILBOX


# ---------------------------------------------------------------------------------------------------------------- batch


@dataclass(frozen=True, slots=True)
class Part:
    """One answer of a batch, its body's JSON with it; `retry_after` is its own header, if any."""

    status: int
    body: object = field(default=None, repr=False)
    retry_after: str = ""


class _BatchPart(_Reply):
    id: str
    status: int
    headers: dict[str, Any] | None = None
    body: Any = None


class _Batch(_Reply):
    responses: tuple[_BatchPart, ...]


def parts_of(content: bytes, asked: tuple[str, ...]) -> dict[str, Part]:
    """The answers of a batch by id, in any order; those that were not asked for are passed over. Raises `BadReply`.

    https://learn.microsoft.com/graph/json-batching
    """
    try:
        body = json_of(content)
    except ValueError:
        raise BadReply("Graph's answer to a batch is not JSON.", operation="batch") from None
    found: dict[str, Part] = {}
    for part in checked(_Batch, body, "batch").responses:
        if part.id in asked and part.id not in found:
            headers = {name.lower(): str(value) for name, value in (part.headers or {}).items()}
            found[part.id] = Part(part.status, part.body, headers.get("retry-after", ""))
    return found


def worth_another_try(status: int) -> bool:
    """Whether a part may do better alone: throttled, failing, dropped with another, or with a token just ended."""
    return status in (401, 408, 424, 429, 509) or status >= 500


def too_long(retry_after: str, limit: float = 30.0) -> bool:
    """Whether a part asks for more patience than a call has."""
    return retry_after.isascii() and retry_after.isdigit() and int(retry_after[:9]) > limit
