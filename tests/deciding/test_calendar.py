"""Working time across evenings, weekends, holidays, make-up days and changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.calendar import Calendar, calendar

OFFICE = Calendar()
SHANGHAI = calendar("Asia/Shanghai", public="CN")
BERLIN = calendar("Europe/Berlin", public="DE-BY")
LUNCH = ((time(9), time(12)), (time(13, 30), time(18)))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arrived", "due"),
    [
        (utc(2026, 3, 2, 10), utc(2026, 3, 2, 12)),  # Monday morning
        (utc(2026, 3, 2, 16), utc(2026, 3, 2, 18)),  # to the very end of the day
        (utc(2026, 3, 2, 17), utc(2026, 3, 3, 10)),  # over night
        (utc(2026, 3, 6, 17, 30), utc(2026, 3, 9, 10, 30)),  # Friday evening
        (utc(2026, 3, 7, 12), utc(2026, 3, 9, 11)),  # Saturday
        (utc(2026, 3, 2, 3), utc(2026, 3, 2, 11)),  # before work
        (utc(2026, 3, 2, 18), utc(2026, 3, 3, 11)),  # the moment work ends
    ],
)
def test_two_working_hours(arrived, due):
    assert OFFICE.add_working(arrived, timedelta(hours=2)) == due


def test_a_moment_out_of_hours_moves_to_the_next_beginning_of_work():
    assert OFFICE.next_working(utc(2026, 3, 6, 20)) == utc(2026, 3, 9, 9)
    assert OFFICE.next_working(utc(2026, 3, 6, 18)) == utc(2026, 3, 9, 9)
    assert OFFICE.next_working(utc(2026, 3, 6, 17, 59)) == utc(2026, 3, 6, 17, 59)
    assert OFFICE.next_working(utc(2026, 3, 6, 9)) == utc(2026, 3, 6, 9)


def test_hours_are_meant_in_the_companys_zone():
    assert SHANGHAI.next_working(utc(2026, 3, 2, 12)) == utc(2026, 3, 3, 1)  # 20:00 to 09:00 there
    assert SHANGHAI.day(utc(2026, 3, 2, 17)) == date(2026, 3, 3)


def test_spring_festival_is_off_and_its_make_up_saturday_is_worked():
    assert not SHANGHAI.is_working_day(date(2026, 2, 17))
    assert SHANGHAI.is_working_day(date(2026, 2, 28))
    assert not SHANGHAI.is_working_day(date(2026, 3, 7))
    before = utc(2026, 2, 14, 9, 30)  # 17:30 on a make-up Saturday, the last day before the festival
    assert SHANGHAI.add_working(before, timedelta(hours=2)) == utc(2026, 2, 24, 2, 30)


def test_a_regions_own_holiday_counts_there_only():
    epiphany = date(2026, 1, 6)
    assert not BERLIN.is_working_day(epiphany)
    assert calendar("Europe/Berlin", public="DE-HH").is_working_day(epiphany)


def test_a_companys_own_days_go_before_everything():
    off, work = date(2026, 3, 4), date(2026, 3, 8)
    own = calendar("UTC", public="CN", days_off=[off], work_days=[work, date(2026, 2, 17)])
    assert not own.is_working_day(off)
    assert own.is_working_day(work)
    assert own.is_working_day(date(2026, 2, 17))
    assert own.next_working(utc(2026, 3, 7, 12)) == utc(2026, 3, 8, 9)


def test_the_lunch_break_does_not_count():
    split = calendar("UTC", week=(LUNCH,) * 5 + ((), ()))
    assert split.add_working(utc(2026, 3, 2, 11), timedelta(hours=2)) == utc(2026, 3, 2, 14, 30)


@pytest.mark.parametrize(
    ("sunday", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)],  # the clocks go forward; back
)
def test_a_day_on_which_the_clocks_change_has_its_true_length(sunday, hours):
    always = calendar("Europe/Berlin", week=(((time(0), time.max),),) * 7)
    midnight = datetime.combine(sunday, time(), always.local(utc(2026, 1, 1)).tzinfo).astimezone(UTC)
    end = always.add_working(midnight, timedelta(hours=hours))
    assert always.local(end).date() == sunday + timedelta(days=1)
    assert always.local(end).time() == time(0)


def test_work_begins_at_nine_on_the_clock_before_and_after_the_change():
    zone = calendar("Europe/Berlin")
    assert zone.next_working(utc(2026, 3, 27, 20)) == utc(2026, 3, 30, 7)  # Monday 09:00 summer time
    assert zone.next_working(utc(2026, 3, 26, 20)) == utc(2026, 3, 27, 8)


def test_working_days_are_counted_over_weekends_and_holidays():
    assert OFFICE.add_working_days(date(2026, 3, 6), 1) == date(2026, 3, 9)
    assert SHANGHAI.add_working_days(date(2026, 2, 13), 2) == date(2026, 2, 24)


def test_a_calendar_without_any_work_ends_the_search():
    never = calendar("UTC", week=((),) * 7)
    assert never.next_working(utc(2026, 3, 2)) == utc(2026, 3, 2)
    assert never.add_working(utc(2026, 3, 2), timedelta(hours=2)) == utc(2026, 3, 2, 2)
    assert never.add_working_days(date(2026, 3, 2), 3) == date(2026, 3, 5)


def test_unknown_zones_and_countries_are_refused():
    with pytest.raises(ValueError):
        calendar("Mars/Olympus")
    with pytest.raises(ValueError):
        calendar("UTC", public="XX")


moments = st.integers(0, 365 * 24 * 60).map(lambda minutes: utc(2026, 1, 1) + timedelta(minutes=minutes))


@given(moments, st.integers(1, 40 * 60), st.integers(1, 40 * 60))
def test_more_work_or_a_later_start_is_never_due_earlier(start, minutes, more):
    first = BERLIN.add_working(start, timedelta(minutes=minutes))
    assert first > start
    assert BERLIN.add_working(start, timedelta(minutes=minutes + more)) > first
    assert BERLIN.add_working(start + timedelta(minutes=more), timedelta(minutes=minutes)) >= first


@given(moments)
def test_the_next_working_moment_is_one(start):
    found = SHANGHAI.next_working(start)
    assert found >= start
    assert SHANGHAI.next_working(found) == found
    assert SHANGHAI.is_working_day(SHANGHAI.day(found))
