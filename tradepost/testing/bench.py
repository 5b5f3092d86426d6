"""One connector on its bench: a vendor of its own, services that watch, and time that passes when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Generic, Protocol, TypeVar

from connectors.base.errors import ConnectorError
from connectors.base.services import Clock, Services
from connectors.http import Sender
from tradepost.cpu import InlineCpu
from tradepost.sandbox.kernel import Effect, Fault, RequestRecord, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import START, VirtualClock
from tradepost.testing.expect import Broken
from tradepost.testing.rig import Rig
from tradepost.vault import MemoryVault

R = TypeVar("R", bound=Rig)
T = TypeVar("T")

MOST_PAGES = 500
FOR_EVER = 10_000  # times that a fault lasts


@dataclass(slots=True)
class Heard:
    """A log that keeps what it is told."""

    lines: list[str] = field(default_factory=list)

    def info(self, event: str, **ids: object) -> None:
        self.lines.append(f"{event} {sorted(ids.items())!r}")

    def warning(self, event: str, **ids: object) -> None:
        self.info(event, **ids)

    def error(self, event: str, **ids: object) -> None:
        self.info(event, **ids)


@dataclass(slots=True)
class WatchedClock:
    """A connector's own clock: notes how often it was made to wait."""

    clock: Clock
    slept: int = 0

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.slept += 1
        await self.clock.sleep(seconds)


class Closes(Protocol):
    async def close(self) -> None: ...


Spoil = Callable[[Any, Any], Any]
"""Makes a spoiled connector of a whole one and its bench."""


class Bench(Generic[R]):
    """What every check is handed. `rig.host` has what people do; the methods here are what the suite does."""

    def __init__(self, make: Callable[[World], R], spoil: Spoil | None = None, seed: int = 1) -> None:
        # Each bench begins at the same time of day, however late on its loop it is made.
        self.clock = VirtualClock(START - timedelta(seconds=asyncio.get_running_loop().time()))
        self.world = World(clock=self.clock, random=Random(f"world-{seed}"))
        self.rig = make(self.world)
        self.log = Heard()
        self.own_clock = WatchedClock(self.clock)
        self.make = make
        self.spoil = spoil
        self.seed = seed
        self._transport = InProcessTransport(self.rig.apps(), self.clock)
        self._senders: list[Sender] = []
        self._opened: list[Closes] = []

    # --------------------------------------------------------------------------------------------------- connections

    def services(self) -> Services:
        """Services of a process that has just started: nothing is remembered."""
        transport = self.rig.transport() or self._transport
        sender = Sender(clock=self.clock, random=Random(f"sender-{self.seed}"), log=self.log, transport=transport)
        self._senders.append(sender)
        return Services(
            open_http=sender.open,
            clock=self.own_clock,
            random=Random(f"connector-{self.seed}"),
            cpu=InlineCpu(),
            log=self.log,
            vault=MemoryVault(),
        )

    def spoiled(self, opened: Any) -> Any:
        """The connector to be judged: the one given, or what a spoiler makes of it."""
        self._opened.append(opened)
        return self.spoil(opened, self) if self.spoil else opened

    async def close(self) -> None:
        """Close every connection that was opened; what servers still do is waited for."""
        self.world.faults.clear()
        for opened in self._opened:
            await opened.close()
        for sender in self._senders:
            await sender.close()
        await self._transport.drain()
        self.rig.close()

    # ---------------------------------------------------------------------------------------------------------- time

    async def later(self, seconds: float | None = None) -> None:
        """Let time pass: as long as the vendor needs to show what people did, or `seconds`."""
        await self.clock.sleep(self.rig.lag if seconds is None else seconds)

    async def drain(self) -> None:
        """Wait until the vendor has done with every request, also with those that nobody waits for."""
        await self._transport.drain()

    # -------------------------------------------------------------------------------------------------------- faults

    def fault(self, effect: Effect, operation: str, **more: Any) -> None:
        """Order that the next request called so meets `effect`; see `tradepost.sandbox.kernel.Fault`."""
        self.world.faults.add(Fault(vendor=self.rig.vendor.name, operation=operation, effect=effect, **more))

    def refuse(self, error: type[ConnectorError], operation: str, *, times: int = FOR_EVER) -> None:
        """Order that the vendor answers as it does when it means `error`."""
        status, code = self.rig.refusals[error]
        self.fault(Effect.STATUS, operation, status=status, code=code, times=times)

    def at_ease(self) -> None:
        """Take all faults back."""
        self.world.faults.clear()

    # ------------------------------------------------------------------------------------------------------- counting

    def mark(self) -> int:
        """A place in the vendor's log of requests."""
        return len(self.world.requests.records)

    def requests(self, since: int = 0) -> list[RequestRecord]:
        """What arrived at the vendor after a mark, signing in left out."""
        return [r for r in self.world.requests.records[since:] if not _signs_in(r)]

    def writes(self, since: int = 0) -> list[RequestRecord]:
        return [r for r in self.requests(since) if r.kind == "write"]

    # --------------------------------------------------------------------------------------------------------- errors

    async def error_of(self, asked: Awaitable[object]) -> ConnectorError:
        """The typed error that a question ends in. Raises `Broken` when it is answered."""
        try:
            answer = await asked
        except ConnectorError as error:
            return error
        raise Broken(f"an answer of type {type(answer).__name__} where an error was due")


def _signs_in(record: RequestRecord) -> bool:
    return any(word in record.operation.lower() for word in ("oauth", "token", "authorize"))


@asynccontextmanager
async def opened(bench: Bench[R], start: Callable[[], Awaitable[None]]) -> AsyncIterator[Any]:
    """Start a bench, and close it whatever happens; of two failures the first is told."""
    try:
        await start()
        yield bench
    except BaseException:
        bench.world.faults.clear()
        with suppress(Exception):  # the check's own failure is the finding
            await bench.close()
        raise
    await bench.close()


def lacks_act(*acts: str) -> Callable[[Bench[Any]], str]:
    """A need: acts that must exist at the vendor."""

    def why(bench: Bench[Any]) -> str:
        return next((bench.rig.lacks[act] for act in acts if act in bench.rig.lacks), "")

    return why
