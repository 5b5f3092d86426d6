"""Which threads belong to a record: the index behind waking them when the record changes."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from connectors.base.model import RecordRef
from mappings.model import ThreadLink
from sync.keys import record_word
from sync.schema import tables as t
from sync.store import codec


def deal_word(deal: str) -> str:
    return f"deal:{deal}"


def index_link(c: Connection, thread: int, target: str, link: ThreadLink) -> None:
    """Replace what a case is found by."""
    here = (t.case_links.c.thread == thread) & (t.case_links.c.target == target)
    c.execute(delete(t.case_links).where(here))
    records = {record_word(ref) for ref in link.customers} | ({deal_word(link.deal)} if link.deal else set())
    for record in sorted(records):
        c.execute(insert(t.case_links).values(target=target, record=record, thread=thread))


def unlink(c: Connection, target: str, ref: RecordRef) -> None:
    """Threads belong to a record no longer, and are decided again; one of nobody else's loses its deal too."""
    linked = select(t.case_links.c.thread).where(
        t.case_links.c.target == target, t.case_links.c.record == record_word(ref)
    )
    for row in c.execute(select(t.cases).where(t.cases.c.target == target, t.cases.c.thread.in_(linked))).all():
        link = codec.link.load(row.link)
        left = tuple(one for one in link.customers if one != ref)
        kept = replace(link, customers=left, primary=None if link.primary == ref else link.primary)
        kept = kept if left else ThreadLink()
        here = (t.cases.c.thread == row.thread) & (t.cases.c.target == target)
        c.execute(update(t.cases).where(here).values(link=codec.link.dump(kept), dirty=True))
        index_link(c, row.thread, target, kept)


def wake_linked(c: Connection, target: str, record: str) -> None:
    """Threads that belong to a record are decided again."""
    threads = select(t.case_links.c.thread).where(t.case_links.c.target == target, t.case_links.c.record == record)
    c.execute(update(t.cases).where(t.cases.c.target == target, t.cases.c.thread.in_(threads)).values(dirty=True))
