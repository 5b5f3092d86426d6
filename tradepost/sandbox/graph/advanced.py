"""Advanced queries of the directory, which need the header `ConsistencyLevel: eventual`.

https://learn.microsoft.com/graph/aad-advanced-queries. Texts: https://github.com/azurekid/ScEntra/issues/17,
https://github.com/backstage/backstage/issues/25517; a $count=true without the header is passed over:
https://github.com/microsoftgraph/microsoft-graph-docs/issues/8586.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from tradepost.sandbox.graph.call import Call
from tradepost.sandbox.graph.errors import ApiError, bad_request
from tradepost.sandbox.graph.odata import compile_filter
from tradepost.sandbox.graph.view import Json

_MORE = "Refer to https://aka.ms/graph-docs/advanced-queries for more information"
_CLAUSE = re.compile(r'\s*"(?P<name>[A-Za-z]+):(?P<words>(?:[^"\\]|\\.)*)"\s*(?P<link>AND\b|OR\b|$)')


def eventual(call: Call) -> bool:
    return call.inquiry.headers.get("consistencylevel", "").strip().lower() == "eventual"


def _unsupported(message: str) -> ApiError:
    return ApiError(400, "Request_UnsupportedQuery", message)


def admitted(call: Call, names: frozenset[str], kind: str) -> Call:
    """The call as the directory heeds it. Raises 400 for an advanced query without the header."""
    if eventual(call) or not call.strict.directory_needs_consistency_level:
        return call
    if "search" in call.options:
        raise _unsupported(
            "Request with $search query parameter only works through MSGraph with a special request header: "
            "'ConsistencyLevel: eventual'"
        )
    text = call.options.get("filter", "")
    if text and "endswith" in compile_filter(text, names, kind).functions:
        raise _unsupported(
            f"Operator 'endsWith' is not supported because the 'ConsistencyLevel:eventual' header is missing. {_MORE}"
        )
    return replace(call, options={name: value for name, value in call.options.items() if name != "count"})


def check_raw_count(call: Call) -> None:
    """`/$count`. Raises 400 without the header."""
    if not eventual(call) and call.strict.directory_needs_consistency_level:
        raise _unsupported(
            f"Raw count (/$count) is not supported because the 'ConsistencyLevel:eventual' header is missing. {_MORE}"
        )


def compile_search(text: str, names: frozenset[str]) -> Callable[[Json], bool]:
    """`"displayName:anna" OR "mail:anna"`: words of a property begin with those asked for. Raises 400."""
    groups: list[list[tuple[str, list[str]]]] = [[]]
    at, link = 0, "AND"
    while at < len(text) or link != "":
        found = _CLAUSE.match(text, at)
        if found is None or found["name"] not in names:
            raise bad_request('Syntax error in $search: clauses must read "property:value".')
        groups[-1].append((found["name"], _words(found["words"])))
        at, link = found.end(), found["link"]
        if link == "OR":
            groups.append([])
    return lambda row: any(all(_holds(row.get(name), words) for name, words in group) for group in groups)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^\w]+", text.lower()) if word]


def _holds(value: object, wanted: list[str]) -> bool:
    values = value if isinstance(value, list) else [value]
    for each in values:
        words = _words(each) if isinstance(each, str) else []
        if all(any(word.startswith(start) for word in words) for start in wanted):
            return True
    return False
