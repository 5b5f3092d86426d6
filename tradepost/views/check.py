"""`tradepost check`: every connection and mailbox, whether it is ready, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType

from connectors.base.model import Severity
from tradepost.messages import Language, Sentence, say
from tradepost.views.words import cell, table, words


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, and what mends it."""

    severity: Severity
    what: Sentence | str
    mend: Sentence | str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One thing that was checked: a connection, a mailbox (`subject` says which), the installation."""

    subject: str
    account: str = ""  # who we are signed in as
    troubles: tuple[Trouble, ...] = ()

    @property
    def verdict(self) -> str:
        """`ok`, `warning` or `error`."""
        return "ok" if not self.troubles else min(t.severity for t in self.troubles)


def ready(rows: Sequence[CheckRow]) -> bool:
    """Whether nothing stands in the way; the exit code of `check`."""
    return all(row.verdict != Severity.ERROR for row in rows)


def check_table(rows: Sequence[CheckRow], language: Language) -> RenderableType:
    made = table(language, "check", ("subject", "account", "verdict", "what", "mend"))
    for row in rows:
        verdict = cell(say(f"view.verdict_{row.verdict}", language), row.verdict)
        made.add_row(cell(row.subject), cell(row.account), verdict, *_trouble(row.troubles[:1], language))
        for trouble in row.troubles[1:]:
            made.add_row("", "", "", *_trouble((trouble,), language))
    last = say("view.check_ready" if ready(rows) else "view.check_not_ready", language)
    return Group(made, cell(last, "ok" if ready(rows) else "error"))


def _trouble(troubles: tuple[Trouble, ...], language: Language) -> list[RenderableType]:
    return [cell(words(part, language)) for t in troubles for part in (t.what, t.mend)]


def check_json(rows: Sequence[CheckRow], language: Language) -> dict[str, object]:
    return {
        "ready": ready(rows),
        "checked": [
            {
                "subject": row.subject,
                "account": row.account,
                "verdict": row.verdict,
                "troubles": [
                    {"severity": t.severity, "what": words(t.what, language), "mend": words(t.mend, language)}
                    for t in row.troubles
                ],
            }
            for row in rows
        ],
    }
