"""State of delta: rounds of changes, their links, and when the vendor forgets them.

https://learn.microsoft.com/graph/delta-query-overview and .../delta-query-messages. A round is made when a first call
or a deltaLink is followed; its pages show things as they are when the page is asked for.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from hashlib import sha256
from random import Random

from tradepost.sandbox.graph.journal import Change, Journal, Left
from tradepost.sandbox.graph.odata import Expand
from tradepost.sandbox.graph.strictness import Strictness

FILTER_CAP = 5_000
NEXT_LINKS, DELTA_LINKS = 4, 8  # how many of a chain's newest links work
_CHECK = b"tradepost-sync-state"


class Told(Enum):
    """How an entry of a round is told."""

    WHOLE = "whole"
    CHANGED = "changed"
    REMOVED = "removed"
    GONE_AND_BACK = "gone_and_back"  # removed under its former default id; the same immutable one is simply removed
    BACK = "back"  # whole under its new default id; never told by immutable ids


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to tell. The ids are those it had where it was."""

    key: int
    told: Told
    id: str = ""
    immutable_id: str = ""
    what: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Options:
    """What a first call asked for; all later links of its chain keep it."""

    select: tuple[str, ...] | None = None
    expand: tuple[Expand, ...] = ()
    since: datetime | None = None
    inclusive: bool = True
    ordered: bool = False
    change_type: str = ""
    top: int = 0

    @property
    def filtered(self) -> bool:
        return self.since is not None

    def admits(self, at: datetime) -> bool:
        """Whether a time of receipt passes the filter."""
        return self.since is None or (at >= self.since if self.inclusive else at > self.since)


@dataclass(slots=True, eq=False)
class Chain:
    """All links that came of one first call. `target` is what it follows: a folder's number, 0 for the folder tree."""

    target: int
    options: Options
    nexts: deque[str] = field(default_factory=deque)
    deltas: deque[str] = field(default_factory=deque)
    generation: int = 0


@dataclass(slots=True, eq=False)
class Round:
    """Entries to tell, None for an empty page; the deltaLink at its end starts after `seq`."""

    chain: Chain
    entries: list[Entry | None]
    seq: int


@dataclass(frozen=True, slots=True)
class Link:
    """What a token stands for: a place in a round, or (without one) the number of the last change told."""

    chain: Chain
    round: Round | None = None
    place: int = 0
    seq: int = 0


@dataclass(slots=True)
class Memory:
    """One mailbox's sync states. `calm` leaves out what is only allowed: disorder, repetition, empty pages."""

    seed: str
    strict: Strictness
    calm: bool = False
    links: dict[str, Link] = field(default_factory=dict)
    serial: int = 0
    rounds: int = 0

    # --------------------------------------------------------------------------------------------------------- links

    def keep(self, link: Link) -> str:
        """A token for a link; the oldest ones of its chain stop working."""
        self.serial += 1
        chain = link.chain
        chain.generation += 1
        token = self._token(self.serial)
        self.links[token] = link
        kept, most = (chain.nexts, NEXT_LINKS) if link.round else (chain.deltas, DELTA_LINKS)
        kept.append(token)
        if not self.strict.old_next_links_expire:
            return token
        while len(kept) > most:
            self.links.pop(kept.popleft(), None)
        return token

    def _token(self, serial: int) -> str:
        own = sha256(f"{self.seed}:{serial}".encode()).digest()[:24]
        return urlsafe_b64encode(own + sha256(_CHECK + own).digest()[:12]).decode()

    @staticmethod
    def is_token(text: str) -> bool:
        """Whether a text was a token at any time."""
        try:
            data = urlsafe_b64decode(text + "===")
        except ValueError:
            return False
        return data[24:] == sha256(_CHECK + data[:24]).digest()[:12]

    def forget(self, target: int | None = None, *, nexts_only: bool = False) -> int:
        """The vendor drops states: of one target or of all; the answer is how many links died."""
        dead = [
            token
            for token, link in self.links.items()
            if (target is None or link.chain.target == target) and (link.round or not nexts_only)
        ]
        if self.strict.sync_state_expires:
            for token in dead:
                del self.links[token]
        return len(dead)

    # -------------------------------------------------------------------------------------------------------- rounds

    def first(self, chain: Chain, keys: Iterable[int], seq: int) -> Round:
        """All there is, newest first. With a filter 5,000 at most."""
        entries = [Entry(key, Told.WHOLE) for key in keys]
        if chain.options.filtered and self.strict.delta_filter_cap:
            entries = entries[:FILTER_CAP]
        return self._stirred(chain, entries, seq)

    def later(self, chain: Chain, journal: Journal, after: int, seq: int, here: Iterable[int]) -> Round:
        """What changed after a number. `here` are keys of what is there now, among those that changed."""
        by_key: dict[int, list[Change]] = {}
        for change in journal.since(after):
            by_key.setdefault(change.key, []).append(change)
        present = set(here) if not isinstance(here, set | frozenset | dict) else here
        entries = [e for key, changes in by_key.items() for e in self._told(key, changes, present=key in present)]
        return self._stirred(chain, self._of_type(chain.options.change_type, entries), seq)

    def _told(self, key: int, changes: list[Change], *, present: bool) -> list[Entry]:
        was_there = not changes[0].entered
        departures = [change for change in changes if change.left]
        if not present:
            return self._removed(key, departures)
        if not was_there:
            return [Entry(key, Told.WHOLE)]
        if departures:
            return self._round_trip(key, departures[0])
        what = frozenset(name for change in changes for name in change.what)
        return [Entry(key, Told.CHANGED if self.strict.changed_properties_only else Told.WHOLE, what=what)]

    def _removed(self, key: int, departures: list[Change]) -> list[Entry]:
        """Told under the id it had at last; also for what came and went unseen."""
        last = departures[-1]
        told = self.strict.moved_items_removed if last.left is Left.MOVED else self.strict.removed_items_told
        return [Entry(key, Told.REMOVED, last.id, last.immutable_id)] if told else []

    def _round_trip(self, key: int, departure: Change) -> list[Entry]:
        """Out and back: https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/72."""
        if not self.strict.round_trips_hidden:
            return [Entry(key, Told.WHOLE)]
        if not self.strict.moved_items_removed:
            return []
        gone = Entry(key, Told.GONE_AND_BACK, departure.id, departure.immutable_id)
        return [gone, Entry(key, Told.BACK)]

    @staticmethod
    def _of_type(wanted: str, entries: list[Entry]) -> list[Entry]:
        kinds = {
            "created": {Told.WHOLE, Told.BACK},
            "updated": {Told.CHANGED},
            "deleted": {Told.REMOVED, Told.GONE_AND_BACK},
        }.get(wanted)
        return [entry for entry in entries if kinds is None or entry.told in kinds]

    def _stirred(self, chain: Chain, entries: list[Entry], seq: int) -> Round:
        """The same entries in the order, with the repetitions and empty pages that the vendor allows itself."""
        self.rounds += 1
        told: list[Entry | None] = list(entries)
        if not self.calm:
            chance = Random(f"{self.seed}-round-{self.rounds}")
            if self.strict.delta_unordered and not chain.options.ordered:
                chance.shuffle(told)
            if self.strict.delta_items_repeat and not chain.options.ordered:
                for entry in [e for e in told if chance.random() < 0.06]:
                    told.insert(chance.randrange(len(told) + 1), entry)
            if self.strict.empty_delta_pages and chance.random() < 0.3:
                told.insert(chance.randrange(len(told) + 1), None)
        return Round(chain, told, seq)

    @staticmethod
    def page(found: Round, place: int, size: int) -> tuple[list[Entry], int]:
        """The entries of a page and the place behind it."""
        if place < len(found.entries) and found.entries[place] is None:
            return [], place + 1
        entries: list[Entry] = []
        while place < len(found.entries) and len(entries) < size:
            entry = found.entries[place]
            if entry is None:
                break
            entries.append(entry)
            place += 1
        return entries, place
