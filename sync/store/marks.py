"""Who was erased, as every transaction that takes something in must know."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from sync.erase import mark
from sync.schema import tables as t

ERASE_KEY = "erase_key"  # in `meta`: the key of every mark, made with the first one


class Marks:
    """The marks of a state file."""

    def __init__(self, key: bytes, held: frozenset[str]) -> None:
        self._key = key
        self._held = held

    def of(self, address: str) -> str:
        return mark(self._key, address)

    def gone(self, address: str) -> bool:
        """Whether an address is an erased person's."""
        return "@" in address and self.of(address) in self._held


def marks_of(c: Connection) -> Marks | None:
    """None while nobody has been erased."""
    held = frozenset(c.execute(select(t.erased.c.mark)).scalars())
    key = key_of(c) if held else None
    return Marks(key, held) if key else None


def key_of(c: Connection) -> bytes | None:
    text = c.execute(select(t.meta.c.value).where(t.meta.c.name == ERASE_KEY)).scalar_one_or_none()
    return bytes.fromhex(text) if text else None


def new_key(c: Connection, key: bytes) -> bytes:
    """The key in force: `key` where there was none, else the one that was there."""
    c.execute(insert(t.meta).values(name=ERASE_KEY, value=key.hex()).on_conflict_do_nothing(index_elements=["name"]))
    held = key_of(c)
    assert held is not None  # noqa: S101 - written above
    return held
