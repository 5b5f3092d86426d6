"""The office, for every test here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from tests.graph.graph_office import ALICE, Events, Office, Vault
from tradepost.sandbox.graph.vendor import GraphVendor
from tradepost.sandbox.kernel import World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run


@pytest.fixture
def in_office(monkeypatch) -> Callable[..., None]:
    """Run `scenario(office)` on virtual time; server tasks are awaited."""

    async def play(scenario: Callable[[Office], Awaitable[None]], latency: float, **more: Any) -> None:
        world = World(clock=VirtualClock(), random=Random(2))
        vendor = GraphVendor(world, **more)
        vendor.add_mailbox(ALICE, aliases=["sales@ours.example"])
        vendor.add_mailbox("bob@ours.example")
        monkeypatch.setenv("GRAPH_SECRET", vendor.registered().secrets[-1].value)
        transport = InProcessTransport(dict.fromkeys(vendor.hosts, vendor), world.clock, lambda: latency)
        office = Office(world, vendor, transport, Events(), Vault())
        try:
            await scenario(office)
        finally:
            for source in office.made:
                await source.close()
            await transport.drain()

    return lambda scenario, latency=0.01, **more: run(play(scenario, latency, **more))
