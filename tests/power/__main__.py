"""`make power`: the power is cut after every write that SQLite gives to the disk in a small company's life.

`python -m tests.power [--pair all | SOURCE:TARGET] [--all] [--every 1]`

Every write and sync of the state file and its log is recorded. After each write it is worked out what a power cut may
leave: all that was synced, and of the rest all, all but half of the last write, or the last write alone. Each of these
is opened: it is whole, keeps the invariants of the ledger, and holds every commit that was answered. Then the same life
is lived again with the power cut inside each commit, at two places (`--all`: at 24), and goes on from what is left.
Last, engines with a part taken out, which must be found out.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from tests.power.cuts import Look, cuts, go_on, kept, look
from tests.sweep.run import MEMORY, pairs
from tests.sweep.scenario import Outcome, Plan

DEFAULT = "gmail:zoho"
BROKEN = ("no row before the call", "cursor in another transaction", "lower synchronous")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", default=DEFAULT, metavar="SOURCE:TARGET", help=f"such as graph:*, or all; {DEFAULT}")
    parser.add_argument("--every", type=int, default=1, help="look at each so many'th image only")
    parser.add_argument("--all", action="store_true", help="go on from 24 places in each commit, not from two")
    given = parser.parse_args()
    wanted = "*" if given.pair == "all" else given.pair
    plans = [plan for plan in pairs() if fnmatchcase(f"{plan.source}:{plan.target}", wanted)]
    gc.freeze()
    started = time.monotonic()
    with ProcessPoolExecutor(2) as pool:
        well = [one(plan, given.every, pool, every_image=given.all) for plan in plans]
        well += [found_out(replace(plans[0], broken=name), given.every) for name in BROKEN] if plans else [False]
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")
    return 0 if all(well) else 1


def one(plan: Plan, every: int, pool: ProcessPoolExecutor, *, every_image: bool) -> bool:
    """One pair in one mode, told."""
    found = looked(plan, every)
    print(f"{plan.source} -> {plan.target}, {plan.mode}", flush=True)
    print(f"  writes {found.writes}, syncs {found.syncs}, commits {found.commits}; images looked at: {found.images}")
    print(f"  {', '.join(f'{how}: {n}' for how, n in sorted(found.ways.items()))}; faults: {len(found.faults)}")
    for fault in found.faults[:20]:
        print(f"  NOT KEPT: {fault}")
    places = range(24) if every_image else (8, 16)
    tasks = [(cut, n / 24) for cut in cuts(plan, found.outcome) for n in places]
    ends = list(pool.map(gone_on, tasks))
    lost = [t for t, end in zip(tasks, ends, strict=True) if not kept(end, found.outcome)]
    gaps = sum(end.against(found.outcome) != (0, 0) for end in ends) - len(lost)
    print(
        f"  gone on from {len(tasks)} cuts: lost or doubled {len(lost)}, parked inside the declared gap {gaps}",
        flush=True,
    )
    for cut, n in lost[:20]:
        print(f"  NOT KEPT: {cut}, at {n:.2f} of it")
    return not found.faults and not lost


def found_out(plan: Plan, every: int) -> bool:
    """Whether the look finds that a part is missing."""
    faults = looked(plan, every).faults
    print(
        f"{plan.broken}: {len(faults)} bad images{f', such as {faults[0]}' if faults else ': NOT FOUND OUT'}",
        flush=True,
    )
    return bool(faults)


def looked(plan: Plan, every: int) -> Look:
    with _Folder() as folder:
        return look(folder, plan, every=every)


def gone_on(task: tuple[Plan, float]) -> Outcome:
    """Cut the power at a part of the way through the commit that the plan names."""
    plan, part = task
    with _Folder() as folder:
        return go_on(folder, plan, lambda found: found[int(part * len(found))])


class _Folder:
    """A folder in memory where there is any."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="power-", dir=MEMORY if MEMORY.is_dir() else None))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
