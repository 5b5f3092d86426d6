"""Working time: when people are at work, in their zone, with holidays. Pure: every moment is handed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

Span = tuple[time, time]

_FARTHEST = 400  # days looked ahead for working time, so that a calendar without any ends the search

_OFFICE: tuple[Span, ...] = ((time(9), time(18)),)
OFFICE_WEEK: tuple[tuple[Span, ...], ...] = (_OFFICE,) * 5 + ((), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When a company works.

    Attributes:
        zone: name of the time zone, such as ``Asia/Shanghai``.
        week: working spans of Monday to Sunday in local time, in order; an end of `time.max` is midnight.
        public: country of the public holidays that are off (``CN``, or with a part ``DE-BY``), or empty for none.
        days_off: further days on which nobody works.
        work_days: days worked with Monday's hours though they are a weekend or holiday.
    """

    zone: str = "UTC"
    week: tuple[tuple[Span, ...], ...] = OFFICE_WEEK
    public: str = ""
    days_off: frozenset[date] = frozenset()
    work_days: frozenset[date] = frozenset()
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _public: holidays.HolidayBase | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zone", ZoneInfo(self.zone))
        country, _, part = self.public.partition("-")
        table = holidays.country_holidays(country, subdiv=part or None) if country else None
        object.__setattr__(self, "_public", table)

    # ------------------------------------------------------------------------------------------------------------- days

    def local(self, moment: datetime) -> datetime:
        """The moment on the company's clock."""
        return moment.astimezone(self._zone)

    def day(self, moment: datetime) -> date:
        """The day it is at the company."""
        return self.local(moment).date()

    def begins(self, day: date) -> datetime:
        """Midnight at the beginning of a day here, in UTC."""
        return self._utc(day, time())

    def hours(self, day: date) -> tuple[Span, ...]:
        """The working spans of a day, in local time."""
        usual = self.week[day.weekday()]
        if day in self.days_off:
            return ()
        if day in self.work_days:
            return usual or self._monday
        if self._public is not None:
            if day in self._public:
                return ()
            if day in getattr(
                self._public, "weekend_workdays", ()
            ):  # China's make-up days, known once a year is loaded
                return usual or self._monday
        return usual

    def is_working_day(self, day: date) -> bool:
        return bool(self.hours(day))

    @property
    def _monday(self) -> tuple[Span, ...]:
        return next((spans for spans in self.week if spans), ())

    # ------------------------------------------------------------------------------------------------------------- time

    def _spans(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The working spans from the moment's day on, in UTC, whatever the clocks do in between."""
        first = self.day(moment)
        for ahead in range(_FARTHEST):
            day = first + timedelta(days=ahead)
            for begin, end in self.hours(day):
                yield self._utc(day, begin), self._utc(day, end)

    def _utc(self, day: date, at: time) -> datetime:
        if at == time.max:
            day, at = day + timedelta(days=1), time()
        return datetime.combine(day, at, self._zone).astimezone(UTC)

    def next_working(self, moment: datetime) -> datetime:
        """The moment itself when somebody is at work then, else the next beginning of work."""
        for begin, end in self._spans(moment):
            if moment < end:
                return max(moment, begin).astimezone(UTC)
        return moment.astimezone(UTC)

    def add_working(self, moment: datetime, duration: timedelta) -> datetime:
        """The moment by which `duration` of working time has passed; time when nobody works does not count."""
        left = duration
        for begin, end in self._spans(moment):
            start = max(moment, begin)
            if start >= end:
                continue
            if left <= end - start:
                return (start + left).astimezone(UTC)
            left -= end - start
        return (moment + duration).astimezone(UTC)

    def add_working_days(self, day: date, days: int) -> date:
        """The `days`-th working day after a day."""
        left = days
        for ahead in range(1, _FARTHEST * max(days, 1)):
            left -= self.is_working_day(day + timedelta(days=ahead))
            if left <= 0:
                return day + timedelta(days=ahead)
        return day + timedelta(days=days)


def calendar(
    zone: str,
    week: Sequence[Sequence[Span]] = OFFICE_WEEK,
    public: str | None = None,
    days_off: Iterable[date] = (),
    work_days: Iterable[date] = (),
) -> Calendar:
    """A calendar of what a configuration says; raises ValueError for an unknown zone or country."""
    try:
        return Calendar(
            zone=zone,
            week=tuple(tuple(spans) for spans in week),
            public=public or "",
            days_off=frozenset(days_off),
            work_days=frozenset(work_days),
        )
    except (KeyError, NotImplementedError) as error:
        raise ValueError(str(error)) from error
