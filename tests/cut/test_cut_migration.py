"""A migration that is killed anywhere: the next start ends it, and what was copied before it is whole."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from cryptography.fernet import Fernet

from sync.store import Store
from tests.cut.moments import moments, names
from tests.power.ledger import digest

KEY = Fernet.generate_key()
SCHEMA = Path(__file__).parent.parent / "schema"


def test_a_migration_killed_anywhere_is_ended_by_the_next_start_and_its_copy_is_whole_or_not_there(
    tmp_path, monkeypatch
):
    folder = tmp_path / "state"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "state.db")) as db:
        db.executescript((SCHEMA / "0001.sql").read_text("utf-8"))
        db.execute("PRAGMA journal_mode=WAL")
    before = digest(folder / "state.db")
    with moments(monkeypatch, folder, tmp_path / "moments") as found:
        Store.open(folder / "state.db", key=KEY).close()
    after = digest(folder / "state.db")
    copies = 0
    for moment in found:
        copy = moment / "state.0001.bak"
        if copy.exists():
            copies += 1
            assert digest(copy) == before, moment.name
        Store.open(moment / "state.db", key=KEY).close()
        assert digest(moment / "state.db") == after, moment.name
        assert [one for one in names(moment) if "partial" in one] == []
    assert 0 < copies < len(found)  # killed before the copy, and after it


def test_what_was_deleted_leaves_the_log_later_where_a_backup_reads_and_nobody_waits_for_it_long(tmp_path):
    store = Store.open(tmp_path / "state.db", key=KEY)
    with closing(sqlite3.connect(tmp_path / "state.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchall()
        with store.db.tx("more") as c:
            c.exec_driver_sql("INSERT INTO meta VALUES ('one', 'more')")
        begun = time.monotonic()
        assert not store.db.truncate_wal()
        assert time.monotonic() - begun < 10
    assert store.db.truncate_wal()
    with store.db.read() as c:
        assert c.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
    store.close()
