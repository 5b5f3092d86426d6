"""Objects and fields of the org: the standard ones from `objects*.txt`, the custom ones made at run time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

TEXT_TYPES = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "combobox", "multipicklist"})
AUDIT_FIELDS = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
_LINE = re.compile(r"(?P<name>\w+) (?P<type>\w+) (?P<flags>\w+) (?P<length>\d+)(?P<rest>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `flags` are the letters explained in `objects.txt`; `length` is in characters, 0 = none stated."""

    name: str
    type: str
    label: str
    flags: str = ""
    length: int = 0
    targets: tuple[str, ...] = ()  # objects a reference may point to; "*" = any custom object
    child_name: str = ""  # the relationship from the target's side
    values: tuple[str, ...] = ()
    values_from: str = ""  # the object whose ApiName rows are the values
    default: bool | None = None
    custom: bool = False
    required: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    precision: int = 18
    scale: int = 0

    def has(self, flag: str) -> bool:
        return flag in self.flags

    @property
    def relationship(self) -> str:
        """The name that leads to the record pointed to, or empty."""
        if self.type != "reference":
            return ""
        return f"{self.name[:-3]}__r" if self.custom else self.name.removesuffix("Id")

    @property
    def always_visible(self) -> bool:
        """Fields without field-level security: system fields, owner, name, and required custom fields.

        https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_fieldpermissions.htm
        """
        return self.required or self.has("N") or self.name in {"Id", "IsDeleted", "OwnerId", *AUDIT_FIELDS}

    @property
    def indexed(self) -> bool:
        return self.type == "reference" or self.external_id or self.unique or self.has("i")


@dataclass(slots=True, kw_only=True)
class SObject:
    """One object type."""

    name: str
    prefix: str
    label: str
    plural: str
    calls: str
    custom: bool = False
    fields: dict[str, Field] = field(default_factory=dict)  # by lower-case name, in order

    def find(self, name: str) -> Field | None:
        return self.fields.get(name.lower())

    def relationship(self, name: str) -> Field | None:
        """The reference field behind a relationship name."""
        lowered = name.lower()
        return next((f for f in self.fields.values() if f.relationship.lower() == lowered), None)

    @property
    def name_field(self) -> Field | None:
        return next((f for f in self.fields.values() if f.has("N")), None)

    def allows(self, call: str) -> bool:
        return call in self.calls


class Schema:
    """All object types of one org."""

    def __init__(self) -> None:
        self._objects: dict[str, SObject] = {}
        self._by_prefix: dict[str, str] = {}
        for sobject in _standard():
            self.add(sobject)

    def __iter__(self) -> Iterator[SObject]:
        return iter(self._objects.values())

    def add(self, sobject: SObject) -> None:
        self._objects[sobject.name.lower()] = sobject
        self._by_prefix[sobject.prefix] = sobject.name

    def find(self, name: str) -> SObject | None:
        return self._objects.get(name.lower())

    def get(self, name: str) -> SObject:
        """An object known to exist. Raises KeyError."""
        return self._objects[name.lower()]

    def object_of(self, record_id: str) -> str:
        """The object type an id belongs to, or empty."""
        return self._by_prefix.get(record_id[:3], "")

    def points_to(self, reference: Field, sobject: str) -> bool:
        """Whether `reference` may hold an id of `sobject`."""
        return sobject in reference.targets or ("*" in reference.targets and sobject.endswith("__c"))

    def children(self, parent: str) -> list[tuple[SObject, Field]]:
        """Every reference that may point to `parent`, with its object."""
        return [(o, f) for o in self for f in o.fields.values() if f.targets and self.points_to(f, parent)]


def required(fields: Iterable[Field]) -> list[Field]:
    """Fields a create must fill. A list of ids may always be left out."""
    open_ones = (f for f in fields if f.type != "junctionIdList")
    return [f for f in open_ones if f.required or (f.has("c") and not f.has("n") and not f.has("d"))]


def system_fields() -> list[Field]:
    """What every object has."""
    user = ("User",)
    return [
        Field(name="Id", type="id", label="Record ID", flags="fsgid", length=18),
        Field(name="IsDeleted", type="boolean", label="Deleted", flags="fsgd"),
        Field(name="CreatedDate", type="datetime", label="Created Date", flags="fsd"),
        Field(name="CreatedById", type="reference", label="Created By ID", flags="fsgd", length=18, targets=user),
        Field(name="LastModifiedDate", type="datetime", label="Last Modified Date", flags="fsd"),
        Field(
            name="LastModifiedById",
            type="reference",
            label="Last Modified By ID",
            flags="fsgd",
            length=18,
            targets=user,
        ),
        Field(name="SystemModstamp", type="datetime", label="System Modstamp", flags="fsd"),
    ]


def make_object(name: str, prefix: str, calls: str, plural: str, label: str, fields: Iterable[Field]) -> SObject:
    """An object type with its system fields."""
    made = SObject(name=name, prefix=prefix, label=label, plural=plural, calls=calls, custom=name.endswith("__c"))
    for each in [*system_fields(), *fields]:
        made.fields[each.name.lower()] = each
    return made


def _standard() -> list[SObject]:
    return [make_object(*head, fields) for head, fields in _parsed()]


@cache
def _parsed() -> tuple[tuple[tuple[str, str, str, str, str], tuple[Field, ...]], ...]:
    folder = Path(__file__).parent
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("objects.txt", "objects_more.txt"))
    found: list[tuple[tuple[str, str, str, str, str], list[Field]]] = []
    for line in text.splitlines():
        if line.startswith("@"):
            _, name, prefix, calls, plural, label = line.split(maxsplit=5)
            found.append(((name, prefix, calls, plural, _words(label)), []))
        elif line and not line.startswith("#"):
            found[-1][1].append(_field(line))
    return tuple((head, tuple(fields)) for head, fields in found)


def _field(line: str) -> Field:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"objects.txt: {line!r}")
    rest = match["rest"]
    label = re.search(r'"([^"]+)"', rest)
    points = re.search(r"->([\w,*]+)(?:/(\w+))?", rest)
    values = re.search(r"=(@?)(.+?)(?: \"|$)", rest)
    default = re.search(r"default:(\w+)", rest)
    return Field(
        name=match["name"],
        type=match["type"],
        label=label[1] if label else _words(match["name"]),
        flags=match["flags"],
        length=int(match["length"]),
        targets=tuple(points[1].split(",")) if points else (),
        child_name=(points[2] or "") if points else "",
        values=tuple(values[2].split("|")) if values and not values[1] else (),
        values_from=values[2] if values and values[1] else "",
        default=default[1] == "true" if default else None,
    )


def _words(name: str) -> str:
    """CamelCase as words, as labels mostly are."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"\bId\b", "ID", text)
