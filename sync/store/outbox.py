"""The outbox: transaction 3 (about to send) and transaction 4 (what came of it)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, Connection, Row, and_, func, literal, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import Remove, Write, WriteKind
from mappings.model import Reason
from sync.keys import again
from sync.model import ON_ITS_WAY, ItemState
from sync.outbox import Change
from sync.schema import tables as t
from sync.store import codec
from sync.store.db import Database
from sync.store.doubt import Lost, doubt_of
from sync.store.drops import drop_dependents
from sync.store.journal import note
from sync.store.manifest import taken_back
from sync.store.threads import dirty_case

ERASE = "erase"  # the rule of what removes a record because a person was erased
SECOND_LOOK = "second_look"  # the rule of what removes a record that a doubled request left


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One stored item on its way out."""

    key: str
    target: str
    kind: WriteKind
    thread: int
    mail: str
    state: ItemState
    history: bool
    write: Write
    order_key: str
    tries: int
    due_at: datetime
    first_sent_at: datetime | None
    sent_at: datetime | None
    half_record: str
    steps: tuple[str, ...]
    generation: int = 0  # how often it was undone


class OutboxStore:
    """All SQL about delivery."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def recover(self, target: str, settles: Mapping[WriteKind, float]) -> int:
        """At start: whatever was being sent when the process died has an unknown outcome. Returns how many."""
        with self._db.tx("recover") as c:
            query = select(t.items).where(t.items.c.target == target, t.items.c.state == ItemState.SENDING)
            rows = c.execute(query).all()
            for row in rows:
                due = row.sent_at + timedelta(seconds=settles.get(WriteKind(row.kind), 0.0))
                c.execute(update(t.items).where(t.items.c.key == row.key).values(state=ItemState.UNKNOWN, due_at=due))
                note(c, "item.unknown", row.sent_at, target=target, item=row.key, details={"why": "restart"})
        return len(rows)

    async def due(
        self, target: str, now: datetime, *, state: ItemState, kinds: Sequence[WriteKind], history: bool, limit: int
    ) -> tuple[Item, ...]:
        """Items that may be handled now: live mail before history, then as they fell due, then as they were decided.

        Ready items whose needs are open, or whose order key has an earlier open item, are left for later.
        """
        query = (
            select(t.items)
            .where(t.items.c.target == target, t.items.c.state == state, t.items.c.due_at <= now)
            .where(t.items.c.kind.in_(kinds))
            .order_by(t.items.c.history, t.items.c.due_at, t.items.c.seq)  # as the index has them: nothing is sorted
            .limit(limit)
        )
        if state is ItemState.READY:
            query = query.where(_is_free())  # not afterwards: many that wait for a parked one would fill the limit
        if not history:
            query = query.where(~t.items.c.history)
        with self._db.read() as c:
            return tuple(_item(row) for row in c.execute(query).all())

    async def sending(self, keys: Sequence[str], now: datetime) -> frozenset[str]:
        """Transaction 3: the intent to send is on disk before the call.

        The answer are the keys that may be sent: an item may have been dropped while its text was fetched.
        """
        marked: set[str] = set()
        with self._db.tx("sending") as c:
            for key in keys:
                changed = c.execute(
                    update(t.items)
                    .where(t.items.c.key == key, t.items.c.state == ItemState.READY)
                    .values(
                        state=ItemState.SENDING,
                        sent_at=now,
                        first_sent_at=func.coalesce(t.items.c.first_sent_at, literal(now, t.Utc())),
                    )
                )
                marked |= {key} if changed.rowcount else set()
        return frozenset(marked)

    async def settle(self, changes: Mapping[str, Change], now: datetime) -> None:
        """Transaction 4: what came of each item."""
        with self._db.tx("settle") as c:
            for key, change in changes.items():
                _apply(c, key, change, now)

    async def to_look_again(
        self, target: str, now: datetime, *, kinds: Sequence[WriteKind], limit: int
    ) -> tuple[Item, ...]:
        """Done items whose second look is due."""
        query = (
            select(t.items)
            .where(t.items.c.target == target, t.items.c.look_again_at <= now, t.items.c.state == ItemState.DONE)
            .where(t.items.c.kind.in_(kinds))
            .order_by(t.items.c.look_again_at, t.items.c.seq)
            .limit(limit)
        )
        with self._db.read() as c:
            return tuple(_item(row) for row in c.execute(query).all())

    async def looked_again(self, keys: Sequence[str], again: datetime | None) -> None:
        """The second look is over, or to be repeated then."""
        with self._db.tx("looked_again") as c:
            c.execute(update(t.items).where(t.items.c.key.in_(keys)).values(look_again_at=again))

    async def holders(self, target: str, kind: WriteKind, records: Sequence[str]) -> dict[str, str]:
        """Of these records those that done items of the kind answer for, with the items' keys."""
        query = select(t.items.c.record, t.items.c.key).where(
            t.items.c.target == target,
            t.items.c.kind == kind,
            t.items.c.state == ItemState.DONE,
            t.items.c.record.in_(records),
        )
        with self._db.read() as c:
            return {row.record: row.key for row in c.execute(query).all()}

    async def remove_extras(self, of: Item, writes: Sequence[Remove], now: datetime, *, possible: bool) -> None:
        """A write turned out to have left several records: have the others removed, or by a person."""
        state = ItemState.READY if possible else ItemState.PARKED
        with self._db.tx("remove_extras") as c:
            for write in writes:
                row = {
                    "key": write.key,
                    "target": of.target,
                    "kind": write.kind,
                    "thread": of.thread,
                    "mail": of.mail,
                    "state": state,
                    "history": of.history,
                    "write": codec.write.dump(write),
                    "rule": SECOND_LOOK,
                    "evidence": "[]",
                    "order_key": "",
                    "needs": "[]",
                    "due_at": now,
                    "created_at": now,
                    "reason": None if possible else Reason.DOUBLED,
                    "ended_at": None if possible else now,
                }
                made = c.execute(insert(t.items).values(**row).on_conflict_do_nothing(index_elements=["key"]))
                if made.rowcount:
                    details = {"record": write.record}
                    note(c, "item.doubled", now, target=of.target, item=write.key, mail=of.mail, details=details)

    async def next_look(self, target: str, kinds: Sequence[WriteKind]) -> datetime | None:
        """When the earliest second look is due."""
        query = select(func.min(t.items.c.look_again_at)).where(
            t.items.c.target == target, t.items.c.look_again_at.is_not(None), t.items.c.kind.in_(kinds)
        )
        with self._db.read() as c:
            earliest: datetime | None = c.execute(query).scalar_one()
        return earliest

    async def next_due(
        self, target: str, kinds: Sequence[WriteKind], *, after: datetime | None = None
    ) -> datetime | None:
        """When the earliest ready or unknown item may be handled; with `after`, of those due later than that."""
        query = select(func.min(t.items.c.due_at)).where(
            t.items.c.target == target,
            t.items.c.state.in_((ItemState.READY, ItemState.UNKNOWN)),
            t.items.c.kind.in_(kinds),
        )
        if after is not None:
            query = query.where(t.items.c.due_at > after)
        with self._db.read() as c:
            earliest: datetime | None = c.execute(query).scalar_one()
        return earliest

    async def record_of(self, key: str) -> str:
        """The vendor's id of a done item, or an empty text."""
        with self._db.read() as c:
            query = select(t.items.c.record).where(t.items.c.key == key, t.items.c.state == ItemState.DONE)
            return c.execute(query).scalar_one_or_none() or ""

    async def retry(self, keys: Sequence[str] | None, now: datetime) -> int:
        """A person says "again": parked items become ready; returns how many.

        What a lost future may have sent is looked up first, unless that was done and could not tell.
        """
        query = select(t.items).where(t.items.c.state == ItemState.PARKED)
        if keys is not None:
            query = query.where(t.items.c.key.in_(keys))
        with self._db.tx("retry") as c:
            rows = c.execute(query.order_by(t.items.c.seq)).all()
            doubt = doubt_of(c)
            for row in rows:
                values = {"state": ItemState.READY, "due_at": now, "tries": 0, "reason": None, "ended_at": None}
                if doubt and row.sent_at is None and row.reason != Reason.OUTCOME_UNKNOWN:
                    values |= Lost(c, row.target, doubt).first_state(WriteKind(row.kind), row.mail, now)
                c.execute(update(t.items).where(t.items.c.key == row.key).values(**values))
        return len(rows)


@cache
def _is_free() -> ColumnElement[bool]:
    """Whether all that an item needs is done, and no earlier item of its order key is open."""
    needed, earlier = t.items.alias("needed"), t.items.alias("earlier")
    needs = func.json_each(t.items.c.needs).table_valued("value", name="needs")
    lacking = (
        select(literal(1))
        .select_from(needs.outerjoin(needed, needed.c.key == needs.c.value))
        .where(func.coalesce(needed.c.state, "") != ItemState.DONE)
        .correlate(t.items)
    )
    before = select(literal(1)).where(
        earlier.c.target == t.items.c.target,
        earlier.c.order_key == t.items.c.order_key,
        earlier.c.seq < t.items.c.seq,
        earlier.c.state.in_(ON_ITS_WAY),
    )
    return and_(~lacking.exists(), or_(t.items.c.order_key == "", ~before.correlate(t.items).exists()))


def _sent(write: Write, generation: int) -> Write:
    """The write under the key that the vendor sees."""
    return replace(write, key=again(write.key, generation)) if generation else write


def _item(row: Row[tuple[object, ...]]) -> Item:
    return Item(
        key=row.key,
        target=row.target,
        kind=WriteKind(row.kind),
        thread=row.thread,
        mail=row.mail,
        state=ItemState(row.state),
        history=row.history,
        write=_sent(codec.write.load(row.write), row.generation),
        order_key=row.order_key,
        tries=row.tries,
        due_at=row.due_at,
        first_sent_at=row.first_sent_at,
        sent_at=row.sent_at,
        half_record=row.half_record,
        steps=tuple(json.loads(row.steps)),
        generation=row.generation,
    )


def _apply(c: Connection, key: str, change: Change, now: datetime) -> None:
    row = c.execute(select(t.items).where(t.items.c.key == key)).one()
    values: dict[str, object] = {
        "state": change.state,
        "reason": change.reason.value if change.reason else None,
        "detail": change.detail,
        "half_record": change.half_record,
        "steps": json.dumps(change.steps),
    }
    if change.due_at is not None:
        values["due_at"] = change.due_at
    if change.count_try:
        values["tries"] = row.tries + 1
    if change.generation is not None:
        values["generation"] = change.generation
    if change.never_sent:
        values["first_sent_at"] = None
    if change.look_again_at is not None:
        values["look_again_at"] = change.look_again_at
    if change.receipt is not None:
        receipt = change.receipt
        values |= {"record": receipt.record, "effect": receipt.effect.value, "url": receipt.url, "note": receipt.note}
    if change.state in (ItemState.DONE, ItemState.DROPPED, ItemState.PARKED):
        values["ended_at"] = now
    c.execute(update(t.items).where(t.items.c.key == key).values(**values))
    if row.undoes and (change.state is ItemState.DONE or change.reason is Reason.RECORD_GONE):
        taken_back(c, row.undoes, now, Reason.ERASED if row.rule == ERASE else Reason.UNDONE)
    if change.rematch:
        dirty_case(c, row.thread, row.target)
    if change.state is ItemState.DROPPED:
        drop_dependents(c, key, now)
    details = {k: v for k, v in (("reason", values["reason"]), ("detail", change.detail)) if v}
    note(
        c,
        f"item.{change.state.value}",
        now,
        target=row.target,
        thread=row.thread,
        mail=row.mail,
        item=key,
        details=details,
    )
