"""The company whose program is killed: three mailboxes with a month of mail, customers in one CRM, and a configuration."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import yaml

from tradepost.clock import SystemClock
from tradepost.sandbox.company import Company, empty, write_config
from tradepost.sandbox.gmail.host import GmailHost
from tradepost.sandbox.kernel import World
from tradepost.sandbox.trade.build import Letter

BOXES = ("ann", "bo", "chen")
CUSTOMERS = 40
DAYS = 30
HISTORY = "k"  # how the Message-IDs of the backfill's mails begin
# How each provider calls reading one mail, and listing.
READS = {
    "gmail": ("gmail.users.messages.get", "gmail.users.messages.list"),
    "graph": ("users.GetMessage", "users.ListMessages"),
}


def made(world: World, mails: int, source: str, target: str) -> Company:
    """A company with customers and mail of the last month; every tenth mail lies in all mailboxes."""
    company = empty(world, mail=(source,), crms=(target,))
    (host,), crm = company.mail.values(), company.crm
    ours = _addresses(company)
    for address in ours:
        host.add_mailbox(address)
    for number in range(CUSTOMERS):
        crm.add_contact(f"Customer {number}", f"buyer{number}@firm{number}.example")
    now = world.clock.now() - timedelta(hours=1)
    for number in range(mails):
        at = now - timedelta(days=DAYS) * number / mails
        to = ours if number % 10 == 0 else [ours[number % len(ours)]]
        company.deliver(Letter("", at, _mail(number, HISTORY, to, at), live=False))
    if isinstance(host, GmailHost):
        host.vendor.set_quota(user_per_minute=10**9, project_per_minute=10**9)
    return company


def arrive(company: Company, number: int) -> None:
    """One more mail from a customer to one of the mailboxes, now."""
    ours = _addresses(company)
    now = company.world.clock.now()
    company.deliver(Letter("", now, _mail(number, "live", [ours[number % len(ours)]], now), live=True))


def _addresses(company: Company) -> list[str]:
    return [f"{name}@{company.domain}" for name in BOXES]


def _mail(number: int, kind: str, to: list[str], at: datetime) -> bytes:
    mail = EmailMessage()
    mail["From"] = f"Customer <buyer{number % CUSTOMERS}@firm{number % CUSTOMERS}.example>"
    mail["To"] = ", ".join(to)
    mail["Subject"] = f"Position {kind} {number}"
    mail["Message-ID"] = f"<{kind}{number}@firm.example>"
    mail["Date"] = format_datetime(at)
    mail.set_content(f"Good day,\n\nplease see position {number}.\n\nRegards")
    return mail.as_bytes()


def configured(company: Company, folder: Path, urls: dict[str, str], **more: object) -> Path:
    """A configuration that takes in all of that mail; `more` is for `write_config`."""
    start = (SystemClock().now() - timedelta(days=DAYS + 1)).date().isoformat()
    path = write_config(company, folder, urls, start=start, settle_seconds=1, **more)  # type: ignore[arg-type]
    data = yaml.safe_load(path.read_text("utf-8"))
    # Ample quotas: what is tried here is dying, not waiting.
    for section in data["connections"].values():
        if section["type"] == "gmail":
            section |= {"units_per_minute": 10**9, "project_units_per_minute": 10**9}
    path.write_text(yaml.safe_dump(data), "utf-8")
    return path
