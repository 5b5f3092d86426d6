"""Views of runs through history, unreadable mails, hits of a search, and the plan of a backfill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType

from sync.coverage import Whereabouts
from sync.store.alarms import Known, Untold
from sync.store.coverage import Day
from sync.store.mailboxes import Run
from sync.store.report import MailReport
from tradepost.messages import Language, say
from tradepost.views.words import cell, iso, moment, table, told_error, word

IDENTITY_SHOWN = 16  # characters of an identity: enough for `explain` to find one mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Doings:
    """What goes on beside the sums of `status`.

    `partly`: mailbox -> how many of how many days are counted, where not all are.
    `unreadable`: mailbox, provider id, reason; `paused_kinds`: target, kind of write, what got weaker.
    """

    running: bool = False
    uncounted: Sequence[str] = ()
    partly: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    runs: Sequence[Run] = ()
    unreadable: Sequence[tuple[str, str, str]] = ()
    paused_kinds: Sequence[tuple[str, str, str]] = ()
    missing_days: Mapping[str, Sequence[Day]] = field(default_factory=dict)
    alarms: Sequence[Known] = ()
    untold: Sequence[Untold] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxPlan:
    """What one mailbox's history costs to read. `units` are the provider's; `trouble` says why it cannot be counted."""

    mailbox: str
    listed: int = 0
    known: int = 0
    pages: int = 0
    fetches: int = 0
    units: float = 0.0
    hours: float = 0.0
    trouble: str = ""

    @property
    def to_read(self) -> int:
        return self.listed - self.known

    @property
    def calls(self) -> int:
        return self.pages + self.fetches


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlan:
    """What logging costs one CRM at most; `usage` is the share of its call pool that is used up now."""

    target: str
    mails: int = 0
    batch: int = 0
    calls: int = 0
    usage: float = 0.0
    writes: bool = True
    trouble: str = ""


def doings_view(doings: Doings, language: Language) -> RenderableType:
    """What is not well or under way, a line or table each."""
    parts: list[RenderableType] = []
    if doings.alarms:
        parts.append(alarms_table(doings.alarms, language))
    parts += [cell(untold_line(one, language), "missing") for one in doings.untold]
    parts += [cell(line, "missing") for line in _missing_lines(doings.missing_days, language)]
    if doings.unreadable:
        parts.append(unreadable_table(doings.unreadable, language))
    if doings.runs:
        parts.append(runs_table(doings.runs, language))
    for target, kind, why in doings.paused_kinds:
        values = {"target": target, "kind": word("write", kind, language), "why": word("weaker", why, language)}
        parts.append(cell(say("status.paused_kind", language, **values), "paused"))
    if doings.uncounted:
        parts.append(cell(say("status.uncounted", language, mailboxes=", ".join(doings.uncounted))))
    for mailbox, (counted, days) in doings.partly.items():
        parts.append(cell(say("status.partly", language, mailbox=mailbox, counted=counted, days=days)))
    parts.append(cell(say("status.running" if doings.running else "status.not_running", language)))
    return Group(*parts)


def doings_json(doings: Doings, language: Language) -> dict[str, object]:
    return {
        "running": doings.running,
        "alarms": [alarm_json(alarm, language) for alarm in doings.alarms],
        "untold_alarms": [untold_json(one) for one in doings.untold],
        "missing_days": {
            mailbox: {day.day.isoformat(): day.coverage[Whereabouts.MISSING] for day in days}
            for mailbox, days in doings.missing_days.items()
            if days
        },
        "uncounted": list(doings.uncounted),
        "partly_counted": {
            mailbox: {"days_counted": counted, "days": days} for mailbox, (counted, days) in doings.partly.items()
        },
        "runs": [run_json(run) for run in doings.runs],
        "unreadable": unreadable_json(doings.unreadable, language),
        "paused_kinds": [{"target": t, "kind": k, "weaker": why} for t, k, why in doings.paused_kinds],
    }


def alarms_table(alarms: Sequence[Known], language: Language) -> RenderableType:
    """What is wrong now, oldest first."""
    made = table(language, "alarms", ("created_at", "alarm"))
    for alarm in alarms:
        made.add_row(cell(moment(alarm.raised_at)), cell(told_alarm(alarm, language)[1], "missing"))
    return made


def _in_words(facts: Mapping[str, str], language: Language) -> dict[str, str]:
    """Facts that are codes: why a lane stands, which kinds of write are held back."""
    name, _, code = facts.get("why", "").partition(" ")
    kinds = (word("write", kind, language) for kind in facts.get("kinds", "").split(", "))
    told = {"why": told_error(name, code, "", language), "kinds": say("view.comma", language).join(kinds)}
    return {key: told[key] for key in told if key in facts}


def told_alarm(alarm: Known, language: Language) -> tuple[str, str]:
    """Title and text of an alarm."""
    values = {"subject": alarm.subject, **alarm.facts, **_in_words(alarm.facts, language)}
    return say(f"alarm.{alarm.kind}.title", language, **values), say(f"alarm.{alarm.kind}.text", language, **values)


def untold_line(one: Untold, language: Language) -> str:
    """Which channel has refused an alarm, how often, and when it is tried again."""
    values = {"channel": one.channel, "tries": one.tries, "title": told_alarm(one.alarm, language)[0]}
    if one.again is None:
        return say("status.told_nobody", language, **values)
    return say("status.untold", language, **values, again=moment(one.again))


def untold_json(one: Untold) -> dict[str, object]:
    return {
        "kind": one.alarm.kind,
        "subject": one.alarm.subject,
        "event": one.event,
        "channel": one.channel,
        "tries": one.tries,
        "again": iso(one.again),
    }


def alarm_json(alarm: Known, language: Language) -> dict[str, object]:
    return {
        "kind": alarm.kind,
        "subject": alarm.subject,
        "raised_at": iso(alarm.raised_at),
        "facts": dict(alarm.facts),
        "text": told_alarm(alarm, language)[1],
    }


def _missing_lines(missing: Mapping[str, Sequence[Day]], language: Language) -> list[str]:
    """Each mailbox with the days on which its mail is missing."""
    colon = say("view.colon", language)
    return [
        f"{mailbox}{colon}{say('view.missing_days', language)}{colon}"
        + ", ".join(f"{one.day.isoformat()} ({one.coverage[Whereabouts.MISSING]})" for one in days)
        for mailbox, days in missing.items()
        if days
    ]


def runs_table(runs: Sequence[Run], language: Language) -> RenderableType:
    numbers = ("listed", "read_column")
    made = table(language, "runs", ("mailbox", "run_kind", "since", "until", *numbers), right=numbers)
    for run in runs:
        made.add_row(
            cell(run.mailbox),
            cell(word("run_kind", run.kind, language)),
            cell(moment(run.since)),
            cell(moment(run.until)),
            cell(f"{run.listed:,}"),
            cell(f"{run.read:,}"),
        )
    return made


def run_json(run: Run) -> dict[str, object]:
    return {
        "mailbox": run.mailbox,
        "kind": run.kind,
        "since": iso(run.since),
        "until": iso(run.until),
        "listed": run.listed,
        "read": run.read,
        "done": run.done,
    }


def unreadable_table(mails: Sequence[tuple[str, str, str]], language: Language) -> RenderableType:
    made = table(language, "unreadable", ("mailbox", "provider_id", "reason"))
    for mailbox, id_, reason in mails:
        made.add_row(cell(mailbox), cell(id_), cell(word("reason", reason, language), "parked"))
    return made


def unreadable_json(mails: Sequence[tuple[str, str, str]], language: Language) -> list[dict[str, str]]:
    return [
        {"mailbox": mailbox, "provider_id": id_, "reason": reason, "reason_text": word("reason", reason, language)}
        for mailbox, id_, reason in mails
    ]


def hits_table(reports: Sequence[MailReport], language: Language) -> RenderableType:
    """Several mails that may be meant, the newest first."""
    made = table(language, "hits", ("mail", "sent_at", "from", "subject_line"))
    for report in reports:
        facts = report.facts
        made.add_row(
            cell(report.identity[:IDENTITY_SHOWN]),
            cell(moment(facts.sent_at)),
            cell(facts.from_.email),
            cell(facts.subject),
        )
    return made


def hits_json(reports: Sequence[MailReport]) -> list[dict[str, object]]:
    return [
        {"mail": r.identity, "subject": r.facts.subject, "from": r.facts.from_.email, "sent_at": iso(r.facts.sent_at)}
        for r in reports
    ]


def plan_view(mailboxes: Sequence[MailboxPlan], targets: Sequence[TargetPlan], language: Language) -> RenderableType:
    """What a backfill costs; hours of mailboxes pass side by side."""
    numbers = ("listed", "known", "to_read", "calls", "units", "hours")
    made = table(language, "plan", ("mailbox", *numbers, "why"), right=numbers)
    for one in mailboxes:
        sums = (one.listed, one.known, one.to_read, one.calls, round(one.units))
        made.add_row(
            cell(one.mailbox), *(cell(f"{n:,}") for n in sums), cell(f"{one.hours:.2f}"), cell(one.trouble, "error")
        )
    if len(mailboxes) > 1:
        made.add_section()
        totals = [
            sum(values)
            for values in zip(
                *((m.listed, m.known, m.to_read, m.calls, round(m.units)) for m in mailboxes), strict=True
            )
        ]
        longest = max(m.hours for m in mailboxes)
        made.add_row(
            cell(say("view.total", language)), *(cell(f"{n:,}") for n in totals), cell(f"{longest:.2f}"), cell("")
        )
    parts: list[RenderableType] = [made]
    for target in targets:
        values = {"target": target.target, "mails": target.mails, "calls": target.calls, "batch": target.batch}
        name = "plan.target" if target.writes else "plan.target_off"
        text = target.trouble or say(name, language, **values, usage=f"{target.usage:.0%}")
        parts.append(cell(text, "error" if target.trouble else ""))
    return Group(*parts)


def plan_json(mailboxes: Sequence[MailboxPlan], targets: Sequence[TargetPlan]) -> dict[str, object]:
    return {
        "mailboxes": [
            {
                "mailbox": m.mailbox,
                "listed": m.listed,
                "known": m.known,
                "to_read": m.to_read,
                "calls": m.calls,
                "units": m.units,
                "hours": m.hours,
                "trouble": m.trouble,
            }
            for m in mailboxes
        ],
        "targets": [
            {
                "target": t.target,
                "mails_at_most": t.mails,
                "batch": t.batch,
                "calls_at_most": t.calls,
                "usage": t.usage,
                "writes": "on" if t.writes else "off",
                "trouble": t.trouble,
            }
            for t in targets
        ],
    }
