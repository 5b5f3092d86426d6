"""The memory: all SQL, one room per concern, behind `Store`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

from sync.store.alarms import AlarmStore
from sync.store.bodies import BodyStore
from sync.store.codec import Seal
from sync.store.coverage import CoverageStore
from sync.store.db import Database, NewerSchema, StateError, StateFull
from sync.store.erase import EraseStore
from sync.store.export import ExportStore
from sync.store.mail import MailStore
from sync.store.mailboxes import MailboxStore
from sync.store.mirror import MirrorStore
from sync.store.outbox import OutboxStore
from sync.store.report import ReportStore
from sync.store.restore import RestoreStore
from sync.store.threads import ThreadStore
from sync.store.undo import UndoStore

__all__ = ["NewerSchema", "StateError", "StateFull", "Store"]


class Store:
    """One company's state file. Calls are short and synchronous inside; the methods are async for the seam's sake."""

    def __init__(self, db: Database, seal: Seal) -> None:
        self.db = db
        self.mailboxes = MailboxStore(db)
        self.mail = MailStore(db, seal)
        self.bodies = BodyStore(db, seal)
        self.threads = ThreadStore(db)
        self.outbox = OutboxStore(db)
        self.mirror = MirrorStore(db)
        self.report = ReportStore(db)
        self.restore = RestoreStore(db)
        self.coverage = CoverageStore(db)
        self.alarms = AlarmStore(db)
        self.undo = UndoStore(db)
        self.erase = EraseStore(db)
        self.export = ExportStore(db, seal)

    @classmethod
    def open(
        cls, path: Path, *, key: bytes, synchronous: str = "FULL", step: Callable[[str], None] = lambda _: None
    ) -> Store:
        """Open or make the state file and bring its schema up to date. Raises `StateError`."""
        return cls(Database(path, synchronous=synchronous, step=step), Seal(key))

    @classmethod
    def look(cls, path: Path, *, key: bytes | None = None) -> Store:
        """Open the state file for reading, beside a process that works with it; bodies only with the key.

        Raises `StateError`.
        """
        return cls(Database(path, look=True), Seal(key or Fernet.generate_key()))

    def close(self) -> None:
        """May be called twice."""
        self.db.close()
