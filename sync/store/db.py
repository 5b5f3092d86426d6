"""The state file: one SQLite connection, transactions by name, migrations, power-cut-proof settings."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from connectors.base.errors import Transient

WRITERS, READERS = 30_000, 1_000  # milliseconds for which another program's writing, and reading, is waited for


class StateError(Exception):
    """The state file cannot be used; the text says why and what to do."""


class NewerSchema(StateError):
    """The file was written by a newer Tradepost; `schema` is its number."""

    def __init__(self, path: Path, schema: str) -> None:
        super().__init__(
            f"{path} was written by a newer Tradepost (schema {schema}). Install that version or a later one."
        )
        self.schema = schema


class StateFull(Transient):
    """The disk that holds `path` has no room for what must be remembered: nothing is read or sent until it has."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"The disk that holds {path} is full or failing; make room.")
        self.path = path


# https://www.sqlite.org/rescode.html: SQLITE_FULL, and SQLITE_IOERR with its variants of writing, syncing, cutting, and
# of making the shared memory or making it larger
_NO_ROOM = (13, 10, 10 | 3 << 8, 10 | 4 << 8, 10 | 6 << 8, 10 | 18 << 8, 10 | 19 << 8)
# https://man7.org/linux/man-pages/man2/write.2.html
_NO_ROOM_OS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def room(path: Path) -> Iterator[None]:
    """Around writing to a file by SQLite's driver or by hand: raises `StateFull` when the disk has no room for it."""
    try:
        yield
    except (sqlite3.Error, DatabaseError, OSError) as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        full = isinstance(cause, OSError) and cause.errno in _NO_ROOM_OS
        if full or getattr(cause, "sqlite_errorcode", None) in _NO_ROOM:
            raise StateFull(path) from error
        raise


def private(path: Path) -> None:
    """Take others' rights from a file of ours and from SQLite's beside it: a copy put there by hand has the umask's."""
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        with suppress(OSError):  # not there, or not ours to change
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def to_disk(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _nothing(_: str) -> None:
    return None


class Database:
    """One open state file; with `look` it is only read, beside a process that works with it.

    Every unit of work runs in `tx(name)`. `step` is told ``NAME:begin``, ``NAME:commit`` and ``NAME:committed``: the
    places where a crash can fall.
    """

    def __init__(
        self,
        path: Path,
        *,
        synchronous: str = "FULL",
        look: bool = False,
        step: Callable[[str], None] = _nothing,
    ) -> None:
        self.path = path
        self._step = step
        if not path.exists():
            if look:
                raise StateError(f"{path} does not exist yet.")
            with room(path):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        elif not look:
            private(path)
        pragmas = [
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "secure_delete=ON",
            "trusted_schema=OFF",  # a copy that is restored may come from anywhere
            f"busy_timeout={WRITERS}",
        ]
        self._engine = create_engine(
            f"sqlite:///file:{quote(str(path))}?mode={'ro' if look else 'rw'}&uri=true",
            poolclass=StaticPool,
            hide_parameters=True,  # an error that names them would quote a mail
            connect_args={"isolation_level": None, "timeout": 30},
        )

        @event.listens_for(self._engine, "connect")
        def configure(connection: object, _: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]
            for pragma in (*([] if look else ["journal_mode=WAL"]), *pragmas):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(self._engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN" if look else "BEGIN IMMEDIATE")

        try:
            with room(path):
                self._connection = self._engine.connect()
                self._migrate(path, look=look)
        except StateFull:
            self._engine.dispose()
            raise
        except DatabaseError as error:  # damaged, locked, or none of ours
            self._engine.dispose()
            raise StateError(f"{path} cannot be opened: {error.orig}") from error
        except StateError:
            self.close()
            raise

    def _migrate(self, path: Path, *, look: bool) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent.parent / "schema"))
        scripts = ScriptDirectory.from_config(config)
        with self._connection.begin():
            now = MigrationContext.configure(self._connection).get_current_revision()
        known = {revision.revision for revision in scripts.walk_revisions()}
        if now is not None and now not in known:
            raise NewerSchema(path, now)
        if now == scripts.get_current_head():
            return
        if look:
            raise StateError(f"{path} is of an older schema ({now}); `tradepost run` brings it up to date.")
        if now is not None:
            self.backup(path.with_suffix(f".{now}.bak"))
        with self._connection.begin():
            config.attributes["connection"] = self._connection
            command.upgrade(config, "head")

    @contextmanager
    def tx(self, name: str) -> Iterator[Connection]:
        """One transaction, committed at the end or rolled back on any error. Contains no network call.

        Raises `StateFull` when the disk has no room; nothing of the transaction is kept then.
        """
        self._step(f"{name}:begin")
        with room(self.path), self._connection.begin():
            yield self._connection
            self._step(f"{name}:commit")
        self._step(f"{name}:committed")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent look that changes nothing. Raises `StateFull` when there is no room to sort what was found."""
        with room(self.path), self._connection.begin():
            yield self._connection

    def backup(self, to: Path) -> None:
        """A consistent copy, made while the file is in use, at once or not at all; mode 0600. Raises `StateFull`."""
        partial = to.with_name(f".{to.name}.partial")
        partial.unlink(missing_ok=True)
        raw = self._connection.connection.driver_connection
        assert raw is not None  # noqa: S101 - an open connection has a driver's one
        try:
            with room(partial):
                os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
                raw.execute("VACUUM INTO ?", (str(partial),))
                to_disk(partial)
                partial.replace(to)
        finally:
            partial.unlink(missing_ok=True)

    def truncate_wal(self) -> bool:
        """Move what was deleted out of the write-ahead log, so that it is gone from the disk as well.

        False when a reader kept some of it, such as a backup; all lanes wait here, so that none is waited for long
        (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
        """
        raw = self._connection.connection.driver_connection
        assert raw is not None  # noqa: S101 - an open connection has a driver's one
        raw.execute(f"PRAGMA busy_timeout={READERS}")
        try:
            with room(self.path):
                (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.execute(f"PRAGMA busy_timeout={WRITERS}")
        return not busy

    def vacuum(self) -> None:
        """Write the whole file anew: pages may hold what was moved within them and deleted elsewhere.

        Takes about a second for 100 MB, and as much room again for its time. Raises `StateFull`.
        """
        with room(self.path):
            self._connection.connection.driver_connection.execute("VACUUM")  # type: ignore[union-attr]

    def synchronous(self) -> int:
        """The setting in force: 2 is FULL, 1 NORMAL, 0 OFF."""
        with self.read() as c:
            return int(c.execute(text("PRAGMA synchronous")).scalar_one())

    def close(self) -> None:
        """May be called twice."""
        self._connection.close()
        self._engine.dispose()
