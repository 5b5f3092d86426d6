"""The manifests of runs, and what undoing them has come to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    distinct,
    exists,
    func,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import CompleteTask, CreateCustomer, LinkEmail, WriteKind
from mappings.model import Reason
from sync.model import ON_ITS_WAY, ItemState
from sync.schema import tables as t
from sync.store import codec
from sync.store.accounts import Accounts
from sync.store.db import Database
from sync.store.journal import note
from sync.store.manifest import leave_out, taken_back
from sync.store.mirror import adopted
from sync.undo import Fate, Made, Stay, Way, counter_write, fate_of

UNDO = "undo"  # the rule of what takes an item back
AT_ONCE = 200  # items a transaction
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A run and how much it has made."""

    run: int
    kind: str
    mailbox: str
    since: datetime
    until: datetime
    created_at: datetime
    done: bool
    items: int
    undone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What undoing would do, or has not done, with one item."""

    item: str
    target: str
    kind: WriteKind
    mail: str
    url: str
    way: Way
    why: Stay | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an undo is: all items, those taken back, those on their way. The rest stays."""

    items: int
    back: int
    open: int

    @property
    def stays(self) -> int:
        return self.items - self.back - self.open


class UndoStore:
    """All SQL about undoing."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def manifests(self, runs: Sequence[int] | None = None) -> tuple[Manifest, ...]:
        """Every run, or some, oldest first."""
        query = select(t.runs).order_by(t.runs.c.id)
        if runs is not None:
            query = query.where(t.runs.c.id.in_(runs))
        with self._db.read() as c:
            sizes = _sizes(c, runs)
            return tuple(_manifest(row, sizes) for row in c.execute(query).all())

    async def plan(self, runs: Sequence[int], *, undone: bool = False) -> tuple[Planned, ...]:
        """What undoing would do with every item, newest first; `undone`: what has become of those it has taken up."""
        with self._db.read() as c:
            rows = c.execute(_of(runs).order_by(t.items.c.seq.desc())).all()
            look = _Look(c, runs)
            return tuple(_outcome(c, look, row) if undone else look.planned(row) for row in rows)

    async def mailboxes(self, runs: Sequence[int]) -> tuple[str, ...]:
        """Where the mails lie that the runs have read or written about, whichever of them read which copy."""
        read, live = select(t.copies.c.mail).where(t.copies.c.run.in_(runs)), select(t.items.c.mail)
        mails = union(read, live.where(t.items.c.run.in_(runs)))
        query = select(t.copies.c.mailbox).distinct().where(t.copies.c.mail.in_(mails)).order_by(t.copies.c.mailbox)
        with self._db.read() as c:
            return tuple(c.execute(query).scalars())

    async def begin(self, runs: Sequence[int], now: datetime) -> None:
        """From now on nothing more of the runs is read."""
        with self._db.tx("undo_begin") as c:
            c.execute(
                update(t.runs)
                .where(t.runs.c.id.in_(runs), t.runs.c.undone_at.is_(None))
                .values(undone_at=now, done=True, ended_at=func.coalesce(t.runs.c.ended_at, now))
            )

    async def advance(self, runs: Sequence[int], now: datetime) -> AsyncIterator[int]:
        """Take up what has settled, newest first, then leave out the mails; some at a time, and tells how many.

        Each part is a transaction of its own: whoever stops in between, or crashes, goes on with another call.
        """
        with self._db.read() as c:
            seqs = c.execute(_untouched(runs).with_only_columns(t.items.c.seq)).scalars().all()
        for some in _in_parts(sorted(seqs, reverse=True)):
            with self._db.tx("undo_advance") as c:
                look = _Look(c, runs)
                rows = c.execute(_untouched(runs, some).order_by(t.items.c.seq.desc())).all()
                for row in rows:
                    _take_up(c, look, row, now)
            yield len(rows)
        with self._db.read() as c:
            mails = sorted({row.identity for row in c.execute(_mails_left(runs))})
        for some in _in_parts(mails):
            with self._db.tx("undo_leave_out") as c:
                left = c.execute(_mails_left(runs, some)).all()
                for row in left:
                    leave_out(c, row.identity, row.target, now)
            yield len(left)

    async def standing(self, runs: Sequence[int]) -> Standing:
        with self._db.read() as c:
            mine = _of(runs).subquery()
            back = (mine.c.state == ItemState.DROPPED) & mine.c.undo.is_not(None)
            left = mine.c.undo.is_(None) & ~mine.c.shared
            total, gone, untouched = c.execute(
                select(func.count(), func.count().filter(back), func.count().filter(left)).select_from(mine)
            ).one()
            sent = select(func.count()).select_from(mine.join(t.items, t.items.c.undoes == mine.c.key))
            return Standing(total, gone, untouched + c.execute(sent.where(_IS_OPEN)).scalar_one())


# SQLite knows no sizes and would take the index of a column in which nearly all is NULL; an expression has none.
# https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
_NO_COUNTER = func.coalesce(t.items.c.undoes, "") == ""
_NOT_TAKEN_UP = func.coalesce(t.items.c.undo, 0) == 0
_IS_OPEN = func.coalesce(t.items.c.state, "").in_(ON_ITS_WAY)


def _in_parts(values: Sequence[T]) -> list[Sequence[T]]:
    return [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]


def _of(runs: Sequence[int]) -> Select[tuple[object, ...]]:
    """A run's items: of history, those of the mails it has read; of live mail, those that were decided in it."""
    history = select(t.items.c.seq).join(t.copies, t.copies.c.mail == t.items.c.mail)
    live = select(t.items.c.seq).where(t.items.c.run.in_(runs), ~t.items.c.history)
    seqs = union(history.where(t.copies.c.run.in_(runs), t.items.c.history), live)
    return _with_shared(runs).where(t.items.c.seq.in_(seqs))


def _with_shared(runs: Sequence[int]) -> Select[tuple[object, ...]]:
    return select(t.items, _shared(t.items, runs).label("shared")).where(_NO_COUNTER)


def _is_of(runs: Sequence[int]) -> ColumnElement[bool]:
    """Whether an item is a run's: for a look at few."""
    read = exists().where(t.copies.c.mail == t.items.c.mail, t.copies.c.run.in_(runs))
    return or_(and_(t.items.c.history, read), and_(~t.items.c.history, t.items.c.run.in_(runs)))


def _untouched(runs: Sequence[int], seqs: Sequence[int] | None = None) -> Select[tuple[object, ...]]:
    """Those that no undo has taken up and that are not on their way; all, or of a few."""
    on_its_way = t.items.c.state.in_((ItemState.SENDING, ItemState.UNKNOWN)) | (
        (t.items.c.state == ItemState.READY) & t.items.c.first_sent_at.is_not(None)
    )
    items = _of(runs) if seqs is None else _with_shared(runs).where(t.items.c.seq.in_(seqs), _is_of(runs))
    return items.where(_NOT_TAKEN_UP, ~on_its_way, ~_shared(t.items, runs))


def _mails_left(runs: Sequence[int], few: Sequence[str] | None = None) -> Select[tuple[str, str]]:
    """(mail, target) of historic mails that only these runs have read, that are in no CRM and not left out yet."""
    others = exists().where(_other_copy(t.mails.c.identity, runs))
    standing = exists().where(
        t.items.c.mail == t.mails.c.identity,
        t.items.c.target == t.cases.c.target,
        t.items.c.kind == WriteKind.LOG_EMAIL,
        t.items.c.state != ItemState.DROPPED,
    )
    undone = exists().where(
        t.verdicts.c.mail == t.mails.c.identity,
        t.verdicts.c.target == t.cases.c.target,
        t.verdicts.c.reason == Reason.UNDONE,
    )
    read = exists().where(t.copies.c.mail == t.mails.c.identity, t.copies.c.run.in_(runs))
    mails = select(t.copies.c.mail).where(t.copies.c.run.in_(runs)) if few is None else few
    return (
        select(t.mails.c.identity, t.cases.c.target)
        .join(t.cases, t.cases.c.thread == t.mails.c.thread)
        .where(t.mails.c.identity.in_(mails), read, ~t.mails.c.live, ~others, ~standing, ~undone)
        .order_by(t.mails.c.identity, t.cases.c.target)
    )


def _shared(items: FromClause, runs: Sequence[int]) -> ColumnElement[bool]:
    """Whether another run, or live mail, answers for an item of history too."""
    return and_(items.c.history, exists().where(_other_copy(items.c.mail, runs)))


def _other_copy(mail: ColumnElement[str], runs: Sequence[int]) -> ColumnElement[bool]:
    copies = t.copies.alias()
    return and_(copies.c.mail == mail, copies.c.run.is_(None) | copies.c.run.not_in(_undone_runs(runs)))


def _undone_runs(runs: Sequence[int]) -> Select[tuple[int]]:
    return select(t.runs.c.id).where(t.runs.c.undone_at.is_not(None) | t.runs.c.id.in_(runs))


def _sizes(c: Connection, runs: Sequence[int] | None) -> Mapping[int, int]:
    """How many items each run has to its name, counted for all runs at once."""
    there = (_NO_COUNTER, t.items.c.state != ItemState.DROPPED)
    history = (
        select(t.copies.c.run, func.count(distinct(t.items.c.seq)))
        .join(t.items, t.items.c.mail == t.copies.c.mail)
        .where(t.copies.c.run.is_not(None), t.items.c.history, *there)
        .group_by(t.copies.c.run)
    )
    live = select(t.items.c.run, func.count()).where(t.items.c.run.is_not(None), ~t.items.c.history, *there)
    live = live.group_by(t.items.c.run)
    if runs is not None:
        history, live = history.where(t.copies.c.run.in_(runs)), live.where(t.items.c.run.in_(runs))
    sizes: Counter[int] = Counter()
    for query in (history, live):
        for run, size in c.execute(query):
            sizes[run] += size
    return sizes


def _manifest(row: Row[tuple[object, ...]], sizes: Mapping[int, int]) -> Manifest:
    values = {name: getattr(row, name) for name in Manifest.__slots__ if name not in {"run", "items"}}
    return Manifest(run=row.id, items=sizes[row.id], **values)


class _Look:
    """What must be known around the items of some runs."""

    def __init__(self, c: Connection, runs: Sequence[int]) -> None:
        self._c = c
        self.runs = runs
        self.accounts = Accounts(c)

    def made(self, row: Row[tuple[object, ...]]) -> Made:
        write = codec.write.load(row.write)
        about = getattr(write, "logged_key" if isinstance(write, LinkEmail) else "task_key", "")
        return Made(
            key=row.key,
            kind=WriteKind(row.kind),
            state=ItemState(row.state),
            write=write,
            sent=row.first_sent_at is not None,
            effect=row.effect,
            note=row.note,
            record=row.record,
            shared=row.shared,
            in_use=isinstance(write, CreateCustomer) and self._in_use(row),
            adopted=isinstance(write, CreateCustomer) and adopted(self._c, row.target, row.record),
            goes_with=isinstance(write, LinkEmail | CompleteTask) and self._goes(about),
        )

    def planned(self, row: Row[tuple[object, ...]]) -> Planned:
        return _planned(row, fate_of(self.made(row), self.accounts.can(row.target)))

    def _in_use(self, row: Row[tuple[object, ...]]) -> bool:
        """Whether mails that stay are logged on a customer of ours."""
        named = t.items.c.write.contains(json.dumps(row.record), autoescape=True)
        query = select(t.items.c.key).where(
            t.items.c.target == row.target,
            t.items.c.kind.in_((WriteKind.LOG_EMAIL, WriteKind.LINK_EMAIL)),
            t.items.c.state != ItemState.DROPPED,
            named,
            ~_is_of(self.runs),
        )
        return self._c.execute(query.limit(1)).first() is not None

    def _goes(self, key: str) -> bool:
        """Whether another item's record goes in the same undo."""
        mine = _with_shared(self.runs).where(t.items.c.key == key, _is_of(self.runs))
        row = self._c.execute(mine).one_or_none()
        return row is not None and self.planned(row).way in {Way.REMOVE, Way.DROP}


def _planned(row: Row[tuple[object, ...]], fate: Fate) -> Planned:
    return Planned(
        item=row.key,
        target=row.target,
        kind=WriteKind(row.kind),
        mail=row.mail,
        url=row.url,
        way=fate.way,
        why=fate.why,
    )


def _outcome(c: Connection, look: _Look, row: Row[tuple[object, ...]]) -> Planned:
    """What has become of an item. What could not be taken back stays, with the reason."""
    counter = c.execute(
        select(t.items).where(t.items.c.undoes == row.key).order_by(t.items.c.seq.desc()).limit(1)
    ).one_or_none()
    if row.undo is None or counter is None or row.state == ItemState.DROPPED:
        return look.planned(row)
    if counter.state in ON_ITS_WAY:
        return _planned(row, Fate(Way.WAIT))
    changed = counter.reason in (Reason.PERSON_MOVED_DEAL, Reason.RECORD_CHANGED)
    return _planned(row, Fate(Way.STAY, Stay.CHANGED if changed else Stay.REFUSED))


def _take_up(c: Connection, look: _Look, row: Row[tuple[object, ...]], now: datetime) -> None:
    made = look.made(row)
    fate = fate_of(made, look.accounts.can(row.target))
    c.execute(update(t.items).where(t.items.c.key == row.key).values(undo=max(look.runs)))
    if fate.way is Way.DROP and row.state != ItemState.DROPPED:
        taken_back(c, row.key, now)
    elif fate.way in {Way.REMOVE, Way.RESTORE}:
        write = counter_write(made, fate.way, look.accounts.id(row.target), max(look.runs))
        restores = fate.way is Way.RESTORE
        c.execute(
            insert(t.items)
            .values(
                key=write.key,
                target=row.target,
                kind=write.kind,
                thread=row.thread,
                mail=row.mail,
                state=ItemState.READY,
                history=row.history,
                write=codec.write.dump(write),
                rule=UNDO,
                evidence="[]",
                order_key=row.order_key if restores else "",
                needs="[]",
                due_at=now,
                created_at=now,
                undoes=row.key,
            )
            .on_conflict_do_nothing(index_elements=["key"])
        )
        note(
            c,
            "item.decided",
            now,
            target=row.target,
            thread=row.thread,
            mail=row.mail,
            item=write.key,
            details={"kind": write.kind.value, "rule": UNDO},
        )
