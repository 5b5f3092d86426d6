"""Reading under the contracts of a scorer of mail corpora: one function a task, raw mail in, plain values out."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

from connectors.base.model import MailMessage, Place
from connectors.mail.mime import parse
from mappings.reading.newtext import new_text, new_text_of_html, without_signature

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
