"""`tradepost undo`: runs, what undoing them would do, and what it has come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from rich.console import Group, RenderableType
from rich.table import Table

from sync.store.undo import Manifest, Planned
from sync.undo import Way
from tradepost.messages import Language, say
from tradepost.views.words import cell, iso, moment, table, word

MOST_SHOWN = 200  # links of a list that a person reads; JSON has all


class Fated(Protocol):
    """A write and what becomes of it; `why` is empty for what does not stay."""

    @property
    def item(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def way(self) -> Way: ...
    @property
    def why(self) -> str | None: ...
    @property
    def url(self) -> str: ...
    @property
    def mail(self) -> str: ...


def manifests_table(runs: Sequence[Manifest], language: Language) -> RenderableType:
    """Every run with how many writes it has to its name."""
    made = table(
        language,
        "undo_runs",
        ("run_number", "run_kind", "mailbox", "since", "until", "undo_items", "undone"),
        right=("undo_items",),
    )
    for run in runs:
        made.add_row(
            cell(run.run),
            cell(word("run_kind", run.kind, language)),
            cell(run.mailbox),
            cell(moment(run.since)),
            cell(moment(run.until) if run.mailbox else ""),
            cell(f"{run.items:,}"),
            cell(moment(run.undone_at)),
        )
    return made


def manifests_json(runs: Sequence[Manifest]) -> dict[str, object]:
    return {
        "runs": [
            {
                "run": run.run,
                "kind": run.kind,
                "mailbox": run.mailbox,
                "since": iso(run.since),
                "until": iso(run.until),
                "items": run.items,
                "undone_at": iso(run.undone_at),
            }
            for run in runs
        ]
    }


def plan_view(items: Sequence[Planned], language: Language) -> RenderableType:
    """How many go, come back, and stay, and why."""
    return _view(items, language, "undo_way")


def outcome_view(items: Sequence[Planned], language: Language) -> RenderableType:
    return _view(items, language, "undo_done")


def fates(items: Iterable[Fated], language: Language, *, title: str, ways: str, reasons: str) -> Table:
    """How many writes of each kind go, come back or stay, and why; `ways` and `reasons` name groups of words."""
    sums = Counter((one.target, one.kind, one.way, one.why) for one in items)
    made = table(language, title, ("target", "kind", "fate", "because", "undo_items"), right=("undo_items",))
    for (target, kind, way, why), count in sorted(sums.items(), key=lambda pair: tuple(map(str, pair[0]))):
        made.add_row(
            cell(target),
            cell(word("write", kind, language)),
            cell(word(ways, way, language), "parked" if way is Way.STAY else ""),
            cell(word(reasons, why, language) if why else ""),
            cell(f"{count:,}"),
        )
    return made


def staying(items: Iterable[Fated], language: Language, words: str) -> Iterator[RenderableType]:
    """What stays: each link once, with how many writes lie there; `words` says whose `stays` and `more` tell of it."""
    links = Counter(one.url or one.item for one in items if one.way is Way.STAY)
    if not links:
        return
    yield cell(say(f"{words}.stays", language, count=links.total()))
    shown = list(links.items())[:MOST_SHOWN]
    yield from (cell(f"{link}  ×{count}" if count > 1 else link) for link, count in shown)
    if more := links.total() - sum(count for _, count in shown):
        yield cell(say(f"{words}.more", language, count=more))


def _view(items: Sequence[Planned], language: Language, group: str) -> RenderableType:
    if not items:
        return cell(say("undo.nothing", language))
    made = fates(items, language, title="undo", ways=group, reasons="undo_stays")
    return Group(made, *staying(items, language, "undo"))


def outcome_json(items: Sequence[Planned], language: Language) -> dict[str, object]:
    return {"items": fates_json(items, language, reasons="undo_stays")}


def fates_json(items: Iterable[Fated], language: Language, *, reasons: str) -> list[dict[str, object]]:
    """What becomes of each write, and why; `reasons` names a group of words."""
    return [
        {
            "item": one.item,
            "target": one.target,
            "kind": one.kind,
            "way": one.way,
            "why": one.why,
            "why_text": word(reasons, one.why, language) if one.why else "",
            "url": one.url,
            "mail": one.mail,
        }
        for one in items
    ]
