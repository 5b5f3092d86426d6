"""After a restore or rebuild: what the file tells of itself, and what must be asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, literal, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import WriteKind
from sync.model import ItemState
from sync.schema import tables as t
from sync.store.db import Database
from sync.store.doubt import EVER, SKEW, Doubt, Lost, doubt_of, put_doubt, put_meta
from sync.store.journal import note

REBUILD = "rebuild"  # in `meta`: OPEN until everything is read again
OPEN, OVER = "open", "over"
OVERLAP = timedelta(days=1)
# The listing that reads again ends only after the service has taken its new positions.
READ_ON = timedelta(days=1)
MIRRORED = (t.users, t.customer_words, t.deals, t.deal_records)
UNSENT = (ItemState.READY, ItemState.SENDING, ItemState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a state file tells of itself. `last_known` is the latest moment that it has seen, if any."""

    last_known: datetime | None
    mailboxes: tuple[str, ...]
    accounts: dict[str, str]  # target -> account id
    mails: int
    items: dict[ItemState, int]
    sealed: bytes | None  # any one body, to try the key on
    recognised: int  # done items that were found in the CRM after a loss, and not written by this memory


class RestoreStore:
    """All SQL about coming back from a copy, or from nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def survey(self) -> Survey:
        with self._db.read() as c:
            states = select(t.items.c.state, func.count()).group_by(t.items.c.state)
            found = select(func.count()).where(
                t.items.c.state == ItemState.DONE, t.items.c.sent_at.is_(None), t.items.c.first_sent_at.is_not(None)
            )
            return Survey(
                last_known=_last_known(c),
                mailboxes=tuple(c.execute(select(t.mailboxes.c.name).order_by(t.mailboxes.c.name)).scalars()),
                accounts={row.name: row.account_id for row in c.execute(select(t.targets).order_by(t.targets.c.name))},
                mails=c.execute(select(func.count()).select_from(t.mails)).scalar_one(),
                items={ItemState(state): n for state, n in c.execute(states)},
                sealed=c.execute(select(t.bodies.c.sealed).limit(1)).scalar_one_or_none(),
                recognised=c.execute(found).scalar_one(),
            )

    async def doubt(self) -> Doubt | None:
        """What was lost by earlier restores and rebuilds."""
        with self._db.read() as c:
            return doubt_of(c)

    async def step_back(self, now: datetime, mailboxes: Sequence[str]) -> None:
        """This file is a copy that was made some time ago: trust nothing that may have changed since.

        Mail is listed again from a day before, the mirror from its beginning; what is not done is looked up before it
        is sent, and so is all that will be decided about mail from before `now`. `mailboxes` are those configured.
        """
        with self._db.tx("step_back") as c:
            since = (_last_known(c) or EVER) - SKEW
            put_doubt(c, Doubt(since, now))
            _unknown_items(c, Doubt(since, now))
            _forget_positions(c)
            known = set(c.execute(select(t.mailboxes.c.name)).scalars())
            for name in sorted(set(mailboxes) - known):
                _list_again(c, name, since - OVERLAP, now)
            note(c, "state.restored", now, details={"copy": since.isoformat()})

    async def begin_anew(self, now: datetime) -> None:
        """This file is empty because the old one is lost: whatever it comes to decide may be written already."""
        with self._db.tx("begin_anew") as c:
            put_doubt(c, Doubt(EVER, now))
            put_meta(c, REBUILD, OPEN)
            note(c, "state.rebuilt", now)

    async def rebuilding(self) -> bool:
        """Whether a rebuild has begun and not come to its end."""
        with self._db.read() as c:
            query = select(t.meta.c.value).where(t.meta.c.name == REBUILD)
            return bool(c.execute(query).scalar_one_or_none() == OPEN)

    async def rebuilt(self) -> None:
        with self._db.tx("rebuilt") as c:
            put_meta(c, REBUILD, OVER)


def _last_known(c: Connection) -> datetime | None:
    """The latest moment in the file: what it does not hold happened later."""
    told = (t.journal.c.at, t.mailboxes.c.cursor_at, t.lanes.c.beat_at)
    moments = [c.execute(select(func.max(column, type_=t.Utc()))).scalar_one_or_none() for column in told]
    return max((m for m in moments if m is not None), default=None)


def _unknown_items(c: Connection, doubt: Doubt) -> None:
    """What was on its way is unknown. A parked item stays with its person, and is looked up after their "again"."""
    rows = c.execute(select(t.items.c.target, t.items.c.kind).where(t.items.c.state.in_(UNSENT)).distinct()).all()
    for target, kind in rows:
        c.execute(
            update(t.items)
            .where(t.items.c.target == target, t.items.c.kind == kind, t.items.c.state.in_(UNSENT))
            .values(
                state=ItemState.UNKNOWN,
                due_at=Lost(c, target, doubt).look_up_at(WriteKind(kind)),
                first_sent_at=func.coalesce(t.items.c.first_sent_at, literal(doubt.since, t.Utc())),
            )
        )
    c.execute(update(t.items).where(t.items.c.state.in_((*UNSENT, ItemState.PARKED))).values(sent_at=None))


def _forget_positions(c: Connection) -> None:
    """Positions may have expired. Each mailbox starts anew and lists from a day before its last good moment.

    Rows of the mirror that were deleted since would stay for ever; those of merged records still say who won.
    """
    c.execute(update(t.mailboxes).values(cursor=None, resyncs=0, resynced="[]"))
    for table in (*MIRRORED, t.feeds, t.lanes, t.coverage, t.coverage_days):
        c.execute(delete(table))
    over = or_(
        func.json_extract(t.customers.c.row, "$.deleted").is_(True),
        func.json_extract(t.customers.c.row, "$.merged_into").is_not(None),
    )
    c.execute(delete(t.customers).where(~over))


def _list_again(c: Connection, mailbox: str, since: datetime, now: datetime) -> None:
    """A mailbox that the copy does not know: it may have been read since, and mail may have come unread."""
    c.execute(
        insert(t.runs).values(
            kind="resync",
            mailbox=mailbox,
            since=since,
            until=now + READ_ON,
            listed=0,
            read=0,
            done=False,
            created_at=now,
        )
    )
