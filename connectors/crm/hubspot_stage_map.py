"""What became of a move of ours, as the history of the deal's stage tells it. Pure.

HubSpot has no condition on a change, so a person's move between our look and our change would be lost. The history
shows it, and their stage is put back. https://developers.hubspot.com/docs/api-reference/latest/crm/objects/deals/guide
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from connectors.base.model import MoveDeal
from connectors.crm.hubspot_map import Row, parse_time
from connectors.crm.hubspot_writes_map import Author

_SKEW = timedelta(minutes=1)  # our clock against theirs


class Fate(StrEnum):
    NOT_MOVED = "not_moved"  # no move of ours is in the history
    MOVED = "moved"  # the deal stands where we moved it, and nobody was overridden
    MOVED_ON = "moved_on"  # somebody moved it further after us
    OVERRODE = "overrode"  # our move undid somebody's: theirs must be put back
    PUT_BACK = "put_back"  # that has been done


@dataclass(frozen=True, slots=True)
class Verdict:
    """`stage` is the one to put back, for `OVERRODE` only."""

    fate: Fate
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One value that the stage had. `ours` when this program set it."""

    stage: str
    at: datetime
    ours: bool


def history_of(row: Row, author: Author) -> tuple[Entry, ...]:
    """The stages a deal had, oldest first. HubSpot lists them newest first."""
    histories = row.get("propertiesWithHistory")
    raw = histories.get("dealstage") if isinstance(histories, Mapping) else None
    found = []
    for item in reversed(raw if isinstance(raw, list) else []):
        at = parse_time(item.get("timestamp")) if isinstance(item, Mapping) else None
        if at is not None:
            ours = author.made(str(item.get("sourceType") or ""), str(item.get("sourceId") or ""))
            found.append(Entry(str(item.get("value") or ""), at, ours))
    return tuple(sorted(found, key=lambda e: e.at))


def judge(history: Sequence[Entry], write: MoveDeal, *, since: datetime, known: Sequence[Entry] = ()) -> Verdict:
    """What became of our move, sent at or after `since`. `known` is the history from before it, where that was read."""
    new = [e not in known for e in history]
    mine = (
        i for i, e in enumerate(history) if e.ours and e.stage == write.to_stage and new[i] and e.at >= since - _SKEW
    )
    at = next(mine, None)
    if at is None:
        return Verdict(Fate.NOT_MOVED)
    before = history[at - 1] if at else None
    if before is None or before.stage in (write.expect_stage, write.to_stage):
        return Verdict(Fate.MOVED if history[-1].stage == write.to_stage else Fate.MOVED_ON)
    return _overridden(history, at, before.stage)


def _overridden(history: Sequence[Entry], at: int, lost: str) -> Verdict:
    """Our entry at `at` undid the stage `lost`. Follow what came after: our putting back, or somebody's own move."""
    owed, fate = lost, Fate.OVERRODE
    for before, entry in pairwise(history[at:]):
        if not entry.ours:
            owed, fate = "", Fate.MOVED_ON
        elif not before.ours and before.stage != entry.stage:
            owed, fate = before.stage, Fate.OVERRODE  # what we put back undid a second move of theirs
        elif entry.stage == owed:
            owed, fate = "", Fate.PUT_BACK
    return Verdict(fate, owed)
