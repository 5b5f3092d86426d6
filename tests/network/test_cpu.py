"""Heavy work: limited in time and memory, and its death kills nothing else."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time

import pytest

from connectors.base.errors import Transient
from tradepost.cpu import InlineCpu, PoolCpu, WorkTooHeavy
from tradepost.sandbox.virtual import run


def test_inline_work_is_done_at_once_on_virtual_time() -> None:
    async def main() -> int:
        return await InlineCpu()(max, 3, 5)

    assert run(main()) == 5


def test_pooled_work_is_limited_and_survives_its_worst() -> None:
    async def main() -> None:
        assert await pool(max, 3, 5) == 5
        assert await pool(os.getpid) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            await pool(int, "x")
        with pytest.raises(WorkTooHeavy, match="memory"):
            await pool(bytearray, 4 * 1024**3)
        with pytest.raises(TimeoutError, match=r"not done in 1\.5 s"):
            await pool(signal.pause)
        with pytest.raises(WorkTooHeavy, match="ended with code 3"):
            await pool(os._exit, 3)
        assert await pool(max, 3, 5) == 5

    pool = PoolCpu(seconds=1.5, memory=2 * 1024**3, workers=1)
    try:
        asyncio.run(main())
    finally:
        pool.close()
        pool.close()


def test_cancelled_work_stops_and_frees_its_worker() -> None:
    async def main() -> float:
        assert await pool(max, 1, 2) == 2
        task = asyncio.create_task(pool(signal.pause))
        await asyncio.sleep(0.1)
        task.cancel()
        began = time.perf_counter()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await pool(max, 1, 2) == 2
        return time.perf_counter() - began

    pool = PoolCpu(seconds=60, workers=1)
    try:
        assert asyncio.run(main()) < 30
    finally:
        pool.close()


def _lonely_error() -> bool:
    return logging.getLogger("some.library").hasHandlers()


def test_what_a_library_logs_in_a_worker_does_not_reach_the_terminal() -> None:
    """An exception's text may hold a line of the mail."""

    async def main() -> bool:
        cpu = PoolCpu(workers=1)
        try:
            return await cpu(_lonely_error)
        finally:
            cpu.close()

    assert asyncio.run(main())


def test_a_pool_without_workers_blames_no_work():
    """Else every mail would be called unreadable because of the machine it is read on."""

    async def main():
        pool = PoolCpu(workers=1)
        pool.close()
        with pytest.raises(Transient):
            await pool(max, 3, 5)

    asyncio.run(main())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_worker_that_is_struck_while_it_waits_stops_no_reading(number):
    """By Ctrl-C, which goes to every process at the terminal, or by a machine short of memory."""

    async def main():
        victim = await pool(os.getpid)
        os.kill(victim, number)
        await asyncio.sleep(0.5)  # long enough for the pool to see it
        assert await asyncio.gather(*(pool(max, 3, n) for n in (5, 6))) == [5, 6]
        return victim, await pool(os.getpid)

    pool = PoolCpu(workers=1)
    try:
        victim, heir = asyncio.run(main())
    finally:
        pool.close()
    assert (victim == heir) is (number == signal.SIGINT)


def _deaf_to(number: int) -> bool:
    return number in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_workers_are_deaf_to_ctrl_c_from_their_first_moment():
    """Also what starts them, which takes a second or two to load."""

    async def main():
        return [await pool(_deaf_to, number) for number in (signal.SIGINT, signal.SIGTERM)]

    pool = PoolCpu(workers=1)
    try:
        assert asyncio.run(main()) == [True, False]
    finally:
        pool.close()
    assert not _deaf_to(signal.SIGINT)
