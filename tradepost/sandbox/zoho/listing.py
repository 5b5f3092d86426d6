"""Lists of records, page by page.

https://www.zoho.com/crm/developer/docs/api/v8/get-records.html: pages by number reach 2,000 records, page tokens
100,000; a token lives 24 hours and belongs to its user and query.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from tradepost.sandbox.zoho import values
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import Refused, ambiguous, param_missing, too_many, wrong_param
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import State
from tradepost.sandbox.zoho.store import Row
from tradepost.sandbox.zoho.strictness import Strictness

MOST_A_PAGE = 200
REACH_OF_PAGES = 2_000
REACH_OF_TOKENS = 100_000
TOKEN_LIFE = timedelta(hours=24)
MOST_FIELDS = 50
SORTS = ("id", "Created_Time", "Modified_Time")

Key = tuple[Any, str]


@dataclass(frozen=True, slots=True)
class Token:
    """A page token: it starts behind `after` (None: at the first record) and is the list's page `number`."""

    bound: tuple[str, ...]
    after: Key | None
    number: int
    seen: int
    previous: str | None
    expires: datetime


@dataclass(frozen=True, slots=True)
class Query:
    """What a list was asked for."""

    sort_by: str
    order: str
    since: datetime | None
    per_page: int
    page: int
    token: str


def asked(state: State, call: Call) -> Query:
    """Raises INVALID_DATA and AMBIGUITY_DURING_PROCESSING."""
    sort_by, order = call.query.get("sort_by", "id"), call.query.get("sort_order", "desc")
    if sort_by not in SORTS:
        raise wrong_param("sort_by", supported_values=list(SORTS))
    if order not in {"asc", "desc"}:
        raise wrong_param("sort_order", supported_values=["asc", "desc"])
    token = call.query.get("page_token", "")
    if token and "page" in call.query and state.rules.page_token_bound:
        raise ambiguous("page", "page_token")
    return Query(
        sort_by,
        order,
        header_time(call, "if-modified-since", state.rules),
        call.whole("per_page", MOST_A_PAGE, MOST_A_PAGE),
        call.whole("page", 1, 1_000_000),
        token,
    )


def header_time(call: Call, name: str, rules: Strictness) -> datetime | None:
    """A time in a header: ISO 8601, or as HTTP has it. Raises INVALID_DATA."""
    text = call.headers.get(name, "")
    if not text:
        return None
    found = values.moment(text, rules)
    if found is None:
        try:
            found = parsedate_to_datetime(text)
        except ValueError:
            raise Refused("INVALID_DATA", "invalid data", {"header": name, "expected_data_type": "datetime"}) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def field_names(state: State, call: Call, *, needed: bool = True) -> list[str] | None:
    """The parameter `fields`; None for all. Raises REQUIRED_PARAM_MISSING and LIMIT_EXCEEDED."""
    names = call.names("fields")
    if not names:
        if needed and call.number >= 3 and state.rules.fields_required:
            raise param_missing("fields")
        return None
    if len(names) > MOST_FIELDS and state.rules.fifty_fields:
        raise too_many(MOST_FIELDS, param_name="fields")
    return names


def rows_page(state: State, call: Call, module: Module, query: Query) -> tuple[list[Row], dict[str, Any]]:
    """One page of a module's records, and the `info` about it."""
    bound = _bound(call, module, query)
    keys = _keys(state, call, module, query)
    token = _token(state, query, bound)
    if token is None:
        start, number, seen = (query.page - 1) * query.per_page, query.page, (query.page - 1) * query.per_page
        _check_reach(state, call, seen + query.per_page)
    else:
        start, number, seen = _start(keys, token, query.order), token.number, token.seen
    found = keys[start : start + query.per_page] if query.order == "asc" else _backwards(keys, start, query.per_page)
    rows = [row for row in (state.store.get(module.name, record) for _, record in found) if row is not None]
    more = start + query.per_page < len(keys)
    info: dict[str, Any] = {"per_page": query.per_page, "count": len(rows), "page": number, "more_records": more}
    if call.number >= 3:
        info |= {"sort_by": query.sort_by, "sort_order": query.order}
        here = (bound, token, query.token, number)
        info |= _tokens(state, found[-1] if more else None, here, seen + len(rows))
    return rows, info


def _backwards(keys: Sequence[Key], start: int, size: int) -> list[Key]:
    end = len(keys) - start
    return list(reversed(keys[max(0, end - size) : end])) if end > 0 else []


def _check_reach(state: State, call: Call, reach: int) -> None:
    if reach > REACH_OF_PAGES and call.number >= 3 and state.rules.page_tokens_needed:
        details = {"param_name": "page", "limit": REACH_OF_PAGES}
        message = "page_token is needed for more records than the limit"
        raise Refused("DISCRETE_PAGINATION_LIMIT_EXCEEDED", message, details)


def _bound(call: Call, module: Module, query: Query) -> tuple[str, ...]:
    others = tuple(call.query.get(name, "") for name in ("cvid", "converted", "approved", "ids", "territory_id"))
    return (call.user, module.name, query.sort_by, query.order, str(query.since), *others)


def _token(state: State, query: Query, bound: tuple[str, ...]) -> Token | None:
    if not query.token:
        return None
    found: Token | None = state.pages.get(query.token)
    if found is None:
        raise wrong_param("page_token")
    if state.now() >= found.expires and state.rules.page_token_expires:
        raise Refused("EXPIRED_VALUE", "page_token has expired", {"param_name": "page_token"})
    if found.bound != bound and state.rules.page_token_bound:
        message = "page_token belongs to another query"
        raise Refused("TOKEN_BOUND_DATA_MISMATCH", message, {"param_name": "page_token"})
    if found.seen >= REACH_OF_TOKENS:
        raise Refused("PAGINATION_LIMIT_EXCEEDED", "no more records with this page_token", {"limit": REACH_OF_TOKENS})
    return found


def _tokens(state: State, last: Key | None, here: tuple[Any, ...], seen: int) -> dict[str, Any]:
    bound, token, name, number = here
    previous = token.previous if token else None
    expires = state.now() + TOKEN_LIFE
    following = None
    if last is not None:
        own = name or _new(state, Token(bound, None, number, seen, None, expires)) if number == 1 or name else None
        following = _new(state, Token(bound, last, number + 1, seen, own, expires))
    expiry = state.stamp(expires) if following else None
    return {"next_page_token": following, "previous_page_token": previous, "page_token_expiry": expiry}


def _new(state: State, token: Token) -> str:
    name = state.ids.hex(32)
    state.pages[name] = token
    oldest = next(iter(state.pages))
    if state.pages[oldest].expires + TOKEN_LIFE < state.now():
        del state.pages[oldest]
    return name


def _start(keys: Sequence[Key], token: Token, order: str) -> int:
    """How many records of the list lie before a token's first."""
    if token.after is None:
        return 0
    return bisect_right(keys, token.after) if order == "asc" else len(keys) - bisect_left(keys, token.after)


def _keys(state: State, call: Call, module: Module, query: Query) -> list[Key]:
    """Sort keys and ids of all that the list holds, ascending."""
    wanted = call.query.get("converted", "false") if module.name == "Leads" else "both"
    ids = call.names("ids")
    if ids:
        rows = [row for row in (state.store.get(module.name, record) for record in ids) if row is not None]
    elif query.since is not None:
        rows = since(state, module, query.since)
    else:
        return _all_keys(state, module, query.sort_by, wanted)
    return sorted(_key(row, query.sort_by) for row in rows if _shown(row, wanted))


def since(state: State, module: Module, moment: datetime) -> list[Row]:
    """Records changed after a moment."""
    found = []
    for row in state.store.newest(module.name):
        if row["Modified_Time"] <= moment:
            break
        found.append(row)
    return found


def _all_keys(state: State, module: Module, sort_by: str, wanted: str) -> list[Key]:
    name, version = (module.name, sort_by, wanted), state.store.version(module.name)
    held = state.sorted.get(name)
    if held is not None and held[0] == version:
        return held[1]
    keys = sorted(_key(row, sort_by) for row in state.store.rows(module.name) if _shown(row, wanted))
    state.sorted[name] = (version, keys)
    return keys


def _key(row: Row, sort_by: str) -> Key:
    return (row[sort_by], row["id"])


def _shown(row: Row, wanted: str) -> bool:
    return wanted == "both" or bool(row.get("Converted__s")) == (wanted == "true")


def listed(state: State, name: str, items: list[Any], info: dict[str, Any], **more: Any) -> Answer:
    """A list as an answer: 204 when it is empty."""
    if not items and state.rules.empty_is_204:
        return Answer(status=204)
    return Answer(body={name: items, "info": info, **more})


def paged(call: Call, items: Sequence[Any], most: int = MOST_A_PAGE) -> tuple[list[Any], dict[str, Any]]:
    """A page by number of a list that is at hand."""
    size, page = call.whole("per_page", most, most), call.whole("page", 1, 1_000_000)
    found = list(items[(page - 1) * size : page * size])
    info = {"per_page": size, "count": len(found), "page": page, "more_records": page * size < len(items)}
    return found, info
