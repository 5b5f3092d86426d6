"""An engine's lanes at work: each in a task of its own, watched from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from connectors.base.services import Clock
from sync.lanes import Lane, LaneRunner, MailLane, TargetLane

T = TypeVar("T")

GRACE = 120.0  # seconds that steps under way may take to end; what is cut then is looked up at the next start
LONGEST_STEP = 3600.0  # seconds; every call has a time-out, so only a lane that hangs needs longer


class Crew:
    """Runs lanes until told to stop."""

    def __init__(self, runners: Sequence[LaneRunner], clock: Clock) -> None:
        self._clock = clock
        self._stop = asyncio.Event()
        self._lanes = tuple(_Watched(runner.lane, clock) for runner in runners)
        for runner, lane in zip(runners, self._lanes, strict=True):
            runner.lane = lane
        self._tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(r.run(self._stop), name=r.lane.label) for r in runners
        ]

    async def begun(self) -> None:
        """Wait until every lane has started, or has said why it cannot; or until one broke."""
        for lane in self._lanes:
            begun = asyncio.create_task(lane.begun.wait())
            try:
                await asyncio.wait({begun, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                begun.cancel()

    async def broken(self) -> None:
        """Wait until a lane ends although nobody told it to: a mistake of ours, which `stop` raises."""
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    def stuck(self) -> tuple[str, ...]:
        """Labels of lanes whose step takes longer than any can."""
        now = self._clock.monotonic()
        since = ((lane.label, lane.busy_since) for lane in self._lanes)
        return tuple(label for label, start in since if start is not None and now - start > LONGEST_STEP)

    async def stop(self, grace: float = GRACE) -> None:
        """Let every lane finish its step, at most for `grace` seconds. Raises what broke a lane."""
        self._stop.set()
        try:
            await asyncio.wait(self._tasks, timeout=grace)
        finally:
            for task in self._tasks:
                task.cancel()
            ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end


class _Watched:
    """A lane that tells when it has begun and since when it has been busy."""

    def __init__(self, lane: Lane, clock: Clock) -> None:
        self.name = lane.name
        self.label = lane.label
        self.begun = asyncio.Event()
        self.busy_since: float | None = None
        self._lane = lane
        self._clock = clock
        self._again = False

    async def start(self) -> None:
        try:
            await self._timed(self._lane.start())
        finally:
            self.begun.set()  # well, or paused or waiting with its reason

    async def step(self) -> float:
        if self._again:
            self._again = False
            await self.start()
        return await self._timed(self._lane.step())

    def poll_now(self) -> None:
        """The next step looks for news, where the lane looks for any."""
        if isinstance(self._lane, MailLane | TargetLane):
            self._lane.poll_now()

    def start_again(self) -> None:
        """The next step starts the lane anew first: something it reads at its start has changed."""
        self._again = True

    async def _timed(self, work: Awaitable[T]) -> T:
        self.busy_since = self._clock.monotonic()
        try:
            return await work
        finally:
            self.busy_since = None


def poll_now(runners: Sequence[LaneRunner]) -> None:
    """Every lane looks for news at its next step; the bell wakes those that sleep."""
    for runner in runners:
        if isinstance(runner.lane, _Watched | MailLane | TargetLane):
            runner.lane.poll_now()


def start_again(runners: Sequence[LaneRunner], names: Sequence[str]) -> None:
    """Those lanes start anew at their next step."""
    for runner in runners:
        if isinstance(runner.lane, _Watched) and runner.lane.name in names:
            runner.lane.start_again()
