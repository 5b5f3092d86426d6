"""Mails as they come in: transaction 1, what has still to be read, and what is forgotten of them in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import MailMessage, Unreadable
from mappings.model import Erased, Reason
from mappings.reading import Reading
from mappings.reading.copies import joined
from sync.coverage import LEFT_OUT
from sync.erase import bare, cleaned
from sync.model import ON_ITS_WAY, ItemState, VerdictState
from sync.schema import tables as t
from sync.store import codec
from sync.store.bodies import keep_body
from sync.store.copies import CopyState, is_undone, put_copy, set_gone
from sync.store.db import Database
from sync.store.joining import mark_dirty, merge_threads, put_words, thread_of
from sync.store.mailboxes import undone_run
from sync.store.marks import marks_of
from sync.threads import keys_of

TWIN_WINDOW = timedelta(minutes=2)


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
                    query = query.where((t.copies.c.state != CopyState.READ) | ~is_undone())
                known.update(c.execute(query).scalars())
        return tuple(i for i in wanted if i not in known)

    async def want(self, mailbox: str, ids: Sequence[str], now: datetime) -> None:
        """Ask for mails to be read that no feed has told of, or that could not be read before."""
        with self._db.tx("want") as c:
            for provider_id in ids:
                put_copy(c, mailbox=mailbox, provider_id=provider_id, state=CopyState.WANTED, seen_at=now)

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
            if run is not None and undone_run(c, run):
                return  # the page was on its way when somebody undid its run
            live_from = c.execute(select(t.mailboxes.c.live_from).where(t.mailboxes.c.name == mailbox)).scalar_one()
            marks = marks_of(c)
            for one in kept:
                known = replace(one, reading=cleaned(one.reading, marks.gone, marks.of)) if marks else one
                self._keep_one(c, mailbox, known, targets, live_from, now, run)
            for bad in unreadable:
                put_copy(
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
                put_copy(c, mailbox=mailbox, provider_id=provider_id, state=CopyState.GONE, seen_at=now, run=run)
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
        keep_body(c, self._seal, identity, reading, now)
        put_copy(
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

    # ---------------------------------------------------------------------------------------------------------- copies

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
                set_gone(c, mailbox, provider_id)

    # ------------------------------------------------------------------------------------------------------ forgetting

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
        open_items = select(t.items.c.mail).where(t.items.c.state.in_((*ON_ITS_WAY, ItemState.PARKED)))
        query = select(t.mails.c.identity).where(
            t.mails.c.seen_at < older_than, t.mails.c.twin_from != "", t.mails.c.identity.not_in(open_items)
        )
        with self._db.tx("drop_facts") as c:
            mails = c.execute(query).scalars().all()
            for mail in mails:
                _strip(c, mail)
        return len(mails)


# ----------------------------------------------------------------------------------------------------------------- rows


def _strip(c: Connection, mail: str) -> None:
    facts = codec.facts.load(c.execute(select(t.mails.c.facts).where(t.mails.c.identity == mail)).scalar_one())
    c.execute(
        update(t.mails)
        .where(t.mails.c.identity == mail)
        .values(facts=codec.facts.dump(bare(facts, Erased.NOTHING)), twin_from="", twin_subject="", twin_text="")
    )
    c.execute(delete(t.bodies).where(t.bodies.c.mail == mail))


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
