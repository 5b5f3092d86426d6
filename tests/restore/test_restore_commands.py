"""The commands `backup`, `restore` and `rebuild` against real vendors on loopback."""

from __future__ import annotations

import io
import os
import sqlite3
import stat
from datetime import timedelta
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from sync.store import Store
from tests.commands.office import Office, mail, opened
from tradepost.clock import SystemClock
from tradepost.lock import WorkerLock
from tradepost.sandbox.kernel import Effect, Fault

LILY = "lily.chen@minghui-lighting.example"
START = (SystemClock().now() - timedelta(days=30)).date().isoformat()
INSTALLED = cache(packages_distributions)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("tradepost.packaging.packages_distributions", INSTALLED)
    monkeypatch.setattr("tradepost.commands.backfill.LOOK_EVERY", 0.1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """An office with two mails in the CRM, its copy, and a third mail in the CRM since."""
    with opened(tmp_path_factory.mktemp("kept"), start=START) as office:
        office.deliver(mail(1, klaus(office), LILY), mail(2, klaus(office), LILY), back=timedelta(days=2))
        assert office.call("run", "--once")[0] == 0
        code, out, err = office.call("backup", str(office.folder / "copy.db"))
        assert code == 0, err
        office.out = out
        office.deliver(mail(3, klaus(office), LILY))
        assert office.call("run", "--once")[0] == 0
        assert len(office.logged()) == 3
        yield office


def klaus(office: Office) -> str:
    return str(office.rows("SELECT Email FROM Contact ORDER BY Id")[0]["Email"])


def state(office: Office):
    return office.config.parent / "state"


def copy(office: Office, name: str, change: str = "") -> str:
    """The office's copy under another name, with a change made to it."""
    to = office.folder / name
    to.write_bytes((office.folder / "copy.db").read_bytes())
    with sqlite3.connect(to) as raw:
        raw.execute(change)
    raw.close()
    return str(to)


def test_a_copy_is_whole_private_sealed_and_says_what_belongs_beside_it(kept):
    file = kept.folder / "copy.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [f for f in kept.folder.iterdir() if "partial" in f.name]
    with sqlite3.connect(file) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("SELECT count(*) FROM items WHERE state = 'done'").fetchone()[0] >= 2
    assert b"about position" not in file.read_bytes()
    assert str(state(kept) / "key") in kept.out
    assert "tokens.db" in kept.out


def test_a_copy_replaces_an_older_copy_and_nothing_else(kept):
    again = str(kept.folder / "copy2.db")
    assert kept.call("backup", again)[0] == 0
    assert kept.told("backup", again)["file"] == again
    other = kept.folder / "letter.txt"
    other.write_text("Dear Klaus")
    for wrong in (str(other), str(state(kept) / "state.db"), str(kept.folder / "none" / "x.db"), str(kept.folder)):
        code, _, err = kept.call("backup", wrong)
        assert (code, "Name another" in err or "name a file" in err) == (2, True), wrong
    assert other.read_text() == "Dear Klaus"


def test_a_restore_wants_a_person_and_a_copy_that_fits(kept):
    good = str(kept.folder / "copy.db")
    before = (state(kept) / "state.db").read_bytes()

    def refused(*arguments: str) -> str:
        code, _, err = kept.call("restore", *arguments)
        assert code == 2
        assert not [f for f in state(kept).iterdir() if f.name.startswith("restoring")]
        return err

    assert "--yes" in refused(good)
    assert "no such file" in refused(str(kept.folder / "none.db"), "--yes")
    noise = kept.folder / "noise.db"
    noise.write_bytes(os.urandom(5000))
    assert "not a copy" in refused(str(noise), "--yes")
    foreign = kept.folder / "foreign.db"
    with sqlite3.connect(foreign) as raw:
        raw.execute("CREATE TABLE songs (name)")
    raw.close()
    assert "not a copy" in refused(str(foreign), "--yes")
    newer = copy(kept, "newer.db", "UPDATE alembic_version SET version_num = '9999'")
    assert "9999" in refused(newer, "--yes")
    account = copy(kept, "account.db", "UPDATE targets SET account_id = 'salesforce:elsewhere'")
    assert "salesforce:elsewhere" in refused(account, "--yes")
    company = copy(kept, "company.db", "UPDATE mailboxes SET name = 'boss@' || rowid || '.example'")
    assert "another company" in refused(company, "--yes")
    renamed = copy(kept, "renamed.db", "UPDATE targets SET name = 'elsewhere'")
    assert "other CRM connections (elsewhere) than this configuration has (crm)" in refused(renamed, "--yes")
    assert (state(kept) / "state.db").read_bytes() == before


def test_a_restore_is_refused_beside_a_service_and_a_vendor_that_does_not_answer(kept):
    lock, store = WorkerLock(state(kept)), Store.open(state(kept) / "state.db", key=(state(kept) / "key").read_bytes())
    lock.acquire()
    try:
        with store.db.tx("under_way"):
            assert kept.call("backup", str(kept.folder / "beside.db"))[0] == 0
        for command in (("restore", str(kept.folder / "copy.db")), ("rebuild",)):
            code, _, err = kept.call(*command, "--yes")
            assert (code, "Another Tradepost" in err) == (2, True)
    finally:
        store.close()
        lock.release()
    kept.do(lambda c: c.world.faults.add(Fault(vendor="salesforce", effect=Effect.STATUS, status=403)))
    code, _, err = kept.call("restore", str(kept.folder / "copy.db"), "--yes")
    assert (code, "cannot be asked" in err) == (2, True)


def test_restored_and_rebuilt_the_crm_stays_as_it_is(kept, monkeypatch):
    monkeypatch.setattr("tradepost.commands.backfill.LOOK_EVERY", 0.05)
    logged, sent = kept.logged(), kept.writes()
    told = kept.told("restore", str(kept.folder / "copy.db"), "--yes")
    assert told["key_fits"]
    assert Path(told["replaced"]).exists()
    assert kept.call("run", "--once")[0] == 0
    with sqlite3.connect(state(kept) / "state.db") as raw:
        assert raw.execute("SELECT count(*) FROM copies").fetchone()[0] == 3
    raw.close()
    kept.call("run", "--once")
    assert (kept.logged(), kept.writes()) == (logged, sent)

    (state(kept) / "state.db").write_bytes(os.urandom(9000))  # the disk has gone mad
    for suffix in ("-wal", "-shm"):
        (state(kept) / f"state.db{suffix}").unlink(missing_ok=True)
    told = kept.told("rebuild", "--yes")
    assert (told["well"], told["recognised"], told["written"], told["parked"]) == (True, 3, 0, 0)
    assert (kept.logged(), kept.writes()) == (logged, sent)
    code, out, err = kept.call("rebuild", "--yes")  # anew: the other one is over
    assert (code, "goes on" in err) == (0, False), err
    assert (kept.logged(), kept.writes()) == (logged, sent)
    assert "Recognised in the CRM: 3. Newly written: 0. Parked: 0." in out


def test_a_rebuild_names_the_mailbox_that_says_no_first_day(tmp_path):
    with opened(tmp_path) as office:
        code, _, err = office.call("rebuild", "--yes")
        assert (code, LILY in err) == (2, True)


def _call_it_schema(file: Path, number: str) -> str:
    """Its number before."""
    raw = sqlite3.connect(file)
    ((before,),) = raw.execute("SELECT version_num FROM alembic_version").fetchall()
    raw.execute("UPDATE alembic_version SET version_num = ?", (number,))
    raw.commit()
    raw.close()
    return before


def test_a_state_of_a_newer_version_is_no_loss_to_rebuild_from(kept):
    file = state(kept) / "state.db"
    there = sorted(f.name for f in state(kept).glob("state*.db"))
    number = _call_it_schema(file, "9999")
    try:
        code, _, err = kept.call("rebuild", "--yes")
    finally:
        _call_it_schema(file, number)
    assert (code, "(schema 9999)" in err, "Traceback" in err) == (2, True, False)
    assert sorted(f.name for f in state(kept).glob("state*.db")) == there


def test_a_copy_with_programs_in_it_is_refused(kept, tmp_path):
    copy = tmp_path / "copy.db"
    assert kept.call("backup", str(copy))[0] == 0
    raw = sqlite3.connect(copy)
    raw.execute("CREATE TRIGGER t AFTER UPDATE ON items BEGIN UPDATE items SET state = 'done'; END")
    raw.commit()
    raw.close()
    code, _, err = kept.call("restore", str(copy), "--yes")
    assert (code, "triggers" in err) == (2, True)
