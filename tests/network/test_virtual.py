"""Virtual time: instant, deterministic, and honest about deadlocks."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from random import Random

import anyio
import pytest
from aiolimiter import AsyncLimiter

from tradepost.sandbox.virtual import START, Deadlock, VirtualClock, VirtualLoop, run


def test_years_pass_in_an_instant_and_short_timers_still_fire_afterwards() -> None:
    async def main() -> tuple[datetime, list[str]]:
        clock = VirtualClock()
        order: list[str] = []
        await clock.sleep(20 * 365 * 86400)
        await asyncio.gather(*(_note(clock, order, name, delay) for name, delay in [("b", 0.002), ("a", 0.001)]))
        return clock.now(), order

    began = time.perf_counter()
    now, order = run(main())
    assert time.perf_counter() - began < 5
    assert order == ["a", "b"]
    assert abs(now - (START + timedelta(days=20 * 365, seconds=0.002))) < timedelta(milliseconds=1)


async def _note(clock: VirtualClock, order: list[str], name: str, delay: float) -> None:
    await clock.sleep(delay)
    order.append(name)


def _history(seed: int) -> list[tuple[float, int]]:
    async def main() -> list[tuple[float, int]]:
        chance, events = Random(seed), []
        loop = asyncio.get_running_loop()
        lock = asyncio.Lock()

        async def worker(n: int) -> None:
            for _ in range(20):
                async with lock:
                    await asyncio.sleep(chance.random())
                events.append((loop.time(), n))

        async with asyncio.TaskGroup() as group:
            for n in range(10):
                group.create_task(worker(n))
        return events

    return run(main())


def test_two_runs_of_one_seed_are_identical_and_another_seed_differs() -> None:
    assert _history(7) == _history(7)
    assert _history(7) != _history(8)


def test_a_deadlock_is_reported_with_who_waits() -> None:
    async def stuck() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"nothing is ready.*stuck"):
        run(stuck())


def test_leftovers_are_cancelled_oldest_first_and_the_loop_is_closed() -> None:
    ended: list[int] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def lingering(n: int) -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            ended.append(n)

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        loops[0].kept = [asyncio.create_task(lingering(n)) for n in range(50)]  # type: ignore[attr-defined]
        await asyncio.sleep(1)

    run(main())
    assert ended == list(range(50))
    assert loops[0].is_closed()


def test_a_failure_of_a_leftover_does_not_hide_the_result() -> None:
    async def main() -> int:
        kept.append(asyncio.create_task(asyncio.sleep(5)))
        return 3

    kept: list[asyncio.Task[None]] = []
    assert run(main()) == 3
    assert kept[0].cancelled()


def test_asyncio_timeouts_anyio_and_aiolimiter_keep_virtual_time() -> None:
    async def main() -> list[float]:
        loop, seen = asyncio.get_running_loop(), []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        seen.append(loop.time())
        with anyio.move_on_after(15):
            await anyio.sleep(100)
        seen.append(loop.time())
        limiter = AsyncLimiter(10, 60)
        for _ in range(30):
            await limiter.acquire()
        return [*seen, loop.time()]

    timed_out, moved_on, limited = run(main())
    assert timed_out == pytest.approx(30)
    assert moved_on == pytest.approx(45)
    assert limited == pytest.approx(45 + 120)


def test_a_clock_goes_on_where_the_last_loop_ended_and_clocks_agree() -> None:
    clock = VirtualClock()

    async def first() -> None:
        await clock.sleep(100)
        await asyncio.sleep(11)

    async def second() -> datetime:
        await clock.sleep(9)
        return clock.now()

    run(first())
    assert clock.now() == START + timedelta(seconds=111)
    assert run(second()) == START + timedelta(seconds=120)

    async def agree() -> bool:
        await asyncio.sleep(5)
        return VirtualClock().now() == VirtualClock(datetime(2020, 1, 1, tzinfo=UTC)).now()

    assert run(agree(), start=datetime(2020, 1, 1, tzinfo=UTC))


def test_executors_and_name_lookups_are_refused() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with pytest.raises(RuntimeError, match="No executors"):
            loop.run_in_executor(None, print)
        with pytest.raises(OSError, match="No network"):
            await loop.getaddrinfo("example.com", 443)

    run(main())


def test_waiting_again_and_again_for_a_rounding_error_comes_to_an_end() -> None:
    async def main() -> int:
        loop, rounds = asyncio.get_running_loop(), 0
        done, rest = loop.create_future(), 1e-300

        def again() -> None:
            nonlocal rounds
            rounds += 1
            if loop.time() > 5e-6:
                done.set_result(None)
            else:
                loop.call_at(loop.time() + rest, again)

        again()
        await done
        return rounds

    assert run(main()) < 10


def test_no_timer_fires_before_its_time() -> None:
    async def main() -> list[float]:
        loop, early = asyncio.get_running_loop(), []
        for start in (0.0, 1e3, 1e6, 1e9):
            await asyncio.sleep(start)
            for gap in (1e-5, 0.1, 1 / 3, 7.7):
                due = loop.time() + gap
                await asyncio.sleep(gap)
                early.append(due - loop.time())
        return early

    assert max(run(main())) <= 0
