"""Commands that find no room, no permission or something in the way, or are told to stop: what a person reads then.

In Chinese, and with `TRADEPOST_PAIRS=all` in English too.
"""

from __future__ import annotations

import asyncio
import errno
import io
import os
import shutil
import signal
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from sync import restore as restoring
from sync.store import StateFull, Store, files
from sync.store.db import Database
from tests.cut.lives import THOROUGH
from tests.cut.moments import names
from tests.fulldisk.test_full_disk_of_files import full
from tests.power.ledger import digest
from tradepost.app import state_key
from tradepost.cli import main
from tradepost.clock import SystemClock
from tradepost.commands.common import ask_service
from tradepost.config import load
from tradepost.cpu import InlineCpu
from tradepost.errors import NoRoom
from tradepost.messages import Language, sentence
from tradepost.sandbox.company import empty, write_config
from tradepost.sandbox.kernel import World
from tradepost.sandbox.virtual import START, VirtualClock
from tradepost.service import worker

NOBODY = "http://127.0.0.1:9"  # where no vendor answers; no command here comes so far
PERSON = "someone@outside.example"
ROOM = ("Make room", "请腾出空间")
STOPS = [
    ("backup", signal.SIGTERM),
    ("restore", signal.SIGINT),
    ("rebuild", signal.SIGTERM),
    ("backup", signal.SIGINT),
    ("restore", signal.SIGTERM),
    ("rebuild", signal.SIGINT),
]


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("tradepost.app.refuse_foreign_owners", lambda: None)
    monkeypatch.setattr("tradepost.app.PoolCpu", NoPool)


class NoPool(InlineCpu):
    """Nothing here reads mail, so nothing need be started for it."""

    def close(self):
        pass


@dataclass
class Office:
    """A configuration and a state with one run in it."""

    folder: Path
    config: Path
    state: Path

    def call(self, *arguments, lang="en"):
        """Exit code and errors of a command."""
        err = io.StringIO()
        environ = {"PATH": os.environ["PATH"], "TRADEPOST_TRACEBACK": "1"}
        code = main(["-c", str(self.config), "--lang", lang, *map(str, arguments)], environ, io.StringIO(), err)
        return code, err.getvalue()

    def refused(self, *arguments, says):
        """The command ends as a person's mistake, and says why in both languages."""
        for lang, words in list(zip(("zh", "en"), reversed(says), strict=True))[: 2 if THOROUGH else 1]:
            code, err = self.call(*arguments, lang=lang)
            assert (code, words in err) == (2, True), err
            assert "Traceback" not in err


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    made = empty(World(clock=VirtualClock(START), random=Random(1)), mail=("gmail",), crms=("salesforce",))
    (host,) = made.mail.values()
    host.add_mailbox(f"ann@{made.domain}")
    urls = dict.fromkeys(("gmail", "salesforce"), NOBODY)
    config = write_config(made, folder / "office", urls, start="2026-01-01")
    state = config.parent / "state" / "state.db"
    state.parent.mkdir(mode=0o700)
    key = state_key(load(config, environ={}), state.parent)
    store = Store.open(state, key=key)
    asyncio.run(store.mailboxes.add_run("backfill", f"ann@{made.domain}", START, START, START))
    store.close()
    return config


@pytest.fixture
def office(made_once, tmp_path):
    folder = tmp_path / "office"
    shutil.copytree(made_once.parent, folder)
    config = folder / "config.yaml"
    config.write_text(config.read_text("utf-8").replace(str(made_once.parent), str(folder)), "utf-8")
    return Office(tmp_path, config, folder / "state" / "state.db")


# ----------------------------------------------------------------------------------------------------------------- disks


def test_a_backup_that_cannot_be_written_says_why_and_leaves_what_was_there(office, monkeypatch):
    there = office.folder / "there"
    there.mkdir()
    to = there / "copy.db"
    assert office.call("backup", to) == (0, "")
    before = digest(to)

    def refused(file, *says):
        office.refused("backup", file, says=says)
        assert names(there) == ["copy.db"]
        assert digest(to) == before

    refused(office.folder / "none" / "copy.db", "a folder that exists", "已有文件夹")
    refused(there, "a folder that exists", "已有文件夹")
    refused(to / "copy.db", "a folder that exists", "已有文件夹")
    refused(there / ("a" * 300), "name is too long", "名称太长")
    refused(there / ("a" * 250), "name is too long", "名称太长")
    os.mkfifo(office.folder / "pipe")
    refused(office.folder / "pipe", "no copy of ours", "不是我们的副本")
    for largest in (0, 20_000, 100_000):
        with full(monkeypatch, largest):
            refused(to, *ROOM)
    for number, *says in ((errno.EROFS, "is read-only", "只读"), (errno.EACCES, "no permission", "没有权限")):
        with monkeypatch.context() as patch:
            patch.setattr(files.os, "open", closed(number))
            refused(to, *says)


def closed(number):
    """An `os.open` that finds a file system on which nothing may be made."""
    real = os.open

    def opened(path, flags, *more, **named):
        if flags & os.O_CREAT:
            raise OSError(number, os.strerror(number), str(path))
        return real(path, flags, *more, **named)

    return opened


def test_a_folder_that_may_not_be_looked_into_is_said_so(office, monkeypatch):
    def shut(self, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    for name, command in (("is_dir", "backup"), ("is_file", "restore"), ("exists", "export")):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, shut)
            word = PERSON if command == "export" else office.folder / "x.db"
            more = ("--yes",) if command == "restore" else ()
            office.refused(command, word, *more, says=("no permission", "没有权限"))
    for command in ("status", "preview"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "exists", shut)
            office.refused(command, says=("no permission", "没有权限"))


def test_a_copy_may_lie_on_another_file_system(office):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == office.state.stat().st_dev:
        pytest.skip("there is no other file system here")
    to = other / f"tradepost-{office.folder.name}-{os.getpid()}.db"
    try:
        assert office.call("backup", to) == (0, "")
        before = digest(to)
        assert office.call("restore", to, "--yes")[0] == 0
        assert digest(to) == before
    finally:
        to.unlink()


@pytest.mark.parametrize("command", ["restore", "rebuild"])
def test_without_room_the_old_state_stays_and_with_room_it_is_replaced(office, monkeypatch, command):
    copy = office.folder / "copy.db"
    assert office.call("backup", copy)[0] == 0
    before, there = digest(office.state), names(office.state.parent)
    told = ("restore", copy, "--yes") if command == "restore" else ("rebuild", "--yes")
    for largest in (0, 40_000, 150_000, 300_000):
        with full(monkeypatch, largest):
            office.refused(*told, says=ROOM)
        assert digest(office.state) == before
        assert set(names(office.state.parent)) <= {*there, "lock", "state.db-shm", "state.db-wal"}, largest
    if command == "restore":
        assert office.call(*told)[0] == 0
        assert digest(office.state) != before


def test_a_restore_of_what_is_no_file_says_so(office):
    office.refused("restore", office.folder / "none.db", "--yes", says=("no such file", "没有这样的文件"))
    office.refused("restore", office.folder, "--yes", says=("no such file", "没有这样的文件"))
    office.refused("restore", office.folder / ("a" * 300), "--yes", says=("name is too long", "名称太长"))


@pytest.mark.parametrize(
    ("step", "command"),
    [
        ("undo_begin", ("undo", "1", "--yes")),
        ("undo_leave_out", ("undo", "1", "--yes")),
        ("erase_begin", ("erase", PERSON, "--yes")),
        ("erase_finish", ("erase", PERSON, "--yes")),
        ("retry", ("retry", "--all")),
        ("rebuilt", ("rebuild", "--yes")),
    ],
    ids=lambda one: one if isinstance(one, str) else one[0],
)
def test_a_disk_that_fills_up_in_the_middle_is_told_as_such(office, monkeypatch, step, command):
    """And not as a mistake of ours; what came before it is kept, and the command can be given again."""
    monkeypatch.setattr("tradepost.commands.errand.Crew", Idle)
    monkeypatch.setattr("tradepost.commands.rebuild.backfill.run", read_again)
    real = Database.tx
    monkeypatch.setattr(Database, "tx", lambda self, name: real(self, name) if name != step else no_room(self.path))
    if step == "undo_leave_out":
        monkeypatch.setattr("sync.store.undo._in_parts", lambda _: [[]])
    office.refused(*command, says=ROOM)


def read_again(*_, end, **__):
    """A backfill that went well."""
    end(True)
    return 0


class Idle:
    """Lanes that have nothing to do."""

    def __init__(self, *_):
        pass

    async def begun(self):
        pass

    async def broken(self):
        await asyncio.Event().wait()

    async def stop(self):
        pass


@asynccontextmanager
async def _never(*_):
    raise NoRoom(sentence("state.full", file="state.db"))
    yield


def no_room(path):
    raise StateFull(path)


def test_what_is_shown_into_a_full_file_ends_with_a_reason(office, monkeypatch):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here: full(4)")
    turned, err = [], io.StringIO()
    with suppress(OSError), Path("/dev/full").open("w") as out, monkeypatch.context() as patch:  # closing tries again
        patch.setattr(os, "dup2", lambda to, of: turned.append(of) or os.close(to))
        patch.setattr("sys.stdout", out)
        environ = {"PATH": os.environ["PATH"]}
        code = main(["-c", str(office.config), "export", PERSON, "--lang", "zh"], environ, out, err)
        number = out.fileno()
    assert turned == [number]  # so that the end of the process does not try again
    assert (code, err.getvalue().strip()) == (2, sentence("app.output", error="磁盘已满").say(Language.ZH))


# --------------------------------------------------------------------------------------------------------- told to stop


@pytest.mark.parametrize(("command", "number"), STOPS[: None if THOROUGH else 3])
def test_stopped_in_the_middle_nothing_is_left_behind_and_the_old_state_stays(office, monkeypatch, command, number):

    def stop(*_):
        os.kill(os.getpid(), number)

    copy = office.folder / "copy.db"
    assert office.call("backup", copy)[0] == 0
    before, there, names_before = digest(office.state), digest(copy), names(office.folder)
    told = {"backup": ("backup", copy), "restore": ("restore", copy, "--yes"), "rebuild": ("rebuild", "--yes")}
    where = files if command == "backup" else restoring
    with monkeypatch.context() as patch:
        patch.setattr(where, "to_disk" if command == "backup" else "erased_in", stop)
        code, err = office.call(*told[command])
    assert (code, err.strip().splitlines()[-1]) == (130, "Stopped.")
    assert (digest(office.state), digest(copy), names(office.folder)) == (before, there, names_before)
    assert not [one for one in names(office.state.parent) if one.startswith(("restoring", "state-replaced"))]


@pytest.mark.parametrize(("command", "number"), STOPS[1 : None if THOROUGH else 2])
def test_stopped_too_late_it_is_done_and_says_so(office, monkeypatch, command, number):
    copy = office.folder / "copy.db"
    assert office.call("backup", copy)[0] == 0
    real = restoring.put_aside
    monkeypatch.setattr("tradepost.commands.rebuild.backfill.run", read_again)
    monkeypatch.setattr(restoring, "put_aside", lambda *told: os.kill(os.getpid(), number) or real(*told))
    told = ("restore", copy, "--yes") if command == "restore" else ("rebuild", "--yes")
    before = digest(office.state)
    assert office.call(*told)[0] == 0
    assert digest(office.state) != before
    (aside,) = [one for one in office.state.parent.iterdir() if one.name.startswith("state-replaced")]
    assert digest(aside) == before


@pytest.mark.parametrize("command", [("undo", "1", "--yes"), ("erase", PERSON, "--yes")], ids=["undo", "erase"])
def test_told_to_stop_twice_it_ends_at_once_and_without_a_traceback(office, monkeypatch, command):
    async def stop(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)

    monkeypatch.setattr("tradepost.commands.errand.Errand._through", stop)
    monkeypatch.setattr("tradepost.commands.errand.Crew", Idle)
    monkeypatch.setattr(Idle, "stop", stop)
    code, err = office.call(*command)
    assert (code, err.strip()) == (130, "Stopped.")


def test_beside_a_service_that_waits_for_room_a_command_does_not_wait(office, monkeypatch):
    monkeypatch.setattr(worker, "opened", _never)
    settings = load(office.config, environ={})

    async def asked():
        around = worker.Surroundings(
            load=lambda: settings, environ={}, err=io.StringIO(), language=Language.EN, clock=SystemClock()
        )
        service = asyncio.create_task(worker.Daemon(around).run())
        async with asyncio.timeout(20):
            while not (office.state.parent / "control.sock").is_socket():  # noqa: ASYNC110 - made by the system
                await asyncio.sleep(0.01)
            for language, words in zip(Language, ROOM, strict=True):
                with pytest.raises(NoRoom) as caught:
                    await ask_service(settings, {"do": "progress", "runs": []})
                assert words in caught.value.say(language)
            os.kill(os.getpid(), signal.SIGTERM)
            return await service

    assert asyncio.run(asked()) == 0
