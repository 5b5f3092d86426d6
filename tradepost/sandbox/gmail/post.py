"""What Gmail does to mail on its way: headers it adds, copies it makes."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import format_datetime

from tradepost.sandbox.gmail.content import addresses, parse

_HEAD = re.compile(rb"\r?\n\r?\n")


def crlf(raw: bytes) -> bytes:
    return raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n")


def people(raw: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(senders, recipients) by the From and the To, Cc, Bcc headers, lower-case, each once."""
    found: dict[str, list[str]] = {}
    for name, value in parse(raw).raw_items():
        found.setdefault(name.lower(), []).append(str(value))
    pick = [[mail for mail, _ in addresses([v for n in names for v in found.get(n, [])])] for names in _FIELDS]
    return tuple(dict.fromkeys(pick[0])), tuple(dict.fromkeys(pick[1]))


_FIELDS = (("from",), ("to", "cc", "bcc"))


def has_header(raw: bytes, name: str) -> bool:
    head = _HEAD.split(raw, maxsplit=1)[0]
    return re.search(rb"^" + name.encode() + rb"[ \t]*:", head, re.IGNORECASE | re.MULTILINE) is not None


def without_header(raw: bytes, name: str) -> bytes:
    """The mail without a header and its folded lines."""
    split = _HEAD.search(raw)
    head, rest = (raw[: split.start()], raw[split.start() :]) if split else (raw, b"")
    pattern = rb"(^|\r?\n)" + name.encode() + rb"[ \t]*:[^\r\n]*(\r?\n[ \t][^\r\n]*)*"
    return re.sub(pattern, b"", head, flags=re.IGNORECASE).lstrip(b"\r\n") + rest


def prepend(raw: bytes, headers: list[tuple[str, str]]) -> bytes:
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in headers) + raw


def submitted(raw: bytes, sender: str, serial: str, now: datetime) -> bytes:
    """A mail a user sends: Gmail completes Message-ID, Date and From."""
    missing = [
        ("From", sender),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<CA{serial}@mail.gmail.com>"),
    ]
    return prepend(crlf(raw), [(name, value) for name, value in missing if not has_header(raw, name)])


def received(raw: bytes, serial: str) -> bytes:
    """A mail from outside: one without Message-ID is given one by the receiving server, the same for all its copies."""
    if has_header(raw, "Message-ID"):
        return crlf(raw)
    return prepend(crlf(raw), [("Message-ID", f"<{serial}.SMTPIN_ADDED_MISSING@mx.google.com>")])


def delivered(raw: bytes, mailbox: str, serial: str, now: datetime) -> bytes:
    """A recipient's copy: trace headers on top, no Bcc."""
    stamp = format_datetime(now)
    trace = [
        ("Delivered-To", mailbox),
        ("Received", f"by 2002:a05:6000:178b:b0:3a5 with SMTP id {serial}; {stamp}"),
    ]
    return prepend(without_header(raw, "Bcc"), trace)
