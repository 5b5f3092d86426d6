"""What lies on the disk and what listens is for the service's own user only, whatever the umask."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sync.store import Store, files
from sync.store.db import Database
from tests.box import KEY, Box
from tradepost import metrics
from tradepost.app import opened, state_directory, state_key
from tradepost.clock import SystemClock
from tradepost.lock import WorkerLock
from tradepost.log import open_log
from tradepost.service import control
from tradepost.service.control import ControlServer, ask
from tradepost.vault import FileVault


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_state_file_its_write_ahead_log_and_its_copies_are_private(tmp_path):
    store = Store.open(tmp_path / "state.db", key=KEY)
    database = Database(tmp_path / "state.db")
    database.backup(tmp_path / "copy.db")
    files = sorted(path.name for path in tmp_path.iterdir())
    assert {"state.db", "state.db-wal", "state.db-shm", "copy.db"} <= set(files)
    assert {name: mode(tmp_path / name) for name in files} == dict.fromkeys(files, 0o600)
    database.close()
    store.close()


def test_a_copy_takes_the_place_of_a_file_that_others_could_read(tmp_path):
    (tmp_path / "copy.db").write_text("old")
    (tmp_path / "copy.db").chmod(0o666)
    database = Database(tmp_path / "state.db")
    database.backup(tmp_path / "copy.db")
    database.close()
    assert mode(tmp_path / "copy.db") == 0o600


def test_tokens_and_the_lock_are_private_also_where_they_were_not(tmp_path):
    (tmp_path / "tokens.db").touch(mode=0o666)
    vault = FileVault(tmp_path / "tokens.db", Fernet.generate_key())
    asyncio.run(vault.put("a", "secret-token", None))
    lock = WorkerLock(tmp_path)
    lock.acquire()
    assert {p.name: mode(p) for p in tmp_path.iterdir()} == {"tokens.db": 0o600, "lock": 0o600}
    assert b"secret-token" not in (tmp_path / "tokens.db").read_bytes()
    lock.release()
    vault.close()


def test_a_state_file_and_a_key_that_were_put_there_by_hand_become_private(tmp_path):
    store = Store.open(tmp_path / "state.db", key=KEY)
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (tmp_path / name).chmod(0o644)
    again = Store.open(tmp_path / "state.db", key=KEY)
    assert {p.name: mode(p) for p in tmp_path.iterdir()}.items() >= {
        "state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600,
    }.items()  # fmt: skip
    again.close()
    store.close()
    settings = Box(tmp_path / "company").settings
    folder = state_directory(settings)
    folder.chmod(0o777)
    (folder / "key").write_bytes(Fernet.generate_key())
    state_key(settings, state_directory(settings))
    assert (mode(folder), mode(folder / "key")) == (0o755, 0o600)


def test_a_shared_folder_stays_shared(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o1777)
    assert state_directory(Box(tmp_path).settings) == tmp_path / "state"
    assert mode(tmp_path / "state") == 0o1777


@pytest.mark.parametrize("planted", ["pipe", "link", "file"])
def test_numbers_are_not_written_into_what_another_has_put_there(tmp_path, planted):
    numbers, foreign = tmp_path / "tradepost.prom", tmp_path / "foreign"
    place = tmp_path / f".tradepost.prom.{os.getpid()}.new"
    foreign.write_text("theirs")
    if planted == "pipe":
        os.mkfifo(place)
    elif planted == "link":
        place.symlink_to(foreign)
    else:
        place.hardlink_to(foreign)
    metrics.replace(numbers, "ours 1\n")
    assert (numbers.read_text(), foreign.read_text()) == ("ours 1\n", "theirs")
    assert stat.S_ISREG(numbers.lstat().st_mode)
    assert numbers.stat().st_ino != foreign.stat().st_ino


@pytest.mark.parametrize("planted", ["link", "file"])
def test_a_copy_is_not_written_into_what_another_has_put_there(tmp_path, planted):
    Store.open(tmp_path / "state.db", key=KEY).close()
    copy, foreign = tmp_path / "copy.db", tmp_path / "foreign"
    place = tmp_path / f".copy.db.{os.getpid()}.partial"
    foreign.touch()
    foreign.chmod(0o666)
    place.symlink_to(foreign) if planted == "link" else place.hardlink_to(foreign)
    files.snapshot(tmp_path / "state.db", copy)
    assert foreign.stat().st_size == 0
    assert mode(copy) == 0o600
    assert copy.lstat().st_ino != foreign.stat().st_ino


def test_the_lock_is_not_taken_through_a_link(tmp_path):
    (tmp_path / "victim").write_text("keep me")
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic"):
        WorkerLock(tmp_path).acquire()
    assert (tmp_path / "victim").read_text() == "keep me"


def test_tokens_are_not_written_through_a_link(tmp_path):
    (tmp_path / "elsewhere").touch()
    (tmp_path / "tokens.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        FileVault(tmp_path / "tokens.db", Fernet.generate_key())


def test_the_state_folder_and_all_that_a_run_makes_in_it_are_private(tmp_path):
    box = Box(tmp_path)
    clock, log = SystemClock(), open_log(io.StringIO(), SystemClock())

    async def start():
        async with opened(box.settings, log, clock) as engine:
            assert engine.mail
            return {p.name: mode(p) for p in (tmp_path / "state").iterdir()}

    made = asyncio.run(start())
    assert mode(tmp_path / "state") == 0o700
    assert {"state.db", "state.db-wal", "tokens.db", "key"} <= set(made)
    assert set(made.values()) == {0o600}


async def _asked(path) -> list[dict]:
    return [answer async for answer in ask(path, {"do": "count"})]


async def _count(request):
    yield {"n": 1}


def test_the_socket_is_private_and_answers_its_own_user(tmp_path):
    async def play():
        server = ControlServer(tmp_path / "c.sock", {"count": _count})
        await server.open()
        found = mode(tmp_path / "c.sock"), await _asked(tmp_path / "c.sock")
        await server.close()
        return found

    assert asyncio.run(play()) == (0o600, [{"n": 1}])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[" * 60_000 + b"\n", b"unknown_request"),
        (b'{"do": ["count"]}\n', b"unknown_request"),
        (b'{"do": "count", "n": ' + b"9" * 5_000 + b"}\n", b"unknown_request"),
        (b"\xff\xfe\n", b"unknown_request"),
        (b"x" * 70_000 + b"\n", b""),
        (b"never an end", b""),
    ],
)
def test_a_request_of_any_shape_is_answered_or_let_go_and_the_next_one_is_served(tmp_path, monkeypatch, line, said):
    monkeypatch.setattr(control, "PATIENCE", 0.05)
    broken: list[object] = []

    async def play():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
        server = ControlServer(tmp_path / "c.sock", {"count": _count})
        await server.open()
        reader, writer = await asyncio.open_unix_connection(tmp_path / "c.sock")
        writer.write(line)
        answer = await reader.read()
        writer.close()
        found = answer, await _asked(tmp_path / "c.sock")
        await server.close()
        return found

    answer, after = asyncio.run(play())
    assert said in answer
    assert bool(answer) is bool(said)
    assert (after, broken) == ([{"n": 1}], [])


def test_another_user_is_refused_by_the_kernels_word_even_where_the_mode_lets_him_in(tmp_path, monkeypatch):
    async def play():
        server = ControlServer(tmp_path / "c.sock", {"count": _count})
        await server.open()
        answers = await _asked(tmp_path / "c.sock")
        await server.close()
        return answers

    monkeypatch.setattr(control, "_peer_uid", lambda writer: os.getuid() + 4321)
    assert asyncio.run(play()) == [{"error": "not_owner"}]


def _ask_as(user: int, path, tell: int) -> None:
    """In a process of its own: become that user, ask, and write the answer to `tell`."""
    with socket.socket(socket.AF_UNIX) as plain:
        try:
            os.setgid(user)
            os.setuid(user)
            plain.connect(str(path))
            os.write(tell, plain.recv(1000))  # answered before it has said a word
        except OSError as error:
            os.write(tell, repr(error).encode())
    os._exit(0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_process_of_another_user_is_refused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("open")
    for parent in (folder, *folder.parents):
        if parent in (Path(tempfile.gettempdir()), *Path(tempfile.gettempdir()).parents):
            break
        parent.chmod(0o755)

    async def play():
        server = ControlServer(folder / "c.sock", {"count": _count})
        await server.open()
        (folder / "c.sock").chmod(0o666)
        hear, tell = os.pipe()
        child = os.fork()
        if not child:
            _ask_as(65534, folder / "c.sock", tell)
        said = await asyncio.get_running_loop().run_in_executor(None, os.read, hear, 1000)
        os.waitpid(child, 0)  # noqa: ASYNC222 - it has said its word and ends
        os.close(hear)
        os.close(tell)
        await server.close()
        return said.decode()

    assert '"not_owner"' in asyncio.run(play())
