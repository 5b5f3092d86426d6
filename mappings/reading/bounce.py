"""Delivery failures: which addresses a mail says cannot be reached. Pure; addresses only, no contents.

First the fields of RFC 3464 (the mail parser hands them on as headers "delivery-status"), then X-Failed-Recipients,
then flufl.bounce for programs that write prose, and for what looks like a bounce by sender and subject the addresses
its prose names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from itertools import islice
from typing import Literal

from flufl.bounce import all_failures

from connectors.base.model import MailMessage
from mappings.reading.identity import address_of
from mappings.reading.words import Words, fold

_TEXT_CHARS = 30_000
_ADDRESS = re.compile(r"(?<![\w.+=/-])[\w.+=/-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_RECIPIENT = re.compile(r"[^\s<>;,]{1,128}@[^\s<>;,]{1,255}")
# A line that holds an address and nothing else, as most servers name who could not be reached.
_ALONE = re.compile(rf"^[ \t]{{0,8}}<?({_ADDRESS.pattern})>?[ \t]{{0,4}}[:.]?[ \t\r]*$", re.MULTILINE)
_STATUS = re.compile(r"(?<!\d)([245])\.(\d{1,3})\.(\d{1,3})(?!\d|\.\d)")
# The address is of no use, whatever the server's code says.
_HARD = re.compile(
    r"user unknown|unknown user|no such (?:user|mailbox|address|recipient|domain|person)|does ?n[o']t exist|not exist"
    r"|unknown (?:address|recipient|mailbox|account)|invalid (?:recipient|address|mailbox|user)"
    r"|recipient (?:not found|unknown)"
    r"|mailbox (?:not found|unavailable|does not)|user (?:not found|doesn't|does not)|not our customer"
    r"|host (?:unknown|not found)"
    r"|domain (?:not found|does not exist)|name or service not known|no mailbox here|address rejected"
    r"|no longer (?:here|valid|on)"
    r"|account (?:has been )?(?:disabled|deleted|closed)|bad destination|nxdomain|has moved|unrouteable address",
    re.IGNORECASE,
)
_SOFT = re.compile(
    r"quota|mailbox (?:is )?full|over ?size|too large|spam|blocked|black ?list|policy|reputation|timed? ?out"
    r"|try again|temporar"
    r"|greylist|too many|rate limit|suspended|inactive|relay|virus|content rejected|dns(?:bl)?|refused",
    re.IGNORECASE,
)
# What follows in the text is the mail that came back, not what the server says. Nothing here reaches over the end of a
# line: a pattern that does takes the square of a thousand blank lines.
_RETURNED = re.compile(
    r"^(?:[-_=*> \t\r\xa0]{0,120}(?:original message|this is a copy of (?:the|your) message|below this line is a copy"
    r"|returned message"
    r"|message header|original headers|unsent message|the header of the original|undelivered message headers)"
    r"|[ \t\r\xa0]{0,60}(?:return-path|received|message-id|x-mailer|mime-version):)",
    re.IGNORECASE | re.MULTILINE,
)


_NOT_FAILED = frozenset(("delivered", "relayed", "expanded", "delayed"))


@dataclass(frozen=True, slots=True)
class Bounce:
    """`failed`: gave up; `delayed`: still trying; `delivered`: a receipt; `feedback`: a complaint report."""

    state: Literal["failed", "delayed", "delivered", "feedback"]
    addresses: tuple[str, ...]
    hard: bool
    evidence: str


def bounce(message: MailMessage, words: Words) -> Bounce | None:
    """What the mail reports of a delivery, or None for any other mail."""
    top = dict(reversed(message.headers))
    kind = top.get("content-type", "").lower()
    if "feedback-report" in kind or any(a.media_type == "message/feedback-report" for a in message.attachments):
        return Bounce("feedback", (), hard=False, evidence="content-type:feedback-report")
    found = _from_status(message) or _from_header(message)
    if found is None and looks_like_bounce(message, words):
        found = _from_prose(message, words)
    return found


def looks_like_bounce(message: MailMessage, words: Words) -> bool:
    """By sender and subject only; an answer to a person's mail never does."""
    top = dict(reversed(message.headers))
    local = address_of(message.from_).partition("@")[0]
    machine = local in words.machine_names or not message.from_ or top.get("return-path", "").strip() == "<>"
    subject = fold(message.subject)
    named = words.bounce_subjects.match(subject.lstrip("*!【[( ")) is not None
    report = "report-type=delivery-status" in top.get("content-type", "").lower().replace('"', "").replace(" ", "")
    return report or local in words.machine_names or (machine and named) or (named and not message.in_reply_to)


def _from_status(message: MailMessage) -> Bounce | None:
    """RFC 3464, https://www.rfc-editor.org/rfc/rfc3464#section-2.3: one group of fields a recipient."""
    groups = [_fields(value) for name, value in message.headers if name == "delivery-status"]
    reports = [(group.get("action", "").lower().split(" ")[0], group) for group in groups if _recipient(group)]
    for state in ("failed", "delayed"):
        chosen = [g for action, g in reports if (action not in _NOT_FAILED if state == "failed" else action == state)]
        if chosen:
            addresses = tuple(dict.fromkeys(_recipient(group) for group in chosen))
            said = " ".join(f"{g.get('status', '')} {g.get('diagnostic-code', '')}" for g in chosen)
            code = _STATUS.search(said)
            evidence = f"delivery-status:{code[0] if code else state}"
            hard = state == "failed" and is_hard(f"{said} {_own_words(message.text)}")
            return Bounce("failed" if state == "failed" else "delayed", addresses, hard, evidence)
    if reports:
        return Bounce("delivered", (), hard=False, evidence=f"delivery-status:{reports[0][0]}")
    return None


def _fields(value: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in value.split("\n"))
    return {name.strip(): content.strip() for name, _, content in reversed(list(pairs))}


def _recipient(group: dict[str, str]) -> str:
    for name in ("final-recipient", "original-recipient", "x-actual-recipient"):
        found = _RECIPIENT.search(group.get(name, "").rpartition(";")[2])
        if found:
            return found[0].lower()
    return ""


def _from_header(message: MailMessage) -> Bounce | None:
    found = [a.lower() for n, v in message.headers if n == "x-failed-recipients" for a in _ADDRESS.findall(v)]
    if not found:
        return None
    hard = is_hard(_own_words(message.text))
    return Bounce("failed", tuple(dict.fromkeys(found)), hard, "header:x-failed-recipients")


def _from_prose(message: MailMessage, words: Words) -> Bounce:
    said = _own_words(message.text)
    own = {address_of(message.from_), *(person.email for person in message.to)}
    temporary, permanent = _flufl(message, said)
    alone = [a for a in _unique(m[1] for m in _ALONE.finditer(said)) if _could_fail(a, own, words)]
    if temporary and not permanent:
        return Bounce("delayed", temporary, hard=False, evidence="flufl.bounce:temporary")
    if alone and not set(alone) <= set(permanent):
        return Bounce("failed", tuple(alone), is_hard(said), "text:address")
    if permanent:
        return Bounce("failed", permanent, is_hard(said), "flufl.bounce:permanent")
    named = [a for a in _unique(_ADDRESS.findall(said)) if _could_fail(a, own, words)]
    return Bounce("failed", tuple(named[:1]), is_hard(said), "subject:bounce")


def _could_fail(address: str, own: set[str], words: Words) -> bool:
    return address not in own and address.partition("@")[0] not in words.machine_names


def _unique(found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(address.strip().lower().rstrip(".") for address in islice(found, 200)))


def _own_words(text: str) -> str:
    """What the server itself says, up to the line that introduces the mail that came back."""
    text = text[:_TEXT_CHARS]
    end = _RETURNED.search(text)
    return text[: end.end()] if end and end.start() > 20 else text


def is_hard(said: str) -> bool:
    """Whether trying again is of no use: the address or its domain is wrong (RFC 3463 status, or the words)."""
    codes = [(m[1], m[2], m[3]) for m in _STATUS.finditer(said)]
    if any(c[0] == "5" and ((c[1] == "1" and c[2] not in ("7", "8", "0")) or c[1:] == ("4", "4")) for c in codes):
        return True
    return bool(_HARD.search(said)) and not _SOFT.search(said)


def _flufl(message: MailMessage, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    rebuilt = Message()
    for name, people in (("From", message.from_), ("To", message.to)):
        # Without any address one detector raises, and none behind it is asked: flufl.bounce 6.0, _detectors/yale.py.
        rebuilt[name] = ", ".join(person.email for person in people if person.email) or "<>"
    rebuilt["Subject"] = message.subject
    for name, value in message.headers:
        if name not in ("content-type", "delivery-status"):
            rebuilt[name] = value
    rebuilt["Content-Type"] = "text/plain; charset=utf-8"
    rebuilt.set_payload(text.encode("ascii", "replace").decode("ascii"))
    try:
        temporary, permanent = all_failures(rebuilt)
    except Exception:  # noqa: BLE001 - detectors of foreign prose, on hostile text
        return (), ()
    return _lower(temporary), _lower(permanent)


def _lower(found: frozenset[bytes | str]) -> tuple[str, ...]:
    names = (a.decode("utf-8", "replace") if isinstance(a, bytes) else a for a in found)
    return tuple(sorted(_unique(name for name in names if "@" in name)))
