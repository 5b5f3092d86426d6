"""Exchange's threading: conversationId and conversationIndex, by References.

[MS-OXOMSG] 2.2.1.3: the index is 22 bytes (1, five bytes of time, a GUID), and 5 more for each reply.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import mktime_tz, parsedate_tz
from hashlib import sha256

from tradepost.sandbox.gmail.content import Head

HEADER, STEP, LONGEST = 22, 5, 22 + 5 * 200
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_FIELD = rb"^%s[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail stands: its conversation's id and its own index."""

    id: str
    index: bytes


@dataclass(slots=True)
class Threads:
    """Places by Message-ID. A reply whose parent is unknown is filed under its first reference, where a late parent
    joins it.
    """

    known: dict[str, Place] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)  # Message-IDs of mails that are there, not only named
    serial: int = 0

    def place(self, head: Head, thread: str | None, at: datetime, name: Callable[[str], str], raw: bytes) -> Place:
        self.serial += 1
        parent = next((self.known[r] for r in reversed(head.references) if r in self.known), None)
        if thread and (parent is None or parent.id != thread):
            found = Place(thread, header(thread, at))
        elif parent:
            found = Place(parent.id, child(parent.index, at))
        elif head.message_id and head.message_id in self.known:
            found = self.known[head.message_id]
            found = found if head.message_id in self.met else Place(found.id, found.index[:HEADER])
        else:
            key = head.references[0] if head.references else head.message_id or f"#{self.serial}"
            root = header(key, at)
            found = Place(name(key), _thread_index(raw) or (child(root, at) if head.references else root))
        for reference in head.references:
            self.known.setdefault(reference, found)
        if head.message_id:
            self.known[head.message_id] = found
            self.met.add(head.message_id)
        return found


def header(key: str, at: datetime) -> bytes:
    ticks = int((at - _EPOCH).total_seconds() * 10_000_000)
    return b"\x01" + (max(ticks, 0) >> 16).to_bytes(6)[-5:] + sha256(key.encode()).digest()[:16]


def child(parent: bytes, at: datetime) -> bytes:
    if len(parent) + STEP > LONGEST:
        return parent
    return parent + (int(at.timestamp()) & 0x7FFFFFFF).to_bytes(4) + b"\x10"


def _field(raw: bytes, name: bytes) -> str:
    end = re.search(rb"\r?\n\r?\n", raw)
    found = re.search(_FIELD % name, raw[: end.start()] if end else raw, re.IGNORECASE | re.MULTILINE)
    return found[1].decode("latin-1") if found else ""


def _thread_index(raw: bytes) -> bytes:
    """Outlook's own header, where it is a right one."""
    try:
        data = b64decode(_field(raw, b"Thread-Index"), validate=False)
    except ValueError:
        return b""
    right = HEADER <= len(data) <= LONGEST and (len(data) - HEADER) % STEP == 0
    return data if right else b""


def written_at(raw: bytes) -> datetime | None:
    """The Date header in UTC; None where there is none or a wrong one."""
    try:
        parsed = parsedate_tz(_field(raw, b"Date"))
        return datetime.fromtimestamp(mktime_tz(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError, IndexError, TypeError):
        return None
