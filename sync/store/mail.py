"""Mailboxes, copies, mails, bodies, threads as they come in: transaction 1, and the runs that list history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Exists, Row, delete, exists, func, select, union, update
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import MailMessage, Place, Unreadable
from mappings.model import Direction, Erased, Facts, Reason
from mappings.reading import Reading
from mappings.reading.copies import joined
from sync.coverage import LEFT_OUT
from sync.erase import cleaned
from sync.model import VerdictState
from sync.schema import tables as t
from sync.store import codec
from sync.store.db import Database
from sync.store.joining import mark_dirty, merge_threads, put_words, thread_of
from sync.store.marks import marks_of
from sync.threads import keys_of

BACKFILL = "backfill"  # the kind of a run that takes in historic mail
TWIN_WINDOW = timedelta(minutes=2)
RESYNCS_KEPT = timedelta(days=1)


class CopyState(StrEnum):
    WANTED = "wanted"  # listed and not read yet: found missing by a count, or asked for again
    READ = "read"
    UNREADABLE = "unreadable"
    GONE = "gone"


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


@dataclass(frozen=True, slots=True)
class Kept:
    """One fetched mail with what reading made of it."""

    message: MailMessage
    reading: Reading


class MailStore:
    """All SQL about incoming mail."""

    def __init__(self, db: Database, seal: codec.Seal) -> None:
        self._db = db
        self._seal = seal

    # ------------------------------------------------------------------------------------------------------- mailboxes

    async def mailbox(self, name: str) -> Mailbox | None:
        with self._db.read() as c:
            row = c.execute(select(t.mailboxes).where(t.mailboxes.c.name == name)).one_or_none()
        return None if row is None else _mailbox(row)

    async def mailboxes(self) -> tuple[Mailbox, ...]:
        with self._db.read() as c:
            return tuple(_mailbox(row) for row in c.execute(select(t.mailboxes).order_by(t.mailboxes.c.name)))

    async def open_mailbox(
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

    async def restart_mailbox(self, name: str, cursor: str, since: datetime, now: datetime) -> None:
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
                _mark_gone(c, name, provider_id)

    # ---------------------------------------------------------------------------------------------------- transaction 1

    async def unknown(
        self, mailbox: str, ids: Sequence[str], *, again: bool = False, undone: bool = False
    ) -> tuple[str, ...]:
        """Those of `ids`, in their order and once each, that still have to be read.

        With `again`, mails that were gone when last asked for are asked for once more: a feed has told of them. With
        `undone`, those that an undo has taken back are read anew: a backfill asks for them.
        """
        open_ = (CopyState.WANTED, CopyState.GONE) if again else (CopyState.WANTED,)
        known: set[str] = set()
        wanted = list(dict.fromkeys(ids))
        with self._db.read() as c:
            for start in range(0, len(wanted), 500):
                chunk = wanted[start : start + 500]
                query = select(t.copies.c.provider_id).where(
                    t.copies.c.mailbox == mailbox,
                    t.copies.c.provider_id.in_(chunk),
                    t.copies.c.state.not_in(open_),
                )
                if undone:
                    query = query.where((t.copies.c.state != CopyState.READ) | ~_is_undone())
                known.update(c.execute(query).scalars())
        return tuple(i for i in wanted if i not in known)

    async def want(self, mailbox: str, ids: Sequence[str], now: datetime) -> None:
        """Ask for mails to be read that no feed has told of, or that could not be read before."""
        with self._db.tx("want") as c:
            for provider_id in ids:
                _put_copy(c, mailbox=mailbox, provider_id=provider_id, state=CopyState.WANTED, seen_at=now)

    async def wanted(self, mailbox: str) -> tuple[str, ...]:
        query = (
            select(t.copies.c.provider_id)
            .where(t.copies.c.mailbox == mailbox, t.copies.c.state == CopyState.WANTED)
            .order_by(t.copies.c.provider_id)
        )
        with self._db.read() as c:
            return tuple(c.execute(query).scalars())

    async def unreadable(self, *, left_out: bool = False) -> tuple[tuple[str, str, str], ...]:
        """(mailbox, provider id, reason) of every mail that could not be read; `left_out`: or was not, on purpose."""
        kept_back = () if left_out else LEFT_OUT
        query = (
            select(t.copies.c.mailbox, t.copies.c.provider_id, t.copies.c.reason)
            .where(
                t.copies.c.state == CopyState.UNREADABLE,
                func.coalesce(t.copies.c.reason, "").not_in(kept_back),
            )
            .order_by(t.copies.c.mailbox, t.copies.c.provider_id)
        )
        with self._db.read() as c:
            return tuple((row.mailbox, row.provider_id, row.reason or "") for row in c.execute(query))

    async def keep(
        self,
        mailbox: str,
        kept: Sequence[Kept],
        *,
        unreadable: Sequence[Unreadable],
        gone: Sequence[str],
        targets: Sequence[str],
        now: datetime,
        run: int | None = None,
    ) -> None:
        """Transaction 1: facts, identity, copy and dirty thread of every mail, together."""
        with self._db.tx("keep") as c:
            if run is not None and _undone_run(c, run):
                return  # the page was on its way when somebody undid its run
            live_from = c.execute(select(t.mailboxes.c.live_from).where(t.mailboxes.c.name == mailbox)).scalar_one()
            marks = marks_of(c)
            for one in kept:
                known = replace(one, reading=cleaned(one.reading, marks.gone, marks.of)) if marks else one
                self._keep_one(c, mailbox, known, targets, live_from, now, run)
            for bad in unreadable:
                _put_copy(
                    c,
                    mailbox=mailbox,
                    provider_id=bad.id,
                    state=CopyState.UNREADABLE,
                    reason=bad.reason,
                    received_at=bad.received_at,
                    seen_at=now,
                    run=run,
                )
            for provider_id in gone:
                _put_copy(c, mailbox=mailbox, provider_id=provider_id, state=CopyState.GONE, seen_at=now, run=run)
            if run is not None:
                c.execute(update(t.runs).where(t.runs.c.id == run).values(read=t.runs.c.read + len(kept)))

    def _keep_one(
        self,
        c: Connection,
        mailbox: str,
        one: Kept,
        targets: Sequence[str],
        live_from: datetime,
        now: datetime,
        run: int | None,
    ) -> None:
        message, reading = one.message, one.reading
        live = message.received_at >= live_from
        identity = _known_identity(c, mailbox, reading) or reading.facts.identity
        thread = thread_of(c, keys_of(reading.facts, mailbox, message.thread_id), now)
        old = c.execute(select(t.mails).where(t.mails.c.identity == identity)).one_or_none()
        if old is None:
            c.execute(
                insert(t.mails).values(
                    identity=identity,
                    facts=codec.facts.dump(reading.facts),
                    reader=reading.facts.reader,
                    sent_at=reading.facts.sent_at,
                    thread=thread,
                    live=live,
                    seen_at=now,
                    twin_from=reading.twin.from_,
                    twin_subject=reading.twin.subject,
                    twin_text=reading.twin.text_hash,
                )
            )
        else:
            _join_facts(c, old, reading)
            thread = merge_threads(c, (old.thread, thread)) if old.thread != thread else thread
        if live:
            c.execute(update(t.mails).where(t.mails.c.identity == identity).values(live=True))
        anew = c.execute(delete(t.verdicts).where(t.verdicts.c.mail == identity, t.verdicts.c.reason == Reason.UNDONE))
        self._put_body(c, identity, reading, now)
        _put_copy(
            c,
            mailbox=mailbox,
            provider_id=message.id,
            mail=identity,
            state=CopyState.READ,
            received_at=message.received_at,
            place=message.place.value,
            labels=codec.words.dump(() if reading.facts.erased is Erased.MAIL else message.labels),
            live=live,
            seen_at=now,
            run=run,
        )
        if anew.rowcount:
            here = (t.copies.c.mailbox == mailbox) & (t.copies.c.provider_id == message.id)
            c.execute(update(t.copies).where(here).values(run=run))
        put_words(c, thread, reading)
        for target in targets:
            mark_dirty(c, thread, target)

    def _put_body(self, c: Connection, identity: str, reading: Reading, now: datetime) -> None:
        if reading.facts.direction is Direction.INTERNAL or reading.facts.erased is Erased.MAIL:
            return  # never logged, so never needed
        sealed = self._seal.close(reading.text, reading.html)
        c.execute(insert(t.bodies).values(mail=identity, sealed=sealed, kept_since=now).on_conflict_do_nothing())

    # ----------------------------------------------------------------------------------------------------------- bodies

    async def body(self, mail: str) -> tuple[str, str] | None:
        """(text, html) while it is kept."""
        with self._db.read() as c:
            sealed = c.execute(select(t.bodies.c.sealed).where(t.bodies.c.mail == mail)).scalar_one_or_none()
        return None if sealed is None else self._seal.open(sealed)

    async def put_body(self, mail: str, text: str, html: str, now: datetime) -> None:
        """Keep a body that was fetched again."""
        row = {"sealed": self._seal.close(text, html), "kept_since": now}
        with self._db.tx("put_body") as c:
            statement = insert(t.bodies).values(mail=mail, **row)
            c.execute(statement.on_conflict_do_update(index_elements=["mail"], set_=row))

    async def copies_of(self, mail: str) -> tuple[tuple[str, str], ...]:
        """(mailbox, provider id) of every copy that is still believed to exist."""
        query = (
            select(t.copies.c.mailbox, t.copies.c.provider_id)
            .where(t.copies.c.mail == mail, t.copies.c.state == CopyState.READ)
            .order_by(t.copies.c.mailbox, t.copies.c.provider_id)
        )
        with self._db.read() as c:
            return tuple((row.mailbox, row.provider_id) for row in c.execute(query))

    async def mark_gone(self, mailbox: str, provider_ids: Sequence[str]) -> None:
        with self._db.tx("mark_gone") as c:
            for provider_id in provider_ids:
                _mark_gone(c, mailbox, provider_id)

    async def drop_bodies(self, older_than: datetime) -> int:
        """Delete bodies that nothing waits for, or that are too old; returns how many. The disk forgets them too."""
        needed = union(
            select(t.items.c.mail).where(t.items.c.state.in_(("ready", "sending", "unknown"))),
            select(t.verdicts.c.mail).where(t.verdicts.c.state == VerdictState.WAITING),
            select(t.mails.c.identity).join(t.cases, t.cases.c.thread == t.mails.c.thread).where(t.cases.c.dirty),
        )
        stale = (t.bodies.c.kept_since < older_than) | t.bodies.c.mail.not_in(needed)
        with self._db.tx("drop_bodies") as c:
            gone = c.execute(delete(t.bodies).where(stale)).rowcount
        if gone:
            self._db.truncate_wal()
        return gone

    async def drop_waiting(self, older_than: datetime, now: datetime) -> int:
        """Mail that has waited too long for its customer is excluded with that reason; what it said is forgotten."""
        where = (
            (t.verdicts.c.state == VerdictState.WAITING)
            & (t.verdicts.c.mail == t.mails.c.identity)
            & (t.mails.c.seen_at < older_than)
        )
        with self._db.tx("drop_waiting") as c:
            mails = c.execute(select(t.mails.c.identity).where(where).distinct()).scalars().all()
            for mail in mails:
                c.execute(
                    update(t.verdicts)
                    .where(t.verdicts.c.mail == mail, t.verdicts.c.state == VerdictState.WAITING)
                    .values(state=VerdictState.EXCLUDED, reason=Reason.WAITED_TOO_LONG, decided_at=now)
                )
                _strip(c, mail)
        return len(mails)

    async def drop_facts(self, older_than: datetime) -> int:
        """Forget what old mails said; their identity, time and kind stay, so that they are never doubled or missing."""
        open_items = select(t.items.c.mail).where(t.items.c.state.in_(("ready", "sending", "unknown", "parked")))
        query = select(t.mails.c.identity).where(
            t.mails.c.seen_at < older_than, t.mails.c.twin_from != "", t.mails.c.identity.not_in(open_items)
        )
        with self._db.tx("drop_facts") as c:
            mails = c.execute(query).scalars().all()
            for mail in mails:
                _strip(c, mail)
        return len(mails)

    # ------------------------------------------------------------------------------------------------------------- runs

    async def add_run(self, kind: str, mailbox: str, since: datetime, until: datetime, now: datetime) -> int:
        """Ask for a listing of [since, until); the same open window is not asked for twice. Returns the run's id.

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
            if _undone_run(c, run):
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
    same = select(t.runs.c.id).where(
        t.runs.c.mailbox == mailbox, t.runs.c.kind == kind, ~t.runs.c.done, t.runs.c.since == since
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


def _undone_run(c: Connection, run: int) -> bool:
    """Whether a run was undone, so that it is over whatever it still finds."""
    query = select(t.runs.c.id).where(t.runs.c.id == run, t.runs.c.undone_at.is_not(None))
    return c.execute(query).first() is not None


def _is_undone() -> Exists:
    """Whether an undo has taken a copy's mail out of some CRM."""
    return exists().where(t.verdicts.c.mail == t.copies.c.mail, t.verdicts.c.reason == Reason.UNDONE)


def _put_copy(c: Connection, **row: object) -> None:
    update_ = {k: v for k, v in row.items() if k not in {"mailbox", "provider_id", "seen_at", "run"}}
    if "mail" in update_:
        update_.setdefault("reason", None)
    c.execute(
        insert(t.copies).values(**row).on_conflict_do_update(index_elements=["mailbox", "provider_id"], set_=update_)
    )


def _strip(c: Connection, mail: str) -> None:
    facts = codec.facts.load(c.execute(select(t.mails.c.facts).where(t.mails.c.identity == mail)).scalar_one())
    bare = Facts(identity=mail, reader=facts.reader, sent_at=facts.sent_at, direction=facts.direction, kind=facts.kind)
    c.execute(
        update(t.mails)
        .where(t.mails.c.identity == mail)
        .values(facts=codec.facts.dump(bare), twin_from="", twin_subject="", twin_text="")
    )
    c.execute(delete(t.bodies).where(t.bodies.c.mail == mail))


def _mark_gone(c: Connection, mailbox: str, provider_id: str) -> None:
    c.execute(
        update(t.copies)
        .where(t.copies.c.mailbox == mailbox, t.copies.c.provider_id == provider_id)
        .values(state=CopyState.GONE)
    )


def _known_identity(c: Connection, mailbox: str, reading: Reading) -> str | None:
    """The identity this copy joins, if the mail is known under its own or, with a rewritten Message-ID, under another.

    A mailbox that holds the other one already has two mails, not two copies of one: the same words sent twice.
    """
    own = reading.facts.identity
    if c.execute(select(t.mails.c.identity).where(t.mails.c.identity == own)).scalar_one_or_none():
        return own
    if not reading.twin.text_hash:
        return None  # an erased person's: nothing is left to know it by
    here = select(t.copies.c.mail).where(t.copies.c.mailbox == mailbox, t.copies.c.mail.is_not(None))
    twin = (
        select(t.mails.c.identity)
        .where(
            t.mails.c.twin_from == reading.twin.from_,
            t.mails.c.twin_text == reading.twin.text_hash,
            t.mails.c.twin_subject == reading.twin.subject,
            t.mails.c.sent_at.between(reading.facts.sent_at - TWIN_WINDOW, reading.facts.sent_at + TWIN_WINDOW),
            t.mails.c.identity.not_in(here),
        )
        .order_by(t.mails.c.sent_at, t.mails.c.identity)
    )
    found: str | None = c.execute(twin).scalars().first()
    return found


def _join_facts(c: Connection, old: Row[tuple[object, ...]], reading: Reading) -> None:
    """Add what another copy tells to a mail that is known; what has been forgotten stays so.

    A mail that seemed to concern an erased person alone is taken as the copy that names others shows it.
    """
    known, copy, twin = codec.facts.load(old.facts), reading.facts, reading.twin
    if known.erased is Erased.MAIL and copy.erased is not Erased.MAIL:
        row = {"twin_from": twin.from_, "twin_subject": twin.subject, "twin_text": twin.text_hash}
        facts = codec.facts.dump(replace(copy, identity=known.identity))
        c.execute(update(t.mails).where(t.mails.c.identity == old.identity).values(facts=facts, **row))
        return
    both = joined(known, copy)
    if both != known and old.twin_from:
        c.execute(update(t.mails).where(t.mails.c.identity == old.identity).values(facts=codec.facts.dump(both)))


def mail_copies(c: Connection, mails: Sequence[str]) -> dict[str, list[tuple[str, Place, tuple[str, ...]]]]:
    """(mailbox, place, labels) of the copies of some mails."""
    found: dict[str, list[tuple[str, Place, tuple[str, ...]]]] = {}
    query = (
        select(t.copies)
        .where(t.copies.c.mail.in_(mails), t.copies.c.place.is_not(None))
        .order_by(t.copies.c.mailbox, t.copies.c.provider_id)
    )
    for row in c.execute(query):
        found.setdefault(row.mail, []).append((row.mailbox, Place(row.place), codec.words.load(row.labels)))
    return found
