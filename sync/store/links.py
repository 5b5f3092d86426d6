"""Which threads belong to a record: the index behind waking them when the record changes."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from mappings.model import ThreadLink
from sync.keys import record_word
from sync.schema import tables as t


def deal_word(deal: str) -> str:
    return f"deal:{deal}"


def index_link(c: Connection, thread: int, target: str, link: ThreadLink) -> None:
    """Replace what a case is found by."""
    here = (t.case_links.c.thread == thread) & (t.case_links.c.target == target)
    c.execute(delete(t.case_links).where(here))
    records = {record_word(ref) for ref in link.customers} | ({deal_word(link.deal)} if link.deal else set())
    for record in sorted(records):
        c.execute(insert(t.case_links).values(target=target, record=record, thread=thread))


def wake_linked(c: Connection, target: str, record: str) -> None:
    """Threads that belong to a record are decided again."""
    threads = select(t.case_links.c.thread).where(t.case_links.c.target == target, t.case_links.c.record == record)
    c.execute(update(t.cases).where(t.cases.c.target == target, t.cases.c.thread.in_(threads)).values(dirty=True))
