"""Pages of query results: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_query.htm ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.ids import make_id
from tradepost.sandbox.salesforce.query import Result
from tradepost.sandbox.salesforce.state import OrgState

LIFETIME = timedelta(days=2)
OPEN_PER_USER = 10
_SMALLEST, _LARGEST = 200, 2000


@dataclass(frozen=True, slots=True)
class _Cursor:
    user_id: str
    opened: datetime
    size: int
    total: int
    records: list[dict[str, Any]]


class Cursors:
    """Open query locators."""

    def __init__(self, state: OrgState) -> None:
        self._state = state
        self._open: dict[str, _Cursor] = {}
        self._made = 0

    def first(self, call: Call, result: Result) -> Answer:
        """The first page, and a locator when there is another."""
        size = self._page_size(call)
        if len(result.records) <= size:
            return Answer(body={"totalSize": result.total, "done": True, "records": result.records})
        self._made += 1
        locator = make_id("01g", self._made)
        user_id = call.actor.user_id
        self._open[locator] = _Cursor(user_id, self._state.now(), size, result.total, result.records)
        mine = [name for name, cursor in self._open.items() if cursor.user_id == user_id]
        for name in mine[:-OPEN_PER_USER] if self._state.strictness.locators_capped else ():
            del self._open[name]
        return self._page(call, locator, 0)

    def more(self, call: Call, position: str) -> Answer:
        """The page a nextRecordsUrl names."""
        match = re.fullmatch(r"(01g\w{15})-(\d+)", position)
        cursor = self._open.get(match[1]) if match else None
        if match is None or cursor is None or not self._serves(cursor, call):
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, match[1], int(match[2]))

    def _serves(self, cursor: _Cursor, call: Call) -> bool:
        strictness = self._state.strictness
        foreign = cursor.user_id != call.actor.user_id and strictness.locators_of_their_user
        old = self._state.now() - cursor.opened > LIFETIME and strictness.locators_expire
        return not (foreign or old)

    def _page(self, call: Call, locator: str, start: int) -> Answer:
        cursor = self._open[locator]
        end = start + cursor.size
        body: dict[str, Any] = {"totalSize": cursor.total, "done": end >= cursor.total}
        if end < cursor.total:
            body["nextRecordsUrl"] = f"/services/data/v{call.version}/{call.path[0]}/{locator}-{end}"
        return Answer(body=body | {"records": cursor.records[start:end]})

    def _page_size(self, call: Call) -> int:
        """The client's batchSize within its bounds, never above what the org is set to."""
        asked = re.search(r"batchSize=(\d+)", call.headers.get("sforce-query-options", ""), re.IGNORECASE)
        smallest, largest = (_SMALLEST, _LARGEST) if self._state.strictness.batch_size_bounds else (1, 10 * _LARGEST)
        size = max(smallest, min(largest, int(asked[1]))) if asked else _LARGEST
        return min(size, self._state.settings.page_size)
