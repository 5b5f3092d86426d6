"""`backup`, `restore` and `rebuild` killed between any two steps on the disk: the old state or the new, whole."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace

import pytest
from cryptography.fernet import Fernet

from sync import restore
from sync.store import Store, files
from tests.cut.lives import THOROUGH
from tests.cut.moments import copied, moments, names
from tests.power.ledger import broken, digest
from tradepost.app import open_store
from tradepost.sandbox.virtual import START

KEY = Fernet.generate_key()
LATER = START + timedelta(days=1)
BOX = "ann@outside.example"


@pytest.fixture
def folder(tmp_path):
    """A state whose last words stand in the log only, as a killed service leaves it, and an older copy."""
    worked, left = tmp_path / "worked", tmp_path / "state"
    worked.mkdir()
    store = Store.open(worked / "state.db", key=KEY)
    asyncio.run(store.mailboxes.open(BOX, account="a", addresses=(BOX,), cursor="1", now=START))
    files.snapshot(worked / "state.db", tmp_path / "copy.db")
    asyncio.run(store.mailboxes.add_run("backfill", BOX, START - timedelta(days=9), START, START))
    copied(worked, left)
    store.close()
    (left / "state.db-shm").unlink()
    (left / "key").write_bytes(KEY)
    assert (left / "state.db-wal").stat().st_size > 0
    return left


def started(folder):
    """The state as a service finds it: what it says, and whether it knows of a loss."""
    settings = SimpleNamespace(state=SimpleNamespace(key=None), state_directory=folder)
    with open_store(settings) as store:
        doubt = asyncio.run(store.restore.doubt())
    return digest(folder / "state.db"), doubt is not None


def put_back(folder, copy, now=LATER):
    asyncio.run(restore.stage(copy, folder / "state.db", KEY))
    return asyncio.run(restore.put_in_place(folder / "state.db", KEY, now=now, mailboxes=(BOX,))).aside


def put_anew(folder, _, now=LATER):
    return asyncio.run(restore.put_anew(folder / "state.db", KEY, now=now))


@pytest.mark.parametrize("do", [put_back, put_anew] if THOROUGH else [put_back], ids=lambda one: one.__name__)
def test_killed_anywhere_the_old_state_or_the_new_one_is_there_whole_and_it_can_be_done_again(
    tmp_path, monkeypatch, folder, do
):
    old = digest(copied(folder, tmp_path / "old") / "state.db")
    with moments(monkeypatch, folder, tmp_path / "moments") as found:
        aside = do(folder, tmp_path / "copy.db")
    assert digest(aside) == old
    new = started(folder)
    assert new[1]
    seen = []
    for moment in found:
        again = copied(moment, moment.with_name(f"{moment.name}-again"))
        seen.append(started(moment))
        assert not [one for one in names(moment) if "restoring" in one]
        assert seen[-1] in ((old, False), new), moment.name
        do(again, tmp_path / "copy.db", LATER + timedelta(hours=1))
        assert started(again)[1]
        asides = [one for one in names(again) if one.startswith("state-replaced") and one.endswith(".db")]
        assert len(asides) == 1 + (seen[-1] == new), moment.name  # the old state once, and what was there before this
        assert broken(again / "state.db") == []
    assert len(set(seen)) == 2
    assert seen == sorted(seen, key=lambda one: one[1])
    assert len(found) >= 8


def test_what_somebody_reads_just_now_is_not_replaced_by_half(tmp_path, monkeypatch, folder):
    """A reader keeps the log from being taken in; without the log the file would lack its last words."""
    monkeypatch.setattr(files, "READERS", 0.01)
    with closing(sqlite3.connect(folder / "state.db")) as raw:
        raw.execute("INSERT INTO meta VALUES ('one', 'more')")
        raw.commit()
        with closing(sqlite3.connect(folder / "state.db")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM meta").fetchall()
            raw.execute("INSERT INTO meta VALUES ('another', 'one')")
            raw.commit()
            old = digest(folder / "state.db")
            for do in (put_back, put_anew):
                with pytest.raises(files.InUse):
                    do(folder, tmp_path / "copy.db")
        assert [one for one in names(folder) if "replaced" in one] == []
    assert started(folder) == (old, False)
    put_back(folder, tmp_path / "copy.db")
    assert started(folder)[1]


def test_a_damaged_state_is_put_aside_with_its_log(tmp_path, folder):
    for name in ("state.db", "state.db-wal"):
        (folder / name).write_bytes(f"noise of {name}".encode() * 999)
    aside = put_back(folder, tmp_path / "copy.db")
    assert aside.read_bytes().startswith(b"noise of state.db")
    assert aside.with_name(f"{aside.name}-wal").read_bytes().startswith(b"noise of state.db-wal")
    assert started(folder)[1]


def test_what_a_broken_off_restore_has_left_is_no_copy(tmp_path, folder):
    left = folder / restore.STAGED
    left.write_bytes((tmp_path / "copy.db").read_bytes())
    with pytest.raises(files.NotState, match="broken off"):
        put_back(folder, left)
    assert left.exists()


def test_a_backup_killed_anywhere_leaves_the_older_copy_or_the_new_one_under_its_name(tmp_path, monkeypatch, folder):
    to = tmp_path / "there" / "copy.db"
    to.parent.mkdir()
    to.write_bytes((tmp_path / "copy.db").read_bytes())
    old = digest(to)
    with moments(monkeypatch, to.parent, tmp_path / "moments") as found:
        files.snapshot(folder / "state.db", to)
    new = digest(to)
    seen = [digest(moment / "copy.db") for moment in found]
    assert set(seen) == {old, new}
    assert seen == sorted(seen, key=lambda one: one == new)
    assert names(to.parent) == ["copy.db"]

    cut = next(moment for moment in found if len(names(moment)) > 1)
    (left,) = [one for one in cut.iterdir() if one.name != "copy.db"]
    left.rename(cut / ".copy.db.4194305.partial")  # of a process that is no more: no number is as large, proc(5)
    (cut / ".copy.db.1.partial").touch()  # of one at work, or none of ours
    files.snapshot(folder / "state.db", cut / "copy.db")
    assert names(cut) == [".copy.db.1.partial", "copy.db"]
    assert digest(cut / "copy.db") == new
