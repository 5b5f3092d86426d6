"""Threads as mails join them: found by their keys, merged where one mail names two, and marked for a fresh decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from mappings.match import questions
from mappings.model import ThreadLink
from mappings.reading import Reading
from sync.schema import tables as t
from sync.store import codec
from sync.store.links import index_link
from sync.threads import merge


def thread_of(c: Connection, keys: Sequence[str], now: datetime) -> int:
    query = select(t.thread_keys.c.thread).where(t.thread_keys.c.key.in_(keys)).distinct()
    found = sorted(c.execute(query).scalars())
    if not found:
        thread = int(c.execute(insert(t.threads).values(created_at=now).returning(t.threads.c.id)).scalar_one())
    else:
        thread = merge_threads(c, found)
    c.execute(insert(t.thread_keys).on_conflict_do_nothing(), [{"key": key, "thread": thread} for key in keys])
    return thread


def merge_threads(c: Connection, threads: Sequence[int]) -> int:
    survivor, losers = merge(threads)
    for loser in losers:
        for table in (t.mails, t.thread_keys, t.items):
            c.execute(update(table).where(table.c.thread == loser).values(thread=survivor))
        words = select(t.thread_words.c.word).where(t.thread_words.c.thread == loser)
        for word in c.execute(words).scalars().all():
            c.execute(insert(t.thread_words).values(word=word, thread=survivor).on_conflict_do_nothing())
        c.execute(delete(t.thread_words).where(t.thread_words.c.thread == loser))
        for case in c.execute(select(t.cases).where(t.cases.c.thread == loser)).all():
            _join_case(c, survivor, case.target, case.link)
        c.execute(delete(t.case_links).where(t.case_links.c.thread == loser))
        c.execute(delete(t.cases).where(t.cases.c.thread == loser))
        c.execute(delete(t.threads).where(t.threads.c.id == loser))
    return survivor


def _join_case(c: Connection, thread: int, target: str, link: str) -> None:
    """Give the survivor the loser's case; where both have one, the survivor's link leads unless it lacks the deal."""
    here = and_(t.cases.c.thread == thread, t.cases.c.target == target)
    own = c.execute(select(t.cases.c.link).where(here)).scalar_one_or_none()
    if own is None:
        c.execute(insert(t.cases).values(thread=thread, target=target, dirty=True, link=link))
        index_link(c, thread, target, codec.link.load(link))
        return
    mine, theirs = codec.link.load(own), codec.link.load(link)
    joined = theirs if mine.primary is None or (not mine.deal and theirs.deal) else mine
    c.execute(update(t.cases).where(here).values(dirty=True, link=codec.link.dump(joined)))
    index_link(c, thread, target, joined)


def put_words(c: Connection, thread: int, reading: Reading) -> None:
    addresses, domains = questions((reading.facts,))
    words = (*addresses, *(f"@{domain}" for domain in domains))
    if words:
        c.execute(insert(t.thread_words).on_conflict_do_nothing(), [{"word": w, "thread": thread} for w in words])


def mark_dirty(c: Connection, thread: int, target: str) -> None:
    statement = insert(t.cases).values(thread=thread, target=target, dirty=True, link=codec.link.dump(ThreadLink()))
    c.execute(statement.on_conflict_do_update(index_elements=["thread", "target"], set_={"dirty": True}))
