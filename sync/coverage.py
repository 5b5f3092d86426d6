"""Where every mail of a provider's own listing is: the sum that proves that nothing is lost. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mappings.model import Reason

LEFT_OUT = (Reason.MARKED_PRIVATE,)
"""Reasons for which a source does not read a mail on purpose: it is excluded, not parked."""


class Whereabouts(StrEnum):
    """Where one listed mail is. The order is the order of concern: the first that holds for any target counts."""

    MISSING = "missing"
    PARKED = "parked"
    WAITING = "waiting"
    SYNCED = "synced"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Fate:
    """One mail's whereabouts and the reason, where there is one."""

    where: Whereabouts
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """`listed = synced + excluded + waiting + parked + missing`, with the reasons behind each sum."""

    listed: int
    sums: Mapping[Whereabouts, int]
    reasons: Mapping[Whereabouts, Mapping[str, int]] = field(default_factory=dict)

    def __getitem__(self, where: Whereabouts) -> int:
        return self.sums.get(where, 0)


def fate(by_target: Iterable[Fate]) -> Fate:
    """One mail's whereabouts over all its targets: the most worrying one; excluded only where all exclude it."""
    order = list(Whereabouts)
    return min(by_target, key=lambda f: (order.index(f.where), f.reason), default=Fate(Whereabouts.MISSING))


def delivery(verdict: str, reason: str | None, item_state: str | None, item_reason: str | None) -> Fate:
    """One mail's whereabouts at one target, from its verdict and the state of its log entry."""
    if verdict == "excluded":
        return Fate(Whereabouts.EXCLUDED, reason or "")
    if verdict == "parked":
        return Fate(Whereabouts.PARKED, reason or "")
    if verdict == "waiting":
        return Fate(Whereabouts.WAITING, reason or "")
    if item_state == "done":
        return Fate(Whereabouts.SYNCED)
    if item_state == "parked":
        return Fate(Whereabouts.PARKED, item_reason or "")
    return Fate(Whereabouts.WAITING, Reason.IN_DELIVERY)


def total(listed: Iterable[str], fates: Mapping[str, Fate]) -> Coverage:
    """Sum up a listing (provider ids, once each). An id without a fate is missing."""
    found = [fates.get(i, Fate(Whereabouts.MISSING)) for i in listed]
    reasons: dict[Whereabouts, Counter[str]] = {}
    for one in found:
        if one.reason:
            reasons.setdefault(one.where, Counter())[one.reason] += 1
    sums = Counter(one.where for one in found)
    return Coverage(
        listed=len(found),
        sums={where: sums[where] for where in Whereabouts},
        reasons={where: dict(sorted(reasons[where].items())) for where in Whereabouts if where in reasons},
    )
