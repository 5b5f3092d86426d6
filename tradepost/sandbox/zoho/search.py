"""Searching records by criteria, e-mail, phone or word, in an index that is a little behind.

https://www.zoho.com/crm/developer/docs/api/v8/search-records.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tradepost.sandbox.zoho import listing
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.conditions import Both, Condition, Either, Test, any_of, candidates, holds, literal, tests
from tradepost.sandbox.zoho.errors import Refused, ambiguous, wrong_param
from tradepost.sandbox.zoho.records import module_for
from tradepost.sandbox.zoho.schema import LOOKUPS, Module
from tradepost.sandbox.zoho.state import State
from tradepost.sandbox.zoho.store import Row, Store

WAYS = ("criteria", "email", "phone", "word")
REACH = 2_000
MOST_CONDITIONS = 15
MOST_IN = 100
_OPERATORS = {
    "equals": "=",
    "equal": "=",
    "not_equal": "!=",
    "starts_with": "starts_with",
    "in": "in",
    "not_in": "not in",
    "contains": "contains",
    "between": "between",
    "greater_than": ">",
    "greater_equal": ">=",
    "less_than": "<",
    "less_equal": "<=",
}
_ONE = re.compile(r"([A-Za-z0-9_.$]+):([a-z_]+):(.*)", re.DOTALL)


def search_records(state: State, call: Call) -> Answer:
    module = module_for(state, call)
    names = listing.field_names(state, call, needed=False)
    size, page = call.whole("per_page", 200, 200), call.whole("page", 1, 1_000_000)
    if size * page > REACH and state.rules.search_capped:
        raise Refused("LIMIT_REACHED", "maximum response iteration limit reached", {"limit": REACH})
    found = _found(state, call, module)
    rows = _current(state, call, module, found)
    sort_by = call.query.get("sort_by", "id")
    if sort_by not in listing.SORTS:
        raise wrong_param("sort_by", supported_values=list(listing.SORTS))
    rows.sort(key=lambda row: (row[sort_by], row["id"]), reverse=call.query.get("sort_order", "desc") == "desc")
    shown, info = listing.paged(call, rows)
    return listing.listed(state, "data", [state.show(module, row, names) for row in shown], info)


def count_records(state: State, call: Call) -> Answer:
    """actions/count, which asks the database and not the index."""
    module = module_for(state, call)
    if call.query.get("cvid") and any(way in call.query for way in WAYS):
        raise ambiguous("cvid", *(way for way in WAYS if way in call.query))
    if not any(way in call.query for way in WAYS):
        return Answer(body={"count": state.store.size(module.name)})
    rows = _matches(state.store, module, call)
    return Answer(body={"count": sum(1 for _ in rows)})


def _found(state: State, call: Call, module: Module) -> list[str]:
    if not any(call.query.get(way) for way in WAYS):
        details = {"param_names": list(WAYS)}
        raise Refused("EXPECTED_PARAM_MISSING", "one of the expected parameters is missing", details)
    condition = _condition(state, module, call.query["criteria"]) if call.query.get("criteria") else None
    if len(list(tests(condition))) > MOST_CONDITIONS and state.rules.search_conditions_capped:
        message = "no of criterium that can be given exceed the limit 15"
        raise Refused("CRITERIA_LIMIT_EXCEEDED", message)
    return [row["id"] for row in _matches(state.settle(), module, call)]


def _current(state: State, call: Call, module: Module, ids: Iterable[str]) -> list[Row]:
    """What the index found, as it is by now; deleted ones are left out, and converted leads unless asked for."""
    wanted = call.query.get("converted", "false") if module.name == "Leads" else "both"
    rows = [row for row in (state.store.get(module.name, each) for each in ids) if row is not None]
    return [row for row in rows if wanted == "both" or bool(row.get("Converted__s")) == (wanted == "true")]


def _matches(store: Store, module: Module, call: Call) -> list[Row]:
    """Of several ways given the first in the order of the documents counts."""
    if call.query.get("criteria"):
        return _by_criteria(store, module, call.query["criteria"])
    if call.query.get("email"):
        return _by_value(store, module, call.query["email"], "email")
    if call.query.get("phone"):
        wanted = _digits(call.query["phone"])
        fields = module.of_type("phone")
        return [row for row in store.rows(module.name) if any(_digits(row.get(f.name)) == wanted for f in fields)]
    words = call.query.get("word", "").casefold().split()
    if len("".join(words)) < 2:
        raise Refused(
            "INVALID_QUERY", "Invalid query formed", {"reason": "the word is too short", "param_name": "word"}
        )
    texts = [f.name for f in module.of_type("text", "textarea", "email", "phone", "website", "picklist")]
    return [row for row in store.rows(module.name) if _has_words(row, texts, words)]


def _has_words(row: Row, names: list[str], words: list[str]) -> bool:
    text = " ".join(str(row[name]) for name in names if row.get(name)).casefold()
    return all(re.search(rf"(?<!\w){re.escape(word.rstrip('*'))}", text) for word in words)


def _digits(value: Any) -> str:
    return re.sub(r"\D", "", str(value or ""))


def _by_value(store: Store, module: Module, value: str, kind: str) -> list[Row]:
    """In every field of a type."""
    found: dict[str, Row] = {}
    for each in module.of_type(kind):
        found |= {row["id"]: row for row in store.find(module.name, each.name, value)}
    return list(found.values())


def _by_criteria(store: Store, module: Module, text: str) -> list[Row]:
    condition = Criteria(module, text).parse()

    def get(row: Row, name: str) -> Any:
        return row["id"] if name == "id" else row.get(name)

    equalities = any_of(condition)
    if equalities is not None:
        found = {row["id"]: row for each in equalities for row in candidates(store, module, each)}
        return [row for row in found.values() if holds(condition, row, get)]
    return [row for row in candidates(store, module, condition) if holds(condition, row, get)]


def _condition(state: State, module: Module, text: str) -> Condition:
    del state
    return Criteria(module, text).parse()


class Criteria:
    """Parser of `((Last_Name:equals:Zhang)and(Email:starts_with:z))`. A backslash keeps brackets and commas."""

    def __init__(self, module: Module, text: str) -> None:
        self.module = module
        self.text = text.strip()
        self.at = 0

    def parse(self) -> Condition:
        """Raises INVALID_QUERY."""
        found = self._chain() if self.text.startswith("(") else self._one(self.text)
        if self.text.startswith("(") and self.at < len(self.text):
            raise _invalid("brackets do not match")
        return found

    def _chain(self) -> Condition:
        left = self._group()
        while True:
            word = re.compile(r"\s*(and|or)\s*", re.IGNORECASE).match(self.text, self.at)
            if word is None:
                return left
            self.at = word.end()
            right = self._group()
            left = Both(left, right) if word[1].lower() == "and" else Either(left, right)

    def _group(self) -> Condition:
        if not self.text.startswith("(", self.at):
            raise _invalid("a bracket is missing")
        self.at += 1
        found = self._chain() if self.text.startswith("(", self.at) else self._one(self._until_bracket())
        if not self.text.startswith(")", self.at):
            raise _invalid("brackets do not match")
        self.at += 1
        return found

    def _until_bracket(self) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.text[self.at] == "(":
                self._until_bracket_inside()
            self.at += 2 if self.text[self.at : self.at + 1] == "\\" else 1
        return self.text[start : self.at]

    def _until_bracket_inside(self) -> None:
        """Brackets inside a value that match each other, as in a name."""
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != ")":
            self.at += 1

    def _one(self, text: str) -> Test:
        match = _ONE.fullmatch(text.strip())
        if match is None:
            raise _invalid("a condition is field:operator:value")
        name, word, value = match.groups()
        each = self.module.fields.get(name)
        if each is None and name != "id":
            raise _invalid("the field is not available for search", api_name=name)
        if word not in _OPERATORS:
            raise _invalid("invalid operator found", api_name=name, operator=word)
        return Test(name, *self._operands(name, _OPERATORS[word], value))

    def _operands(self, name: str, operator: str, value: str) -> tuple[str, tuple[Any, ...]]:
        if value == "${EMPTY}" and operator in {"=", "!="}:
            return ("is null" if operator == "=" else "is not null"), ()
        many = operator in {"in", "not in", "between"}
        parts = re.split(r"(?<!\\),", value) if many else [value]
        if many and len(parts) > MOST_IN:
            message = 'Only 100 values are allowed in "IN" criteria'
            raise Refused("INVALID_QUERY", message, {"api_name": name, "param_name": "criteria"})
        texts = [re.sub(r"\\(.)", r"\1", part.strip() if many else part) for part in parts]
        each = self.module.fields.get(name)
        if each is not None and each.type in LOOKUPS and not all(part.isdigit() for part in texts):
            raise _invalid("the value is no id", api_name=name)
        try:
            return operator, tuple(part if each is None else literal(each, part) for part in texts)
        except ValueError:
            kind = each.type if each else "bigint"
            raise _invalid("value given seems to be invalid", api_name=name, expected_data_type=kind) from None


def _invalid(reason: str, **details: Any) -> Refused:
    return Refused("INVALID_QUERY", "Invalid query formed", {**details, "reason": reason})
