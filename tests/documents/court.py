"""All recorded traffic before all documents that are here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from tests.documents import gmail, graph, hubspot, salesforce, zoho
from tests.documents.document import Violation, read_json, shape
from tests.documents.explained import MOST, explanation
from tests.documents.specs import specs
from tradepost.sandbox.fidelity import TABLES
from tradepost.sandbox.recorder import Exchange


class Checker(Protocol):
    """One vendor's document."""

    def judge(self, exchange: Exchange) -> list[Violation]: ...


_KINDS: dict[str, Any] = {
    "gmail": gmail.Checker,
    "graph": graph.Checker,
    "salesforce": salesforce.Checker,
    "hubspot": hubspot.Checker,
    "zoho": zoho.Checker,
}
WITHOUT_FILES = frozenset({"gmail"})


@cache
def checkers(folder: Path | None) -> dict[str, Checker]:
    """A checker for each vendor whose document is here."""
    return {name: kind(folder) for name, kind in _KINDS.items() if folder or name in WITHOUT_FILES}


@dataclass(slots=True)
class Court:
    """Hears exchanges one by one; equal shapes are judged once. `strange` are calls that no fidelity table names."""

    folder: Path | None = field(default_factory=specs)
    heard: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    found: Counter[Violation] = field(default_factory=Counter)
    strange: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    example: dict[Violation, Exchange] = field(default_factory=dict, repr=False)
    _known: dict[Any, list[Violation]] = field(default_factory=dict, repr=False)

    def hear(self, exchange: Exchange) -> None:
        """Judge one exchange, unless a test or an ordered fault made its answer."""
        if exchange.simulator and not exchange.simulator.startswith("tradepost.sandbox."):
            return
        self.heard[exchange.vendor] += 1
        table = TABLES.get(exchange.vendor)
        row = table.find(exchange.method, exchange.path) if table else None
        if table and row is None and exchange.status < 400:
            self.strange[exchange.vendor, exchange.method, exchange.path] += 1
        checker = checkers(self.folder).get(exchange.vendor)
        if checker is None or exchange.fault:
            return
        key = self._key(exchange, row.path if row else exchange.path)
        if key not in self._known:
            self.judged[exchange.vendor] += 1
            self._known[key] = checker.judge(exchange)
            for violation in self._known[key]:
                self.example.setdefault(violation, exchange)
        self.found.update(self._known[key])

    @staticmethod
    def _key(exchange: Exchange, template: str) -> Any:
        names = tuple(sorted(part.partition("=")[0] for part in exchange.query.split("&") if part))
        asked = shape(read_json(exchange.headers, exchange.body))
        told = shape(read_json(exchange.reply_headers, exchange.reply))
        kind = exchange.path if exchange.vendor == "salesforce" and "/describe" in exchange.path else ""
        return exchange.vendor, exchange.method, template, kind, exchange.status, names, hash(asked), hash(told)

    def unexplained(self) -> list[Violation]:
        return sorted(violation for violation in self.found if explanation(violation) is None)

    def report(self) -> Iterable[str]:
        """Lines for a person."""
        for vendor in sorted(self.heard):
            seated = vendor in checkers(self.folder)
            judged = f"{self.judged[vendor]} different ones judged" if seated else "its document is not here"
            yield f"{vendor}: {self.heard[vendor]} exchanges, {judged}"
            used = dict(self._explained(vendor).items())
            yield from (
                f"  explained ({number}x): {row.pattern}\n    {row.why} {row.page}" for row, number in used.items()
            )
        for violation in self.unexplained():
            yield f"  UNEXPLAINED ({self.found[violation]}x) {violation}"
        yield from (f"  NOT IN THE TABLE ({n}x) {' '.join(call)}" for call, n in sorted(self.strange.items()))

    def _explained(self, vendor: str) -> Counter[Any]:
        rows: Counter[Any] = Counter()
        for violation, number in self.found.items():
            row = explanation(violation)
            if row is not None and row.vendor == vendor:
                rows[row] += number
        return rows

    @property
    def content(self) -> bool:
        """Nothing unexplained, nothing strange, and few explanations."""
        few = all(len(self._explained(vendor)) <= MOST for vendor in self.heard)
        return few and not self.unexplained() and not self.strange
