"""Puts a person's own mail into sandbox mailboxes: .eml files, mbox files (Takeout too), Maildirs, folders of these."""

from __future__ import annotations

import mailbox
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import mktime_tz, parsedate_tz
from pathlib import Path
from typing import Protocol

from tradepost.sandbox.gmail.content import addresses, decode_value

_MAILDIR_PLACES = {"sent": "SENT", "trash": "TRASH", "drafts": "DRAFT", "junk": "SPAM", "spam": "SPAM"}
_TAKEOUT = {"inbox": "INBOX", "sent": "SENT", "trash": "TRASH", "spam": "SPAM", "drafts": "DRAFT", "unread": "UNREAD"}
_TAKEOUT |= {"starred": "STARRED", "important": "IMPORTANT", "opened": "", "archived": "", "chat": "CHAT"}
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One mail found on disk. `labels` is None where the source does not say where it lay."""

    raw: bytes
    source: str
    labels: tuple[str, ...] | None = None


@dataclass(slots=True)
class Report:
    """What became of the mails: how many each mailbox got, and sources that could not be read or had no recipient."""

    delivered: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


class Target(Protocol):
    """What loading needs of a mail vendor."""

    def deliver(
        self,
        mailbox: str,
        raw: bytes,
        *,
        labels: Sequence[str] | None = None,
        at: datetime | None = None,
        thread: str | None = None,
    ) -> str: ...

    def deliver_to_recipients(self, raw: bytes, *, at: datetime | None = None) -> Mapping[str, str]: ...

    def find_user(self, address: str) -> str | None: ...


def read_mail(paths: Iterable[Path]) -> Iterator[Loaded]:
    """Every mail under the paths, in order of name. Raises FileNotFoundError for a path that is not there."""
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(path)
        yield from _read(path)


def _read(path: Path) -> Iterator[Loaded]:
    if path.is_dir():
        if (path / "cur").is_dir() or (path / "new").is_dir():
            yield from _maildir(path)
            return
        for child in sorted(path.iterdir()):
            if child.is_dir() or child.suffix.lower() in (".eml", ".mbox", ".mbx", ".msg"):
                yield from _read(child)
    elif _is_mbox(path):
        yield from _mbox(path)
    elif path.is_file():
        yield Loaded(path.read_bytes(), str(path))


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _mbox(path: Path) -> Iterator[Loaded]:
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            raw = re.sub(rb"^>(>*From )", rb"\1", box.get_bytes(key), flags=re.MULTILINE)
            yield Loaded(raw, f"{path}#{key}", _takeout_labels(raw))
    finally:
        box.close()


def _headers(raw: bytes) -> Message:
    return message_from_bytes(re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0] + b"\n\n", policy=compat32)


def _takeout_labels(raw: bytes) -> tuple[str, ...] | None:
    """The X-Gmail-Labels of a Takeout mbox; None where there is none."""
    written = _headers(raw).get("X-Gmail-Labels")
    if written is None:
        return None
    names = [name.strip().strip('"') for name in re.sub(r"\s+", " ", decode_value(written)).split(",")]
    known = [_TAKEOUT.get(name.lower(), "" if name.lower().startswith("category ") else name) for name in names]
    return tuple(dict.fromkeys(name for name in known if name))


def _maildir(path: Path) -> Iterator[Loaded]:
    for folder in [path, *sorted(child for child in path.iterdir() if child.is_dir() and child.name.startswith("."))]:
        name = folder.name.lstrip(".").lower() if folder != path else "inbox"
        place = _MAILDIR_PLACES.get(name.rsplit(".", 1)[-1], "INBOX" if name == "inbox" else folder.name.lstrip("."))
        for part in ("cur", "new"):
            files = sorted((folder / part).iterdir()) if (folder / part).is_dir() else []
            for file in files:
                yield Loaded(file.read_bytes(), str(file), _maildir_labels(file.name, part, place))


def _maildir_labels(name: str, part: str, place: str) -> tuple[str, ...]:
    """https://cr.yp.to/proto/maildir.html: S is seen, F flagged, T trashed, D draft."""
    flags = name.rpartition(":2,")[2] if ":2," in name else ""
    where = "TRASH" if "T" in flags else "DRAFT" if "D" in flags else place
    seen = "S" in flags and part == "cur"
    return (
        where,
        *(() if seen or where in ("SENT", "DRAFT") else ("UNREAD",)),
        *(("STARRED",) if "F" in flags else ()),
    )


def received_at(raw: bytes, latest: datetime) -> datetime:
    """When a mail came: the newest Received header, else Date, never later than `latest`."""
    head = _headers(raw)
    stamps = [str(value).rpartition(";")[2] for value in head.get_all("Received", [])[:1]]
    for stamp in [*stamps, *(str(value) for value in head.get_all("Date", [])[:1])]:
        try:
            parsed = parsedate_tz(stamp)
            found = datetime.fromtimestamp(mktime_tz(parsed), UTC) if parsed else None
        except (ValueError, OverflowError, OSError, IndexError, TypeError):
            continue
        if found and _EARLIEST <= found <= latest:
            return found
    return latest


def load(target: Target, paths: Iterable[Path], now: datetime, into: str | None = None) -> Report:
    """Deliver every mail under the paths with its own date.

    `into` names the mailbox that gets all of it, unchanged; without it each mail goes where its headers say, and one
    that concerns none of the mailboxes is skipped.
    """
    report = Report()
    for mail in read_mail(paths):
        if not mail.raw.strip():
            report.skipped.append(mail.source)
            continue
        at = received_at(mail.raw, now)
        if into is None:
            places = target.deliver_to_recipients(mail.raw, at=at)
        else:
            labels = mail.labels if mail.labels is not None else _own_place(target, mail.raw, into)
            target.deliver(into, mail.raw, labels=labels, at=at)
            places = {into: ""}
        for name in places:
            report.delivered[name] = report.delivered.get(name, 0) + 1
        if not places:
            report.skipped.append(mail.source)
    return report


def _own_place(target: Target, raw: bytes, into: str) -> tuple[str, ...] | None:
    """SENT for a mail the mailbox's owner wrote; otherwise the labels of arriving mail."""
    senders = [address for address, _ in addresses([str(value) for value in _headers(raw).get_all("From", [])])]
    owner = target.find_user(into)
    return ("SENT",) if any(address and target.find_user(address) == owner for address in senders) else None
