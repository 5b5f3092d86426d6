"""Every file of ours on a full disk: a reason that can be read, the old one whole, and with room it goes on."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.fernet import Fernet

from sync.store import StateFull, Store
from sync.store.files import snapshot
from tests.fulldisk.trial import limited
from tests.power.ledger import digest
from tradepost.app import roomy, state_key
from tradepost.clock import SystemClock
from tradepost.errors import NoRoom
from tradepost.lock import WorkerLock
from tradepost.log import open_log
from tradepost.messages import Language
from tradepost.vault import FileVault

KEY = Fernet.generate_key()
SCHEMA = Path(__file__).parent.parent / "schema"


@contextmanager
def full(monkeypatch, largest: int = 0):
    """No file of this process may grow beyond so many bytes: setrlimit(2)."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


FOLDER = SimpleNamespace(state=SimpleNamespace(key=None))  # as much of the settings as a key needs


def test_a_token_that_finds_no_room_pauses_its_lane_and_the_old_one_stays(tmp_path, monkeypatch):
    vault = FileVault(tmp_path / "tokens.db", KEY)
    asyncio.run(vault.put("zoho", "first", None))
    with full(monkeypatch), pytest.raises(StateFull, match="make room"):
        asyncio.run(vault.put("zoho", "second", None))
    assert asyncio.run(vault.get("zoho")) == ("first", None)
    asyncio.run(vault.put("zoho", "second", None))
    assert asyncio.run(vault.get("zoho")) == ("second", None)
    vault.close()


def test_a_vault_that_cannot_be_made_says_why(tmp_path, monkeypatch):
    with full(monkeypatch), roomy_says() as told:
        FileVault(tmp_path / "tokens.db", KEY)
    assert "tokens.db is full or failing. Make room" in told[0]


def test_no_half_key_is_left_that_the_next_start_would_take(tmp_path, monkeypatch):
    with full(monkeypatch), roomy_says() as told:
        state_key(FOLDER, tmp_path)
    assert "Make room" in told[0]
    assert list(tmp_path.iterdir()) == []
    key = state_key(FOLDER, tmp_path)
    assert state_key(FOLDER, tmp_path) == key
    assert len(key) == 44
    assert [(one.name, one.stat().st_mode & 0o777) for one in tmp_path.iterdir()] == [("key", 0o600)]


def test_the_lock_is_held_though_its_holder_cannot_be_written_down(tmp_path, monkeypatch):
    lock = WorkerLock(tmp_path)
    with full(monkeypatch):
        lock.acquire()
    with pytest.raises(Exception, match=r"lock\.held"):
        WorkerLock(tmp_path).acquire()
    lock.release()


def test_a_log_that_cannot_be_written_stops_nothing_and_goes_on_with_room(tmp_path, monkeypatch):
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        log = open_log(stream, SystemClock())
        with full(monkeypatch):
            log.error("lane.paused")
        log.info("lane.running")
    assert '"lane.running"' in (tmp_path / "log").read_text("utf-8").splitlines()[-1]


def test_a_state_file_that_cannot_be_made_says_why_and_is_made_with_room(tmp_path, monkeypatch):
    with full(monkeypatch, 40_000), roomy_says() as told:
        Store.open(tmp_path / "state.db", key=KEY)
    assert "state.db is full or failing. Make room" in told[0]
    Store.open(tmp_path / "state.db", key=KEY).close()


@pytest.mark.parametrize("largest", [0, 60_000, 200_000])
def test_a_migration_without_room_leaves_the_old_schema_whole(tmp_path, monkeypatch, largest):
    state = tmp_path / "state.db"
    with closing(sqlite3.connect(state)) as db:
        db.executescript((SCHEMA / "0001.sql").read_text("utf-8"))
        db.execute("PRAGMA journal_mode=WAL")
    before = digest(state)
    with full(monkeypatch, largest), roomy_says() as told:
        Store.open(state, key=KEY)
    assert "full or failing. Make room" in told[0]
    assert digest(state) == before
    assert not [one.name for one in tmp_path.iterdir() if "partial" in one.name]
    Store.open(state, key=KEY).close()
    assert digest(tmp_path / "state.0001.bak") == before


def test_a_backup_without_room_leaves_the_older_copy_whole(tmp_path, monkeypatch):
    store, to = Store.open(tmp_path / "state.db", key=KEY), tmp_path / "copy.db"
    snapshot(store.db.path, to)
    before = to.read_bytes()
    with full(monkeypatch, 20_000), pytest.raises(StateFull, match=r"copy\.db is full"):
        snapshot(store.db.path, to)
    with full(monkeypatch, 20_000), pytest.raises(StateFull):
        store.db.backup(to)
    assert to.read_bytes() == before
    assert not [one.name for one in tmp_path.iterdir() if "partial" in one.name]
    store.close()


def test_a_daemon_waits_for_room_says_why_and_goes_on_by_itself(tmp_path):
    outcome = asyncio.run(limited(tmp_path, ("gmail", "salesforce"), 200_000, mails=6))
    assert outcome.faults == []
    assert outcome.paused
    assert (outcome.before, outcome.after) == (0, 6)


@contextmanager
def roomy_says():
    """The sentences with which a command would end."""
    told = []
    with pytest.raises(NoRoom) as caught, roomy():
        yield told
    told.append(caught.value.say(Language.EN))
    assert "磁盘已满" in caught.value.say(Language.ZH)
