"""Which entry of a record's e-mail list is the mail we mean. Pure.

The list does not tell the Message-ID: https://www.zoho.com/crm/developer/docs/api/v8/get-email-rel-list.html.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from connectors.base.model import LogEmail
from connectors.crm.zoho_parse import id_in, parse_time
from connectors.crm.zoho_writes_map import mail_subject, one_line, sender_of

Row = Mapping[str, Any]

NEAR = timedelta(minutes=2)
# How far behind its mail a list is read before it is believed to hold no older place for it.
MARGIN = timedelta(hours=1)
_ALIKE = 200  # characters of two texts that are compared
_ENOUGH = 60


class Alike(StrEnum):
    EXACT = "exact"  # subject, sender, direction, and the very second (or minute, where no seconds are kept)
    NEAR = "near"  # within two minutes: what a mailbox integration may have noted of the same mail
    NO = "no"


@dataclass(frozen=True, slots=True)
class Entry:
    """One e-mail of a record's list, as far as a mail is known by it. `deal` is the deal it is linked to."""

    id: str
    subject: str
    sender: str
    sent: bool
    at: datetime | None
    deal: str = ""
    source: str = ""
    owner: str = ""


def entry_of(row: Row) -> Entry:
    sender = row.get("from")
    linked = row.get("linked_record")
    module = linked.get("module") if isinstance(linked, Mapping) else None
    on_deal = isinstance(module, Mapping) and module.get("api_name") == "Deals"
    return Entry(
        id=str(row.get("message_id") or ""),
        subject=one_line(str(row.get("subject") or "")),
        sender=str(sender.get("email") or "").lower() if isinstance(sender, Mapping) else "",
        sent=row.get("sent") is True,
        at=parse_time(row.get("time") or row.get("sent_time")),
        deal=id_in(linked) if on_deal else "",
        source=re.sub(r"[^A-Za-z0-9_ -]", "", str(row.get("source") or ""))[:30],
        owner=id_in(row.get("owner")),
    )


def alike(entry: Entry, write: LogEmail) -> Alike:
    """How well an entry fits a mail. Subjects are compared after the cut that Zoho's limit needs."""
    if entry.at is None or entry.sent is write.incoming:
        return Alike.NO
    apart = abs(entry.at - write.sent_at)
    if apart > NEAR:  # told first: of a long list hardly any come further
        return Alike.NO
    if entry.sender != sender_of(write).lower() or entry.subject != one_line(mail_subject(write)):
        return Alike.NO
    minute = entry.at.second == 0 and entry.at == write.sent_at.replace(second=0, microsecond=0)
    if apart < timedelta(seconds=1) or minute:
        return Alike.EXACT
    return Alike.NEAR


def fitting(entries: Sequence[Entry], write: LogEmail, grade: Alike) -> tuple[Entry, ...]:
    """The entries that fit a mail as well as that."""
    return tuple(e for e in entries if e.id and alike(e, write) is grade)


def past(entries: Sequence[Entry], moment: datetime) -> bool:
    """Whether a list read so far cannot hold a mail of `moment` on its next pages.

    That it is sorted by time is not documented, so it is believed only of a list that has been until here.
    """
    times = [e.at for e in entries if e.at is not None]
    falling = all(a >= b for a, b in pairwise(times))
    return bool(times) and falling and times[-1] < moment - MARGIN


def same_text(ours: str, theirs: str) -> bool:
    """Whether two mails begin with the same words, markup and spaces apart. Of short ones every word must agree."""
    a, b = _letters(ours)[:_ALIKE], _letters(theirs)[:_ALIKE]
    length = min(len(a), len(b))
    return length > 0 and (a == b or (length >= _ENOUGH and a[:length] == b[:length]))


def _letters(text: str) -> str:
    bare = text[:100_000]
    for name in ("style", "script", "head>"):
        bare = _without(bare, name)
    bare = html.unescape(re.sub(r"<[^<>]{0,2000}>", " ", bare))
    return "".join(c for c in bare.lower() if c.isalnum())


def _without(text: str, name: str) -> str:
    """The text without the elements of that name; one that is never closed takes all that follows."""
    kept, lower, at = [], text.lower(), 0
    while len(lower) == len(text) and (start := lower.find(f"<{name}", at)) >= 0:
        kept.append(text[at:start])
        end = lower.find(f"</{name}", start)
        at = len(text) if end < 0 else end + len(name) + 2
    return "".join((*kept, text[at:]))
