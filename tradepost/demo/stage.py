"""The demo's stage: the invented exporter on loopback, and a working engine with a configuration of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from pathlib import Path
from random import Random
from typing import Any, TextIO

from connectors.base.services import Clock
from sync.lanes import Trouble, run_once
from sync.model import ItemState
from sync.store.report import ItemReport
from tradepost.app import working
from tradepost.clock import SystemClock
from tradepost.config import load
from tradepost.daemon import Engine
from tradepost.log import open_log, route_libraries
from tradepost.messages import Language
from tradepost.sandbox.company import Company, exporter, served_at, write_config
from tradepost.sandbox.kernel import World
from tradepost.sandbox.serve import Served, serve
from tradepost.sandbox.trade.build import Letter, letters, people, person
from tradepost.service.worker import Daemon, Surroundings

DAYS = 120  # of historic mail
SETTLE_SECONDS = 2.0  # instead of the ten minutes that a real CRM is given
POLL_SECONDS = 2.0
# What Google grants projects in use before May 2026: https://developers.google.com/workspace/gmail/api/reference/quota
UNITS_PER_MINUTE = 15_000
# As shipped, but a quotation moves the deal by itself, so that there is something to see.
RULES = {
    "stages": [
        {"when": "quotation_sent", "to": "Proposal/Price Quote", "mode": "apply"},
        {"when": "order_received", "to": "Closed Won", "mode": "propose"},
    ]
}
GROUP_MEMBER = "wei"  # a colleague who gets mail through a group address, by a relay
_OPEN = (ItemState.READY, ItemState.SENDING, ItemState.UNKNOWN)


@dataclass(slots=True, kw_only=True)
class Stage:
    """A company, its simulated vendors, and the engine that works for it.

    `rewritten` leads from a Message-ID that a relay made up to the one it replaced; `told` are the keys of writes that
    `news` has told.
    """

    clock: Clock
    company: Company
    served: Served
    config: Path
    engine: Engine
    rewritten: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    @property
    def mailboxes(self) -> tuple[str, ...]:
        return self.company.mailboxes

    async def round(self) -> tuple[Trouble, ...]:
        """Look into every mailbox and the CRM now, and do what there is to do."""
        for runner in (*self.engine.mail, *self.engine.crm):
            poll_now: Callable[[], None] = getattr(runner.lane, "poll_now", _nothing)
            poll_now()
        return await run_once(self.engine.mail, self.engine.crm)

    async def settle(self, seconds: float = 45.0) -> bool:
        """Go round until no write is open; False when that takes longer."""
        end = self.clock.monotonic() + seconds
        while await self.engine.store.report.items(_OPEN, limit=1):
            if self.clock.monotonic() > end:
                return False
            await self.clock.sleep(0.1)
            await self.round()
        return True

    async def news(self) -> tuple[ItemReport, ...]:
        """The writes that were done since it was last asked."""
        done = await self.engine.store.report.items((ItemState.DONE,), limit=100_000)
        fresh = tuple(item for item in done if item.key not in self.told)
        self.told.update(item.key for item in fresh)
        return fresh

    def writes(self) -> int:
        """Requests received that asked the CRM for a change."""
        return len(self.company.world.requests.writes("salesforce"))

    def logged(self, message_id: str) -> int:
        """How many activities the CRM holds for a Message-ID (without brackets)."""
        return sum(str(row["MessageIdentifier"]).strip("<>") == message_id for row in self.activities())

    def activities(self) -> list[dict[str, Any]]:
        """Every activity in the CRM, with its `MessageIdentifier`."""
        return self.company.org.query("SELECT MessageIdentifier FROM EmailMessage")


def _nothing() -> None:
    """For a lane that need not be told to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Simulated vendors that are served, and a configuration for them. `log` is where the engine writes."""

    clock: Clock
    company: Company
    served: Served
    config: Path
    log: TextIO

    async def keep(self) -> None:
        """Let the daemon work on until Ctrl-C or SIGTERM."""
        daemon = Surroundings(
            load=lambda: load(self.config, {}), environ={}, err=self.log, language=Language.EN, clock=self.clock
        )
        await Daemon(daemon).run()


@asynccontextmanager
async def open_house(
    folder: Path, language: Language, *, history: Callable[[datetime], tuple[Letter, ...]] | None = None
) -> AsyncIterator[House]:
    """Set everything up in a folder; what the engine logs goes to `tradepost.log` there.

    `history` gives the mail that lies in the mailboxes already; by default all of the set that is not live.
    """
    clock = SystemClock()
    company = _company(clock, history or past)
    async with serve(company.world, company.vendors) as served:
        config = write_config(
            company,
            folder,
            served_at(served.urls),
            start=(clock.now() - timedelta(days=DAYS)).date().isoformat(),
            language=str(language),
            rules=RULES,
            settle_seconds=SETTLE_SECONDS,
            poll={"mail_seconds": POLL_SECONDS, "crm_seconds": POLL_SECONDS},
            gmail=generous(company),
        )
        with (folder / "tradepost.log").open("a", encoding="utf-8") as log:
            yield House(clock=clock, company=company, served=served, config=config, log=log)


@asynccontextmanager
async def at_work(house: House) -> AsyncIterator[Stage]:
    """The engine over the house's state file, driven round by round."""
    log = open_log(house.log, house.clock)
    route_libraries(log)
    async with working(load(house.config, {}), log, house.clock) as engine:
        yield Stage(clock=house.clock, company=house.company, served=house.served, config=house.config, engine=engine)


def _company(clock: Clock, history: Callable[[datetime], tuple[Letter, ...]]) -> Company:
    company = exporter(World(clock=clock, random=Random(7)))
    wei = person(GROUP_MEMBER)
    company.gmail.add_mailbox(wei["address"], display_name=wei["name"])
    for letter in history(clock.now()):
        company.deliver(letter)
    return company


def generous(company: Company) -> dict[str, int]:
    """Let the simulated Gmail grant a mailbox more in a minute; returns the keys that tell a connection so."""
    company.gmail.set_quota(user_per_minute=UNITS_PER_MINUTE)
    return {"units_per_minute": UNITS_PER_MINUTE}


def past(now: datetime) -> tuple[Letter, ...]:
    """The mails of the set that lie in the mailboxes when the demo begins."""
    return tuple(letter for letter in letters(now) if not letter.live)


def arriving(now: datetime) -> tuple[Letter, ...]:
    """The mails of the set that arrive while somebody watches, written a moment ago."""
    return tuple(letter for letter in letters(now - timedelta(seconds=20)) if letter.live)


def plain_letter(sender: str, to: str, subject: str, text: str, now: datetime) -> Letter:
    """A short live mail between two people of the set."""
    mail = EmailMessage(policy=SMTP)
    for name, short in (("From", sender), ("To", to)):
        mail[name] = formataddr((person(short)["name"], person(short)["address"]))
    mail["Subject"] = subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<demo.{now:%Y%m%d%H%M%S%f}@{person(sender)['address'].rpartition('@')[2]}>"
    mail.set_content(text)
    return Letter("demo", now, mail.as_bytes(), live=True)


def company_name() -> str:
    """The invented company's name."""
    return str(people()["company"]["name"])
