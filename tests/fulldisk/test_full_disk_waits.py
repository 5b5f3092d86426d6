"""However long a disk was full, a lane that has room again does not wait for hours."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from types import SimpleNamespace

from sync.lanes import ASK_AGAIN, Bell, LaneRunner
from sync.store import StateFull
from tests.box import Events
from tradepost.sandbox.virtual import START, VirtualClock, run

DAY = 86_400.0


class Hungry:
    """A lane that needs room for each step, on a disk that is full for a day. Not even its state can be stored."""

    name = label = "mail:m1"

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.worked: list[float] = []
        self.report = SimpleNamespace(put_lane=self.put_lane)

    def since(self) -> float:
        return (self.clock.now() - START).total_seconds()

    async def put_lane(self, _: object) -> None:
        if self.since() < DAY:
            raise StateFull(Path("state.db"))

    async def start(self) -> None:
        return None

    async def step(self) -> float:
        await self.put_lane(None)
        self.worked.append(self.since())
        return 60.0


def test_within_five_minutes_of_room_it_works_again_and_until_then_it_is_known_to_pause():
    async def main():
        clock = VirtualClock(START)
        lane, events, stop = Hungry(clock), Events(), asyncio.Event()
        runner = LaneRunner(lane, lane, clock=clock, random=Random(1), log=events, bell=Bell())
        work = asyncio.create_task(runner.run(stop))
        await clock.sleep(DAY - 1)
        assert runner.state == "paused"
        assert {dict(ids)["error"] for _, event, ids in events.lines if event == "lane.paused"} == {"StateFull"}
        await clock.sleep(ASK_AGAIN.total_seconds() + 10)
        assert lane.worked
        assert runner.state == "running"
        stop.set()
        await work

    run(main())
