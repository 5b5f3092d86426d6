"""Copies of the state file: made beside a working service, judged, and put in the place of what was lost.

SQLite copies consistently with VACUUM INTO (https://www.sqlite.org/lang_vacuum.html#vacuuminto): what was deleted is
not in the copy, and bodies stay sealed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sync.store import Store
from sync.store.restore import Survey

WAL, SHM = "-wal", "-shm"
STAGED = "restoring.db"  # beside the state file until it takes its place
LOOK_EVERY = 100_000  # steps of SQLite's machine between two words of progress
INTERRUPTED = 9  # SQLITE_INTERRUPT, https://www.sqlite.org/rescode.html


class NotState(Exception):
    """The file is no state file, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What a restore has put in place. `aside` is where the replaced file lies, None when there was none."""

    survey: Survey
    aside: Path | None


def snapshot(state: Path, to: Path, told: Callable[[int], None] = lambda _: None) -> int:
    """Copy a state file, in use or not, to `to` (mode 0600) at once or not at all; returns its size in bytes.

    `told` hears now and then how many bytes are written; Ctrl-C raises `KeyboardInterrupt` there and leaves nothing.
    Raises `OSError` or `sqlite3.Error` when the copy cannot be made, `NotState` when the file itself is damaged.
    """
    partial = to.with_name(f".{to.name}.partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        _vacuum_into(state, partial, told)
        examine(partial)
        _sync(partial)
        partial.replace(to)
        _sync(to.parent)
    finally:
        partial.unlink(missing_ok=True)
    return to.stat().st_size


def _vacuum_into(state: Path, to: Path, told: Callable[[int], None]) -> None:
    stopped: list[BaseException] = []

    def on_the_way() -> int:
        try:
            told(to.stat().st_size)
        except BaseException as error:  # noqa: BLE001 - SQLite would swallow it; it is raised below
            stopped.append(error)
            return 1
        return 0

    source = sqlite3.connect(f"file:{quote(str(state))}?mode=ro", uri=True, timeout=30)
    try:
        source.set_progress_handler(on_the_way, LOOK_EVERY)
        source.execute("VACUUM INTO ?", (str(to),))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == INTERRUPTED:
            raise (stopped[0] if stopped else KeyboardInterrupt) from None
        raise
    finally:
        source.close()


def examine(file: Path) -> str:
    """The schema of a state file that is whole. Raises `NotState`."""
    try:
        looked = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)
        try:
            (state,) = looked.execute("PRAGMA quick_check(1)").fetchone()
            (schema,) = looked.execute("SELECT version_num FROM alembic_version").fetchone()
            looked.execute("SELECT key FROM items LIMIT 1")
        finally:
            looked.close()
    except (sqlite3.Error, TypeError) as error:
        raise NotState(str(error)) from None
    if state != "ok":
        raise NotState(str(state))
    return str(schema)


async def stage(file: Path, state: Path, key: bytes) -> Survey:
    """Copy a backup beside the state file, bring it to today's schema, and say what is in it.

    The backup itself is never touched. Raises `NotState`, `OSError`, and `StateError` for a newer schema.
    """
    staged = state.with_name(STAGED)
    unstage(state)
    for suffix in ("", WAL):
        source = file.with_name(file.name + suffix)
        if source.exists() or not suffix:
            _copy(source, staged.with_name(staged.name + suffix))
    examine(staged)
    store = Store.open(staged, key=key)
    try:
        return await store.restore.survey()
    finally:
        store.close()


def unstage(state: Path) -> None:
    """Take away what a restore that was broken off has left."""
    staged = state.with_name(STAGED)
    for left in (staged, *(staged.with_name(STAGED + s) for s in (WAL, SHM)), *state.parent.glob("restoring.*.bak")):
        left.unlink(missing_ok=True)


async def put_in_place(state: Path, key: bytes, *, now: datetime, mailboxes: Sequence[str]) -> Placed:
    """Make the staged copy the state file, with everything since it was made unknown. For whoever holds the lock."""
    staged = state.with_name(STAGED)
    store = Store.open(staged, key=key)
    try:
        await store.restore.step_back(now, mailboxes)
        await store.erase.adopt(*_erased_in(state))
        survey = await store.restore.survey()
        store.db.truncate_wal()
    finally:
        store.close()
    return Placed(survey, _swap(state, now))


async def put_anew(state: Path, key: bytes, *, now: datetime) -> Path | None:
    """Make an empty file the state file, as the beginning of a rebuild; returns where the old one lies, if any."""
    unstage(state)
    store = Store.open(state.with_name(STAGED), key=key)
    try:
        await store.restore.begin_anew(now)
        await store.erase.adopt(*_erased_in(state))
        store.db.truncate_wal()
    finally:
        store.close()
    return _swap(state, now)


def _erased_in(state: Path) -> tuple[str, list[tuple[str | None, ...]]]:
    """The key and the rows of whoever was erased from a file that is replaced; nothing where it cannot be read."""
    if not state.exists():
        return "", []
    try:
        with closing(sqlite3.connect(f"file:{quote(str(state))}?mode=ro", uri=True)) as old:
            key = old.execute("SELECT value FROM meta WHERE name = 'erase_key'").fetchone()
            rows = old.execute("SELECT mark, person, address, asked_at, done_at FROM erased").fetchall()
    except sqlite3.Error:
        return "", []
    return (key[0] if key else ""), rows


def _swap(state: Path, now: datetime) -> Path | None:
    """The staged file takes the state's place in one step; the old one keeps a name of its own."""
    staged = state.with_name(STAGED)
    _sync(staged)
    aside = put_aside(state, now)
    staged.replace(state)
    unstage(state)
    _sync(state.parent)
    return aside


def put_aside(state: Path, now: datetime) -> Path | None:
    """Give the state file, if there is one, a second name that tells the time; returns it.

    Its log goes first: left behind, it would be taken for the next file's.
    """
    if not state.exists():
        return None
    aside = state.with_name(f"state-replaced-{now:%Y%m%dT%H%M%S.%fZ}.db")
    with suppress(sqlite3.Error), closing(sqlite3.connect(state)) as old:
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # and the log is gone, unless the file is damaged
    log = state.with_name(state.name + WAL)
    if log.exists():
        log.rename(aside.with_name(aside.name + WAL))
    state.with_name(state.name + SHM).unlink(missing_ok=True)
    aside.hardlink_to(state)
    return aside


def _copy(source: Path, to: Path) -> None:
    fd = os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "wb") as written, source.open("rb") as read:
        shutil.copyfileobj(read, written, 1 << 20)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
