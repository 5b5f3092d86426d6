"""State files as files: copied whole, judged, and put aside. What is in them is the business of the other rooms.

SQLite copies consistently with VACUUM INTO (https://www.sqlite.org/lang_vacuum.html#vacuuminto): what was deleted is
not in the copy, and bodies stay sealed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from glob import escape
from pathlib import Path
from urllib.parse import quote

from sync.store.db import room, to_disk

WAL, SHM = "-wal", "-shm"
LOOK_EVERY = 100_000  # steps of SQLite's machine between two words of progress
BUSY, INTERRUPTED = 5, 9  # https://www.sqlite.org/rescode.html
READERS = 30.0  # seconds in which a program that reads the state file may come to its end
PARTIAL = ".partial"
ASIDE = "state-replaced-"


class NotState(Exception):
    """The file is no state file, or a damaged one."""


class InUse(Exception):
    """Another program reads the state file, and what it reads must not be taken away now."""


def snapshot(state: Path, to: Path, told: Callable[[int], None] = lambda _: None) -> int:
    """Copy a state file, in use or not, to `to` (mode 0600) at once or not at all; returns its size in bytes.

    `told` hears now and then how many bytes are written; Ctrl-C raises `KeyboardInterrupt` there and leaves nothing.
    Raises `StateFull` without room, `OSError` or `sqlite3.Error` when the copy cannot be made for another reason,
    `NotState` when the file itself is damaged.
    """
    _sweep(to)
    partial = to.with_name(f".{to.name}.{os.getpid()}{PARTIAL}")
    try:
        with room(to):
            partial.unlink(missing_ok=True)  # in a folder of many it may be another's, who would read along
            os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            _vacuum_into(state, partial, told)
            examine(partial)
            to_disk(partial)
            partial.replace(to)
            to_disk(to.parent)
    finally:
        partial.unlink(missing_ok=True)
    return to.stat().st_size


def _sweep(to: Path) -> None:
    """Take away what a copy to the same name has left whose process was killed."""
    for left in to.parent.glob(f".{escape(to.name)}.*{PARTIAL}"):
        number = left.name.removesuffix(PARTIAL).rpartition(".")[2]
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            left.unlink(missing_ok=True)
        except (ValueError, OverflowError, PermissionError):
            continue  # none of ours, or at work


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
        with room(state):
            source.execute("SELECT 1 FROM sqlite_master").fetchone()  # which makes the shared memory beside it
        source.set_progress_handler(on_the_way, LOOK_EVERY)
        source.execute("VACUUM INTO ?", (str(to),))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == INTERRUPTED:
            raise (stopped[0] if stopped else KeyboardInterrupt) from None
        raise
    finally:
        source.close()


_PROGRAMS = "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')"


def examine(file: Path) -> str:
    """The schema of a state file that is whole. Raises `NotState`, and `StateFull` without room to look."""
    try:
        with room(file), closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as looked:
            (state,) = looked.execute("PRAGMA quick_check(1)").fetchone()
            (schema,) = looked.execute("SELECT version_num FROM alembic_version").fetchone()
            looked.execute("SELECT key FROM items LIMIT 1")
            (programs,) = looked.execute(_PROGRAMS).fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise NotState(str(error)) from None
    if state != "ok":
        raise NotState(str(state))
    if programs:
        raise NotState("it has triggers or views, and ours never have")
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

    Until the file itself is replaced it stays as it was, whenever the process ends. Raises `InUse` and `StateFull`;
    then nothing was changed.
    """
    if not state.exists():
        return None
    _drop_other_names(state)
    aside = state.with_name(f"{ASIDE}{now:%Y%m%dT%H%M%S.%fZ}.db")
    log, log_aside = (one.with_name(one.name + WAL) for one in (state, aside))
    try:
        if log.exists():
            log_aside.hardlink_to(log)  # SQLite deletes the log of a file that is damaged at its beginning
        aside.hardlink_to(state)
        _take_in_log(state)
        to_disk(state.parent)
    except BaseException:
        _drop_other_names(state)
        raise
    if log_aside.exists() and not log_aside.stat().st_size:
        log_aside.unlink()
    # Left behind, the log would be taken for the next file's.
    log.unlink(missing_ok=True)
    state.with_name(state.name + SHM).unlink(missing_ok=True)
    return aside


def _drop_other_names(state: Path) -> None:
    """Second names of the file that is still the state: whoever gave them did not come to replace the file."""
    log = state.with_name(state.name + WAL)
    for other in state.parent.glob(f"{ASIDE}*.db"):
        if other.samefile(state):
            other.unlink()
            other.with_name(other.name + WAL).unlink(missing_ok=True)
    for other in state.parent.glob(f"{ASIDE}*.db{WAL}"):
        if log.exists() and other.samefile(log):
            other.unlink()


def _take_in_log(state: Path) -> None:
    """Move what stands in the log into the file. The log of a damaged file stays as it is, beside it."""
    try:
        with room(state), closing(sqlite3.connect(state, timeout=READERS)) as old:
            _, frames, moved = old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == BUSY:
            raise InUse from None
        return
    except sqlite3.Error:
        return
    if moved < frames:
        raise InUse
