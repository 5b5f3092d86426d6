"""An account in a sandbox, and the target that talks to it, on virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random

import pytest

from connectors.base.model import (
    Address,
    Attempt,
    Body,
    CreateTask,
    LogEmail,
    Participant,
    RecordKind,
    RecordRef,
    Role,
)
from connectors.base.services import Services
from connectors.crm.hubspot import HubSpotConfig, HubSpotTarget
from connectors.http import Sender
from tradepost.sandbox.hubspot.host import HubSpotHost
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run

SENT = datetime(2026, 2, 1, 9, 30, 15, tzinfo=UTC)
RAW = (
    "Message-ID: <m1@acme.example>\r\nDate: Sun, 01 Feb 2026 09:31:00 +0000\r\nFrom: Li Wei <li@acme.example>\r\n"
    "To: sales@ours.example\r\nSubject: Quotation 1 报价单\r\n\r\nPlease quote.\r\n"
)


@dataclass
class Events:
    """A log that keeps what it is told."""

    seen: list = field(default_factory=list)

    def info(self, event, **ids):
        self.seen.append((event, ids))

    warning = error = info


class Vault:
    def __init__(self):
        self.kept = {}

    async def get(self, name):
        return self.kept.get(name)

    async def put(self, name, token, expires_at):
        self.kept[name] = (token, expires_at)


async def inline(fn, /, *args):
    return fn(*args)


class Lab:
    """One account and one target. `mode` is what `tradepost setup` could make there; None is nothing yet."""

    def __init__(self, *, mode="a", oauth=False, **config):
        self.clock = VirtualClock()
        self.world = World(clock=self.clock, random=Random(7))
        self.host = HubSpotHost(self.world)
        self.portal = self.host.portal
        self.vendor = self.host.vendor
        if mode:
            self.host.set_up(mode)
        self.transport = InProcessTransport(dict.fromkeys(self.host.host_names, self.vendor), self.clock)
        self.log = Events()
        self.vault = Vault()
        self.oauth = oauth
        self.config = {"native_logging": "skip", **config}
        self.target = self.connect()

    def connect(self, **changes):
        sender = Sender(clock=self.clock, random=Random(1), log=self.log, transport=self.transport)
        services = Services(
            open_http=sender.open, clock=self.clock, random=Random(2), cpu=inline, log=self.log, vault=self.vault
        )
        auth = {"method": "service_key", "key": {"env": "HS_KEY"}}
        if self.oauth:
            auth = {"method": "oauth", "client_id": self.portal.app.client_id}
            auth |= {"client_secret": {"env": "HS_SECRET"}, "refresh_token": {"env": "HS_REFRESH"}}
        with pytest.MonkeyPatch.context() as env:
            env.setenv("HS_KEY", self.portal.key.key)
            env.setenv("HS_SECRET", self.portal.app.client_secret)
            env.setenv("HS_REFRESH", self.portal.refresh_token)
            return HubSpotTarget(HubSpotConfig.model_validate({"auth": auth, **self.config, **changes}), services)

    # ----------------------------------------------------------------------------------------------------- the world

    def fault(self, operation, effect, **more):
        self.world.faults.add(Fault(vendor="hubspot", operation=operation, effect=Effect(effect), **more))

    async def later(self, seconds):
        await self.clock.sleep(seconds)

    def calls(self, operation="*", kind=None):
        return self.world.requests.count("hubspot", operation, kind=kind)

    def mails(self):
        return self.portal.records("emails")

    def tasks(self):
        return self.portal.records("tasks")

    # ------------------------------------------------------------------------------------------------------- writes

    def acme(self):
        """A customer: (company, contact, deal)."""
        firm = self.host.add_company("Acme", "acme.example")
        li = self.host.add_contact("Li Wei", "li@acme.example", company=firm)
        return firm, li, self.host.add_deal("Big order", company=firm, contact=li, stage=self.host.stages.open)

    def mail(self, n=1, *participants, **changes):
        fields = {
            "key": f"v1:{n:064x}",
            "mail": f"id{n}",
            "message_id": f"m{n}@acme.example",
            "thread": "t1",
            "sent_at": SENT,
            "incoming": True,
            "subject": f"Quotation {n} 报价单",
            "from_": Address("li@acme.example", "Li Wei"),
            "to": (Address("sales@ours.example"),),
            "participants": participants,
            "body": Body("Please quote.", "<p>Please quote.</p>"),
        }
        sent, record, steps = (changes.pop(name, None) for name in ("first_sent_at", "record", "done_steps"))
        return Attempt(LogEmail(**fields | changes), sent, record or "", steps or ())

    def task(self, n=1, **changes):
        fields = {
            "key": f"v1:{n:064x}",
            "title": "Answer Li",
            "text": "A quotation is asked for <soon>.",
            "due_at": datetime(2026, 3, 3, 10, tzinfo=UTC),
            "due_on": date(2026, 3, 3),
        }
        return Attempt(CreateTask(**fields | changes))

    async def write(self, *attempts):
        return await self.target.write_many(attempts)

    async def only(self, attempt):
        (answer,) = await self.target.write_many([attempt])
        return answer

    async def find(self, *attempts):
        return await self.target.find_written(attempts)

    async def everything(self, feed, cursor=None, most=1000):
        """All pages of a feed: its rows by id (the last word on each), and the cursor."""
        rows = {}
        for _ in range(most):
            page = await feed(cursor)
            cursor = page.cursor
            rows |= {(r.ref.id if hasattr(r, "ref") else r.id): r for r in page.rows}
            if not page.more:
                return rows, cursor
        raise AssertionError("the feed does not end")


def contact(record, address="li@acme.example", role=Role.FROM):
    return Participant(RecordRef(RecordKind.CONTACT, record), role, address)


def company(record, address="li@acme.example", role=Role.FROM):
    return Participant(RecordRef(RecordKind.COMPANY, record), role, address)


@pytest.fixture
def lab():
    """Run `scenario(lab)` on virtual time, with a lab of these settings; server tasks are awaited."""

    def play(scenario, **settings):
        async def whole():
            lab = Lab(**settings)
            try:
                return await scenario(lab)
            finally:
                await lab.target.close()
                await lab.transport.drain()

        return run(whole())

    play.contact, play.company, play.Effect, play.raw, play.sent = contact, company, Effect, RAW, SENT
    return play
