"""Dirty threads, what a decision looks at, and transaction 2: link, verdicts and outbox items together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Exists, Select, and_, exists, func, select, update
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import Customer, Deal, LinkEmail, LogEmail, RecordKind, RecordRef, User, WriteKind
from mappings.match import questions
from mappings.model import CopyFacts, Directory, Facts, Reason, ThreadLink
from sync.model import (
    Decision,
    Intent,
    ItemState,
    ItemView,
    MailboxPolicy,
    TargetView,
    ThreadMail,
    ThreadView,
    Verdict,
    VerdictState,
)
from sync.outbox import pause
from sync.schema import tables as t
from sync.store import codec
from sync.store.copies import mail_copies
from sync.store.db import Database
from sync.store.doubt import Lost, doubt_of
from sync.store.drops import drop_unsent
from sync.store.journal import note
from sync.store.links import index_link
from sync.store.mailboxes import undone_run
from sync.store.manifest import run_of, work_run
from sync.store.mirror import Feed

# A thread is decided on its newest mails, and on as many older ones that are not decided yet or wait; the rest is
# logged already and changes nothing.
THREAD_BOUND = 400


@dataclass(frozen=True, slots=True)
class Case:
    """One thread at one target that is due to be decided."""

    thread: int
    target: str


class ThreadStore:
    """All SQL about deciding."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._users: dict[str, tuple[datetime | None, tuple[User, ...]]] = {}
        self._work: int | None = None  # the run that what live mail causes belongs to

    async def wake(self, now: datetime) -> int:
        """Timers that have rung make their threads dirty; returns how many."""
        with self._db.read() as c:
            due = select(func.count()).select_from(t.cases).where(t.cases.c.wake_at <= now)
            if not c.execute(due).scalar_one():
                return 0
        with self._db.tx("wake") as c:
            return c.execute(update(t.cases).where(t.cases.c.wake_at <= now).values(dirty=True, wake_at=None)).rowcount

    async def reconsider(self, target: str, *, since: datetime) -> None:
        """Have decided anew what was decided after that moment."""
        with self._db.tx("reconsider") as c:
            here = and_(t.cases.c.target == target, t.cases.c.decided_at >= since)
            c.execute(update(t.cases).where(here).values(dirty=True))

    async def next_wake(self) -> datetime | None:
        with self._db.read() as c:
            return c.execute(select(t.cases.c.wake_at).order_by(t.cases.c.wake_at.nulls_last()).limit(1)).scalar()

    async def dirty(self, targets: Sequence[str], limit: int) -> tuple[Case, ...]:
        """Dirty cases of targets that are ready, those with live mail first."""
        live = select(t.mails.c.identity).where(t.mails.c.thread == t.cases.c.thread, t.mails.c.live).exists()
        query = (
            select(t.cases.c.thread, t.cases.c.target)
            .where(t.cases.c.dirty, t.cases.c.target.in_(targets))
            .order_by(live.desc(), t.cases.c.thread, t.cases.c.target)
            .limit(limit)
        )
        with self._db.read() as c:
            return tuple(Case(row.thread, row.target) for row in c.execute(query))

    async def view(self, case: Case, target: TargetView, policies: Mapping[str, MailboxPolicy]) -> ThreadView | None:
        """Everything one decision may look at, read in one go; None once the thread has become part of another."""
        with self._db.read() as c:
            link_text = c.execute(
                select(t.cases.c.link).where(t.cases.c.thread == case.thread, t.cases.c.target == case.target)
            ).scalar_one_or_none()
            if link_text is None:
                return None
            mails = _mails(c, case)
            link = codec.link.load(link_text)
            items = _items(c, case)
            facts, users = [m.facts for m in mails], self._all_users(c, case.target)
            return ThreadView(
                thread=str(case.thread),
                mails=mails,
                link=link,
                items=items,
                directory=_directory(c, case.target, facts, link, items, users),
                target=target,
                policies=policies,
            )

    def _all_users(self, c: Connection, target: str) -> tuple[User, ...]:
        """The target's users, read once a refresh: a company may have thousands, and every decision asks for them."""
        query = select(t.feeds.c.as_of).where(t.feeds.c.target == target, t.feeds.c.feed == Feed.USERS)
        as_of = c.execute(query).scalar_one_or_none()
        kept = self._users.get(target)
        if kept is None or kept[0] != as_of:
            rows = c.execute(select(t.users.c.row).where(t.users.c.target == target).order_by(t.users.c.id)).scalars()
            kept = self._users[target] = as_of, tuple(codec.user.load(row) for row in rows)
        return kept[1]

    async def unasked(self, case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Addresses and domains of live mail newer than the mirror, of which the mirror knows nothing."""
        with self._db.read() as c:
            as_of = _as_of(c, case.target)
            query = select(t.mails).where(t.mails.c.thread == case.thread, t.mails.c.live)
            if as_of is not None:
                query = query.where(t.mails.c.seen_at > as_of)
            fresh = [codec.facts.load(row.facts) for row in c.execute(query.order_by(t.mails.c.identity))]
            addresses, domains = questions(fresh)
            known = _known_words(c, case.target, [*addresses, *(f"@{d}" for d in domains)])
        return tuple(a for a in addresses if a not in known), tuple(d for d in domains if f"@{d}" not in known)

    async def decided(self, case: Case, decision: Decision, *, now: datetime, rules: str = "") -> None:
        """Transaction 2: the thread's link, each mail's verdict, the outbox items, and the thread clean.

        `rules` tells one set of rules from another, for the manifest of a change of rules.
        """
        with self._db.tx("decided") as c:
            query = select(t.mails.c.identity, t.mails.c.live).where(t.mails.c.thread == case.thread)
            live = {row.identity: row.live for row in c.execute(query)}
            before = _still_open(c, case, len(live))
            for verdict in decision.verdicts:
                _put_verdict(c, case, verdict, now)
            for key, reason in decision.drops:
                drop_unsent(c, key, reason, now)
            doubt = doubt_of(c) if decision.intents else None
            lost = Lost(c, case.target, doubt) if doubt else None
            # What comes after an undo of this process's work is not to be taken back with it.
            work = None if self._work is None or undone_run(c, self._work) else self._work
            for intent in decision.intents:
                history = not live.get(intent.mail, True)
                if not history and work is None:
                    work = work_run(c, rules, now)
                run = run_of(c, intent.mail) if history else work
                _put_item(c, case, intent, history=history, run=run, now=now, lost=lost)
            after = _still_open(c, case, len(live))
            c.execute(
                update(t.cases)
                .where(t.cases.c.thread == case.thread, t.cases.c.target == case.target)
                .values(
                    # Whoever is still open and could not be seen is seen next, as long as that leads anywhere.
                    dirty=any(0 < left < once for left, once in zip(after, before, strict=True)),
                    link=codec.link.dump(decision.link),
                    wake_at=decision.wake_at,
                    decided_at=now,
                )
            )
            index_link(c, case.thread, case.target, decision.link)
        self._work = work or self._work  # not before it is on the disk: the number would become another run's

    async def set_aside(self, case: Case, *, until: datetime, now: datetime) -> None:
        """A thread that cannot be decided is parked with that reason and tried again later; the others go on."""
        with self._db.tx("set_aside") as c:
            mails = c.execute(select(t.mails.c.identity).where(t.mails.c.thread == case.thread)).scalars().all()
            for mail in mails:
                statement = insert(t.verdicts).values(
                    mail=mail,
                    target=case.target,
                    state="parked",
                    reason=Reason.UNDECIDABLE,
                    evidence="[]",
                    decided_at=now,
                )
                c.execute(statement.on_conflict_do_nothing())
            c.execute(
                update(t.cases)
                .where(t.cases.c.thread == case.thread, t.cases.c.target == case.target)
                .values(dirty=False, wake_at=until)
            )


def dirty_case(c: Connection, thread: int, target: str) -> None:
    c.execute(update(t.cases).where(t.cases.c.thread == thread, t.cases.c.target == target).values(dirty=True))


def _mails(c: Connection, case: Case) -> tuple[ThreadMail, ...]:
    newest = (
        select(t.mails)
        .where(t.mails.c.thread == case.thread, ~_undone(case))
        .order_by(t.mails.c.sent_at.desc(), t.mails.c.identity.desc())
        .limit(THREAD_BOUND)
    )
    rows = list(c.execute(newest).all())
    if len(rows) == THREAD_BOUND:
        older = _open_mails(case).where(t.mails.c.identity.not_in([row.identity for row in rows]))
        # Those without a verdict first, so that a long thread comes to an end.
        order = (t.verdicts.c.state.is_not(None), t.mails.c.sent_at.desc(), t.mails.c.identity.desc())
        rows += c.execute(older.order_by(*order).limit(THREAD_BOUND)).all()
    rows.sort(key=lambda row: (row.sent_at, row.identity))
    copies = mail_copies(c, [row.identity for row in rows])
    found = []
    for row in rows:
        facts = codec.facts.load(row.facts)
        own = tuple(CopyFacts(mailbox, place, labels) for mailbox, place, labels in copies.get(row.identity, ()))
        found.append(ThreadMail(facts=facts, copies=own, live=row.live))
    return tuple(found)


def _undone(case: Case) -> Exists:
    """Whether an undo took a mail back: it is then as if it had never been read."""
    own = (t.verdicts.c.mail == t.mails.c.identity) & (t.verdicts.c.target == case.target)
    return exists().where(own, t.verdicts.c.reason == Reason.UNDONE)


def _open_mails(case: Case) -> Select[tuple[object, ...]]:
    """The case's mails that have no verdict yet, or wait."""
    verdict = (t.verdicts.c.mail == t.mails.c.identity) & (t.verdicts.c.target == case.target)
    return (
        select(t.mails)
        .outerjoin(t.verdicts, verdict)
        .where(t.mails.c.thread == case.thread)
        .where(t.verdicts.c.state.is_(None) | (t.verdicts.c.state == VerdictState.WAITING))
    )


def _still_open(c: Connection, case: Case, size: int) -> tuple[int, int]:
    """How many mails of a thread that is too long to be seen whole lack a verdict, and how many lack one or wait."""
    if size <= THREAD_BOUND:
        return 0, 0
    found = _open_mails(case).with_only_columns(t.verdicts.c.state)
    states = c.execute(found).scalars().all()
    return states.count(None), len(states)


def _items(c: Connection, case: Case) -> tuple[ItemView, ...]:
    """The thread's items. One that was dropped because its record went is left out: it may be decided anew."""
    query = (
        select(t.items)
        .where(t.items.c.thread == case.thread, t.items.c.target == case.target)
        .where((t.items.c.state != ItemState.DROPPED) | (t.items.c.reason != Reason.RECORD_GONE))
        .where(t.items.c.undoes.is_(None))
        .order_by(t.items.c.seq)
    )
    return tuple(
        ItemView(
            key=row.key,
            state=ItemState(row.state),
            write=codec.write.load(row.write),
            rule=row.rule,
            mail=row.mail,
            record=row.record,
            ended_at=row.ended_at,
        )
        for row in c.execute(query)
    )


def _as_of(c: Connection, target: str) -> datetime | None:
    """When every feed of the mirror was last seen to its end."""
    query = select(t.feeds.c.as_of, t.feeds.c.complete).where(t.feeds.c.target == target)
    rows = c.execute(query).all()
    moments: list[datetime] = [row.as_of for row in rows if row.complete and row.as_of]
    return min(moments) if moments and len(moments) == len(rows) else None


def _directory(
    c: Connection,
    target: str,
    facts: Sequence[Facts],
    link: ThreadLink,
    items: Sequence[ItemView],
    users: tuple[User, ...],
) -> Directory:
    addresses, domains = questions(facts)
    by_word = _customers_by_word(c, target, [*addresses, *(f"@{d}" for d in domains)])
    linked = _records(c, target, link.customers)
    records = {customer.ref for found in by_word.values() for customer in found}
    records |= {customer.company for found in by_word.values() for customer in found if customer.company}
    records |= {customer.ref for customer in linked} | {customer.company for customer in linked if customer.company}
    deal_ids = _deal_ids(c, target, records) | ({link.deal} if link.deal else set())
    return Directory(
        by_address={a: by_word[a] for a in addresses if a in by_word},
        by_domain={d: by_word[f"@{d}"] for d in domains if f"@{d}" in by_word},
        deals=_deals(c, target, deal_ids),
        users=users,
        # What a mail was logged on counts for its winner, also when the thread has long been linked with that one.
        records=_records(c, target, [*link.customers, *_written_on(items)]),
        as_of=_as_of(c, target),
    )


def _written_on(items: Sequence[ItemView]) -> tuple[RecordRef, ...]:
    """The records that mails of a thread were logged on."""
    writes = (item.write for item in items)
    return tuple(sorted({p.ref for w in writes if isinstance(w, LogEmail | LinkEmail) for p in w.participants}))


def _records(c: Connection, target: str, refs: Sequence[RecordRef]) -> tuple[Customer, ...]:
    """Rows by reference, and the winners of those that were merged."""
    found: dict[RecordRef, Customer] = {}
    wanted = list(refs)
    while wanted:
        ref = wanted.pop()
        if ref in found:
            continue
        query = select(t.customers.c.row).where(
            t.customers.c.target == target, t.customers.c.kind == ref.kind, t.customers.c.id == ref.id
        )
        text = c.execute(query).scalar_one_or_none()
        if text is None:
            continue
        found[ref] = codec.customer.load(text)
        if (winner := found[ref].merged_into) is not None:
            wanted.append(winner)
    return tuple(found[ref] for ref in sorted(found))


def _customers_by_word(c: Connection, target: str, words: Sequence[str]) -> dict[str, tuple[Customer, ...]]:
    found: dict[str, list[Customer]] = {}
    for start in range(0, len(words), 400):
        query = (
            select(t.customer_words.c.word, t.customers.c.row)
            .join(
                t.customers,
                (t.customers.c.target == t.customer_words.c.target)
                & (t.customers.c.kind == t.customer_words.c.kind)
                & (t.customers.c.id == t.customer_words.c.id),
            )
            .where(t.customer_words.c.target == target, t.customer_words.c.word.in_(words[start : start + 400]))
            .order_by(t.customer_words.c.word, t.customers.c.kind, t.customers.c.id)
        )
        for row in c.execute(query):
            found.setdefault(row.word, []).append(codec.customer.load(row.row))
    return {word: tuple(customers) for word, customers in found.items()}


def _known_words(c: Connection, target: str, words: Sequence[str]) -> set[str]:
    return set(_customers_by_word(c, target, words))


def _deal_ids(c: Connection, target: str, records: Iterable[RecordRef]) -> set[str]:
    found: set[str] = set()
    for kind in RecordKind:
        ids = sorted(r.id for r in records if r.kind is kind)
        if not ids:
            continue
        query = select(t.deal_records.c.deal).where(
            t.deal_records.c.target == target, t.deal_records.c.kind == kind, t.deal_records.c.id.in_(ids)
        )
        found.update(c.execute(query).scalars())
    return found


def _deals(c: Connection, target: str, ids: set[str]) -> tuple[Deal, ...]:
    if not ids:
        return ()
    query = select(t.deals.c.row).where(t.deals.c.target == target, t.deals.c.id.in_(sorted(ids)))
    return tuple(codec.deal.load(row) for row in c.execute(query.order_by(t.deals.c.id)).scalars())


def _put_verdict(c: Connection, case: Case, verdict: Verdict, now: datetime) -> None:
    row = {
        "state": verdict.state.value,
        "reason": verdict.reason.value if verdict.reason else None,
        "evidence": codec.evidence.dump(verdict.evidence),
        "decided_at": now,
    }
    statement = insert(t.verdicts).values(mail=verdict.mail, target=case.target, **row)
    c.execute(statement.on_conflict_do_update(index_elements=["mail", "target"], set_=row))


def _gone_before(c: Connection, key: str) -> int:
    """How often an item was dropped because its record was gone; 0 for one that was not."""
    query = select(t.items.c.tries).where(
        t.items.c.key == key, t.items.c.state == ItemState.DROPPED, t.items.c.reason == Reason.RECORD_GONE
    )
    return c.execute(query).scalar_one_or_none() or 0


def _waits(c: Connection, key: str) -> bool:
    """Whether an item is there and ready: it has been looked up, if that was needed."""
    query = select(t.items.c.key).where(t.items.c.key == key, t.items.c.state == ItemState.READY)
    return c.execute(query).first() is not None


def _put_item(
    c: Connection, case: Case, intent: Intent, *, history: bool, run: int | None, now: datetime, lost: Lost | None
) -> None:
    """A new item, or a new wording of one that has not been sent. One that was sent is never touched.

    What a lost future may have sent begins as unknown, so that it is looked up first.
    """
    row = {
        "write": codec.write.dump(intent.write),
        "rule": intent.rule,
        "evidence": codec.evidence.dump(intent.evidence),
        "order_key": intent.order_key,
        "needs": json.dumps(intent.needs),
        "thread": case.thread,
        "state": ItemState.READY,
        "reason": None,
        "ended_at": None,
        "run": run,
        "undo": None,
    }
    kind = WriteKind(intent.write.kind)
    tries = _gone_before(c, intent.write.key)
    if tries:
        # The mirror may not know yet what the record became; asking the vendor at once again would be in vain.
        row["due_at"] = now + pause(tries)
    if lost and not _waits(c, intent.write.key):
        row |= lost.first_state(kind, intent.mail, now)
    statement = insert(t.items).values(
        key=intent.write.key,
        target=case.target,
        kind=kind,
        mail=intent.mail,
        history=history,
        created_at=now,
        **({"due_at": now} | row),
    )
    fresh = t.items.c.first_sent_at.is_(None) & t.items.c.state.in_((ItemState.READY, ItemState.DROPPED))
    anew = (t.items.c.state == ItemState.DROPPED) & (t.items.c.reason == Reason.RECORD_GONE)
    c.execute(statement.on_conflict_do_update(index_elements=["key"], set_=row, where=fresh | anew))
    note(
        c,
        "item.decided",
        now,
        target=case.target,
        thread=case.thread,
        mail=intent.mail,
        item=intent.write.key,
        details={"kind": kind.value, "rule": intent.rule},
    )
