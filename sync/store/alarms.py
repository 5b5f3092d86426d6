"""What was wrong, since when, and who has been told: the memory that keeps a restart from telling it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from connectors.base.model import CompleteTask, CreateTask
from mappings.model import Reason
from sync.alarms import FINE_FOR, Alarm, AlarmKind
from sync.coverage import LEFT_OUT
from sync.model import ItemState
from sync.schema import tables as t
from sync.store import codec
from sync.store.copies import CopyState
from sync.store.db import Database
from sync.store.drops import drop_unsent
from sync.store.journal import note

RULE = "alarm"  # the rule of a task that tells of an alarm
NO_THREAD = 0


class Event(StrEnum):
    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One alarm as it is remembered."""

    id: int
    kind: AlarmKind
    subject: str
    raised_at: datetime
    cleared_at: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Telling:
    """One notice that is due on one channel."""

    alarm: Known
    event: Event
    channel: str
    tries: int


@dataclass(frozen=True, slots=True)
class Untold:
    """A notice that a channel has refused so far; `again` is the next try, None when it was given up."""

    alarm: Known
    event: Event
    channel: str
    tries: int
    again: datetime | None


class AlarmStore:
    """All SQL about alarms."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def open(self) -> tuple[Known, ...]:
        """What has been raised and not cleared."""
        query = select(t.alarms).where(t.alarms.c.cleared_at.is_(None)).order_by(t.alarms.c.id)
        with self._db.read() as c:
            return tuple(_known(row) for row in c.execute(query))

    async def update(self, wrong: Sequence[Alarm], channels: Sequence[str], now: datetime) -> tuple[int, int]:
        """Remember what is wrong now; each change is told on every channel. Returns how many were raised, cleared.

        What stopped being wrong is cleared `FINE_FOR` later.
        """
        query = select(t.alarms).where(t.alarms.c.cleared_at.is_(None)).order_by(t.alarms.c.id)
        with self._db.read() as c:
            known = {(row.kind, row.subject): row for row in c.execute(query)}
        now_wrong = {alarm.name: alarm for alarm in wrong}
        new = [alarm for name, alarm in now_wrong.items() if name not in known]
        fine = [row for name, row in known.items() if name not in now_wrong]
        changed = [
            (row, now_wrong[name])
            for name, row in known.items()
            if name in now_wrong and (row.fine_since is not None or json.loads(row.facts) != now_wrong[name].facts)
        ]
        over = [row for row in fine if row.fine_since is not None and now - row.fine_since >= FINE_FOR]
        newly_fine = [row.id for row in fine if row.fine_since is None]
        if not (new or over or newly_fine or changed):
            return 0, 0
        with self._db.tx("alarms") as c:
            for alarm in new:
                _raise(c, alarm, channels, now)
            for row, alarm in changed:
                values = {"facts": _facts(alarm), "fine_since": None}
                c.execute(update(t.alarms).where(t.alarms.c.id == row.id).values(**values))
            c.execute(update(t.alarms).where(t.alarms.c.id.in_(newly_fine)).values(fine_since=now))
            for row in over:
                _clear(c, row.id, now)
        return len(new), len(over)

    # --------------------------------------------------------------------------------------------------------- tellings

    async def due(self, now: datetime) -> tuple[Telling, ...]:
        """What is to be told now, in order; of one alarm and channel the raising before the clearing."""
        query = (
            select(t.alarms, t.tellings.c.event, t.tellings.c.channel, t.tellings.c.tries, t.tellings.c.due_at)
            .join(t.tellings, t.tellings.c.alarm == t.alarms.c.id)
            .where(t.tellings.c.told_at.is_(None), ~t.tellings.c.dropped)
            .order_by(t.alarms.c.id, t.tellings.c.event.desc(), t.tellings.c.channel)
        )
        found: list[Telling] = []
        waiting: set[tuple[int, str]] = set()
        with self._db.read() as c:
            for row in c.execute(query):
                if row.due_at > now or (row.id, row.channel) in waiting:
                    waiting.add((row.id, row.channel))
                    continue
                waiting.add((row.id, row.channel))
                found.append(Telling(_known(row), Event(row.event), row.channel, row.tries))
        return tuple(found)

    async def untold(self) -> tuple[Untold, ...]:
        """What channels have refused: notices that are tried again, and of open alarms those that were given up."""
        query = (
            select(t.alarms, t.tellings)
            .join(t.tellings, t.tellings.c.alarm == t.alarms.c.id)
            .where(t.tellings.c.told_at.is_(None), t.tellings.c.tries > 0)
            .where(~t.tellings.c.dropped | t.alarms.c.cleared_at.is_(None))
            .order_by(t.alarms.c.id, t.tellings.c.event.desc(), t.tellings.c.channel)
        )
        with self._db.read() as c:
            return tuple(
                Untold(_known(row), Event(row.event), row.channel, row.tries, None if row.dropped else row.due_at)
                for row in c.execute(query)
            )

    async def next_due(self) -> datetime | None:
        query = select(func.min(t.tellings.c.due_at)).where(t.tellings.c.told_at.is_(None), ~t.tellings.c.dropped)
        with self._db.read() as c:
            found: datetime | None = c.execute(query).scalar()
        return found

    async def told(self, telling: Telling, now: datetime) -> None:
        with self._db.tx("told") as c:
            _set(c, telling, told_at=now, tries=telling.tries + 1)

    async def not_told(self, telling: Telling, again: datetime | None) -> None:
        """It failed; `again` is the next try, None when it is given up."""
        values = {"dropped": True} if again is None else {"due_at": again}
        with self._db.tx("not_told") as c:
            _set(c, telling, tries=telling.tries + 1, **values)

    async def told_by_task(self, telling: Telling, target: str, write: CreateTask, now: datetime) -> None:
        """Tell by a task: the outbox makes it once, whatever happens."""
        with self._db.tx("told_by_task") as c:
            _put_item(c, target, write, now)
            _set(c, telling, told_at=now, tries=telling.tries + 1)

    async def cleared_by_task(self, telling: Telling, target: str, write: CompleteTask, now: datetime) -> None:
        """Close the task; one that was never sent is dropped instead."""
        with self._db.tx("cleared_by_task") as c:
            drop_unsent(c, write.task_key, Reason.OVERTAKEN, now)
            state = c.execute(select(t.items.c.state).where(t.items.c.key == write.task_key)).scalar_one_or_none()
            if state is not None and state != ItemState.DROPPED:
                _put_item(c, target, write, now, needs=(write.task_key,))
            _set(c, telling, told_at=now, tries=telling.tries + 1)

    async def forget(self, older_than: datetime) -> int:
        """Delete alarms that cleared long ago."""
        old = select(t.alarms.c.id).where(t.alarms.c.cleared_at < older_than)
        with self._db.tx("forget_alarms") as c:
            c.execute(delete(t.tellings).where(t.tellings.c.alarm.in_(old)))
            return c.execute(delete(t.alarms).where(t.alarms.c.cleared_at < older_than)).rowcount

    # ---------------------------------------------------------------------------------------------------------- parked

    async def parked_items(self, targets: Sequence[str], since: datetime) -> dict[str, int]:
        """Target -> writes that were parked since then and still are."""
        query = (
            select(t.items.c.target, func.count())
            .where(t.items.c.target.in_(targets), t.items.c.state == ItemState.PARKED)
            .where(t.items.c.ended_at >= since, t.items.c.rule != RULE)
            .group_by(t.items.c.target)
        )
        with self._db.read() as c:
            return {row.target: row[1] for row in c.execute(query)}

    async def parked_mails(self, since: datetime) -> dict[str, int]:
        """Mailbox -> mails that could not be read since then."""
        query = (
            select(t.copies.c.mailbox, func.count())
            .where(t.copies.c.state == CopyState.UNREADABLE, t.copies.c.seen_at >= since)
            .where(func.coalesce(t.copies.c.reason, "").not_in(LEFT_OUT))
            .group_by(t.copies.c.mailbox)
        )
        with self._db.read() as c:
            return {row.mailbox: row[1] for row in c.execute(query)}


def _raise(c: Connection, alarm: Alarm, channels: Sequence[str], now: datetime) -> None:
    row = {"kind": alarm.kind, "subject": alarm.subject, "facts": _facts(alarm), "raised_at": now}
    made = int(c.execute(insert(t.alarms).values(**row).returning(t.alarms.c.id)).scalar_one())
    _tell(c, made, Event.RAISED, channels, now)


def _clear(c: Connection, alarm: int, now: datetime) -> None:
    """Whoever has been told of it, or may have been, is told that it is over; nobody else is told anything."""
    c.execute(update(t.alarms).where(t.alarms.c.id == alarm).values(cleared_at=now))
    c.execute(
        update(t.tellings)
        .where(t.tellings.c.alarm == alarm, t.tellings.c.told_at.is_(None), t.tellings.c.tries == 0)
        .values(dropped=True)
    )
    query = select(t.tellings.c.channel).where(t.tellings.c.alarm == alarm, ~t.tellings.c.dropped)
    _tell(c, alarm, Event.CLEARED, sorted(c.execute(query).scalars()), now)


def _tell(c: Connection, alarm: int, event: Event, channels: Sequence[str], now: datetime) -> None:
    for channel in channels:
        c.execute(insert(t.tellings).values(alarm=alarm, event=event, channel=channel, due_at=now, tries=0))


def _set(c: Connection, telling: Telling, **values: object) -> None:
    c.execute(
        update(t.tellings)
        .where(
            t.tellings.c.alarm == telling.alarm.id,
            t.tellings.c.event == telling.event,
            t.tellings.c.channel == telling.channel,
        )
        .values(**values)
    )


def _put_item(
    c: Connection, target: str, write: CreateTask | CompleteTask, now: datetime, needs: tuple[str, ...] = ()
) -> None:
    row = {
        "key": write.key,
        "target": target,
        "kind": write.kind,
        "thread": NO_THREAD,
        "mail": "",
        "state": ItemState.READY,
        "history": False,
        "write": codec.write.dump(write),
        "rule": RULE,
        "evidence": "[]",
        "order_key": write.task_key if isinstance(write, CompleteTask) else write.key,
        "needs": json.dumps(needs),
        "due_at": now,
        "created_at": now,
    }
    made = c.execute(upsert(t.items).values(**row).on_conflict_do_nothing(index_elements=["key"]))
    if made.rowcount:
        note(c, "item.decided", now, target=target, item=write.key, details={"kind": write.kind, "rule": RULE})


def _facts(alarm: Alarm) -> str:
    return json.dumps(dict(alarm.facts), sort_keys=True, ensure_ascii=False)


def _known(row: object) -> Known:
    values = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001 - public in SQLAlchemy
    values |= {"kind": AlarmKind(values["kind"]), "facts": json.loads(values["facts"])}
    return Known(**{name: values[name] for name in Known.__slots__})
