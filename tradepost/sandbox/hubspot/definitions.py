"""Property definitions: the standard ones from `properties.txt`, the account's own made at run time.

https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from tradepost.sandbox.hubspot.kinds import Kind

TYPES = {
    "s": ("string", "text"),
    "t": ("string", "textarea"),
    "h": ("string", "html"),
    "p": ("string", "phonenumber"),
    "n": ("number", "number"),
    "b": ("bool", "booleancheckbox"),
    "e": ("enumeration", "select"),
    "r": ("enumeration", "radio"),
    "m": ("enumeration", "checkbox"),
    "d": ("date", "date"),
    "w": ("datetime", "date"),
    "x": ("object_coordinates", "text"),
}
MOST_UNIQUE = 10  # unique properties an account may make for one kind
_LINE = re.compile(r"(?P<code>[a-z]) ?(?P<flags>[a-z]*): (?P<rest>.+)")
_WORDS = re.compile(r"^hs_|^hubspot_")
MULTIPLE = ("checkbox",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value of an enumeration."""

    value: str
    label: str
    order: int = 0
    hidden: bool = False
    description: str = ""

    def json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "value": self.value,
            "displayOrder": self.order,
            "hidden": self.hidden,
            "description": self.description,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of a kind. `open_options`: values come from elsewhere and are not listed here."""

    name: str
    type: str
    field_type: str
    label: str
    group: str
    description: str = ""
    options: tuple[Option, ...] = ()
    open_options: bool = False
    read_only: bool = False
    calculated: bool = False
    unique: bool = False
    hidden: bool = False
    defined_by_hubspot: bool = True
    form_field: bool = False
    order: int = -1
    created_at: datetime | None = None
    updated_at: datetime | None = None
    created_by: str = ""
    archived_at: datetime | None = None

    @property
    def multiple(self) -> bool:
        """Values are several, joined by semicolons."""
        return self.field_type in MULTIPLE

    @property
    def archived(self) -> bool:
        return self.archived_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group under which properties are shown."""

    name: str
    label: str
    order: int = -1
    archived: bool = False

    def json(self) -> dict[str, Any]:
        return {"name": self.name, "label": self.label, "displayOrder": self.order, "archived": self.archived}


@dataclass(slots=True)
class Definitions:
    """Properties and groups of one kind, archived ones too."""

    kind: Kind
    properties: dict[str, Property] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    unique_names: tuple[str, ...] = ()

    def put(self, each: Property) -> None:
        """Add or replace a property."""
        self.properties[each.name] = each
        self.unique_names = tuple(found.name for found in self if found.unique)

    def find(self, name: str) -> Property | None:
        """A property in use, by name in any case."""
        found = self.properties.get(name) or self.properties.get(name.lower())
        return found if found is not None and not found.archived else None

    def __iter__(self) -> Iterator[Property]:
        return (each for each in self.properties.values() if not each.archived)


def label_of(name: str) -> str:
    """A label from a property's name."""
    words = _WORDS.sub("", name).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def standard(kind: Kind) -> Definitions:
    """What every account has for this kind."""
    found = Definitions(kind)
    for block, group, line in _lines():
        if block in {kind.plural, "*"} or (block == "%" and kind.activity):
            name = group.format(singular=kind.singular)
            found.groups.setdefault(name, Group(name=name, label=label_of(name)))
            for each in _read(line, name):
                found.put(each)
    if kind.custom:
        found.groups.setdefault(
            f"{kind.singular}_information", Group(name=f"{kind.singular}_information", label="Info")
        )
    return found


@cache
def _lines() -> tuple[tuple[str, str, str], ...]:
    found: list[tuple[str, str, str]] = []
    block = group = ""
    for line in Path(__file__).with_name("properties.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            _, block, group = line.split(" ", 2)
        elif line and not line.startswith("#"):
            found.append((block, group, line))
    return tuple(found)


def _read(line: str, group: str) -> Iterator[Property]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"properties.txt: {line}")
    names, _, values = match["rest"].partition(" = ")
    type_, field_type = TYPES[match["code"]]
    options = tuple(_option(order, text) for order, text in enumerate(values.split("|"))) if values else ()
    for name in names.split():
        yield Property(
            name=name,
            type=type_,
            field_type=field_type,
            label=label_of(name),
            group=group,
            options=options or (_BOOLS if type_ == "bool" else ()),
            open_options="o" in match["flags"],
            read_only=bool({"r", "c"} & set(match["flags"])),
            calculated="c" in match["flags"],
            unique="u" in match["flags"],
            hidden="h" in match["flags"],
            form_field=type_ == "string",
        )


def _option(order: int, text: str) -> Option:
    value, _, label = text.partition("~")
    return Option(value=value, label=label or value.replace("_", " ").capitalize(), order=order)


_BOOLS = (Option(value="true", label="True", order=0), Option(value="false", label="False", order=1))
