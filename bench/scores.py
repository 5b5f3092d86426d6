"""Reading under the contracts of a scorer of mail corpora: one function a task, raw mail in, plain values out."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

from connectors.base.model import MailMessage, Place
from connectors.mail.mime import parse
from mappings.model import MailKind, Own
from mappings.reading import load_words, read
from mappings.reading.bounce import bounce as find_bounce
from mappings.reading.newtext import new_text, new_text_of_html, without_signature
from mappings.reading.participants import author

_AT = datetime(2026, 3, 2, tzinfo=UTC)


def message_of(raw: bytes) -> MailMessage | None:
    read = parse(raw, id="1", thread_id="1", received_at=_AT, place=Place.INBOX)
    return read if isinstance(read, MailMessage) else None


def mime(raw: bytes) -> dict[str, Any]:
    mail = message_of(raw)
    if mail is None:
        return {}
    return {
        "subject": mail.subject,
        "from": mail.from_[0].email if mail.from_ else "",
        "to": [a.email for a in mail.to],
        "text": mail.text,
        "html": mail.html,
        "attachments": [a.name for a in mail.attachments],
    }


def reply(text: str, keep_signature: bool) -> str:  # noqa: FBT001 - the scorer's contract
    new = new_text(text)
    return new if keep_signature else without_signature(new)


def reply_html(html: str) -> str:
    return escape(new_text_of_html(html))


WORDS = load_words()
NOBODY = Own(frozenset(), frozenset())


def bounce(raw: bytes) -> dict[str, Any]:
    mail = message_of(raw)
    found = find_bounce(mail, WORDS) if mail else None
    if mail is None or found is None:
        auto = mail is not None and auto_of(mail) == "auto_reply"
        return {"kind": "autoreply" if auto else "none", "addresses": [], "hard": None}
    kind = {"failed": "bounce", "delayed": "delay"}.get(found.state, found.state)
    return {"kind": kind, "addresses": list(found.addresses), "hard": found.hard}


def auto(raw: bytes) -> str:
    mail = message_of(raw)
    return auto_of(mail) if mail else "human"


def auto_of(mail: MailMessage) -> str:
    found = read(mail, mailbox="m", own=NOBODY, words=WORDS).facts
    if found.kind is MailKind.LIST:
        return "bulk" if found.kind_evidence in ("header:precedence", "header:list-unsubscribe") else "list"
    return {MailKind.AUTOMATIC: "auto_generated"}.get(found.kind, found.kind.value)


def sender(headers: str) -> str | None:
    mail = message_of(headers.encode("utf-8", "surrogateescape") + b"\n\n.")
    return author(mail, NOBODY, WORDS).email if mail else None
