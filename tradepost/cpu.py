"""Where heavy pure work runs: a pool of processes with limits, or inline in simulation."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import resource
from collections.abc import Callable
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from connectors.base.errors import Transient

T = TypeVar("T")

MEMORY = 2 * 1024**3

# What workers are asked to run lives here; a name that cannot be imported is left out.
PRELOAD = ("__main__", "sync.pull", "connectors.mail.gmail_parse")


class WorkTooHeavy(TimeoutError):
    """The work took too long or too much memory, or took its process down. Others are not harmed."""


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
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOAD))  # workers start in milliseconds, and share this memory
        # Workers are replaced now and then: parsers of hostile input may leak.
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=1000,
            initializer=_confine,
            initargs=[memory],
            context=context,
        )

    async def __call__(self, fn: Callable[..., T], /, *args: Any) -> T:
        """Run in a worker. Raises `WorkTooHeavy`, or what `fn` raises; a cancelled call stops its worker.

        Raises `Transient` when no worker can be had: that says nothing about the work.
        """
        try:
            future = self._pool.schedule(fn, args=list(args), timeout=self._seconds)
        except RuntimeError as error:  # the pool has stopped or cannot start its workers
            raise Transient("No process for reading mail can be started on this machine; see the log.") from error
        try:
            result: T = await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise WorkTooHeavy(f"not done in {self._seconds:g} s") from error
        except MemoryError as error:
            raise WorkTooHeavy("out of memory") from error
        except ProcessExpired as error:
            raise WorkTooHeavy(f"the worker ended with code {error.exitcode}") from error
        return result

    def close(self) -> None:
        """Stop the workers, at work or not. May be called twice."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _confine(memory: int) -> None:
    """In a worker: a call that needs more gets `MemoryError`; no core file and no log holds a customer's mail."""
    logging.getLogger().addHandler(logging.NullHandler())  # without one, errors and their texts go to stderr
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
