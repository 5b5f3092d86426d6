"""Parser of COQL, the query language of Zoho CRM.

https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tradepost.sandbox.zoho.conditions import Both, Condition, Either, Test
from tradepost.sandbox.zoho.errors import Refused

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d+)?(?![\w]))|(?P<word>[A-Za-z_$][\w.$]*)"
    r"|(?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,|\*))"
)
FUNCTIONS = ("count", "sum", "avg", "min", "max")


@dataclass(frozen=True, slots=True)
class Column:
    """A field, maybe of a record looked up, maybe in a function; `alias` names it in the answer."""

    name: str
    function: str = ""
    alias: str = ""

    @property
    def title(self) -> str:
        return self.alias or (f"{self.function}({self.name})" if self.function else self.name)


@dataclass(frozen=True, slots=True)
class Select:
    columns: tuple[Column, ...]
    module: str
    where: Condition | None
    group: tuple[str, ...]
    order: tuple[tuple[str, bool], ...]  # name, whether descending
    limit: int | None
    offset: int


def parse(text: str) -> Select:
    """Raises SYNTAX_ERROR."""
    return _Parser(text).select()


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise syntax(text[at:].strip()[:20], at)
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind], match.start(kind)))
            at = match.end()
        self.at = 0

    # ---------------------------------------------------------------------------------------------------- tokens

    def peek(self) -> str:
        """The next token in lower case, empty at the end."""
        return self.tokens[self.at][1].lower() if self.at < len(self.tokens) else ""

    def fail(self) -> Refused:
        if self.at < len(self.tokens):
            return syntax(self.tokens[self.at][1], self.tokens[self.at][2])
        return syntax("", self.tokens[-1][2] if self.tokens else 0)

    def take(self, *wanted: str) -> bool:
        """Take words or signs if they come next."""
        found = [token[1].lower() for token in self.tokens[self.at : self.at + len(wanted)]]
        if found != list(wanted):
            return False
        self.at += len(wanted)
        return True

    def need(self, *wanted: str) -> None:
        if not self.take(*wanted):
            raise self.fail()

    def of(self, kind: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != kind:
            raise self.fail()
        self.at += 1
        return self.tokens[self.at - 1][1]

    def whole(self) -> int:
        text = self.of("number")
        if not text.isdigit():
            raise self.fail()
        return int(text)

    # ---------------------------------------------------------------------------------------------------- clauses

    def select(self) -> Select:
        self.need("select")
        columns = [self.column()]
        while self.take(","):
            columns.append(self.column())
        self.need("from")
        module = self.of("word")
        where = self.either() if self.take("where") else None
        group = tuple(self.named_list()) if self.take("group", "by") else ()
        order = tuple(self.ordering()) if self.take("order", "by") else ()
        limit, offset = self.limits()
        if self.at < len(self.tokens):
            raise self.fail()
        return Select(tuple(columns), module, where, group, order, limit, offset)

    def column(self) -> Column:
        name, function = self.of("word"), ""
        if name.lower() in FUNCTIONS and self.take("("):
            function = name.lower()
            name = "*" if self.take("*") else self.of("word")
            self.need(")")
        return Column(name, function, self.of("word") if self.take("as") else "")

    def named_list(self) -> list[str]:
        names = [self.of("word")]
        while self.take(","):
            names.append(self.of("word"))
        return names

    def ordering(self) -> list[tuple[str, bool]]:
        found = [(self.of("word"), self._descending())]
        while self.take(","):
            found.append((self.of("word"), self._descending()))
        return found

    def _descending(self) -> bool:
        if self.take("desc"):
            return True
        self.take("asc")
        return False

    def limits(self) -> tuple[int | None, int]:
        """`limit 100`, `limit 0, 100` (offset first), `limit 100 offset 200`, `offset 200 limit 100`."""
        offset = self.whole() if self.take("offset") else 0
        if not self.take("limit"):
            return None, offset
        first = self.whole()
        if self.take(","):
            return self.whole(), first
        return first, self.whole() if self.take("offset") else offset

    # ---------------------------------------------------------------------------------------------------- conditions

    def either(self) -> Condition:
        left = self.both()
        while self.take("or"):
            left = Either(left, self.both())
        return left

    def both(self) -> Condition:
        left = self.one()
        while self.take("and"):
            left = Both(left, self.one())
        return left

    def one(self) -> Condition:
        if self.take("("):
            found = self.either()
            self.need(")")
            return found
        name = self.of("word")
        for words in ("is not null", "is null"):
            if self.take(*words.split()):
                return Test(name, words)
        for words in ("not in", "in"):
            if self.take(*words.split()):
                return Test(name, words, self.values())
        for words in ("not between", "between"):
            if self.take(*words.split()):
                low = self.value()
                self.need("and")
                return Test(name, words, (low, self.value()))
        for words in ("not like", "like"):
            if self.take(*words.split()):
                return Test(name, words, (self.value(),))
        sign = self.of("sign")
        if sign not in {"=", "!=", "<>", "<", "<=", ">", ">="}:
            raise self.fail()
        return Test(name, "!=" if sign == "<>" else sign, (self.value(),))

    def values(self) -> tuple[Any, ...]:
        self.need("(")
        found = [self.value()]
        while self.take(","):
            found.append(self.value())
        self.need(")")
        return tuple(found)

    def value(self) -> Any:
        if self.at >= len(self.tokens):
            raise self.fail()
        kind, text, _ = self.tokens[self.at]
        if kind == "text":
            self.at += 1
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number" or text.lower() in {"true", "false"}:
            self.at += 1
            return text.lower()
        if text.lower() == "null":
            self.at += 1
            return None
        raise self.fail()


def syntax(near: str, at: int) -> Refused:
    """SYNTAX_ERROR with the place."""
    return Refused("SYNTAX_ERROR", "error occured while parsing the query", {"near": near, "line": 1, "column": at + 1})
