"""Instants as HubSpot reads and writes them: UTC, milliseconds, no fraction where it is zero."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"-?\d+")


def stamp(at: datetime) -> str:
    """As in every answer, such as 2026-03-02T08:00:00Z or 2026-03-02T08:00:00.250Z."""
    return of_millis(to_millis(at))


def to_millis(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_millis(value: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=value)


@lru_cache(maxsize=65_536)
def of_millis(value: int) -> str:
    at = from_millis(value)
    fraction = f".{value % 1000:03d}" if value % 1000 else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


@lru_cache(maxsize=65_536)
def millis(text: str) -> int | None:
    """Milliseconds of a time in any accepted form; None for anything else."""
    text = text.strip()
    try:
        if _NUMBER.fullmatch(text):
            value = int(text)
            from_millis(value)
            return value
        if _DATE.fullmatch(text):
            return to_millis(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC))
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return to_millis(at if at.tzinfo else at.replace(tzinfo=UTC))


def is_midnight(value: int) -> bool:
    return value % 86_400_000 == 0
