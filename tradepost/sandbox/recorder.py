"""What the vendors were asked and what they answered: kept at the server's side, only where somebody wants it.

A `World` takes the recorder that is `current` when it is made; outside `recording` there is none, and nothing is kept.
Faults that a person ordered are marked: what they make of an answer is not the vendor's word.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer. Header names are lower-case; `path` is still percent-encoded, without the query.

    `part` marks one that came inside a batch; `fault` names the ordered one that it met, if any. `simulator` is the
    module that answered: a test may have put its own answers in a vendor's place.
    """

    vendor: str
    operation: str
    kind: str
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    status: int
    reply_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    reply: bytes = field(default=b"", repr=False)
    fault: str = ""
    part: bool = False
    simulator: str = ""

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return len(self.body) + len(self.reply)


class Recorder:
    """Keeps the newest exchanges, at most `most` of them and `most_bytes` of bodies; `forgotten` counts the others.

    Each exchange is also handed to `look`, when there is one, before anything is forgotten.
    """

    def __init__(
        self, *, most: int = 20_000, most_bytes: int = 64 << 20, look: Callable[[Exchange], None] | None = None
    ) -> None:
        self.exchanges: deque[Exchange] = deque()
        self.seen = 0
        self.forgotten = 0
        self._most, self._most_bytes, self._look = most, most_bytes, look
        self._bytes = 0

    def add(self, exchange: Exchange) -> None:
        """Keep one more."""
        self.seen += 1
        if self._look is not None:
            self._look(exchange)
        self.exchanges.append(exchange)
        self._bytes += exchange.size
        while self.exchanges and (len(self.exchanges) > self._most or self._bytes > self._most_bytes):
            self._bytes -= self.exchanges.popleft().size
            self.forgotten += 1


_current: list[Recorder] = []


def current() -> Recorder | None:
    """The recorder of worlds made now."""
    return _current[-1] if _current else None


@contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Worlds made inside the block, in any thread of this process, tell `recorder` everything."""
    _current.append(recorder)
    try:
        yield recorder
    finally:
        _current.remove(recorder)
