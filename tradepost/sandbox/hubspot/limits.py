"""The pools of requests.

https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tradepost.sandbox.hubspot.errors import rate_limited
from tradepost.sandbox.hubspot.state import PortalState

TEN_SECONDLY = {"free": 100, "starter": 100, "professional": 190, "enterprise": 190}
WITH_INCREASE = 250
OAUTH_TEN_SECONDLY = 110
DAILY = {"free": 250_000, "starter": 250_000, "professional": 625_000, "enterprise": 1_000_000}
PER_INCREASE = 1_000_000
SEARCHES_A_SECOND = 5
WINDOW = timedelta(seconds=10)


@dataclass(slots=True)
class Pools:
    """What was used. A refused call uses nothing."""

    state: PortalState
    bursts: dict[str, deque[datetime]] = field(default_factory=dict)  # by app
    searches: deque[datetime] = field(default_factory=deque)
    daily_override: int | None = None
    burst_override: int | None = None
    _day: date | None = None
    _used_today: int = 0

    @property
    def daily(self) -> int:
        settings = self.state.settings
        return self.daily_override or DAILY[settings.tier] + settings.increases * PER_INCREASE

    def ten_secondly(self, *, oauth: bool) -> int:
        if self.burst_override is not None:
            return self.burst_override
        if oauth:
            return OAUTH_TEN_SECONDLY
        return WITH_INCREASE if self.state.settings.increases else TEN_SECONDLY[self.state.settings.tier]

    def used_today(self) -> int:
        zone = self.state.settings.zone if self.state.strict.daily_pool_resets_at_account_midnight else None
        today = self.state.now().astimezone(zone).date() if zone else self.state.now().date()
        if self._day != today:
            self._day, self._used_today = today, 0
        return self._used_today

    def set_used_today(self, used: int) -> None:
        self.used_today()
        self._used_today = used

    def resets_at(self) -> datetime:
        """The next midnight of the account, in UTC."""
        local = self.state.now().astimezone(self.state.settings.zone)
        return (local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)).astimezone(
            self.state.now().tzinfo
        )

    def take(self, app: str, *, oauth: bool, search: bool) -> None:
        """Count a call. Raises 429."""
        now = self.state.now()
        if not oauth and self.state.strict.daily_pool and self.used_today() >= self.daily:
            raise rate_limited("DAILY", self.state.uuid())
        if search:
            self._take(self.searches, now, timedelta(seconds=1), SEARCHES_A_SECOND, "SECONDLY")
        else:
            burst = self.bursts.setdefault(app, deque())
            self._take(burst, now, WINDOW, self.ten_secondly(oauth=oauth), "TEN_SECONDLY_ROLLING")
        self.used_today()
        self._used_today += not oauth

    def _take(self, calls: deque[datetime], now: datetime, window: timedelta, most: int, policy: str) -> None:
        while calls and calls[0] <= now - window:
            calls.popleft()
        strict = self.state.strict
        kept = strict.search_pool if policy == "SECONDLY" else strict.ten_second_pool
        if len(calls) >= most and kept:
            raise rate_limited(policy)
        calls.append(now)

    def headers(self, app: str, *, oauth: bool) -> dict[str, str]:
        """As on every answer but a search's; the daily pair is not told to OAuth apps."""
        most = self.ten_secondly(oauth=oauth)
        used = len(self.bursts.get(app, ()))
        found = {
            "X-HubSpot-RateLimit-Max": str(most),
            "X-HubSpot-RateLimit-Remaining": str(max(0, most - used)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Secondly": str(most // 10),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(max(0, most - used) // 10),
        }
        if not oauth:
            found["X-HubSpot-RateLimit-Daily"] = str(self.daily)
            found["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, self.daily - self.used_today()))
        return found
