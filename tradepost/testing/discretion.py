"""Looking for what must not be told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tradepost.testing.expect import expect


def no_trace(hidden: Iterable[str], lines: Sequence[str], told: Sequence[object]) -> None:
    """Raises `Broken` when something hidden is in a log line or an error, in any of the usual spellings."""
    texts = [*lines, *(text for one in told for text in _texts(one))]
    for word in hidden:
        for spelling in {word, word.lower(), json.dumps(word)[1:-1], word.replace("@", "%40")}:
            held = [text for text in texts if spelling and spelling in text]
            expect(not held, f"something that must not be told is in {_without(held, spelling)}")


def _texts(one: object) -> Iterable[str]:
    """What an error shows, also of the errors behind it. Answers hold what was asked for, and are left out."""
    seen: list[BaseException] = []
    parts = one if isinstance(one, tuple) else (one,)
    errors = [p for p in parts if isinstance(p, BaseException)]
    while errors:
        error = errors.pop()
        if error in seen:
            continue
        seen.append(error)
        yield from (str(error), repr(error), repr(error.args), repr(getattr(error, "__dict__", {})))
        behind = (error.__cause__, None if error.__suppress_context__ else error.__context__)
        errors += [e for e in behind if e is not None]


def _without(held: Sequence[str], word: str) -> str:
    return held[0].replace(word, "(hidden)")[:200] if held else ""
