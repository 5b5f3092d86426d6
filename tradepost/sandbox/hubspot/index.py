"""The search index: what search knows, which is what was true some time ago.

https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.times import millis

Document = Mapping[str, str]


class KindIndex:
    """The documents of one kind, with look-ups by value and by clock made when first asked for."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.documents: dict[str, Document] = {}
        self.version = 0
        self.answers: dict[str, list[str]] = {}  # canonical query -> ids, of this version
        self._values: dict[str, dict[str, dict[str, None]]] = {}
        self._clock: list[tuple[int, int]] | None = None

    def put(self, record_id: str, document: Document | None) -> None:
        """Replace a document; None removes it."""
        old = self.documents.get(record_id)
        for name, ids in self._values.items():
            _move(ids, record_id, tokens(old, name), tokens(document, name))
        if self._clock is not None:
            self._move_clock(self._clock, record_id, old, document)
        if document is None:
            self.documents.pop(record_id, None)
        else:
            self.documents[record_id] = document
        self.version += 1
        self.answers.clear()

    def with_value(self, name: str, wanted: Iterable[str]) -> list[str]:
        """Ids of documents with any of these tokens in a property."""
        if name not in self._values:
            ids: dict[str, dict[str, None]] = {}
            self._values[name] = ids
            for record_id, document in self.documents.items():
                _move(ids, record_id, (), tokens(document, name))
        found: dict[str, None] = {}
        for token in wanted:
            found |= self._values[name].get(token, {})
        return list(found)

    def since(self, at: int) -> list[str]:
        """Ids of documents changed at or after `at` (milliseconds), oldest first."""
        if self._clock is None:
            self._clock = sorted((self._at(doc), int(record_id)) for record_id, doc in self.documents.items())
        return [str(number) for _, number in self._clock[bisect_left(self._clock, (at, 0)) :]]

    def _at(self, document: Document) -> int:
        return millis(document.get(self.kind.clock, "0")) or 0

    def _move_clock(
        self, clock: list[tuple[int, int]], record_id: str, old: Document | None, new: Document | None
    ) -> None:
        if old is not None:
            del clock[bisect_left(clock, (self._at(old), int(record_id)))]
        if new is not None:
            insort(clock, (self._at(new), int(record_id)))


def tokens(document: Document | None, name: str) -> tuple[str, ...]:
    """The values of a property as the index keeps them: lower case, a list's members each."""
    value = document.get(name, "") if document is not None else ""
    if not value:
        return ()
    return tuple(dict.fromkeys((value.lower(), *value.lower().split(";")))) if ";" in value else (value.lower(),)


def _move(ids: dict[str, dict[str, None]], record_id: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    for token in before:
        if token not in after:
            ids[token].pop(record_id, None)
            if not ids[token]:
                del ids[token]
    for token in after:
        ids.setdefault(token, {})[record_id] = None


class Index:
    """The indexes of all kinds, and the changes that have not reached them."""

    def __init__(self) -> None:
        self.kinds: dict[str, KindIndex] = {}
        self._coming: list[tuple[datetime, int, Kind, str, Document | None]] = []
        self._numbers = count()
        self._newest: dict[str, int] = {}  # id -> number of the change that the index has

    def of(self, kind: Kind) -> KindIndex:
        return self.kinds.setdefault(kind.plural, KindIndex(kind))

    def tell(self, kind: Kind, record_id: str, document: Document | None, now: datetime, lag: timedelta) -> None:
        """A record changed; search knows it after `lag`."""
        number = next(self._numbers)
        if lag <= timedelta(0):
            self._let_in(number, kind, record_id, document)
        else:
            heappush(self._coming, (now + lag, number, kind, record_id, document))

    def catch_up(self, now: datetime) -> None:
        """Let in what is due by now."""
        while self._coming and self._coming[0][0] <= now:
            _, number, kind, record_id, document = heappop(self._coming)
            self._let_in(number, kind, record_id, document)

    def flush(self) -> None:
        """Let everything in."""
        while self._coming:
            _, number, kind, record_id, document = heappop(self._coming)
            self._let_in(number, kind, record_id, document)

    def _let_in(self, number: int, kind: Kind, record_id: str, document: Document | None) -> None:
        """An older change that comes later (the lag was shortened meanwhile) is dropped."""
        if number >= self._newest.get(record_id, -1):
            self._newest[record_id] = number
            self.of(kind).put(record_id, document)
