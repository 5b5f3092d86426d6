"""Where the change feed of a mailbox is: a position in every folder, as one storable text. Pure.

A folder is *fresh* (no link: a first round from `since` on is due), at rest (`delta`: what changed after it is asked
for), or listed by date from `window` on, where Graph keeps no position for it. `page` is the next page of a round under
way. Links age, pages within hours (https://github.com/microsoftgraph/microsoft-graph-docs/issues/2350): a page that is
no longer known starts its round anew, a link that is no longer known starts its folder anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base.errors import CursorExpired

VERSION = 1
OVERLAP = timedelta(days=1)
"""A folder that starts anew asks from so long before its last good moment: mail may arrive late, clocks differ."""

WINDOW_OVERLAP = timedelta(hours=2)
TRY_AGAIN = timedelta(hours=6)
"""After so long a folder listed by date is tried as a change feed again."""

CAP = 5_000
"""A first round with a date filter ends after so many mails: https://learn.microsoft.com/graph/delta-query-messages"""

MAX_RESTARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    """One folder. `good` is when the last whole round began; `told` counts items of the running one."""

    good: datetime
    delta: str = ""
    page: str = ""
    since: datetime | None = None
    window: datetime | None = None
    began: datetime | None = None
    tried: datetime | None = None
    told: int = 0
    restarts: int = 0

    @property
    def by_date(self) -> bool:
        return self.window is not None

    def starts(self, now: datetime) -> FolderState:
        """The state with a round under way."""
        return self if self.began else replace(self, began=now, told=0)

    def goes_on(self, page: str, items: int) -> FolderState:
        return replace(self, page=page, told=self.told + items)

    def ends(self, delta: str, items: int) -> FolderState:
        """The round is through. A filtered first round that met its cap is completed by date."""
        began, told = self.began or self.good, self.told + items
        if self.by_date:
            window = None if self.delta else began - WINDOW_OVERLAP
            return FolderState(good=began, delta=self.delta, window=window, tried=self.tried)
        first = self.since or self.good - OVERLAP
        return FolderState(good=began, delta=delta, window=first if told >= CAP else None)

    def restarted(self) -> FolderState:
        """After a link was refused: the round anew, then the folder anew, then by date."""
        if self.by_date:
            return replace(self, page="", began=None, told=0)
        if self.restarts >= MAX_RESTARTS:
            return self.dated(self.began or self.good)
        kept = self.delta if self.page else ""
        since = self.since or (None if kept else self.good - OVERLAP)
        return FolderState(good=self.good, delta=kept, since=since, restarts=self.restarts + 1)

    def dated(self, now: datetime) -> FolderState:
        """Listed by date from now on, because Graph keeps no position here."""
        return FolderState(good=self.good, window=self.since or self.good - OVERLAP, tried=now)

    def hopeful(self, now: datetime) -> FolderState:
        """A folder listed by date that has been so for long: a change feed again, if Graph lets it."""
        if not self.by_date or self.delta or self.page or (self.tried and now - self.tried < TRY_AGAIN):
            return self
        return FolderState(good=self.good, since=self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The whole mailbox. `tree` is the link of the folders' own feed; `queue` the folders this round still comes to."""

    home: str
    good: datetime
    tree: str = ""
    folders: Mapping[str, FolderState] = field(default_factory=dict)
    queue: tuple[str, ...] = ()

    def __str__(self) -> str:
        stored = {
            "v": VERSION,
            "home": self.home,
            "good": _iso(self.good),
            "tree": self.tree,
            "queue": list(self.queue),
            "folders": {id_: _stored(self.folders[id_]) for id_ in sorted(self.folders)},
        }
        return json.dumps(stored, separators=(",", ":"))

    @classmethod
    def parse(cls, cursor: str, home: str) -> Position:
        """Raises `CursorExpired` for what is no position of this mailbox at this Graph: a new baseline mends it."""
        try:
            stored = json.loads(cursor)
            if stored["v"] != VERSION or stored["home"] != home:
                raise ValueError  # noqa: TRY301 - one way out for all that is not ours
            folders = {str(id_): _state(kept) for id_, kept in stored["folders"].items()}
            queue = tuple(str(id_) for id_ in stored["queue"] if id_ in folders)
            return cls(home=home, good=_time(stored["good"]), tree=str(stored["tree"]), folders=folders, queue=queue)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise CursorExpired("The stored position is none of this mailbox.", operation="messages.delta") from None

    def with_folders(self, wanted: Sequence[str]) -> Position:
        """New folders begin with a round of their own, those that are gone or out of scope drop out."""
        new = FolderState(good=self.good, since=self.good - OVERLAP)
        return replace(self, folders={id_: self.folders.get(id_, new) for id_ in wanted}, queue=tuple(wanted))

    def with_state(self, id_: str, state: FolderState | None, *, through: bool) -> Position:
        """After a step in a folder; None drops it."""
        folders = {k: v for k, v in self.folders.items() if k != id_} | ({id_: state} if state else {})
        queue = tuple(k for k in self.queue if k != id_) if through or state is None else self.queue
        good = self.good if queue else min((s.good for s in folders.values()), default=self.good)
        return replace(self, folders=folders, queue=queue, good=good)


_SHORT = {"delta": "d", "page": "p", "told": "n", "restarts": "r"}
_TIMES = {"good": "g", "since": "s", "window": "w", "began": "b", "tried": "t"}


def _stored(state: FolderState) -> dict[str, object]:
    plain = {short: getattr(state, name) for name, short in _SHORT.items() if getattr(state, name)}
    times = {short: _iso(getattr(state, name)) for name, short in _TIMES.items() if getattr(state, name)}
    return {**times, **plain}


def _state(kept: Mapping[str, Any]) -> FolderState:
    times = {name: _time(kept[short]) for name, short in _TIMES.items() if short in kept}
    return FolderState(
        good=times["good"],
        delta=str(kept.get("d", "")),
        page=str(kept.get("p", "")),
        since=times.get("since"),
        window=times.get("window"),
        began=times.get("began"),
        tried=times.get("tried"),
        told=int(kept.get("n", 0)),
        restarts=int(kept.get("r", 0)),
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(value: str) -> datetime:
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("no zone")
    return found.astimezone(UTC)


# -------------------------------------------------------------------------------------------------------------- listing


@dataclass(frozen=True, slots=True)
class ListingPage:
    """A page of a listing by date, newest first: everything received before `before`, or the page at `link`.

    A page begins where the last one ended, by time and not by count, so that a mail deleted meanwhile shifts nothing.
    Only within one second that fills a page are Graph's own links followed.
    """

    before: int | None = None  # seconds since 1970, not included
    link: str = ""

    def __str__(self) -> str:
        return f"1:{self.before if self.before is not None else ''}:{self.link}"

    @classmethod
    def parse(cls, token: str | None) -> ListingPage:
        """Raises `CursorExpired` for a token that is not ours."""
        if token is None:
            return cls()
        version, before, link = (*token.split(":", 2), "", "")[:3]
        if version != "1" or not (before or "0").isdigit() or (link and not link.startswith("/")):
            raise CursorExpired("This page is none of a listing here; list again.", operation="messages.list")
        return cls(int(before) if before else None, link)


def turned(page: ListingPage, seconds: Sequence[int], link: str) -> tuple[ListingPage | None, int | None]:
    """What follows a page whose mails were received in `seconds` (newest first), and the second it leaves to that.

    Mails of the last second of a page may go on behind it, hence they are all listed with the next one.
    """
    if not link:
        return None, None
    if not seconds or seconds[-1] == seconds[0]:
        return ListingPage(page.before, link), None
    return ListingPage(seconds[-1] + 1), seconds[-1]
