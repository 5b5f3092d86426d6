"""Values as they come in, are kept and go out.

Texts, numbers, booleans and lists are kept as in JSON, dates as text, date-times as aware UTC, lookups as ids.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from tradepost.sandbox.zoho.errors import Refused, wrong_data
from tradepost.sandbox.zoho.schema import LOOKUPS, NUMBERS, TEXTS, Field
from tradepost.sandbox.zoho.strictness import Strictness

_EMAIL = re.compile(r"[^\s@,;<>()]+@[^\s@,;<>()]+\.[^\s@,;<>()]+")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?P<zone>Z|[+-]\d\d:?\d\d)")
_LOOSE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?")


def read(field: Field, value: Any, path: str, rules: Strictness) -> Any:
    """A value for a field that is not a lookup. Raises INVALID_DATA."""
    if value is None or value == "":
        return None
    if field.type in TEXTS:
        return _text(field, value, path, rules)
    if field.type in NUMBERS:
        return _number(field, value, path)
    match field.type:
        case "boolean":
            if not isinstance(value, bool):
                raise _refused(field, path, "boolean")
            return value
        case "date":
            return _date(field, value, path)
        case "datetime":
            found = moment(value, rules)
            if found is None:
                raise _refused(field, path, "datetime")
            return found
        case "multiselectpicklist":
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise _refused(field, path, "jsonarray")
            return list(value)
    return value


def _text(field: Field, value: Any, path: str, rules: Strictness) -> str:
    if not isinstance(value, str):
        raise _refused(field, path, "text" if field.type == "textarea" else field.type)
    if len(value) > field.length and rules.lengths_checked:
        raise Refused(
            "INVALID_DATA",
            "invalid data",
            {"maximum_length": field.length, "api_name": field.name, "json_path": path},
        )
    if field.type == "email" and not _EMAIL.fullmatch(value):
        raise _refused(field, path, "email")
    return value


def _number(field: Field, value: Any, path: str) -> Any:
    whole = field.type in {"integer", "bigint"}
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (whole and not isinstance(value, int)):
        raise _refused(field, path, field.type)
    return value


def _date(field: Field, value: Any, path: str) -> str:
    try:
        return date.fromisoformat(value).isoformat() if len(value) == 10 else _never()
    except (TypeError, ValueError):
        raise _refused(field, path, "date") from None


def _never() -> str:
    raise ValueError


def _refused(field: Field, path: str, expected: str) -> Refused:
    return wrong_data(field.name, path, expected_data_type=expected)


def moment(value: Any, rules: Strictness) -> datetime | None:
    """A date-time with an offset and without fractions; None for anything else.

    https://smooth.tel/working-with-date-time-objects-and-timezones-in-zoho-crm
    """
    if not isinstance(value, str):
        return None
    if not _DATETIME.fullmatch(value) and (rules.offsets_needed or not _LOOSE.fullmatch(value)):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def lookup_id(field: Field, value: Any, path: str) -> str | None:
    """The id in a lookup, written as an object or as text. Raises INVALID_DATA."""
    if value is None or value == "":
        return None
    found = value.get("id") if isinstance(value, dict) else value
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or not found.isdigit():
        raise _refused(field, path, "jsonobject" if not isinstance(value, dict) else "bigint")
    return found


def show_time(value: datetime | None, zone: tzinfo) -> str | None:
    """ISO 8601 with the organisation's offset."""
    return None if value is None else value.astimezone(zone).isoformat(timespec="seconds")


def is_lookup(field: Field) -> bool:
    return field.type in LOOKUPS
