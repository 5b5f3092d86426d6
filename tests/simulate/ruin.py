"""What goes wrong in a week: crashes at steps, faults at calls, and the larger troubles of accounts, clock and disk.

Drawn from a seed after the undisturbed run has shown which steps and calls there are, so that every week meets other
points and any row of weeks meets nearly all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tests.simulate.script import DAY, Script
from tests.sweep.run import pairs
from tests.sweep.scenario import EFFECTS as SWEPT
from tradepost.sandbox.kernel import Effect, Fault

EFFECTS: Mapping[str, Mapping[str, object]] = {
    **SWEPT,
    **{f"status_{n}": {"effect": Effect.STATUS, "status": n} for n in (400, 403, 404, 409, 410, 500)},
}
TROUBLES = ("token_death", "quota_gone", "expired_cursor", "expired_pages", "clock_jump", "disk_full", "outage")
CRASH = "crash"
LOCKED = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruin:
    """One thing that goes wrong.

    At the `nth` time of a step or call (`at` is its label or operation, `what` a crash or an effect), or, for a trouble,
    from `moment` on for `length` seconds; `amount` is what it needs.
    """

    what: str
    at: str = ""
    nth: int = 0
    moment: float = 0.0
    length: float = 0.0
    amount: float = 0.0

    def __str__(self) -> str:
        if self.what == CRASH:
            return f"the program dies at the {self.nth}. {self.at}"
        if self.what == LOCKED:
            return f"somebody else locks the state file at the {self.nth}. {self.at}"
        if self.what in EFFECTS:
            return f"{self.what} at the {self.nth}. call of {self.at}"
        detail = f" {self.at}" if self.at else ""
        amount = f" by {self.amount:.0f}" if self.amount else ""
        return f"{self.what.replace('_', ' ')}{detail}{amount} on day {self.moment / DAY:.1f} for {self.length / 3600:.1f} h"

    def fault(self) -> Fault:
        """The order for the simulated vendors. Raises KeyError for what is no fault."""
        extra = dict(EFFECTS[self.what])
        effect = extra.pop("effect", None) or Effect(self.what)
        vendor, _, operation = self.at.partition(":")
        return Fault(vendor=vendor, operation=_literal(operation), nth=self.nth, effect=effect, **extra)  # type: ignore[arg-type]


def _literal(name: str) -> str:
    """Faults are ordered by pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an undisturbed week consists of: how often each step was passed and each call made."""

    labels: Mapping[str, int]
    calls: Mapping[str, int]
    writes: frozenset[str]


def draw(
    script: Script, seen: Seen, *, crm: int = 9, mail: int = 3, steps: int = 4, troubles: int = 2
) -> tuple[Ruin, ...]:
    """The ruin of a seed."""
    chance = Random(f"ruin-{script.seed}")
    turn = _turn(script)
    found: list[Ruin] = []
    for vendor, most in ((script.plan.target, crm), (script.plan.source, mail)):
        for name, effect in _next(_points(seen, vendor), turn[vendor], most):
            found.append(Ruin(what=effect, at=name, nth=chance.randint(1, seen.calls[name])))
    every = [(label, LOCKED if label.endswith(":begin") else CRASH) for label in sorted(seen.labels)]
    for label, what in _next(_shuffled(every), script.seed, steps):
        found.append(Ruin(what=what, at=label, nth=chance.randint(1, seen.labels[label])))
    found += [_trouble(chance, script) for _ in range(troubles)]
    return tuple(found)


def _turn(script: Script) -> dict[str, int]:
    """The how many-th week of each vendor this is, in the row of all seeds."""
    plans = pairs()
    round_, place = divmod(script.seed, len(plans))
    turn = {}
    for vendor in (script.plan.source, script.plan.target):
        with_it = [n for n, plan in enumerate(plans) if vendor in (plan.source, plan.target)]
        turn[vendor] = round_ * len(with_it) + with_it.index(place)
    return turn


def _points(seen: Seen, vendor: str) -> list[tuple[str, str]]:
    names = sorted(name for name in seen.calls if name.partition(":")[0] == vendor)
    return _shuffled([(name, effect) for name in names for effect in EFFECTS])


def _shuffled(points: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same order for the same points, and nearly the same for nearly the same points."""
    return sorted(points, key=lambda p: Random(f"{p[0]}-{p[1]}").random())


def _next(points: Sequence[tuple[str, str]], turn: int, most: int) -> list[tuple[str, str]]:
    return [points[(turn * most + n) % len(points)] for n in range(min(most, len(points)))]


def _trouble(chance: Random, script: Script) -> Ruin:
    what = chance.choice(TROUBLES)
    moment = chance.choice(script.ticks) - 1.0
    at, amount = "", 0.0
    if what in ("token_death", "outage"):
        at = chance.choice((script.plan.source, script.plan.target))
    elif what in ("expired_cursor", "expired_pages"):
        at = chance.choice(script.mailboxes)
    elif what == "clock_jump":
        amount = chance.choice((-3600.0, -120.0, 90.0, 3600.0))
    elif what == "disk_full":
        amount = float(chance.choice((0, 4, 10, 25)))
    return Ruin(what=what, at=at, moment=moment, length=chance.choice((1.0, 5.0, 20.0)) * 3600, amount=amount)


def points_hit(ruin: Sequence[Ruin], struck: Counter[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """The (step or call, effect) points that were really met."""
    return frozenset(point for point, n in struck.items() if n)
