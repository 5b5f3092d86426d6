"""The invented exporter (`tradepost.sandbox.trade`) in a sandbox: mailboxes, CRMs with customers and deals, and mail.

The demo, `tradepost sandbox`, tests and simulations all start from here. A company has its mailboxes at one or more
providers and its customers in one or more CRMs; everything is said in the words of `tradepost.sandbox.hosts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import compat32
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

import yaml

from tradepost.sandbox.gmail.host import GmailHost
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.hosts import Connection, CrmHost, LoggedMail, MailHost
from tradepost.sandbox.kernel import Vendor, World
from tradepost.sandbox.salesforce.host import SalesforceHost
from tradepost.sandbox.salesforce.org import SalesforceOrg
from tradepost.sandbox.trade.build import Letter, people

# Where each vendor's host is; loaded when a company has an account there.
MAIL = {"gmail": "tradepost.sandbox.gmail.host:GmailHost", "graph": "tradepost.sandbox.graph.host:GraphHost"}
CRMS = {
    "salesforce": "tradepost.sandbox.salesforce.host:SalesforceHost",
    "hubspot": "tradepost.sandbox.hubspot.host:HubSpotHost",
    "zoho": "tradepost.sandbox.zoho.host:ZohoHost",
}
PAIRS = tuple((mail, crm) for mail in MAIL for crm in CRMS)
CONNECTIONS = {"gmail": "google", "graph": "microsoft"}
ONLY_CRM = "crm"  # what a company's only CRM is called in its configuration


@dataclass(slots=True)
class Book:
    """What a CRM holds of people.yaml: short names to record ids."""

    users: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    deals: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Company:
    """One company's accounts. `mail`, `crms` and `books` are by the name of the connection."""

    world: World
    domain: str
    mail: dict[str, MailHost]
    crms: dict[str, CrmHost]
    books: dict[str, Book] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Record ids, in whichever CRM, to the records' names."""
    carried: dict[tuple[str, int], str] = field(default_factory=dict)
    """(sender, second of sending) -> Message-ID of the mails delivered here, for CRMs that keep no Message-ID."""

    @property
    def vendors(self) -> tuple[Vendor, ...]:
        hosts: list[Any] = [*self.mail.values(), *self.crms.values()]
        return tuple(host.vendor for host in hosts)

    def hosts(self) -> dict[str, Vendor]:
        """Host names for `InProcessTransport`."""
        every: list[Any] = [*self.mail.values(), *self.crms.values()]
        return {name: host.vendor for host in every for name in host.host_names}

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """The addresses of the mailboxes that are read."""
        return tuple(address for host in self.mail.values() for address in host.addresses)

    def connection_of(self, mailbox: str) -> str:
        """The connection that reads a mailbox. Raises KeyError."""
        return next((name for name, host in self.mail.items() if mailbox in host.addresses), "") or _nobody(mailbox)

    def host_of(self, mailbox: str) -> MailHost:
        """The provider of a mailbox. Raises KeyError."""
        return self.mail[self.connection_of(mailbox)]

    def deliver(self, letter: Letter) -> Mapping[str, str]:
        """Carry a mail as its providers would; the answer maps mailboxes to ids. A live mail arrives now."""
        at = None if letter.live else letter.at
        self.remember(letter.raw)
        return {k: v for host in self.mail.values() for k, v in host.deliver_to_recipients(letter.raw, at=at).items()}

    def remember(self, raw: bytes) -> None:
        """Note under which words a CRM will show a mail."""
        head = message_from_bytes(raw, policy=compat32)
        if head["Date"] and head["Message-ID"]:
            sent = int(parsedate_to_datetime(str(head["Date"])).timestamp())
            sender = parseaddr(str(head["From"]))[1].lower()
            self.carried[sender, sent] = str(head["Message-ID"]).strip().strip("<>")

    def logged(self, crm: str) -> tuple[tuple[str, LoggedMail], ...]:
        """Every mail activity of a CRM with the Message-ID (bare) of the mail it shows; empty where nobody knows."""
        return tuple(
            (one.message_id or self.carried.get((one.sender, int(one.sent_at.timestamp())), ""), one)
            for one in self.crms[crm].mails()
        )

    # ---- the first provider and the first CRM, for companies that have one of each

    @property
    def gmail(self) -> GmailVendor:
        return cast("GmailHost", self.mail["google"]).vendor

    @property
    def crm(self) -> CrmHost:
        return next(iter(self.crms.values()))

    @property
    def org(self) -> SalesforceOrg:
        return next(host.org for host in self.crms.values() if isinstance(host, SalesforceHost))

    @property
    def book(self) -> Book:
        return next(iter(self.books.values()))


def _nobody(mailbox: str) -> str:
    raise KeyError(mailbox)


def empty(
    world: World,
    *,
    mail: Sequence[str] = ("gmail",),
    crms: Sequence[str] = ("salesforce",),
    mode: str | None = "",
    domain: str = "",
    seed: int = 0,
) -> Company:
    """A company without people or mail: accounts at these vendors, and nothing in them.

    `mode` is one of the CRMs' `modes`; empty stands for the best of each, which is what `tradepost setup` makes. With
    None nothing is set up.
    """
    domain = domain or people()["company"]["domain"]
    names = {ONLY_CRM: crms[0]} if len(crms) == 1 else {name: name for name in crms}
    company = Company(
        world,
        domain,
        {CONNECTIONS[name]: resolve_name(MAIL[name])(world, domain=domain, seed=seed) for name in mail},
        {connection: resolve_name(CRMS[name])(world) for connection, name in names.items()},
        {connection: Book() for connection in names},
    )
    for host in company.crms.values():
        if mode is not None:
            host.set_up(mode or host.modes[0])
    return company


def exporter(
    world: World,
    *,
    mail: Sequence[str] = ("gmail",),
    crms: Sequence[str] = ("salesforce",),
    mode: str | None = "",
    seed: int = 0,
) -> Company:
    """The invented exporter with its mailboxes, users, customers and deals; no mail yet.

    With several providers the mailboxes are dealt out among them in turn.
    """
    company = empty(world, mail=mail, crms=crms, mode=mode, seed=seed)
    book = people()
    for box in book["mailboxes"].values():
        add_mailbox(company, box)
    for connection, crm in company.crms.items():
        _fill(crm, company.books[connection], book)
        company.names |= _names(company.books[connection], book)
    return company


def add_mailbox(company: Company, box: Mapping[str, Any]) -> None:
    """One more mailbox (an entry of people.yaml), at the provider that has the fewest."""
    host = min(company.mail.values(), key=lambda one: len(one.addresses))
    host.add_mailbox(box["address"], aliases=box.get("aliases", ()), display_name=box["name"])


def _fill(crm: CrmHost, held: Book, book: Mapping[str, Any]) -> None:
    for short, who in {**book["mailboxes"], "wei": book["colleagues"]["wei"]}.items():
        held.users[short] = crm.add_user(who["address"], who["name"])
    for short, firm in book["accounts"].items():
        held.accounts[short] = crm.add_company(firm["name"], firm["website"])
    for short, who in book["contacts"].items():
        company = held.accounts[who["account"]] if who["account"] else ""
        owner = held.users[who["owner"]]
        held.contacts[short] = crm.add_contact(who["name"], who["address"], company=company, owner=owner)
    for short, who in book["leads"].items():
        owner = held.users[who["owner"]]
        held.leads[short] = crm.add_lead(who["name"], who["company"], who["address"], owner=owner)
    for short, deal in book["opportunities"].items():
        held.deals[short] = crm.add_deal(
            deal["name"],
            company=held.accounts[deal["account"]],
            contact=held.contacts[deal["contact"]],
            stage=crm.stages.named(deal["stage"]),
            owner=held.users[deal["owner"]],
        )


def _names(held: Book, book: Mapping[str, Any]) -> dict[str, str]:
    kinds = ((held.accounts, "accounts"), (held.contacts, "contacts"), (held.leads, "leads"))
    return {
        record: book[kind][short]["name"]
        for ids, kind in (*kinds, (held.deals, "opportunities"))
        for short, record in ids.items()
    }


# -------------------------------------------------------------------------------------------------------- configuration


def stage_rules(company: Company, modes: Mapping[str, str]) -> dict[str, Any]:
    """Rules that say for each of the company's CRMs to which stage a sign leads: `{"quotation_sent": "apply"}`."""
    reached = {"quotation_sent": "quoted", "order_received": "won"}
    return {
        "stages": [
            {
                "when": sign,
                "mode": mode,
                "to": [
                    {"target": name, "stage": crm.stages.named(reached[sign])} for name, crm in company.crms.items()
                ],
            }
            for sign, mode in modes.items()
        ]
    }


def write_config(
    company: Company,
    folder: Path,
    urls: Mapping[str, str] | None = None,
    *,
    start: str | None = None,
    language: str = "en",
    writes: str = "on",
    new_sender: str = "task",
    native_logging: str = "skip",
    mailboxes: Sequence[str] | None = None,
    routes: Mapping[str, Sequence[str]] | None = None,
    rules: Mapping[str, Any] | None = None,
    settle_seconds: float | None = None,
    poll: Mapping[str, float] | None = None,
    own: Mapping[str, Any] | None = None,
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write a configuration for the company, with its secrets in files beside it; the answer is the file.

    `urls` says by a vendor's name where it is served; without, all answer at their public names. `start` is the first
    day of mail to take in, as YYYY-MM-DD; `routes` names the targets of mailboxes, by default every CRM; `own` adds to
    the section `company`, `more` to that of a connection.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    urls = urls or {}
    crm_keys = {"writes": writes, "native_logging": native_logging}
    crm_keys |= {} if settle_seconds is None else {"settle_seconds": settle_seconds}  # type: ignore[dict-item]
    sections = {
        name: _section(folder, name, host.connection(urls.get(host.name, ""))) for name, host in company.mail.items()
    } | {
        name: _section(folder, name, host.connection(urls.get(host.name, ""))) | crm_keys
        for name, host in company.crms.items()
    }
    boxes = [
        {
            "address": address,
            "connection": company.connection_of(address),
            "targets": list((routes or {}).get(address, company.crms)),
            "new_sender": new_sender,
            **({"start": start} if start else {}),
        }
        for address in mailboxes or company.mailboxes
    ]
    data = {
        "language": language,
        "company": {
            "name": people()["company"]["name"],
            "domains": [company.domain],
            "calendar": {"zone": people()["company"]["zone"], "holidays": "CN"},
            **(own or {}),
        },
        "state": {"directory": str(folder / "state")},
        "connections": {name: section | dict((more or {}).get(name, {})) for name, section in sections.items()},
        "mailboxes": boxes,
        "rules": dict(rules or {}),
        "poll": dict(poll or {}),
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def _section(folder: Path, name: str, connection: Connection) -> dict[str, Any]:
    """The section with its secrets written beside the configuration, under the connection's name."""
    for file, text in connection.secrets.items():
        path = _secret_file(folder, name, file)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    found = _placed(connection.section, lambda file: str(_secret_file(folder, name, file)), connection.secrets)
    return cast("dict[str, Any]", found)


def _secret_file(folder: Path, name: str, file: str) -> Path:
    return folder / f"{name}-{file}"


def _placed(value: Any, place: Callable[[str], str], secrets: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if list(value) == ["file"] and value["file"] in secrets:
            return {"file": place(value["file"])}
        return {key: _placed(inner, place, secrets) for key, inner in value.items()}
    return value
