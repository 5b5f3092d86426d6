"""singleValueExtendedProperties: MAPI properties by id, as far as mail readers ask for them.

https://learn.microsoft.com/graph/api/resources/extended-properties-overview. Sensitivity is only to be had this way (or
from the mail's own header): v1.0 messages have no such property.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from tradepost.sandbox.graph.mailbox import Item
from tradepost.sandbox.graph.view import Json, importance, stamp

_WANTED = re.compile(r"\bid\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)
_SENSITIVITY = {"personal": "1", "private": "2", "company-confidential": "3"}
_IMPORTANCE = {"low": "0", "normal": "1", "high": "2"}


def sensitivity(item: Item) -> str:
    """PidTagSensitivity: 0 normal, 1 personal, 2 private, 3 confidential."""
    return _SENSITIVITY.get(item.content.header("Sensitivity").strip().lower(), "0")


def message_class(item: Item) -> str:
    if item.content.opaque:
        return "IPM.Note.SMIME"
    if item.meeting:
        return "IPM.Schedule.Meeting.Request"
    return "IPM.Note"


def _transport_headers(item: Item) -> str | None:
    if item.own:
        return None
    return "".join(f"{name}: {value}\r\n" for name, value in item.content.headers)


# (type, property tag) -> value as text; None for what the item lacks
_TAGS: dict[tuple[str, int], Callable[[Item], str | None]] = {
    ("integer", 0x36): sensitivity,
    ("integer", 0x17): lambda item: _IMPORTANCE[importance(item)],
    ("integer", 0x0E08): lambda item: str(len(item.raw)),
    ("integer", 0x0E07): lambda item: str(int(item.read) | (8 if item.draft else 0)),
    ("string", 0x1A): message_class,
    ("string", 0x37): lambda item: item.head.subject,
    ("string", 0x7D): _transport_headers,
    ("string", 0x1035): lambda item: f"<{item.head.message_id}>" if item.head.message_id else None,
    ("string", 0x1039): lambda item: item.content.header("References") or None,
    ("string", 0x1042): lambda item: item.content.header("In-Reply-To") or None,
    ("systemtime", 0x0E06): lambda item: stamp(item.received),
    ("systemtime", 0x0039): lambda item: stamp(item.sent),
    ("binary", 0x71): lambda item: b64encode(item.conversation_index).decode(),
}


def single_values(item: Item, wanted: str) -> list[Json]:
    """What `$expand=singleValueExtendedProperties($filter=id eq '...' or ...)` shows; nothing for what is not there."""
    found = []
    for name in _WANTED.findall(wanted):
        value = value_of(item, name)
        if value is not None:
            found.append({"id": name, "value": value})
    return found


def value_of(item: Item, name: str) -> Any:
    kind, _, tag = name.strip().partition(" ")
    try:
        number = int(tag, 16)
    except ValueError:
        return None
    read = _TAGS.get((kind.lower(), number))
    return read(item) if read else None
