"""What a simulated company needs of any vendor: the same acts, looks and words for each mail provider and each CRM.

Everything here is done by people or seen with a vendor's own eyes; none of it passes our connectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection's section for the configuration. `secrets` are files that it names: `{file: "NAME"}` in `section`
    is replaced by where the file of that name was written.
    """

    section: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


# ---------------------------------------------------------------------------------------------------------------- mail


@dataclass(frozen=True, slots=True)
class HeldMail:
    """One mail as its provider holds it. `place` is inbox, sent, archive, junk, trash or draft."""

    id: str
    message_id: str  # without brackets; empty where it has none
    place: str


class MailHost(Protocol):
    """A simulated mail provider with one company's mailboxes."""

    name: str
    domain: str

    @property
    def addresses(self) -> tuple[str, ...]:
        """The mailboxes, by their main address."""
        ...

    @property
    def host_names(self) -> tuple[str, ...]:
        """Names under which the provider answers, for an in-process transport."""
        ...

    def add_mailbox(self, address: str, *, aliases: Sequence[str] = (), display_name: str = "") -> object: ...

    def deliver_to(
        self, mailbox: str, raw: bytes, *, place: str = "inbox", at: datetime | None = None, thread: str | None = None
    ) -> str:
        """Put a mail into one mailbox; the answer is its id there. Now, unless `at` says otherwise."""
        ...

    def deliver_to_recipients(self, raw: bytes, *, at: datetime | None = None) -> Mapping[str, str]:
        """Carry a mail by its headers: Sent for its author's mailbox, Inbox for each recipient's. Mailbox -> id."""
        ...

    def move(self, mailbox: str, mail: str, place: str) -> None:
        """A person moves a mail to another place (any of `HeldMail.place`, or a folder's name)."""
        ...

    def delete_forever(self, mailbox: str, mail: str) -> None: ...

    def held(self, mailbox: str) -> tuple[HeldMail, ...]:
        """Every mail of a mailbox, whatever its place."""
        ...

    def connection(self, base_url: str = "") -> Connection:
        """How a configuration reaches it: at its public names, or at `base_url` where it is served."""
        ...


# ----------------------------------------------------------------------------------------------------------------- CRM


@dataclass(frozen=True, slots=True)
class LoggedMail:
    """One mail activity. `records` are ids of the contacts, leads and companies that show it."""

    record: str
    subject: str
    sent_at: datetime
    sender: str  # lower-case address
    incoming: bool
    message_id: str = ""  # without brackets; empty where the vendor keeps none
    records: tuple[str, ...] = ()
    deal: str = ""
    by_us: bool = True  # made through the API by the program's client


@dataclass(frozen=True, slots=True)
class SeenTask:
    record: str
    title: str
    closed: bool
    records: tuple[str, ...] = ()
    deal: str = ""
    by_us: bool = True


@dataclass(frozen=True, slots=True)
class SeenDeal:
    """`moves` lists the stages it was ever put into, oldest first, the first included; True marks our client's."""

    record: str
    name: str
    stage: str
    moves: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Stages:
    """Steps of the vendor's first pipeline as it is shipped: stage ids, as a configuration may name them.

    `early` comes before `open`, `late` after `quoted`.
    """

    open: str
    quoted: str
    won: str
    lost: str
    early: str = ""
    late: str = ""

    def named(self, word: str) -> str:
        """The id behind a word of `people.yaml`: the name of a field here."""
        found: str = getattr(self, word)
        return found or (self.open if word == "early" else self.quoted)


class CrmHost(Protocol):
    """A simulated CRM account with one company's records. Ids are the vendor's."""

    name: str
    stages: Stages

    @property
    def host_names(self) -> tuple[str, ...]: ...

    @property
    def modes(self) -> tuple[str, ...]:
        """The states of set-up that differ in what protects a write; the first is the best. See `set_up`."""
        ...

    def set_up(self, mode: str) -> None:
        """What `tradepost setup` or an administrator makes (key fields and such), as far as `mode` has it."""
        ...

    def add_user(self, address: str, name: str) -> str: ...
    def add_company(self, name: str, domain: str = "") -> str: ...
    def add_contact(self, name: str, address: str, *, company: str = "", owner: str = "") -> str: ...
    def add_lead(self, name: str, company_name: str, address: str, *, owner: str = "") -> str:
        """Where the account has no leads, a contact without company."""
        ...

    def add_deal(self, name: str, *, company: str = "", contact: str = "", stage: str = "", owner: str = "") -> str: ...
    def move_deal(self, deal: str, stage: str) -> None:
        """A person moves a deal."""
        ...

    def close_task(self, task: str) -> None: ...
    def delete_record(self, record: str) -> None:
        """A person deletes any record made here."""
        ...

    def merge_contacts(self, winner: str, loser: str) -> str:
        """A person merges two contacts; the answer is the surviving id."""
        ...

    def log_by_hand(self, raw: bytes, contact: str) -> str:
        """The CRM's own mail logging puts a mail on a contact, as its native integration does."""
        ...

    def mails(self) -> tuple[LoggedMail, ...]:
        """Every mail activity that was not deleted. One entry a record where the vendor keeps one a record."""
        ...

    def tasks(self) -> tuple[SeenTask, ...]: ...
    def deal(self, deal: str) -> SeenDeal: ...

    def connection(self, base_url: str = "") -> Connection: ...
