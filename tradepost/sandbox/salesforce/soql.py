"""SOQL text to a query.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm

Left out, and refused as malformed: TYPEOF, HAVING, ROLLUP, WITH, USING SCOPE, FOR, geolocation, currency literals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NoReturn

from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.values import parse_date, parse_datetime

MAX_STATEMENT = 100_000
MAX_LITERAL = 4_000
MAX_OFFSET = 2_000
# https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_soslsoql.htm

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:\\.|[^'\\])*')
  | (?P<datetime>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<number>[+-]?\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_][\w.]*(?::\d+)?)
  | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_RESERVED = frozenset(
    {"select", "from", "where", "and", "or", "not", "in", "like", "order", "group", "limit", "offset"}
)
_AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_DAY_LITERAL = re.compile(
    r"TODAY|YESTERDAY|TOMORROW|(LAST|THIS|NEXT)_(WEEK|MONTH|YEAR)|LAST_90_DAYS|NEXT_90_DAYS|(LAST|NEXT)_N_DAYS:\d+",
    re.IGNORECASE,
)

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DayRange:
    """A date literal such as LAST_N_DAYS:3, in upper case."""

    word: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """The right side of LIKE, as an expression for the whole value in any case."""

    regex: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Compare:
    """`op` is =, !=, <, <=, >, >=, like, in, not in. The value of in is a tuple or a `Query`."""

    path: Path
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Logic:
    """`op` is and, or, not."""

    op: str
    parts: tuple[Condition, ...]


Condition = Compare | Logic


@dataclass(frozen=True, slots=True)
class Aggregate:
    function: str
    path: Path  # empty for COUNT()
    alias: str


@dataclass(frozen=True, slots=True)
class FieldSet:
    """FIELDS(ALL), FIELDS(STANDARD), FIELDS(CUSTOM)."""

    which: str


@dataclass(frozen=True, slots=True)
class Order:
    path: Path
    descending: bool
    nulls_last: bool


@dataclass(slots=True)
class Query:
    """One SELECT. In a subquery `source` is a child relationship's name."""

    text: str
    select: list[Path | Aggregate | FieldSet | Query] = field(default_factory=list)
    aliases: dict[Path, str] = field(default_factory=dict)
    source: str = ""
    where: Condition | None = None
    group_by: list[Path] = field(default_factory=list)
    order: list[Order] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0

    @property
    def counts(self) -> bool:
        """SELECT COUNT(): only the number is asked."""
        return len(self.select) == 1 and self.select[0] == Aggregate("COUNT", (), "")

    @property
    def aggregated(self) -> bool:
        return bool(self.group_by) or any(isinstance(item, Aggregate) for item in self.select)


def parse(text: str) -> Query:
    """Raises `Refused` (MALFORMED_QUERY and its kin)."""
    if len(text) > MAX_STATEMENT:
        raise Refused("QUERY_TOO_COMPLICATED", f"SOQL statements cannot be longer than {MAX_STATEMENT} characters.")
    parser = _Parser(text)
    query = parser.query()
    parser.end()
    return query


def pointed(text: str, at: int, message: str) -> str:
    """A message with the place it is about, as the API words it."""
    row = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    line = text.splitlines()[row - 1] if text.splitlines() else ""
    return f"\n{line}\n{' ' * (column - 1)}^\nERROR at Row:{row}:Column:{column}\n{message}"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    def __bool__(self) -> bool:
        return self.kind != "end"


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise Refused("MALFORMED_QUERY", pointed(text, start, f"unexpected token: '{text[start]}'"))
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*found, _Token("end", "<EOF>", end)]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    # ------------------------------------------------------------------------------------------------ tokens

    @property
    def _here(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._here
        self._at += bool(token)
        return token

    def _unexpected(self, token: _Token | None = None) -> NoReturn:
        token = token or self._here
        raise Refused("MALFORMED_QUERY", pointed(self._text, token.at, f"unexpected token: '{token.text}'"))

    def _is(self, word: str) -> bool:
        return self._here.kind in {"name", "sign"} and self._here.text.lower() == word

    def _take(self, word: str) -> bool:
        if self._is(word):
            self._at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._take(word):
            self._unexpected()

    def end(self) -> None:
        if self._here:
            self._unexpected()

    def _name(self) -> str:
        token = self._next()
        if token.kind != "name" or token.text.lower() in _RESERVED or ":" in token.text:
            self._unexpected(token)
        return token.text

    def _path(self) -> Path:
        return tuple(self._name().split("."))

    def _number(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdigit():
            self._unexpected(token)
        return int(token.text)

    # ------------------------------------------------------------------------------------------------ clauses

    def query(self) -> Query:
        self._need("select")
        query = Query(self._text)
        self._select(query)
        self._need("from")
        query.source = self._name()
        if self._here.kind == "name" and self._here.text.lower() not in {*_RESERVED, "all", "for", "with", "using"}:
            self._alias(query)
        if self._take("where"):
            query.where = self._conditions()
        self._group(query)
        self._sort(query)
        if self._take("limit"):
            query.limit = self._number()
        if self._take("offset"):
            query.offset = self._number()
            if query.offset > MAX_OFFSET:
                raise Refused("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        return query

    def _alias(self, query: Query) -> None:
        """`FROM Contact c`: paths may then begin with the alias, which the evaluator drops."""
        self._take("as")
        query.aliases[()] = self._name().lower()

    def _select(self, query: Query) -> None:
        number = 0
        while True:
            item = self._item(f"expr{number}")
            number += isinstance(item, Aggregate) and item.alias == f"expr{number}"
            query.select.append(item)
            if isinstance(item, tuple) and self._here.kind == "name" and not self._is("from"):
                query.aliases[item] = self._name()
            if not self._take(","):
                return

    def _item(self, expr: str) -> Path | Aggregate | FieldSet | Query:
        if self._take("("):
            inner = self.query()
            self._need(")")
            return inner
        token = self._here
        path = self._path()
        if not self._take("("):
            return path
        name = token.text.upper()
        if name == "FIELDS":
            which = self._name().upper()
            self._need(")")
            return FieldSet(which)
        if name not in _AGGREGATES:
            self._unexpected(token)
        argument = () if self._is(")") and name == "COUNT" else self._path()
        self._need(")")
        if not argument:
            return Aggregate(name, (), "")
        named = self._here.kind == "name" and not self._is("from")
        return Aggregate(name, argument, self._name() if named else expr)

    def _group(self, query: Query) -> None:
        if not self._take("group"):
            return
        self._need("by")
        query.group_by.append(self._path())
        while self._take(","):
            query.group_by.append(self._path())

    def _sort(self, query: Query) -> None:
        if not self._take("order"):
            return
        self._need("by")
        while True:
            path = self._path()
            descending = self._take("desc")
            if not descending:
                self._take("asc")
            nulls_last = False
            if self._take("nulls"):
                nulls_last = self._take("last")
                if not nulls_last:
                    self._need("first")
            query.order.append(Order(path, descending, nulls_last))
            if not self._take(","):
                return

    # ------------------------------------------------------------------------------------------------ conditions

    def _conditions(self) -> Condition:
        """One chain of AND or of OR; mixing them needs parentheses, as in SOQL."""
        parts = [self._condition()]
        for word in ("and", "or"):
            if not self._is(word):
                continue
            while self._take(word):
                parts.append(self._condition())
            return Logic(word, tuple(parts))
        return parts[0]

    def _condition(self) -> Condition:
        if self._take("not"):
            return Logic("not", (self._condition(),))
        if self._take("("):
            inner = self._conditions()
            self._need(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Compare:
        path = self._path()
        if self._take("in"):
            return Compare(path, "in", self._list())
        if self._take("not"):
            self._need("in")
            return Compare(path, "not in", self._list())
        if self._take("like"):
            return Compare(path, "like", self._pattern())
        token = self._next()
        if token.text not in {"=", "!=", "<>", "<", "<=", ">", ">="}:
            self._unexpected(token)
        return Compare(path, "!=" if token.text == "<>" else token.text, self._literal())

    def _list(self) -> tuple[Any, ...] | Query:
        self._need("(")
        if self._is("select"):
            inner = self.query()
            self._need(")")
            return inner
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        self._need(")")
        return tuple(values)

    def _literal(self) -> Any:  # noqa: RET503 - _unexpected never returns
        token = self._next()
        if token.kind == "string":
            return self._string(token)
        if token.kind == "number":
            return float(token.text) if "." in token.text else int(token.text)
        if token.kind in {"date", "datetime"}:
            return self._moment(token)
        word = token.text.lower() if token.kind == "name" else ""
        if word in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[word]
        if _DAY_LITERAL.fullmatch(word):
            return DayRange(token.text.upper())
        self._unexpected(token)

    def _moment(self, token: _Token) -> date | datetime:
        found = parse_date(token.text) if token.kind == "date" else parse_datetime(token.text)
        if found is None:
            raise Refused("MALFORMED_QUERY", pointed(self._text, token.at, f"line 1: invalid date: '{token.text}'"))
        return found

    def _string(self, token: _Token) -> str:
        if len(token.text) - 2 > MAX_LITERAL:
            text = f"maximum length of a string literal in a WHERE clause is {MAX_LITERAL} characters"
            raise Refused("MALFORMED_QUERY", pointed(self._text, token.at, text))
        return re.sub(r"\\(.)", lambda m: self._escaped(token, m[1]), token.text[1:-1], flags=re.DOTALL)

    def _escaped(self, token: _Token, letter: str) -> str:
        if letter.lower() in _ESCAPES:
            return _ESCAPES[letter.lower()]
        message = f"Invalid string literal '{token.text}'. Illegal character sequence '\\{letter}' in string literal."
        raise Refused("MALFORMED_QUERY", message)

    def _pattern(self) -> Pattern:
        token = self._next()
        if token.kind != "string":
            self._unexpected(token)
        pieces: list[str] = []
        for escape, letter in re.findall(r"(\\?)(.)", token.text[1:-1], flags=re.DOTALL):
            if escape:
                pieces.append(re.escape(letter if letter in "_%" else self._escaped(token, letter)))
            else:
                pieces.append({"%": ".*", "_": "."}.get(letter, re.escape(letter)))
        return Pattern(re.compile("".join(pieces), re.IGNORECASE | re.DOTALL))
