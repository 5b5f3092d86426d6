"""Texts of mails, sealed, for as long as something waits to be written from them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, union
from sqlalchemy.dialects.sqlite import insert

from mappings.model import Direction, Erased
from mappings.reading import Reading
from sync.model import ON_ITS_WAY, VerdictState
from sync.schema import tables as t
from sync.store.codec import Seal
from sync.store.db import Database


class BodyStore:
    """All SQL about bodies."""

    def __init__(self, db: Database, seal: Seal) -> None:
        self._db = db
        self._seal = seal

    async def get(self, mail: str) -> tuple[str, str] | None:
        """(text, html) while it is kept."""
        with self._db.read() as c:
            sealed = c.execute(select(t.bodies.c.sealed).where(t.bodies.c.mail == mail)).scalar_one_or_none()
        return None if sealed is None else self._seal.open(sealed)

    async def put(self, mail: str, text: str, html: str, now: datetime) -> None:
        """Keep a body that was fetched again."""
        row = {"sealed": self._seal.close(text, html), "kept_since": now}
        with self._db.tx("put_body") as c:
            statement = insert(t.bodies).values(mail=mail, **row)
            c.execute(statement.on_conflict_do_update(index_elements=["mail"], set_=row))

    async def drop(self, older_than: datetime) -> int:
        """Delete bodies that nothing waits for, or that are too old; returns how many. The disk forgets them too."""
        needed = union(
            select(t.items.c.mail).where(t.items.c.state.in_(ON_ITS_WAY)),
            select(t.verdicts.c.mail).where(t.verdicts.c.state == VerdictState.WAITING),
            select(t.mails.c.identity).join(t.cases, t.cases.c.thread == t.mails.c.thread).where(t.cases.c.dirty),
        )
        stale = (t.bodies.c.kept_since < older_than) | t.bodies.c.mail.not_in(needed)
        with self._db.tx("drop_bodies") as c:
            gone = c.execute(delete(t.bodies).where(stale)).rowcount
        if gone:
            self._db.truncate_wal()
        return gone


def keep_body(c: Connection, seal: Seal, identity: str, reading: Reading, now: datetime) -> None:
    """Keep what a mail says as it comes in, unless it is never logged, so never needed."""
    if reading.facts.direction is Direction.INTERNAL or reading.facts.erased is Erased.MAIL:
        return
    sealed = seal.close(reading.text, reading.html)
    c.execute(insert(t.bodies).values(mail=identity, sealed=sealed, kept_since=now).on_conflict_do_nothing())
