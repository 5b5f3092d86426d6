"""`tradepost demo`: what it says of each thing that happens, and the two tables of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from connectors.base.model import CompleteTask, CreateTask, LogEmail, MoveDeal
from sync.model import VerdictState
from sync.store.report import ItemReport, MailReport
from tradepost.demo.acts import Arrival
from tradepost.demo.numbers import Count, MailboxCount, Numbers, differing
from tradepost.messages import Language, say
from tradepost.sandbox.company import ONLY_CRM
from tradepost.terminal import plain
from tradepost.views.status import SUMS
from tradepost.views.words import cell, counted, moment, table, word
from tradepost.views.writes import Stages, intent_text

NameOf = Callable[[str], str]  # a CRM record's name, by its id


def local_part(address: str) -> str:
    return address.partition("@")[0]


def heading(number: int, name: str, language: Language) -> Text:
    return Text(f"\n{number}. {say(f'demo.part.{name}', language)}", style="bold")


# ---------------------------------------------------------------------------------------------------------- live mail


def arrival_view(arrival: Arrival, name_of: NameOf, zone: tzinfo, language: Language) -> RenderableType:
    """A mail and, below it, what came of it."""
    lines = [_head(arrival, language)]
    lines += [_line(text, style) for text, style in dict.fromkeys(_outcomes(arrival.report, language))]
    lines += [_line(text, "green") for text in _done(arrival, name_of, zone, language)]
    return Group(*lines)


def indented(what: RenderableType, by: int) -> RenderableType:
    """Moved to the right, folded lines too."""
    return Padding(what, (0, 0, 0, by), expand=False)


def _head(arrival: Arrival, language: Language) -> RenderableType:
    facts = arrival.report.facts
    who = plain(facts.from_.name or facts.from_.email)
    boxes = ", ".join(local_part(mailbox) for mailbox in arrival.copies)
    head = Text(f"{who} ", style="bold").append(say("demo.arrived", language, mailboxes=boxes), style="not bold dim")
    return head.append(plain(facts.subject), style="not bold")


def _line(text: str, style: str) -> RenderableType:
    return indented(Text("- ").append(plain(text), style=style), 2)


def _outcomes(report: MailReport, language: Language) -> Iterator[tuple[str, str]]:
    """Of mail that is not logged: why."""
    for verdict in report.verdicts:
        if verdict.state != VerdictState.LOG:
            state = word("verdict", verdict.state, language)
            style = "yellow" if verdict.state == VerdictState.WAITING else "dim"
            yield say("demo.not_logged", language, state=state, reason=word("reason", verdict.reason, language)), style


def _done(arrival: Arrival, name_of: NameOf, zone: tzinfo, language: Language) -> Iterator[str]:
    """Each write once, with the CRMs it went to where there are several."""
    told: dict[str, list[str]] = {}
    for item in arrival.done:
        told.setdefault(_written(item, name_of, zone, language), []).append(item.target)
    for text, targets in told.items():
        several = ", ".join(sorted(set(targets)))
        yield say("demo.done_at", language, what=text, targets=several) if several != ONLY_CRM else text


def _written(item: ItemReport, name_of: NameOf, zone: tzinfo, language: Language) -> str:
    match item.write:
        case LogEmail(participants=people, deal=deal):
            names = ", ".join(dict.fromkeys(name_of(p.ref.id) for p in people))
            return say("demo.logged_deal" if deal else "demo.logged", language, records=names, deal=name_of(deal))
        case CreateTask(title=title, due_at=due):
            return say("demo.task", language, title=title, due=moment(due, zone))
        case CompleteTask():
            return say("demo.task_completed", language)
        case MoveDeal(deal=deal, expect_stage=before, to_stage=after):
            stages = Stages((item,))
            values = {"before": stages.name(item.target, before), "after": stages.name(item.target, after)}
            return say("demo.moved", language, deal=name_of(deal), **values)
        case _:
            return intent_text(item, language, Stages((item,)))


# ------------------------------------------------------------------------------------------------------------- numbers


def coverage_view(mailboxes: Sequence[MailboxCount], language: Language) -> RenderableType:
    """The sum of every mailbox, and beside it what the simulated vendors hold; then the reasons behind the sums."""
    sums = ("listed", *SUMS)
    made = table(language, "coverage", ("mailbox", *sums), right=sums)
    made.padding = 0  # nine columns fit into eighty characters
    for column in ("held", "in_crm"):
        made.add_column(say(f"demo.{column}", language), justify="right", style="cyan", overflow="fold")
    for one in mailboxes:
        made.add_row(cell(local_part(one.mailbox)), *(cell(n) for n in _row(one)))
    made.add_section()
    rows = [_row(one) for one in mailboxes]
    made.add_row(cell(say("view.total", language)), *(cell(sum(column)) for column in zip(*rows, strict=True)))
    return Group(made, *(_reasons(one, language) for one in mailboxes), Text())


def _row(one: MailboxCount) -> tuple[int, ...]:
    return (one.coverage.listed, *(one.coverage[where] for where in SUMS), one.held, one.in_crm)


def _reasons(one: MailboxCount, language: Language) -> RenderableType:
    found = one.coverage.reasons
    colon = say("view.colon", language)
    parts = [f"{word('whereabouts', w, language)}{colon}{counted(found[w], language)}" for w in SUMS if found.get(w)]
    return Text(f"{local_part(one.mailbox)}{colon}{say('view.semicolon', language).join(parts)}", style="dim")


def counts_view(counts: Sequence[Count], language: Language) -> RenderableType:
    """Numbers told by Tradepost beside those the sandbox counts."""
    made = table(
        language, "demo_counts", ("demo_what", "demo_ours", "demo_sandbox"), right=("demo_ours", "demo_sandbox")
    )
    for one in counts:
        made.add_row(
            cell(name_of_count(one, language)), cell(one.ours), cell(one.sandbox, "" if one.same else "missing")
        )
    return made


def name_of_count(count: Count, language: Language) -> str:
    name = say(f"demo.count.{count.name}", language)
    return f"{local_part(count.of)}{say('view.colon', language)}{name}" if count.of else name


def verdict_view(counts: Sequence[Count], language: Language) -> RenderableType:
    """Whether all numbers agree, or which do not."""
    wrong = differing(counts)
    if not wrong:
        return Text(say("demo.all_agree", language, count=len(counts)), style="bold green")
    told = [
        say("demo.differs", language, name=name_of_count(c, language), ours=c.ours, sandbox=c.sandbox) for c in wrong
    ]
    return Group(Text(say("demo.not_all_agree", language), style="bold red"), *(indented(Text(t), 2) for t in told))


def demo_json(numbers: Numbers, backfill: Sequence[Count], proofs: Sequence[Count]) -> dict[str, object]:
    """Every number, ours and the sandbox's; `differing` names those that do not agree."""
    everything = (*backfill, *proofs, *numbers.counts)
    return {
        "mailboxes": {
            one.mailbox: {
                "listed": one.coverage.listed,
                **{str(where): one.coverage[where] for where in SUMS},
                "sandbox": {"held": one.held, "in_crm": one.in_crm},
            }
            for one in numbers.mailboxes
        },
        "totals": _counts_json(numbers.totals),
        "backfill": _counts_json(backfill),
        "proofs": _counts_json(proofs),
        "differing": [_label(one) for one in differing(everything)],
    }


def _counts_json(counts: Sequence[Count]) -> dict[str, dict[str, int]]:
    return {_label(one): {"tradepost": one.ours, "sandbox": one.sandbox} for one in counts}


def _label(count: Count) -> str:
    return f"{count.of}:{count.name}" if count.of else count.name
