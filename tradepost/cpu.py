"""Where heavy pure work runs: a pool of processes with limits, or inline in simulation."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import resource
import signal
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, resource_tracker
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from connectors.base.errors import Transient

T = TypeVar("T")

# Of each worker: a mail of 48 MB, the most that an answer holds, takes half. Both together stay below MemoryMax of the
# unit, which counts the daemon too (deploy/systemd/tradepost@.service).
MEMORY = 768 * 1024**2

# What workers are asked to run lives here; a name that cannot be imported is left out.
PRELOAD = ("__main__", "sync.pull", "connectors.mail.gmail_parse")


class WorkTooHeavy(TimeoutError):
    """The work took too long or too much memory, or took its process down. Others are not harmed."""


class _NoWorkers(Exception):
    """The pool cannot go on; this says nothing about the work."""


class InlineCpu:
    """`connectors.base.services.Cpu` that simply calls; deterministic, and without a limit."""

    async def __call__(self, fn: Callable[..., T], /, *args: Any) -> T:
        """Call now."""
        return fn(*args)


class PoolCpu:
    """`connectors.base.services.Cpu` on worker processes.

    `seconds` bound one call from the moment a worker takes it up, `memory` (bytes of address space) each worker. `fn`
    and its arguments must pickle. Workers come from a fork server, which has neither our threads nor our open files.
    """

    def __init__(self, *, seconds: float = 10.0, memory: int = MEMORY, workers: int = 2) -> None:
        self._seconds = seconds
        self._memory = memory
        self._workers = workers
        self._closed = False
        self._pool = self._opened()

    def _opened(self) -> ProcessPool:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOAD))  # workers start in milliseconds, and share this memory
        # Workers are replaced now and then: parsers of hostile input may leak.
        return ProcessPool(
            max_workers=self._workers,
            max_tasks=1000,
            initializer=_confine,
            initargs=[self._memory],
            context=context,
        )

    async def __call__(self, fn: Callable[..., T], /, *args: Any) -> T:
        """Run in a worker. Raises `WorkTooHeavy`, or what `fn` raises; a cancelled call stops its worker.

        Raises `Transient` when no worker can be had: that says nothing about the work.
        """
        pool = self._pool
        try:
            return await self._run(pool, fn, args)
        except _NoWorkers:
            self._replace(pool)
        try:
            return await self._run(self._pool, fn, args)
        except _NoWorkers as error:
            raise Transient("No process for reading mail can be started on this machine; see the log.") from error

    async def _run(self, pool: ProcessPool, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        try:
            _start_server()
            future = pool.schedule(fn, args=list(args), timeout=self._seconds)
        except (RuntimeError, OSError) as error:  # the pool has stopped or cannot start its workers
            raise _NoWorkers from error
        try:
            result: T = await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise WorkTooHeavy(f"not done in {self._seconds:g} s") from error
        except MemoryError as error:
            raise WorkTooHeavy("out of memory") from error
        except ProcessExpired as error:
            raise WorkTooHeavy(f"the worker ended with code {error.exitcode}") from error
        except BrokenProcessPool as error:
            raise _NoWorkers from error
        return result

    def _replace(self, broken: ProcessPool) -> None:
        """A pool whose worker was killed while it had nothing to do (by hand, for want of memory) never works again."""
        if broken is self._pool and not self._closed:
            self._stop()
            self._pool = self._opened()

    def close(self) -> None:
        """Stop the workers, at work or not. May be called twice."""
        self._closed = True
        self._stop()

    def _stop(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _start_server() -> None:
    """Start the fork server, unless it runs, deaf to Ctrl-C, which goes to all processes at a terminal.

    It would die of it while it loads, for it asks to be spared after that only:
    https://github.com/python/cpython/blob/3.11/Lib/multiprocessing/forkserver.py
    """
    resource_tracker.ensure_running()  # on its start it listens to Ctrl-C again
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which programs that are started here inherit
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def _confine(memory: int) -> None:
    """In a worker: a call that needs more gets `MemoryError`; no core file and no log holds a customer's mail."""
    logging.getLogger().addHandler(logging.NullHandler())  # without one, errors and their texts go to stderr
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
