"""Gmail's answers as our values: places, labels, cursors, change events, errors. Pure.

Facts are from https://developers.google.com/workspace/gmail/api/reference/rest and the guides beside it.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    CursorExpired,
    NotPermitted,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.base.model import MailMessage, Place, Removed, Seen, Unreadable
from connectors.base.services import json_of
from connectors.mail import mime

LARGE_BYTES = 20 * 1024 * 1024
"""From here on a mail may be why an answer could not be taken in."""

MAX_RAW_BYTES = 50 * 1024 * 1024
"""Gmail takes in up to 50 MB; anything above is not worth a process. https://support.google.com/a/answer/1366776"""

# --------------------------------------------------------------------------------------------------- replies, checked


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Profile(_Reply):
    emailAddress: str  # noqa: N815
    historyId: str  # noqa: N815


class MessageRef(_Reply):
    """A message as listings and history name it. `labelIds` is None where Gmail leaves it out, which it may."""

    id: str
    labelIds: tuple[str, ...] | None = None  # noqa: N815


class Message(_Reply):
    id: str
    threadId: str = ""  # noqa: N815
    labelIds: tuple[str, ...] = ()  # noqa: N815
    internalDate: int | None = None  # noqa: N815  epoch milliseconds
    raw: str = ""  # base64url, padding optional
    sizeEstimate: int = 0  # noqa: N815  bytes


class MessageList(_Reply):
    messages: tuple[MessageRef, ...] = ()
    nextPageToken: str = ""  # noqa: N815


class Change(_Reply):
    message: MessageRef
    labelIds: tuple[str, ...] = ()  # noqa: N815  the labels that were added or removed


class Record(_Reply):
    messagesAdded: tuple[Change, ...] = ()  # noqa: N815
    labelsAdded: tuple[Change, ...] = ()  # noqa: N815
    labelsRemoved: tuple[Change, ...] = ()  # noqa: N815
    messagesDeleted: tuple[Change, ...] = ()  # noqa: N815


class HistoryReply(_Reply):
    """A page of changes. `history` may be missing although a next page follows."""

    history: tuple[Record, ...] = ()
    historyId: str = ""  # noqa: N815
    nextPageToken: str = ""  # noqa: N815


class Label(_Reply):
    id: str
    name: str = ""


class LabelList(_Reply):
    labels: tuple[Label, ...] = ()


class SendAs(_Reply):
    sendAsEmail: str = ""  # noqa: N815
    verificationStatus: str = ""  # noqa: N815


class SendAsList(_Reply):
    sendAs: tuple[SendAs, ...] = Field(default=())  # noqa: N815


R = TypeVar("R", bound=_Reply)


def checked(model: type[R], body: object, operation: str) -> R:
    """The answer in its expected shape. Raises `BadReply`, without the answer's contents."""
    try:
        return model.model_validate(body)
    except ValidationError:
        raise BadReply("Gmail's answer does not have the documented shape.", operation=operation) from None


# ---------------------------------------------------------------------------------------------------- places and labels

_PLACES = (
    ("DRAFT", Place.DRAFT),
    ("TRASH", Place.TRASH),
    ("SPAM", Place.JUNK),
    ("SENT", Place.SENT),
    ("INBOX", Place.INBOX),
)
_UNTOLD = frozenset({"UNREAD"})  # reading a mail is not news to anybody here, and fetching it again costs 20 units


def place_of(label_ids: Iterable[str]) -> Place:
    """Gmail has labels, no folders: the strongest label decides, and mail without one is archived."""
    present = frozenset(label_ids)
    return next((place for label, place in _PLACES if label in present), Place.ARCHIVE)


def label_names(label_ids: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Labels as people know them; ids that `names` lacks stay as they are. `UNREAD` is left out."""
    return tuple(names.get(label, label) for label in label_ids if label not in _UNTOLD)


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a mailbox is told: ids of the labels that keep a mail out."""

    out: frozenset[str]

    @classmethod
    def of(cls, *, include_junk: bool, excluded: Iterable[str] = ()) -> Scope:
        junk = () if include_junk else ("SPAM",)
        return cls(frozenset({"DRAFT", "CHAT", "TRASH", *junk, *excluded}))


# --------------------------------------------------------------------------------------------------------------- cursor


@dataclass(frozen=True, slots=True)
class Position:
    """Where a change feed is: the id to ask from and, in the middle of a listing, the next page's token.

    `latest` is the history id that the first page of this listing named. It, and not the last page's, becomes the next
    `start`: what happens while pages are read may be told twice that way, but never not at all. `restarts` counts
    listings begun anew because a page token was refused.
    """

    start: str
    latest: str = ""
    restarts: int = 0
    token: str = ""

    def __str__(self) -> str:
        return f"{self.start}:{self.latest}:{self.restarts}:{self.token}" if self.token or self.restarts else self.start

    @classmethod
    def parse(cls, cursor: str) -> Position:
        """Raises `CursorExpired` for what is not a cursor of ours: a new baseline mends it."""
        start, latest, restarts, token = (*cursor.split(":", 3), "", "", "")[:4]
        if not start.isascii() or not start.isdigit() or not (restarts or "0").isdigit():
            raise CursorExpired("The stored position is not one of Gmail's.", operation="history.list")
        return cls(start, latest, int(restarts or "0"), token)

    def restarted(self, limit: int) -> Position:
        """The same listing from its first page. Raises `CursorExpired` after `limit` times."""
        if self.restarts >= limit:
            raise CursorExpired("Gmail refuses to go on with this listing.", operation="history.list")
        return Position(self.start, restarts=self.restarts + 1)

    def after(self, reply: HistoryReply) -> Position:
        """Where to go on after this page."""
        latest = self.latest or reply.historyId or self.start
        if reply.nextPageToken:
            return Position(self.start, latest, self.restarts, reply.nextPageToken)
        return Position(latest)


# --------------------------------------------------------------------------------------------------------------- events


def events_of(records: Iterable[Record], scope: Scope) -> tuple[Seen | Removed, ...]:
    """What happened, one event a mail (the last one wins), in order of time.

    A label change is told when the mail is in scope after it or the change itself moved it across the border.
    """
    events: dict[str, Seen | Removed] = {}
    for record in records:
        for event in _of_record(record, scope):
            events.pop(event.id, None)
            events[event.id] = event
    return tuple(events.values())


def _of_record(record: Record, scope: Scope) -> Iterable[Seen | Removed]:
    for change in record.messagesAdded:
        if _in_scope(change.message, scope):
            yield Seen(change.message.id)
    for change in (*record.labelsAdded, *record.labelsRemoved):
        if _told(change, scope):
            yield Seen(change.message.id)
    for change in record.messagesDeleted:
        if "DRAFT" not in (change.message.labelIds or ()):
            yield Removed(change.message.id)


def _in_scope(message: MessageRef, scope: Scope) -> bool:
    return not scope.out.intersection(message.labelIds or ())


def _told(change: Change, scope: Scope) -> bool:
    if change.labelIds and _UNTOLD.issuperset(change.labelIds):
        return False
    if "DRAFT" in (change.message.labelIds or ()):
        return False
    return _in_scope(change.message, scope) or bool(scope.out.intersection(change.labelIds))


# -------------------------------------------------------------------------------------------------------------- listing


def window_query(since: datetime | None, until: datetime | None, *, include_junk: bool) -> str:
    """The search for mail received in [since, until), a second wider at both ends.

    Seconds since 1970 are documented (https://developers.google.com/workspace/gmail/api/guides/filtering; a date would
    mean Pacific midnight); whether the bounds themselves belong to the window is not, hence the wider search. Call it
    with an `edge` as window to find the few mails that are too many.
    """
    bounds = (
        f"after:{math.floor(since.timestamp()) - 1}" if since else "",
        f"before:{math.ceil(until.timestamp()) + 1}" if until else "",
        "-in:chats -in:drafts",
        "-in:trash" if include_junk else "",
    )
    return " ".join(part for part in bounds if part)


def edges(since: datetime, until: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """The moments around the ends of a window, where `window_query` may list a mail that is not in it."""
    before = (since - timedelta(seconds=1), since + timedelta(seconds=1))
    after = (until - timedelta(seconds=1), until + timedelta(seconds=1))
    return (before, after) if since < until else (before,)


def message_of(body: object, asked: str) -> Message | None:
    """The mail that was asked for; None for anything else (cut short, another mail's, of an unknown shape)."""
    try:
        message = checked(Message, body, "messages.get")
    except BadReply:
        return None
    return message if message.id == asked else None


def received_at(internal_date: int | None) -> datetime | None:
    """When Google took the mail in; None for a time no calendar has."""
    if internal_date is None:
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=internal_date)
    except OverflowError:
        return None


# -------------------------------------------------------------------------------------------------------------- reading


def too_large(raw: str) -> bool:
    return len(raw) * 3 // 4 > MAX_RAW_BYTES


def read_raw(
    raw: str, id_: str, thread_id: str, received: datetime, place: Place, labels: tuple[str, ...]
) -> MailMessage | Unreadable:
    """Decode and parse one mail. Runs away from the loop, so it takes plain arguments by position."""
    try:
        content = base64.b64decode(raw.rstrip("=") + "=" * (-len(raw.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return Unreadable(id_, "mail_unreadable", received)
    if not content:
        return Unreadable(id_, "mail_unreadable", received)
    return mime.parse(content, id=id_, thread_id=thread_id, received_at=received, place=place, labels=labels)


# --------------------------------------------------------------------------------------------------------------- people


def own_addresses(profile: Profile, send_as: SendAsList) -> tuple[str, ...]:
    """The mailbox's own address first, then its aliases; a "send as" address still unverified is not ours."""
    verified = {
        entry.sendAsEmail.strip().lower()
        for entry in send_as.sendAs
        if entry.verificationStatus in ("", "accepted", "verificationStatusUnspecified")
    }
    own = profile.emailAddress.strip().lower()
    return (own, *sorted(verified - {own, ""}))


# --------------------------------------------------------------------------------------------------------------- errors

_RATE_REASONS = frozenset({"userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded"})
_RATE_REASONS |= {"RATE_LIMIT_EXCEEDED", "resourceExhausted"}  # newer bodies without an `errors` list
_PERMISSION_HINTS = {
    "insufficientPermissions": "The sign-in lacks a scope: grant {scopes}.",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "The sign-in lacks a scope: grant {scopes}.",
    "domainPolicy": "The Workspace administrator has switched Gmail's API off for this user or app.",
    "accessNotConfigured": "The Gmail API is not enabled in the Google Cloud project.",
    "SERVICE_DISABLED": "The Gmail API is not enabled in the Google Cloud project.",
    "failedPrecondition": "The mail service is not enabled for this user: give the user a Gmail licence.",
}
_PACIFIC = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says: the reason's code (or the status word), and the sentence in lower case."""

    reason: str
    text: str


def complaint_of(content: bytes) -> Complaint:
    """Read `{"error": {"errors": [{"reason"}], "status", "details": [{"reason"}], "message"}}`, any of it missing."""
    try:
        error = json_of(content)["error"]
        first = (error.get("errors") or [{}])[0]
        detail = next((d["reason"] for d in error.get("details") or [] if "reason" in d), "")
        reason = first.get("reason") or detail or _camel(str(error.get("status", "")))
        return Complaint(str(reason)[:80], str(error.get("message", ""))[:500].lower())
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return Complaint("", "")


def _camel(status: str) -> str:
    """`FAILED_PRECONDITION` is `failedPrecondition` in the older part of the body."""
    head, *rest = status.lower().split("_")
    return head + "".join(word.capitalize() for word in rest)


def classify(
    operation: str, status: int, content: bytes, *, now: datetime, scopes: Sequence[str] = ()
) -> ConnectorError | None:
    """The error an answer means, by its `reason` and not by its status: limits arrive as 403 too. None: general rule.

    https://developers.google.com/workspace/gmail/api/guides/handle-errors
    """
    found = complaint_of(content)
    context: dict[str, Any] = {"operation": operation, "status": status, "code": found.reason}
    limited = _limit(found, status, now, context) if status in (403, 429) else None
    if limited is not None:
        return limited
    if status == 401:
        return AuthFailed("Google refuses the sign-in of this mailbox.", **context)
    if status == 403 or found.reason == "failedPrecondition":
        reason = "insufficientPermissions" if "metadata scope" in found.text else found.reason
        hint = _PERMISSION_HINTS.get(reason, "Google does not allow this for the mailbox (asked for: {scopes}).")
        return NotPermitted(hint.format(scopes=", ".join(scopes)), **context)
    if status == 404 and operation == "history.list":
        return CursorExpired("Gmail no longer keeps the history back to this position.", **context)
    return Rejected("Gmail refuses the request.", **context) if status == 400 else None


def part_error(status: int, content: bytes, *, now: datetime, scopes: Sequence[str]) -> ConnectorError:
    """`classify` for one part of a batch, where no general rule stands behind it."""
    found = classify("messages.get", status, content, now=now, scopes=scopes)
    if found is None and status >= 500:
        return Transient("Gmail has a fault at the moment.", operation="messages.get", status=status)
    return found or BadReply("Gmail answers with a status nobody expects.", operation="messages.get", status=status)


def worth_another_try(error: ConnectorError) -> bool:
    """Whether a part that failed so may do better at once. A refused sign-in may: a call of its own renews it."""
    if isinstance(error, RateLimited):
        return error.retry_at is None
    return isinstance(error, Transient | AuthFailed | BadReply)


def _limit(found: Complaint, status: int, now: datetime, context: dict[str, Any]) -> RateLimited | None:
    """None when it is no limit. Without `retry_at` a pause of seconds helps (too many calls at a time)."""
    if found.reason == "dailyLimitExceeded" or "per day" in found.text:
        return RateLimited("Today's quota of the Google project is used up.", retry_at=next_quota_day(now), **context)
    if status != 429 and found.reason not in _RATE_REASONS and not found.text.startswith("quota exceeded"):
        return None
    minute = now + timedelta(seconds=60) if "per minute" in found.text else None
    return RateLimited("Gmail asks to slow down.", retry_at=minute, **context)


def next_quota_day(now: datetime) -> datetime:
    """Daily quotas of Google's APIs start again at midnight Pacific time (https://cloud.google.com/docs/quotas)."""
    tomorrow = now.astimezone(_PACIFIC).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=_PACIFIC).astimezone(UTC)
