"""What changed in one folder (or in the folder tree), in order: what delta is computed from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum


class Left(Enum):
    """Why something is no longer there."""

    MOVED = "moved"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the thing with key `key`. `what` is empty where it came or left; `left` says why it left."""

    seq: int
    key: int
    id: str
    immutable_id: str
    entered: bool = False
    left: Left | None = None
    what: frozenset[str] = frozenset()


@dataclass(slots=True)
class Journal:
    changes: list[Change] = field(default_factory=list)

    def enter(self, seq: int, key: int, own_id: str, immutable_id: str) -> None:
        self.changes.append(Change(seq, key, own_id, immutable_id, entered=True))

    def leave(self, seq: int, key: int, own_id: str, immutable_id: str, cause: Left) -> None:
        self.changes.append(Change(seq, key, own_id, immutable_id, left=cause))

    def change(self, seq: int, key: int, own_id: str, immutable_id: str, what: Iterable[str]) -> None:
        self.changes.append(Change(seq, key, own_id, immutable_id, what=frozenset(what)))

    def since(self, seq: int) -> Iterator[Change]:
        """Changes after a number, oldest first."""
        start = bisect_right(self.changes, seq, key=lambda change: change.seq)
        return iter(self.changes[start:])
