"""An organisation in a sandbox, and the target that talks to it, on virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from random import Random

import pytest

from connectors.base.errors import ConnectorError
from connectors.base.model import (
    Address,
    Attempt,
    Body,
    CreateTask,
    LogEmail,
    MoveDeal,
    Participant,
    RecordKind,
    RecordRef,
    Role,
)
from connectors.base.services import Services
from connectors.crm.zoho import ZohoTarget
from connectors.crm.zoho_config import ZohoConfig
from connectors.http import Sender
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run
from tradepost.sandbox.zoho.host import ZohoHost
from tradepost.sandbox.zoho.vendor import ZohoVendor

SENT = datetime(2026, 3, 1, 9, 30, 17, tzinfo=UTC)


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
    """One organisation and one target. `ready` gives the organisation what `tradepost setup` would."""

    def __init__(self, *, ready=True, unknowns=None, rules=None, **config):
        self.clock = VirtualClock()
        self.world = World(clock=self.clock, random=Random(7))
        self.vendor = ZohoVendor(self.world, unknowns=unknowns, rules=rules)
        self.host = ZohoHost(self.world, self.vendor)
        self.org = self.vendor.org
        self.transport = InProcessTransport(dict.fromkeys(self.vendor.host_names, self.vendor), self.clock)
        self.log = Events()
        self.vault = Vault()
        self.config = {"native_logging": "ignore", **config}
        self.host.set_up("keyed" if ready else "unkeyed")
        self.me = self.org.api_user
        self.target = self.connect()

    @property
    def services(self):
        sender = Sender(clock=self.clock, random=Random(1), log=self.log, transport=self.transport)
        return Services(
            open_http=sender.open, clock=self.clock, random=Random(2), cpu=inline, log=self.log, vault=self.vault
        )

    def configured(self, **changes):
        """The configuration, its secrets in the environment."""
        base = {
            "data_centre": self.org.centre,
            "client_id": self.org.client.client_id,
            "client_secret": {"env": "ZOHO_SECRET"},
            "refresh_token": {"env": "ZOHO_REFRESH"},
        }
        return ZohoConfig.model_validate(base | self.config | changes)

    def connect(self, *, secret="", refresh="", **changes):
        self.environ.setenv("ZOHO_SECRET", secret or self.org.client.secret)
        self.environ.setenv("ZOHO_REFRESH", refresh or self.org.token)
        return ZohoTarget(self.configured(**changes), self.services)

    # ----------------------------------------------------------------------------------------------------- the world

    def fault(self, operation, effect, **more):
        self.world.faults.add(Fault(vendor="zoho", operation=operation, effect=Effect(effect), **more))

    async def later(self, seconds):
        await self.clock.sleep(seconds)

    def calls(self, operation="*", kind=None):
        return self.world.requests.count("zoho", operation, kind=kind)

    def acme(self):
        account = self.org.add_account("Acme", "https://www.acme.example/shop")
        return account, self.org.add_contact("Li Wei", "li@acme.example", account)

    def mails(self):
        return self.host.mails()

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

    def move(self, deal, n=1, expect="Qualification", to="Proposal/Price Quote"):
        pipeline = self.org.record("Deals", deal)["Pipeline"]
        pipeline = pipeline["name"] if isinstance(pipeline, dict) else pipeline
        return Attempt(
            MoveDeal(key=f"v1:{n:064x}", deal=deal, pipeline=pipeline, expect_stage=expect, to_stage=to),
            first_sent_at=self.clock.now(),
        )

    def again(self, attempt):
        """The same write once more, first sent now."""
        return replace(attempt, first_sent_at=attempt.first_sent_at or self.clock.now())

    def spoil(self, operation, change):
        """Let every answer to that call be what `change` makes of its bytes."""
        send = self.target._http.send

        async def spoiled(call):
            reply = await send(call)
            return replace(reply, content=change(reply.content)) if call.operation == operation else reply

        self.target._http.send = spoiled

    def between(self, operation, act):
        """Do `act` once, right before the next request of that name reaches Zoho."""
        handle = self.transport.handle_async_request
        left = [1]

        async def hooked(request):
            named, _ = self.vendor.describe(request.method, request.url.path, request.url.params, b"")
            if named == operation and left:
                left.clear()
                act()
            return await handle(request)

        self.transport.handle_async_request = hooked

    async def only(self, attempt):
        """The answer of one write, raised or not."""
        try:
            (answer,) = await self.target.write_many([attempt])
        except ConnectorError as error:
            return error
        return answer

    async def find(self, *attempts):
        return await self.target.find_written(attempts)

    async def everything(self, feed, cursor=None, most=200):
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


@pytest.fixture
def lab(monkeypatch):
    """Run `scenario(lab)` on virtual time, with a lab of these settings; server tasks are awaited."""
    Lab.environ = monkeypatch

    def play(scenario, **settings):
        async def whole():
            lab = Lab(**settings)
            try:
                return await scenario(lab)
            finally:
                await lab.target.close()
                await lab.transport.drain()

        return run(whole())

    play.contact = contact
    return play
