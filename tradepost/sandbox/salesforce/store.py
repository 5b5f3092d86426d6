"""Rows, indexes and a journal that can be rolled back to any point of the running request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]
"""Field name (as the schema writes it) to value. A stored row is never changed in place, only replaced."""


class Store:
    """The tables of one org, by object name and 18-character id, in order of creation."""

    def __init__(self, indexed: Callable[[str, str], bool]) -> None:
        self.tables: dict[str, dict[str, Row]] = {}
        self._indexed = indexed
        self._indexes: dict[tuple[str, str], dict[Any, dict[str, None]]] = {}
        self._journal: list[tuple[str, str, Row | None]] = []

    def get(self, sobject: str, record_id: str) -> Row | None:
        return self.tables.get(sobject, {}).get(record_id)

    def rows(self, sobject: str) -> Iterator[Row]:
        return iter(self.tables.get(sobject, {}).values())

    def put(self, sobject: str, record_id: str, row: Row | None) -> None:
        """Insert, replace, or with None remove."""
        self._journal.append((sobject, record_id, self.get(sobject, record_id)))
        self._set(sobject, record_id, row)

    def change(self, sobject: str, record_id: str, values: Mapping[str, Any]) -> Row:
        """Replace some values of a row that exists."""
        row: Row = {**self.tables[sobject][record_id], **values}
        self.put(sobject, record_id, row)
        return row

    def find(self, sobject: str, field: str, value: Any) -> list[Row]:
        """Rows whose field equals `value` (text: in any case), oldest first, deleted ones too."""
        table = self.tables.get(sobject, {})
        if not self._indexed(sobject, field):
            return [row for row in table.values() if fold(row.get(field)) == fold(value)]
        ids = self._index(sobject, field).get(fold(value), {})
        return [table[record_id] for record_id in sorted(ids)]

    def savepoint(self) -> int:
        return len(self._journal)

    def rollback(self, savepoint: int) -> None:
        """Undo everything since the savepoint."""
        while len(self._journal) > savepoint:
            self._set(*self._journal.pop())

    def commit(self) -> None:
        """Keep everything; savepoints taken before are void."""
        self._journal.clear()

    def _set(self, sobject: str, record_id: str, row: Row | None) -> None:
        table = self.tables.setdefault(sobject, {})
        old = table.get(record_id)
        for (name, field), index in self._indexes.items():
            if name == sobject:
                _reindex(index, record_id, old, row, field)
        if row is None:
            table.pop(record_id, None)
        else:
            table[record_id] = row

    def _index(self, sobject: str, field: str) -> dict[Any, dict[str, None]]:
        key = (sobject, field)
        if key not in self._indexes:
            index: dict[Any, dict[str, None]] = {}
            for record_id, row in self.tables.get(sobject, {}).items():
                _reindex(index, record_id, None, row, field)
            self._indexes[key] = index
        return self._indexes[key]


def _reindex(index: dict[Any, dict[str, None]], record_id: str, old: Row | None, new: Row | None, field: str) -> None:
    before = fold(old.get(field)) if old is not None else None
    after = fold(new.get(field)) if new is not None else None
    if before == after:
        return
    if before is not None:
        index[before].pop(record_id, None)
        if not index[before]:
            del index[before]
    if after is not None:
        index.setdefault(after, {})[record_id] = None


def fold(value: Any) -> Any:
    """A value as comparisons see it: text without case."""
    return value.casefold() if isinstance(value, str) else value
