"""Modules and their fields.

https://www.zoho.com/crm/developer/docs/api/v8/field-meta.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TEXTS = frozenset({"text", "textarea", "email", "phone", "website", "picklist"})
NUMBERS = frozenset({"integer", "bigint", "double", "currency", "percent"})
LOOKUPS = frozenset({"lookup", "ownerlookup"})
UNIQUE_TYPES = ("text", "email", "phone", "integer", "bigint", "website")
JSON_TYPES = {
    "integer": "integer",
    "bigint": "long",
    "double": "double",
    "currency": "double",
    "percent": "double",
    "boolean": "boolean",
    "lookup": "jsonobject",
    "ownerlookup": "jsonobject",
    "multiselectpicklist": "jsonarray",
    "subform": "jsonarray",
    "tags": "jsonarray",
}
JSON_NAMES = {"lookup": "jsonobject", "ownerlookup": "jsonobject", "bigint": "string"}
"""Where a field's metadata names another type than refusals do.

Tag is a jsonarray and bigint a string (observed: Airbyte's source-zoho-crm maps no others, and reads Account_Number).
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a picklist. `forecast` and `probability` are those of a stage."""

    actual: str
    id: str
    display: str = ""
    forecast: str = ""  # Open, Closed Won, Closed Lost
    probability: int | None = None

    @property
    def shown(self) -> str:
        return self.display or self.actual


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`lookup` is the module a lookup leads to. `unique` and `external` as in the field's metadata."""

    name: str
    label: str
    type: str
    id: str
    length: int = 255
    mandatory: bool = False
    read_only: bool = False
    custom: bool = False
    unique: bool = False
    case_sensitive: bool = False
    external: str = ""  # user or org
    lookup: str = ""
    choices: tuple[Choice, ...] = ()

    @property
    def json_type(self) -> str:
        return JSON_TYPES.get(self.type, "string")

    @property
    def indexed(self) -> bool:
        """Whether rows are found by its value without looking at each."""
        return self.type in {"text", "email", "phone", "website", "picklist", *LOOKUPS, "integer", "bigint"}


@dataclass(slots=True, kw_only=True)
class Module:
    """`display` names the field that stands for a record; `duplicates` are its system fields for duplicate checks."""

    name: str
    singular: str
    plural: str
    id: str
    layout: str
    fields: dict[str, Field]
    display: str
    duplicates: tuple[str, ...] = ()
    editable: bool = True
    custom: bool = False
    sequence: int = 0
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def unique(self) -> list[Field]:
        return [each for each in self.fields.values() if each.unique]

    def of_type(self, *types: str) -> list[Field]:
        return [each for each in self.fields.values() if each.type in types]


class Schema:
    """The modules of one organisation by API name."""

    def __init__(self) -> None:
        self.modules: dict[str, Module] = {}

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules.values())

    def get(self, name: str) -> Module | None:
        """In any case, as clients write them in paths (observed: n8n asks for /accounts and /leads)."""
        found = self.modules.get(name)
        if found is None:
            found = next((each for each in self if each.name.lower() == name.lower()), None)
        return found

    def indexed(self, table: str, name: str) -> bool:
        """For `Store`."""
        module = self.modules.get(table)
        if module is None:
            return table.startswith("$")
        found = module.fields.get(name)
        return found is not None and found.indexed

    def leading_to(self, target: str) -> Iterator[tuple[Module, Field]]:
        """Lookups that lead to a module."""
        for module in self:
            for each in module.fields.values():
                if each.type == "lookup" and each.lookup in {target, "*"}:
                    yield module, each
