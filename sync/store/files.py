"""State files as files: copied whole, judged, and put aside. What is in them is the business of the other rooms.

SQLite copies consistently with VACUUM INTO (https://www.sqlite.org/lang_vacuum.html#vacuuminto): what was deleted is
not in the copy, and bodies stay sealed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

WAL, SHM = "-wal", "-shm"
LOOK_EVERY = 100_000  # steps of SQLite's machine between two words of progress
INTERRUPTED = 9  # SQLITE_INTERRUPT, https://www.sqlite.org/rescode.html


class NotState(Exception):
    """The file is no state file, or a damaged one."""


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
        to_disk(partial)
        partial.replace(to)
        to_disk(to.parent)
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


def erased_in(state: Path) -> tuple[str, list[tuple[str | None, ...]]]:
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


def to_disk(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
