"""How often a mailbox may be listed anew because its position was lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

DAY = timedelta(days=1)
WAITS = (timedelta(0), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=4))
"""Since the last time, before the first, second, third and fourth of a day; a fifth waits for the next day."""

MANY = 3  # so many a day are worth an alarm


def next_resync(times: Sequence[datetime], now: datetime) -> datetime | None:
    """When a new start is allowed, by those of the last day; None for "at once"."""
    recent = sorted(moment for moment in times if now - moment < DAY)
    if not recent:
        return None
    if len(recent) >= len(WAITS):
        return recent[-len(WAITS)] + DAY
    return recent[-1] + WAITS[len(recent)]
