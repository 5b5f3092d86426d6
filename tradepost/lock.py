"""One worker per state file."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from tradepost.errors import UserError
from tradepost.messages import sentence


class WorkerLock:
    """An advisory lock beside the state file, held as long as the process lives; the kernel frees it after a kill."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._fd: int | None = None

    def acquire(self) -> None:
        """Raises `UserError` naming the process that holds it."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode(errors="replace").strip() or "?"
            os.close(fd)
            raise UserError(sentence("lock.held", directory=self._path.parent, pid=holder)) from None
        self._fd = fd
        with suppress(OSError):  # on a full disk: who holds it is not told, that it is held is
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """May be called twice."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
