"""Exchange ids in the forms Graph shows: default, immutable, and those of translateExchangeIds.

https://learn.microsoft.com/graph/outlook-immutable-id. All are case-sensitive base64 with `-` for `/` and
`_` for `+`; the bytes here are laid out like real ones but mean nothing outside the simulator.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from uuid import UUID

_SHAPE = re.compile(r"(AAMkA|AAkAL|AAQkA)[A-Za-z0-9_-]{40,400}={0,2}")


def _text(data: bytes) -> str:
    return b64encode(data, altchars=b"_-").decode()


def is_item_id(text: str) -> bool:
    """Whether a text looks like an id at all; any other one is "malformed"."""
    return _SHAPE.fullmatch(text) is not None


class IdMaker:
    """Makes one mailbox's ids from its GUID."""

    def __init__(self, guid: UUID) -> None:
        self._named = b"\x00\x03\x24\x00" + str(guid).encode() + b"\x00"
        self._store = sha256(guid.bytes).digest()[:16]

    def folder(self, number: int) -> str:
        """Folder ids are constant, whatever header is sent."""
        return _text(self._named + b".\x00\x00\x00\x00\x00" + self._store + b"\x01\x00" + self._tail(0, number))

    def item(self, folder: int, entry: int) -> str:
        """A default id: of the place as much as of the mail."""
        head = self._named + b"F\x00\x00\x00\x00\x00" + self._store + b"\x07\x00"
        return _text(head + self._tail(1, folder) + self._tail(2, entry) + b"\x00\x00")

    def immutable(self, uid: int) -> str:
        head = b"\x00\x09\x00\x2e\x00\x00\x00\x00\x1d\x84\x03\x11\xaa\x66\x11\xcd\x9b\xc8\x00\xaa\x00\x2f\xc4\x5a"
        return _text(head + self._store + self._tail(3, uid) + b"\x00\x00")

    def conversation(self, key: str) -> str:
        """The same for one key in one mailbox."""
        return _text(b"\x00\x04\x24\x00" + self._named[4:] + b"\x10\x00" + sha256(key.encode()).digest()[:16])

    def attachment(self, item: str, index: int) -> str:
        """The item's id goes on, as in real ones."""
        own = sha256(f"{item}:{index}".encode()).digest()[:16]
        return _text(b64decode(item, altchars=b"_-") + b"\x01\x12\x10\x00" + own)

    def change_key(self, uid: int, version: int) -> str:
        return b64encode(
            b"\x09\x00\x00\x00\x16\x00\x00\x00" + self._store[:12] + self._tail(4, uid << 20 | version)
        ).decode()

    def _tail(self, kind: int, number: int) -> bytes:
        """Eight bytes that differ in more than their last letter, as Exchange's global counters do."""
        return sha256(self._store + bytes([kind]) + number.to_bytes(12)).digest()[:8]


def ews(rest: str) -> str:
    """The same id as EWS writes it."""
    return rest.replace("-", "/").replace("_", "+")


def rest(ews_id: str) -> str:
    return ews_id.replace("/", "-").replace("+", "_")


def entry(rest_id: str) -> str:
    """A MAPI entry id, base64url, of a default or immutable id."""
    return _text(b"\x00\x00\x00\x00" + b64decode(rest_id, altchars=b"_-"))


def from_entry(entry_id: str) -> str | None:
    """Back from `entry`; None for what is none."""
    try:
        data = b64decode(entry_id, altchars=b"_-", validate=True)
    except ValueError:
        return None
    return _text(data[4:]) if data.startswith(b"\x00\x00\x00\x00") else None
