"""The pool of daily requests, counted over a rolling day for the whole org.

https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

_DAY = timedelta(hours=24)
_GRAIN = timedelta(minutes=1)


class DailyRequests:
    """Requests of the last 24 hours. Others' requests are added with `set_used`."""

    def __init__(self) -> None:
        self._spent: deque[tuple[datetime, int]] = deque()  # beginning of a minute, requests in it

    def used(self, now: datetime) -> int:
        while self._spent and self._spent[0][0] <= now - _DAY:
            self._spent.popleft()
        return sum(number for _, number in self._spent)

    def spend(self, now: datetime, number: int = 1) -> None:
        if self._spent and now - self._spent[-1][0] < _GRAIN:
            at, before = self._spent.pop()
            self._spent.append((at, before + number))
        else:
            self._spent.append((now, number))

    def set_used(self, now: datetime, number: int) -> None:
        """As if this many had been made right now."""
        self._spent.clear()
        self._spent.append((now, number))
