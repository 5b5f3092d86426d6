"""Running COQL.

https://www.zoho.com/crm/developer/docs/api/v8/Get-Records-through-COQL-Query.html
https://www.zoho.com/crm/developer/docs/api/v8/COQL-Limitations.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tradepost.sandbox.zoho import coql_parse, values
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.conditions import Both, Condition, Either, Test, candidates, holds, literal, tests
from tradepost.sandbox.zoho.coql_parse import Column, Select
from tradepost.sandbox.zoho.errors import Refused, mandatory, wrong_data
from tradepost.sandbox.zoho.schema import Field, Module
from tradepost.sandbox.zoho.state import State
from tradepost.sandbox.zoho.store import Row, fold

MOST_ROWS = 2_000
DEFAULT_ROWS = 200
MOST_CONDITIONS = 25
MOST_IN = 50
MOST_COLUMNS = 50
REACH = 100_000


def query_records(state: State, call: Call) -> Answer:
    if not isinstance(call.body, dict) or "select_query" not in call.body:
        raise mandatory("select_query", "$.select_query")
    text = call.body["select_query"]
    if not isinstance(text, str):
        raise wrong_data("select_query", "$.select_query", expected_data_type="text")
    select = coql_parse.parse(text)
    module = _module(state, select)
    limit = _check(state, select)
    where = _typed(state, module, select.where) if select.where is not None else None
    rows = _rows(state, module, where)
    data = _grouped(state, module, select, rows) if _aggregates(select) else _plain(state, module, select, rows)
    found = data[select.offset : select.offset + limit]
    if not found and state.rules.empty_is_204:
        return Answer(status=204)
    more = select.offset + limit < len(data)
    shown = found if _aggregates(select) else [_show(state, module, select, row) for row in found]
    return Answer(body={"data": shown, "info": {"count": len(shown), "more_records": more}})


def limit_of(body: Any) -> int:
    """The LIMIT of a query in a request, for its price; the default when it cannot be read."""
    try:
        return coql_parse.parse(body["select_query"]).limit or DEFAULT_ROWS
    except (Refused, TypeError, KeyError, AttributeError):
        return DEFAULT_ROWS


def _module(state: State, select: Select) -> Module:
    found = state.schema.get(select.module)
    if found is None:
        raise Refused("INVALID_QUERY", "the module given seems to be invalid", {"module": select.module})
    return found


def _check(state: State, select: Select) -> int:
    """The limit. Raises SYNTAX_ERROR and LIMIT_EXCEEDED."""
    if select.where is None and state.rules.coql_needs_where:
        raise Refused("SYNTAX_ERROR", "missing clause", {"clause": "where"})
    limit = DEFAULT_ROWS if select.limit is None else select.limit
    if limit > MOST_ROWS and state.rules.coql_capped:
        raise Refused("LIMIT_EXCEEDED", "maximum limit of records", {"limit": MOST_ROWS})
    if len(list(tests(select.where))) > MOST_CONDITIONS or len(select.columns) > MOST_COLUMNS:
        raise Refused("LIMIT_EXCEEDED", "maximum limit of conditions or columns", {"limit": MOST_CONDITIONS})
    if any(len(test.values) > MOST_IN for test in tests(select.where)):
        raise Refused("LIMIT_EXCEEDED", "maximum limit of values", {"limit": MOST_IN})
    if select.offset + min(limit, MOST_ROWS) > REACH:
        raise Refused("LIMIT_EXCEEDED", "maximum offset", {"limit": REACH})
    return limit


def _rows(state: State, module: Module, where: Condition | None) -> list[Row]:
    found = candidates(state.store, module, where)
    if where is None:
        return list(found)
    return [row for row in found if holds(where, row, lambda row, name: _value(state, module, row, name))]


# ------------------------------------------------------------------------------------------------------------- columns


def _field(state: State, module: Module, name: str) -> Field | None:
    """The field a column names, through lookups; None for `id` of a record. Raises INVALID_QUERY."""
    head, _, rest = name.partition(".")
    if not rest:
        if head == "id":
            return None
        if head in module.fields:
            return module.fields[head]
    elif head in module.fields and module.fields[head].lookup in state.schema.modules:
        return _field(state, state.schema.modules[module.fields[head].lookup], rest)
    raise Refused("INVALID_QUERY", "column given seems to be invalid", {"column_name": name})


def _value(state: State, module: Module, row: Row, name: str) -> Any:
    head, _, rest = name.partition(".")
    if not rest:
        return row.get(head)
    target = module.fields[head].lookup
    found = state.store.get(target, row[head]) if row.get(head) else None
    return None if found is None else _value(state, state.schema.modules[target], found, rest)


def _typed(state: State, module: Module, condition: Condition) -> Condition:
    match condition:
        case Both(left, right):
            return Both(_typed(state, module, left), _typed(state, module, right))
        case Either(left, right):
            return Either(_typed(state, module, left), _typed(state, module, right))
        case Test(name, operator, given):
            each = _field(state, module, name)
            try:
                return Test(name, operator, tuple(v if each is None else _literal(each, v) for v in given))
            except ValueError:
                details = {"column_name": name, "data_type": each.type if each else "bigint"}
                raise Refused("INVALID_QUERY", "value given seems to be invalid for the column", details) from None


def _literal(each: Field, value: Any) -> Any:
    found = literal(each, value)
    if each.type == "datetime" and isinstance(value, str) and "T" not in value:
        raise ValueError(value)
    return found


def _order(state: State, module: Module, select: Select, rows: Iterable[Row]) -> list[Row]:
    found = sorted(rows, key=lambda row: str(row["id"]))
    for name, descending in reversed(select.order):
        _field(state, module, name)

        def key(row: Row, name: str = name) -> tuple[bool, Any]:
            value = fold(_value(state, module, row, name))
            return (value is not None, value if value is not None else 0)

        found.sort(key=key, reverse=descending)
    return found


def _plain(state: State, module: Module, select: Select, rows: list[Row]) -> list[Row]:
    for column in select.columns:
        _field(state, module, column.name)
    return _order(state, module, select, rows)


def _show(state: State, module: Module, select: Select, row: Row) -> dict[str, Any]:
    shown = {column.title: _cell(state, module, row, column.name) for column in select.columns}
    return {**shown, "id": row["id"]}


def _cell(state: State, module: Module, row: Row, name: str) -> Any:
    head, _, rest = name.partition(".")
    if rest:
        target = module.fields[head].lookup
        found = state.store.get(target, row[head]) if row.get(head) else None
        return None if found is None else _cell(state, state.schema.modules[target], found, rest)
    return row["id"] if head == "id" else state.shown(module.fields[head], row)


# ----------------------------------------------------------------------------------------------------------- functions


def _aggregates(select: Select) -> bool:
    return bool(select.group) or any(column.function for column in select.columns)


def _grouped(state: State, module: Module, select: Select, rows: list[Row]) -> list[dict[str, Any]]:
    for name in (*select.group, *(c.name for c in select.columns if c.name != "*")):
        _field(state, module, name)
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_value(state, module, row, name) for name in select.group), []).append(row)
    if not groups and not select.group:
        groups[()] = []
    return [{c.title: _aggregate(state, module, c, members) for c in select.columns} for members in groups.values()]


def _aggregate(state: State, module: Module, column: Column, rows: list[Row]) -> Any:
    if not column.function:
        return _cell(state, module, rows[0], column.name) if rows else None
    if column.function == "count":
        return len(rows) if column.name == "*" else sum(_value(state, module, r, column.name) is not None for r in rows)
    found = [value for value in (_value(state, module, row, column.name) for row in rows) if value is not None]
    if not found:
        return None
    match column.function:
        case "sum":
            return sum(found)
        case "avg":
            return sum(found) / len(found)
    best = min(found) if column.function == "min" else max(found)
    return values.show_time(best, state.zone) if hasattr(best, "utcoffset") else best
