"""Mailboxes with the position each is read up to, and the runs that list their history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from sync.schema import tables as t
from sync.store import codec
from sync.store.copies import set_gone
from sync.store.db import Database

BACKFILL = "backfill"  # the kind of a run that takes in historic mail
RESYNCS_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """What the store remembers of a mailbox. Mail received from `live_from` on may cause tasks and moves."""

    name: str
    account: str
    addresses: tuple[str, ...]
    cursor: str | None
    cursor_at: datetime | None
    live_from: datetime
    covered_from: datetime
    resyncs: int
    resynced: tuple[datetime, ...] = ()  # when the cursor was given up in the last day


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One listing of history for one mailbox, page by page."""

    id: int
    kind: str
    mailbox: str
    since: datetime
    until: datetime
    page: str | None
    listed: int
    read: int
    done: bool


class MailboxStore:
    """All SQL about mailboxes and their runs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # ------------------------------------------------------------------------------------------------------- mailboxes

    async def get(self, name: str) -> Mailbox | None:
        with self._db.read() as c:
            row = c.execute(select(t.mailboxes).where(t.mailboxes.c.name == name)).one_or_none()
        return None if row is None else _mailbox(row)

    async def all(self) -> tuple[Mailbox, ...]:
        with self._db.read() as c:
            return tuple(_mailbox(row) for row in c.execute(select(t.mailboxes).order_by(t.mailboxes.c.name)))

    async def addresses(self) -> frozenset[str]:
        """Every address that the provider of any mailbox has told of."""
        return frozenset(address for mailbox in await self.all() for address in mailbox.addresses)

    async def open(
        self,
        name: str,
        *,
        account: str,
        addresses: Sequence[str],
        cursor: str,
        now: datetime,
        start: datetime | None = None,
    ) -> None:
        """Start a mailbox at `cursor`, with a backfill from `start` on, in one transaction.

        One that is known keeps its position and gets its new account and addresses.
        """
        row = {"account": account, "addresses": codec.words.dump(tuple(addresses))}
        with self._db.tx("open_mailbox") as c:
            known = c.execute(select(t.mailboxes.c.name).where(t.mailboxes.c.name == name)).one_or_none()
            if known is not None:
                c.execute(update(t.mailboxes).where(t.mailboxes.c.name == name).values(**row))
                return
            c.execute(
                insert(t.mailboxes).values(
                    name=name, cursor=cursor, cursor_at=now, live_from=now, covered_from=now, resyncs=0, **row
                )
            )
            if start is not None and start < now:
                _add_run(c, BACKFILL, name, start, now, now)

    async def restart(self, name: str, cursor: str, since: datetime, now: datetime) -> None:
        """After an expired cursor: a new position, and a run over the gap, in one transaction."""
        with self._db.tx("restart_mailbox") as c:
            known = _mailbox(c.execute(select(t.mailboxes).where(t.mailboxes.c.name == name)).one())
            times = [m.isoformat() for m in (*known.resynced, now) if now - m < RESYNCS_KEPT]
            c.execute(
                update(t.mailboxes)
                .where(t.mailboxes.c.name == name)
                .values(cursor=cursor, cursor_at=now, resyncs=t.mailboxes.c.resyncs + 1, resynced=json.dumps(times))
            )
            _add_run(c, "resync", name, since, now, now)

    async def advance(self, name: str, cursor: str, removed: Sequence[str], now: datetime) -> None:
        """Store a position whose page has been kept, and what it says was removed."""
        with self._db.tx("advance") as c:
            c.execute(
                update(t.mailboxes).where(t.mailboxes.c.name == name).values(cursor=cursor, cursor_at=now, resyncs=0)
            )
            for provider_id in removed:
                set_gone(c, name, provider_id)

    # ------------------------------------------------------------------------------------------------------------- runs

    async def add_run(self, kind: str, mailbox: str, since: datetime, until: datetime, now: datetime) -> int:
        """Ask for a listing of [since, until); the same open window is not asked for twice. Returns the run's id.

        The same is one that reaches as far, or to the moment when it was asked for: what came since is live mail.
        The mailbox is answerable for everything from `since` on as soon as the run exists.
        """
        with self._db.tx("add_run") as c:
            return _add_run(c, kind, mailbox, since, until, now)

    async def open_run(self, mailbox: str) -> Run | None:
        """The first of `open_runs`."""
        return next(iter(await self.open_runs(mailbox)), None)

    async def open_runs(self, mailbox: str) -> tuple[Run, ...]:
        """The runs that are not done, oldest first; a resync before any backfill."""
        query = (
            select(t.runs)
            .where(t.runs.c.mailbox == mailbox, ~t.runs.c.done)
            .order_by(t.runs.c.kind != "resync", t.runs.c.id)
        )
        with self._db.read() as c:
            return tuple(_run(row) for row in c.execute(query))

    async def runs(self, ids: Sequence[int] | None = None) -> tuple[Run, ...]:
        query = select(t.runs).order_by(t.runs.c.id)
        if ids is not None:
            query = query.where(t.runs.c.id.in_(ids))
        with self._db.read() as c:
            return tuple(_run(row) for row in c.execute(query))

    async def turn_page(self, run: int, page: str | None, listed: int, now: datetime) -> None:
        """A page of a run is kept: remember the next, or that it was the last."""
        with self._db.tx("turn_page") as c:
            if undone_run(c, run):
                return
            done = page is None
            c.execute(
                update(t.runs)
                .where(t.runs.c.id == run)
                .values(page=page, listed=t.runs.c.listed + listed, done=done, ended_at=now if done else None)
            )

    async def restart_run(self, run: int) -> None:
        """The provider no longer takes the page token: list the window again from its first page."""
        with self._db.tx("restart_run") as c:
            c.execute(update(t.runs).where(t.runs.c.id == run).values(page=None, listed=0))


# ----------------------------------------------------------------------------------------------------------------- rows


def _mailbox(row: object) -> Mailbox:
    values = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001 - SQLAlchemy's public name for a row's dict
    resynced = tuple(datetime.fromisoformat(moment) for moment in json.loads(values["resynced"]))
    return Mailbox(**{**values, "addresses": codec.words.load(values["addresses"]), "resynced": resynced})


def _run(row: object) -> Run:
    values = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    return Run(**{name: values[name] for name in Run.__slots__})


def _add_run(c: Connection, kind: str, mailbox: str, since: datetime, until: datetime, now: datetime) -> int:
    same = (
        select(t.runs.c.id)
        .where(t.runs.c.mailbox == mailbox, t.runs.c.kind == kind, ~t.runs.c.done, t.runs.c.since == since)
        .where(or_(t.runs.c.until >= until, t.runs.c.until >= t.runs.c.created_at))
    )
    if (known := c.execute(same).scalars().first()) is not None:
        return int(known)
    c.execute(
        update(t.mailboxes)
        .where(t.mailboxes.c.name == mailbox, t.mailboxes.c.covered_from > since)
        .values(covered_from=since)
    )
    statement = insert(t.runs).values(
        kind=kind, mailbox=mailbox, since=since, until=until, page=None, listed=0, read=0, done=False, created_at=now
    )
    return int(c.execute(statement.returning(t.runs.c.id)).scalar_one())


def undone_run(c: Connection, run: int) -> bool:
    """Whether a run was undone, so that it is over whatever it still finds."""
    query = select(t.runs.c.id).where(t.runs.c.id == run, t.runs.c.undone_at.is_not(None))
    return c.execute(query).first() is not None
