"""Values on their way in: coerced, checked against their definitions, normalised.

https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradepost.sandbox.hubspot.definitions import Property
from tradepost.sandbox.hubspot.errors import InvalidValues, bad_json, invalid
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.mail_headers import DERIVED
from tradepost.sandbox.hubspot.pipelines import pipeline_property, stage_property
from tradepost.sandbox.hubspot.records import Record
from tradepost.sandbox.hubspot.state import PortalState
from tradepost.sandbox.hubspot.times import is_midnight, millis, of_millis

MOST_CHARACTERS = 65_536
_EMAIL = re.compile(r"[^@\s<>,;()\"]+@[^@\s<>,;()\"]+\.[^@\s<>,;()\"]+")
_EMAIL_IDS = frozenset({"hs_email_message_id", "hs_email_thread_id"})
_SCHEME = re.compile(r"^\w+://")


@dataclass(slots=True)
class Checked:
    """Values ready to be stored, and what was changed on the way: property, raw, normalised."""

    values: dict[str, str] = field(default_factory=dict)
    normalised: list[tuple[str, str, str]] = field(default_factory=list)


class _Problem(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def text(value: Any) -> str:
    """A JSON value as HubSpot reads it into a string. Raises the 400 of a body that cannot be read."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    token = "START_ARRAY" if isinstance(value, list) else "START_OBJECT"
    what = "Array" if isinstance(value, list) else "Object"
    raise bad_json(f"Cannot deserialize value of type `java.lang.String` from {what} value (token `JsonToken.{token}`)")


def check(state: PortalState, kind: Kind, raw: Mapping[str, Any], record: Record | None) -> Checked:
    """What the API makes of `properties`; `record` is None for a new one. Raises InvalidValues."""
    found = Checked()
    problems = []
    for name, value in raw.items():
        written = text(value)
        try:
            definition = _writable(state, kind, name, record)
            if definition is None:
                continue
            stored = _normal(state, kind, definition, written, raw, record)
        except _Problem as problem:
            problems.append(invalid(name, problem.code, problem.message, state.settings.portal_id))
            continue
        found.values[definition.name] = stored
        if stored != written and definition.name in ("email", "domain"):
            found.normalised.append((definition.name, written, stored))
    if problems:
        raise InvalidValues(problems)
    return found


def _writable(state: PortalState, kind: Kind, name: str, record: Record | None) -> Property | None:
    definition = state.property(kind, name)
    if definition is None:
        if state.strict.unknown_property_refused:
            raise _Problem("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        return None
    if not definition.read_only or not state.strict.read_only_refused:
        return definition
    if definition.name in _EMAIL_IDS and state.settings.email_ids_writable:
        return definition
    if definition.name == "hs_additional_emails" and record is not None:
        return definition
    if definition.name in DERIVED and not state.strict.headers_fill_read_only:
        return definition
    raise _Problem("READ_ONLY_VALUE", f'"{definition.name}" is a read only property; its value cannot be set.')


def _normal(
    state: PortalState, kind: Kind, each: Property, value: str, raw: Mapping[str, Any], record: Record | None
) -> str:
    """The value as it is stored. Raises _Problem."""
    if value == "":
        return ""
    if len(value) > MOST_CHARACTERS:
        raise _Problem("VALUE_TOO_LONG", f"Property value cannot exceed {MOST_CHARACTERS} characters")
    match each.type:
        case "number":
            return _number(value)
        case "bool":
            return _bool(value)
        case "date" | "datetime":
            return _time(state, each, value)
        case "enumeration":
            _option(state, kind, each, value, raw, record)
            return value
    return _string(kind, each, value)


def _number(value: str) -> str:
    try:
        float(value)
    except ValueError:
        raise _Problem("INVALID_INTEGER", f"{value} was not a valid number.") from None
    return value


def _bool(value: str) -> str:
    if value.lower() not in {"true", "false"}:
        raise _Problem("INVALID_BOOLEAN", f"{value} was not a valid boolean.")
    return value.lower()


def _time(state: PortalState, each: Property, value: str) -> str:
    at = millis(value)
    if at is None:
        if state.strict.dates_checked:
            raise _Problem("INVALID_DATE", f"{value} was not a valid {each.type}.")
        return value
    if each.type == "datetime":
        return of_millis(at)
    if not is_midnight(at) and state.strict.dates_checked:
        raise _Problem("INVALID_DATE", f"{value} is at a time of day, not midnight UTC!")
    return of_millis(at)[:10]


def _string(kind: Kind, each: Property, value: str) -> str:
    if kind.plural == "contacts" and each.name == "email":
        if not _EMAIL.fullmatch(value.strip()):
            raise _Problem("INVALID_EMAIL", f"Email address {value} is invalid")
        return value.strip().lower()
    if kind.plural == "companies" and each.name == "domain":
        return domain_of(value)
    return value


def domain_of(value: str) -> str:
    """The domain in an address of a site."""
    return _SCHEME.sub("", value.strip().lower()).split("/")[0].removeprefix("www.")


def _option(
    state: PortalState, kind: Kind, each: Property, value: str, raw: Mapping[str, Any], record: Record | None
) -> None:
    if not state.strict.enumeration_values_checked:
        return
    if each.name == "hubspot_owner_id":
        _owner(state, value, record)
    elif kind.plural in state.pipelines and each.name == stage_property(kind.plural):
        _stage(state, kind, value, raw, record)
    elif kind.plural in state.pipelines and each.name == pipeline_property(kind.plural):
        _listed(value, list(state.pipelines[kind.plural]))
    elif each.options and not each.open_options:
        allowed = [option.value for option in each.options]
        for part in value.split(";") if each.multiple else [value]:
            if part:
                _listed(part, allowed)


def _listed(value: str, allowed: list[str]) -> None:
    if value not in allowed:
        raise _Problem("INVALID_OPTION", f"{value} was not one of the allowed options: [{', '.join(allowed)}]")


def _stage(state: PortalState, kind: Kind, value: str, raw: Mapping[str, Any], record: Record | None) -> None:
    """A stage must be of the pipeline that the record is in, or is put into by the same write."""
    pipelines = state.pipelines[kind.plural]
    name = pipeline_property(kind.plural)
    chosen = text(raw.get(name)) or (record.get(name) if record is not None else "")
    if chosen in pipelines:
        _listed(value, list(pipelines[chosen].stages))
    elif record is None and not chosen:
        _listed(value, list(next(iter(pipelines.values())).stages))


def _owner(state: PortalState, value: str, record: Record | None) -> None:
    owner = state.owners.get(value)
    if owner is None or (owner.archived and state.strict.archived_owner_hidden):
        if record is not None and record.get("hubspot_owner_id") == value:
            return
        raise _Problem("INVALID_OPTION", f"Owner with id {value} does not exist or is not active")
