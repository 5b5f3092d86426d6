"""A short life of a small company (tests/sweep) whose power is cut inside its commits: looked at, and gone on with."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.base.model import Seen
from sync.store.db import Database
from tests.power.disk import Image, Tape, images, taped, whole
from tests.power.ledger import ahead, broken, digest, unwritten
from tests.sweep.scenario import Life, Outcome, Plan
from tradepost.sandbox.virtual import run

CHECKPOINT = 25  # pages of the log after which it is moved into the file: by default 1000, more than a short life has
TIME = "%Y-%m-%dT%H:%M:%S.%f"  # as the state file writes it
Shown = dict[str, dict[str, frozenset[str]]]


@dataclass
class Witness:
    """What the world outside has seen at each moment of a tape: mails in the CRM, and what each reader was shown."""

    moments: list[int] = field(default_factory=list)  # numbers of events
    subjects: list[list[str]] = field(default_factory=list)
    shown: Shown = field(default_factory=dict)

    def written(self, event: int) -> Sequence[str]:
        """Subjects of the mails in the CRM while an event was told to the disk."""
        before = bisect_right(self.moments, event)
        return self.subjects[before - 1] if before else []


class Taped(Life):
    """The scenario with a tape of its disk."""

    def __init__(self, folder: Path, plan: Plan, tape: Tape) -> None:
        self.tape = tape
        self.witness = Witness()
        super().__init__(folder, plan)
        tape.path = self.box.state

    def step(self, label: str) -> None:
        self.tape.mark(label)
        if label.endswith(":begin"):
            self.witness.moments.append(len(self.tape.events))
            self.witness.subjects.append([one.subject for one in self.box.company.crm.mails()])
        super().step(label)

    def _break(self, engine: Any) -> None:
        super()._break(engine)
        engine.store.db._connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint={CHECKPOINT}")
        engine.store.db._connection.commit()
        for name, source in engine.sources.items():
            _listen(source, self.witness.shown.setdefault(name, {}))


def _listen(source: Any, shown: dict[str, frozenset[str]]) -> None:
    """Note what each position of a source stands behind."""
    changes, history = source.changes, source.history

    async def heard_changes(cursor: str) -> Any:
        page = await changes(cursor)
        ids = frozenset(e.id for e in page.events if isinstance(e, Seen))
        shown[page.cursor] = shown.get(page.cursor, frozenset()) | shown.get(cursor, frozenset()) | ids
        return page

    async def heard_history(since: datetime, until: datetime, token: str | None) -> Any:
        page = await history(since, until, token)
        place = page.next_page or f"{since:{TIME}}{until:{TIME}}"
        shown[place] = shown.get(place, frozenset()) | shown.get(token or "", frozenset()) | set(page.ids)
        return page

    source.changes, source.history = heard_changes, heard_history


# -------------------------------------------------------------------------------------------------------------- looking


@dataclass
class Look:
    """What a look at the images of one life has found."""

    outcome: Outcome
    writes: int = 0
    syncs: int = 0
    commits: int = 0
    images: int = 0
    ways: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def look(folder: Path, plan: Plan, *, every: int = 1) -> Look:
    """Live undisturbed, then look at what a power cut after every `every`-th write would have left."""
    (folder / "life").mkdir()
    with taped(folder / "life" / "state" / "state.db") as tape:
        life = Taped(folder / "life", plan, tape)
        found = Look(run(life.live()))
    commits = _marks(tape, ":committed")
    wholes, copy = Wholes(tape, folder / "whole.db"), folder / "copy.db"
    for image in images(tape, every=every):
        found.images += 1
        found.ways[image.how] = found.ways.get(image.how, 0) + 1
        place = bisect_right(commits, image.after)
        image.put(copy)
        where = f"{_label(tape, image.after)}, event {image.after}, {image.how}"
        wrong = broken(copy)
        if not wrong and place:
            wrong = [*ahead(copy, life.witness.shown), *unwritten(copy, life.witness.written(image.after))]
            wrong += _lost(copy, wholes, commits[place - 1 : place + 1])
        found.faults += [f"{where}: {one}" for one in wrong]
    found.writes = sum(e.what == "write" for e in tape.events)
    found.syncs = sum(e.what == "sync" for e in tape.events)
    found.commits = len(commits)
    return found


def _marks(tape: Tape, end: str) -> list[int]:
    return [n for n, event in enumerate(tape.events) if event.what == "mark" and event.name.endswith(end)]


class Wholes:
    """What the state says at a mark, with nothing lost."""

    def __init__(self, tape: Tape, place: Path) -> None:
        self._tape, self._place = tape, place
        self._known: dict[int, str] = {}

    def at(self, event: int) -> str:
        if event not in self._known:
            marked = [e for e in self._tape.events[:event] if e.what != "mark"]
            whole(replace(self._tape, events=marked)).put(self._place)
            self._known[event] = digest(self._place)
        return self._known[event]


def _lost(copy: Path, wholes: Wholes, around: Sequence[int]) -> list[str]:
    """A copy holds the last commit that was answered, or the one under way as a whole; nothing less, nothing else."""
    return [] if digest(copy) in {wholes.at(event) for event in around} else ["a commit is lost, or there in part"]


def _label(tape: Tape, event: int) -> str:
    return next((e.name for e in reversed(tape.events[:event]) if e.what == "mark"), "the beginning")


# ------------------------------------------------------------------------------------------------------------ going on


class Cut(Taped):
    """The power is cut inside the commit that the plan's crash follows; what is left is one of its images."""

    def __init__(self, folder: Path, plan: Plan, tape: Tape, pick: Callable[[list[Image]], Image]) -> None:
        super().__init__(folder, plan, tape)
        self._pick = pick

    def _save(self) -> None:
        self.tape.running = False
        image = self._pick(inside(self.tape, len(self.tape.events)))
        image.put(self.box.state.with_name("cut.db"))
        for end in ("", "-wal"):
            left = self.box.state.with_name(f"cut.db{end}")
            if left.exists():
                left.rename(self.box.state.with_name(f"state.db{end}.saved"))


def inside(tape: Tape, last: int) -> list[Image]:
    """What a power cut may leave between the last `:commit` and the mark `:committed` that ends before `last`."""
    first = max(n for n, e in enumerate(tape.events[:last]) if e.what == "mark" and e.name.endswith(":commit"))
    return list(images(tape, first, last)) or [whole(tape)]  # a commit of nothing


def cuts(plan: Plan, undisturbed: Outcome) -> list[Plan]:
    """A plan for each commit of a life."""
    return [
        replace(plan, crash_at=n) for n, label in enumerate(undisturbed.labels, start=1) if label.endswith(":committed")
    ]


def go_on(folder: Path, plan: Plan, pick: Callable[[list[Image]], Image]) -> Outcome:
    """The same life with the power cut at one place."""
    with taped(folder / "state" / "state.db") as tape:
        return run(Cut(folder, plan, tape, pick).live())


def kept(found: Outcome, undisturbed: Outcome) -> bool:
    """Nothing lost and nothing doubled, or inside what the target declares."""
    return (found.against(undisturbed) == (0, 0) and not found.stuck) or found.in_gap(undisturbed)


# ---------------------------------------------------------------------------------------------------- a file by itself


def commits_kept(folder: Path, synchronous: str) -> list[str]:
    """A few transactions on a state file, small and large, and what a power cut would have taken from them."""
    with taped(folder / "state.db") as tape:
        db = Database(folder / "state.db", synchronous=synchronous, step=tape.mark)
        db._connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint={CHECKPOINT}")
        db._connection.commit()
        for n in range(3):
            with db.tx("put") as c:
                for m in range(1 + n % 3 * 40):
                    c.exec_driver_sql("INSERT INTO meta VALUES (?, ?)", (f"{n}-{m}", "x" * 200))
        db.close()
    commits = _marks(tape, ":committed")
    wholes, copy = Wholes(tape, folder / "whole.db"), folder / "copy.db"
    found: list[str] = []
    for image in images(tape, commits[0]):
        image.put(copy)
        place = bisect_right(commits, image.after)
        found += broken(copy) or _lost(copy, wholes, commits[place - 1 : place + 1])
    return found
