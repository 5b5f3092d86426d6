"""A service manager's end of the notification socket."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

WITHIN = 30.0  # seconds for anything a daemon does on a busy machine


class Manager:
    """Hears what a daemon says; `heard` keeps all of it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="n")
        self.path = Path(self._folder.name) / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(WITHIN)
        self.heard: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._folder.cleanup()

    def wait(self, wanted: str | Callable[[str], bool]) -> str:
        """The next message that begins so, or fits. Raises TimeoutError."""
        fits = wanted if callable(wanted) else lambda message: message.startswith(wanted)
        while True:
            message = self._socket.recv(4096).decode()
            self.heard.append(message)
            if fits(message):
                return message

    def rest(self) -> list[str]:
        """What was said and not waited for; the daemon has ended."""
        self._socket.setblocking(False)
        try:
            while True:
                self.heard.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            return self.heard
