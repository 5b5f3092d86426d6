"""A judge: one client, the calls it makes, and the count of distinct things it saw at the server."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.judges.ground import Ground, ground
from tradepost.sandbox.fidelity.model import Table
from tradepost.sandbox.kernel import Vendor, World
from tradepost.sandbox.recorder import Exchange, Recorder

Row = tuple[str, str, str]


@dataclass(slots=True)
class Judge:
    """`open` signs a client in and gives what every call is handed; calls run in the order they are written."""

    client: str
    open: Callable[[Ground, Any], AbstractContextManager[Any]]
    calls: list[tuple[str, Callable[[Any], None]]] = field(default_factory=list)

    def __call__(self, does: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """Decorates one call: `does` says what the client does, as a sentence."""

        def add(work: Callable[[Any], None]) -> Callable[[Any], None]:
            self.calls.append((does, work))
            return work

        return add


@dataclass(frozen=True, slots=True)
class Bench:
    """What a module of this folder says of itself: one vendor with the clients that judge it.

    `make` builds and fills the vendors; `judges` are its clients.
    """

    vendor: str
    make: Callable[[World], tuple[Sequence[Vendor], Any]]
    judges: tuple[Judge, ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """A vendor's place on the roll; its module is imported only where its packages are there."""

    vendor: str
    module: str
    packages: tuple[str, ...]  # import names
    at_least: int  # distinct (method, path template, outcome class)

    def missing(self) -> list[str]:
        """Packages that are not installed here."""
        return [name for name in (*self.packages, self.module) if importlib.util.find_spec(name) is None]  # type: ignore[attr-defined]

    def bench(self) -> Bench:
        found: Bench = importlib.import_module(self.module).BENCH
        return found


ROLL = (
    Seat("hubspot", "tests.judges.hubspot_client", ("hubspot",), 30),
    Seat("salesforce", "tests.judges.salesforce_client", ("simple_salesforce",), 30),
    Seat("zoho", "tests.judges.zoho_client", ("zohocrmsdk",), 25),
    Seat("graph", "tests.judges.graph_client", ("msgraph", "msal"), 25),
    Seat("gmail", "tests.judges.gmail_client", ("googleapiclient", "google_auth_httplib2"), 20),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one call; `why` is empty when the client was content."""

    client: str
    call: str
    why: str = ""


@dataclass(slots=True)
class Session:
    """All calls of one vendor's clients, and what the server saw."""

    vendor: str
    verdicts: list[Verdict]
    exchanges: list[Exchange]

    @property
    def failures(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.why]


def hold(seat: Seat, recorder: Recorder | None = None) -> Session:
    """Run every call of a vendor's clients against a sandbox of its own."""
    bench, recorder = seat.bench(), recorder or Recorder()
    verdicts: list[Verdict] = []
    stage: list[Any] = []

    def make(world: World) -> Sequence[Vendor]:
        vendors, held = bench.make(world)
        stage.append(held)
        return vendors

    with TemporaryDirectory(prefix="tradepost-judges-") as folder, ground(make, Path(folder), recorder) as place:
        for judge in bench.judges:
            verdicts += _heard(judge, place, stage[0])
    return Session(seat.vendor, verdicts, list(recorder.exchanges))


def _heard(judge: Judge, place: Ground, stage: Any) -> Iterator[Verdict]:
    with judge.open(place, stage) as handle:
        for does, work in judge.calls:
            try:
                work(handle)
            except Exception as error:  # noqa: BLE001 - whatever a client raises is its verdict
                last = traceback.extract_tb(error.__traceback__)
                at = next((f"{Path(f.filename).name}:{f.lineno}" for f in last if f.name == work.__name__), "")
                yield Verdict(judge.client, does, f"{type(error).__name__} at {at}: {str(error)[:600]}")
            else:
                yield Verdict(judge.client, does)


# ------------------------------------------------------------------------------------------------------------ counting


def outcome(status: int) -> str:
    """The class of an answer: refusals differ by status, what went well does not."""
    if status == 207:
        return "partial"
    return "ok" if status < 300 else str(status)


def seen(exchanges: Iterable[Exchange], table: Table) -> set[Row]:
    """Distinct (method, path template, outcome class); a path that the table lacks is counted nowhere."""
    rows: set[Row] = set()
    for each in exchanges:
        found = table.find(each.method, each.path) if each.vendor == table.name and not each.part else None
        if found is not None:
            rows.add((each.method, found.path, outcome(each.status)))
    return rows
