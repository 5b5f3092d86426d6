"""The same sender over real sockets, on loopback."""

from __future__ import annotations

import asyncio
import socket
from random import Random
from typing import Any

import uvicorn

from connectors.base.errors import ConnectorError, OutcomeUnknown, Transient
from connectors.base.services import Reply
from connectors.http import Sender
from tradepost.clock import SystemClock
from tradepost.sandbox.kernel import Effect


async def _served(shop: Any, story: Any) -> Any:
    """Run `story(session)` while the ledger is served by uvicorn."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(shop.ledger, log_level="critical", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    sender = Sender(clock=SystemClock(), random=Random(1), log=shop.log)
    session = sender.open(shop.spec(base_url=f"http://127.0.0.1:{port}/v1", timeout=0.5))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait for
            await asyncio.sleep(0.01)
        return await story(session)
    finally:
        await session.close()
        server.should_exit = True
        await serving
        listener.close()


def test_each_fault_means_the_same_over_a_real_socket(shop) -> None:
    shop.world.clock = SystemClock()

    async def story(session: Any) -> list[Any]:
        seen: list[Any] = [await session.send(shop.write)]
        for effect in (Effect.RESET, Effect.RESET_AFTER, Effect.LOST_REPLY):
            shop.fault(effect=effect)
            try:
                seen.append(await session.send(shop.write))
            except ConnectorError as error:
                seen.append(error)
        return [*seen, await session.send(shop.read)]

    first, *unknown, last = asyncio.run(_served(shop, story))
    assert isinstance(first, Reply)
    assert first.json() == {"id": 1}
    assert [type(u) for u in unknown] == [OutcomeUnknown] * 3
    assert len(last.json()["entries"]) == 3
    assert shop.world.requests.count() == 5


def test_nobody_listening_means_nothing_happened(shop) -> None:
    async def main() -> Any:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{unused.getsockname()[1]}"
            session = Sender(clock=SystemClock(), random=Random(1), log=shop.log).open(shop.spec(base_url=address))
            try:
                return await session.send(shop.write)
            except ConnectorError as error:
                return error
            finally:
                await session.close()

    assert type(asyncio.run(main())) is Transient
