"""How far each list of Zoho's is read, as a cursor of the mirror. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.base.errors import CursorExpired
from connectors.crm.zoho_map import zoho_time
from connectors.crm.zoho_parse import Listed, id_in, parse_time

# The clock is Zoho's own; the overlap is for rows that are stamped when a request begins and seen when it ends.
OVERLAP = timedelta(minutes=10)
# Deleted records lie in the recycle bin for 60 days: https://help.zoho.com/portal/en/kb/crm/data-administration/recycle-bin.
CURSOR_LIFE = timedelta(days=30)

CONVERTED = ":converted"
DELETED = ":deleted"
CUSTOMER_FEEDS = ("Contacts", "Leads", "Accounts")
DEAL_FEEDS = ("Deals",)


def feeds_of(modules: Sequence[str]) -> tuple[str, ...]:
    """The lists that tell of these modules: records, leads that were converted, deleted records."""
    converted = [f"{m}{CONVERTED}" for m in modules if m == "Leads"]
    return (*modules, *converted, *(f"{m}{DELETED}" for m in modules))


def module_of(feed: str) -> str:
    return feed.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Position:
    """How far one list is read.

    `since` is empty in the first round, which lists everything. `began` is the server's time at the start of the round
    and, less `OVERLAP`, the next round's beginning. `token` asks for the next page. `last` is the highest id read, from
    where COQL goes on (`by_id`) when page tokens end: after 100,000 records or 24 hours.
    """

    since: str = ""
    began: str = ""
    token: str = ""
    last: str = ""
    by_id: bool = False
    open: bool = True

    @property
    def whole(self) -> bool:
        return not self.since


def next_round(position: Position) -> Position:
    began = parse_time(position.began)
    if began is None:
        raise CursorExpired("The position cannot be read.")
    return Position(since=zoho_time(began - OVERLAP))


def skipped(position: Position, of: Position) -> Position:
    """Nothing is read of a list in the first round: the listing of the records themselves holds only living ones."""
    return replace(position, began=of.began, open=False)


def advance(position: Position, page: Listed, server_now: datetime, *, numbered: bool = False) -> Position:
    """The position after a page. `numbered` lists have pages 1, 2, 3 and no tokens."""
    ids = [i for row in page.rows if (i := id_in(row.get("id")))]
    last = max([position.last, *ids], key=_numeric) if ids else position.last
    began = position.began or zoho_time(server_now)
    token, by_id = page.token, position.by_id
    if numbered:
        token = str(int(position.token or "1") + 1)
    elif page.more and not token:
        by_id = True
    return replace(position, began=began, token=token if page.more else "", last=last, by_id=by_id, open=page.more)


def _numeric(record: str) -> tuple[int, str]:
    """The order of ids, which are numbers as text."""
    return (len(record), record)


def encode_cursor(positions: Mapping[str, Position]) -> str:
    at = {name: [p.since, p.began, p.token, p.last, p.by_id, p.open] for name, p in sorted(positions.items())}
    return json.dumps({"v": 1, "at": at}, separators=(",", ":"))


def decode_cursor(cursor: str | None, feeds: Sequence[str], now: datetime) -> dict[str, Position]:
    """Where each list is read on. A finished round begins anew; raises `CursorExpired` when it cannot be trusted."""
    if cursor is None:
        return {name: Position() for name in feeds}
    positions = _decode(cursor)
    if sorted(positions) != sorted(feeds):
        raise CursorExpired("The position is of another version, or Tradepost's user sees other modules now.")
    if any((at := parse_time(p.began)) and now - at > CURSOR_LIFE for p in positions.values()):
        raise CursorExpired("The position is so old that deletions could be missed.")
    if any(p.open for p in positions.values()):
        return {name: positions[name] for name in feeds}
    return {name: next_round(positions[name]) for name in feeds}


def _decode(cursor: str) -> dict[str, Position]:
    try:
        at = json.loads(cursor)["at"]
        return {
            name: Position(str(since), str(began), str(token), str(last), bool(by_id), bool(opened))
            for name, (since, began, token, last, by_id, opened) in at.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CursorExpired("The position cannot be read.") from error
