"""Where every mail of a provider's own listing is: the sum that proves that nothing is lost. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from math import ceil

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


# ---------------------------------------------------------------------------------------------- which days, and when

FRESH = timedelta(minutes=10)  # the last two days are counted so often
RECENT = timedelta(hours=6)  # and the last week so often
PASS = timedelta(days=3)  # everything else once in this time
BLOCK = 28  # days of one listing of older mail


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A part of a mailbox's time: [since, until)."""

    since: datetime
    until: datetime

    def overlaps(self, other: Window) -> bool:
        return self.since < other.until and other.since < self.until

    @property
    def days(self) -> tuple[date, ...]:
        """The days in UTC that it touches."""
        first = self.since.date()
        last = (self.until - timedelta(microseconds=1)).date()
        return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))

    def halves(self) -> tuple[Window, Window] | None:
        """Two parts that meet at midnight, or None for a part of one day."""
        days = self.days
        if len(days) < 2:
            return None
        middle = midnight(days[len(days) // 2])
        return Window(self.since, middle), Window(middle, self.until)


def midnight(day: date) -> datetime:
    """The beginning of a day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def due(covered: Window, counted: Mapping[date, datetime], now: datetime) -> tuple[Window, ...]:
    """What is to be counted now, newest first: the last days often, the older ones a few blocks at a time.

    Args:
        covered: all that a mailbox is answerable for.
        counted: when each day was counted last.
        now: the moment.
    """
    if covered.since >= covered.until:
        return ()
    today = covered.until.date()
    fresh, recent = midnight(today - timedelta(days=1)), midnight(today - timedelta(days=7))
    found = []
    for window, every in ((_cut(covered, fresh, covered.until), FRESH), (_cut(covered, recent, fresh), RECENT)):
        if window and _age(window, counted, now) >= every:
            found.append(window)
    blocks = _blocks(_cut(covered, covered.since, recent))
    old = [block for block in blocks if _age(block, counted, now) >= PASS]
    old.sort(key=lambda block: (-_age(block, counted, now), block))
    most = ceil(len(blocks) * FRESH / PASS)  # so many a round bring every block round in time
    return (*found, *old[:most])


def _cut(covered: Window, since: datetime, until: datetime) -> Window | None:
    since, until = max(covered.since, since), min(covered.until, until)
    return Window(since, until) if since < until else None


def _blocks(window: Window | None) -> Sequence[Window]:
    """The same blocks on any day, so that their turns do not shift."""
    found = []
    while window is not None:
        first = window.since.date().toordinal()
        end = midnight(date.fromordinal(first - first % BLOCK + BLOCK))
        found.append(Window(window.since, min(end, window.until)))
        window = _cut(window, end, window.until)
    return found


def _age(window: Window, counted: Mapping[date, datetime], now: datetime) -> timedelta:
    """How long ago the least recently counted day was; a day that never was is oldest of all."""
    never = datetime.min.replace(tzinfo=UTC)
    return now - min(counted.get(day, never) for day in window.days)


def by_day(window: Window, received: Mapping[str, datetime | None]) -> dict[date, list[str]]:
    """Ids by the day they came in, within the window; those of unknown time on its first day."""
    found: dict[date, list[str]] = {day: [] for day in window.days}
    first, last = window.days[0], window.days[-1]
    for one, moment in received.items():
        day = min(max(moment.date(), first), last) if moment else first
        found[day].append(one)
    return found
