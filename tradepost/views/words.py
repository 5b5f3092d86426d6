"""Words and cells that all views share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo

from rich import box
from rich.table import Table
from rich.text import Text

from mappings.model import Evidence
from tradepost.messages import Language, Sentence, known, say
from tradepost.phrases import phrase
from tradepost.terminal import plain

STYLES = {
    "error": "red",
    "warning": "yellow",
    "ok": "green",
    "missing": "bold red",
    "parked": "yellow",
    "paused": "yellow",
    "done": "green",
    "running": "green",
}


def table(language: Language, title: str, columns: Iterable[str], *, right: Iterable[str] = ()) -> Table:
    """An empty table. Title and columns are ids under `view.`; `right` columns hold numbers."""
    numbers = set(right)
    made = Table(
        title=say(f"view.{title}", language),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        made.add_column(
            say(f"view.{column}", language),
            justify="right" if column in numbers else "left",
            overflow="fold",
            no_wrap=column in numbers,
        )
    return made


def cell(text: object, style: str = "") -> Text:
    """Foreign text as a cell: never markup, never control characters."""
    return Text(plain(str(text)), style=STYLES.get(style, style))


def word(group: str, code: str, language: Language) -> str:
    """The catalogue's word for a code, else the code itself (a third party's, or a newer one)."""
    name = f"{group}.{code}"
    return say(name, language) if code and known(name) else plain(code)


def words(found: Sentence | str, language: Language) -> str:
    """A sentence of the catalogue, or of a connector."""
    return found.say(language) if isinstance(found, Sentence) else plain(phrase(found, language))


def told_error(name: str, code: str, hint: str, language: Language) -> str:
    """An error's class in words, what the vendor said of it, and what mends it."""
    what = word("error", name, language)
    head = say("check.failed", language, what=what, where=plain(code)) if code else what
    return " - ".join(part for part in (head, words(hint, language)) if part)


def told_detail(detail: str, language: Language) -> str:
    """An item's detail as `sync.outbox.told` writes it, or the code of why nobody can tell."""
    head, _, hint = detail.partition(": ")
    name, _, code = head.partition(" ")
    if known(f"error.{name}"):
        return told_error(name, code, hint, language)
    return word("cannot_tell", detail, language)


def counted(reasons: Mapping[str, int], language: Language) -> str:
    """`no customer 3, junk 1`, the most frequent first."""
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return say("view.comma", language).join(
        f"{word('reason_short', reason, language)} {number}" for reason, number in ordered
    )


def told(evidence: Evidence, language: Language) -> str:
    """One piece of evidence: its rule in words, and what it saw."""
    pairs = ((word("clue", key, language), _clue(key, value, language)) for key, value in evidence.details)
    details = say("view.comma", language).join(f"{key}={value}" for key, value in pairs)
    rule = word("evidence", evidence.rule, language)
    return say("view.told", language, what=rule, how=details) if details else rule


def _clue(key: str, value: str, language: Language) -> str:
    return word({"kind": "mail_kind"}.get(key, key), value, language) if key in _CODES else plain(value)


_CODES = {"role", "place", "kind", "sign"}  # details of evidence whose values are codes with words of their own


def evidence_json(evidence: Iterable[Evidence]) -> list[dict[str, object]]:
    return [{"rule": one.rule, "details": dict(one.details)} for one in evidence]


def moment(at: datetime | None, zone: tzinfo = UTC) -> str:
    """`2026-03-02 08:00 +0000`, to the minute; empty for None."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %z") if at else ""


def iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
