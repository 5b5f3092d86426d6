"""The demo's stage: the invented exporter on loopback, and a working engine with a configuration of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from pathlib import Path
from random import Random
from typing import TextIO

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
from tradepost.sandbox.company import CRMS, MAIL, Company, add_mailbox, exporter, stage_rules, write_config
from tradepost.sandbox.gmail.host import GmailHost
from tradepost.sandbox.hubspot.host import HubSpotHost
from tradepost.sandbox.kernel import World
from tradepost.sandbox.serve import Served, serve
from tradepost.sandbox.trade.build import Letter, letters, people, person
from tradepost.service.worker import Daemon, Surroundings

DAYS = 120  # of historic mail
SETTLE_SECONDS = 2.0  # instead of the ten minutes that a real CRM is given
POLL_SECONDS = 2.0
# What Google grants projects in use before May 2026: https://developers.google.com/workspace/gmail/api/reference/quota
UNITS_PER_MINUTE = 15_000
CALLS_PER_TEN_SECONDS = 5_000  # of HubSpot, so that nobody waits for a demo
# As shipped, but a quotation moves the deal by itself, so that there is something to see.
MODES = {"quotation_sent": "apply", "order_received": "propose"}
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
        """Look into every mailbox and CRM now, and do what there is to do."""
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

    @property
    def crms(self) -> tuple[str, ...]:
        """The names of the connections to CRMs."""
        return tuple(self.company.crms)

    def writes(self) -> int:
        """Requests received that asked a CRM for a change."""
        return sum(len(self.company.world.requests.writes(crm.name)) for crm in self.company.crms.values())

    def logged(self, crm: str) -> Counter[str]:
        """How many activities of ours a CRM holds for each mail, by the Message-ID that its sender gave it."""
        held = Counter((self.original(mail), one.record) for mail, one in self.company.logged(crm) if one.by_us)
        return Counter(mail for mail, _ in held)

    def original(self, message_id: str) -> str:
        """The Message-ID under which the sender sent a mail, whatever a relay made of it."""
        return self.rewritten.get(message_id, message_id)


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
            served.urls,
            start=(clock.now() - timedelta(days=DAYS)).date().isoformat(),
            language=str(language),
            rules=stage_rules(company, MODES),
            settle_seconds=SETTLE_SECONDS,
            poll={"mail_seconds": POLL_SECONDS, "crm_seconds": POLL_SECONDS},
            more=generous(company),
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
    company = exporter(World(clock=clock, random=Random(7)), mail=tuple(MAIL), crms=tuple(CRMS))
    add_mailbox(company, person(GROUP_MEMBER))
    for letter in history(clock.now()):
        company.deliver(letter)
    return company


def generous(company: Company) -> dict[str, dict[str, int]]:
    """Let the simulated Gmail and HubSpot grant more in a time; returns the keys that tell the connections so."""
    told = {}
    for name, mail in company.mail.items():
        if isinstance(mail, GmailHost):
            mail.vendor.set_quota(user_per_minute=UNITS_PER_MINUTE)
            told[name] = {"units_per_minute": UNITS_PER_MINUTE}
    for name, crm in company.crms.items():
        if isinstance(crm, HubSpotHost):
            crm.vendor.portal.set_limits(ten_seconds=CALLS_PER_TEN_SECONDS)
            crm.vendor.portal.loosen(search_pool=False)
            told[name] = {"calls_per_ten_seconds": CALLS_PER_TEN_SECONDS, "searches_per_second": 10}
    return told


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
