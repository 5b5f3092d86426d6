"""A vendor's pool of calls: how much of it is used, and the part that is left to the customer's other programs."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.base.services import Clock, Log

LOOK_AGAIN = timedelta(minutes=15)


class Pool:
    """What the answers tell of one account's pool. `reserve` is the share left alone, `event` the name in the log."""

    def __init__(self, clock: Clock, log: Log, reserve: float, event: str) -> None:
        self.usage = 0.0  # the share in use, by everybody; 0 before the vendor tells any
        self.told_at: datetime | None = None
        self._clock = clock
        self._log = log
        self._reserve = reserve
        self._event = event

    def tell(self, operation: str, usage: float) -> None:
        """Take what an answer tells."""
        self._say(operation, usage)
        self.usage, self.told_at = usage, self._clock.now()

    def forget(self) -> None:
        """Nothing is told any more, so that as good as nothing is used."""
        self._say("", 0.0)
        self.usage, self.told_at = 0.0, None

    def _say(self, operation: str, usage: float) -> None:
        if int(usage * 100) != int(self.usage * 100):
            self._log.info(self._event, operation=operation, percent=int(usage * 100))

    def closed_until(self) -> datetime | None:
        """When to ask again where only the reserve is left; None while calls may be made."""
        if self.told_at is None or self.usage < 1 - self._reserve:
            return None
        again = self.told_at + LOOK_AGAIN
        return again if self._clock.now() < again else None
