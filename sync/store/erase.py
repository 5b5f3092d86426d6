"""Erasing a person from the state file, and what becomes of the writes that concern him or her.

An erasure is open while its address stands in `erased.address`: whatever was cut, the same steps find what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, text, union, update
from sqlalchemy.dialects.sqlite import insert as upsert

from connectors.base.model import LogEmail, Remove, WriteKind
from mappings.match import questions
from mappings.model import Erased, Facts, Own, Reason
from sync.erase import alone_in, bare, emptied, fate_of, shortened
from sync.keys import key
from sync.model import ON_ITS_WAY, ItemState, VerdictState
from sync.schema import tables as t
from sync.store import codec
from sync.store.db import Database
from sync.store.drops import drop_dependents
from sync.store.erasure import (
    Erasure,
    Look,
    Work,
    aliases,
    bearing,
    certainly_without,
    concerned,
    erasure_of,
    facts_of,
    marked_person,
    naming,
    naming_items,
    person_of,
    row_names,
    work_of,
)
from sync.store.journal import note
from sync.store.marks import Marks, marks_of, new_key
from sync.store.mirror import put_rows
from sync.store.outbox import ERASE
from sync.threads import keys_of
from sync.undo import Way

AT_ONCE = 100  # mails or items a transaction
# As stored: the times of another file are not read on the way.
_ADOPT = "INSERT OR IGNORE INTO erased VALUES (:mark, :person, :address, :asked_at, :done_at)"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an erasure is: writes, those on their way, and whether the state file is rid of the address."""

    items: int
    open: int
    done: bool


class EraseStore:
    """All SQL about erasing."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def look(self, address: str, own: Own) -> Erasure:
        """What erasing would do, together with what it has done."""
        with self._db.read() as c:
            return erasure_of(c, address, own)

    async def mailboxes(self, address: str, own: Own) -> tuple[str, ...]:
        """Where mails lie that name the person."""
        with self._db.read() as c:
            mails = naming((address, *aliases(c, address, own))).with_only_columns(t.mails.c.identity).order_by(None)
            query = select(t.copies.c.mailbox).distinct().where(t.copies.c.mail.in_(mails))
            return tuple(c.execute(query.order_by(t.copies.c.mailbox)).scalars())

    async def begin(self, address: str, own: Own, now: datetime, fresh_key: bytes) -> None:
        """From now on nothing of the person is taken in. `fresh_key` makes marks where nobody was erased before."""
        with self._db.tx("erase_begin") as c:
            marks = Marks(new_key(c, fresh_key), frozenset())
            person = person_of(c, marks.of(address)) or marks.of(address)
            for one in (address, *aliases(c, address, own)):
                row = {"person": person, "address": one, "asked_at": now, "done_at": None}
                again = {"address": one, "done_at": None}
                statement = upsert(t.erased).values(mark=marks.of(one), **row)
                c.execute(statement.on_conflict_do_update(index_elements=["mark"], set_=again))

    async def adopt(self, key: str, rows: Sequence[tuple[str | None, ...]]) -> None:
        """Who was erased from the file that this one replaces is erased from this one too, as its steps go on.

        `rows` are (mark, person, address, asked_at, done_at) as they are stored. Addresses that an older copy still
        holds are known again by their marks.
        """
        if not key:
            return
        with self._db.tx("erase_adopt") as c:
            if new_key(c, bytes.fromhex(key)).hex() != key:
                return  # two files that never were one
            for row in rows:
                values = dict(zip(("mark", "person", "address", "asked_at", "done_at"), row, strict=True))
                c.execute(text(_ADOPT), values)
            marks = marks_of(c)
            words = union(select(t.thread_words.c.word), select(t.customer_words.c.word))
            for address in c.execute(words.order_by("word")).scalars().all():
                if marks is not None and marks.gone(address):
                    here = t.erased.c.mark == marks.of(address)
                    c.execute(update(t.erased).where(here).values(address=address, done_at=None))

    async def advance(self, own: Own, now: datetime) -> bool:
        """Take the next step of whatever is open; False when all that has settled is erased."""
        with self._db.tx("erase_advance") as c:
            work = work_of(c, own)
            if work is None:
                return False
            return (
                _hide_records(c, work)
                or _forget_mails(c, work, now)
                or _name_items(c, work, now)
                or _take_up(c, work, now)
            )

    async def finish(self, now: datetime) -> bool:
        """Once nothing names the person: write the file anew and empty its log. False while something is left.

        Raises `StateFull`.
        """
        with self._db.tx("erase_finish") as c:
            waits = select(t.items.c.erased).where(t.items.c.erased.is_not(None), t.items.c.erased_at.is_(None))
            done = t.erased.c.done_at.is_(None) & t.erased.c.person.not_in(waits)
            c.execute(update(t.erased).where(done).values(address=None))
            over = c.execute(select(t.erased.c.mark).where(done)).scalars().all()
            left = c.execute(select(t.erased.c.mark).where(t.erased.c.done_at.is_(None))).scalars().all()
        if over:
            self._db.vacuum()
            if not self._db.truncate_wal():
                return False
            with self._db.tx("erase_finished") as c:
                c.execute(update(t.erased).where(t.erased.c.mark.in_(over)).values(done_at=now))
        return len(over) == len(left)

    async def open(self) -> bool:
        """Whether an erasure is under way."""
        with self._db.read() as c:
            return c.execute(select(t.erased.c.mark).where(t.erased.c.done_at.is_(None))).first() is not None

    async def standing(self, address: str) -> Standing:
        with self._db.read() as c:
            person = marked_person(c, address)
            mine = select(t.items.c.key).where(t.items.c.erased == person)
            total = _count(c, mine)
            waits = _count(c, mine.where(t.items.c.erased_at.is_(None)))
            removals = select(t.items.c.key).where(
                t.items.c.undoes.in_(mine), t.items.c.rule == ERASE, t.items.c.state.in_(ON_ITS_WAY)
            )
            undone = select(t.erased.c.mark).where(t.erased.c.person == person, t.erased.c.done_at.is_(None))
            return Standing(total, waits + _count(c, removals), c.execute(undone).first() is None)


def _count(c: Connection, query: Select[tuple[str]]) -> int:
    return int(c.execute(select(func.count()).select_from(query.subquery())).scalar_one())


# --------------------------------------------------------------------------------------------------------- the mirror


def _hide_records(c: Connection, work: Work) -> bool:
    """Rows of the mirror keep id and marks; threads belong to these people no longer."""
    rows = bearing(c, tuple(work.clear))
    for target, row in rows:
        put_rows(c, target, [row])  # which hides them, now that there are marks
    return bool(rows)


# ---------------------------------------------------------------------------------------------------------- the mails


def _forget_mails(c: Connection, work: Work, now: datetime) -> bool:
    """The next mails that name a person: facts are shortened or emptied, and their writes are noted."""
    rows = c.execute(naming(tuple(work.clear)).limit(AT_ONCE)).all()
    threads: set[int] = set()
    for row in rows:
        facts = codec.facts.load(row.facts)
        person = next((work.clear[a] for a in work.clear if row_names(row, a)), min(work.clear.values()))
        _put_facts(c, work, row, certainly_without(facts, work), now)
        _note_items(c, work, row.identity, person)
        threads.add(row.thread)
    for thread in sorted(threads):
        _put_words(c, thread)
        c.execute(update(t.cases).where(t.cases.c.thread == thread).values(dirty=True))
    return bool(rows)


def _put_facts(c: Connection, work: Work, row: Row[tuple[object, ...]], facts: Facts, now: datetime) -> None:
    assert work.marks is not None  # noqa: S101 - only a plan has none
    values: dict[str, object] = {"facts": codec.facts.dump(facts)}
    if row.twin_from and work.gone(row.twin_from):
        values["twin_from"] = work.marks.of(row.twin_from)
    if facts.erased is Erased.MAIL:
        values |= {"twin_from": "", "twin_subject": "", "twin_text": ""}
        _empty_mail(c, codec.facts.load(row.facts), now)
    c.execute(update(t.mails).where(t.mails.c.identity == row.identity).values(**values))


def _empty_mail(c: Connection, facts: Facts, now: datetime) -> None:
    """Of a mail that concerned the person alone only its count stays; others' answers find their thread without it."""
    mail, own = facts.identity, keys_of(replace(facts, references=()), "", "")
    c.execute(delete(t.bodies).where(t.bodies.c.mail == mail))
    c.execute(delete(t.journal).where(t.journal.c.mail == mail))
    c.execute(delete(t.thread_keys).where(t.thread_keys.c.key.in_(own)))
    c.execute(update(t.copies).where(t.copies.c.mail == mail).values(labels="[]"))
    verdict = {"state": VerdictState.EXCLUDED, "reason": Reason.ERASED, "evidence": "[]", "decided_at": now}
    c.execute(update(t.verdicts).where(t.verdicts.c.mail == mail).values(**verdict))


def _put_words(c: Connection, thread: int) -> None:
    """A thread's words anew, from what its mails still say."""
    texts = c.execute(select(t.mails.c.facts).where(t.mails.c.thread == thread)).scalars()
    addresses, domains = questions([codec.facts.load(text) for text in texts])
    c.execute(delete(t.thread_words).where(t.thread_words.c.thread == thread))
    words = [{"word": word, "thread": thread} for word in (*addresses, *(f"@{domain}" for domain in domains))]
    if words:
        c.execute(insert(t.thread_words), words)


# ---------------------------------------------------------------------------------------------------------- the items


def _note_items(c: Connection, work: Work, mail: str, person: str) -> None:
    """Remember which writes of a mail concern the person; they are taken up when they have settled."""
    facts = facts_of(c, mail)
    query = select(t.items).where(t.items.c.mail == mail, t.items.c.undoes.is_(None), t.items.c.erased.is_(None))
    keys = [
        row.key for row in c.execute(query).all() if concerned(codec.write.load(row.write), row.target, facts, work)
    ]
    c.execute(update(t.items).where(t.items.c.key.in_(keys)).values(erased=person))


def _name_items(c: Connection, work: Work, now: datetime) -> bool:
    rows = naming_items(c, work)[:AT_ONCE]
    for row in rows:
        write = codec.write.load(row.write)
        person = next((work.clear[a] for a in work.clear if a in row.write), min(work.clear.values()))
        facts = facts_of(c, row.mail)
        forgotten = isinstance(write, LogEmail) and alone_in(write, work.gone, work.own)
        if forgotten and facts is not None and not facts.erased:
            mail = c.execute(select(t.mails).where(t.mails.c.identity == row.mail)).one()
            _put_facts(c, work, mail, bare(facts), now)
            _note_items(c, work, row.mail, person)
        c.execute(update(t.items).where(t.items.c.key == row.key).values(erased=person))
    return bool(rows)


def _take_up(c: Connection, work: Work, now: datetime) -> bool:
    """The next writes that have settled: their contents go, and a removal is sent for what may be removed."""
    on_its_way = t.items.c.state.in_((ItemState.SENDING, ItemState.UNKNOWN)) | (
        (t.items.c.state == ItemState.READY) & t.items.c.first_sent_at.is_not(None)
    )
    query = (
        select(t.items)
        .where(t.items.c.erased.is_not(None), t.items.c.erased_at.is_(None), ~on_its_way)
        .order_by(t.items.c.seq.desc())
        .limit(AT_ONCE)
    )
    rows = c.execute(query).all()
    look = Look(c)
    for row in rows:
        _erase_item(c, work, look, row, now)
    return bool(rows)


def _erase_item(c: Connection, work: Work, look: Look, row: Row[tuple[object, ...]], now: datetime) -> None:
    facts = facts_of(c, row.mail)
    held = look.held(row, facts)
    fate = fate_of(held, look.accounts.can(row.target))
    write = codec.write.load(row.write)
    left = emptied(write) if held.alone else shortened(write, work.gone, work.at(row.target))
    here = row.key
    if held.kind is WriteKind.CREATE_CUSTOMER and work.marks is not None:
        here = work.marks.of(row.key)  # the key was made from the address
        left = replace(left, key=here)
    values: dict[str, object] = {
        "key": here,
        "write": codec.write.dump(left),
        "order_key": "" if row.order_key.startswith("address:") else row.order_key,
        "erased_at": now,
        # A look for a second record compares what is no longer known.
        "look_again_at": None,
    }
    if held.alone:
        values["evidence"] = "[]"
        c.execute(delete(t.journal).where(t.journal.c.item == row.key))
    if fate.way is Way.DROP and row.state in (ItemState.READY, ItemState.PARKED):
        # What others are to have as well is decided anew without the erased.
        values |= {"state": ItemState.DROPPED, "reason": Reason.ERASED, "ended_at": now}
    c.execute(update(t.items).where(t.items.c.key == row.key).values(**values))
    if "state" in values:
        drop_dependents(c, row.key, now)
    if fate.way is Way.REMOVE:
        _send_removal(c, look, row, here, now)


def _send_removal(c: Connection, look: Look, row: Row[tuple[object, ...]], item: str, now: datetime) -> None:
    account = look.accounts.id(row.target)
    write = Remove(
        key=key(account, WriteKind.REMOVE, item, row.record, ERASE), made_by=WriteKind(row.kind), record=row.record
    )
    values = {
        "key": write.key,
        "target": row.target,
        "kind": write.kind,
        "thread": row.thread,
        "mail": row.mail,
        "state": ItemState.READY,
        "history": row.history,
        "write": codec.write.dump(write),
        "rule": ERASE,
        "evidence": "[]",
        "order_key": "",
        "needs": "[]",
        "due_at": now,
        "created_at": now,
        "undoes": item,
    }
    c.execute(upsert(t.items).values(**values).on_conflict_do_nothing(index_elements=["key"]))
    details = {"kind": write.kind.value, "rule": ERASE}
    note(c, "item.decided", now, target=row.target, thread=row.thread, mail=row.mail, item=write.key, details=details)
