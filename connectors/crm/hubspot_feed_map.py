"""How far an object is read: listed once, then searched by its clock, and the archive listed for what is gone. Pure.

A search shows at most 10,000 rows, and rows of one bulk import share a clock. So no search is paged: each asks for what
lies at or after the last clock seen, and inside one full instant by record id.
https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from connectors.base.errors import BadReply, CursorExpired
from connectors.crm.hubspot_map import CLOCKS, PROPERTIES, Filter, Row, Search, millis, numeric, parse_time, value

SEARCH_PAGE = 200
# Archived records can be restored, and are listed, for 90 days; an older position could miss deletions.
# https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
CURSOR_LIFE = timedelta(days=85)
# The archive can only be listed whole: at once while it is small, else at most one page a minute on average.
SMALL_ARCHIVE = 3
MINUTE = 60_000
_VERSION = 1


class Phase(StrEnum):
    LIST = "l"  # all records, by the plain listing
    SEARCH = "s"  # what changed since
    ARCHIVE = "a"  # what was deleted
    DONE = "d"  # until the next round


@dataclass(frozen=True, slots=True)
class Track:
    """The position in one object. All times are epoch milliseconds of the vendor's clock.

    `after` is a listing's own token. `since` is where the next search begins, `tie` the last id read inside that very
    instant. `began` is when the round began. `archived_at` and `archived_pages` tell of the archive's last listing.
    """

    phase: Phase = Phase.LIST
    after: str = ""
    since: int = 0
    tie: str = ""
    began: int = 0
    archived_at: int = 0
    archived_pages: int = 0

    @property
    def open(self) -> bool:
        return self.phase is not Phase.DONE


def encode_cursor(tracks: Mapping[str, Track]) -> str:
    body = {
        name: [str(t.phase), t.after, t.since, t.tie, t.began, t.archived_at, t.archived_pages]
        for name, t in sorted(tracks.items())
    }
    return json.dumps({"v": _VERSION, "at": body}, separators=(",", ":"))


def decode_cursor(cursor: str | None, objects: Sequence[str], now: datetime, lag: timedelta) -> dict[str, Track]:
    """Where each object is read on. A finished round begins anew; raises `CursorExpired` when it cannot be trusted."""
    if cursor is None:
        return {name: Track() for name in objects}
    tracks = _decode(cursor)
    if sorted(tracks) != sorted(objects):
        raise CursorExpired("The position is of other objects.")
    if any(t.began and millis(now) - t.began > CURSOR_LIFE // timedelta(milliseconds=1) for t in tracks.values()):
        raise CursorExpired("The position is older than the archive, so deletions could be missed.")
    if any(t.open for t in tracks.values()):
        return {name: tracks[name] for name in objects}
    return {name: next_round(tracks[name], lag) for name in objects}


def _decode(cursor: str) -> dict[str, Track]:
    try:
        body = json.loads(cursor)
        if body["v"] != _VERSION:
            raise CursorExpired("The position is of another version.")
        return {
            str(name): Track(Phase(phase), str(after), int(since), str(tie), int(began), int(at), int(pages))
            for name, (phase, after, since, tie, began, at, pages) in body["at"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CursorExpired("The position cannot be read.") from error


def next_round(track: Track, lag: timedelta) -> Track:
    """Changes since the last round began, and a little before: the index is late, and clocks differ."""
    since = max(track.began - lag // timedelta(milliseconds=1), 0)
    return replace(track, phase=Phase.SEARCH, after="", since=since, tie="", began=0)


def started(track: Track, server_now: datetime) -> Track:
    """The track with the beginning of its round; asked before the round's first call."""
    return track if track.began else replace(track, began=millis(server_now))


# --------------------------------------------------------------------------------------------------------------- search


def question(name: str, track: Track) -> Search:
    """The next search of a track."""
    clock, text = CLOCKS[name], str(track.since)
    properties = (*PROPERTIES[name], clock)
    if track.tie:
        inside = (Filter(clock, "GTE", text), Filter(clock, "LTE", text), Filter("hs_object_id", "GT", track.tie))
        return Search((inside,), properties, "hs_object_id", limit=SEARCH_PAGE)
    return Search(((Filter(clock, "GTE", text),),), properties, clock, limit=SEARCH_PAGE)


def searched(name: str, track: Track, rows: Sequence[Row]) -> Track:
    """The track after a search. Raises `BadReply` when it could not go on from these rows."""
    full = len(rows) >= SEARCH_PAGE
    if track.tie:
        last = max((str(r["id"]) for r in rows), key=numeric, default=track.tie)
        return replace(track, tie=last) if full else replace(track, since=track.since + 1, tie="")
    if not full:
        return _after_search(track)
    clocks = [c for r in rows if (c := parse_time(value(r, CLOCKS[name]))) is not None]
    if not clocks:
        raise BadReply("The rows bear no time.", operation=f"{name}.search")
    furthest = max(map(millis, clocks))
    if furthest > track.since:
        return replace(track, since=furthest)
    # A page full of one instant: from now on by id, from the smallest on, as these came in no order.
    return replace(track, tie="0")


def _after_search(track: Track) -> Track:
    """The archive next, when it is due."""
    wait = track.archived_pages * MINUTE if track.archived_pages > SMALL_ARCHIVE else 0
    due = not track.archived_at or track.began - track.archived_at >= wait
    return replace(track, phase=Phase.ARCHIVE if due else Phase.DONE, after="", tie="")


# -------------------------------------------------------------------------------------------------------------- listing


def listed(track: Track, after: str) -> Track:
    """The track after a page of a listing; `after` is the token of the next, empty at the end."""
    if track.phase is Phase.LIST:
        return replace(track, after=after) if after else replace(track, phase=Phase.DONE, after="")
    pages = track.archived_pages + 1 if track.after else 1
    if after:
        return replace(track, after=after, archived_pages=pages)
    return replace(track, phase=Phase.DONE, after="", archived_at=track.began, archived_pages=pages)
