"""Frozen values that cross the seams. They hold normalised words and keep the vendor's own beside them.

All times are aware and in UTC. All addresses are lower-case. Nothing here does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

# ---------------------------------------------------------------------------------------------------------------- mail


class Place(StrEnum):
    """Where a copy of a mail lies, in words common to all providers; the provider's labels are kept beside."""

    INBOX = "inbox"
    SENT = "sent"
    ARCHIVE = "archive"
    JUNK = "junk"
    TRASH = "trash"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox of a header; `email` is lower-case and may be empty where the header held none."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a mail carries beside its text. `size` is in bytes, `ref` lets the same source fetch it later."""

    name: str
    media_type: str
    size: int
    inline: bool = False
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMessage:
    """One copy of a mail as its provider holds it, parsed and bounded.

    `id` is unique in the mailbox only; `thread_id` is the provider's grouping, also per mailbox. `message_id`,
    `in_reply_to` and `references` are without angle brackets. `headers` holds the few (lower-case name, value) pairs
    that tell automatic mail from human mail. `defects` names what had to be repaired or cut.
    """

    id: str
    thread_id: str
    received_at: datetime
    place: Place
    labels: tuple[str, ...] = ()
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    date: datetime | None = None
    subject: str = ""
    from_: tuple[Address, ...] = ()
    sender: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    defects: tuple[str, ...] = ()
    size: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A change feed's word that a mail exists or was moved. `message` is there when the feed brings bodies."""

    id: str
    message: MailMessage | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """A change feed's word that a mail is gone for good, or no longer where it was."""

    id: str


@dataclass(frozen=True, slots=True)
class Changes:
    """One page of a change feed. With `more`, `cursor` has advanced; the page itself may be empty."""

    events: tuple[Seen | Removed, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of a listing: provider ids in any order, and the token of the next page or None."""

    ids: tuple[str, ...]
    next_page: str | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A mail that exists and cannot be read; `reason` is a code from `mappings.model.Reason`."""

    id: str
    reason: str
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The fate of every id asked for: read, unreadable, or gone. No id is left out."""

    messages: tuple[MailMessage, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    gone: tuple[str, ...] = ()


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of `check`: what is wrong, and the sentence that mends it (names the exact scope, role or field)."""

    severity: Severity
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class MailAccount:
    """Who a mail source is signed in as. `account_id` stays the same when the connection is renamed."""

    account_id: str
    addresses: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


# ----------------------------------------------------------------------------------------------------------------- CRM


class RecordKind(StrEnum):
    CONTACT = "contact"
    LEAD = "lead"
    COMPANY = "company"


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """A record a mail can hang on."""

    kind: RecordKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A contact, lead or company. `emails` are all of its addresses, `domains` only a company's own.

    `merged_into` names the winner after a merge or a lead's conversion; with it, or `deleted`, a record matches nobody.
    """

    ref: RecordRef
    name: str = ""
    emails: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    company: RecordRef | None = None
    owner: str = ""
    url: str = ""
    deleted: bool = False
    merged_into: RecordRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """An opportunity. `contacts` and `company` say whose it is; `stage` is the vendor's stage id."""

    id: str
    name: str = ""
    pipeline: str = ""
    stage: str = ""
    closed: bool = False
    won: bool = False
    company: RecordRef | None = None
    contacts: tuple[RecordRef, ...] = ()
    owner: str = ""
    url: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A CRM user, who may own activities while `active`."""

    id: str
    name: str = ""
    emails: tuple[str, ...] = ()
    active: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    id: str
    label: str
    order: int
    closed: bool = False
    won: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    label: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a mirror feed; `cursor` is stored with its rows."""

    rows: tuple[T, ...]
    cursor: str
    more: bool


# -------------------------------------------------------------------------------------------------------------- writes


class WriteKind(StrEnum):
    LOG_EMAIL = "log_email"
    LINK_EMAIL = "link_email"
    CREATE_TASK = "create_task"
    COMPLETE_TASK = "complete_task"
    MOVE_DEAL = "move_deal"
    SET_FIELDS = "set_fields"
    CREATE_CUSTOMER = "create_customer"
    REMOVE = "remove"


class Role(StrEnum):
    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"


@dataclass(frozen=True, slots=True)
class Participant:
    """A record that takes part in a mail, under the address that named it."""

    ref: RecordRef
    role: Role
    address: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a logged mail shows. `text` is plain, `html` sanitised or empty; both already within the target's limit."""

    text: str
    html: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEmail:
    """Log one mail on all its records and its deal, with its original date."""

    kind: Literal[WriteKind.LOG_EMAIL] = WriteKind.LOG_EMAIL
    key: str
    mail: str  # identity
    message_id: str
    thread: str
    sent_at: datetime
    incoming: bool
    subject: str
    from_: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    participants: tuple[Participant, ...] = ()
    deal: str = ""
    owner: str = ""
    body: Body | None = None  # loaded when the item is pushed; never stored with it


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEmail:
    """Add records to a mail that is logged already. `logged_key` is the key of its LogEmail, `logged` its record id."""

    kind: Literal[WriteKind.LINK_EMAIL] = WriteKind.LINK_EMAIL
    key: str
    mail: str
    logged_key: str
    participants: tuple[Participant, ...] = ()
    deal: str = ""
    logged: str = ""  # filled in from the receipt when the item is pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTask:
    kind: Literal[WriteKind.CREATE_TASK] = WriteKind.CREATE_TASK
    key: str
    title: str
    text: str
    due_at: datetime
    due_on: date  # the same moment as a day in the company's zone, for targets that keep only days
    urgent: bool = False
    record: RecordRef | None = None
    deal: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTask:
    """Close the task that `task_key` made, unless a person has closed or deleted it."""

    kind: Literal[WriteKind.COMPLETE_TASK] = WriteKind.COMPLETE_TASK
    key: str
    task_key: str
    task: str = ""  # record id, filled in from the receipt when the item is pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveDeal:
    """Move a deal from the stage we expect to find to another; a person's move in between wins."""

    kind: Literal[WriteKind.MOVE_DEAL] = WriteKind.MOVE_DEAL
    key: str
    deal: str
    pipeline: str
    expect_stage: str
    to_stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFields:
    kind: Literal[WriteKind.SET_FIELDS] = WriteKind.SET_FIELDS
    key: str
    record: RecordRef
    fields: tuple[tuple[str, str], ...]
    only_if_empty: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCustomer:
    """Make a lead (or contact) for a stranger; refused quietly when the address is known by then."""

    kind: Literal[WriteKind.CREATE_CUSTOMER] = WriteKind.CREATE_CUSTOMER
    key: str
    email: str
    name: str
    company_name: str
    owner: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Delete what we made. Used by undo and erase only."""

    kind: Literal[WriteKind.REMOVE] = WriteKind.REMOVE
    key: str
    made_by: WriteKind
    record: str


Write = LogEmail | LinkEmail | CreateTask | CompleteTask | MoveDeal | SetFields | CreateCustomer | Remove


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write on its way. `first_sent_at` is when it was first sent, if ever; `done_steps` what a look-up saw.

    `history` marks what comes from historic mail: it must start none of the customer's automations.
    """

    write: Write
    first_sent_at: datetime | None = None
    record: str = ""  # the half-written record that `done_steps` belong to
    done_steps: tuple[str, ...] = ()
    history: bool = False


class Effect(StrEnum):
    CREATED = "created"
    EXISTING = "existing"
    UNCHANGED = "unchanged"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A write that is seen to be complete. `record` is the vendor's id; `url` opens it for a person."""

    key: str
    record: str
    effect: Effect
    url: str = ""
    note: str = ""  # a code for `explain`, such as text_cut


@dataclass(frozen=True, slots=True)
class Found:
    """`extras` are further records of ours that show the same write, which a request carried out twice has left."""

    receipt: Receipt
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """Part of a write is there: `record` exists, `missing` steps must be finished."""

    record: str
    done: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """Looked up with a dependable look-up, and not there."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """No dependable look-up; `why` is a code for the person who must decide."""

    why: str = ""


Finding = Found | Partial | Absent | CannotTell


class Lookup(StrEnum):
    """How far a look-up for one kind of write can be trusted."""

    STRONG = "strong"  # sees every committed write at once
    LAGGING = "lagging"  # sees it after `settles_after`
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What one kind of write can do on the account at hand, as answered by `check`.

    `settles_after` is in seconds: the index lag plus how long a timed-out request may still commit. `max_text` counts
    characters of a body; `batch` is the most writes of one call.
    """

    exists: bool = True
    unique_key: bool = False
    lookup: Lookup = Lookup.NONE
    settles_after: float = 0.0
    guarded: bool = False
    spans_records: bool = False
    batch: int = 1
    max_text: int = 32_000
    removable: bool = True  # whether a `Remove` can take away what this kind makes
    reason: str = ""  # why something is weaker than it could be


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAccount:
    """What `CrmTarget.check` found."""

    account_id: str
    name: str
    pipelines: tuple[Pipeline, ...] = ()
    capabilities: dict[WriteKind, Capability] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
