"""The value types of the configuration: what a person may write, and what it becomes.

A refusal is a `PydanticCustomError` whose type is a name under `config.` of the message catalogue; it never holds the
value that was refused.
"""

from __future__ import annotations

import re
from datetime import time
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, LiteralString
from zoneinfo import ZoneInfo, available_timezones

import holidays
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from mappings.domains import host, is_freemail

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_LOCAL = re.compile(r"[^@\s<>()\[\],;:\"\\]{1,64}")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")

Span = tuple[time, time]


def refusal(name: LiteralString, **values: Any) -> PydanticCustomError:
    """The refusal that is told by `config.<name>.what` and `.mend`."""
    return PydanticCustomError(name, "refused", values or None)


def closest(word: str, choices: list[str]) -> str:
    """The choice that was probably meant, or an empty text."""
    return next(iter(get_close_matches(word.lower(), choices, n=1, cutoff=0.6)), "")


def _email(text: str) -> str:
    local, at, domain = text.strip().lower().rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or not _is_domain(domain):
        raise refusal("not_email")
    return f"{local}@{domain if domain.isascii() else host(domain)}"


def _own_domain(text: str) -> str:
    domain = text.strip().removeprefix("@")
    if not _is_domain(domain):
        raise refusal("not_domain")
    if is_freemail(host(domain)):
        raise refusal("freemail_domain")
    return host(domain)


def _is_domain(text: str) -> bool:
    """A bare domain; `host` takes web addresses too, which are a slip here."""
    return bool(host(text)) and not set(text) & set("/:@?#")


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder's name gives an OSError
        raise refusal("not_zone", suggestion=_zone_suggestion(text)) from None


def _zone_suggestion(text: str) -> str:
    zones = {zone.lower(): zone for zone in available_timezones()}
    cities = {low.rsplit("/", 1)[-1]: zone for low, zone in sorted(zones.items())}
    city = text.lower().replace(" ", "_").rsplit("/", 1)[-1]
    return zones.get(closest(text, list(zones))) or cities.get(closest(city, list(cities))) or "Asia/Shanghai"


@cache
def _countries() -> dict[str, list[str]]:
    return {code: [*subdivisions] for code, subdivisions in holidays.list_supported_countries().items()}


def _holidays(text: str) -> str:
    country, _, part = text.strip().upper().partition("-")
    if country not in _countries():
        raise refusal("not_holidays")
    if part and part not in _countries()[country]:
        raise refusal("not_holidays_part", country=country, choices=", ".join(_countries()[country]) or "-")
    return f"{country}-{part}" if part else country


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise refusal("not_name")
    return text


def _days(text: str) -> list[str]:
    """`mon-fri`, `sat`, `mon,wed` to days."""
    days: list[str] = []
    for part in text.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        last = last or first
        if first not in DAYS or last not in DAYS or DAYS.index(first) > DAYS.index(last):
            raise refusal("not_days")
        days += DAYS[DAYS.index(first) : DAYS.index(last) + 1]
    return days


def _spans(text: str) -> list[Span]:
    """`09:00-12:00, 13:30-18:00` to spans in order."""
    spans = []
    for part in text.split(","):
        found = _SPAN.fullmatch(part.strip())
        if not found:
            raise refusal("not_hours")
        spans.append((_clock_time(found[1], found[2]), _clock_time(found[3], found[4])))
    ordered = [moment for span in spans for moment in span]
    if any(a >= b for a, b in pairwise(ordered)):
        raise refusal("hours_order")
    return spans


def _clock_time(hours: str, minutes: str) -> time:
    if (hours, minutes) == ("24", "00"):
        return time(23, 59, 59, 999999)
    try:
        return time(int(hours), int(minutes))
    except ValueError:
        raise refusal("not_hours") from None


def _hours(written: dict[str, str]) -> dict[str, str]:
    seen: set[str] = set()
    for days, spans in written.items():
        named = _days(days)
        if seen & set(named):
            raise refusal("days_twice")
        seen.update(named)
        if spans.strip().lower() not in {"off", "closed"}:
            _spans(spans)
    return written


def week(written: dict[str, str]) -> tuple[tuple[Span, ...], ...]:
    """Working spans of Monday to Sunday, in local time, from checked `hours`."""
    result: list[tuple[Span, ...]] = [()] * 7
    for days, spans in written.items():
        for day in _days(days):
            result[DAYS.index(day)] = () if spans.strip().lower() in {"off", "closed"} else tuple(_spans(spans))
    return tuple(result)


def _switch(value: object) -> object:
    """`true` and `false` are what YAML 1.1 makes of on and off, and what people write."""
    return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value


def _file(path: Path) -> Path:
    return path.expanduser()


Email = Annotated[str, AfterValidator(_email)]
OwnDomain = Annotated[str, AfterValidator(_own_domain)]
Zone = Annotated[str, AfterValidator(_zone)]
HolidayCode = Annotated[str, AfterValidator(_holidays)]
Name = Annotated[str, AfterValidator(_name)]
Hours = Annotated[dict[str, str], AfterValidator(_hours)]
FilePath = Annotated[Path, AfterValidator(_file)]
Switch = BeforeValidator(_switch)
