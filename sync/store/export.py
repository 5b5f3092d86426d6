"""All that is held about one person, for whoever asks what we know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, select

from connectors.base.model import Customer, Deal, Write
from mappings.model import Erased, Own
from sync.model import ItemState
from sync.schema import tables as t
from sync.store import codec
from sync.store.db import Database
from sync.store.erasure import (
    PEOPLE,
    Erasure,
    Work,
    aliases,
    bearing,
    certainly_without,
    concerned,
    erasure_of,
    naming,
    naming_items,
)
from sync.store.report import ItemReport, MailReport, ReportStore


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMail:
    """One mail. Where others take part (`alone` is false), only what its headers say and where the writes are is shown.

    `text` is the plain text of a mail of this person alone, while it is kept; `text_kept` says whether one is.
    """

    report: MailReport
    alone: bool
    text: str
    text_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWrite:
    """A write that names the person although its mail's facts are forgotten."""

    key: str
    target: str
    kind: str
    state: ItemState
    write: Write
    url: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Everything: `mails` oldest first; `records` are the CRM's rows as last seen, each with its target; `deals` those
    that name them.
    """

    addresses: tuple[str, ...]
    mails: tuple[HeldMail, ...]
    writes: tuple[HeldWrite, ...]
    records: tuple[tuple[str, Customer], ...]
    deals: tuple[tuple[str, Deal], ...]
    erasure: Erasure


class ExportStore:
    """All SQL about showing what is held."""

    def __init__(self, db: Database, seal: codec.Seal) -> None:
        self._db = db
        self._seal = seal
        self._report = ReportStore(db)

    async def held(self, address: str, own: Own) -> Held:
        with self._db.read() as c:
            addresses = (address, *aliases(c, address, own))
            rows = bearing(c, addresses)
            refs = frozenset((target, row.ref) for target, row in rows if row.ref.kind in PEOPLE)
            clear = dict.fromkeys(addresses, "")
            work = Work(clear=clear, gone=lambda one: one in clear, marks=None, refs=refs, own=own)
            mails = [_Found.of(c, row, work) for row in c.execute(naming(addresses)).all()]
            named = {one.identity for one in mails}
            writes = tuple(_write(row) for row in naming_items(c, work) if row.mail not in named)
            deals = tuple(deal for target, row in rows for deal in _deals(c, target, row))
            erasure = erasure_of(c, address, own)
        return Held(
            addresses=addresses,
            mails=tuple(sorted([await self._mail(one) for one in mails], key=_sent)),
            writes=writes,
            records=tuple(rows),
            deals=deals,
            erasure=erasure,
        )

    async def _mail(self, found: _Found) -> HeldMail:
        report = await self._report.explain(found.identity)
        assert report is not None  # noqa: S101 - just seen
        items = tuple(item for item in report.items if item.key in found.items)
        opened = self._seal.open(found.sealed) if found.sealed and found.alone else None
        return HeldMail(
            report=_of(report, items),
            alone=found.alone,
            text=opened[0] if opened else "",
            text_kept=found.sealed is not None,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    identity: str
    alone: bool
    items: frozenset[str]
    sealed: bytes | None

    @classmethod
    def of(cls, c: Connection, row: Row[tuple[object, ...]], work: Work) -> _Found:
        facts = certainly_without(codec.facts.load(row.facts), work)
        items = c.execute(select(t.items).where(t.items.c.mail == row.identity)).all()
        mine = {i.key for i in items if concerned(codec.write.load(i.write), i.target, facts, work)}
        sealed = c.execute(select(t.bodies.c.sealed).where(t.bodies.c.mail == row.identity)).scalar_one_or_none()
        return cls(row.identity, facts.erased is Erased.MAIL, frozenset(mine), sealed)


def _sent(mail: HeldMail) -> tuple[datetime, str]:
    return mail.report.facts.sent_at, mail.report.identity


def _of(report: MailReport, items: Sequence[ItemReport]) -> MailReport:
    """A report with the person's own items only."""
    values = {name: getattr(report, name) for name in MailReport.__slots__}
    return MailReport(**{**values, "items": tuple(items)})


def _write(row: Row[tuple[object, ...]]) -> HeldWrite:
    return HeldWrite(
        key=row.key,
        target=row.target,
        kind=row.kind,
        state=ItemState(row.state),
        write=codec.write.load(row.write),
        url=row.url,
        created_at=row.created_at,
    )


def _deals(c: Connection, target: str, row: Customer) -> list[tuple[str, Deal]]:
    """The deals that name a contact or lead."""
    if row.ref.kind not in PEOPLE:
        return []
    query = (
        select(t.deals.c.row)
        .join(t.deal_records, (t.deal_records.c.target == t.deals.c.target) & (t.deal_records.c.deal == t.deals.c.id))
        .where(t.deals.c.target == target, t.deal_records.c.kind == row.ref.kind, t.deal_records.c.id == row.ref.id)
        .order_by(t.deals.c.id)
    )
    return [(target, codec.deal.load(text)) for text in c.execute(query).scalars()]
