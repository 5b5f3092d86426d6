"""How a property of the account's own comes about, through the API as in the settings.

https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.hubspot.definitions import MOST_UNIQUE, TYPES, Option, Property
from tradepost.sandbox.hubspot.errors import Refused, bad_json
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.state import MODE_KINDS, PortalState
from tradepost.sandbox.hubspot.values import text

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_FIELD_TYPES = frozenset(field_type for _, field_type in TYPES.values()) | {"file", "calculation_equation"}
_VALUE_TYPES = frozenset(type_ for type_, _ in TYPES.values()) | {"phone_number"}


def make(state: PortalState, kind: Kind, body: Mapping[str, Any], user: str = "") -> Property:
    """A new property. Raises 400 or 409; an archived name is revived."""
    missing = [name for name in ("groupName", "name", "label", "type", "fieldType") if not text(body.get(name))]
    if missing:
        raise Refused(f"Some required fields were not set: {missing}")
    if state.settings.activity_properties == "c" and kind.plural in MODE_KINDS:
        raise Refused(f"Custom properties are not supported for object type {kind.constant}")
    name, held = text(body["name"]), state.definitions(kind).properties.get(text(body["name"]))
    _check_name(state, kind, body, held)
    unique = bool(body.get("hasUniqueValue"))
    if kind.plural in MODE_KINDS and state.settings.activity_properties != "a":
        unique = False
    own = [each for each in state.definitions(kind) if each.unique and not each.defined_by_hubspot]
    if unique and len(own) >= MOST_UNIQUE:
        raise Refused(f"At most {MOST_UNIQUE} unique properties are allowed for object type {kind.constant}")
    now = state.now()
    made = Property(
        name=name,
        type=text(body["type"]),
        field_type=text(body["fieldType"]),
        label=text(body["label"]),
        group=text(body["groupName"]),
        description=text(body.get("description")),
        options=read_options(body.get("options")),
        unique=unique,
        hidden=bool(body.get("hidden")),
        defined_by_hubspot=False,
        form_field=bool(body.get("formField")),
        order=int(body.get("displayOrder") or -1),
        created_at=held.created_at if held is not None else now,
        updated_at=now,
        created_by=user,
    )
    state.definitions(kind).put(made)
    return made


def _check_name(state: PortalState, kind: Kind, body: Mapping[str, Any], held: Property | None) -> None:
    name, group = text(body["name"]), text(body["groupName"])
    if held is not None and not held.archived:
        raise Refused(
            f"A property named '{name}' already exists.",
            status=409,
            category="OBJECT_ALREADY_EXISTS",
            sub_category="Properties.PROPERTY_WITH_NAME_EXISTS",
        )
    if not _NAME.fullmatch(name) or name.startswith("hs_"):
        raise Refused(f"The property name {name} is not valid", sub_category="Properties.INVALID_NAME")
    if group not in state.definitions(kind).groups or state.definitions(kind).groups[group].archived:
        raise Refused(f"Property group {group} does not exist", sub_category="Properties.GROUP_NOT_FOUND")
    if text(body["type"]) not in _VALUE_TYPES or text(body["fieldType"]) not in _FIELD_TYPES:
        raise bad_json(f"Cannot deserialize value of type `PropertyType` from {text(body['type'])}")


def read_options(rows: Any) -> tuple[Option, ...]:
    """`options` of a request. Raises 400."""
    if not rows:
        return ()
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise bad_json("Cannot construct instance of `OptionInput`")
    return tuple(
        Option(
            value=text(row.get("value")),
            label=text(row.get("label")),
            order=int(row.get("displayOrder") or order),
            hidden=bool(row.get("hidden")),
            description=text(row.get("description")),
        )
        for order, row in enumerate(rows)
    )
