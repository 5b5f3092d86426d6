"""What is worth an alarm, and what is not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from mappings.calendar import calendar
from sync.alarms import (
    AlarmKind,
    Credential,
    LaneLook,
    Limits,
    Look,
    MailboxLook,
    TargetLook,
    alarms,
    is_silent,
    silence,
    weeks_before,
)
from sync.coverage import BLOCK, FRESH, PASS, Window, due, midnight
from sync.patience import WAITS, next_resync

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFICE = calendar("UTC")


def kinds(**look):
    return [alarm.kind for alarm in alarms(Look(now=NOW, **look), Limits())]


@pytest.mark.parametrize(
    ("look", "kind"),
    [
        ({"mailboxes": [MailboxLook(name="a", missing=[(date(2026, 3, 1), 1)])]}, AlarmKind.MISSING),
        ({"mailboxes": [MailboxLook(name="a", cursor_at=NOW - 7 * HOUR)]}, AlarmKind.CURSOR_OLD),
        ({"mailboxes": [MailboxLook(name="a", resynced=[NOW - n * HOUR for n in (1, 2, 3)])]}, AlarmKind.RESYNCS),
        ({"mailboxes": [MailboxLook(name="a", silent_since=NOW - HOUR, usual=(9, 8, 7))]}, AlarmKind.SILENT),
        ({"mailboxes": [MailboxLook(name="a", parked=10)]}, AlarmKind.PARKED),
        ({"lanes": [LaneLook("target:crm", "paused", "AuthFailed")]}, AlarmKind.LANE_PAUSED),
        ({"lanes": [LaneLook("target:crm", "waiting", "", NOW - 3 * HOUR)]}, AlarmKind.LANE_WAITING),
        ({"targets": [TargetLook(name="crm", paused_kinds={"log_email": "lookup"})]}, AlarmKind.KIND_PAUSED),
        ({"targets": [TargetLook(name="crm", parked=12)]}, AlarmKind.PARKED),
        ({"credentials": [Credential("google", NOW + 29 * DAY)]}, AlarmKind.CREDENTIAL),
    ],
)
def test_each_trouble_has_its_alarm(look, kind):
    assert kinds(**look) == [kind]


@pytest.mark.parametrize(
    "look",
    [
        {"mailboxes": [MailboxLook(name="a", cursor_at=NOW - 5 * HOUR)]},
        {"mailboxes": [MailboxLook(name="a", resynced=[NOW - n * HOUR for n in (1, 2, 25)])]},
        {"mailboxes": [MailboxLook(name="a", silent_since=NOW - HOUR, usual=(9, 7, 7))]},
        {"mailboxes": [MailboxLook(name="a", silent_since=NOW - HOUR, usual=(90, 90))]},
        {"mailboxes": [MailboxLook(name="a", parked=9)]},
        {"lanes": [LaneLook("target:crm", "waiting", "", NOW - HOUR), LaneLook("mail:a", "running")]},
        {"targets": [TargetLook(name="crm", parked=9)]},
        {"credentials": [Credential("google", NOW + 31 * DAY)]},
    ],
)
def test_what_is_ordinary_has_none(look):
    assert kinds(**look) == []


def test_an_alarm_keeps_its_name_while_its_numbers_change():
    (one,) = alarms(Look(now=NOW, mailboxes=[MailboxLook(name="a", missing=[(date(2026, 3, 1), 1)])]), Limits())
    (more,) = alarms(Look(now=NOW, mailboxes=[MailboxLook(name="a", missing=[(date(2026, 3, 2), 5)])]), Limits())
    assert one.name == more.name
    assert one.facts != more.facts


def test_silence_counts_from_the_last_mail_and_not_over_days_off():
    assert silence(NOW - 3 * HOUR, NOW - 90 * DAY, NOW, OFFICE) == Window(NOW - 3 * HOUR, NOW)
    monday = midnight(date(2026, 3, 2))
    assert silence(NOW - 6 * DAY, NOW - 90 * DAY, NOW, OFFICE) == Window(monday, NOW)
    saturday = datetime(2026, 3, 7, 12, tzinfo=UTC)
    assert silence(NOW, NOW - 90 * DAY, saturday, OFFICE) is None


def test_the_first_day_after_a_holiday_is_measured_by_itself():
    off = [date(2026, 3, 2), date(2026, 3, 3)]
    found = silence(NOW - 10 * DAY, NOW - 90 * DAY, NOW, calendar("UTC", days_off=off))
    assert found == Window(midnight(date(2026, 3, 4)), NOW)


def test_habits_come_from_the_same_hours_of_other_weeks_that_are_known():
    silent = Window(NOW - 2 * HOUR, NOW)
    found = weeks_before(silent, NOW - 25 * DAY)
    assert [w.since for w in found] == [silent.since - n * 7 * DAY for n in (1, 2, 3)]
    assert weeks_before(silent, None) == ()


def test_one_odd_week_decides_nothing():
    assert is_silent((20, 20, 0, 20), 8)
    assert not is_silent((3, 2, 200, 3), 8)


def test_every_day_is_counted_within_a_pass_and_the_cost_of_a_round_is_bounded():
    covered = Window(NOW - 800 * DAY, NOW)
    counted: dict[date, datetime] = {}
    most, now = 0, NOW
    listings = 0
    while now < NOW + 2 * PASS:
        windows = due(Window(covered.since, now), counted, now)
        most = max(most, len(windows))
        listings += len(windows)
        for window in windows:
            assert len(window.days) <= BLOCK
            counted |= dict.fromkeys(window.days, now)
        now += FRESH
    oldest = min(counted[day] for day in covered.days)
    assert now - oldest <= PASS + FRESH
    assert most <= 4
    assert listings <= 2 * (PASS / FRESH) + 2 * 40 + 2 * 14  # the fresh ones, the old blocks, the week


def test_the_last_days_are_counted_often():
    covered = Window(NOW - 40 * DAY, NOW)
    counted = dict.fromkeys(covered.days, NOW - FRESH)
    (fresh,) = due(covered, counted, NOW)
    assert fresh.days == (date(2026, 3, 3), date(2026, 3, 4))
    assert due(covered, dict.fromkeys(covered.days, NOW - FRESH / 2), NOW) == ()


def test_a_lost_position_is_taken_up_anew_with_growing_waits_and_a_bounded_number_a_day():
    times: list[datetime] = []
    now = NOW
    while now < NOW + 3 * DAY:
        allowed = next_resync(times, now)
        if allowed is None or allowed <= now:
            times.append(now)
        now += timedelta(minutes=1)
    day_one = [moment for moment in times if moment < NOW + DAY]
    assert len(day_one) == len(WAITS)
    waits = [b - a for a, b in pairwise(day_one)]
    assert waits == sorted(waits)
    assert all(len([t for t in times if t <= u < t + DAY]) <= len(WAITS) for u in times)
