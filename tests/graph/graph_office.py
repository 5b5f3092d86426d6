"""A tenant in a sandbox, and sources that read its mailboxes, on virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from connectors.base.mail import MailboxScope
from connectors.base.model import Changes, Removed, Seen
from connectors.base.services import Services
from connectors.http import Sender
from connectors.mail.graph import GraphSource
from connectors.mail.graph_config import GraphConfig
from tradepost.sandbox.graph.vendor import GraphVendor
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock

ALICE = "alice@ours.example"


class Events:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def info(self, event: str, **ids: object) -> None:
        self.lines.append({"event": event, **ids})

    warning = error = info


class Vault:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, Any]] = {}

    async def get(self, name: str) -> tuple[str, Any] | None:
        return self.kept.get(name)

    async def put(self, name: str, token: str, expires_at: Any) -> None:
        self.kept[name] = (token, expires_at)


async def inline(fn: Callable[..., Any], /, *args: Any) -> Any:
    return fn(*args)


def letter(
    n: int = 0,
    *,
    head: str = "",
    subject: str = "Enquiry",
    sender: str = "buyer@there.example",
    to: str = ALICE,
    body: str = "Please quote.",
) -> bytes:
    top = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{n}@there.example>\r\n{head}"
    return f"{top}Date: Mon, 2 Mar 2026 07:00:00 +0000\r\n\r\n{body}\r\n".encode()


@dataclass
class Office:
    """One tenant with alice's mailbox."""

    world: World
    vendor: GraphVendor
    transport: InProcessTransport
    log: Events
    vault: Vault
    made: list[GraphSource] = field(default_factory=list)

    @property
    def clock(self) -> VirtualClock:
        return self.world.clock  # type: ignore[return-value]

    def services(self, cpu: Any = inline) -> Services:
        sender = Sender(clock=self.clock, random=Random(3), log=self.log, transport=self.transport)
        return Services(
            open_http=sender.open, clock=self.clock, random=Random(4), cpu=cpu, log=self.log, vault=self.vault
        )

    def config(self, **changes: Any) -> GraphConfig:
        app = self.vendor.registered()
        auth = {
            "method": "client_secret",
            "tenant": self.vendor.directory.tenant,
            "client_id": app.client_id,
            "client_secret": {"env": "GRAPH_SECRET"},
        }
        return GraphConfig.model_validate({"auth": auth} | changes)

    def source(
        self, address: str = ALICE, config: dict[str, Any] | None = None, cpu: Any = inline, **scope: Any
    ) -> GraphSource:
        made = GraphSource(self.config(**(config or {})), MailboxScope(address, **scope), self.services(cpu))
        self.made.append(made)
        return made

    def deliver(self, n: int = 0, **more: Any) -> str:
        return self.vendor.deliver_to(ALICE, letter(n), **more)

    def fault(self, operation: str, effect: Effect, **more: Any) -> None:
        self.world.faults.add(Fault(vendor="graph", operation=operation, effect=effect, **more))

    def count(self, operation: str = "*") -> int:
        return self.world.requests.count("graph", operation)


async def told(source: GraphSource, cursor: str, *, most: int = 500) -> tuple[list[Seen | Removed], str]:
    """All that a feed has to tell, once a mail (the last word counts), and where it then is."""
    found: dict[str, Seen | Removed] = {}
    for _ in range(most):
        page: Changes = await source.changes(cursor)
        cursor = page.cursor
        for event in page.events:
            found.pop(event.id, None)
            found[event.id] = event
        if not page.more:
            return list(found.values()), cursor
    raise AssertionError("the feed does not end")


async def listed(source: GraphSource, since: Any, until: Any) -> list[str]:
    """All ids of a listing, as often as they are listed."""
    ids: list[str] = []
    page: str | None = None
    for _ in range(2_000):
        found = await source.history(since, until, page)
        ids += found.ids
        page = found.next_page
        if page is None:
            return ids
    raise AssertionError("the listing does not end")
