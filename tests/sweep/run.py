"""`make sweep`: crash at every commit and every network step, every fault at every write and each kind of read, and the
same engine with a part taken out, which must then fail. Two worker processes; the plan is the same every time.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from pkgutil import resolve_name

from tests.sweep.scenario import EFFECTS, Outcome, Plan, live
from tradepost.sandbox.company import CRMS, PAIRS

BROKEN = (
    "no row before the call",
    "no wait for settling",
    "no look-up",
    "cursor in another transaction",
    "lower synchronous",
)
MEMORY = Path("/dev/shm")
WEAKEST = Plan(mode="unkeyed")  # where only the engine's own care protects


def one(plan: Plan) -> Outcome:
    """One run in a folder that is removed afterwards."""
    folder = tempfile.mkdtemp(prefix="sweep-", dir=MEMORY if MEMORY.is_dir() else None)
    try:
        return live(Path(folder), plan)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pairs() -> list[Plan]:
    """Every pair of a mail provider and a CRM, in every mode of set-up that the CRM has."""
    return [
        Plan(source=source, target=target, mode=mode)
        for source, target in PAIRS
        for mode in resolve_name(CRMS[target]).modes
    ]


def crashes(pair: Plan, whole: Outcome) -> list[Plan]:
    return [replace(pair, crash_at=n) for n in range(1, whole.steps + 1)]


def faults(pair: Plan, whole: Outcome) -> list[Plan]:
    """Every fault at every call that writes, and at the first, the second, the middle and the last of each read."""
    places: dict[str, list[int]] = {}
    for n, (name, _) in enumerate(whole.operations, start=1):
        places.setdefault(name, []).append(n)
    reads = {n for at in places.values() for n in (*at[:2], at[len(at) // 2], at[-1])}
    writes = {n for n, (_, kind) in enumerate(whole.operations, start=1) if kind == "write"}
    return [replace(pair, effect=effect, call=n) for effect in EFFECTS for n in sorted(reads | writes)]


def broken(name: str, pair: Plan, whole: Outcome) -> list[Plan]:
    """The points at which a missing part shows: around the calls that write, and around the feed's transactions."""
    marks = [n for n, label in enumerate(whole.labels, start=1) if label.split(":")[0] in _NEAR[name]]
    if name in ("no wait for settling", "no look-up"):
        effects = ("late_commit", "lost_reply", "status_after_500", "reset_after")
        return [replace(pair, effect=e, call=n, broken=name) for e in effects for n in range(1, whole.calls + 1, 2)]
    power = name == "lower synchronous"
    near = sorted({m + d for m in marks for d in range(4) if m + d <= whole.steps})
    return [replace(pair, crash_at=n, broken=name, power=power) for n in near]


_NEAR = {
    "no row before the call": {"decided", "settle"},
    "no wait for settling": set(),
    "no look-up": set(),
    "cursor in another transaction": {"advance", "keep"},
    "lower synchronous": {"sending", "settle"},
}


def quick(plans: list[Plan], most: int) -> list[Plan]:
    """An even choice of at most so many."""
    step = max(1, len(plans) // most)
    return plans[step // 2 :: step]


class Report:
    """Counts outcomes and prints a line per part."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self.pool = pool
        self.bad = 0

    def part(self, name: str, plans: list[Plan], whole: Outcome, *, must_fail: bool = False) -> None:
        lost = doubled = stuck = gaps = mended = bad = 0
        shown: list[str] = []
        for number, (plan, outcome) in enumerate(zip(plans, self._run(plans), strict=True), start=1):
            missing, twice = outcome.against(whole)
            mended += outcome.mended > 0
            if (missing or twice) and not must_fail and outcome.in_gap(whole):
                gaps += 1
                continue
            # What a broken engine doubles and the second look mends was doubled all the same.
            wrong = bool(missing or twice or outcome.stuck or (must_fail and outcome.mended))
            lost, doubled, stuck = lost + missing, doubled + twice, stuck + bool(outcome.stuck)
            bad += wrong
            if wrong and not must_fail and len(shown) < 5:
                shown.append(f"    {plan}: lost {missing}, doubled {twice} {outcome.stuck}")
            if sys.stderr.isatty() and number % 10 == 0:
                print(f"\r  {name}: {number}/{len(plans)}", end="", file=sys.stderr, flush=True)
        tail = (
            f"bad runs {bad} (must be > 0)" if must_fail else f"stuck {stuck}, gap cases mended {mended}, parked {gaps}"
        )
        print(f"\r  {name:<44} points {len(plans):>5}, lost {lost}, doubled {doubled}, {tail}", flush=True)
        print(*shown, sep="\n" if shown else "", end="\n" if shown else "")
        self.bad += (bad == 0) if must_fail else bad

    def _run(self, plans: list[Plan]) -> Iterator[Outcome]:
        return self.pool.map(one, plans, chunksize=4)


def main() -> int:
    """Exit code 0 when nothing was lost or doubled and every broken engine was found out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", type=int, metavar="N", help="at most N points a part")
    parser.add_argument("--only", default="*", metavar="SOURCE:TARGET:MODE", help="such as gmail:hubspot:*")
    asked = parser.parse_args()
    most, only = asked.quick or sys.maxsize, asked.only
    began = time.monotonic()
    chosen = [p for p in pairs() if fnmatchcase(f"{p.source}:{p.target}:{p.mode}", only)]
    print(f"{len(chosen)} pairs and modes; about six minutes each on two cores", flush=True)
    with ProcessPoolExecutor(2, initializer=gc.freeze) as pool:
        report = Report(pool)
        for pair in chosen:
            whole = one(pair)
            print(f"{pair.source} -> {pair.target}, {pair.mode}: {whole.steps} steps, {whole.calls} calls", flush=True)
            report.part("crash at every commit and network step", quick(crashes(pair, whole), most), whole)
            report.part("every fault at every kind of call", quick(faults(pair, whole), most), whole)
        print("with a part taken out:", flush=True)
        whole = one(WEAKEST)
        for name in BROKEN:
            report.part(name, quick(broken(name, WEAKEST, whole), most), whole, must_fail=True)
    print(f"{'all well' if not report.bad else 'BAD'} after {(time.monotonic() - began) / 60:.1f} minutes")
    return 1 if report.bad else 0


if __name__ == "__main__":
    sys.exit(main())
