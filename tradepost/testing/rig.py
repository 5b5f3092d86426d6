"""What a suite must know to judge a connector: how to open it, and what happens at its vendor.

A rig is one simulated vendor with one account, fresh for every check. `vendor` is a `tradepost.testing.Vendor`: its
base class keeps the log of requests and carries out faults, which the suite orders by the kind of write they hit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Protocol

import httpx

from connectors.base.crm import CrmTarget
from connectors.base.errors import ConnectorError
from connectors.base.mail import MailboxScope, MailSource
from connectors.base.model import WriteKind
from connectors.base.services import Services
from tradepost.sandbox.hosts import HeldMail, LoggedMail, SeenDeal, SeenTask, Stages
from tradepost.sandbox.kernel import ASGIApp, Vendor

Refusal = tuple[int, str]
"""An HTTP status and the vendor's code, as `Vendor.fault_reply` takes them."""

Refusals = Mapping[type[ConnectorError], Refusal]


class Rig:
    """What both kinds of rig have.

    Attributes:
        name: how the connector is called in tables.
        vendor: the simulated vendor.
        refusals: with which answer the vendor says what each error class means.
        secrets: what must never be seen in a log or an error.
        lacks: acts that do not exist at this vendor, with the reason; checks that need them are skipped and listed.
            ``full_set_up`` belongs here for an account that is left without what set-up makes, ``merges_told`` where
            the vendor does not say which record a merged one became.
        lag: seconds after which what people did can be asked for.
        renews: whether a session that ended can be renewed; an API key cannot.
        tells_when: whether the refusal for `RateLimited` says when to come back.
    """

    name: str = ""
    vendor: Vendor
    refusals: ClassVar[Refusals] = MappingProxyType({})
    secrets: tuple[str, ...] = ()
    lacks: ClassVar[Mapping[str, str]] = MappingProxyType({})
    lag: float = 2.0
    renews: bool = True
    tells_when: bool = False

    def apps(self) -> Mapping[str, ASGIApp]:
        """The vendor's host names, each with the app that answers there."""
        raise NotImplementedError

    def transport(self) -> httpx.AsyncBaseTransport | None:
        """The way to the vendor, where it is not in this process."""
        return None

    def close(self) -> None:
        """Called once, after the last connection has closed."""


# ----------------------------------------------------------------------------------------------------------------- CRM


class CrmPeople(Protocol):
    """What people do and see at a CRM; a part of `tradepost.sandbox.hosts.CrmHost`. Ids are the vendor's."""

    stages: Stages

    def add_user(self, address: str, name: str) -> str: ...
    def add_company(self, name: str, domain: str = "") -> str: ...
    def add_contact(self, name: str, address: str, *, company: str = "", owner: str = "") -> str: ...
    def add_lead(self, name: str, company_name: str, address: str, *, owner: str = "") -> str: ...
    def add_deal(self, name: str, *, company: str = "", contact: str = "", stage: str = "", owner: str = "") -> str: ...
    def move_deal(self, deal: str, stage: str) -> None: ...
    def close_task(self, task: str) -> None: ...
    def delete_record(self, record: str) -> None: ...
    def merge_contacts(self, winner: str, loser: str) -> str: ...
    def mails(self) -> tuple[LoggedMail, ...]: ...
    def tasks(self) -> tuple[SeenTask, ...]: ...
    def deal(self, deal: str) -> SeenDeal: ...


class CrmRig(Rig):
    """A CRM connector with its vendor.

    Attributes:
        host: what people do and see there.
        calls: the requests, by the vendor's names and in order, that carry out each kind of write; reads are left out.
        asks: the request that `users` sends.
        page: so many customers, or deals, fill a page of the mirror.
        user_page: so many users fill a page.
        removes: the kind of record that the connector can take back.
        field: a text field of contacts that the connector may fill; empty where there is none.
        late_commit: seconds for which a request that got no answer may still take effect at this vendor.
    """

    host: CrmPeople
    calls: ClassVar[Mapping[WriteKind, tuple[str, ...]]] = MappingProxyType({})
    asks: ClassVar[str] = "*"
    page: int = 100
    user_page: int = 100
    removes: WriteKind = WriteKind.LOG_EMAIL
    field: str = ""
    late_commit: float = 240.0

    def open(self, services: Services) -> CrmTarget:
        """A new connection to the account."""
        raise NotImplementedError

    # Acts and looks beyond `host`. One that does not exist at the vendor is named in `lacks`.

    def add_address(self, contact: str, address: str) -> None:
        """A person gives a contact one more address."""
        raise NotImplementedError

    def retire_user(self, user: str) -> None:
        """A user leaves the company."""
        raise NotImplementedError

    def convert_lead(self, lead: str) -> str:
        """A person turns a lead into a contact; the answer is the contact."""
        raise NotImplementedError

    def log_by_hand(self, subject: str, contact: str) -> str:
        """A person logs a mail; the answer is its record."""
        raise NotImplementedError

    def value(self, contact: str, field: str) -> str:
        """What a field of a contact holds."""
        raise NotImplementedError

    def put_value(self, contact: str, field: str, value: str) -> None:
        """A person fills a field of a contact."""
        raise NotImplementedError

    def owner(self, record: str) -> str:
        """The user whom a task belongs to."""
        raise NotImplementedError

    def bearers(self, address: str) -> Sequence[str]:
        """The living contacts and leads with an address."""
        raise NotImplementedError

    async def expire_cursors(self) -> None:
        """Make every position of the mirror that was handed out useless, by time or by the vendor's hand."""
        raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------------- mail


class MailPeople(Protocol):
    """What people do and see at a mail provider; a part of `tradepost.sandbox.hosts.MailHost`."""

    def add_mailbox(self, address: str, *, aliases: Sequence[str] = (), display_name: str = "") -> object: ...
    def deliver_to(
        self, mailbox: str, raw: bytes, *, place: str = "inbox", at: datetime | None = None, thread: str | None = None
    ) -> str: ...
    def move(self, mailbox: str, mail: str, place: str) -> None: ...
    def delete_forever(self, mailbox: str, mail: str) -> None: ...
    def held(self, mailbox: str) -> tuple[HeldMail, ...]: ...


class MailRig(Rig):
    """A mail connector with its provider.

    Attributes:
        host: what people do and see there.
        domain: of the company's mailboxes.
        asks: the request that `changes` sends.
        lists: the request that `history` sends.
        reads: the request, or part of a batch, that brings one mail.
        change_page, list_page: so many mails fill a page of the feed, or of the listing.
        unreadable: how the provider says that it cannot hand out one mail.
        edge: the provider's resolution of a mail's time, in seconds.
        heals: whether the connector finds its way back by itself where the provider has forgotten a position.
    """

    host: MailPeople
    domain: str = "ours.example"
    asks: ClassVar[str] = "*"
    lists: ClassVar[str] = "*"
    reads: ClassVar[str] = "*"
    change_page: int = 100
    list_page: int = 100
    unreadable: ClassVar[Refusal] = (400, "")
    edge: float = 0.001
    heals: bool = False

    def open(self, services: Services, scope: MailboxScope) -> MailSource:
        """A new connection to one mailbox."""
        raise NotImplementedError

    def expire_cursors(self, mailbox: str) -> None:
        """The provider forgets the history of changes."""
        raise NotImplementedError

    def stay_quiet(self, mailbox: str) -> None:
        """So many changes that the feed does not tell that it has pages without events."""
        raise NotImplementedError

    def crowd(self) -> None:
        """The provider serves one call of a mailbox at a time."""
        raise NotImplementedError
