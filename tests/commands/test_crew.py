"""Lanes at work are watched: when all have begun, when one hangs, when one breaks, and how they end."""

from __future__ import annotations

import asyncio
import socket
from random import Random
from types import SimpleNamespace

import pytest

from connectors.base.errors import NotPermitted
from sync.lanes import Bell, LaneRunner
from tests.box import Events
from tradepost.messages import Language
from tradepost.sandbox.virtual import VirtualClock, run
from tradepost.service.crew import LONGEST_STEP, Crew, start_again
from tradepost.service.worker import Daemon, Surroundings


class Lane:
    """A lane that does what it is told to."""

    def __init__(self, name, *, start=None, step=None):
        self.name = self.label = name
        self.starts = 0
        self._start, self._step = start, step

    async def start(self):
        self.starts += 1
        if self._start:
            await self._start()

    async def step(self):
        if self._step:
            await self._step()
        return 1.0


def crew_of(clock, *lanes):
    async def put_lane(state):
        del state

    store = SimpleNamespace(report=SimpleNamespace(put_lane=put_lane))
    bell = Bell()
    runners = [LaneRunner(x, store, clock=clock, random=Random(1), log=Events(), bell=bell) for x in lanes]
    return Crew(runners, clock), runners


def test_a_lane_that_says_why_it_cannot_start_has_begun_and_one_that_is_silent_has_not():
    async def main():
        clock = VirtualClock()

        async def refused():
            raise NotPermitted("Give it the role.")

        async def slow():
            await clock.sleep(40)

        crew, _ = crew_of(clock, Lane("a", start=refused), Lane("b", start=slow), Lane("c"))
        begin = clock.monotonic()
        async with asyncio.timeout(100):
            await crew.begun()
        waited = clock.monotonic() - begin
        await crew.stop()
        return waited

    assert run(main()) == pytest.approx(40, abs=1)


def test_a_lane_that_hangs_is_named_and_the_watchdog_is_no_longer_petted(tmp_path):
    async def main(manager):
        clock = VirtualClock()

        async def hang():
            await asyncio.Event().wait()

        crew, _ = crew_of(clock, Lane("quick"), Lane("hanging", step=hang))
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000000"}
        daemon = Daemon(Surroundings(load=lambda: None, environ=environ, err=None, language=Language.EN, clock=clock))
        daemon._log, daemon._crew = Events(), crew
        watch = asyncio.create_task(daemon._watch())
        await clock.sleep(LONGEST_STEP - 100)
        healthy = (crew.stuck(), drained(manager))
        await clock.sleep(200)
        drained(manager)
        await clock.sleep(600)
        after = (crew.stuck(), drained(manager))
        watch.cancel()
        await crew.stop(grace=1)
        return healthy, after, daemon._log.lines

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        healthy, after, lines = run(main(manager))
    assert healthy[0] == ()
    assert healthy[1] > 0
    assert after == (("hanging",), 0)
    assert [event for _, event, _ in lines] == ["worker.stuck"]


def drained(manager: socket.socket) -> int:
    """How many messages were there."""
    count = 0
    try:
        while manager.recv(100):
            count += 1
    except BlockingIOError:
        return count
    return count


def test_the_end_waits_for_steps_under_way_but_not_for_ever():
    async def main():
        clock, finished = VirtualClock(), []

        async def short():
            await clock.sleep(30)
            finished.append("short")

        async def endless():
            await clock.sleep(10_000)
            finished.append("endless")

        crew, _ = crew_of(clock, Lane("a", step=short), Lane("b", step=endless))
        await clock.sleep(1)
        begin = clock.monotonic()
        await crew.stop(grace=60)
        return finished, clock.monotonic() - begin

    finished, took = run(main())
    assert finished == ["short"]
    assert took == pytest.approx(60)


def test_what_ends_a_lanes_runner_ends_the_wait_and_comes_out_at_the_end(monkeypatch):
    async def main():
        clock = VirtualClock()

        async def broken(self, stop):
            await clock.sleep(5)
            raise KeyError("ours")

        monkeypatch.setattr(LaneRunner, "run", broken)
        crew, _ = crew_of(clock, Lane("a"), Lane("b"))
        await crew.broken()
        with pytest.raises(KeyError, match="ours"):
            await crew.stop()

    run(main())


def test_a_lane_starts_anew_only_when_it_is_told_to():
    async def main():
        clock = VirtualClock()
        told, other = Lane("target:crm"), Lane("target:other")
        crew, runners = crew_of(clock, told, other)
        await clock.sleep(3)
        start_again(runners, ["target:crm"])
        await clock.sleep(3)
        await crew.stop()
        return told.starts, other.starts

    assert run(main()) == (2, 1)
