"""What calls cost and how much of it a minute and a day hold.

Numbers: https://developers.google.com/workspace/gmail/api/reference/quota (state of May 2026).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from tradepost.sandbox.gmail.errors import daily_limit, quota_exceeded, too_many_concurrent
from tradepost.sandbox.gmail.strictness import Strictness

UNITS = {
    "users.getProfile": 1,
    "users.stop": 50,
    "users.watch": 100,
    "users.drafts.create": 10,
    "users.drafts.delete": 10,
    "users.drafts.get": 20,
    "users.drafts.list": 5,
    "users.drafts.send": 100,
    "users.drafts.update": 15,
    "users.history.list": 2,
    "users.labels.create": 5,
    "users.labels.delete": 5,
    "users.labels.get": 1,
    "users.labels.patch": 5,
    "users.labels.update": 5,
    "users.labels.list": 1,
    "users.messages.attachments.get": 20,
    "users.messages.batchDelete": 50,
    "users.messages.batchModify": 50,
    "users.messages.delete": 10,
    "users.messages.get": 20,
    "users.messages.import": 25,
    "users.messages.insert": 25,
    "users.messages.list": 5,
    "users.messages.modify": 5,
    "users.messages.send": 100,
    "users.messages.trash": 20,
    "users.messages.untrash": 20,
    "users.settings.sendAs.get": 1,
    "users.settings.sendAs.list": 1,
    "users.settings.sendAs.create": 100,
    "users.settings.sendAs.delete": 5,
    "users.settings.sendAs.patch": 100,
    "users.settings.sendAs.update": 100,
    "users.settings.sendAs.verify": 100,
    "users.settings.filters.create": 5,
    "users.settings.filters.delete": 5,
    "users.settings.updateVacation": 5,
    "users.settings.updateImap": 5,
    "users.settings.updatePop": 100,
    "users.settings.updateAutoForwarding": 5,
    "users.settings.forwardingAddresses.create": 100,
    "users.settings.forwardingAddresses.delete": 5,
    "users.settings.delegates.create": 100,
    "users.settings.delegates.delete": 5,
    "users.threads.get": 40,
    "users.threads.list": 10,
}

_DAY_ZONE = ZoneInfo("America/Los_Angeles")  # Google's days end at midnight there


@dataclass(slots=True)
class Limits:
    """The quotas in force. `status` is the HTTP status of a minute limit: Google answers 403 or 429.

    `concurrent` requests of one user run at a time; of a batch's further parts some are refused. `service_seconds` is
    how long a call takes to serve, which is what makes calls overlap at all.
    """

    user_per_minute: int = 6_000
    project_per_minute: int = 1_200_000
    project_per_day: int = 80_000_000
    concurrent: int = 25
    service_seconds: float = 0.0
    status: Literal[403, 429] = 403


@dataclass(slots=True)
class Window:
    used: int = 0
    name: str = ""

    def room(self, name: str, units: int, limit: int) -> bool:
        """Whether `units` more fit into the window called `name`; another name is a new window."""
        if self.name != name:
            self.name, self.used = name, 0
        return self.used + units <= limit


@dataclass(slots=True)
class Meter:
    """Counts units. A refused call costs nothing."""

    project: str
    limits: Limits = field(default_factory=Limits)
    strictness: Strictness = field(default_factory=Strictness)
    users: dict[str, Window] = field(default_factory=dict)
    minute: Window = field(default_factory=Window)
    day: Window = field(default_factory=Window)
    running: dict[str, int] = field(default_factory=dict)

    def charge(self, user: str, method: str, now: datetime) -> None:
        """Take the units of a call. Raises the documented 403 or 429."""
        keeps = self.strictness
        units = UNITS.get(method.removeprefix("gmail."), 1) if keeps.unit_costs else 1
        minute = f"{now:%Y-%m-%dT%H:%M}"
        own = self.users.setdefault(user, Window())
        today = f"{now.astimezone(_DAY_ZONE):%Y-%m-%d}"
        if not self.day.room(today, units, self.limits.project_per_day) and keeps.daily_quota:
            raise daily_limit()
        if not self.minute.room(minute, units, self.limits.project_per_minute) and keeps.project_quota:
            raise quota_exceeded("Queries per minute", self.project, self.limits.status)
        if not own.room(minute, units, self.limits.user_per_minute) and keeps.user_quota:
            raise quota_exceeded("Queries per minute per user", self.project, self.limits.status)
        for window in (self.day, self.minute, own):
            window.used += units

    def enter(self, user: str) -> None:
        """A call of the user begins to run. Raises 429 when too many do."""
        if self.running.get(user, 0) >= self.limits.concurrent and self.strictness.concurrency:
            raise too_many_concurrent()
        self.running[user] = self.running.get(user, 0) + 1

    def leave(self, user: str) -> None:
        self.running[user] -= 1
