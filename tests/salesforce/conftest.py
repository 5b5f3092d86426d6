"""An org in a sandbox, and the target that talks to it, on virtual time."""

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
from connectors.crm.salesforce import SalesforceConfig, SalesforceTarget
from connectors.http import Sender
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.salesforce import SalesforceOrg, SalesforceVendor
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run

KEY = {"length": 80, "externalId": True, "unique": True, "caseSensitive": True}
SENT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


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
    """One org and one target. `ready` gives the org what `tradepost setup` would."""

    def __init__(self, *, ready=True, ledger=False, **config):
        self.clock = VirtualClock()
        self.world = World(clock=self.clock, random=Random(7))
        self.org = SalesforceOrg(self.clock)
        self.vendor = SalesforceVendor(self.world, self.org)
        self.transport = InProcessTransport(dict.fromkeys(self.vendor.hosts, self.vendor), self.clock)
        self.log = Events()
        self.config = config
        self.me = self.org.integration_user_id
        if ready:
            self.install(ledger=ledger)
        self.target = self.connect()

    def install(self, *, ledger=False):
        homes = ("Activity", "Lead") if ledger else ("Activity", "Lead", "EmailMessage")
        fields = [(home, "Tradepost_Key__c", {"label": "Key", "type": "Text", **KEY}) for home in homes]
        objects = []
        if ledger:
            objects = ["Tradepost_Ledger__c"]
            fields += [
                ("Tradepost_Ledger__c", "Tradepost_Key__c", {"label": "Key", "type": "Text", **KEY}),
                (
                    "Tradepost_Ledger__c",
                    "Record_Id__c",
                    {"label": "Record", "type": "Text", "length": 18, "externalId": True},
                ),
            ]
        self.org.install_package(fields, objects, permission_set="Tradepost", assign_to=[self.me])

    def connect(self):
        sender = Sender(clock=self.clock, random=Random(1), log=self.log, transport=self.transport)
        services = Services(
            open_http=sender.open, clock=self.clock, random=Random(2), cpu=inline, log=self.log, vault=Vault()
        )
        auth = {
            "method": "client_credentials",
            "client_id": self.org.client.client_id,
            "client_secret": {"env": "SF_SECRET"},
        }
        base = {"login_url": f"https://{self.org.my_domain}", "auth": auth}
        return SalesforceTarget(SalesforceConfig.model_validate({**base, **self.config}), services)

    # ----------------------------------------------------------------------------------------------------- the world

    def fault(self, operation, effect, **more):
        self.world.faults.add(Fault(vendor="salesforce", operation=operation, effect=Effect(effect), **more))

    async def later(self, seconds):
        await self.clock.sleep(seconds)

    def calls(self, operation="*", kind=None):
        return self.world.requests.count("salesforce", operation, kind=kind)

    def rows(self, soql, *, deleted=False):
        return self.org.query(soql, deleted=deleted)

    def mails(self):
        return self.rows("SELECT Id, Subject, RelatedToId, ActivityId FROM EmailMessage")

    # ------------------------------------------------------------------------------------------------------- writes

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
        return Attempt(LogEmail(**fields | changes))

    def task(self, n=1, **changes):
        fields = {
            "key": f"v1:{n:064x}",
            "title": "Answer Li",
            "text": "A quotation is asked for.",
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


def lead(record, address="li@acme.example", role=Role.FROM):
    return Participant(RecordRef(RecordKind.LEAD, record), role, address)


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("SF_SECRET", "C0FFEE.sandbox")


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

    play.contact, play.lead, play.Effect = contact, lead, Effect
    return play
