"""A process that dies at its first step, then one that dies at its second, and so on, until one comes to its end.

A step is a commit, before and after, and whatever passes the network, as in `tests.sweep.scenario`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from sync.store import StateFull, Store
from tests.box import Box
from tests.sweep.scenario import Crash
from tests.undo.office import AGAIN
from tradepost.daemon import Engine

THOROUGH = os.environ.get("TRADEPOST_PAIRS") == "all"
STRIDE = 1 if THOROUGH else 13
MOST = 400
FILES = ("state.db", "state.db-wal")

Work = Callable[[Engine], Awaitable[bool]]


class Lives:
    """What is done by processes each of which dies a little later than the one before."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._steps = 0
        self._last = 0
        self._dead = False
        self.labels: list[str] = []  # the steps at which somebody died

    async def carry(self, work: Work) -> int:
        """Have `work` done from its beginning by one process after the other, until one lives and it answers True."""
        self._box.forgives = True  # lanes of a dead process run on against a closed file
        for life in range(1, MOST):
            if await self._live(work, life * STRIDE):
                self._box.transport.on_step, self._box.forgives = None, False
                self._box.events.lines.clear()
                return life
            await self._box.transport.drain()
            await self._box.clock.sleep(AGAIN)
        raise AssertionError("it never comes to its end")

    async def _live(self, work: Work, last: int) -> bool:
        self._steps, self._last, self._dead = 0, last, False
        self._box.transport.on_step = self._step
        try:
            async with self._box.engine(step=self._step) as engine:
                return await work(engine)
        except Crash:
            return False
        finally:
            if self._dead:
                self._resurrect()

    def _step(self, label: str) -> None:
        if self._dead:
            raise Crash
        if label.endswith(":begin"):
            return
        self._steps += 1
        if self._steps == self._last:
            self.labels.append(label)
            self._dead = True
            for file in map(self._box.state.with_name, FILES):  # as a kill leaves them: closing would tidy up
                if file.exists():
                    shutil.copyfile(file, file.with_name(f"{file.name}.saved"))
            raise Crash

    def _resurrect(self) -> None:
        for name in (*FILES, "state.db-shm"):
            self._box.state.with_name(name).unlink(missing_ok=True)
        for name in FILES:
            if (saved := self._box.state.with_name(f"{name}.saved")).exists():
                saved.rename(self._box.state.with_name(name))


async def on_larger_disks(box: Box, work: Work) -> int:
    """Have `work` done by processes whose disk has ever more free pages, until one comes to its end; how many did not.

    https://www.sqlite.org/pragma.html#pragma_max_page_count
    """
    for spare in range(MOST):
        async with box.engine() as engine:
            engine.store.db.vacuum()  # what is free within the file would be room
            with engine.store.db.read() as c:
                here = c.exec_driver_sql("PRAGMA page_count").scalar_one()
                c.exec_driver_sql(f"PRAGMA max_page_count={here + spare}")
            with suppress(StateFull):
                if await work(engine):
                    return spare
        await box.clock.sleep(AGAIN)
    raise AssertionError("it never comes to its end")


async def open_items(store: Store) -> int:
    """How many writes are on their way."""
    counts: dict[Any, int] = dict(await store.report.counts())
    return sum(n for (_, _, state), n in counts.items() if state in ("ready", "sending", "unknown"))
