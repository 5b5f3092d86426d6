"""systemd's notification protocol: one datagram of KEY=VALUE lines to the socket in NOTIFY_SOCKET.

Source: sd_notify(3), https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import socket
from collections.abc import Mapping


class Notifier:
    """Tells the service manager how we are; says nothing where nobody listens."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the abstract namespace's NUL byte.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        micros = environ.get("WATCHDOG_USEC", "")
        self.watchdog_seconds = int(micros) / 1e6 if micros.isdecimal() and int(micros) > 0 else None

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def reloading(self, monotonic: float) -> None:
        """A reload begins; `ready` ends it. `monotonic` is CLOCK_MONOTONIC in seconds."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic * 1e6)}")

    def starting(self, seconds: float) -> None:
        """The start takes so much longer."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def watchdog(self) -> None:
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``; counts and states only."""
        self._send(f"STATUS={' '.join(text.split())}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as s:
            try:
                s.connect(self._address)
                # Never wait: a service manager that does not read would stop every lane.
                s.send(message.encode(), socket.MSG_DONTWAIT)
            except OSError:
                return  # nor is one that has gone away a reason to stop
