"""SOSL at /search and its parameters at /parameterizedSearch.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_sosl_syntax.htm
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_search_parameterized.htm

Simplified: words are looked for at once and without an index, all of them must occur, as beginnings only with `*`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tradepost.sandbox.salesforce import soql
from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.query import run
from tradepost.sandbox.salesforce.schema import TEXT_TYPES, Field, SObject
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.store import Row
from tradepost.sandbox.salesforce.view import View

MOST_RESULTS = 2000
_FIND = re.compile(r"\s*FIND\s*\{(?P<term>(?:\\.|[^{}\\])*)\}(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_GROUP = re.compile(
    r"\s*IN\s+(?P<group>ALL|NAME|EMAIL|PHONE|SIDEBAR)\s+FIELDS\b(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_RETURNING = re.compile(r"\s*RETURNING\s+(?P<what>.*?)(?:\s+LIMIT\s+(?P<limit>\d+))?\s*", re.IGNORECASE | re.DOTALL)
_ONE = re.compile(r"(?P<name>\w+)\s*(?:\((?P<inner>.*)\))?", re.DOTALL)
_INNER = re.compile(r"(?P<fields>.*?)(?P<rest>\b(?:WHERE|ORDER\s+BY|LIMIT|OFFSET)\b.*)?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one object gives: its fields, and the SOQL clauses behind them."""

    name: str
    fields: str = "Id"
    clauses: str = ""


def sosl(state: OrgState, call: Call) -> Answer:
    """GET /search/?q=FIND {...}."""
    text = call.query.get("q", "")
    found = _FIND.fullmatch(text)
    if found is None:
        raise Refused("MALFORMED_SEARCH", "No search string found" if not text else f"unexpected token: '{text[:20]}'")
    rest, group = found["rest"], "ALL"
    if named := _GROUP.fullmatch(rest):
        rest, group = named["rest"], named["group"].upper()
    wanted, limit = _returning(rest)
    return _answer(state, call, re.sub(r"\\(.)", r"\1", found["term"]), group, wanted, limit)


def parameterized(state: OrgState, call: Call) -> Answer:
    """GET or POST /parameterizedSearch."""
    given: dict[str, Any] = dict(call.query)
    if call.method == "POST":
        given = call.fields
    names: list[Any] = given.get("sobjects") or [
        {"name": name, "fields": _split(given.get(f"{name}.fields"))} for name in _split(given.get("sobject"))
    ]
    general = ",".join(_split(given.get("fields"))) or "Id"
    wanted = [_parameter(each, general, given) for each in names]
    limit = int(given.get("overallLimit") or MOST_RESULTS)
    return _answer(state, call, str(given.get("q") or ""), str(given.get("in") or "ALL").upper(), wanted, limit)


def _parameter(given: Any, general: str, whole: dict[str, Any]) -> Wanted:
    if isinstance(given, str):
        return Wanted(given, general)
    where = f" WHERE {given['where']}" if given.get("where") else ""
    limit = given.get("limit") or whole.get("defaultLimit")
    fields = ",".join(given.get("fields") or ()) or general
    return Wanted(str(given.get("name")), fields, f"{where} LIMIT {int(limit)}" if limit else where)


def _split(text: Any) -> list[str]:
    return list(text) if isinstance(text, list) else [each.strip() for each in str(text or "").split(",") if each]


def _returning(rest: str) -> tuple[list[Wanted], int]:
    if not rest.strip():
        return [], MOST_RESULTS
    if only := re.fullmatch(r"\s*LIMIT\s+(\d+)\s*", rest, re.IGNORECASE):
        return [], int(only[1])
    clause = _RETURNING.fullmatch(rest)
    if clause is None:
        raise Refused("MALFORMED_SEARCH", f"unexpected token: '{rest.strip()[:20]}'")
    return [_one(each) for each in _top_level(clause["what"])], int(clause["limit"] or MOST_RESULTS)


def _top_level(text: str) -> list[str]:
    """Split at commas outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _one(text: str) -> Wanted:
    found = _ONE.fullmatch(text)
    if found is None:
        raise Refused("MALFORMED_SEARCH", f"unexpected token: '{text[:20]}'")
    inner = _INNER.fullmatch(found["inner"] or "")
    fields = inner["fields"].strip() if inner else ""
    return Wanted(found["name"], fields or "Id", f" {inner['rest']}" if inner and inner["rest"] else "")


# ------------------------------------------------------------------------------------------------------------- looking


def _answer(state: OrgState, call: Call, term: str, group: str, wanted: list[Wanted], limit: int) -> Answer:
    tests = _tests(term)
    view = state.view(call.actor, call.version)
    searched = [o for o in state.schema if _searchable(o) and view.may_read(o)]
    records: list[dict[str, Any]] = []
    for each in wanted or [Wanted(o.name) for o in searched]:
        sobject = view.queryable(each.name)
        if not _searchable(sobject):
            raise Refused("INVALID_TYPE", f"{sobject.name} is not searchable")
        ids = [row["Id"] for row in view.store.rows(sobject.name) if _hit(view, sobject, row, group, tests)]
        records += _records(view, each, ids)
    body = records[: min(limit, MOST_RESULTS)]
    return Answer(body={"searchRecords": body} if call.number >= 37 else body)


def _searchable(sobject: SObject) -> bool:
    return not sobject.allows("q") and not sobject.allows("t") and not sobject.allows("S")


def _tests(term: str) -> list[re.Pattern[str]]:
    """One expression a word or quoted phrase. Raises MALFORMED_SEARCH for a term too short to be looked for."""
    words = [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', term)]
    words = [word for word in words if word.upper() not in ("AND", "OR")]
    if not any(len(re.sub(r"[*?\W]", "", word)) > 1 or not word.isascii() for word in words):
        raise Refused("MALFORMED_SEARCH", f"search term must be longer than one character: {term}")
    return [re.compile(_expression(word), re.IGNORECASE) for word in words]


def _expression(word: str) -> str:
    body = re.escape(word).replace(r"\*", r"\S*").replace(r"\?", r"\S")
    return rf"(?<!\w){body}(?!\w)" if word.isascii() else body


def _hit(view: View, sobject: SObject, row: Row, group: str, tests: list[re.Pattern[str]]) -> bool:
    if row["IsDeleted"] or row.get("IsArchived") or not view.sees_row(row):
        return False
    fields = [f for f in view.fields(sobject) if _in_group(f, group)]
    text = "\n".join(str(row[f.name]) for f in fields if row.get(f.name))
    return bool(text) and all(test.search(text) for test in tests)


def _in_group(field: Field, group: str) -> bool:
    if group == "NAME":
        return field.has("N")
    if group in ("EMAIL", "PHONE"):
        return field.type == group.lower()
    return field.type in TEXT_TYPES


def _records(view: View, wanted: Wanted, ids: list[str]) -> list[dict[str, Any]]:
    if not ids:
        soql.parse(f"SELECT {wanted.fields} FROM {wanted.name}{wanted.clauses}")  # noqa: S608 - SOQL of the sandbox
        return []
    chosen = ", ".join(f"'{each}'" for each in ids[:MOST_RESULTS])
    where = re.match(r"\s*WHERE\b(.*?)(\b(?:ORDER\s+BY|LIMIT|OFFSET)\b.*)?$", wanted.clauses, re.IGNORECASE | re.DOTALL)
    condition = f"Id IN ({chosen})" + (f" AND ({where[1].strip()})" if where else "")
    tail = (where[2] or "") if where else wanted.clauses
    text = f"SELECT {wanted.fields} FROM {wanted.name} WHERE {condition} {tail}"  # noqa: S608 - as above
    return run(view, soql.parse(text)).records
