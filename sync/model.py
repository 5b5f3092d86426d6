"""The values that order, memory and delivery pass on. Pure; see `mappings.model` for what a mail says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connectors.base.model import Capability, Pipeline, Write, WriteKind
from mappings.model import CopyFacts, Directory, Evidence, Facts, Reason, ThreadLink


class ItemState(StrEnum):
    """Where an outbox item is. `parked` waits for a person; `dropped` was overtaken."""

    READY = "ready"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DONE = "done"
    PARKED = "parked"
    DROPPED = "dropped"


# Decided and not over: to be sent, being sent, or sent with an unknown outcome.
ON_ITS_WAY = (ItemState.READY, ItemState.SENDING, ItemState.UNKNOWN)


class NewSender(StrEnum):
    """What a mail from somebody the CRM does not know leads to."""

    WAIT = "wait"
    TASK = "task"
    CREATE = "create"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadMail:
    """One mail of a thread with all its copies. Only `live` mail may cause more than a log entry."""

    facts: Facts
    copies: tuple[CopyFacts, ...]
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """What deciding needs to know of an item that exists already. `write` has no body.

    `ended_at` is when it was done: what it changed is in the mirror once `Directory.as_of` is later.
    """

    key: str
    state: ItemState
    write: Write
    rule: str = ""
    mail: str = ""
    record: str = ""  # the vendor's id, once done
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxPolicy:
    """What the configuration says of one mailbox. `aliases` are its further addresses, as the provider tells them."""

    mailbox: str
    address: str
    aliases: tuple[str, ...] = ()
    new_sender: NewSender = NewSender.TASK


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """The target's side of a decision: who it is, what it can do, whose activities are whose.

    `name` is the connection's name in the configuration; it may change and is part of no key.
    """

    account_id: str
    name: str = ""
    pipelines: tuple[Pipeline, ...] = ()
    capabilities: Mapping[WriteKind, Capability] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)  # mailbox address -> CRM user id or e-mail, from the config
    default_owner: str = ""  # CRM user id or e-mail
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadView:
    """Everything one decision may look at. `mails` are in order of `sent_at`, then identity."""

    thread: str
    mails: tuple[ThreadMail, ...]
    link: ThreadLink
    items: tuple[ItemView, ...]
    directory: Directory
    target: TargetView
    policies: Mapping[str, MailboxPolicy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A write that should happen, with why. `order_key` is empty where order does not matter."""

    write: Write
    rule: str
    mail: str = ""
    order_key: str = ""
    needs: tuple[str, ...] = ()  # keys that must be done first
    evidence: tuple[Evidence, ...] = ()


class VerdictState(StrEnum):
    LOG = "log"
    EXCLUDED = "excluded"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of one mail at one target, and why."""

    mail: str
    state: VerdictState
    reason: Reason | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome of deciding one thread for one target. Deciding again with nothing new yields no new keys."""

    link: ThreadLink
    verdicts: tuple[Verdict, ...]
    intents: tuple[Intent, ...] = ()
    drops: tuple[tuple[str, Reason], ...] = ()  # keys of ready or parked items that are overtaken
    wake_at: datetime | None = None
