"""The invented exporter (`tradepost.sandbox.trade`) in a sandbox: mailboxes, an org with customers and deals, and mail.

The demo, `tradepost sandbox`, tests and simulations all start from here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import Vendor, World
from tradepost.sandbox.salesforce import SalesforceOrg, SalesforceVendor
from tradepost.sandbox.trade.build import Letter, people

KEY_FIELD = {"label": "Tradepost Key", "type": "Text", "length": 80, "externalId": True, "unique": True}
KEY_HOMES = ("Activity", "EmailMessage", "Lead")


@dataclass(slots=True)
class Company:
    """One company's accounts. The mappings lead from short names of people.yaml to record ids."""

    world: World
    gmail: GmailVendor
    salesforce: SalesforceVendor
    users: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    deals: dict[str, str] = field(default_factory=dict)

    @property
    def vendors(self) -> tuple[Vendor, ...]:
        return (self.gmail, self.salesforce)

    @property
    def org(self) -> SalesforceOrg:
        return self.salesforce.org

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """The addresses of the mailboxes that are read."""
        return tuple(self.gmail.mailboxes)

    def hosts(self) -> dict[str, Vendor]:
        """Host names for `InProcessTransport`."""
        google = dict.fromkeys(("gmail.googleapis.com", "oauth2.googleapis.com", "accounts.google.com"), self.gmail)
        return {**google, **dict.fromkeys(self.salesforce.hosts, self.salesforce)}

    def deliver(self, letter: Letter) -> Mapping[str, str]:
        """Carry a mail as Gmail would; the answer maps mailboxes to ids. A live mail arrives now."""
        return self.gmail.deliver_to_recipients(letter.raw, at=None if letter.live else letter.at)


def empty(world: World, *, key_fields: bool = True, seed: int = 0) -> Company:
    """A company without people or mail: an org, and a Workspace domain without mailboxes.

    With `key_fields` the org has what `tradepost setup` makes.
    """
    domain = people()["company"]["domain"]
    company = Company(world, GmailVendor(world, seed=seed, domain=domain), SalesforceVendor(world))
    if key_fields:
        give_key_fields(company)
    return company


def give_key_fields(company: Company) -> None:
    """What `tradepost setup` makes, by an administrator's hand."""
    fields = [(home, "Tradepost_Key__c", KEY_FIELD | {"caseSensitive": True}) for home in KEY_HOMES]
    org = company.org
    org.install_package(fields, permission_set="Tradepost", assign_to=[org.integration_user_id])


def exporter(world: World, *, key_fields: bool = True, seed: int = 0) -> Company:
    """The invented exporter with its mailboxes, users, customers and deals; no mail yet."""
    company = empty(world, key_fields=key_fields, seed=seed)
    book = people()
    for box in book["mailboxes"].values():
        company.gmail.add_mailbox(box["address"], aliases=box.get("aliases", ()), display_name=box["name"])
    for short, who in {**book["mailboxes"], "wei": book["colleagues"]["wei"]}.items():
        company.users[short] = company.org.add_user(who["address"], email=who["address"], last_name=who["name"])
    _customers(company, book)
    for short, deal in book["opportunities"].items():
        company.deals[short] = company.org.add_opportunity(
            deal["name"],
            account_id=company.accounts[deal["account"]],
            contact_id=company.contacts[deal["contact"]],
            stage=deal["stage"],
            OwnerId=company.users[deal["owner"]],
        )
    return company


def _customers(company: Company, book: Mapping[str, Any]) -> None:
    for short, firm in book["accounts"].items():
        company.accounts[short] = company.org.add_account(firm["name"], Website=firm["website"])
    for short, who in book["contacts"].items():
        company.contacts[short] = company.org.add_contact(
            who["name"],
            who["address"],
            account_id=company.accounts[who["account"]] if who["account"] else "",
            OwnerId=company.users[who["owner"]],
        )
    for short, who in book["leads"].items():
        company.leads[short] = company.org.add_lead(
            who["name"], who["company"], who["address"], OwnerId=company.users[who["owner"]]
        )


# -------------------------------------------------------------------------------------------------------- configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The addresses under which a company's vendors answer."""

    gmail: str = "https://gmail.googleapis.com"
    google_tokens: str = "https://oauth2.googleapis.com"
    salesforce: str = ""  # empty: the org's My Domain


def served_at(urls: Mapping[str, str]) -> Where:
    """From the base URLs that `serve` gives."""
    return Where(gmail=urls["gmail"], google_tokens=urls["gmail"], salesforce=urls["salesforce"])


def write_config(
    company: Company,
    folder: Path,
    where: Where,
    *,
    start: str | None = None,
    language: str = "en",
    writes: str = "on",
    new_sender: str = "task",
    native_logging: str = "skip",
    mailboxes: Sequence[str] | None = None,
    rules: Mapping[str, Any] | None = None,
    settle_seconds: float | None = None,
    poll: Mapping[str, float] | None = None,
    own: Mapping[str, Any] | None = None,
    gmail: Mapping[str, Any] | None = None,
) -> Path:
    """Write a configuration for the company, with its secrets in files beside it; the answer is the file.

    `start` is the first day of mail to take in, as YYYY-MM-DD; `own` adds to the section `company`, `gmail`
    to that of the connection to Gmail.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _secret(folder / "google-key.json", json.dumps(company.gmail.key_file(where.google_tokens)))
    _secret(folder / "salesforce-secret", company.org.client.client_secret)
    common = {"connection": "google", "targets": ["crm"], "new_sender": new_sender} | (
        {"start": start} if start else {}
    )
    boxes = [{"address": address, **common} for address in mailboxes or company.mailboxes]
    data = {
        "language": language,
        "company": {
            "name": people()["company"]["name"],
            "domains": [company.gmail.domain],
            "calendar": {"zone": people()["company"]["zone"], "holidays": "CN"},
            **(own or {}),
        },
        "state": {"directory": str(folder / "state")},
        "connections": {
            "google": {
                "type": "gmail",
                "auth": {"method": "service_account", "key": {"file": str(folder / "google-key.json")}},
                "base_url": where.gmail,
                "token_url": f"{where.google_tokens}/token",
                **(gmail or {}),
            },
            "crm": {
                "type": "salesforce",
                "writes": writes,
                "native_logging": native_logging,
                "login_url": where.salesforce or f"https://{company.org.my_domain}",
                "auth": {
                    "method": "client_credentials",
                    "client_id": company.org.client.client_id,
                    "client_secret": {"file": str(folder / "salesforce-secret")},
                },
                **({} if settle_seconds is None else {"settle_seconds": settle_seconds}),
            },
        },
        "mailboxes": boxes,
        "rules": dict(rules or {}),
        "poll": dict(poll or {}),
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def _secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
