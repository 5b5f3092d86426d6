"""Records with their histories, indexes by id and by unique value, and the ids that merges left behind."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.times import to_millis

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Who set a value: `type` as in `sourceType`."""

    type: str
    id: str = ""
    user_id: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One value that a property had."""

    value: str
    at: datetime
    source: Source


@dataclass(slots=True, kw_only=True)
class Record:
    """One record. `values` is replaced, never changed, so that an index may keep it. Empty values are absent."""

    id: str
    kind: Kind
    created_at: datetime
    updated_at: datetime
    values: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[Version]] = field(default_factory=dict)  # oldest first
    archived_at: datetime | None = None

    @property
    def number(self) -> int:
        return int(self.id)

    @property
    def archived(self) -> bool:
        return self.archived_at is not None

    def get(self, name: str) -> str:
        return self.values.get(name, "")


class Table:
    """The records of one kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.records: dict[str, Record] = {}
        self.shown: dict[bool, list[int]] = {False: [], True: []}  # archived? -> ids, ascending
        self._unique: dict[str, dict[str, str]] = {}  # property -> folded value -> id of the living record

    def add(self, record: Record, unique: Iterable[str]) -> None:
        self.records[record.id] = record
        insort(self.shown[record.archived], record.number)
        if not record.archived:
            self._claim(record, unique)

    def drop(self, record: Record, unique: Iterable[str]) -> None:
        """Forget a record altogether."""
        self._release(record, unique)
        self._hide(record)
        del self.records[record.id]

    def change(self, record: Record, values: dict[str, str], unique: Iterable[str]) -> None:
        names = list(unique)
        if not record.archived:
            self._release(record, names)
        record.values = values
        if not record.archived:
            self._claim(record, names)

    def set_archived(self, record: Record, at: datetime | None, unique: Iterable[str]) -> None:
        self._release(record, unique)
        self._hide(record)
        record.archived_at = at
        insort(self.shown[record.archived], record.number)
        if at is None:
            self._claim(record, unique)

    def holder(self, name: str, value: str) -> str:
        """The id of the living record with a unique value, or empty."""
        return self._unique.get(name, {}).get(value.strip().casefold(), "")

    def page(self, *, archived: bool, start: int, most: int) -> list[Record]:
        """Up to `most` records with ids from `start` on, ascending."""
        ids = self.shown[archived]
        first = bisect_left(ids, start)
        return [self.records[str(number)] for number in ids[first : first + most]]

    def living(self) -> Iterator[Record]:
        return (self.records[str(number)] for number in self.shown[False])

    def _hide(self, record: Record) -> None:
        ids = self.shown[record.archived]
        del ids[bisect_left(ids, record.number)]

    def _claim(self, record: Record, unique: Iterable[str]) -> None:
        for name, value in _held(record, unique):
            self._unique.setdefault(name, {}).setdefault(value, record.id)

    def _release(self, record: Record, unique: Iterable[str]) -> None:
        for name, value in _held(record, unique):
            if self._unique.get(name, {}).get(value) == record.id:
                del self._unique[name][value]


def _held(record: Record, unique: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What a record is found by: unique values, and a company's domain, which several may have."""
    yield from unique_values(record.kind, record.values, unique)
    if record.kind.plural == "companies" and record.get("domain"):
        yield "domain", record.get("domain").casefold()


def unique_values(kind: Kind, values: Values, unique: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Property and folded value of everything in `values` that no other record may have.

    A contact's further addresses count as emails (https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide).
    """
    for name in unique:
        if value := values.get(name, "").strip().casefold():
            yield name, value
    if kind.plural == "contacts":
        for each in values.get("hs_additional_emails", "").split(";"):
            if each.strip():
                yield "email", each.strip().casefold()


class Records:
    """All tables. Ids are unique over all kinds, so an id alone names a record."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.homes: dict[str, Kind] = {}
        self.merged: dict[str, str] = {}  # id that is no more -> the id it became

    def table(self, kind: Kind) -> Table:
        return self.tables.setdefault(kind.plural, Table(kind))

    def resolve(self, record_id: str) -> str:
        """The id behind an id, following merges."""
        while record_id in self.merged:
            record_id = self.merged[record_id]
        return record_id

    def find(self, kind: Kind, record_id: str, *, merged: bool = True) -> Record | None:
        """By id, archived or not."""
        return self.table(kind).records.get(self.resolve(record_id) if merged else record_id)

    def anywhere(self, record_id: str) -> Record:
        """By id alone. Raises KeyError."""
        found = self.resolve(record_id)
        return self.tables[self.homes[found].plural].records[found]


def versions(record: Record, name: str, most: int) -> list[Version]:
    """The latest values of a property, newest first."""
    return list(reversed(record.history.get(name, [])[-most:]))


def clock_of(record: Record) -> int:
    return to_millis(record.updated_at)
