"""When a person must know: rules over what the state shows now. Pure.

A rule says what is wrong at this moment; whether that was told already is the business of `sync.store.alarms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median

from mappings.calendar import Calendar
from sync.coverage import Window
from sync.patience import DAY, MANY

WEEK = timedelta(days=7)
WEEKS = 6  # that a mailbox's habits are taken from
FEWEST_WEEKS = 3

FINE_FOR = timedelta(minutes=5)
"""An alarm clears when its cause has been away for so long, so that one that comes and goes is told once."""


class AlarmKind(StrEnum):
    MISSING = "missing"
    CURSOR_OLD = "cursor_old"
    RESYNCS = "resyncs"
    SILENT = "silent"
    CREDENTIAL = "credential"
    LANE_PAUSED = "lane_paused"
    LANE_WAITING = "lane_waiting"
    KIND_PAUSED = "kind_paused"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong now, with a mailbox, a lane or a connection; `facts` are words for the sentence."""

    kind: AlarmKind
    subject: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> tuple[AlarmKind, str]:
        """The same for the same trouble, whatever its facts."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on something is worth an alarm."""

    cursor_age: timedelta = timedelta(hours=6)
    lane_waiting: timedelta = timedelta(hours=2)
    parked_a_day: int = 10
    silence_floor: int = 8
    credential: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxLook:
    """One mailbox now. `missing` are (day, mails); `traffic` what came in during the silence, and in other weeks."""

    name: str
    missing: Sequence[tuple[date, int]] = ()
    cursor_at: datetime | None = None
    resynced: Sequence[datetime] = ()
    silent_since: datetime | None = None
    usual: Sequence[int] = ()
    parked: int = 0


@dataclass(frozen=True, slots=True)
class LaneLook:
    """One lane now; `trouble_since` is when it last went well."""

    name: str
    state: str
    code: str = ""
    trouble_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLook:
    """One target now: kinds of write that are paused, and how many writes were parked in the last day."""

    name: str
    paused_kinds: Mapping[str, str] = field(default_factory=dict)
    parked: int = 0


@dataclass(frozen=True, slots=True)
class Credential:
    """When what a connection signs in with ends, or should be changed."""

    connection: str
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything the rules look at."""

    now: datetime
    mailboxes: Sequence[MailboxLook] = ()
    lanes: Sequence[LaneLook] = ()
    targets: Sequence[TargetLook] = ()
    credentials: Sequence[Credential] = ()


def alarms(look: Look, limits: Limits) -> tuple[Alarm, ...]:
    """What is wrong now, in a fixed order."""
    found = [alarm for mailbox in look.mailboxes for alarm in _of_mailbox(mailbox, look.now, limits)]
    found += [alarm for lane in look.lanes for alarm in _of_lane(lane, look.now, limits)]
    found += [alarm for target in look.targets for alarm in _of_target(target, limits)]
    found += [_ends(one) for one in look.credentials if one.ends_at - look.now <= limits.credential]
    return tuple(sorted(found, key=lambda alarm: (alarm.kind, alarm.subject)))


def _of_mailbox(mailbox: MailboxLook, now: datetime, limits: Limits) -> Iterable[Alarm]:
    if mailbox.missing:
        days = [day for day, _ in mailbox.missing]
        facts = {
            "mails": str(sum(n for _, n in mailbox.missing)),
            "first": min(days).isoformat(),
            "last": max(days).isoformat(),
        }
        yield Alarm(AlarmKind.MISSING, mailbox.name, facts)
    if mailbox.cursor_at is not None and now - mailbox.cursor_at > limits.cursor_age:
        yield Alarm(AlarmKind.CURSOR_OLD, mailbox.name, {"since": _minute(mailbox.cursor_at)})
    recent = [moment for moment in mailbox.resynced if now - moment < DAY]
    if len(recent) >= MANY:
        yield Alarm(AlarmKind.RESYNCS, mailbox.name, {"times": str(len(recent))})
    if mailbox.silent_since is not None and is_silent(mailbox.usual, limits.silence_floor):
        facts = {"since": _minute(mailbox.silent_since), "usual": str(round(median(mailbox.usual)))}
        yield Alarm(AlarmKind.SILENT, mailbox.name, facts)
    if mailbox.parked >= limits.parked_a_day:
        yield Alarm(AlarmKind.PARKED, mailbox.name, {"number": str(mailbox.parked)})


def _of_lane(lane: LaneLook, now: datetime, limits: Limits) -> Iterable[Alarm]:
    facts = {"why": lane.code}
    if lane.state == "paused":
        yield Alarm(AlarmKind.LANE_PAUSED, lane.name, facts)
    elif lane.trouble_since is not None and now - lane.trouble_since > limits.lane_waiting:
        yield Alarm(AlarmKind.LANE_WAITING, lane.name, facts | {"since": _minute(lane.trouble_since)})


def _of_target(target: TargetLook, limits: Limits) -> Iterable[Alarm]:
    if target.paused_kinds:
        kinds = ", ".join(sorted(target.paused_kinds))
        yield Alarm(AlarmKind.KIND_PAUSED, target.name, {"kinds": kinds})
    if target.parked >= limits.parked_a_day:
        yield Alarm(AlarmKind.PARKED, target.name, {"number": str(target.parked)})


def _ends(credential: Credential) -> Alarm:
    return Alarm(AlarmKind.CREDENTIAL, credential.connection, {"day": credential.ends_at.date().isoformat()})


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


# -------------------------------------------------------------------------------------------------------------- silence


def silence(last: datetime | None, live_from: datetime, now: datetime, calendar: Calendar) -> Window | None:
    """The time in which a mailbox got nothing, as far as it may count: of the working days up to now, a week at most.

    None on a day off, when nobody wonders. What came before a day off is forgotten: after a holiday a week is quiet.
    """
    today = calendar.day(now)
    if not calendar.is_working_day(today):
        return None
    first = today
    while first > today - WEEK and calendar.is_working_day(first - timedelta(days=1)):
        first -= timedelta(days=1)
    since = max(last or live_from, calendar.begins(first), now - WEEK)
    return Window(since, now) if since < now else None


def weeks_before(silent: Window, first_mail: datetime | None) -> tuple[Window, ...]:
    """The same hours of the weeks before, as far back as the mailbox is known."""
    found = [Window(silent.since - WEEK * n, silent.until - WEEK * n) for n in range(1, WEEKS + 1)]
    return tuple(window for window in found if first_mail is not None and window.since >= first_mail)


def is_silent(usual: Sequence[int], floor: int) -> bool:
    """Whether as many mails as `floor` usually come in the time in which none came."""
    return len(usual) >= FEWEST_WEEKS and median(usual) >= floor
