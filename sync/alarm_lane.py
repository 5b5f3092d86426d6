"""The lane that looks for what is wrong, and tells people: each change once on every channel, restarts or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from connectors.base.errors import ConnectorError, Transient
from connectors.base.model import CompleteTask, CreateTask, User, WriteKind
from connectors.base.services import Clock, Log
from mappings.calendar import Calendar
from sync.alarms import (
    Alarm,
    AlarmKind,
    Credential,
    LaneLook,
    Limits,
    Look,
    MailboxLook,
    TargetLook,
    alarms,
    silence,
    weeks_before,
)
from sync.coverage import Whereabouts
from sync.keys import key
from sync.lanes import Bell
from sync.outbox import MOST_TRIES, pause
from sync.patience import DAY
from sync.store import StateFull, Store
from sync.store.alarms import RULE, Event, Known, Telling

EVERY = timedelta(minutes=1)
FIRST_LOOK = timedelta(minutes=2)
"""After a start: until then lanes show what they were before it."""

SHORTEST_SILENCE = timedelta(minutes=30)
TASK = "task"  # the channel that goes through the outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a channel is to tell. `id` is the same in every try and for raising and clearing of one alarm."""

    id: str
    event: Event
    kind: AlarmKind
    subject: str
    title: str
    text: str
    facts: Mapping[str, str]
    raised_at: datetime
    cleared_at: datetime | None


class Channel(Protocol):
    """A way to tell somebody. A notice may come twice where its first answer was lost; its id and event tell."""

    name: str

    async def tell(self, notice: Notice) -> None:
        """Raises `ConnectorError` when it could not be told now."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tell by a task at a target, to a user named by id or address."""

    target: str
    user: str


Word = Callable[[Known], tuple[str, str]]
"""Title and text of an alarm, in the language of whoever reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSettings:
    """What is watched, from where on it is wrong, and who is told."""

    mailboxes: Sequence[str]
    lanes: Sequence[str]
    targets: Sequence[str]
    calendar: Calendar
    word: Word
    limits: Limits = field(default_factory=Limits)
    credentials: Sequence[Credential] = ()
    tasks: Tasks | None = None
    channels: Sequence[Channel] = ()


async def _nothing(_: datetime) -> None:
    return None


class AlarmLane:
    """Looks once a minute. `after` is called with the moment of each look: for numbers that others gather."""

    name = label = "alarms"

    def __init__(
        self,
        store: Store,
        settings: AlarmSettings,
        *,
        clock: Clock,
        log: Log,
        bell: Bell,
        after: Callable[[datetime], Awaitable[None]] = _nothing,
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._log = log
        self._bell = bell
        self._after = after
        self._channels = {channel.name: channel for channel in settings.channels}
        self._next: float | None = None

    async def start(self) -> None:
        if self._next is None:
            self._next = self._clock.monotonic() + FIRST_LOOK.total_seconds()

    async def step(self) -> float:
        assert self._next is not None  # noqa: S101 - `start` has run
        wait = self._next - self._clock.monotonic()
        if wait > 0:
            return wait
        self._next = self._clock.monotonic() + EVERY.total_seconds()
        await self.look()
        return 0.0

    async def close(self) -> None:
        for channel in self._settings.channels:
            await channel.close()

    async def look(self) -> tuple[Alarm, ...]:
        """Look now, remember what changed, and tell what is due. Returns what is wrong."""
        now = self._clock.now()
        wrong = alarms(await self._look(now), self._settings.limits)
        names = [*([TASK] if self._settings.tasks else []), *sorted(self._channels)]
        raised, cleared = await self._store.alarms.update(wrong, names, now)
        if raised or cleared:
            self._log.warning("alarms.changed", raised=raised, cleared=cleared, open=len(wrong))
        await self._after(now)
        for telling in await self._store.alarms.due(now):
            await self._tell(telling)
        return wrong

    # ------------------------------------------------------------------------------------------------------------- look

    async def _look(self, now: datetime) -> Look:
        store, settings = self._store, self._settings
        parked_mails = await store.alarms.parked_mails(now - DAY)
        parked_items = await store.alarms.parked_items(settings.targets, now - DAY)
        lanes = {lane.name: lane for lane in await store.report.lanes()}
        return Look(
            now=now,
            mailboxes=[await self._mailbox(name, parked_mails.get(name, 0), now) for name in settings.mailboxes],
            lanes=[
                LaneLook(name, lane.state, lane.code, lane.trouble_since)
                for name in settings.lanes
                if (lane := lanes.get(name)) is not None
            ],
            targets=[
                TargetLook(
                    name=name,
                    paused_kinds={k.value: why for k, why in (await store.mirror.paused_kinds(name)).items()},
                    parked=parked_items.get(name, 0),
                )
                for name in settings.targets
            ],
            credentials=settings.credentials,
        )

    async def _mailbox(self, name: str, parked: int, now: datetime) -> MailboxLook:
        mailbox = await self._store.mailboxes.get(name)
        if mailbox is None:
            return MailboxLook(name=name)
        days = await self._store.coverage.days(name, missing=True)
        since, usual = await self._silence(name, mailbox.live_from, now)
        return MailboxLook(
            name=name,
            missing=[(day.day, day.coverage[Whereabouts.MISSING]) for day in days],
            cursor_at=mailbox.cursor_at,
            resynced=mailbox.resynced,
            silent_since=since,
            usual=usual,
            parked=parked,
        )

    async def _silence(self, name: str, live_from: datetime, now: datetime) -> tuple[datetime | None, list[int]]:
        """Since when nothing came in, and how much did in the same hours of the weeks before."""
        last = await self._store.coverage.last_received(name, now)
        silent = silence(last, live_from, now, self._settings.calendar)
        if silent is None or silent.until - silent.since < SHORTEST_SILENCE:
            return None, []
        weeks = weeks_before(silent, await self._store.coverage.first_received(name, now))
        return silent.since, await self._store.coverage.received_in(name, weeks)

    # ------------------------------------------------------------------------------------------------------------- tell

    async def _tell(self, telling: Telling) -> None:
        """One notice on one channel. Failing is no trouble of this lane's: it is tried again, a bounded time."""
        now = self._clock.now()
        try:
            if telling.channel == TASK and self._settings.tasks:
                await self._tell_by_task(telling, self._settings.tasks, now)
            elif telling.channel in self._channels:
                await self._channels[telling.channel].tell(self._notice(telling))
                await self._store.alarms.told(telling, self._clock.now())
            else:  # no longer configured
                await self._store.alarms.not_told(telling, None)
        except StateFull:
            raise
        except ConnectorError as error:
            given_up = telling.tries + 1 >= MOST_TRIES
            await self._store.alarms.not_told(telling, None if given_up else self._clock.now() + pause(telling.tries))
            log = self._log.error if given_up else self._log.warning
            log("alarm.not_told", channel=telling.channel, error=type(error).__name__, tries=telling.tries + 1)
        else:
            self._log.info("alarm.told", channel=telling.channel, kind=telling.alarm.kind, told=telling.event)

    def _notice(self, telling: Telling) -> Notice:
        alarm = telling.alarm
        title, text = self._settings.word(alarm)
        return Notice(
            id=alarm_id(alarm),
            event=telling.event,
            kind=alarm.kind,
            subject=alarm.subject,
            title=title,
            text=text,
            facts=alarm.facts,
            raised_at=alarm.raised_at,
            cleared_at=alarm.cleared_at if telling.event is Event.CLEARED else None,
        )

    async def _tell_by_task(self, telling: Telling, tasks: Tasks, now: datetime) -> None:
        account = await self._store.mirror.account(tasks.target)
        if account is None:
            raise Transient("The CRM has not been asked yet who we are.")
        made = key(account.account_id, WriteKind.CREATE_TASK, alarm_id(telling.alarm), rule=RULE)
        if telling.event is Event.CLEARED:
            closed = key(account.account_id, WriteKind.COMPLETE_TASK, made, rule=RULE)
            await self._store.alarms.cleared_by_task(
                telling, tasks.target, CompleteTask(key=closed, task_key=made), now
            )
        else:
            title, text = self._settings.word(telling.alarm)
            write = CreateTask(
                key=made,
                title=title,
                text=text,
                due_at=now,
                due_on=self._settings.calendar.day(now),
                urgent=True,
                owner=owner(tasks.user, await self._store.mirror.users(tasks.target)),
            )
            await self._store.alarms.told_by_task(telling, tasks.target, write, now)
        self._bell.ring()


def alarm_id(alarm: Known) -> str:
    """The same for one trouble from its raising to its clearing, and for no other."""
    words = f"{alarm.kind}\n{alarm.subject}\n{alarm.raised_at.isoformat()}"
    return sha256(words.encode()).hexdigest()[:32]


def owner(named: str, users: Sequence[User]) -> str:
    """The id of the active user named by id or address; empty where there is none, so that the task is made anyway."""
    return next((u.id for u in users if u.active and (u.id == named or named.lower() in u.emails)), "")
