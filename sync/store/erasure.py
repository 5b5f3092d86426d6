"""What there is of a person: in the state file, in the CRM by our writes, and as the CRM's own records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select

from connectors.base.model import (
    CreateTask,
    Customer,
    LogEmail,
    RecordKind,
    RecordRef,
    Remove,
    Write,
    WriteKind,
)
from mappings.model import Erased, Facts, Own
from mappings.reading.participants import is_ours
from sync.erase import Fate, Gone, Held, Kept, alone_in, bare, fate_of, names, without
from sync.model import ON_ITS_WAY, ItemState
from sync.schema import tables as t
from sync.store import codec
from sync.store.accounts import Accounts
from sync.store.marks import Marks, key_of, marks_of
from sync.store.mirror import adopted
from sync.store.outbox import ERASE
from sync.undo import Way

LOGS = (WriteKind.LOG_EMAIL, WriteKind.LINK_EMAIL)
PEOPLE = (RecordKind.CONTACT, RecordKind.LEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What erasing would do, or has not done, with one write."""

    item: str
    target: str
    kind: WriteKind
    mail: str
    record: str
    url: str
    way: Way
    why: Kept | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record of the CRM's own that bears the person's address: a person erases it there."""

    target: str
    ref: RecordRef
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One person's erasure as it would be, or is: `asked_at` is None for one that nobody has asked for yet."""

    addresses: tuple[str, ...]  # in clear as long as anything is
    asked_at: datetime | None
    done_at: datetime | None
    mails: int  # that concern the person alone
    shared: int  # mails in which others take part
    items: tuple[Planned, ...]
    records: tuple[Record, ...]


# ---------------------------------------------------------------------------------------------------------- who it is


def person_of(c: Connection, mark: str) -> str | None:
    """The mark of the person whose address bears a mark."""
    found: str | None = c.execute(select(t.erased.c.person).where(t.erased.c.mark == mark)).scalar_one_or_none()
    return found


def marked_person(c: Connection, address: str) -> str:
    held = key_of(c)
    mark = Marks(held, frozenset()).of(address) if held else ""
    return person_of(c, mark) or mark


def aliases(c: Connection, address: str, ours: Own) -> tuple[str, ...]:
    """Further addresses of the contacts and leads that bear an address; not ours, nor what somebody else bears too."""
    rows = [row for _, row in bearing(c, (address,)) if row.ref.kind in PEOPLE]
    own = {row.ref for row in rows}
    others = sorted({email for row in rows for email in row.emails if "@" in email and email != address})
    return tuple(one for one in others if not is_ours(one, ours) and {row.ref for _, row in bearing(c, (one,))} <= own)


def bearing(c: Connection, words: Sequence[str]) -> list[tuple[str, Customer]]:
    """(target, row) of the mirror's rows that bear one of these addresses or marks, merged and deleted ones too."""
    query = (
        select(t.customers)
        .where(or_(*(holds(t.customers.c.row, word) for word in words)))
        .order_by(t.customers.c.target, t.customers.c.kind, t.customers.c.id)
    )
    found = [(row.target, codec.customer.load(row.row)) for row in c.execute(query)] if words else []
    return [(target, row) for target, row in found if set(row.emails) & set(words)]


def holds(column: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """Whether stored JSON holds a text as a whole."""
    return column.contains(json.dumps(word, ensure_ascii=False), autoescape=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything that the steps of a transaction, or a plan, must know. `clear` are addresses with their person."""

    clear: Mapping[str, str]
    gone: Gone
    marks: Marks | None
    refs: frozenset[tuple[str, RecordRef]]  # with their target
    own: Own

    def at(self, target: str) -> frozenset[RecordRef]:
        """The person's records in one CRM."""
        return frozenset(ref for where, ref in self.refs if where == target)


def work_of(c: Connection, own: Own) -> Work | None:
    """None when nothing is open."""
    rows = c.execute(select(t.erased).where(t.erased.c.address.is_not(None)).order_by(t.erased.c.mark)).all()
    marks = marks_of(c)
    if not rows or marks is None:
        return None
    clear = {row.address: row.person for row in rows}
    return Work(clear=clear, gone=marks.gone, marks=marks, refs=refs_of(c, (*clear, *map(marks.of, clear))), own=own)


def refs_of(c: Connection, words: Sequence[str]) -> frozenset[tuple[str, RecordRef]]:
    """The contacts and leads of these addresses or marks, each with its target."""
    return frozenset((target, row.ref) for target, row in bearing(c, words) if row.ref.kind in PEOPLE)


# ------------------------------------------------------------------------------------------------------ what names them


def naming(addresses: Sequence[str]) -> Select[tuple[object, ...]]:
    """Mails whose facts name one of these."""
    named = [holds(t.mails.c.facts, address) for address in addresses]
    return select(t.mails).where(or_(t.mails.c.twin_from.in_(addresses), *named)).order_by(t.mails.c.identity)


def certainly_without(facts: Facts, work: Work) -> Facts:
    """Facts that a search for the address no longer finds, whatever field it stood in."""
    left = without(facts, work.gone)
    text = codec.facts.dump(left)
    return bare(facts) if any(json.dumps(a, ensure_ascii=False) in text for a in work.clear) else left


def concerned(write: Write, target: str, facts: Facts | None, work: Work) -> bool:
    """Every write of a mail of his alone; of another, its log and what names the person."""
    if facts is not None and facts.erased is Erased.MAIL:
        return True
    shared = facts is not None and facts.erased is Erased.PERSON
    if isinstance(write, CreateTask) and shared and facts is not None and not facts.author.email:
        return True  # to answer somebody who was erased
    return (shared and write.kind in LOGS) or names(write, work.gone, work.at(target))


def row_names(row: Row[tuple[object, ...]], address: str) -> bool:
    """Whether a row of `naming` is there because of this address."""
    return row.twin_from == address or json.dumps(address, ensure_ascii=False) in row.facts


def facts_of(c: Connection, mail: str) -> Facts | None:
    text = c.execute(select(t.mails.c.facts).where(t.mails.c.identity == mail)).scalar_one_or_none()
    return None if text is None else codec.facts.load(text)


def naming_items(c: Connection, work: Work) -> list[Row[tuple[object, ...]]]:
    """Writes that name a person although their mail's facts do not (any more)."""
    words = [t.items.c.write.contains(address, autoescape=True) for address in work.clear]
    query = select(t.items).where(t.items.c.erased.is_(None), t.items.c.undoes.is_(None), or_(*words))
    rows = c.execute(query.order_by(t.items.c.seq))
    return [row for row in rows if names(codec.write.load(row.write), work.gone, work.at(row.target))]


class Look:
    """What must be known around the items."""

    def __init__(self, c: Connection) -> None:
        self._c = c
        self.accounts = Accounts(c)

    def held(self, row: Row[tuple[object, ...]], facts: Facts | None) -> Held:
        kind = WriteKind(row.kind)
        whole = facts is not None and facts.erased is Erased.MAIL
        return Held(
            kind=kind,
            state=ItemState(row.state),
            sent=row.first_sent_at is not None,
            effect=row.effect,
            note=row.note,
            alone=whole or kind in (WriteKind.CREATE_TASK, WriteKind.CREATE_CUSTOMER),
            adopted=kind is WriteKind.CREATE_CUSTOMER and adopted(self._c, row.target, row.record),
        )


# ----------------------------------------------------------------------------------------------------------- the plan


def erasure_of(c: Connection, address: str, own: Own) -> Erasure:
    """Looks only: what is erased already, and what would be."""
    person = marked_person(c, address)
    rows = (
        c.execute(select(t.erased).where(t.erased.c.person == person).order_by(t.erased.c.mark)).all() if person else []
    )
    clear = dict.fromkeys((address, *aliases(c, address, own)), person)
    marks = tuple(row.mark for row in rows)
    refs = refs_of(c, (*clear, *marks))
    work = Work(clear=clear, gone=lambda one: one in clear, marks=None, refs=refs, own=own)
    mails, shared, items = _would(c, work)
    gone_by = [_outcome(c, row) for row in _taken(c, person)] if person else []
    writes = (*items, *gone_by)
    return Erasure(
        addresses=tuple(clear),
        asked_at=min((row.asked_at for row in rows), default=None),
        done_at=None if any(row.done_at is None for row in rows) else max((row.done_at for row in rows), default=None),
        mails=mails,
        shared=shared,
        items=writes,
        records=_records(c, (*clear, *marks), writes),
    )


def _would(c: Connection, work: Work) -> tuple[int, int, list[Planned]]:
    """How many mails are the person's alone, how many are others' too, and what would become of their writes."""
    look, seen = Look(c), set()
    found: list[tuple[Row[tuple[object, ...]], Facts | None]] = []
    counts = {Erased.MAIL: 0, Erased.PERSON: 0}
    for mail in c.execute(naming(tuple(work.clear))).all():
        facts = certainly_without(codec.facts.load(mail.facts), work)
        counts[facts.erased or Erased.PERSON] += 1
        seen.add(mail.identity)
        found += [
            (row, facts)
            for row in items_of(c, mail.identity)
            if concerned(codec.write.load(row.write), row.target, facts, work)
        ]
    there = {row.key for row, _ in found}
    for row in naming_items(c, work):
        if row.key in there:
            continue
        write, known = codec.write.load(row.write), facts_of(c, row.mail)
        if isinstance(write, LogEmail) and known is not None and row.mail not in seen:
            seen.add(row.mail)
            known = bare(known) if alone_in(write, work.gone, work.own) else known
            counts[known.erased or Erased.PERSON] += 1
        found.append((row, known))
    planned = [_planned(row, fate_of(look.held(row, facts), look.accounts.can(row.target))) for row, facts in found]
    return counts[Erased.MAIL], counts[Erased.PERSON], planned


def items_of(c: Connection, mail: str) -> Sequence[Row[tuple[object, ...]]]:
    query = select(t.items).where(t.items.c.mail == mail, t.items.c.undoes.is_(None), t.items.c.erased.is_(None))
    return c.execute(query.order_by(t.items.c.seq)).all()


def _taken(c: Connection, person: str) -> Sequence[Row[tuple[object, ...]]]:
    return c.execute(select(t.items).where(t.items.c.erased == person).order_by(t.items.c.seq)).all()


def _planned(row: Row[tuple[object, ...]], fate: Fate, record: str = "") -> Planned:
    return Planned(
        item=row.key,
        target=row.target,
        kind=WriteKind(row.kind),
        mail=row.mail,
        record=record or row.record,
        url=row.url,
        way=fate.way,
        why=fate.why,
    )


def _outcome(c: Connection, row: Row[tuple[object, ...]]) -> Planned:
    """What has become of a write that an erasure has noted."""
    look = Look(c)
    counter = c.execute(
        select(t.items).where(t.items.c.undoes == row.key, t.items.c.rule == ERASE).order_by(t.items.c.seq.desc())
    ).first()
    removed = codec.write.load(counter.write) if counter is not None else None
    record = removed.record if isinstance(removed, Remove) else ""
    if counter is None or row.state == ItemState.DROPPED:
        return _planned(row, fate_of(look.held(row, facts_of(c, row.mail)), look.accounts.can(row.target)), record)
    return _planned(row, Fate(Way.WAIT) if counter.state in ON_ITS_WAY else Fate(Way.STAY, Kept.REFUSED), record)


def _records(c: Connection, words: Sequence[str], writes: Sequence[Planned]) -> tuple[Record, ...]:
    """The contacts and leads that stay for a person to erase; those that we made and take away are none."""
    ours = {
        (one.target, one.record) for one in writes if one.kind is WriteKind.CREATE_CUSTOMER and one.way is not Way.STAY
    }
    return tuple(
        Record(target=target, ref=row.ref, url=row.url)
        for target, row in bearing(c, words)
        if row.ref.kind in PEOPLE and not row.deleted and row.merged_into is None and (target, row.ref.id) not in ours
    )
