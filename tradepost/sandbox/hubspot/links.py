"""Association types and the links between records.

https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from tradepost.sandbox.hubspot.errors import Refused
from tradepost.sandbox.hubspot.kinds import STANDARD, Kind
from tradepost.sandbox.hubspot.records import Record

FIRST_OWN_TYPE = 20_000
REPLACING = frozenset({1, 5, 26, 578, 580, 582})
"""Types that lead to the one primary record of the other kind; a new one takes the earlier one's place."""


@dataclass(frozen=True, slots=True)
class LinkType:
    """One direction of an association type."""

    id: int
    back: int
    start: str  # plural of the kind it leads from
    end: str
    label: str = ""
    category: str = "HUBSPOT_DEFINED"
    name: str = ""

    def json(self) -> dict[str, object]:
        return {"category": self.category, "typeId": self.id, "label": self.label or None}


class LinkTypes:
    """HubSpot's own types and the account's labels."""

    def __init__(self) -> None:
        self.by_id: dict[int, LinkType] = {}
        self._pairs: dict[tuple[str, str], list[LinkType]] = {}
        self._next = FIRST_OWN_TYPE
        for each in _standard():
            self._add(each)

    def between(self, start: str, end: str) -> list[LinkType]:
        return self._pairs.get((start, end), [])

    def default(self, start: Kind, end: Kind) -> LinkType:
        """The type without label. Raises 400 where there is none."""
        found = next((each for each in self.between(start.plural, end.plural) if not each.label), None)
        if found is None:
            raise Refused(f"No default association type exists between {start.constant} and {end.constant}")
        return found

    def link(
        self, start: Kind, end: Kind, label: str = "", inverse: str = "", *, own: bool, name: str = ""
    ) -> LinkType:
        """A new type and its way back; the answer is the first."""
        ids = (self._next, self._next + (0 if start.plural == end.plural and not label else 1))
        self._next += 2
        category = "USER_DEFINED" if own else "HUBSPOT_DEFINED"
        first = LinkType(ids[0], ids[1], start.plural, end.plural, label, category, name)
        self._add(first)
        if ids[0] != ids[1]:
            self._add(LinkType(ids[1], ids[0], end.plural, start.plural, inverse or label, category, name))
        return first

    def rename(self, type_id: int, label: str, inverse: str) -> None:
        """New words for a type and its way back."""
        held = self.by_id[type_id]
        for each, words in ((held, label), (self.by_id[held.back], inverse or label)):
            rows = self.between(each.start, each.end)
            self.by_id[each.id] = rows[rows.index(each)] = replace(each, label=words)

    def remove(self, type_id: int) -> None:
        found = self.by_id.pop(type_id)
        self.between(found.start, found.end).remove(found)
        if found.back in self.by_id:
            self.remove(found.back)

    def _add(self, each: LinkType) -> None:
        self.by_id[each.id] = each
        self._pairs.setdefault((each.start, each.end), []).append(each)


@cache
def _standard() -> tuple[LinkType, ...]:
    plurals = {kind.singular: kind.plural for kind in STANDARD}
    found: list[LinkType] = []
    for line in Path(__file__).with_name("association_types.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        start, end, first, back, *label = line.split(" ", 4)
        text = label[0] if label else ""
        found.append(LinkType(int(first), int(back), plurals[start], plurals[end], text))
        if first != back:
            found.append(LinkType(int(back), int(first), plurals[end], plurals[start], _other_label(text)))
    return tuple(found)


def _other_label(label: str) -> str:
    return "Parent" if label == "Child" else label


Ends = dict[str, dict[int, datetime]]
"""Id at the other end -> type ids with when they were made."""


class Links:
    """Which records are linked, from both ends."""

    def __init__(self, types: LinkTypes) -> None:
        self.types = types
        self._links: dict[str, dict[str, Ends]] = {}  # id -> plural of the other kind -> its ends

    def ends(self, record_id: str, plural: str) -> Ends:
        return self._links.get(record_id, {}).get(plural, {})

    def kinds(self, record_id: str) -> list[str]:
        return [plural for plural, ends in self._links.get(record_id, {}).items() if ends]

    def put(self, start: Record, end: Record, link: LinkType, at: datetime) -> bool:
        """Link two records; the answer is whether anything is new."""
        new = link.id not in self.ends(start.id, end.kind.plural).get(end.id, {})
        self._set(start.id, end.kind.plural, end.id, link.id, at)
        self._set(end.id, start.kind.plural, start.id, link.back, at)
        return new

    def take(self, start: str, end: str, link: LinkType) -> bool:
        """Remove one type between two records; the answer is whether it was there."""
        found = self._unset(start, link.end, end, link.id)
        self._unset(end, link.start, start, link.back)
        return found

    def clear(self, start: Record, end_id: str, plural: str) -> bool:
        """Remove every type between two records."""
        held = list(self.ends(start.id, plural).get(end_id, {}))
        for type_id in held:
            self.take(start.id, end_id, self.types.by_id[type_id])
        return bool(held)

    def all(self, record_id: str) -> Iterator[tuple[str, str, int, datetime]]:
        """Kind, id, type and time of each link from a record."""
        for plural, ends in list(self._links.get(record_id, {}).items()):
            for end, types in list(ends.items()):
                for type_id, at in list(types.items()):
                    yield plural, end, type_id, at

    def forget(self, record_id: str) -> None:
        for plural, end, type_id, _ in list(self.all(record_id)):
            link = self.types.by_id[type_id]
            self._unset(record_id, plural, end, type_id)
            self._unset(end, link.start, record_id, link.back)

    def _set(self, start: str, plural: str, end: str, type_id: int, at: datetime) -> None:
        self._links.setdefault(start, {}).setdefault(plural, {}).setdefault(end, {}).setdefault(type_id, at)

    def _unset(self, start: str, plural: str, end: str, type_id: int) -> bool:
        ends = self._links.get(start, {}).get(plural, {})
        found = ends.get(end, {}).pop(type_id, None) is not None
        if end in ends and not ends[end]:
            del ends[end]
        return found
