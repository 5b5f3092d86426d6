"""Virtual time: an event loop that never waits, and the clock that goes with it.

Nothing real is read or waited for, so one seed gives one order of events, and years pass in seconds.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import math
import selectors
import socket
import weakref
from collections.abc import Callable, Coroutine, Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

TICK = 1e-6  # seconds; the shortest wait
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Deadlock(RuntimeError):
    """Everything waits, and no timer will ever wake anything."""


class _NoFiles(selectors.BaseSelector):
    """Accepts files (the loop's own self-pipe) and never reports one: the kernel has no say in the order of events."""

    def __init__(self, idle: Callable[[float | None], None]) -> None:
        self._idle = idle
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        return self._keys[fd]

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._idle(timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._keys.clear()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer as soon as nothing is ready.

    `start` is the time of day at `time() == 0`. Sockets, threads and executors do not work on it; waiting for one
    raises `Deadlock` (or `RuntimeError` where it can be told at once).
    """

    def __init__(self, start: datetime = START) -> None:
        self.start = start
        self._now = 0.0
        self._numbers = itertools.count()
        self._tasks: weakref.WeakValueDictionary[int, asyncio.Task[Any]] = weakref.WeakValueDictionary()
        super().__init__(_NoFiles(self._advance))
        self._clock_resolution = math.ulp(self._now)
        self.set_task_factory(self._new_task)

    def time(self) -> float:
        return self._now

    def _advance(self, timeout: float | None) -> None:
        if timeout is None:
            raise Deadlock(self._deadlock_text())
        self._now += timeout
        # asyncio runs timers due before time() + resolution. The system's 1e-9 is lost in a float once time() passes
        # some 1e7 s, and a due timer would then never run; a coarse one would run timers before their time.
        self._clock_resolution = math.ulp(self._now)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """As ever, but no timer is due at once.

        Code that waits "the rest", finds a rounding error left and waits that (aiolimiter does) gets on in real time
        and would spin here for ever.
        """
        return super().call_at(max(when, self._now + TICK), callback, *args, context=context)

    def _deadlock_text(self) -> str:
        waiting = [f"{t.get_name()} ({getattr(t.get_coro(), '__qualname__', '?')})" for t in self.unfinished()]
        shown = ", ".join(waiting[:10]) + (", ..." if len(waiting) > 10 else "")
        return (
            f"Deadlock on virtual time at {self._now:.6f} s: nothing is ready and no timer is set. "
            f"Waiting: {shown or 'no task'}. Real sockets, threads and processes never answer on this loop."
        )

    def _new_task(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, T] | Generator[Any, None, T], **kwargs: Any
    ) -> asyncio.Task[T]:
        task: asyncio.Task[T] = asyncio.Task(coro, loop=loop, **kwargs)
        self._tasks[next(self._numbers)] = task
        return task

    def unfinished(self) -> list[asyncio.Task[Any]]:
        """Tasks that are not done, oldest first. `asyncio.all_tasks` is a set: its order changes from run to run."""
        return [task for _, task in sorted(self._tasks.items()) if not task.done()]

    def cancel_leftovers(self) -> None:
        """Cancel what still runs, oldest first, and wait for it."""
        tasks = self.unfinished()
        for task in tasks:
            task.cancel()
        if tasks:
            self.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        for task in tasks:
            if not task.cancelled() and task.exception() is not None:
                context = {"message": "a task left over on virtual time failed", "exception": task.exception()}
                self.call_exception_handler({**context, "task": task})

    def run_in_executor(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
        raise RuntimeError("No executors on virtual time: a thread's timing would change the order of events.")

    async def getaddrinfo(self, host: Any, *_: Any, **__: Any) -> NoReturn:
        raise socket.gaierror(f"No network on virtual time: {host}")


def _running() -> VirtualLoop | None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop if isinstance(loop, VirtualLoop) else None


class VirtualClock:
    """`connectors.base.services.Clock` on the running `VirtualLoop`.

    Outside a loop it stands still. Under the next loop (the program crashed and starts again) it goes on where the last
    one it was used in ended. All clocks of one loop agree. `start` defaults to the loop's own.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start
        self._loop: VirtualLoop | None = None
        self._before = 0.0  # seconds spent in earlier loops
        self._attach()

    def _attach(self) -> None:
        loop = _running()
        if loop is None or loop is self._loop:
            return
        if self._loop is not None:
            self._before += self._loop.time()
        self._loop = loop
        if self._start is None:
            self._start = loop.start

    def now(self) -> datetime:
        """The time of day: aware, UTC."""
        elapsed = timedelta(seconds=self.monotonic())
        return (self._start or START) + elapsed

    def monotonic(self) -> float:
        """Virtual seconds since the first loop began."""
        self._attach()
        return self._before + (self._loop.time() if self._loop else 0.0)

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._attach()
        await asyncio.sleep(max(0.0, seconds))


def run(coro: Coroutine[Any, Any, T], *, start: datetime | None = None) -> T:
    """Run to the end on a fresh `VirtualLoop`, cancel what is left over, close the loop. Raises `Deadlock`."""
    loop = VirtualLoop(start or START)
    try:
        return loop.run_until_complete(coro)
    finally:
        try:
            loop.cancel_leftovers()
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()
