"""Coverage by the day, and the differences that a count found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Select, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import Place
from sync.coverage import Coverage, Whereabouts, Window
from sync.schema import tables as t
from sync.store.copies import CopyState
from sync.store.db import Database

# What a listing shows; copies elsewhere are not expected there.
LISTED = (Place.INBOX, Place.SENT, Place.ARCHIVE)
CHUNK = 400


class Kind(StrEnum):
    """How listing and ledger differ on one mail."""

    MISSING = "missing"  # listed, and not read
    UNLISTED = "unlisted"  # read, and no longer listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of one mailbox."""

    day: date
    counted_at: datetime
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    mailbox: str
    provider_id: str
    kind: Kind
    day: date
    found_at: datetime
    mended_at: datetime | None


class CoverageStore:
    """All SQL about counts by the day."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def counted(self, mailbox: str) -> dict[date, datetime]:
        """When each day was counted last."""
        query = select(t.coverage_days.c.day, t.coverage_days.c.counted_at).where(t.coverage_days.c.mailbox == mailbox)
        with self._db.read() as c:
            return {date.fromisoformat(day): at for day, at in c.execute(query.order_by(t.coverage_days.c.day))}

    async def days(self, mailbox: str, *, missing: bool = False) -> tuple[Day, ...]:
        """Every counted day; with `missing` those on which mail is missing."""
        query = select(t.coverage_days).where(t.coverage_days.c.mailbox == mailbox).order_by(t.coverage_days.c.day)
        if missing:
            query = query.where(func.json_extract(t.coverage_days.c.sums, f"$.sums.{Whereabouts.MISSING}") > 0)
        with self._db.read() as c:
            return tuple(
                Day(day=date.fromisoformat(row.day), counted_at=row.counted_at, coverage=load(row.sums))
                for row in c.execute(query)
            )

    async def put_days(self, mailbox: str, days: Mapping[date, Coverage], now: datetime) -> None:
        """Store counts, and in the same transaction what they make of the whole mailbox."""
        with self._db.tx("put_days") as c:
            for day in sorted(days):
                row = {"counted_at": now, "sums": dump(days[day])}
                statement = insert(t.coverage_days).values(mailbox=mailbox, day=day.isoformat(), **row)
                c.execute(statement.on_conflict_do_update(index_elements=["mailbox", "day"], set_=row))

    async def received(self, mailbox: str, ids: Sequence[str]) -> dict[str, datetime | None]:
        """When these came in, as far as they were read; in the order of `ids`."""
        found: dict[str, datetime | None] = {}
        with self._db.read() as c:
            for start in range(0, len(ids), CHUNK):
                query = select(t.copies.c.provider_id, t.copies.c.received_at).where(
                    t.copies.c.mailbox == mailbox, t.copies.c.provider_id.in_(ids[start : start + CHUNK])
                )
                found |= {row.provider_id: row.received_at for row in c.execute(query)}
        return {one: found.get(one) for one in ids}

    async def held(self, mailbox: str, window: Window) -> dict[str, datetime]:
        """What the ledger has in a window where a listing must show it."""
        query = (
            select(t.copies.c.provider_id, t.copies.c.received_at)
            .where(t.copies.c.mailbox == mailbox, t.copies.c.state == CopyState.READ)
            .where(t.copies.c.received_at >= window.since, t.copies.c.received_at < window.until)
            .where(t.copies.c.place.in_(LISTED))
            .order_by(t.copies.c.received_at, t.copies.c.provider_id)
        )
        with self._db.read() as c:
            return {row.provider_id: row.received_at for row in c.execute(query)}

    # ------------------------------------------------------------------------------------------------------ differences

    async def differ(self, mailbox: str, kind: Kind, ids: Mapping[str, date], now: datetime) -> tuple[str, ...]:
        """Name differences; the answer are those that are new, in their order."""
        with self._db.tx("differ") as c:
            return tuple(one for one, day in ids.items() if _name(c, mailbox, one, kind, day, now))

    async def mend(self, mailbox: str, now: datetime) -> int:
        """Differences that are none any more: what was missing has been read, what was unlisted has been asked for."""
        with self._db.tx("mend") as c:
            waiting = select(t.copies.c.provider_id).where(
                t.copies.c.mailbox == mailbox, t.copies.c.state == CopyState.WANTED
            )
            statement = update(t.differences).where(
                t.differences.c.mailbox == mailbox,
                t.differences.c.mended_at.is_(None),
                t.differences.c.provider_id.not_in(waiting),
            )
            return c.execute(statement.values(mended_at=now)).rowcount

    async def differences(self, mailbox: str | None = None, *, unmended: bool = False) -> tuple[Difference, ...]:
        query = select(t.differences).order_by(t.differences.c.found_at, t.differences.c.provider_id)
        if mailbox is not None:
            query = query.where(t.differences.c.mailbox == mailbox)
        if unmended:
            query = query.where(t.differences.c.mended_at.is_(None))
        with self._db.read() as c:
            return tuple(
                Difference(
                    mailbox=row.mailbox,
                    provider_id=row.provider_id,
                    kind=Kind(row.kind),
                    day=date.fromisoformat(row.day),
                    found_at=row.found_at,
                    mended_at=row.mended_at,
                )
                for row in c.execute(query)
            )

    async def forget(self, older_than: datetime) -> int:
        """Delete what was mended long ago."""
        with self._db.tx("forget_differences") as c:
            return c.execute(delete(t.differences).where(t.differences.c.mended_at < older_than)).rowcount

    # ---------------------------------------------------------------------------------------------------------- traffic

    async def last_received(self, mailbox: str, until: datetime) -> datetime | None:
        """When the newest mail from others came in."""
        return await self._moment(_received(mailbox, until).order_by(t.copies.c.received_at.desc()).limit(1))

    async def first_received(self, mailbox: str, until: datetime) -> datetime | None:
        """When the oldest mail from others that we know came in."""
        return await self._moment(_received(mailbox, until).order_by(t.copies.c.received_at).limit(1))

    async def _moment(self, query: Select[datetime]) -> datetime | None:
        with self._db.read() as c:
            return c.execute(query).scalars().first()

    async def received_in(self, mailbox: str, windows: Sequence[Window]) -> list[int]:
        """How many mails from others came in during each."""
        if not windows:
            return []
        came = t.copies.c.received_at
        sums = [func.count().filter(came >= window.since, came < window.until) for window in windows]
        since, until = min(w.since for w in windows), max(w.until for w in windows)
        with self._db.read() as c:
            return [int(n) for n in c.execute(select(*sums).where(*_incoming(mailbox, until), came >= since)).one()]


def _received(mailbox: str, until: datetime) -> Select[datetime]:
    return select(t.copies.c.received_at).where(*_incoming(mailbox, until))


def _incoming(mailbox: str, until: datetime) -> tuple[ColumnElement[bool], ...]:
    place = t.copies.c.place
    return (
        t.copies.c.mailbox == mailbox,
        t.copies.c.received_at < until,
        place.is_not(None) & (place != Place.SENT),
    )


def _name(c: Connection, mailbox: str, provider_id: str, kind: Kind, day: date, now: datetime) -> bool:
    """True for a difference that is new, or was mended and is there again."""
    row = {"day": day.isoformat(), "found_at": now, "mended_at": None}
    statement = insert(t.differences).values(mailbox=mailbox, provider_id=provider_id, kind=kind, **row)
    # What is read and not listed stays so where a label keeps it out: asked for once is enough.
    again = t.differences.c.mended_at.is_not(None) & (t.differences.c.kind == Kind.MISSING)
    statement = statement.on_conflict_do_update(
        index_elements=["mailbox", "provider_id", "kind"], set_=row, where=again
    )
    return bool(c.execute(statement).rowcount)


def joined(days: Sequence[Day]) -> Coverage:
    """The sums of several days."""
    sums: Counter[Whereabouts] = Counter()
    reasons: dict[Whereabouts, Counter[str]] = {}
    for one in days:
        sums.update(one.coverage.sums)
        for where, found in one.coverage.reasons.items():
            reasons.setdefault(where, Counter()).update(found)
    return Coverage(
        listed=sum(one.coverage.listed for one in days),
        sums={where: sums[where] for where in Whereabouts},
        reasons={where: dict(sorted(reasons[where].items())) for where in Whereabouts if where in reasons},
    )


def dump(coverage: Coverage) -> str:
    return json.dumps({"sums": coverage.sums, "reasons": coverage.reasons}, sort_keys=True)


def load(text: str) -> Coverage:
    stored = json.loads(text)
    sums = {where: int(stored["sums"].get(where, 0)) for where in Whereabouts}
    reasons = {Whereabouts(where): found for where, found in stored["reasons"].items()}
    return Coverage(listed=sum(sums.values()), sums=sums, reasons=reasons)
