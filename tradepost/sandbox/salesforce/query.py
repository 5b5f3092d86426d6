"""Runs parsed SOQL over the store, as one user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NoReturn

from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.ids import parse_id
from tradepost.sandbox.salesforce.schema import TEXT_TYPES, Field, SObject
from tradepost.sandbox.salesforce.soql import (
    Aggregate,
    Compare,
    Condition,
    DayRange,
    FieldSet,
    Logic,
    Order,
    Path,
    Pattern,
    Query,
    pointed,
)
from tradepost.sandbox.salesforce.store import Row, fold
from tradepost.sandbox.salesforce.values import render
from tradepost.sandbox.salesforce.view import View, record_url

Test = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Result:
    """`records` are JSON objects; a bare COUNT() has only a total."""

    total: int
    records: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """A field reached from the queried object; `get` gives the stored value of a row."""

    field: Field
    get: Callable[[Row], Any]


def run(view: View, query: Query, *, deleted: bool = False, tooling: bool = False) -> Result:
    """Evaluate. With `deleted` rows in the recycle bin and archived activities are seen too (queryAll)."""
    sobject = view.queryable(query.source, tooling=tooling)
    return _Run(view, query, sobject, deleted=deleted).result()


def columns(view: View, query: Query) -> list[Path]:
    """The fields a query without groups asks for, in the schema's spelling; subqueries are left out."""
    each = _Run(view, query, view.queryable(query.source), deleted=False)
    found: list[Path] = []
    for item in query.select:
        if isinstance(item, FieldSet):
            found += [(field.name,) for field in each.field_set(item)]
        elif isinstance(item, tuple):
            found.append(each.names(each.sobject, each.strip(item)))
    return found


class _Run:
    def __init__(self, view: View, query: Query, sobject: SObject, *, deleted: bool) -> None:
        self.view, self.query, self.sobject, self.deleted = view, query, sobject, deleted

    def result(self) -> Result:
        query = self.query
        rows = self.rows()
        if query.counts:
            return Result(len(rows), [])
        if query.aggregated:
            records = self.cut(self.groups(rows))
            return Result(len(records), records)
        rows = self.cut(self.sorted(rows))
        writer = self.writer()
        return Result(len(rows), [writer(row) for row in rows])

    def cut(self, rows: list[Any]) -> list[Any]:
        end = None if self.query.limit is None else self.query.offset + self.query.limit
        return rows[self.query.offset : end]

    # -------------------------------------------------------------------------------------------- columns

    def strip(self, path: Path) -> Path:
        """The path without the object's own name or alias in front."""
        own = {self.query.aliases.get(()), self.sobject.name.lower()}
        return path[1:] if len(path) > 1 and path[0].lower() in own else path

    def column(self, path: Path) -> Column:
        """Resolve a path of relationships. Raises INVALID_FIELD."""
        if len(path) > 6:
            raise Refused("MALFORMED_QUERY", "Cannot traverse more than 5 relationships")
        return self._column(self.sobject, self.strip(path))

    def _column(self, sobject: SObject, path: Path) -> Column:
        if len(path) == 1:
            field = self.view.field(sobject, path[0])
            if field is None:
                self.unknown(path[0], sobject)
            name = field.name
            if field.type == "junctionIdList":
                return Column(field, lambda row: self.view.junction(row, name))
            if field.type == "base64":
                return Column(field, lambda row: self.view.blob_url(row, field))
            return Column(field, lambda row: row.get(name))
        reference = sobject.relationship(path[0])
        if reference is None or not self.view.sees(sobject, reference):
            text = (
                f"Didn't understand relationship '{path[0]}' in field path. If you are attempting to use a custom "
                "relationship, be sure to append the '__r' after the custom relationship name. Please reference your "
                "WSDL or the describe call for the appropriate names."
            )
            raise Refused("INVALID_FIELD", pointed(self.query.text, self.place(path[0]), text))
        return self.hop(reference, path[1:])

    def hop(self, reference: Field, rest: Path) -> Column:
        """Follow a reference; where it may lead to several objects, whichever of them knows the field answers."""
        polymorphic = len(reference.targets) > 1 or reference.name == "OwnerId"
        if polymorphic and len(rest) == 1 and rest[0].lower() == "type":
            return self.type_column(reference)
        columns: dict[str, Column] = {}
        refusal: Refused | None = None
        for target in self.view.targets(reference):
            try:
                columns[target.name] = self._column(target, rest)
            except Refused as error:
                refusal = refusal or error
        if not columns:
            raise refusal or Refused("INVALID_FIELD", f"No such relation '{reference.relationship}'")

        def get(row: Row) -> Any:
            found = self.view.follow(row.get(reference.name))
            column = columns.get(found[0]) if found else None
            return column.get(found[1]) if found and column else None

        return Column(next(iter(columns.values())).field, get)

    def type_column(self, reference: Field) -> Column:
        """Who.Type and the like: the name of the object pointed to."""
        field = Field(name="Type", type="picklist", label="Type", flags="fsg")
        return Column(field, lambda row: self.view.object_of(row.get(reference.name)))

    def unknown(self, name: str, sobject: SObject) -> NoReturn:
        text = (
            f"No such column '{name}' on entity '{sobject.name}'. If you are attempting to use a custom field, be sure "
            "to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
            "appropriate names."
        )
        raise Refused("INVALID_FIELD", pointed(self.query.text, self.place(name), text))

    def place(self, name: str) -> int:
        return max(0, self.query.text.find(name))

    # -------------------------------------------------------------------------------------------- rows

    def rows(self) -> list[Row]:
        test = self.test(self.query.where) if self.query.where else None
        return [row for row in self.candidates() if self.visible(row) and (test is None or test(row))]

    def visible(self, row: Row) -> bool:
        keeps = self.view.strictness
        hidden = (row["IsDeleted"] and keeps.deleted_hidden) or (row.get("IsArchived") and keeps.archived_hidden)
        return (self.deleted or not hidden) and self.view.sees_row(row)

    def candidates(self) -> Iterable[Row]:
        """All rows, or where a condition that must hold names indexed values, the rows that bear them."""
        where = self.query.where
        parts = where.parts if isinstance(where, Logic) and where.op == "and" else (where,)
        for part in parts:
            found = self.indexed(part) if isinstance(part, Compare) else None
            if found is not None:
                return found
        return list(self.view.store.rows(self.sobject.name))

    def indexed(self, part: Compare) -> list[Row] | None:
        path = self.strip(part.path)
        field = self.sobject.find(path[0]) if len(path) == 1 else None
        if field is None or part.op not in {"=", "in"} or isinstance(part.value, Query):
            return None
        values = part.value if part.op == "in" else (part.value,)
        if not (field.name == "Id" or field.indexed) or not all(isinstance(v, str) for v in values):
            return None
        ids = {row["Id"]: row for value in values for row in self.view.rows_with(self.sobject, field, value)}
        return [ids[record_id] for record_id in sorted(ids)]

    def sorted(self, rows: list[Row]) -> list[Row]:
        for order in reversed(self.query.order):
            rows = self.sorted_by(order, rows)
        return rows

    def sorted_by(self, order: Order, rows: list[Row]) -> list[Row]:
        column = self.column(order.path)
        if not column.field.has("s"):
            raise Refused("INVALID_FIELD", f"field '{column.field.name}' can not be sorted in a query call")
        empty = [row for row in rows if column.get(row) is None]
        full = [row for row in rows if column.get(row) is not None]
        key = column.get if column.field.type in {"id", "reference"} else lambda row: fold(column.get(row))
        full.sort(key=key, reverse=order.descending)
        return full + empty if order.nulls_last else empty + full

    # -------------------------------------------------------------------------------------------- conditions

    def test(self, condition: Condition) -> Test:
        if isinstance(condition, Compare):
            return self.comparison(condition)
        tests = [self.test(part) for part in condition.parts]
        if condition.op == "not":
            return lambda row: not tests[0](row)
        combine = all if condition.op == "and" else any
        return lambda row: combine(test(row) for test in tests)

    def comparison(self, compare: Compare) -> Test:
        column = self.column(compare.path)
        field = column.field
        if not field.has("f") and self.view.strictness.long_text_not_filtered:
            raise Refused("INVALID_FIELD", f"field '{field.name}' can not be filtered in a query call")
        get = (
            column.get
            if field.type in {"id", "reference"} or field.case_sensitive
            else lambda row: fold(column.get(row))
        )
        if isinstance(compare.value, Pattern):
            regex = compare.value.regex
            return lambda row: regex.fullmatch(str(column.get(row) or "")) is not None
        if compare.op in {"in", "not in"}:
            wanted = self.wanted(field, compare.value)
            return lambda row: (get(row) in wanted) == (compare.op == "in")
        if isinstance(compare.value, DayRange):
            return self.in_days(field, column, compare.op, compare.value)
        if compare.value is None and compare.op not in {"=", "!="}:
            raise Refused("MALFORMED_QUERY", f"unexpected operator '{compare.op}' with null")
        return _ordered(get, compare.op, self.literal(field, compare.value))

    def wanted(self, field: Field, values: tuple[Any, ...] | Query) -> frozenset[Any]:
        if not isinstance(values, Query):
            return frozenset(self.literal(field, value) for value in values)
        inner = _Run(self.view, values, self.view.queryable(values.source), deleted=False)
        if len(values.select) != 1 or not isinstance(values.select[0], tuple):
            raise Refused("MALFORMED_QUERY", "a semi join must select exactly one field")
        column = inner.column(values.select[0])
        return frozenset(column.get(row) for row in inner.rows()) - {None}

    def literal(self, field: Field, value: Any) -> Any:
        """Check the literal's type against the field's and bring it to the form it is compared in."""
        if value is None:
            return False if field.type == "boolean" else None
        if field.type in {"id", "reference"}:
            return self.id_literal(field, value)
        text = isinstance(value, str)
        good = {
            "boolean": isinstance(value, bool),
            "datetime": isinstance(value, datetime),
            "date": isinstance(value, date) and not isinstance(value, datetime),
        }.get(field.type, text if field.type in TEXT_TYPES else isinstance(value, (int, float)))
        if not good:
            quotes = "should be enclosed in quotes" if field.type in TEXT_TYPES else "should not be enclosed in quotes"
            kind = {"datetime": "dateTime"}.get(field.type, "string" if field.type in TEXT_TYPES else field.type)
            reason = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
            raise Refused("INVALID_FIELD", pointed(self.query.text, self.place(field.name), reason))
        return value if field.case_sensitive else fold(value)

    def id_literal(self, field: Field, value: Any) -> str:
        full = parse_id(value) if isinstance(value, str) else None
        if full is None:
            text = f"invalid ID field: {value}"
            raise Refused("INVALID_QUERY_FILTER_OPERATOR", pointed(self.query.text, self.place(field.name), text))
        return full

    def in_days(self, field: Field, column: Column, op: str, days: DayRange) -> Test:
        first, after = day_range(days.word, self.view.now().date())
        if field.type == "datetime":
            first, after = _midnight(first), _midnight(after)
        checks: dict[str, Test] = {
            "=": lambda row: first <= column.get(row) < after,
            "!=": lambda row: not first <= column.get(row) < after,
            "<": lambda row: column.get(row) < first,
            ">=": lambda row: column.get(row) >= first,
            ">": lambda row: column.get(row) >= after,
            "<=": lambda row: column.get(row) < after,
        }
        return lambda row: column.get(row) is not None and checks[op](row)

    # -------------------------------------------------------------------------------------------- output

    def writer(self) -> Callable[[Row], dict[str, Any]]:
        """Rows to JSON, fields in the order asked for."""
        items: list[tuple[Path, Callable[[Row], Any]]] = []
        for item in self.query.select:
            if isinstance(item, FieldSet):
                items += [((f.name,), self.column((f.name,)).get) for f in self.field_set(item)]
            elif isinstance(item, Query):
                items.append(self.children(item))
            elif isinstance(item, tuple):
                items.append((self.names(self.sobject, self.strip(item)), self.column(item).get))

        def write(row: Row) -> dict[str, Any]:
            out = self.head(self.sobject.name, row)
            for path, get in items:
                self.place_value(out, row, path, get)
            return out

        return write

    def head(self, name: str, row: Row) -> dict[str, Any]:
        return {"attributes": {"type": name, "url": record_url(self.view.version, name, row["Id"])}}

    def linked(self, reference: Field, name: str, row: Row) -> dict[str, Any]:
        """The head of a record behind a reference: one that may lead to several objects answers as the object Name.

        https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_relationships_and_polymorph_keys.htm
        """
        head = self.head(name, row)
        if len(reference.targets) > 1:
            head["attributes"]["type"] = "Name"
        return head

    def names(self, sobject: SObject, path: Path) -> Path:
        """The path in the schema's own spelling."""
        if len(path) == 1:
            field = sobject.find(path[0])
            return (field.name if field else path[0],)
        reference = sobject.relationship(path[0])
        target = next(iter(self.view.targets(reference)), None) if reference else None
        rest = self.names(target, path[1:]) if target else path[1:]
        return (reference.relationship if reference else path[0], *rest)

    def place_value(self, out: dict[str, Any], row: Row, path: Path, get: Callable[[Row], Any]) -> None:
        """Put a value where its path says, with the attributes of each record on the way; null where a link is."""
        here: Row = row
        for step in path[:-1]:
            sobject = self.view.object_of(here["Id"])
            reference = self.view.schema.get(sobject).relationship(step)
            found = self.view.follow(here.get(reference.name)) if reference else None
            if found is None:
                out[step] = None
                return
            here = found[1]
            out = out.setdefault(step, self.linked(reference, found[0], here) if reference else {})
        out[path[-1]] = render(get(row))

    def field_set(self, item: FieldSet) -> Iterator[Field]:
        if item.which not in {"ALL", "STANDARD", "CUSTOM"}:
            raise Refused("MALFORMED_QUERY", f"unexpected token: '{item.which}'")
        if item.which != "STANDARD" and (self.query.limit is None or self.query.limit > 200):
            raise Refused("MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most 200")
        for field in self.view.fields(self.sobject):
            if item.which == "ALL" or field.custom == (item.which == "CUSTOM"):
                yield field

    def children(self, query: Query) -> tuple[Path, Callable[[Row], Any]]:
        """A subquery over a child relationship: its rows per parent, or null."""
        child = next(
            (
                (o, f)
                for o, f in self.view.schema.children(self.sobject.name)
                if f.child_name.lower() == query.source.lower() and self.view.may_read(o)
            ),
            None,
        )
        if child is None:
            text = f"Didn't understand relationship '{query.source}' in FROM part of query call."
            raise Refused("INVALID_TYPE", pointed(self.query.text, self.place(query.source), text))
        inner = _Run(self.view, query, child[0], deleted=self.deleted)
        writer = inner.writer()

        def get(row: Row) -> Any:
            mine = [r for r in inner.rows() if r.get(child[1].name) == row["Id"]]
            records = [writer(r) for r in inner.cut(inner.sorted(mine))]
            return {"totalSize": len(records), "done": True, "records": records} if records else None

        return (child[1].child_name,), get

    # -------------------------------------------------------------------------------------------- groups

    def groups(self, rows: list[Row]) -> list[dict[str, Any]]:
        keys = [self.column(path) for path in self.query.group_by]
        for column in keys:
            if not column.field.has("g"):
                raise Refused("INVALID_FIELD", f"field '{column.field.name}' can not be grouped in a query call")
        grouped: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): rows}
        for row in rows if keys else ():
            grouped.setdefault(tuple(column.get(row) for column in keys), []).append(row)
        ordered = sorted(grouped.items(), key=lambda kv: [(v is not None, str(v)) for v in kv[0]])
        return [self.group(members) for _, members in ordered]

    def group(self, members: list[Row]) -> dict[str, Any]:
        out: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        stripped = {tuple(p.lower() for p in self.strip(path)) for path in self.query.group_by}
        for item in self.query.select:
            if isinstance(item, Aggregate):
                out[item.alias] = render(self.aggregate(item, members))
            elif isinstance(item, tuple) and tuple(p.lower() for p in self.strip(item)) in stripped:
                path = self.names(self.sobject, self.strip(item))
                out[self.query.aliases.get(item, path[-1])] = render(self.column(item).get(members[0]))
            else:
                raise Refused("MALFORMED_QUERY", "Field must be grouped or aggregated")
        return out

    def aggregate(self, item: Aggregate, members: list[Row]) -> Any:
        column = self.column(item.path)
        values = [v for v in (column.get(row) for row in members) if v is not None]
        match item.function:
            case "COUNT":
                return len(values)
            case "COUNT_DISTINCT":
                return len({fold(v) for v in values})
            case "MIN" | "MAX":
                return (min if item.function == "MIN" else max)(values, key=fold, default=None)
            case _ if not values:
                return None
            case "SUM":
                return sum(values)
            case _:
                return sum(values) / len(values)


def _ordered(get: Callable[[Row], Any], op: str, wanted: Any) -> Test:
    match op:
        case "=":
            return lambda row: bool(get(row) == wanted)
        case "!=":
            return lambda row: bool(get(row) != wanted)
        case "<":
            return lambda row: get(row) is not None and get(row) < wanted
        case "<=":
            return lambda row: get(row) is not None and get(row) <= wanted
        case ">":
            return lambda row: get(row) is not None and get(row) > wanted
        case _:
            return lambda row: get(row) is not None and get(row) >= wanted


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def day_range(word: str, today: date) -> tuple[date, date]:
    """First day and the day after the last of a date literal."""
    day = timedelta(days=1)
    if word in {"TODAY", "YESTERDAY", "TOMORROW"}:
        first = today + day * {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}[word]
        return first, first + day
    if "DAYS" in word:
        count = int(word.partition(":")[2] or 90)
        return (
            (today - day * count, today + day) if word.startswith("LAST") else (today + day, today + day * (count + 1))
        )
    when, _, unit = word.partition("_")
    step = {"LAST": -1, "THIS": 0, "NEXT": 1}[when]
    if unit == "WEEK":  # weeks begin on Sunday, as in the org's default locale
        first = today - day * ((today.weekday() + 1) % 7) + 7 * day * step
        return first, first + 7 * day
    if unit == "YEAR":
        return date(today.year + step, 1, 1), date(today.year + step + 1, 1, 1)
    return _month(today, step), _month(today, step + 1)


def _month(today: date, step: int) -> date:
    index = today.year * 12 + today.month - 1 + step
    return date(index // 12, index % 12 + 1, 1)
