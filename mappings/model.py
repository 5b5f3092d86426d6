"""The values that reading, matching and deciding pass on. Frozen, storable, free of bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connectors.base.model import (
    Address,
    Attachment,
    Customer,
    Deal,
    Participant,
    Place,
    RecordRef,
    Role,
    User,
)

# ------------------------------------------------------------------------------------------------------------- reading


class Direction(StrEnum):
    INCOMING = "incoming"  # from outside to us
    OUTGOING = "outgoing"  # from one of ours to somebody outside
    INTERNAL = "internal"  # nobody outside takes part


class MailKind(StrEnum):
    HUMAN = "human"
    AUTO_REPLY = "auto_reply"  # out of office, acknowledgement
    AUTOMATIC = "automatic"  # written by a machine: notice, invoice run, calendar answer
    LIST = "list"  # mailing list or newsletter
    BOUNCE = "bounce"


class FindingKind(StrEnum):
    QUOTATION = "quotation"
    PROFORMA = "proforma"
    ORDER = "order"
    ENQUIRY = "enquiry"
    SAMPLE = "sample"
    COMPLAINT = "complaint"
    URGENT = "urgent"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class TextFinding:
    """A thing the new text, the subject or an attachment's name says. `word` is from our word list, not theirs."""

    kind: FindingKind
    where: str  # subject | text | attachment | header
    word: str


@dataclass(frozen=True, slots=True)
class External:
    """Somebody outside who takes part in a mail, under the role and address that matching uses."""

    address: Address
    role: Role


class Erased(StrEnum):
    """What a mail has lost because a person was erased (`tradepost erase`)."""

    NOTHING = ""
    PERSON = "person"  # that person's address and name; others take part
    MAIL = "mail"  # all it said: nobody else outside takes part


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one mail says. Read once; every later decision uses these and nothing else.

    `identity` is the mail's own, the same for every copy. `sent_at` is the Date header where it is believable, else
    when the provider received it. `author` is the person behind an incoming mail (Reply-To where From is a platform's).
    `externals` leaves out our own addresses and domains.
    """

    identity: str
    reader: int
    sent_at: datetime
    direction: Direction
    kind: MailKind
    subject: str = ""
    message_id: str = ""
    references: tuple[str, ...] = ()  # In-Reply-To included, oldest first
    from_: Address = field(default_factory=lambda: Address(""))
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    author: Address = field(default_factory=lambda: Address(""))
    externals: tuple[External, ...] = ()
    findings: tuple[TextFinding, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    bounced: tuple[str, ...] = ()
    kind_evidence: str = ""  # which rule told the kind, e.g. header:auto-submitted
    defects: tuple[str, ...] = ()
    erased: Erased = Erased.NOTHING


@dataclass(frozen=True, slots=True)
class Own:
    """Who we are: every address of ours (aliases too) and our domains."""

    addresses: frozenset[str]
    domains: frozenset[str]


# ------------------------------------------------------------------------------------------------------------ matching


class Outcome(StrEnum):
    MATCHED = "matched"
    WAITING = "waiting"  # nobody of the CRM yet
    AMBIGUOUS = "ambiguous"  # several candidates and nothing to choose by
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why something was decided: the rule's name, and ids or words as details. Shown by `explain`."""

    rule: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Directory:
    """The part of the CRM mirror that one thread asks about.

    `by_address` and `by_domain` hold every live candidate; `deals` the deals of those candidates and their companies,
    closed ones too. `records` are the rows, merged and deleted ones too, of what the thread is linked with, so that a
    link outlives a changed address. `as_of` is when the mirror was last up to date.
    """

    by_address: Mapping[str, tuple[Customer, ...]] = field(default_factory=dict)
    by_domain: Mapping[str, tuple[Customer, ...]] = field(default_factory=dict)
    deals: tuple[Deal, ...] = ()
    users: tuple[User, ...] = ()
    records: tuple[Customer, ...] = ()
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMatch:
    """Where one mail belongs. `participants` is empty unless `outcome` is matched; `candidates` tells an ambiguity.

    `exact` are those of the participants whose own address the mail names; `inherited` says that the thread lent them.
    """

    identity: str
    outcome: Outcome
    participants: tuple[Participant, ...] = ()
    exact: tuple[RecordRef, ...] = ()
    inherited: bool = False
    candidates: tuple[RecordRef, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLink:
    """What a thread is known to belong to. Stored, and handed in again the next time."""

    customers: tuple[RecordRef, ...] = ()
    primary: RecordRef | None = None
    deal: str = ""
    deal_evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadMatch:
    mails: tuple[MailMatch, ...]
    link: ThreadLink


# ------------------------------------------------------------------------------------------------------------- reasons


class Reason(StrEnum):
    """Why a mail or item is where it is. The sentence a person reads is in the message catalogue under this code."""

    # excluded
    INTERNAL = "internal"
    DRAFT = "draft"
    JUNK = "junk"
    TRASH = "trash"
    LIST_MAIL = "list_mail"
    AUTOMATIC_MAIL = "automatic_mail"
    BOUNCE_MAIL = "bounce_mail"
    RULE_SKIP = "rule_skip"
    NO_OUTSIDER = "no_outsider"
    WAITED_TOO_LONG = "waited_too_long"
    MARKED_PRIVATE = "marked_private"
    UNDONE = "undone"
    ERASED = "erased"
    # waiting
    NO_CUSTOMER = "no_customer"
    AMBIGUOUS_CUSTOMER = "ambiguous_customer"
    IN_DELIVERY = "in_delivery"
    # parked
    MAIL_UNREADABLE = "mail_unreadable"
    MAIL_TOO_LARGE = "mail_too_large"
    MAIL_TOO_SLOW = "mail_too_slow"
    BODY_GONE = "body_gone"
    REJECTED = "rejected"
    TRIES_EXHAUSTED = "tries_exhausted"
    OUTCOME_UNKNOWN = "outcome_unknown"
    UNSUPPORTED = "unsupported"
    UNDECIDABLE = "undecidable"
    DOUBLED = "doubled"
    # dropped
    OVERTAKEN = "overtaken"
    PERSON_MOVED_DEAL = "person_moved_deal"
    RECORD_CHANGED = "record_changed"
    RECORD_GONE = "record_gone"
    STAGE_NOT_FORWARD = "stage_not_forward"


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What one copy of a mail adds: whose mailbox it lies in and how it is labelled there."""

    mailbox: str
    place: Place
    labels: tuple[str, ...] = ()
