"""What `hs_email_headers` says, and the read-only properties that it fills.

https://developers.hubspot.com/docs/api-reference/latest/crm/activities/emails/guide
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.hubspot.errors import Refused

_SINGLE = ("from", "sender")
_MANY = ("to", "cc", "bcc")
DERIVED = frozenset(
    f"hs_email_{place}_{part}" for place in (*_SINGLE, *_MANY) for part in ("email", "firstname", "lastname", "raw")
)
CONTENT = frozenset({"hs_email_html", "hs_email_text", "hs_body_preview", "hs_body_preview_html", "hs_email_headers"})
"""What is hidden without the scope sales-email-read.

https://developers.hubspot.com/changelog/announcement-new-scope-required-to-get-the-content-of-email-engagements
"""


def derive(headers: str) -> dict[str, str]:
    """The properties that `hs_email_headers` fills; all of them, empty where it is silent. Raises Refused."""
    found = dict.fromkeys(sorted(DERIVED), "")
    if not headers:
        return found
    try:
        parsed: Any = json.loads(headers)
    except (ValueError, RecursionError):
        raise Refused("Error creating EMAIL. Invalid JSON in hs_email_headers.") from None
    if not isinstance(parsed, dict):
        raise Refused("Error creating EMAIL. hs_email_headers must be a JSON object.")
    for place in (*_SINGLE, *_MANY):
        people = _people(parsed.get(place))
        for part, key in (("email", "email"), ("firstname", "firstName"), ("lastname", "lastName")):
            values = [_text(person.get(key)) for person in people]
            found[f"hs_email_{place}_{part}"] = ";".join(values) if any(values) else ""
        found[f"hs_email_{place}_raw"] = ";".join(_raw(person) for person in people)
    return found


def _people(value: Any) -> list[Mapping[str, Any]]:
    rows = value if isinstance(value, list) else [value]
    return [row for row in rows if isinstance(row, dict)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _raw(person: Mapping[str, Any]) -> str:
    name = f"{_text(person.get('firstName'))} {_text(person.get('lastName'))}".strip()
    address = _text(person.get("email"))
    return f"{name} <{address}>" if name else address
