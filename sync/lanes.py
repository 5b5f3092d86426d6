"""Lanes: one task per mailbox and per target, each doing one thing at a time, pausing with a reason.

A lane never waits for another. `once` runs them all until nothing is left to do; `run` until it is told to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted, RateLimited
from connectors.base.services import Clock, Log
from sync.deciding import Decider
from sync.mirror import Mirror
from sync.mistakes import Mistake, mistake
from sync.outbox import backoff, code
from sync.pull import Puller
from sync.push import Pusher
from sync.store import StateFull, Store
from sync.store.report import LaneState

# A paused lane asks again by itself, so that mended credentials need no restart.
ASK_AGAIN = timedelta(minutes=5)
LONGEST_CHECK = timedelta(hours=1)
BEAT = timedelta(seconds=30)
LANE_STATES = ("running", "waiting", "paused")

# A run that works once sits out a vendor's limit by the minute, so often in a row; longer ones it leaves to the next.
SHORT_LIMIT = timedelta(seconds=90)
MOST_LIMITS = 5

EARLIER = 3  # doublings: the first pause after a mistake is two minutes long, so that whoever looks each minute sees it


class Lane(Protocol):
    """Something that does one bounded thing at a time."""

    name: str
    label: str  # the name in logs: holds no address

    async def start(self) -> None:
        """Get ready; may be called again after a failure."""
        ...

    async def step(self) -> float:
        """Do one thing. Returns the seconds until there may be more to do; 0 for "at once"."""
        ...


class Bell:
    """Wakes lanes that sleep."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    def wait(self, seconds: float) -> Awaitable[None]:
        """Until the bell rings, at most so long. A ring counts from the call on, not from the first await."""
        return _until(self._event, seconds)


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


class MailLane:
    """One mailbox: live mail first, then what was found missing, then history a chunk at a time."""

    def __init__(self, puller: Puller, *, clock: Clock, bell: Bell, poll: float) -> None:
        self.name = f"mail:{puller.name}"
        self.label = f"mail:{puller.label}"
        self.puller = puller
        self._clock = clock
        self._bell = bell
        self._poll = poll
        self._next_live: float = float("-inf")

    async def start(self) -> None:
        await self.puller.start()

    async def step(self) -> float:
        now = self._clock.monotonic()
        if now >= self._next_live:
            if not await self.puller.live_page():
                self._next_live = self._clock.monotonic() + self._poll
            self._bell.ring()
            return 0.0
        if await self.puller.wanted_chunk() or await self.puller.history_chunk():
            self._bell.ring()
            return 0.0
        self.puller.say_held()
        return max(0.0, self._next_live - now)

    def poll_now(self) -> None:
        """The next step asks the change feed."""
        self._next_live = float("-inf")


class TargetLane:
    """One target: keep the mirror fresh, decide dirty threads, push what is due."""

    def __init__(
        self,
        mirror: Mirror,
        decider: Decider,
        pusher: Pusher | None,
        *,
        store: Store,
        clock: Clock,
        poll: float,
    ) -> None:
        self.name = self.label = f"target:{mirror.name}"
        self._mirror = mirror
        self._decider = decider
        self._pusher = pusher  # None while `writes: off`
        self._store = store
        self._clock = clock
        self._poll = poll
        self._next_mirror: float = float("-inf")
        self._next_check = float("inf")  # of what the account can do, while something is lacking
        self._check_wait = ASK_AGAIN

    async def start(self) -> None:
        self._decider.start(await self._mirror.start())
        if self._mirror.lacking:
            self._next_check = self._clock.monotonic() + self._check_wait.total_seconds()
            self._check_wait = min(2 * self._check_wait, LONGEST_CHECK)
        else:
            self._next_check, self._check_wait = float("inf"), ASK_AGAIN
        if self._pusher is not None:
            await self._pusher.start()

    async def step(self) -> float:
        if self._clock.monotonic() >= self._next_check:
            await self.start()
        if self._clock.monotonic() >= self._next_mirror or (self._pusher and self._pusher.mirror_behind):
            if self._pusher:
                self._pusher.mirror_behind = False
            await self._mirror.refresh()
            self._next_mirror = self._clock.monotonic() + self._poll
            return 0.0
        if await self._decider.step():
            return 0.0
        if self._pusher is not None and await self._pusher.step():
            return 0.0
        return await self._rest()

    async def _rest(self) -> float:
        """Seconds until the mirror is due, a timer rings or an item may be sent."""
        now = self._clock.now()
        moments = [await self._store.threads.next_wake()]
        if self._pusher is not None:
            moments.append(await self._pusher.next_due())
        waits = [(moment - now).total_seconds() for moment in moments if moment is not None]
        # A moment that has passed belongs to an item that waits for another; looking again at once would spin.
        waits = [wait for wait in waits if wait > 0]
        return max(0.05, min([min(self._next_mirror, self._next_check) - self._clock.monotonic(), *waits]))

    def poll_now(self) -> None:
        """The next step reads the mirror."""
        self._next_mirror = float("-inf")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A lane that could not finish, and what its error asks for."""

    lane: str
    error: ConnectorError


class LaneRunner:
    """Drives one lane: starts it, steps it, and turns its errors into waits and pauses that a person can read."""

    def __init__(self, lane: Lane, store: Store, *, clock: Clock, random: Random, log: Log, bell: Bell) -> None:
        self.lane = lane
        self._store = store
        self._clock = clock
        self._random = random
        self._log = log
        self._bell = bell
        self._started = False
        self._failures = 0
        self._mistakes: tuple[int, datetime] | None = None  # how many in a row, and until when the last one counts
        self._last_beat: tuple[str, datetime] | None = None
        self.state = "running"  # as it is, even where the store has no room to be told
        self.told: LaneState | None = None  # what was said of it last, stored or not

    async def once(self) -> Trouble | None:
        """Step until the lane has nothing to do at once. A short limit is sat out; other errors end it, returned."""
        self._failures = 0
        while True:
            try:
                await self._start()
                while await self.lane.step() <= 0:
                    self._failures = 0
                await self._beat("running")
            except Exception as error:  # noqa: BLE001 - a mistake in one lane must not stop the others
                told = self._told(error)
                wait = await self._fail(told)
                short = isinstance(told, RateLimited) and wait <= SHORT_LIMIT.total_seconds()
                if not short or self._failures > MOST_LIMITS:
                    self._started = False
                    return Trouble(self.lane.name, told)
                await self._clock.sleep(wait)
            else:
                return None

    async def run(self, stop: asyncio.Event) -> None:
        """Step until `stop` is set; the step under way is finished first."""
        while not stop.is_set():
            try:
                await self._start()
                wait = await self.lane.step()
                await self._beat("running")
            except Exception as error:  # noqa: BLE001 - a lane that died of a mistake would be missed by nobody
                # Deaf to the bell: news elsewhere does not make a vendor answer sooner.
                await _first(self._clock.sleep(await self._fail(self._told(error))), stop.wait())
                continue
            self._failures = 0
            if wait > 0:
                await _first(self._bell.wait(wait), stop.wait())
            else:
                await asyncio.sleep(0)  # let the other lanes have their turn

    async def _start(self) -> None:
        if not self._started:
            await self.lane.start()
            self._started = True

    def _told(self, error: Exception) -> ConnectorError:
        """The error as others may read it. Of a mistake the log has its kind, id and place, and not a word of it."""
        if isinstance(error, ConnectorError):
            return error
        return mistake(error, self._log, "lane.broken", lane=self.lane.label)

    def _count_mistake(self, now: datetime) -> datetime:
        """When to try again: each time later, until the lane has gone well for as long as it had waited."""
        number = self._mistakes[0] + 1 if self._mistakes is not None and now < self._mistakes[1] else 0
        again = now + backoff(EARLIER + number, self._random)
        self._mistakes = (number, again + (again - now))
        return again

    async def _fail(self, error: ConnectorError) -> float:
        """Record the error; returns the seconds to wait before the next try."""
        now = self._clock.now()
        match error:
            case Mistake():
                # What it left half done is looked up when the lane starts anew.
                state, until = "paused", self._count_mistake(now)
                self._started = False
            case RateLimited():
                state, until = "waiting", error.retry_at or now + backoff(self._failures, self._random)
            case AuthFailed() | NotPermitted():
                state, until = "paused", now + ASK_AGAIN
                self._started = False
            case StateFull():
                # What was being sent is unknown until the lane starts anew and looks it up.
                state, until = "paused", now + min(ASK_AGAIN, backoff(self._failures, self._random))
                self._started = False
            case _:
                state, until = "waiting", now + backoff(self._failures, self._random)
        self._failures += 1
        self._last_beat = None
        self.state = state
        await self._put(
            LaneState(
                name=self.lane.name,
                state=state,
                code=code(error),
                hint=error.hint,
                until=until,
                beat_at=now,
                failures=self._failures,
            )
        )
        self._log.warning(
            f"lane.{state}",
            lane=self.lane.label,
            error=type(error).__name__,
            operation=error.operation,
            code=error.code,
        )
        return max(0.0, (until - now).total_seconds())

    async def _put(self, state: LaneState) -> None:
        """Remember how the lane is. Where not even that works, the log and the next try must do."""
        self.told = state
        try:
            with suppress(StateFull):
                await self._store.report.put_lane(state)
        except Exception as error:  # noqa: BLE001 - it is called where a mistake is dealt with
            self._told(error)

    async def _beat(self, state: str) -> None:
        """Say that the lane lives, at most every `BEAT`, so that busy lanes do not write for its sake."""
        now = self._clock.now()
        self.state = state
        if self._last_beat is not None and self._last_beat[0] == state and now - self._last_beat[1] < BEAT:
            return
        self._last_beat = (state, now)
        self.told = LaneState(name=self.lane.name, state=state, code="", hint="", until=None, beat_at=now, failures=0)
        await self._store.report.put_lane(self.told)


async def _first(*awaitables: Awaitable[object]) -> None:
    """Wait for the first to finish and cancel the others."""
    tasks = [asyncio.ensure_future(a) for a in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_once(mail: Sequence[LaneRunner], targets: Sequence[LaneRunner]) -> tuple[Trouble, ...]:
    """Mail in, then decisions and writes out, until both are idle. Errors of one lane do not stop the others."""
    found = [*await asyncio.gather(*(runner.once() for runner in mail))]
    found += await asyncio.gather(*(runner.once() for runner in targets))
    return tuple(trouble for trouble in found if trouble is not None)
