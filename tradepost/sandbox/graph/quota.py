"""Exchange's limits for one app at one mailbox: https://learn.microsoft.com/graph/throttling-limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradepost.sandbox.graph.errors import concurrency, request_rate
from tradepost.sandbox.graph.strictness import Strictness

Key = tuple[str, str]  # app, user id


@dataclass(slots=True)
class Limits:
    """The limits in force. `service_seconds` is how long a call takes to serve, which makes calls overlap; those that
    arrive in one turn of the event loop overlap even without.
    """

    requests: int = 10_000
    window_seconds: int = 600
    concurrent: int = 4
    upload_bytes: int = 150_000_000
    upload_seconds: int = 300
    service_seconds: float = 0.0


@dataclass(slots=True)
class _Window:
    start: datetime
    used: int = 0


@dataclass(slots=True)
class Meter:
    """Counts requests. One that comes too early counts too."""

    strict: Strictness
    limits: Limits = field(default_factory=Limits)
    running: dict[Key, int] = field(default_factory=dict)
    _requests: dict[Key, _Window] = field(default_factory=dict)
    _uploads: dict[Key, _Window] = field(default_factory=dict)

    def enter(self, key: Key) -> None:
        """A request begins to run. Raises 429 when too many do."""
        if self.strict.mailbox_concurrency and self.running.get(key, 0) >= self.limits.concurrent:
            raise concurrency()
        self.running[key] = self.running.get(key, 0) + 1

    def leave(self, key: Key) -> None:
        self.running[key] -= 1

    def charge(self, key: Key, size: int, now: datetime) -> None:
        """Count a request with a body of `size` bytes. Raises 429 with the rest of the window as Retry-After."""
        if not self.strict.mailbox_request_rate:
            return
        limits = self.limits
        _count(self._requests, key, 1, limits.requests, limits.window_seconds, now, "MailboxRequestRate")
        _count(self._uploads, key, size, limits.upload_bytes, limits.upload_seconds, now, "MailboxUpload")


def _count(
    windows: dict[Key, _Window], key: Key, amount: int, limit: int, seconds: int, now: datetime, what: str
) -> None:
    window = windows.get(key)
    if window is None or now >= window.start + timedelta(seconds=seconds):
        window = windows[key] = _Window(now)
    window.used += amount
    if window.used > limit:
        left = (window.start + timedelta(seconds=seconds) - now).total_seconds()
        raise request_rate(max(1, math.ceil(left)), what)
