"""Saying what must hold, with a sentence for whoever reads that it does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class Broken(AssertionError):
    """A promise that a connector does not keep."""


def expect(holds: object, otherwise: str) -> None:
    """Raises `Broken` with `otherwise` unless `holds` is true."""
    if not holds:
        raise Broken(otherwise)


def same(got: object, wanted: object, what: str) -> None:
    """Raises `Broken` unless both are equal."""
    if got != wanted:
        raise Broken(f"{what}: {_short(got)} instead of {_short(wanted)}")


def has_all(got: Iterable[Any], wanted: Iterable[Any], what: str) -> None:
    """Raises `Broken` when something wanted is missing; more is allowed."""
    held = list(got)
    missing = [w for w in wanted if w not in held]
    if missing:
        raise Broken(f"{what}: {len(missing)} missing of {len(missing) + len(held)}, such as {_short(missing[0])}")


def has_none(got: Iterable[Any], unwanted: Iterable[Any], what: str) -> None:
    """Raises `Broken` when something is there that must not be."""
    barred = list(unwanted)
    found = [g for g in got if g in barred]
    if found:
        raise Broken(f"{what}: {_short(found[0])}")


def is_a(got: object, kind: type[T] | tuple[type[T], ...], what: str) -> T:
    """`got`, when it is of that kind. Raises `Broken` otherwise."""
    if not isinstance(got, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise Broken(f"{what}: {_short(got)} instead of {' or '.join(k.__name__ for k in kinds)}")
    return got


def _short(value: object) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
