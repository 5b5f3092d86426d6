"""Conditions on records, as search, COQL and counts have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tradepost.sandbox.zoho.schema import LOOKUPS, NUMBERS, Field, Module
from tradepost.sandbox.zoho.store import Row, Store, fold

Get = Callable[[Row, str], Any]


@dataclass(frozen=True, slots=True)
class Test:
    """`operator` is one of = != < <= > >= in, not in, like, not like, starts_with, contains, between, not between,
    is null, is not null.
    """

    name: str
    operator: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Both:
    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Either:
    left: Condition
    right: Condition


Condition = Test | Both | Either


def tests(condition: Condition | None) -> Iterator[Test]:
    """Every single test."""
    match condition:
        case Test():
            yield condition
        case Both(left, right) | Either(left, right):
            yield from tests(left)
            yield from tests(right)


def holds(condition: Condition, row: Row, get: Get) -> bool:
    match condition:
        case Both(left, right):
            return holds(left, row, get) and holds(right, row, get)
        case Either(left, right):
            return holds(left, row, get) or holds(right, row, get)
        case Test(name, operator, values):
            return _test(get(row, name), operator, values)


def _test(value: Any, operator: str, values: tuple[Any, ...]) -> bool:
    match operator:
        case "is null":
            return value is None or value == ""
        case "is not null":
            return value is not None and value != ""
        case "!=" | "not in":
            return fold(value) not in {fold(each) for each in values}
        case "not like":
            return value is None or not _like(str(value), str(values[0]))
        case "not between":
            return not _test(value, "between", values)
    if value is None:
        return False
    match operator:
        case "=" | "in":
            return any(_same(value, each) for each in values)
        case "like":
            return _like(str(value), str(values[0]))
        case "starts_with":
            return str(value).casefold().startswith(str(values[0]).casefold())
        case "contains":
            return str(values[0]).casefold() in str(value).casefold()
        case "between":
            return _ordered(value, values[0]) >= 0 >= _ordered(value, values[1])
    difference = _ordered(value, values[0])
    return {"<": difference < 0, "<=": difference <= 0, ">": difference > 0, ">=": difference >= 0}[operator]


def _same(value: Any, other: Any) -> bool:
    return other is not None and fold(value) == fold(other)


def _like(value: str, pattern: str) -> bool:
    written = ".*".join(re.escape(part) for part in pattern.casefold().split("%"))
    return re.fullmatch(written, value.casefold(), re.DOTALL) is not None


def _ordered(left: Any, right: Any) -> int:
    left, right = fold(left), fold(right)
    if type(left) is not type(right) and not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
        left, right = str(left), str(right)
    return int(left > right) - int(left < right)


def literal(each: Field, text: Any) -> Any:
    """A value written in a condition, as rows hold it. Raises ValueError."""
    if text is None or not isinstance(text, str):
        return text
    if each.type in LOOKUPS:
        return text
    if each.type in NUMBERS:
        return float(text) if "." in text else int(text)
    match each.type:
        case "boolean":
            if text.lower() not in {"true", "false"}:
                raise ValueError(text)
            return text.lower() == "true"
        case "datetime":
            found = datetime.fromisoformat(text)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    return text


def candidates(store: Store, module: Module, condition: Condition | None) -> Iterator[Row]:
    """Rows that may hold: found by an index where a test that must hold allows it, else all of the module."""
    for test in _needed(condition):
        each = module.fields.get(test.name)
        if test.name == "id" and test.operator in {"=", "in"}:
            rows = (store.get(module.name, str(value)) for value in test.values)
            return iter([row for row in rows if row is not None])
        if each is not None and each.indexed and test.operator in {"=", "in"}:
            found = {row["id"]: row for value in test.values for row in store.find(module.name, each.name, value)}
            return iter(found.values())
    return store.rows(module.name)


def _needed(condition: Condition | None) -> Iterator[Test]:
    match condition:
        case Test():
            yield condition
        case Both(left, right):
            yield from _needed(left)
            yield from _needed(right)


def any_of(condition: Condition) -> list[Test] | None:
    """The tests of a chain of OR whose every part asks for equality; None for anything else."""
    match condition:
        case Test(_, "=" | "in", _):
            return [condition]
        case Either(left, right):
            first, second = any_of(left), any_of(right)
            return None if first is None or second is None else [*first, *second]
    return None
