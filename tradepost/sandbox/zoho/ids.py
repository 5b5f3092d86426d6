"""Record ids: nineteen digits, the first seven the organisation's. They grow as records are made."""

from __future__ import annotations

from random import Random


class Ids:
    """Every id of one organisation."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._prefix = str(random.randrange(1_000_000, 9_999_999))
        self._last = 330_000

    def new(self) -> str:
        """The next id."""
        self._last += 1
        return f"{self._prefix}{self._last:012d}"

    def known(self, number: int) -> str:
        """The id of something that every organisation has: `number` is below 330,000."""
        return f"{self._prefix}{number:012d}"

    def hex(self, size: int = 24) -> str:
        """An opaque name of `size` bytes."""
        return self.random.randbytes(size).hex()


def is_id(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit()
