"""The state file: one SQLite connection, transactions by name, migrations, power-cut-proof settings."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from connectors.base.errors import Transient


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
    """The disk has no room for what must be remembered, so nothing more is read or sent until it has."""


# https://www.sqlite.org/rescode.html: SQLITE_FULL, and SQLITE_IOERR with its write and fsync variants
_NO_ROOM = (13, 10, 10 | 3 << 8, 10 | 4 << 8, 10 | 6 << 8)


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
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        pragmas = [f"synchronous={synchronous}", "foreign_keys=ON", "secure_delete=ON", "busy_timeout=30000"]
        self._engine = create_engine(
            f"sqlite:///file:{quote(str(path))}?mode={'ro' if look else 'rw'}&uri=true",
            poolclass=StaticPool,
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
            self._connection = self._engine.connect()
            self._migrate(path, look=look)
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
        try:
            with self._connection.begin():
                yield self._connection
                self._step(f"{name}:commit")
        except OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", None) in _NO_ROOM:
                raise StateFull(f"The disk that holds {self.path} is full or failing; make room.") from error
            raise
        self._step(f"{name}:committed")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent look that changes nothing."""
        with self._connection.begin():
            yield self._connection

    def backup(self, to: Path) -> None:
        """A consistent copy, made while the file is in use; mode 0600."""
        to.unlink(missing_ok=True)
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        to.unlink()
        raw = self._connection.connection.driver_connection
        assert raw is not None  # noqa: S101 - an open connection has a driver's one
        raw.execute("VACUUM INTO ?", (str(to),))
        to.chmod(0o600)

    def truncate_wal(self) -> bool:
        """Move what was deleted out of the write-ahead log, so that it is gone from the disk as well.

        False when a reader kept some of it (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
        """
        raw = self._connection.connection.driver_connection
        (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[union-attr]
        return not busy

    def vacuum(self) -> None:
        """Write the whole file anew: pages may hold what was moved within them and deleted elsewhere.

        Takes about a second for 100 MB, and as much room again for its time. Raises `StateFull`.
        """
        try:
            self._connection.connection.driver_connection.execute("VACUUM")  # type: ignore[union-attr]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in _NO_ROOM:
                raise StateFull(f"The disk that holds {self.path} is full or failing; make room.") from error
            raise

    def synchronous(self) -> int:
        """The setting in force: 2 is FULL, 1 NORMAL, 0 OFF."""
        with self.read() as c:
            return int(c.execute(text("PRAGMA synchronous")).scalar_one())

    def close(self) -> None:
        """May be called twice."""
        self._connection.close()
        self._engine.dispose()
