"""Lists: filtering, ordering, paging of messages and of plain resources.

https://learn.microsoft.com/graph/api/user-list-messages and .../query-parameters.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tradepost.sandbox.graph.call import Call
from tradepost.sandbox.graph.errors import ApiError, bad_request, inefficient_filter, unparsable
from tradepost.sandbox.graph.mailbox import Folder, Item
from tradepost.sandbox.graph.odata import (
    Bound,
    Filter,
    Order,
    check_mail_filter,
    compile_filter,
    parse_order,
    sort_key,
    walk,
)
from tradepost.sandbox.graph.search import compile_search
from tradepost.sandbox.graph.view import MESSAGE, MESSAGE_NAMES, Json, pick

DEFAULT_PAGE, MAX_PAGE = 10, 1000
SEARCH_LIMIT = 1000  # https://learn.microsoft.com/graph/search-query-parameter
_SEARCHABLE = MESSAGE_NAMES | {"singleValueExtendedProperties", "attachments"}
_INDEXED = ("receivedDateTime",)
_NAMES = (("internetMessageId",), ("conversationId",))


@dataclass(frozen=True, slots=True)
class Page:
    """One page of whatever. `next` are the options of the next one, empty at the end; `total` where it was asked."""

    rows: list[Any]
    next: dict[str, str]
    total: int | None = None

    def envelope(self, call: Call, context: str, values: list[Json]) -> Json:
        found: Json = {"@odata.context": context}
        if self.total is not None:
            found["@odata.count"] = self.total
        found["value"] = values
        if self.next:
            found["@odata.nextLink"] = call.link(**self.next)
        return found


def page_size(call: Call, *, default: int = DEFAULT_PAGE) -> int:
    """Raises 400 beyond 1,000."""
    size = call.number("top", 0)
    if "top" in call.options and not size:
        raise bad_request("Invalid value '0' for $top query option found. It requires a positive integer value.")
    if size > MAX_PAGE and call.strict.page_size_limit:
        raise unparsable(
            f"The limit of '{MAX_PAGE}' for Top query has been exceeded. The value from the incoming request is "
            f"'{size}'."
        )
    if size:
        return size
    return default if call.strict.default_page_size else MAX_PAGE * 1000


def _repeat(call: Call, **more: str) -> dict[str, str]:
    """The options of the next page: those of this one, and where it goes on."""
    kept = {f"${name}": value for name, value in call.options.items() if name not in ("skip", "skiptoken", "count")}
    if "count" in call.options:
        kept["$count"] = call.options["count"]
    custom = {n: v for n, v in call.inquiry.query.multi_items() if n.lower() == "includehiddenfolders"}
    return kept | custom | more


# ------------------------------------------------------------------------------------------------------------- messages


def messages(call: Call, folder: Folder | None) -> Page:
    """A page of a folder's messages, or of the mailbox's. Raises 400."""
    if "search" in call.options:
        return _found(call, folder)
    order = parse_order(call.options.get("orderby", ""), _SEARCHABLE, MESSAGE)
    text = call.options.get("filter", "")
    chosen = compile_filter(text, _SEARCHABLE, MESSAGE) if text else None
    if chosen:
        check_mail_filter(chosen)
        _check_efficient(call, chosen, order)
    return _cut(call, _Source(call, folder, chosen, order))


def _check_efficient(call: Call, chosen: Filter, order: Sequence[Order]) -> None:
    """https://learn.microsoft.com/graph/api/user-list-messages (using filter and orderby in the same query)."""
    if not order or not call.strict.inefficient_filter:
        return
    names = tuple(key.name for key in order)
    if chosen.properties[: len(names)] != names or "contains" in chosen.functions:
        raise inefficient_filter()


class _Source:
    """The matching messages in order, without looking at more of them than are asked for."""

    def __init__(self, call: Call, folder: Folder | None, chosen: Filter | None, order: Sequence[Order]) -> None:
        self.call, self.box = call, call.box
        self.index = folder.order if folder else self.box.order
        self.order = order
        self.test = chosen.test if chosen else None
        if chosen and chosen.bounds is not None:
            self._start_from_name(chosen.bounds, folder)
        self.low, self.high = 0, len(self.index)
        if chosen and chosen.bounds is not None:
            for bound in chosen.bounds:
                self._narrow(bound)
            if all(b.path == _INDEXED and b.operator != "ne" for b in chosen.bounds):
                self.test = None

    def _start_from_name(self, bounds: Sequence[Bound], folder: Folder | None) -> None:
        """A filter that names a mail or a conversation looks at no other."""
        for bound in bounds:
            if bound.path in _NAMES and bound.operator == "eq" and isinstance(bound.value, str):
                self.index = self.box.named(bound.value, folder)

    def _narrow(self, bound: Bound) -> None:
        """Times are whole seconds, so a bound is a place in the index."""
        if bound.path != _INDEXED or not hasattr(bound.value, "timestamp"):
            return
        moment = bound.value.timestamp()
        before, after = bisect_left(self.index, (moment,)), bisect_right(self.index, (moment, float("inf")))
        match bound.operator:
            case "ge":
                self.low = max(self.low, before)
            case "gt":
                self.low = max(self.low, after)
            case "lt":
                self.high = min(self.high, before)
            case "le":
                self.high = min(self.high, after)
            case "eq":
                self.low, self.high = max(self.low, before), min(self.high, after)

    @property
    def indexed(self) -> bool:
        return not self.order or self.order[0].path == _INDEXED

    @property
    def descending(self) -> bool:
        return not self.order or self.order[0].descending

    def __iter__(self) -> Iterator[Item]:
        return self.from_place(0)

    def from_place(self, skip: int) -> Iterator[Item]:
        """All after the first `skip` matches."""
        high = max(self.low, self.high)
        if not self.indexed:
            return islice(iter(self._sorted(high)), skip, None)
        places: Iterable[int] = range(high - 1, self.low - 1, -1) if self.descending else range(self.low, high)
        if self.test is None:
            return (self._item(place) for place in islice(places, skip, None))
        return islice((item for place in places if self._holds(item := self._item(place))), skip, None)

    def after(self, place: tuple[int, int]) -> Iterator[Item]:
        """All behind a place of the index, whatever came or went before it."""
        for item in self:
            if (item.order < place) if self.descending else (item.order > place):
                yield item

    def count(self) -> int:
        if self.test is None and self.indexed:
            return max(0, self.high - self.low)
        return sum(1 for _ in self)

    def _item(self, place: int) -> Item:
        return self.box.items[self.index[place][1]]

    def _holds(self, item: Item) -> bool:
        view = self.call.view
        return self.test is None or self.test(lambda path: view.value(item, path))

    def _sorted(self, high: int) -> list[Item]:
        view = self.call.view
        found = [item for place in range(self.low, high) if self._holds(item := self._item(place))]
        for key in reversed(self.order):
            found.sort(key=lambda item, key=key: sort_key(view.value(item, key.path)), reverse=key.descending)  # type: ignore[misc]
        return found


def _cut(call: Call, source: _Source) -> Page:
    """One page. The next link counts what was gone through, as the page on listing says of $skip."""
    size, skip = page_size(call), call.number("skip", 0)
    total = source.count() if call.options.get("count", "").lower() == "true" else None
    place = _place(call.options.get("skiptoken", ""))
    rows = list(islice(source.after(place) if place else source.from_place(skip), size + 1))
    if len(rows) <= size:
        return Page(rows, {}, total)
    rows = rows[:size]
    if call.strict.pages_shift or not source.indexed:
        return Page(rows, _repeat(call, **{"$skip": str(skip + size)}), total)
    return Page(rows, _repeat(call, **{"$skiptoken": _token(*rows[-1].order)}), total)


def _token(*numbers: int) -> str:
    return urlsafe_b64encode(":".join(map(str, numbers)).encode()).decode().rstrip("=")


def _numbers(token: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in urlsafe_b64decode(token + "===").decode().split(":"))
    except ValueError as error:
        raise bad_request("Badly formed token.") from error


def _place(token: str) -> tuple[int, int] | None:
    if not token:
        return None
    numbers = _numbers(token)
    if len(numbers) != 2:
        raise bad_request("Badly formed token.")
    return numbers[0], numbers[1]


def _found(call: Call, folder: Folder | None) -> Page:
    """$search: newest first, 1,000 at most, alone."""
    if call.strict.search_stands_alone:
        for name, shown in (("filter", "Filter"), ("orderby", "OrderBy")):
            if name in call.options:
                message = f"The query parameter '${shown[0].lower()}{shown[1:]}' is not supported with '$search'."
                raise ApiError(400, f"SearchWith{shown}", message)
    test = compile_search(call.options["search"])
    box = call.box
    index = folder.order if folder else box.order
    start = _numbers(call.options["skiptoken"])[0] if "skiptoken" in call.options else 0
    size = page_size(call)
    matches = (item for _, uid in reversed(index) if test(item := box.items[uid]))
    rows = list(islice(matches, start, min(start + size + 1, SEARCH_LIMIT)))
    if len(rows) <= size:
        return Page(rows, {})
    return Page(rows[:size], _repeat(call, **{"$skiptoken": _token(start + size)}))


# ------------------------------------------------------------------------------------------------------ plain resources


def plain(
    call: Call,
    rows: Sequence[Any],
    show: Callable[[Any], Json],
    *,
    names: frozenset[str],
    kind: str,
    max_page: int = MAX_PAGE,
    default: int = DEFAULT_PAGE,
    token: bool = False,
) -> Page:
    """A page of resources small enough to be shown before they are filtered; `rows` of the page are shown ones.

    `token` gives next links a $skiptoken instead of a $skip.
    """
    shown = [show(row) for row in rows]
    text = call.options.get("filter", "")
    if text:
        test = compile_filter(text, names, kind).test
        shown = [row for row in shown if test(lambda path, row=row: walk(row, path))]  # type: ignore[misc]
    for key in reversed(parse_order(call.options.get("orderby", ""), names, kind)):
        shown.sort(key=lambda row, key=key: sort_key(walk(row, key.path)), reverse=key.descending)  # type: ignore[misc]
    total = len(shown) if call.options.get("count", "").lower() == "true" else None
    size = min(page_size(call, default=default), max_page)
    start = _numbers(call.options["skiptoken"])[0] if "skiptoken" in call.options else call.number("skip", 0)
    select = call.select(names, kind)
    page = [pick(row, select) for row in shown[start : start + size]]
    if start + size >= len(shown):
        return Page(page, {}, total)
    mark = {"$skiptoken": _token(start + size)} if token else {"$skip": str(start + size)}
    return Page(page, _repeat(call, **mark), total)
