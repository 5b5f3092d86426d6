"""Searching a kind: filters, free text, order, pages.

https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tradepost.sandbox.hubspot.call import read_json
from tradepost.sandbox.hubspot.definitions import Property
from tradepost.sandbox.hubspot.errors import Refused, bad_json
from tradepost.sandbox.hubspot.index import Document, KindIndex, tokens
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.state import PortalState
from tradepost.sandbox.hubspot.times import millis
from tradepost.sandbox.hubspot.values import text

MOST_RESULTS = 10_000
MOST_PAGE = 200
MOST_CHARACTERS = 3_000
MOST_GROUPS, MOST_IN_GROUP, MOST_FILTERS = 5, 6, 18
OPERATORS = frozenset(
    {"EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN"}
    | {"HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}
)
NOT_FILTERABLE = frozenset({"hs_email_html", "hs_body_preview", "hs_body_preview_html"})
_WORD = re.compile(r"[^\W_]+")
Test = Callable[[str, Document], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. `kind` is set for the pseudo-property associations.X."""

    name: str
    operator: str
    values: tuple[str, ...]
    definition: Property | None
    kind: Kind | None = None

    @property
    def exact(self) -> bool:
        return self.operator in {"EQ", "IN"}


@dataclass(frozen=True, slots=True)
class Page:
    """`total` counts every match; `after` is empty on the last page."""

    total: int
    ids: list[str]
    after: str


class Search:
    """One search of one kind. `length` is the body's, in characters.

    The names of the properties to return do not count against the cap, which is the query's: clients with a thousand
    properties send them all (observed: https://github.com/airweave-ai/airweave/pull/1064).
    """

    def __init__(self, state: PortalState, kind: Kind, body: Mapping[str, Any], length: int) -> None:
        self.state, self.kind = state, kind
        length -= len(json.dumps(body.get("properties"))) if body.get("properties") else 0
        if length > MOST_CHARACTERS and state.strict.search_body_cap:
            raise Refused(f"The request body is too long: {length} characters, at most {MOST_CHARACTERS} are allowed")
        self.limit = _whole(body.get("limit", 10), "limit")
        self.start = _whole(body.get("after") or 0, "after")
        self._check_page()
        self.groups = self._groups(body.get("filterGroups") or _bare(body))
        self.query = text(body.get("query"))
        self.sort = _sort(body.get("sorts"))
        # Only what decides the answer, so that the pages of one search share it.
        self.key = json.dumps([body.get("filterGroups"), body.get("filters"), self.query, self.sort], sort_keys=True)

    def page(self) -> Page:
        self.state.index.catch_up(self.state.now())
        index = self.state.index.of(self.kind)
        ids = index.answers.get(self.key) if not self._timed else None
        if ids is None:
            ids = self._run(index)
            index.answers[self.key] = ids
        shown = ids[self.start : self.start + self.limit]
        end = self.start + len(shown)
        return Page(len(ids), shown, str(end) if end < len(ids) else "")

    @property
    def _timed(self) -> bool:
        """Links change without the index being told."""
        return any(each.kind is not None for group in self.groups for each in group)

    def _check_page(self) -> None:
        strict = self.state.strict
        if self.limit < 0 or self.start < 0:
            raise Refused("Invalid paging parameters")
        if self.limit > MOST_PAGE and strict.search_page_cap:
            raise Refused(f"limit {self.limit} is greater than the maximum allowed: {MOST_PAGE}")
        if self.start + self.limit > MOST_RESULTS and strict.search_cap:
            raise Refused(f"The total results of a search are limited to {MOST_RESULTS}; cannot page beyond them")

    # -------------------------------------------------------------------------------------------- reading

    def _groups(self, rows: Any) -> list[list[Filter]]:
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise bad_json("Cannot deserialize value of type `java.util.ArrayList<FilterGroup>`")
        found = [[self._filter(each) for each in row.get("filters") or []] for row in rows]
        total = sum(map(len, found))
        most = max(map(len, found), default=0)
        if (len(found) > MOST_GROUPS or most > MOST_IN_GROUP or total > MOST_FILTERS) and (
            self.state.strict.search_filter_cap
        ):
            raise Refused(
                f"A search may have at most {MOST_GROUPS} filterGroups with at most {MOST_IN_GROUP} filters each, "
                f"{MOST_FILTERS} in total"
            )
        return [group for group in found if group]

    def _filter(self, row: Any) -> Filter:
        if not isinstance(row, Mapping):
            raise bad_json("Cannot construct instance of `Filter`")
        name, operator = text(row.get("propertyName")), text(row.get("operator"))
        if operator not in OPERATORS:
            raise bad_json(f"Cannot deserialize value of type `FilterOperator` from String {json.dumps(operator)}")
        values = _operands(row, operator)
        if name.startswith("associations."):
            return Filter(name, operator, values, None, self.state.kind_of(name.removeprefix("associations.")))
        definition = self.state.property(self.kind, name)
        if definition is None or definition.name in NOT_FILTERABLE:
            raise Refused(f"There was a problem with the request. Property {name} cannot be searched.")
        return Filter(definition.name, operator, values, definition)

    # -------------------------------------------------------------------------------------------- running

    def _run(self, index: KindIndex) -> list[str]:
        found: dict[str, None] = {}
        for group in self.groups or [[]]:
            tests = [self._test(each) for each in group]
            for record_id in self._candidates(index, group):
                document = index.documents.get(record_id)
                if document is not None and all(test(record_id, document) for test in tests):
                    found[record_id] = None
        words = _WORD.findall(self.query.lower())
        ids = [each for each in found if not words or self._says(index.documents[each], words)]
        return self._ordered(index, ids)

    def _candidates(self, index: KindIndex, group: list[Filter]) -> list[str]:
        """The smallest set that one condition leaves, by look-up."""
        choices: list[list[str]] = []
        for each in group:
            if each.kind is not None and each.exact:
                choices.append([end for value in each.values for end in self._linked(value)])
            elif each.name == "hs_object_id" and each.exact:
                choices.append(list(each.values))
            elif each.exact and _plain(each.definition) and not self._also(each):
                choices.append(index.with_value(each.name, self._wanted(each)))
            elif each.name == self.kind.clock and each.operator in {"GTE", "GT", "BETWEEN"}:
                choices.append(index.since(millis(each.values[0]) or 0))
        return min(choices, key=len) if choices else list(index.documents)

    def _wanted(self, each: Filter) -> tuple[str, ...]:
        """The tokens that a value finds. The index of text is lower case; IN is compared with it as it stands."""
        text_type = each.definition is not None and each.definition.type == "string"
        as_is = each.operator in {"IN", "NOT_IN"} and text_type and self.state.strict.in_values_lower_case
        return each.values if as_is else tuple(value.lower() for value in each.values)

    def _linked(self, record_id: str) -> list[str]:
        seen_from = self.state.now() - self.state.lag
        other = self.state.records.resolve(record_id)
        ends = self.state.links.ends(other, self.kind.plural)
        return [end for end, types in ends.items() if min(types.values()) <= seen_from]

    def _test(self, each: Filter) -> Test:
        if each.kind is not None:
            linked = {end for value in each.values for end in self._linked(value)}
            wanted = each.operator in {"EQ", "IN", "HAS_PROPERTY"}
            return lambda record_id, _: (record_id in linked) is wanted
        assert each.definition is not None  # noqa: S101 - only associations have none
        return _comparison(each, self._wanted(each), self._also(each))

    def _also(self, each: Filter) -> str:
        """A second property that an exact filter looks into."""
        lax = not self.state.strict.additional_emails_apart
        return "hs_additional_emails" if lax and each.name == "email" else ""

    def _says(self, document: Document, words: list[str]) -> bool:
        """Each word begins some word of what is searched by default."""
        held = " ".join(document.get(name, "") for name in self.kind.searched).lower()
        parts = _WORD.findall(held)
        return all(any(part.startswith(word) for part in parts) for word in words)

    def _ordered(self, index: KindIndex, ids: list[str]) -> list[str]:
        name, descending = self.sort
        by_id = sorted(ids, key=int)
        if not name:
            return by_id
        definition = self.state.property(self.kind, name)
        numeric = definition is not None and definition.type in {"number", "datetime", "date"}
        with_value = [each for each in by_id if index.documents[each].get(name)]
        without = [each for each in by_id if not index.documents[each].get(name)]

        def key(record_id: str) -> tuple[float, str]:
            value = index.documents[record_id][name]
            return (_number(value, definition), "") if numeric else (0, value.lower())

        return sorted(with_value, key=key, reverse=descending) + without


def _plain(definition: Property | None) -> bool:
    return definition is not None and definition.type in {"string", "enumeration", "bool"}


def _bare(body: Mapping[str, Any]) -> list[Any]:
    """`filters` without a group are one group."""
    return [{"filters": body["filters"]}] if body.get("filters") else []


def _whole(value: Any, name: str) -> int:
    try:
        return int(text(value))
    except ValueError:
        raise Refused(f"{name} must be a whole number") from None


def _operands(row: Mapping[str, Any], operator: str) -> tuple[str, ...]:
    """Raises 400 for operands that are missing."""
    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        return ()
    if operator in {"IN", "NOT_IN"}:
        values = row.get("values")
        if not isinstance(values, list) or not values:
            raise Refused(f"There was a problem with the request. {operator} needs values.")
        return tuple(text(value) for value in values)
    needed = ("value", "highValue") if operator == "BETWEEN" else ("value",)
    if any(text(row.get(name)) == "" for name in needed):
        raise Refused(f"There was a problem with the request. {operator} needs {' and '.join(needed)}.")
    return tuple(text(row[name]) for name in needed)


def _sort(sorts: Any) -> tuple[str, bool]:
    """Property and whether descending; HubSpot takes one: an object, the object as text, or a name with a minus.

    https://github.com/HubSpot/hubspot-api-nodejs#search-contacts
    """
    if not sorts:
        return "", False
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise Refused("There was a problem with the request. Only one sort is allowed.")
    first = sorts[0]
    if isinstance(first, str) and first.startswith("{"):
        first = read_json(first.encode())
    if isinstance(first, Mapping):
        return text(first.get("propertyName")), text(first.get("direction")).upper() == "DESCENDING"
    name = text(first)
    return name.removeprefix("-"), name.startswith("-")


def _number(value: str, definition: Property | None) -> float:
    if definition is not None and definition.type in {"datetime", "date"}:
        return float(millis(value) or 0)
    try:
        return float(value)
    except ValueError:
        return 0.0


def _comparison(each: Filter, wanted: tuple[str, ...], also: str) -> Test:
    name, operator, definition = each.name, each.operator, each.definition
    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        return lambda _, document: bool(document.get(name)) is (operator == "HAS_PROPERTY")
    if operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        pattern = _token(each.values[0])
        return lambda _, document: bool(pattern.search(document.get(name, ""))) is (operator == "CONTAINS_TOKEN")
    if operator in {"LT", "LTE", "GT", "GTE", "BETWEEN"}:
        return _range(each)
    positive = operator in {"EQ", "IN"}
    if definition is not None and definition.type in {"number", "datetime", "date"}:
        numbers = {_number(value, definition) for value in each.values}
        return lambda _, document: (
            (bool(document.get(name)) and _number(document[name], definition) in numbers) is positive
        )
    if definition is not None and definition.type == "enumeration" and not definition.multiple:
        values = set(each.values)
        return lambda _, document: (document.get(name, "") in values) is positive
    chosen = set(wanted)
    if also or (definition is not None and definition.multiple):
        return lambda _, document: any(t in chosen for n in (name, also) for t in tokens(document, n)) is positive
    return lambda _, document: (document.get(name, "").lower() in chosen) is positive


def _range(each: Filter) -> Test:
    name, definition = each.name, each.definition
    if definition is not None and definition.type in {"number", "datetime", "date"}:
        limits = [_number(value, definition) for value in each.values]
        return lambda _, doc: bool(doc.get(name)) and _within(each.operator, _number(doc[name], definition), limits)
    texts = [value.lower() for value in each.values]
    return lambda _, doc: bool(doc.get(name)) and _within(each.operator, doc[name].lower(), texts)


def _within(operator: str, value: Any, limits: list[Any]) -> bool:
    match operator:
        case "LT":
            return bool(value < limits[0])
        case "LTE":
            return bool(value <= limits[0])
        case "GT":
            return bool(value > limits[0])
        case "GTE":
            return bool(value >= limits[0])
    return bool(limits[0] <= value <= limits[1])


def _token(value: str) -> re.Pattern[str]:
    """A token, with * for any characters; whole words otherwise."""
    inner = ".*".join(re.escape(part) for part in value.split("*"))
    return re.compile(rf"(?<!\w){inner}(?!\w)" if "*" not in value else inner, re.IGNORECASE)
