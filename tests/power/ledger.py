"""What is true of a state file at any moment, in plain SQL: whoever copies it, cuts it or kills its writer must find it so."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

PARTS = ["excluded", "missing", "parked", "synced", "waiting"]

# Each query finds rows that must not be.
RULES = {
    "a copy that was read has no mail": "SELECT provider_id FROM copies WHERE state = 'read' AND mail IS NULL",
    "a mail that no mailbox holds": "SELECT identity FROM mails WHERE identity NOT IN (SELECT mail FROM copies WHERE mail IS NOT NULL)",
    "a thread that no target decides": "SELECT identity FROM mails WHERE thread NOT IN (SELECT thread FROM cases)",
    "a decided thread with an undecided mail": """
        SELECT m.identity FROM mails m JOIN cases c ON c.thread = m.thread AND NOT c.dirty
        WHERE NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.mail = m.identity AND v.target = c.target)""",
    "a mail to be logged without an item": """
        SELECT v.mail FROM verdicts v WHERE v.state = 'log' AND NOT EXISTS (
            SELECT 1 FROM items i WHERE i.mail = v.mail AND i.target = v.target AND i.kind = 'log_email')""",
    "an item of a mail that is not known": "SELECT key FROM items WHERE mail != '' AND mail NOT IN (SELECT identity FROM mails)",
    "an item on its way without its time": """
        SELECT key FROM items WHERE state IN ('sending', 'unknown') AND (first_sent_at IS NULL
            OR (state = 'sending' AND sent_at IS NULL))""",
    "a done item without its record or its end": """
        SELECT key FROM items WHERE state = 'done' AND (ended_at IS NULL OR (record = '' AND kind IN
            ('log_email', 'create_task', 'create_customer')))""",
    "a done item that the journal does not know": """
        SELECT key FROM items WHERE state = 'done' AND key NOT IN (SELECT item FROM journal WHERE event = 'item.done')""",
    "the journal knows an end that the item does not": """
        SELECT item FROM journal WHERE event LIKE 'item.%' AND item NOT IN (SELECT key FROM items)""",
    "one record for two items": """
        SELECT record FROM items WHERE state = 'done' AND kind IN ('log_email', 'create_task', 'create_customer')
            AND effect != 'exists' GROUP BY target, kind, record HAVING count(*) > 1""",
    "a run that counted less than it read": """
        SELECT id FROM runs WHERE read < (SELECT count(*) FROM copies WHERE copies.run = runs.id AND state = 'read')""",
}


def broken(state: Path) -> list[str]:
    """What is wrong with a state file; opening it takes in its write-ahead log, as the program would."""
    try:
        with closing(sqlite3.connect(state, timeout=30)) as db:
            return list(_broken(db))
    except sqlite3.Error as error:
        return [f"cannot be read: {error}"]


def _broken(db: sqlite3.Connection) -> Iterator[str]:
    yield from (f"integrity: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok")
    yield from (f"foreign key: {row}" for row in db.execute("PRAGMA foreign_key_check"))
    if not _has(db, "items"):
        return
    for name, query in RULES.items():
        yield from (f"{name}: {row[0]}" for row in db.execute(query).fetchmany(3))
    sums = [row[0] for row in db.execute("SELECT sums FROM coverage UNION ALL SELECT sums FROM coverage_days")]
    yield from (f"coverage does not add up: {one}" for one in sums if _off(one))


def _has(db: sqlite3.Connection, table: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None


def _off(text: str) -> bool:
    """Whether a count names other parts than it may, or gives more reasons for one than there are mails in it."""
    found = json.loads(text)
    sums, reasons = found["sums"], found["reasons"]
    return sorted(sums) != PARTS or any(sum(why.values()) > sums[part] for part, why in reasons.items())


def digest(state: Path) -> str:
    """A word for all that a state file says; two files that say the same have the same one."""
    with closing(sqlite3.connect(state, timeout=30)) as db:
        return hashlib.sha256("\n".join(db.iterdump()).encode()).hexdigest()


def ahead(state: Path, shown: Mapping[str, Mapping[str, Iterable[str]]]) -> list[str]:
    """Mails that a stored position has passed and no row tells of: they would never be read.

    `shown` says for each mailbox which ids a reader has been shown up to each position.
    """
    with closing(sqlite3.connect(state, timeout=30)) as db:
        if not _has(db, "mailboxes"):
            return []
        held = {(box, id_) for box, id_ in db.execute("SELECT mailbox, provider_id FROM copies")}
        places = [*db.execute("SELECT name, cursor FROM mailboxes"), *db.execute("SELECT mailbox, page FROM runs")]
        places += db.execute("SELECT mailbox, since || until FROM runs WHERE done")  # so a listing's end is called
    return [
        f"{box}: {id_} was passed"
        for box, at in places
        for id_ in shown.get(box, {}).get(at or "", ())
        if (box, id_) not in held
    ]


def unwritten(state: Path, records: Iterable[str]) -> list[str]:
    """Records that are in the CRM although no item was being sent: a crash before the row, or a row that is lost.

    `records` are subjects of what the program has written there so far, of mails.
    """
    with closing(sqlite3.connect(state, timeout=30)) as db:
        sent = (
            []
            if not _has(db, "items")
            else [
                json.loads(write)
                for (write,) in db.execute(
                    "SELECT write FROM items WHERE kind = 'log_email' AND first_sent_at IS NOT NULL"
                )
            ]
        )
    known = {write["subject"] for write in sent}
    return [f"{subject} is in the CRM, and nobody sent it" for subject in records if subject not in known]
