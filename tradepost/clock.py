"""The machine's own clock; the one place that reads it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """`connectors.base.services.Clock` on the wall clock and the running loop."""

    def now(self) -> datetime:
        """The time of day: aware, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one reader behind the injected clock

    def monotonic(self) -> float:
        """Seconds that never go backwards, from an arbitrary origin."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running loop; zero or less lets others run once."""
        await asyncio.sleep(max(0.0, seconds))
