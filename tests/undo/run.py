"""`python -m tests.undo.run --records 10000`: a large backfill, its undo, and the same backfill again.

Each pair goes through it with a tenth of the records first, so that what grows faster than its task shows. It fails when
a list, search or read of the CRM is not as before the backfill, when the second backfill comes to another state than
the first, or when a record costs more than twice as much among ten times as many.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from sync.undo import Stay, Way
from tests.undo.looks import alike, differences, looks
from tests.undo.office import AGAIN, PAIRS, Box, backfill, company, old_letters, undo
from tradepost.sandbox.company import PAIRS as ALL_PAIRS
from tradepost.sandbox.virtual import run

INDEXED = 300.0  # seconds after which every search shows what was written
MOST_GROWTH = 2.0
STEPS = ("backfill", "plan", "undo", "again")


class Measured:
    """CPU seconds of each step, and what was wrong."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.wrong: list[str] = []

    async def step(self, name: str, work: Awaitable[Any]) -> Any:
        begun = time.process_time()
        found = await work
        self.seconds[name] = time.process_time() - begun
        return found


async def shown(folder: Path, pair: tuple[str, str], records: int) -> Measured:
    """Backfill, undo and backfill once more; prints what came of it."""
    box, took = Box(folder, company=company(*pair)), Measured()
    for old in old_letters(box, records):
        box.company.deliver(old)
    await box.once()
    before = await _seen(box)
    runs = await took.step("backfill", _filled(box))
    filled = await _seen(box, reads=False)
    memory = await took.step("plan", _planned(box, runs))
    standing, left = await took.step("undo", undo(box, runs))
    after = await _seen(box)
    stays = Counter(one.why for one in left if one.way is Way.STAY)
    took.wrong += _not_as_before(before, after, stays)
    took.wrong += [] if standing.open == 0 and standing.items >= records else [f"standing: {standing}"]
    await took.step("again", _filled(box))
    again = await _seen(box, reads=False)
    took.wrong += [f"again {line}" for line in differences(alike(filled, before), alike(again, before))]
    times = ", ".join(f"{name} {took.seconds[name]:.1f} s" for name in STEPS)
    print(f"{'-'.join(pair)}, {records:,} mails: {standing.items:,} items, {standing.back:,} taken back, ", end="")
    print(f"{ {str(why): n for why, n in stays.items()} or 'nothing' } stays; {len(before)} looks and reads compared; ")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  CPU: {times}; memory: a plan {memory:.0f} MB, this process with the sandbox {peak:.0f} MB", flush=True)
    for line in took.wrong[:20]:
        print(f"  WRONG {line}", flush=True)
    return took


async def _filled(box: Box) -> list[int]:
    """A backfill with its second looks, where no key protects."""
    runs = await backfill(box)
    await box.clock.sleep(AGAIN)
    await box.once()
    return runs


async def _seen(box: Box, *, reads: bool = True) -> Any:
    await box.clock.sleep(INDEXED)
    return await looks(box, reads=reads)


async def _planned(box: Box, runs: list[int]) -> float:
    """MB that a plan of everything takes at its height."""
    async with box.engine() as engine:
        tracemalloc.start()
        await engine.store.undo.plan(runs)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak / 1e6


def _not_as_before(before: Any, after: Any, stays: Counter[Any]) -> list[str]:
    """Whatever differs, apart from the mails of a CRM that lets nobody delete a mail; those must be as many as told."""
    wrong = list(differences(before, after))
    if not stays:
        return wrong
    kept = sum(after[name].total() - before[name].total() for name in after if name.startswith("mails "))
    wrong = [line for line in wrong if not line.startswith("mails ")]
    if set(stays) != {Stay.NO_WAY} or kept < stays[Stay.NO_WAY]:
        wrong.append(f"{kept} mails stay, and {dict(stays)} was told")
    return wrong


def grown(few: Measured, many: Measured, times: float) -> dict[str, float]:
    """How much more a record costs among many, step by step."""
    return {name: many.seconds[name] / max(few.seconds[name], 0.05) / times for name in STEPS}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.undo.run")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--pair", action="append", choices=["all", *("-".join(p) for p in ALL_PAIRS)])
    chosen = parser.parse_args()
    wanted = chosen.pair or ["-".join(p) for p in PAIRS]
    pairs = [p for p in ALL_PAIRS if "all" in wanted or "-".join(p) in wanted]
    print(f"About {len(pairs) * chosen.records / 10_000 * 12:.0f} minutes of one core.", flush=True)
    bad = 0
    for pair in pairs:
        measured = []
        for records in (max(chosen.records // 10, 1), chosen.records):
            with tempfile.TemporaryDirectory() as folder:
                measured.append(run(shown(Path(folder), pair, records)))
        ratios = grown(*measured, 10)
        told = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
        print(f"  a record among ten times as many costs: {told} times as much", flush=True)
        steep = chosen.records >= 1000 and ratios["undo"] > MOST_GROWTH
        bad += bool(steep or any(one.wrong for one in measured))
    print("NOT AS BEFORE" if bad else "All as before, and the same again.")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
