"""Rows, indexes, order of change, and a journal that can be rolled back to any point of the running request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]
"""Field name to value. A stored row is never changed in place, only replaced."""


class Store:
    """The tables of one organisation, by name and id, in order of creation."""

    def __init__(self, indexed: Callable[[str, str], bool]) -> None:
        self.tables: dict[str, dict[str, Row]] = {}
        self._indexed = indexed
        self._indexes: dict[str, dict[str, dict[Any, dict[str, None]]]] = {}
        self._changed: dict[str, dict[str, None]] = {}  # ids of a table, the one changed last at the end
        self._versions: dict[str, int] = {}
        self._journal: list[tuple[str, str, Row | None]] = []

    def get(self, table: str, record: str) -> Row | None:
        return self.tables.get(table, {}).get(record)

    def rows(self, table: str) -> Iterator[Row]:
        return iter(self.tables.get(table, {}).values())

    def size(self, table: str) -> int:
        return len(self.tables.get(table, {}))

    def version(self, table: str) -> int:
        """A number that grows whenever anything in the table changes."""
        return self._versions.get(table, 0)

    def put(self, table: str, record: str, row: Row | None) -> None:
        """Insert, replace, or with None remove."""
        self._journal.append((table, record, self.get(table, record)))
        self._set(table, record, row)

    def change(self, table: str, record: str, values: Mapping[str, Any]) -> Row:
        """Replace some values of a row that exists."""
        row: Row = {**self.tables[table][record], **values}
        self.put(table, record, row)
        return row

    def find(self, table: str, field: str, value: Any) -> list[Row]:
        """Rows whose field equals `value` (text: in any case), oldest first."""
        rows = self.tables.get(table, {})
        if not self._indexed(table, field):
            return [row for row in rows.values() if fold(row.get(field)) == fold(value)]
        return [rows[record] for record in sorted(self._index(table, field).get(fold(value), {}))]

    def newest(self, table: str) -> Iterator[Row]:
        """Rows, the one changed last first."""
        rows = self.tables.get(table, {})
        return (rows[record] for record in reversed(self._changed.get(table, {})))

    def savepoint(self) -> int:
        return len(self._journal)

    def rollback(self, savepoint: int) -> None:
        """Undo everything since the savepoint."""
        touched = {table for table, _, _ in self._journal[savepoint:]}
        while len(self._journal) > savepoint:
            self._set(*self._journal.pop())
        for table in sorted(touched):
            rows = self.tables.get(table, {})
            in_order = sorted(self._changed.get(table, {}), key=lambda record: str(rows[record].get("Modified_Time")))
            self._changed[table] = dict.fromkeys(in_order)
            self.tables[table] = {record: rows[record] for record in sorted(rows)}

    def commit(self) -> list[tuple[str, str]]:
        """Keep everything; savepoints taken before are void. The answer names what was changed."""
        changed = list(dict.fromkeys((table, record) for table, record, _ in self._journal))
        self._journal.clear()
        return changed

    def _set(self, table: str, record: str, row: Row | None) -> None:
        rows = self.tables.setdefault(table, {})
        old = rows.get(record)
        for field, index in self._indexes.get(table, {}).items():
            _reindex(index, record, old, row, field)
        order = self._changed.setdefault(table, {})
        if row is None:
            rows.pop(record, None)
            order.pop(record, None)
        else:
            rows[record] = row
            if old is None or old.get("Modified_Time") != row.get("Modified_Time"):
                order.pop(record, None)
                order[record] = None
        self._versions[table] = self.version(table) + 1

    def _index(self, table: str, field: str) -> dict[Any, dict[str, None]]:
        indexes = self._indexes.setdefault(table, {})
        if field not in indexes:
            index: dict[Any, dict[str, None]] = {}
            for record, row in self.tables.get(table, {}).items():
                _reindex(index, record, None, row, field)
            indexes[field] = index
        return indexes[field]


def _reindex(index: dict[Any, dict[str, None]], record: str, old: Row | None, new: Row | None, field: str) -> None:
    before = fold(old.get(field)) if old is not None else None
    after = fold(new.get(field)) if new is not None else None
    if before == after:
        return
    if before is not None:
        index[before].pop(record, None)
        if not index[before]:
            del index[before]
    if after is not None:
        index.setdefault(after, {})[record] = None


def fold(value: Any) -> Any:
    """A value as comparisons see it: text without case."""
    return value.casefold() if isinstance(value, str) else value
