"""`tradepost status`: the coverage sum of every mailbox, what is parked and why, and how the lanes are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType

from sync.coverage import Whereabouts
from sync.pull import label
from sync.store.report import CoverageReport, ItemReport, LaneState
from tradepost.messages import Language, say
from tradepost.views.words import cell, counted, iso, moment, table, told, told_detail, told_error, word, words

SUMS = (Whereabouts.SYNCED, Whereabouts.EXCLUDED, Whereabouts.WAITING, Whereabouts.PARKED, Whereabouts.MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`counts`: (target, kind, state) -> number of items. `parked` are the items a person must look at."""

    coverage: Sequence[CoverageReport]
    parked: Sequence[ItemReport] = ()
    lanes: Sequence[LaneState] = ()
    counts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)


def coverage_table(reports: Sequence[CoverageReport], language: Language) -> RenderableType:
    """`listed = synced + excluded + waiting + parked + missing`, a row a mailbox and their total; then the reasons."""
    numbers = ("listed", *SUMS)
    made = table(language, "coverage", ("mailbox", *numbers), right=numbers)
    for report in reports:
        made.add_row(
            cell(report.mailbox), *_numbers([report.coverage.listed, *(report.coverage[where] for where in SUMS)])
        )
    if len(reports) > 1:
        total = [sum(r.coverage.listed for r in reports), *(sum(r.coverage[w] for r in reports) for w in SUMS)]
        made.add_section()
        made.add_row(cell(say("view.total", language)), *_numbers(total))
    colon = say("view.colon", language)
    lines = [f"{r.mailbox}{colon}{_reasons(r, language)}" for r in reports if r.coverage.reasons]
    if reports:
        lines.append(f"{say('view.counted_at', language)}{colon}{moment(max(r.counted_at for r in reports))}")
    return Group(made, *map(cell, lines))


def _numbers(sums: Sequence[int]) -> list[RenderableType]:
    styles = ("", *SUMS)
    return [
        cell(f"{number:,}", style if number and style in {"missing", "parked"} else "")
        for number, style in zip(sums, styles, strict=True)
    ]


def _reasons(report: CoverageReport, language: Language) -> str:
    colon = say("view.colon", language)
    parts = [
        f"{word('whereabouts', where, language)}{colon}{counted(report.coverage.reasons[where], language)}"
        for where in SUMS
        if report.coverage.reasons.get(where)
    ]
    return say("view.semicolon", language).join(parts)


def parked_table(items: Sequence[ItemReport], language: Language) -> RenderableType:
    made = table(
        language, "parked", ("item", "target", "kind", "reason", "detail", "tries", "created_at"), right=("tries",)
    )
    for item in items:
        made.add_row(
            cell(item.key),
            cell(item.target),
            cell(word("write", item.kind, language)),
            cell(word("reason", item.reason, language), "parked"),
            cell(told_detail(item.detail, language)),
            cell(item.tries),
            cell(moment(item.created_at)),
        )
    return made


def lanes_table(lanes: Sequence[LaneState], language: Language) -> RenderableType:
    made = table(language, "lanes", ("lane", "lane_state", "why", "until", "beat_at"))
    for lane in lanes:
        made.add_row(
            cell(lane.name),
            cell(word("lane_state", lane.state, language), lane.state),
            cell(_why(lane, language)),
            cell(moment(lane.until)),
            cell(moment(lane.beat_at)),
        )
    return made


def _why(lane: LaneState, language: Language) -> str:
    name, _, rest = lane.code.partition(" ")
    return told_error(name, rest, lane.hint, language)


def counts_table(counts: Mapping[tuple[str, str, str], int], language: Language) -> RenderableType:
    """Items by target and kind, a column a state."""
    states = sorted({state for _, _, state in counts})
    made = table(language, "items", ("target", "kind"))
    for state in states:
        made.add_column(word("item_state", state, language), justify="right")
    by_kind: dict[tuple[str, str], Counter[str]] = {}
    for (target, kind, state), number in sorted(counts.items()):
        by_kind.setdefault((target, kind), Counter())[state] += number
    for (target, kind), numbers in by_kind.items():
        made.add_row(cell(target), cell(word("write", kind, language)), *(f"{numbers[state]:,}" for state in states))
    return made


def status_view(status: Status, language: Language) -> RenderableType:
    """Everything, without the empty parts."""
    if not (status.coverage or status.lanes or status.counts):
        return cell(say("view.nothing_yet", language))
    parts: list[RenderableType] = []
    if status.coverage:
        parts.append(coverage_table(status.coverage, language))
    if status.counts:
        parts.append(counts_table(status.counts, language))
    if status.parked:
        parts += [parked_table(status.parked, language), cell(say("view.parked_next", language))]
    if status.lanes:
        parts.append(lanes_table(status.lanes, language))
    return Group(*parts)


def coverage_json(report: CoverageReport) -> dict[str, object]:
    return {
        "mailbox": report.mailbox,
        "label": label(report.mailbox),  # its name in logs and metrics
        "counted_at": iso(report.counted_at),
        "since": iso(report.since),
        "until": iso(report.until),
        "listed": report.coverage.listed,
        **{str(where): report.coverage[where] for where in SUMS},
        "reasons": {str(where): dict(report.coverage.reasons.get(where, {})) for where in SUMS},
    }


def status_json(status: Status, language: Language) -> dict[str, object]:
    return {
        "coverage": [coverage_json(report) for report in status.coverage],
        "items": [
            {"target": target, "kind": kind, "state": state, "count": number}
            for (target, kind, state), number in sorted(status.counts.items())
        ],
        "parked": [
            {
                "item": item.key,
                "target": item.target,
                "kind": item.kind,
                "mail": item.mail,
                "reason": item.reason,
                "reason_text": word("reason", item.reason, language),
                "detail": item.detail,
                "detail_text": told_detail(item.detail, language),
                "tries": item.tries,
                "evidence": [told(one, language) for one in item.evidence],
                "created_at": iso(item.created_at),
            }
            for item in status.parked
        ],
        "lanes": [
            {
                "lane": lane.name,
                "state": lane.state,
                "code": lane.code,
                "hint": lane.hint,
                "hint_text": words(lane.hint, language),
                "until": iso(lane.until),
                "beat_at": iso(lane.beat_at),
                "failures": lane.failures,
            }
            for lane in status.lanes
        ],
    }
