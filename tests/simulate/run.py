"""`make simulate SEEDS=200 [FIRST_SEED=n]`: weeks of small companies, each ruined in its own way and judged.

`--seed N --story` replays one and tells it, as short as it can be told; `--size company` takes large companies instead.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from tests.simulate.case import Found, run_seed, shrink, story
from tests.simulate.ruin import CRASH, RUINS
from tests.simulate.script import ACTS, COMPANY, MAILS, SMALL, WEEK, Size
from tests.sweep.run import one, pairs
from tests.sweep.scenario import EFFECTS as SWEPT
from tests.sweep.scenario import Outcome, Plan

EVERY_KIND = MAILS | ACTS | RUINS
COLUMNS = (
    "weeks",
    "mails",
    "crashes",
    "faults",
    "writes",
    "gaps",
    "mended",
    "lost",
    "stuck",
    "doubled",
    "overwritten",
    "other",
)
ENOUGH = 200  # weeks after which nearly every point must have been hit, and every kind of act and trouble
SHARE = 0.9
_NAMED = ("lost", "missing", "stuck", "doubled", "overwritten")
SIZES = {"week": WEEK, "company": COMPANY, "small": SMALL}


@dataclass(slots=True)
class Table:
    """A row for each pair and mode, the points that were hit, and in how many weeks each kind of thing happened."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)
    struck: set[tuple[str, str]] = field(default_factory=set)
    happened: Counter[str] = field(default_factory=Counter)

    def add(self, found: Found) -> None:
        row = self.rows.setdefault(_row(found.plan), Counter())
        row.update(_cells(found))
        self.struck |= {point for point, n in found.struck.items() if n}
        self.happened.update(found.happened)

    @property
    def never(self) -> list[str]:
        """Kinds of acts, faults and troubles that no week has seen."""
        return sorted(EVERY_KIND - self.happened.keys())

    def lines(self) -> Iterable[str]:
        yield f"  {'':<30}" + "".join(f"{c:>12}" for c in COLUMNS)
        for name in sorted(self.rows):
            yield f"  {name:<30}" + "".join(f"{self.rows[name][c]:>12}" for c in COLUMNS)
        total = sum(self.rows.values(), Counter())
        yield f"  {'all':<30}" + "".join(f"{total[c]:>12}" for c in COLUMNS)
        for group in ("mail", "act", "fault", "trouble"):
            some = [f"{k.partition(': ')[2]} {n}" for k, n in sorted(self.happened.items()) if k.startswith(group)]
            yield f"  weeks with {group + 's:':<10} {', '.join(some)}"


def _row(plan: Plan) -> str:
    return f"{plan.source} -> {plan.target}, {plan.mode}"


def _cells(found: Found) -> dict[str, int]:
    wrong = Counter(w.what for w in (*found.before.wrong, *found.verdict.wrong))
    return {
        "weeks": 1,
        "mails": found.copies,
        "crashes": found.crashes,
        "faults": sum(n for (_, what), n in found.struck.items() if what != CRASH),
        "writes": found.writes,
        "gaps": len(found.verdict.gaps),
        "mended": found.mended,
        "lost": wrong["lost"] + wrong["missing"],
        "stuck": wrong["stuck"],
        "doubled": wrong["doubled"],
        "overwritten": wrong["overwritten"],
        "other": sum(n for what, n in wrong.items() if what not in _NAMED),
    }


def sweep_points(wholes: Iterable[Outcome]) -> set[tuple[str, str]]:
    """What `make sweep` visits: every step to die at, every call with every effect."""
    found: set[tuple[str, str]] = set()
    for whole in wholes:
        found |= {(label, CRASH) for label in whole.labels}
        found |= {(name, effect) for name, _ in whole.operations for effect in SWEPT}
    return found


def _rarely_collect() -> None:
    """A week makes far more objects than it drops: the collector's usual rhythm costs a tenth of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def _try(seed: int, size: Size) -> Found | str:
    try:
        return run_seed(seed, size)
    except Exception:  # noqa: BLE001 - one seed must not end the others; what it says is told
        return traceback.format_exc(limit=-8)


def many(first: int, seeds: int, size: Size, *, jobs: int, points: bool) -> int:
    """Run a row of seeds; exit code 1 when one failed, or when enough of them left out what they must not."""
    began, table, bad = time.monotonic(), Table(), []
    with ProcessPoolExecutor(jobs, initializer=_rarely_collect) as pool:
        wholes = pool.map(one, pairs()) if points else ()
        futures = {pool.submit(_try, seed, size): seed for seed in range(first, first + seeds)}
        for number, future in enumerate(as_completed(futures), start=1):
            found, seed = future.result(), futures[future]
            if isinstance(found, str):
                bad.append(seed)
                print(f"\r  seed {seed} raised:\n{found}", flush=True)
                continue
            table.add(found)
            if found.bad:
                bad.append(seed)
                print(f"\r  seed {seed} ({_row(found.plan)}):", flush=True)
                for wrong in (*found.before.wrong, *found.verdict.wrong)[:5]:
                    print(f"    {wrong}", flush=True)
            if sys.stderr.isatty():
                print(f"\r  {number}/{seeds}", end="", file=sys.stderr, flush=True)
            elif number % 20 == 0:
                print(f"  {number}/{seeds}", flush=True)
        every = sweep_points(wholes)
    print("\r", *table.lines(), sep="\n")
    thin = False
    if every:
        hit = len(every & table.struck)
        print(f"  hit {hit} of the sweep's {len(every)} (step or call, effect) points: {hit / len(every):.0%}")
        thin = seeds >= ENOUGH and (hit < SHARE * len(every) or bool(table.never))
        print(f"  never happened: {', '.join(table.never) or 'nothing'}")
    state = f"BAD seeds: {sorted(bad)}; tell one with --seed N --story" if bad else "all well"
    state = f"{state}, but too little of what can go wrong did" if thin else state
    print(f"{state}; {seeds} seeds from {first} in {(time.monotonic() - began) / 60:.1f} minutes")
    return 1 if bad or thin else 0


def single(seed: int, size: Size, *, tell: bool, broken: str) -> int:
    """Replay one seed; with `tell` look for the shortest story that still fails."""
    found = run_seed(seed, size, broken)
    if found.bad and tell:
        found = shrink(found)
    print(story(found) if tell or found.bad else f"seed {seed} ({_row(found.plan)}): all well")
    return 1 if found.bad else 0


def main() -> int:
    """Exit code 0 when every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--size", choices=list(SIZES), default="week")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, help="replay this one only")
    parser.add_argument("--story", action="store_true", help="tell it, shrunk")
    parser.add_argument("--broken", default="", help="with a part of the engine taken out")
    asked = parser.parse_args()
    size = SIZES[asked.size]
    if asked.seed is not None:
        return single(asked.seed, size, tell=asked.story, broken=asked.broken)
    return many(asked.first, asked.seeds, size, jobs=asked.jobs, points=asked.size == "week")


if __name__ == "__main__":
    sys.exit(main())
