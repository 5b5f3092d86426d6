"""What happened, in order: the memory behind `explain`. Ids, rules and reasons; never contents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert

from sync.schema import tables as t


def note(
    c: Connection,
    event: str,
    at: datetime,
    *,
    target: str = "",
    thread: int | None = None,
    mail: str | None = None,
    item: str | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Add one line within the transaction that made it true."""
    c.execute(
        insert(t.journal).values(
            at=at,
            event=event,
            target=target,
            thread=thread,
            mail=mail,
            item=item,
            details=json.dumps(dict(details or {}), sort_keys=True),
        )
    )
