"""Mail as the CRM's own integration reads it.

https://help.zoho.com/portal/en/community/topic/kaizen-229-email-deal-associations-in-zoho-crm
"""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from tradepost.sandbox.zoho.emails import CAPS
from tradepost.sandbox.zoho.state import State


def entry(raw: bytes, own: frozenset[str]) -> dict[str, Any]:
    """An entry for `emails.add`; `own` are the organisation's addresses, whose mails count as sent."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - the policy makes no other
    sender = _people(message, "From")[:1] or [{"user_name": None, "email": ""}]
    return {
        "from": sender[0],
        "to": _people(message, "To"),
        "cc": _people(message, "Cc"),
        "subject": str(message.get("Subject", ""))[: CAPS["subject"]],
        "content": _text(message)[: CAPS["content"]],
        "mail_format": "text",
        "time": _time(message),
        "sent": sender[0]["email"].lower() in own,
        "original_message_id": str(message.get("Message-ID", "")).strip(),
        "source": "imap",
        "linked": None,
    }


def _people(message: EmailMessage, header: str) -> list[dict[str, Any]]:
    values = [str(value) for value in message.get_all(header, [])]
    return [{"user_name": name or None, "email": address} for name, address in getaddresses(values) if "@" in address]


def _time(message: EmailMessage) -> datetime:
    try:
        found = parsedate_to_datetime(str(message["Date"]))
    except (TypeError, ValueError):
        return datetime(1970, 1, 1, tzinfo=UTC)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def _text(message: EmailMessage) -> str:
    try:
        part = message.get_body(("plain", "html"))
        return "" if part is None else str(part.get_content())
    except (LookupError, KeyError, MessageError, ValueError):
        return ""


def predicted(state: State, contact: str) -> tuple[str, str] | None:
    """The deal that an incoming mail of a contact is linked to: the open one changed last."""
    rows = state.store.find("Deals", "Contact_Name", contact)
    opened = [row for row in rows if (stage := state.stage(row["Stage"])) is not None and stage.forecast == "Open"]
    if not opened:
        return None
    return "Deals", str(max(opened, key=lambda row: (row["Modified_Time"], row["id"]))["id"])
