"""Credits of a rolling day, and calls in flight.

https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

_DAY = timedelta(hours=24)
_GRAIN = timedelta(minutes=1)
SUB_CONCURRENCY = 10


@dataclass(frozen=True, slots=True)
class Edition:
    """Credits: `base` and `each` user's, at most `cap` (0: no cap). `concurrent` calls of one app."""

    base: int
    each: int
    cap: int
    concurrent: int

    def credits(self, users: int) -> int:
        found = self.base + self.each * users
        return min(found, self.cap) if self.cap else found


EDITIONS = {
    "free": Edition(5_000, 0, 5_000, 5),
    "standard": Edition(50_000, 250, 100_000, 10),
    "professional": Edition(50_000, 500, 3_000_000, 15),
    "enterprise": Edition(50_000, 1_000, 5_000_000, 20),
    "ultimate": Edition(50_000, 2_000, 0, 25),
}


class Ledger:
    """Credits of the last 24 hours."""

    def __init__(self) -> None:
        self._spent: deque[tuple[datetime, int]] = deque()  # beginning of a minute, credits in it
        self._total = 0

    def used(self, now: datetime) -> int:
        while self._spent and self._spent[0][0] <= now - _DAY:
            self._total -= self._spent.popleft()[1]
        return self._total

    def spend(self, now: datetime, number: int) -> None:
        self._total += number
        if self._spent and now - self._spent[-1][0] < _GRAIN:
            at, before = self._spent.pop()
            self._spent.append((at, before + number))
        else:
            self._spent.append((now, number))

    def set_used(self, now: datetime, number: int) -> None:
        """As if this many had been spent right now."""
        self._spent.clear()
        self._total = 0
        self.spend(now, number)


@dataclass(slots=True)
class Flight:
    """Calls that are being answered, and the heavy ones among them."""

    calls: int = 0
    heavy: int = 0
