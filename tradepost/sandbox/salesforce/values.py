"""Values on their way in and out: JSON and SOQL texts become Python values in the store, and JSON again.

Formats: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_valid_date_formats.htm
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.ids import parse_id
from tradepost.sandbox.salesforce.schema import TEXT_TYPES, Field

_NUMBERS = frozenset({"int", "double", "currency", "percent"})
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")


def parse_datetime(text: str) -> datetime | None:
    """A dateTime with its zone, in UTC and whole seconds (the store keeps no fractions); None when it is none."""
    if not _DATETIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def parse_date(text: str) -> date | None:
    """A date, or the day of a dateTime; None when it is neither."""
    try:
        return date.fromisoformat(text[:10]) if re.fullmatch(r"\d{4}-\d\d-\d\d(T.*)?", text) else None
    except ValueError:
        return None


def coerce(field: Field, value: Any) -> Any:
    """A JSON value as the store keeps it. Raises `Refused` with the error of the real parser or field."""
    if value is None or value == "":
        return False if field.type == "boolean" and value is None else None
    if field.type == "boolean":
        return _boolean(field, value)
    if field.type in _NUMBERS:
        return _number(field, value)
    if field.type in {"reference", "id"}:
        return _reference(field, value)
    if field.type in {"date", "datetime"}:
        return _time(field, value)
    return _text(field, value)


def _unreadable(field: Field, value: Any) -> Refused:
    kind = "VALUE_STRING" if isinstance(value, str) else type(value).__name__
    text = f"Cannot deserialize instance of {field.type} from {kind} value or request may be missing a required field"
    return Refused("JSON_PARSER_ERROR", f"{text} at {field.name}")


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise _unreadable(field, value)


def _number(field: Field, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _unreadable(field, value)
    try:
        number = float(value)
    except ValueError:
        raise _unreadable(field, value) from None
    if field.type == "int":
        return int(number)
    if abs(number) >= 10 ** (field.precision - field.scale):
        raise Refused("NUMBER_OUTSIDE_VALID_RANGE", f"{field.label}: value outside of valid range", [field.name])
    return number


def _reference(field: Field, value: Any) -> str:
    full = parse_id(value) if isinstance(value, str) else None
    if full is None:
        raise Refused("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
    return full


def _time(field: Field, value: Any) -> date | datetime:
    text = value if isinstance(value, str) else ""
    found = parse_date(text) if field.type == "date" else parse_datetime(text)
    if found is None and field.type == "datetime" and (day := parse_date(text)) is not None and len(text) == 10:
        found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if found is None:
        raise _unreadable(field, value)
    return found


def _text(field: Field, value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise _unreadable(field, value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if field.type == "email" and not _EMAIL.fullmatch(text):
        raise Refused("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", [field.name])
    if field.length and len(text) > field.length and field.type in TEXT_TYPES:
        limit = f"(max length={field.length})"
        raise Refused("STRING_TOO_LONG", f"{field.label}: data value too large: {text} {limit}", [field.name])
    return text


def render(value: Any) -> Any:
    """A stored value as JSON of the REST API (`+0000`, not `Z`)."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    if isinstance(value, date):
        return value.isoformat()
    return value


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._silent += tag in {"script", "style"}
        if tag in {"br", "p", "div", "tr", "li"}:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style"} and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def html_to_text(html: str) -> str:
    """The words of an HTML body, as the platform extracts them for an absent TextBody."""
    words = _Words()
    words.feed(html)
    words.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(words.parts)).strip()
