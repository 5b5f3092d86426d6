"""How items that are overtaken leave the outbox, and with them what needs them."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from mappings.model import Reason
from sync.model import ItemState
from sync.schema import tables as t
from sync.store.journal import note


def drop_unsent(c: Connection, key: str, reason: Reason, now: datetime) -> None:
    """Only what has never been sent can be overtaken quietly; what may be there stays for a look-up or a person."""
    changed = c.execute(
        update(t.items)
        .where(t.items.c.key == key, t.items.c.state.in_((ItemState.READY, ItemState.PARKED)))
        .where(t.items.c.first_sent_at.is_(None))
        .values(state=ItemState.DROPPED, reason=reason, ended_at=now)
    ).rowcount
    if changed:
        note(c, "item.dropped", now, item=key, details={"reason": reason.value})
        drop_dependents(c, key, now)


def drop_dependents(c: Connection, key: str, now: datetime) -> None:
    """What needs a dropped item will never be free, so it is overtaken too. It is of the same thread."""
    thread = select(t.items.c.thread).where(t.items.c.key == key).scalar_subquery()
    query = select(t.items.c.key).where(
        t.items.c.thread == thread,
        t.items.c.needs.contains(json.dumps(key)),
        func.coalesce(t.items.c.state, "").in_((ItemState.READY, ItemState.PARKED)),
    )
    for dependent in c.execute(query).scalars().all():
        drop_unsent(c, dependent, Reason.OVERTAKEN, now)
