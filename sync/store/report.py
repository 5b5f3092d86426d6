"""What an operator, a probe or a count may ask: fates, sums, parked items, lanes, and the story of one mail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import Write, WriteKind
from mappings.model import Evidence, Facts, Reason
from sync.coverage import LEFT_OUT, Coverage, Fate, Whereabouts, delivery, fate
from sync.model import ItemState
from sync.schema import tables as t
from sync.store import codec
from sync.store.copies import CopyState
from sync.store.coverage import dump, load
from sync.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """How a lane is: `running`, `waiting` (until) or `paused` (a person must act; `hint` says how)."""

    name: str
    state: str
    code: str
    hint: str
    until: datetime | None
    beat_at: datetime
    failures: int
    trouble_since: datetime | None = None  # kept by the store: when it last went well, unless it does now


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReport:
    """An outbox item as a person wants to see it."""

    key: str
    target: str
    kind: WriteKind
    mail: str
    state: ItemState
    rule: str
    evidence: tuple[Evidence, ...]
    write: Write
    reason: str
    detail: str
    record: str
    effect: str
    url: str
    note: str
    tries: int
    created_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    at: datetime
    event: str
    item: str
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictReport:
    """What was decided of one mail at one target, and why."""

    target: str
    state: str
    reason: str
    evidence: tuple[Evidence, ...]
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReport:
    """The whole story of one mail."""

    identity: str
    facts: Facts
    thread: int
    live: bool
    copies: tuple[tuple[str, str, str], ...]  # mailbox, provider id, state
    verdicts: tuple[VerdictReport, ...]
    items: tuple[ItemReport, ...]
    journal: tuple[JournalLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    mailbox: str
    counted_at: datetime
    since: datetime
    until: datetime
    coverage: Coverage


class ReportStore:
    """All SQL that only looks, and the small writes of lanes and counts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # --------------------------------------------------------------------------------------------------------- coverage

    async def fates(self, mailbox: str, ids: Sequence[str]) -> dict[str, Fate]:
        """Where each listed id is; ids that nobody has read are left out."""
        found: dict[str, Fate] = {}
        with self._db.read() as c:
            for start in range(0, len(ids), 400):
                found |= _fates(c, mailbox, ids[start : start + 400])
        return found

    async def put_coverage(self, report: CoverageReport) -> None:
        row = {
            "counted_at": report.counted_at,
            "since": report.since,
            "until": report.until,
            "sums": dump(report.coverage),
        }
        with self._db.tx("put_coverage") as c:
            statement = insert(t.coverage).values(mailbox=report.mailbox, **row)
            c.execute(statement.on_conflict_do_update(index_elements=["mailbox"], set_=row))

    async def coverage(self) -> tuple[CoverageReport, ...]:
        """The last count of every mailbox."""
        with self._db.read() as c:
            rows = c.execute(select(t.coverage).order_by(t.coverage.c.mailbox)).all()
        return tuple(
            CoverageReport(
                mailbox=row.mailbox,
                counted_at=row.counted_at,
                since=row.since,
                until=row.until,
                coverage=load(row.sums),
            )
            for row in rows
        )

    # ------------------------------------------------------------------------------------------------------------ lanes

    async def put_lane(self, state: LaneState) -> None:
        row = {name: getattr(state, name) for name in LaneState.__slots__ if name != "name"}
        with self._db.tx("put_lane") as c:
            since = c.execute(select(t.lanes.c.trouble_since).where(t.lanes.c.name == state.name)).scalar()
            row["trouble_since"] = None if state.state == "running" else since or state.beat_at
            statement = insert(t.lanes).values(name=state.name, **row)
            c.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))

    async def lanes(self) -> tuple[LaneState, ...]:
        with self._db.read() as c:
            rows = c.execute(select(t.lanes).order_by(t.lanes.c.name)).all()
        return tuple(LaneState(**row._mapping) for row in rows)  # noqa: SLF001 - public in SQLAlchemy

    # ------------------------------------------------------------------------------------------------------------ items

    async def counts(self) -> dict[tuple[str, str, str], int]:
        """(target, kind, state) -> number of items."""
        query = (
            select(t.items.c.target, t.items.c.kind, t.items.c.state, func.count())
            .group_by(t.items.c.target, t.items.c.kind, t.items.c.state)
            .order_by(t.items.c.target, t.items.c.kind, t.items.c.state)
        )
        with self._db.read() as c:
            return {(target, kind, state): n for target, kind, state, n in c.execute(query)}

    async def mails_read(self) -> int:
        """How many mails of all mailboxes have been read, each copy by itself."""
        with self._db.read() as c:
            query = select(func.count()).select_from(t.copies).where(t.copies.c.state == CopyState.READ)
            return int(c.execute(query).scalar_one())

    async def items(self, states: Sequence[ItemState], limit: int = 1000) -> tuple[ItemReport, ...]:
        """Items in some states, in the order they were decided."""
        query = select(t.items).where(t.items.c.state.in_(states)).order_by(t.items.c.seq).limit(limit)
        with self._db.read() as c:
            return tuple(_item(row) for row in c.execute(query))

    # ---------------------------------------------------------------------------------------------------------- explain

    async def find(self, words: str, limit: int = 20) -> tuple[str, ...]:
        """Identities a person may mean: an identity's beginning, a Message-ID, a provider id, an item's key.

        The mail of a Message-ID comes before those that refer to it.
        """
        bare = words.strip().strip("<>")
        own = t.mails.c.facts.contains(f'"message_id":{json.dumps(bare, ensure_ascii=False)}', autoescape=True)
        with self._db.read() as c:
            found = c.execute(
                select(t.mails.c.identity)
                .where(
                    t.mails.c.identity.startswith(bare, autoescape=True)
                    | t.mails.c.identity.in_(select(t.copies.c.mail).where(t.copies.c.provider_id == bare))
                    | t.mails.c.identity.in_(select(t.items.c.mail).where(t.items.c.key == bare))
                    | t.mails.c.facts.contains(json.dumps(bare, ensure_ascii=False), autoescape=True)
                )
                .order_by(own.desc(), t.mails.c.sent_at.desc(), t.mails.c.identity)
                .limit(limit)
            )
            return tuple(found.scalars())

    async def explain(self, identity: str) -> MailReport | None:
        with self._db.read() as c:
            row = c.execute(select(t.mails).where(t.mails.c.identity == identity)).one_or_none()
            if row is None:
                return None
            copies = c.execute(select(t.copies).where(t.copies.c.mail == identity).order_by(t.copies.c.mailbox)).all()
            verdicts = c.execute(select(t.verdicts).where(t.verdicts.c.mail == identity).order_by(t.verdicts.c.target))
            items = c.execute(select(t.items).where(t.items.c.mail == identity).order_by(t.items.c.seq)).all()
            lines = c.execute(
                select(t.journal)
                .where((t.journal.c.mail == identity) | t.journal.c.item.in_([i.key for i in items]))
                .order_by(t.journal.c.seq)
            )
            return MailReport(
                identity=identity,
                facts=codec.facts.load(row.facts),
                thread=row.thread,
                live=row.live,
                copies=tuple((copy.mailbox, copy.provider_id, copy.state) for copy in copies),
                verdicts=tuple(
                    VerdictReport(
                        target=v.target,
                        state=v.state,
                        reason=v.reason or "",
                        evidence=codec.evidence.load(v.evidence),
                        decided_at=v.decided_at,
                    )
                    for v in verdicts
                ),
                items=tuple(_item(item) for item in items),
                journal=tuple(
                    JournalLine(at=n.at, event=n.event, item=n.item or "", details=json.loads(n.details)) for n in lines
                ),
            )


def _fates(c: Connection, mailbox: str, ids: Sequence[str]) -> dict[str, Fate]:
    query = (
        select(
            t.copies.c.provider_id,
            t.copies.c.state,
            t.copies.c.reason.label("copy_reason"),
            t.cases.c.target,
            t.verdicts.c.state.label("verdict"),
            t.verdicts.c.reason.label("verdict_reason"),
            t.items.c.state.label("item_state"),
            t.items.c.reason.label("item_reason"),
        )
        .select_from(t.copies)
        .outerjoin(t.mails, t.mails.c.identity == t.copies.c.mail)
        .outerjoin(t.cases, t.cases.c.thread == t.mails.c.thread)
        .outerjoin(t.verdicts, (t.verdicts.c.mail == t.mails.c.identity) & (t.verdicts.c.target == t.cases.c.target))
        .outerjoin(
            t.items,
            (t.items.c.mail == t.mails.c.identity)
            & (t.items.c.target == t.cases.c.target)
            & (t.items.c.kind == WriteKind.LOG_EMAIL),
        )
        .where(t.copies.c.mailbox == mailbox, t.copies.c.provider_id.in_(ids))
    )
    by_id: dict[str, list[Fate]] = {}
    for row in c.execute(query):
        if row.state == CopyState.UNREADABLE:
            reason = row.copy_reason or Reason.MAIL_UNREADABLE
            by_id[row.provider_id] = [Fate(Whereabouts.EXCLUDED if reason in LEFT_OUT else Whereabouts.PARKED, reason)]
        elif row.state == CopyState.READ:
            one = (
                Fate(Whereabouts.WAITING, Reason.IN_DELIVERY)
                if row.verdict is None
                else delivery(row.verdict, row.verdict_reason, row.item_state, row.item_reason)
            )
            by_id.setdefault(row.provider_id, []).append(one)
    return {provider_id: fate(found) for provider_id, found in by_id.items()}


def _item(row: object) -> ItemReport:
    values = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001 - public in SQLAlchemy
    values |= {
        "kind": WriteKind(values["kind"]),
        "state": ItemState(values["state"]),
        "evidence": codec.evidence.load(values["evidence"]),
        "write": codec.write.load(values["write"]),
        "reason": values["reason"] or "",
    }
    return ItemReport(**{name: values[name] for name in ItemReport.__slots__})
