"""The CRM's customers, deals and users as last seen, and the threads that a new row wakes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import Customer, Deal, RecordKind, TargetAccount, User, WriteKind
from mappings.domains import index_hosts
from sync.erase import hidden
from sync.keys import record_word
from sync.schema import tables as t
from sync.store import codec
from sync.store.db import Database
from sync.store.links import deal_word, unlink, wake_linked
from sync.store.marks import marks_of


class Feed(StrEnum):
    USERS = "users"
    CUSTOMERS = "customers"
    DEALS = "deals"


def adopted(c: Connection, target: str, record: str) -> bool:
    """Whether people work with a contact or lead that we made: it was converted or merged, or deals hang on it."""
    people = t.customers.c.kind.in_((RecordKind.CONTACT, RecordKind.LEAD))
    here = (t.customers.c.target == target, t.customers.c.id == record, people)
    held = c.execute(select(t.customers.c.row).where(*here)).scalars()
    if any(codec.customer.load(row).merged_into for row in held):
        return True
    deals = select(t.deal_records.c.deal).where(t.deal_records.c.target == target, t.deal_records.c.id == record)
    return c.execute(deals.limit(1)).first() is not None


class MirrorStore:
    """All SQL about what the CRM holds."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def put_account(
        self, target: str, account: TargetAccount, paused: Mapping[WriteKind, str], now: datetime
    ) -> None:
        """What the account can do, and the kinds of write that pause because it can do less, with what they lack."""
        text = json.dumps({kind.value: why for kind, why in paused.items()}, sort_keys=True)
        row = {
            "account_id": account.account_id,
            "account": codec.account.dump(account),
            "paused_kinds": text,
            "checked_at": now,
        }
        with self._db.tx("put_account") as c:
            statement = insert(t.targets).values(name=target, **row)
            c.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))

    async def account(self, target: str) -> TargetAccount | None:
        with self._db.read() as c:
            text = c.execute(select(t.targets.c.account).where(t.targets.c.name == target)).scalar_one_or_none()
        return None if text is None else codec.account.load(text)

    async def paused_kinds(self, target: str) -> dict[WriteKind, str]:
        with self._db.read() as c:
            text = c.execute(select(t.targets.c.paused_kinds).where(t.targets.c.name == target)).scalar_one_or_none()
        return {WriteKind(kind): why for kind, why in json.loads(text or "{}").items()}

    async def resume_kinds(self, target: str) -> None:
        """A person has seen what got weaker and goes on: what these kinds could do before is forgotten."""
        account, paused = await self.account(target), await self.paused_kinds(target)
        if account is None:
            return
        left = {kind: told for kind, told in account.capabilities.items() if kind not in paused}
        text = codec.account.dump(replace(account, capabilities=left))
        with self._db.tx("resume_kinds") as c:
            c.execute(update(t.targets).where(t.targets.c.name == target).values(account=text, paused_kinds="{}"))

    async def cursor(self, target: str, feed: Feed) -> str | None:
        with self._db.read() as c:
            query = select(t.feeds.c.cursor).where(t.feeds.c.target == target, t.feeds.c.feed == feed)
            return c.execute(query).scalar_one_or_none()

    async def ready(self, target: str) -> bool:
        """Whether every feed has been seen to its end once; before that nothing can be decided."""
        with self._db.read() as c:
            query = select(t.feeds.c.feed).where(t.feeds.c.target == target, t.feeds.c.complete)
            return set(c.execute(query).scalars()) >= set(Feed)

    async def put_users(self, target: str, rows: Sequence[User], now: datetime) -> None:
        with self._db.tx("put_users") as c:
            c.execute(delete(t.users).where(t.users.c.target == target))
            for row in rows:
                c.execute(insert(t.users).values(target=target, id=row.id, row=codec.user.dump(row)))
            _put_feed(c, target, Feed.USERS, None, complete=True, now=now)

    async def users(self, target: str) -> tuple[User, ...]:
        """The users as last seen, by id."""
        query = select(t.users.c.row).where(t.users.c.target == target).order_by(t.users.c.id)
        with self._db.read() as c:
            return tuple(codec.user.load(row) for row in c.execute(query).scalars())

    async def put_customers(
        self, target: str, rows: Sequence[Customer], *, cursor: str | None, complete: bool, now: datetime
    ) -> int:
        """A page of the feed and the threads it wakes, together; returns how many rows were news."""
        with self._db.tx("put_customers") as c:
            news = put_rows(c, target, rows)
            _put_feed(c, target, Feed.CUSTOMERS, cursor, complete=complete, now=now)
        return news

    async def put_found(self, target: str, rows: Sequence[Customer]) -> int:
        """Customers that were asked for outside the feed."""
        if not rows:
            return 0
        with self._db.tx("put_found") as c:
            return put_rows(c, target, rows)

    async def put_deals(self, target: str, rows: Sequence[Deal], *, cursor: str, complete: bool, now: datetime) -> None:
        with self._db.tx("put_deals") as c:
            for row in rows:
                _put_deal(c, target, row)
            _put_feed(c, target, Feed.DEALS, cursor, complete=complete, now=now)

    async def expire(self, target: str, feed: Feed) -> None:
        """The feed's position is unusable: it is read from its beginning again. Rows stay until they are seen anew."""
        with self._db.tx("expire_feed") as c:
            c.execute(update(t.feeds).where(t.feeds.c.target == target, t.feeds.c.feed == feed).values(cursor=None))


def _put_feed(c: Connection, target: str, feed: Feed, cursor: str | None, *, complete: bool, now: datetime) -> None:
    row: dict[str, object] = {"cursor": cursor}
    if complete:
        row |= {"complete": True, "as_of": now}
    statement = insert(t.feeds).values(target=target, feed=feed, **{"complete": False, **row})
    c.execute(statement.on_conflict_do_update(index_elements=["target", "feed"], set_=row))


def put_rows(c: Connection, target: str, rows: Sequence[Customer]) -> int:
    """Store rows as far as they may be known: nothing of an erased person comes back. Returns how many were news."""
    marks, news = marks_of(c), 0
    for row in rows:
        known = hidden(row, marks.gone, marks.of) if marks else row
        if known != row and row.ref.kind is not RecordKind.COMPANY:
            unlink(c, target, row.ref)
        news += _put_customer(c, target, known)
    return news


def _put_customer(c: Connection, target: str, row: Customer) -> bool:
    """Store a row; a new or changed one wakes the threads that name one of its addresses, and those linked with it."""
    here = (t.customers.c.target == target) & (t.customers.c.kind == row.ref.kind) & (t.customers.c.id == row.ref.id)
    text = codec.customer.dump(row)
    if c.execute(select(t.customers.c.row).where(here)).scalar_one_or_none() == text:
        return False
    statement = insert(t.customers).values(target=target, kind=row.ref.kind, id=row.ref.id, row=text)
    c.execute(statement.on_conflict_do_update(index_elements=["target", "kind", "id"], set_={"row": text}))
    words = sorted({*row.emails, *(f"@{name}" for domain in row.domains for name in index_hosts(domain))})
    mine = t.customer_words.c
    c.execute(delete(t.customer_words).where(mine.target == target, mine.kind == row.ref.kind, mine.id == row.ref.id))
    live = not row.deleted and row.merged_into is None
    for word in words:
        if live:
            c.execute(insert(t.customer_words).values(target=target, word=word, kind=row.ref.kind, id=row.ref.id))
    threads = select(t.thread_words.c.thread).where(t.thread_words.c.word.in_(words))
    c.execute(update(t.cases).where(t.cases.c.target == target, t.cases.c.thread.in_(threads)).values(dirty=True))
    if not live:
        wake_linked(c, target, record_word(row.ref))
    return True


def _put_deal(c: Connection, target: str, row: Deal) -> None:
    """Store a row; a changed one wakes the threads that belong to it."""
    text = codec.deal.dump(row)
    here = (t.deals.c.target == target) & (t.deals.c.id == row.id)
    before = c.execute(select(t.deals.c.row).where(here)).scalar_one_or_none()
    if before == text:
        return
    if before is not None:
        wake_linked(c, target, deal_word(row.id))
    statement = insert(t.deals).values(target=target, id=row.id, row=text)
    c.execute(statement.on_conflict_do_update(index_elements=["target", "id"], set_={"row": text}))
    c.execute(delete(t.deal_records).where(t.deal_records.c.target == target, t.deal_records.c.deal == row.id))
    if row.deleted:
        return
    for ref in sorted({*row.contacts, *((row.company,) if row.company else ())}):
        c.execute(insert(t.deal_records).values(target=target, kind=ref.kind, id=ref.id, deal=row.id))
