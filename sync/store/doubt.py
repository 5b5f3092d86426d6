"""What a lost future may have written: the times of the loss, kept in the state file, and what they mean for an item.

After a restore or rebuild, a mail that had arrived before it may have been written without our knowing. Whatever is
decided about such a mail is looked up before it is sent, however much later that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import WriteKind
from sync.model import ItemState
from sync.schema import tables as t
from sync.store import codec

SINCE, UNTIL = "doubt_since", "doubt_until"  # names in `meta`
EVER = datetime(1970, 1, 1, tzinfo=UTC)  # when all memory is lost
SKEW = timedelta(minutes=5)  # our clock against the providers'


@dataclass(frozen=True, slots=True)
class Doubt:
    """Between these moments writes may have been sent that the file does not know."""

    since: datetime
    until: datetime


def doubt_of(c: Connection) -> Doubt | None:
    """None for a file that has never been restored or rebuilt."""
    query = select(t.meta.c.name, t.meta.c.value).where(t.meta.c.name.in_((SINCE, UNTIL)))
    told = {row.name: datetime.fromisoformat(row.value) for row in c.execute(query)}
    return Doubt(told[SINCE], told[UNTIL]) if len(told) == len((SINCE, UNTIL)) else None


def put_doubt(c: Connection, doubt: Doubt) -> None:
    """Add to what is doubted already: an earlier loss is not over because there is a later one."""
    before = doubt_of(c)
    since = min(doubt.since, before.since) if before else doubt.since
    until = max(doubt.until, before.until) if before else doubt.until
    put_meta(c, SINCE, since.isoformat())
    put_meta(c, UNTIL, until.isoformat())


def put_meta(c: Connection, name: str, value: str) -> None:
    statement = insert(t.meta).values(name=name, value=value)
    c.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


class Lost:
    """What was lost for one target, asked of within one transaction."""

    def __init__(self, c: Connection, target: str, doubt: Doubt) -> None:
        self._c = c
        self._doubt = doubt
        text = c.execute(select(t.targets.c.account).where(t.targets.c.name == target)).scalar_one_or_none()
        told = codec.account.load(text).capabilities if text else {}
        self._settles = {kind: timedelta(seconds=capability.settles_after) for kind, capability in told.items()}

    def first_state(self, kind: WriteKind, mail: str, now: datetime) -> dict[str, object]:
        """The columns that make an item unknown, to be looked up when the lost future's last request has settled.

        Empty for what comes from a mail that arrived after the loss.
        """
        since = self._may_be_sent_since(mail)
        if since is None:
            return {}
        return {"state": ItemState.UNKNOWN, "due_at": max(now, self.look_up_at(kind)), "first_sent_at": since}

    def look_up_at(self, kind: WriteKind) -> datetime:
        return self._doubt.until + self._settles.get(kind, timedelta(0))

    def _may_be_sent_since(self, mail: str) -> datetime | None:
        query = select(func.min(t.copies.c.received_at, type_=t.Utc())).where(t.copies.c.mail == mail)
        arrived: datetime | None = self._c.execute(query).scalar_one_or_none() if mail else None
        if arrived is None:
            return self._doubt.since
        return max(self._doubt.since, arrived - SKEW) if arrived < self._doubt.until + SKEW else None
