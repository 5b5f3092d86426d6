"""Where clients that nobody here wrote meet the sandbox: vendors on real loopback HTTPS, everything recorded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from tradepost.clock import SystemClock
from tradepost.sandbox.kernel import Effect, Fault, Vendor, World
from tradepost.sandbox.recorder import Recorder, recording
from tradepost.sandbox.serve import Served, serve
from tradepost.sandbox.tls import Tls, make_tls

T = TypeVar("T")


@dataclass(slots=True)
class Ground:
    """Vendors that are being served. What people do to them goes through `act`, on the servers' own loop."""

    world: World
    served: Served
    tls: Tls
    loop: asyncio.AbstractEventLoop
    folder: Path

    def act(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call something of a vendor where no request can be half done."""

        async def go() -> T:
            return work(*args, **kwargs)

        return asyncio.run_coroutine_threadsafe(go(), self.loop).result(60)

    def fault(self, vendor: str, operation: str, status: int, code: str = "", times: int = 1) -> None:
        """The next `times` calls of an operation are refused."""
        order = Fault(vendor=vendor, operation=operation, effect=Effect.STATUS, status=status, code=code, times=times)
        self.act(self.world.faults.add, order)

    def port(self, vendor: str) -> int:
        return int(self.served.urls[vendor].rpartition(":")[2])

    @property
    def ca(self) -> str:
        """The file a client is told to trust."""
        return str(self.tls.ca)


@contextmanager
def ground(make: Callable[[World], Sequence[Vendor]], folder: Path, recorder: Recorder) -> Iterator[Ground]:
    """Serve the vendors that `make` builds in a world with real time, in a thread of their own."""
    clock = SystemClock()
    tls = make_tls(folder, clock.now())
    with recording(recorder):
        world = World(clock=clock, random=Random(11))
    vendors = make(world)
    loop = asyncio.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()
    held: list[Served] = []

    async def main() -> None:
        async with serve(world, vendors, tls=tls) as served:
            held.append(served)
            started.set()
            await stop.wait()

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(main())
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    started.wait(30)
    if not held:
        raise RuntimeError("The sandbox did not start.")
    try:
        yield Ground(world, held[0], tls, loop, folder)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
