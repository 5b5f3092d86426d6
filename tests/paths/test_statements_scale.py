"""No step of the daily work reads a table that grows from end to end: what a mail costs does not rise with the years."""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta

from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.box import Box, day
from tradepost.sandbox.virtual import START, run

GROWING = ("copies", "mails", "bodies", "threads", "thread_keys", "thread_words", "cases", "case_links", "verdicts", "items",
           "customers", "customer_words", "deals", "deal_records", "journal")  # fmt: skip
# Which case is due, item is due, body is old: each uses an index for what it looks for, and tells how much there is.
SCAN = re.compile(r"SCAN (?P<table>\w+)(?! USING (?:COVERING )?INDEX)")


def test_a_day_with_backfill_live_mail_new_contacts_and_merged_threads_uses_indexes_only(tmp_path):
    seen = {}

    def note(_connection, _cursor, statement, parameters, *_):
        seen.setdefault(statement, parameters)

    async def main():
        box = Box(tmp_path, start=day(START, 120))
        for old in box.history():
            box.deliver(old)
        assert not await box.once()
        for new in box.live():
            box.deliver(new)
        ids = b" ".join(re.findall(rb"(?mi)^Message-ID: (\S+)", b"\n".join(old.raw for old in box.history()))[:9])
        joins = b"From: x@hanlight.example\nMessage-ID: <j@x.example>\nReferences: " + ids + b"\n\nHello"
        box.company.gmail.deliver(box.company.mailboxes[0], joins)
        box.company.org.add_contact("Park", "sales@hanlight.example")
        await box.clock.sleep(timedelta(days=5).total_seconds())
        assert not await box.once()
        await box.coverage()
        return box.state

    event.listen(Engine, "before_cursor_execute", note)
    try:
        state = run(main())
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    scans = list(_scans(state, seen))
    assert len(seen) > 60
    assert scans == []


def _scans(state, seen):
    connection = sqlite3.connect(state)
    for statement, parameters in seen.items():
        if statement.lstrip()[:6].upper() not in ("SELECT", "UPDATE", "DELETE"):
            continue
        given = parameters[0] if isinstance(parameters, list) else parameters
        for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", given):
            found = SCAN.match(step)
            if found and found["table"] in GROWING:
                yield found["table"], " ".join(statement.split())
    connection.close()
