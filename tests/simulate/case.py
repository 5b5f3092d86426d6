"""A seed run and judged: the undisturbed week, the ruined one, and what differs. Also the search for a shorter story."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from tests.simulate.judge import Verdict, judge
from tests.simulate.looks import Ending
from tests.simulate.ruin import WHOLE, Dose, Ruin, Seen, draw, kind_of
from tests.simulate.script import WEEK, Script, Size, write_script
from tests.simulate.week import Week, live
from tests.sweep.run import MEMORY
from tests.sweep.scenario import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that decides a run. `broken` names the part of the engine that is taken out."""

    script: Script
    ruin: tuple[Ruin, ...]
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of a case. `before` judges the undisturbed run by the plain rules alone."""

    case: Case
    before: Verdict
    verdict: Verdict
    struck: Counter[tuple[str, str]]
    crashes: int = 0
    writes: int = 0
    mended: int = 0
    healed: int = 0
    retried: int = 0
    mails: int = 0
    copies: int = 0

    @property
    def bad(self) -> bool:
        """Whether a promise was broken. What a broken engine doubles and the second look mends was doubled all the same."""
        late = self.case.broken and self.mended
        return bool(self.before.wrong or self.verdict.wrong or late)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(w.what for w in (*self.before.wrong, *self.verdict.wrong))

    @property
    def happened(self) -> frozenset[str]:
        """What the script has in it, and what of the ruin has really struck."""
        return self.case.script.kinds | {kind_of(at, what) for (at, what), n in self.struck.items() if n}

    @property
    def plan(self) -> Plan:
        return self.case.script.plan


def run_seed(seed: int, size: Size = WEEK, broken: str = "", dose: Dose = WHOLE) -> Found:
    """Draw a seed's week and its ruin, and judge it."""
    script = write_script(seed, size)
    return run_case(Case(script=script, ruin=(), broken=broken), ruin=lambda seen: draw(script, seen, dose))


def run_case(case: Case, ruin: Callable[[Seen], tuple[Ruin, ...]] | None = None) -> Found:
    """Run a case's undisturbed twin and the case itself. With `ruin` the ruin is drawn from what the twin passed."""
    twin, seen = _undisturbed(case.script)
    before = judge(case.script, twin, twin)
    if ruin is not None:
        case = replace(case, ruin=ruin(seen))
    ending, week = _in_folder(case.script, case.ruin, case.broken)
    return Found(
        case=case,
        before=before,
        verdict=judge(case.script, twin, ending),
        struck=week.struck,
        crashes=week.crashes,
        writes=week.box.writes(),
        mended=ending.mended,
        healed=ending.healed,
        retried=week.retried,
        mails=len(case.script.mails),
        copies=sum(len(c) for c in week.acts.copies.values()),
    )


@lru_cache(maxsize=6)
def _undisturbed(script: Script) -> tuple[Ending, Seen]:
    ending, week = _in_folder(script)
    return ending, week.seen()


def _in_folder(script: Script, ruin: Sequence[Ruin] = (), broken: str = "") -> tuple[Ending, Week]:
    folder = tempfile.mkdtemp(prefix="simulate-", dir=MEMORY if MEMORY.is_dir() else None)
    try:
        return live(Path(folder), script, ruin, broken=broken)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --------------------------------------------------------------------------------------------------------- shorter story


def shrink(found: Found, most: int = 60, again: Callable[[Case], Found] = run_case) -> Found:
    """The shortest case that still breaks one of the same promises, within so many tries of running it `again`."""
    left = [most]

    def fails(case: Case) -> Found | None:
        if left[0] <= 0:
            return None
        left[0] -= 1
        shorter = again(case)
        return shorter if shorter.kinds & found.kinds else None

    best = found
    best = _fewer(best, best.case.ruin, lambda c, keep: replace(c, ruin=tuple(keep)), fails)
    return _fewer(
        best, best.case.script.events, lambda c, keep: replace(c, script=replace(c.script, events=tuple(keep))), fails
    )


def _fewer(best: Found, parts: Sequence, put: Callable, fails: Callable[[Case], Found | None]) -> Found:
    """Leave out halves, quarters and so on of the parts, as long as it still fails."""
    keep, size = list(parts), max(1, len(parts) // 2)
    while keep and size:
        for start in range(0, len(keep), size):
            fewer = keep[:start] + keep[start + size :]
            if len(fewer) < len(keep) and (found := fails(put(best.case, fewer))):
                keep, best = fewer, found
                break
        else:
            size //= 2
    return best


def story(found: Found) -> str:
    """The case in words."""
    script = found.case.script
    told: list[tuple[float, str]] = [(e.at, str(e)) for e in script.events]
    told += [(r.moment, str(r)) for r in found.case.ruin if r.moment]
    lines = [f"Seed {script.seed}: {script.plan.source} -> {script.plan.target}, {script.plan.mode}"]
    lines += [f"  {_when(at)}  {what}" for at, what in sorted(told)]
    lines += [f"  Meanwhile: {r}." for r in found.case.ruin if not r.moment]
    lines += [f"  In the end: {w}." for w in found.verdict.wrong]
    lines += [f"  Undisturbed already: {w}." for w in found.before.wrong]
    return "\n".join(lines)


def _when(at: float) -> str:
    day, rest = divmod(at, 86_400)
    hour, rest = divmod(rest, 3_600)
    return f"day {int(day):>3} {int(hour):02}:{int(rest // 60):02}"
