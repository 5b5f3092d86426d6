"""What goes wrong in a week: crashes at steps, faults at calls, and the larger troubles of accounts, clock and disk.

Drawn from a seed after the undisturbed run has shown which steps and calls there are, so that every week meets other
points and any row of weeks meets nearly all of them.
"""

from __future__ import annotations

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
RUINS = frozenset({f"fault: {name}" for name in (*EFFECTS, CRASH, LOCKED)} | {f"trouble: {name}" for name in TROUBLES})


def kind_of(at: str, what: str) -> str:
    """The name of what struck there, as `RUINS` has it."""
    return f"trouble: {at}" if what == "trouble" else f"fault: {what}"


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

    @property
    def effect(self) -> Effect:
        """Raises KeyError for what is no fault."""
        return Effect(EFFECTS[self.what].get("effect", self.what))

    def fault(self) -> Fault:
        """The order for the simulated vendors. Raises KeyError for what is no fault."""
        extra, effect = dict(EFFECTS[self.what]), self.effect
        extra.pop("effect", None)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """How much goes wrong in a week: its share of the faults at calls of the CRM and of the mail provider and of the
    steps to die at, where 1 lets 200 weeks meet each of them at least twice; and the number of larger troubles.
    """

    crm: float = 1.0
    mail: float = 1.0
    steps: float = 1.0
    troubles: int = 2


WHOLE = Dose()
ROUNDS = 7  # rounds of all pairs and modes in which every point comes up once
_GOLDEN = 0.381966  # of a round: shifts that never come back to where one was
STEP_WEEKS = 25  # weeks in which every step comes up once


def draw(script: Script, seen: Seen, dose: Dose = WHOLE) -> tuple[Ruin, ...]:
    """The ruin of a seed."""
    chance = Random(f"ruin-{script.seed}")
    found: list[Ruin] = []
    for vendor, share in ((script.plan.target, dose.crm), (script.plan.source, dose.mail)):
        turn, weeks = _turn(script, vendor)
        names = sorted(name for name in seen.calls if name.partition(":")[0] == vendor)
        points = [(name, effect) for name in names for effect in EFFECTS]
        for name, effect in _due(points, turn, share / weeks):
            found.append(Ruin(what=effect, at=name, nth=chance.randint(1, seen.calls[name])))
    steps = [(label, LOCKED if label.endswith(":begin") else CRASH) for label in sorted(seen.labels)]
    for label, what in _due(steps, script.seed, dose.steps / STEP_WEEKS):
        found.append(Ruin(what=what, at=label, nth=chance.randint(1, seen.labels[label])))
    found += [_trouble(chance, script) for _ in range(dose.troubles)]
    return tuple(found)


def _turn(script: Script, vendor: str) -> tuple[int, int]:
    """The how many-th week of a vendor this is in the row of all seeds, and how many of its weeks meet every point."""
    plans = pairs()
    round_, place = divmod(script.seed, len(plans))
    having = [n for n, plan in enumerate(plans) if vendor in (plan.source, plan.target)]
    return round_ * len(having) + having.index(place), len(having) * ROUNDS


def _due(points: Sequence[tuple[str, str]], turn: int, width: float) -> list[tuple[str, str]]:
    """The points whose turn it is: each has a place of its own on a circle, and a turn is a step around it.

    Every round begins elsewhere, so that one pair of vendors does not meet the same points for ever.
    """
    at = (turn * width + int(turn * width) * _GOLDEN) % 1.0
    return [p for p in points if (Random(f"{p[0]}-{p[1]}").random() - at) % 1.0 < width]


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
