"""A mail as HubSpot's connected inbox logs it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import sha256

_LIMIT = 60_000


def native_values(raw: bytes, of_customers: Iterable[str]) -> dict[str, str]:
    """Values of an email record. It came in when one of the customers' addresses wrote it."""
    mail = message_from_bytes(raw, policy=default)
    people = {name: _people(mail.get_all(name, [])) for name in ("from", "to", "cc")}
    sent = parsedate_to_datetime(str(mail["Date"])).astimezone(UTC)
    sender = people["from"][0]["email"].lower() if people["from"] else ""
    incoming = sender in {each.lower() for each in of_customers if each}
    message_id = str(mail["Message-ID"] or "").strip()
    return {
        "hs_timestamp": f"{sent:%Y-%m-%dT%H:%M:%S}Z",
        "hs_email_direction": "INCOMING_EMAIL" if incoming else "EMAIL",
        "hs_email_status": "SENT",
        "hs_email_subject": str(mail["Subject"] or ""),
        "hs_email_text": _text(mail)[:_LIMIT],
        "hs_email_headers": json.dumps({"from": (people["from"] or [{}])[0], "to": people["to"], "cc": people["cc"]}),
        "hs_email_message_id": message_id,
        "hs_email_thread_id": sha256(message_id.encode()).hexdigest()[:16],
        "hs_email_logged_from": "EMAIL_INTEGRATION",
        "hs_engagement_source": "EMAIL",
        "hs_object_source_label": "EMAIL_INTEGRATION",
    }


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    held = body.get_payload(decode=True) if body is not None else None
    return held.decode("utf-8", "replace") if isinstance(held, bytes) else ""


def _people(values: Iterable[object]) -> list[dict[str, str]]:
    found = []
    for name, address in getaddresses([str(value) for value in values]):
        first, _, last = name.partition(" ")
        if address:
            found.append({"email": address, "firstName": first, "lastName": last})
    return found
