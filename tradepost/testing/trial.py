"""A whole rig on trial, and what is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random
from typing import Any

from tradepost.sandbox.kernel import World
from tradepost.sandbox.virtual import VirtualClock
from tradepost.testing.bench import Spoil
from tradepost.testing.crm_bench import CRM, crm_bench
from tradepost.testing.mail_bench import MAIL, mail_bench
from tradepost.testing.rig import CrmRig, Rig
from tradepost.testing.spoiled.model import Spoiled
from tradepost.testing.suite import Check, Result, Verdict, demand, judge

Make = Callable[[World], Any]
"""Makes a rig in a world: a rig's class, or a function."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One connector's verdicts, and those over its spoiled ones."""

    name: str
    verdicts: tuple[Verdict, ...]
    spoiled: tuple[tuple[Spoiled[Any], Verdict], ...] = ()

    @property
    def passed(self) -> bool:
        """Nothing failed, and every spoiled connector was caught that the check concerns."""
        return not self.of(Result.FAILED) and not self.escaped

    def of(self, result: Result) -> tuple[Verdict, ...]:
        return tuple(v for v in self.verdicts if v.result is result)

    @property
    def escaped(self) -> tuple[Spoiled[Any], ...]:
        return tuple(s for s, v in self.spoiled if v.result is Result.PASSED)


def conform(check: Check[Any], make: Make) -> None:
    """Try one check on a rig. Raises `Broken`, or `unittest.SkipTest`, which pytest understands too."""
    demand(judge(check, _bench(check, make)))


def _bench(check: Check[Any], make: Make, spoil: Spoil | None = None) -> Callable[[], AbstractAsyncContextManager[Any]]:
    return crm_bench(make, spoil) if check in CRM.checks else mail_bench(make, spoil)


def sample(make: Make) -> Rig:
    """A rig that is only looked at."""
    rig: Rig = make(World(clock=VirtualClock(), random=Random(0)))
    rig.close()
    return rig


def try_rig(make: Make, spoiled: Iterable[Spoiled[Any]] = ()) -> Trial:
    """Every check of the rig's suite, then those that must catch the spoiled connectors."""
    rig = sample(make)
    suite: Any = CRM if isinstance(rig, CrmRig) else MAIL
    verdicts = tuple(judge(check, _bench(check, make)) for check in suite.checks)
    caught = tuple(
        (s, judge(suite.named(s.caught_by), _bench(suite.named(s.caught_by), make, s.spoil))) for s in spoiled
    )
    return Trial(rig.name, verdicts, caught)


# --------------------------------------------------------------------------------------------------------------- tables


def summary(trials: Sequence[Trial]) -> list[str]:
    """A line a connector."""
    width = max((len(t.name) for t in trials), default=0)
    lines = [f"{'connector':<{width}}  passed  failed  skipped  spoiled caught"]
    for trial in trials:
        counts = Counter(v.result for v in trial.verdicts)
        caught = sum(v.result is Result.FAILED for _, v in trial.spoiled)
        concerned = sum(v.result is not Result.SKIPPED for _, v in trial.spoiled)
        numbers = (counts[Result.PASSED], counts[Result.FAILED], counts[Result.SKIPPED])
        line = f"{trial.name:<{width}}  {numbers[0]:>6}  {numbers[1]:>6}  {numbers[2]:>7}"
        lines.append(f"{line}  {f'{caught} of {concerned}' if trial.spoiled else '-':>14}")
    return lines


def skips(trial: Trial) -> list[str]:
    """What was skipped, by reason."""
    reasons: dict[str, list[str]] = {}
    for verdict in trial.of(Result.SKIPPED):
        reasons.setdefault(verdict.why, []).append(verdict.check.name)
    return [line for why, names in reasons.items() for line in (f"  {why}:", *(f"    {name}" for name in names))]


def findings(trial: Trial) -> list[str]:
    """What failed and what escaped, for whoever must mend it."""
    failed = [f"  FAILED  {v.check.name}\n          {v.why}" for v in trial.of(Result.FAILED)]
    return failed + [f"  NOT CAUGHT  {s.name}, by: {s.caught_by}" for s in trial.escaped]


def catches(spoiled: Iterable[Spoiled[Any]]) -> list[str]:
    """Every spoiled connector with the check that must catch it."""
    return [f"  {s.name}\n      caught by: {s.caught_by}" for s in spoiled]
