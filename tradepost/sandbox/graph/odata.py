"""OData's $filter and $orderby as Graph reads them, over any kind of resource.

https://learn.microsoft.com/graph/filter-query-parameter. A resource is asked for values by path; dates are `datetime`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tradepost.sandbox.graph.errors import ApiError, bad_request, invalid_filter

Path = tuple[str, ...]
Get = Callable[[Path], Any]
Test = Callable[[Get], bool]

MAX_LENGTH, MAX_DEPTH = 8_000, 40
_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<date>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_@][\w.$-]*(?:/(?!any\(|all\()[A-Za-z_$][\w.$-]*)*)"
    r"|(?P<mark>[(),:/]))",
    re.ASCII,
)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
}
_FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = {
    "startswith": lambda a, b: a.startswith(b),
    "contains": lambda a, b: b in a,
    "endswith": lambda a, b: a.endswith(b),
}
_WORDS = {"true": True, "false": False, "null": None}


def parse_date(text: str) -> datetime:
    """A literal date or time, UTC where no zone is written. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Bound:
    """One comparison that must hold: `path operator value`, all being joined by `and`."""

    path: Path
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled $filter. `properties` are those it names, in order; `bounds` its comparisons when it is nothing but
    comparisons joined by `and`, else None.
    """

    test: Test
    properties: tuple[str, ...]
    functions: frozenset[str]
    bounds: tuple[Bound, ...] | None
    lambdas: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    test: Test
    bounds: tuple[Bound, ...] | None = None


def _bad(text: str, at: int) -> ApiError:
    return bad_request(f"Invalid filter clause: Syntax error at position {at} in '{text}'.")


class _Parser:
    def __init__(self, text: str, allowed: frozenset[str], kind: str) -> None:
        if len(text) > MAX_LENGTH:
            raise bad_request("Invalid filter clause: too long.")
        self.text, self.allowed, self.kind = text, allowed, kind
        self.tokens = list(self._scan())
        self.at = 0
        self.depth = 0
        self.properties: dict[str, None] = {}
        self.functions: set[str] = set()
        self.lambdas: list[str] = []
        self.scope: tuple[str, ...] = ()

    def _scan(self) -> Iterator[tuple[str, str]]:
        position, end = 0, len(self.text.rstrip())
        while position < end:
            found = _TOKEN.match(self.text, position)
            if found is None or found.lastgroup is None:
                raise _bad(self.text, position)
            yield found.lastgroup, found[found.lastgroup]
            position = found.end()

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, value: str = "") -> tuple[str, str]:
        token = self.peek()
        if token[0] == "end" or (value and token[1] != value):
            raise _bad(self.text, len(self.text))
        self.at += 1
        return token

    def parse(self) -> Filter:
        node = self.either()
        if self.peek()[0] != "end":
            raise _bad(self.text, len(self.text))
        return Filter(node.test, tuple(self.properties), frozenset(self.functions), node.bounds, tuple(self.lambdas))

    def either(self) -> _Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise bad_request("Invalid filter clause: too deep.")
        node = self.both()
        while self.peek() == ("name", "or"):
            self.take()
            node = _Node(_or(node.test, self.both().test))
        self.depth -= 1
        return node

    def both(self) -> _Node:
        node = self.one()
        while self.peek() == ("name", "and"):
            self.take()
            other = self.one()
            bounds = None if node.bounds is None or other.bounds is None else (*node.bounds, *other.bounds)
            node = _Node(_and(node.test, other.test), bounds)
        return node

    def one(self) -> _Node:
        kind, value = self.peek()
        if (kind, value) == ("name", "not"):
            self.take()
            test = self.one().test
            return _Node(lambda get: not test(get))
        if value == "(" and kind == "mark":
            self.take()
            node = self.either()
            self.take(")")
            return node
        if kind == "name" and value.lower() in _FUNCTIONS and self._next_is("("):
            return self.function(value.lower())
        return self.comparison()

    def _next_is(self, mark: str) -> bool:
        return self.at + 1 < len(self.tokens) and self.tokens[self.at + 1] == ("mark", mark)

    def function(self, name: str) -> _Node:
        self.functions.add(name)
        self.take()
        self.take("(")
        left = self.operand()
        self.take(",")
        right = self.operand()
        self.take(")")
        if self.peek() == ("name", "eq"):
            self.take()
            wanted = self.operand()
        else:
            wanted = _constant(value=True)
        apply = _FUNCTIONS[name]

        def test(get: Get) -> bool:
            a, b = left(get), right(get)
            held = isinstance(a, str) and isinstance(b, str) and apply(a.lower(), b.lower())
            return bool(held is wanted(get))

        return _Node(test)

    def comparison(self) -> _Node:
        kind, name = self.take()
        if kind != "name":
            raise _bad(self.text, len(self.text))
        path = self.path(name)
        if self.peek() == ("mark", "/"):
            return self.any_of(path)
        get_left = _value(path)
        operator = self.take()[1]
        if operator == "in":
            return self.one_of(get_left)
        if operator not in _OPERATORS:
            raise _bad(self.text, len(self.text))
        kind, word = self.peek()
        right = self.operand()
        fixed = kind in ("string", "date", "number") or word in _WORDS
        bounds = (Bound(path, operator, right(_nothing)),) if fixed and not self.scope else None
        return _Node(_compare(get_left, operator, right), bounds)

    def one_of(self, left: Callable[[Get], Any]) -> _Node:
        self.take("(")
        values = [self.operand()]
        while self.peek() == ("mark", ","):
            self.take()
            values.append(self.operand())
        self.take(")")
        tests = [_compare(left, "eq", value) for value in values]
        return _Node(lambda get: any(test(get) for test in tests))

    def any_of(self, path: Path) -> _Node:
        """`path/any(x:x/y eq 'z')`."""
        self.take("/")
        word = self.take()[1]
        self.take("(")
        variable = self.take()[1]
        self.take(":")
        self.lambdas.append(path[0])
        self.scope = (*self.scope, variable)
        inner = self.either().test
        self.scope = self.scope[:-1]
        self.take(")")
        many = any if word == "any" else all

        def test(get: Get) -> bool:
            return many(inner(_inside(get, variable, value)) for value in get(path) or ())

        return _Node(test)

    def path(self, name: str) -> Path:
        steps = tuple(name.split("/"))
        if steps[0] in self.scope:
            return steps
        if steps[0] not in self.allowed:
            raise bad_request(
                f"Invalid filter clause: Could not find a property named '{steps[0]}' on type '{self.kind}'."
            )
        self.properties.setdefault(name)
        return steps

    def operand(self) -> Callable[[Get], Any]:
        kind, value = self.take()
        if kind == "string":
            return _constant(value[1:-1].replace("''", "'"))
        if kind == "number":
            return _constant(float(value) if "." in value else int(value))
        if kind == "date":
            try:
                return _constant(parse_date(value))
            except ValueError as error:
                raise _bad(self.text, self.text.find(value)) from error
        if kind == "name" and value in _WORDS:
            return _constant(_WORDS[value])
        if kind == "name" and value.lower() in ("tolower", "toupper") and self.peek() == ("mark", "("):
            self.take("(")
            inner = self.operand()
            self.take(")")
            return inner  # comparisons look at no letter case
        if kind == "name":
            return _value(self.path(value))
        raise _bad(self.text, len(self.text))


def _constant(value: Any) -> Callable[[Get], Any]:
    return lambda _: value


def _value(path: Path) -> Callable[[Get], Any]:
    return lambda get: get(path)


def _nothing(_: Path) -> Any:
    return None


def _and(a: Test, b: Test) -> Test:
    return lambda get: a(get) and b(get)


def _or(a: Test, b: Test) -> Test:
    return lambda get: a(get) or b(get)


def _inside(get: Get, variable: str, value: Any) -> Get:
    def found(path: Path) -> Any:
        return walk(value, path[1:]) if path[0] == variable else get(path)

    return found


def walk(value: Any, path: Path) -> Any:
    """A value inside plain objects."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _compare(left: Callable[[Get], Any], operator: str, right: Callable[[Get], Any]) -> Test:
    apply = _OPERATORS[operator]

    def test(get: Get) -> bool:
        a, b = _comparable(left(get)), _comparable(right(get))
        if (a is None or b is None) and operator not in ("eq", "ne"):
            return False
        try:
            return apply(a, b)
        except TypeError:
            return operator == "ne"

    return test


def _comparable(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


@lru_cache(maxsize=256)
def compile_filter(text: str, allowed: frozenset[str], kind: str) -> Filter:
    """Raises 400 for what cannot be read or names an unknown property."""
    return _Parser(text, allowed, kind).parse()


def check_mail_filter(found: Filter) -> None:
    """What Exchange's store cannot filter by, though OData can say it."""
    if "endswith" in found.functions or any(
        name in ("toRecipients", "ccRecipients", "bccRecipients", "replyTo") for name in found.lambdas
    ):
        raise invalid_filter()


# ------------------------------------------------------------------------------------------------------------- $orderby


@dataclass(frozen=True, slots=True)
class Order:
    """One key of $orderby; `name` is the path as written."""

    name: str
    path: Path
    descending: bool


def parse_order(text: str, allowed: frozenset[str], kind: str) -> tuple[Order, ...]:
    """Raises 400."""
    found = []
    for piece in filter(None, (p.strip() for p in text.split(","))):
        words = piece.split()
        if len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
            raise bad_request(f"Invalid orderby clause: Syntax error in '{text}'.")
        path = tuple(words[0].split("/"))
        if path[0] not in allowed:
            raise bad_request(f"Invalid orderby clause: Could not find a property named '{path[0]}' on type '{kind}'.")
        found.append(Order(words[0], path, len(words) == 2 and words[1].lower() == "desc"))
    return tuple(found)


def sort_key(value: Any) -> tuple[int, Any]:
    """Nothing comes before something; text is compared without case."""
    if value is None:
        return (0, 0)
    if isinstance(value, bool):
        return (1, int(value))
    if isinstance(value, datetime):
        return (1, value.timestamp())
    return (1, value.lower()) if isinstance(value, str) else (1, value)


# -------------------------------------------------------------------------------------------------------------- $select


def split_list(text: str) -> tuple[str, ...]:
    """Names between commas, those inside brackets untouched."""
    found, depth, start = [], 0, 0
    for n, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            found.append(text[start:n].strip())
            start = n + 1
    found.append(text[start:].strip())
    return tuple(filter(None, found))


@dataclass(frozen=True, slots=True)
class Expand:
    """One navigation property of $expand with its own options."""

    name: str
    options: Mapping[str, str]


def parse_expand(text: str, allowed: frozenset[str], kind: str) -> tuple[Expand, ...]:
    """Raises 400."""
    found = []
    for piece in split_list(text):
        name, _, rest = piece.partition("(")
        if name not in allowed:
            raise bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{kind}'."
            )
        options = dict(option.strip().split("=", 1) for option in rest.removesuffix(")").split(";") if "=" in option)
        found.append(Expand(name, options))
    return tuple(found)


def parse_select(text: str, allowed: frozenset[str], kind: str) -> tuple[str, ...]:
    """Property names in the type's spelling, whatever letter case was written. Raises 400."""
    by_lower = {name.lower(): name for name in allowed}
    found = []
    for name in split_list(text):
        known = by_lower.get(name.split("/")[0].lower())
        if known is None and name != "*":
            raise bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{kind}'."
            )
        found.append(known or "*")
    return tuple(dict.fromkeys(found))
