"""Copies of mails: which provider id in which mailbox, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection, Exists, exists, select, update
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import Place
from mappings.model import Reason
from sync.schema import tables as t
from sync.store import codec


class CopyState(StrEnum):
    WANTED = "wanted"  # listed and not read yet: found missing by a count, or asked for again
    READ = "read"
    UNREADABLE = "unreadable"
    GONE = "gone"


def put_copy(c: Connection, **row: object) -> None:
    update_ = {k: v for k, v in row.items() if k not in {"mailbox", "provider_id", "seen_at", "run"}}
    if "mail" in update_:
        update_.setdefault("reason", None)
    c.execute(
        insert(t.copies).values(**row).on_conflict_do_update(index_elements=["mailbox", "provider_id"], set_=update_)
    )


def set_gone(c: Connection, mailbox: str, provider_id: str) -> None:
    c.execute(
        update(t.copies)
        .where(t.copies.c.mailbox == mailbox, t.copies.c.provider_id == provider_id)
        .values(state=CopyState.GONE)
    )


def is_undone() -> Exists:
    """Whether an undo has taken a copy's mail out of some CRM."""
    return exists().where(t.verdicts.c.mail == t.copies.c.mail, t.verdicts.c.reason == Reason.UNDONE)


def mail_copies(c: Connection, mails: Sequence[str]) -> dict[str, list[tuple[str, Place, tuple[str, ...]]]]:
    """(mailbox, place, labels) of the copies of some mails."""
    found: dict[str, list[tuple[str, Place, tuple[str, ...]]]] = {}
    query = (
        select(t.copies)
        .where(t.copies.c.mail.in_(mails), t.copies.c.place.is_not(None))
        .order_by(t.copies.c.mailbox, t.copies.c.provider_id)
    )
    for row in c.execute(query):
        found.setdefault(row.mail, []).append((row.mailbox, Place(row.place), codec.words.load(row.labels)))
    return found
