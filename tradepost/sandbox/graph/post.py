"""What Exchange does to mail on its way: headers it adds, copies it makes."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from tradepost.sandbox.gmail.post import crlf, has_header, people, prepend, without_header

__all__ = ["delivered", "people", "received", "submitted"]


def submitted(raw: bytes, sender: str, message_id: str, now: datetime) -> bytes:
    """A mail that a user sends: Exchange completes From, Date and Message-ID."""
    missing = [("From", sender), ("Date", format_datetime(now)), ("Message-ID", f"<{message_id}>")]
    return prepend(crlf(raw), [(name, value) for name, value in missing if not has_header(raw, name)])


def received(raw: bytes, message_id: str) -> bytes:
    """A mail from outside: one without Message-ID is given one, the same for all its copies."""
    return crlf(raw) if has_header(raw, "Message-ID") else prepend(crlf(raw), [("Message-ID", f"<{message_id}>")])


def delivered(raw: bytes, serial: str, now: datetime) -> bytes:
    """A recipient's copy: trace headers on top, no Bcc."""
    stamp = format_datetime(now)
    host = f"{serial[:12].upper()}.eurprd04.prod.outlook.com"
    trace = [
        ("Received", f"from {host} (2603:10a6:20b:90::1) by {host} with HTTPS; {stamp}"),
        ("X-MS-Exchange-Organization-MessageDirectionality", "Incoming"),
        ("X-MS-Exchange-Organization-SCL", "1"),
    ]
    return prepend(without_header(raw, "Bcc"), trace)
