"""`tradepost explain`: one mail, what was decided, by which rule and evidence, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from mappings.model import Facts
from sync.store.report import ItemReport, MailReport, VerdictReport
from tradepost.messages import Language, say
from tradepost.views.words import STYLES, cell, evidence_json, iso, moment, told, told_detail, word
from tradepost.views.writes import Stages, intent_text, rule_text, write_json


def explain_view(report: MailReport, language: Language) -> RenderableType:
    stages = Stages(report.items)
    lines = [
        *_facts(report, language),
        *(line for verdict in report.verdicts for line in _verdict(verdict, language)),
        *(line for item in report.items for line in _item(item, language, stages)),
        *_journal(report, language, stages),
    ]
    return Group(*lines)


def _line(name: str, language: Language, value: str, *, indent: int = 0, style: str = "") -> Text:
    label = Text(" " * indent + say(f"view.{name}", language) + say("view.colon", language), style="bold")
    return label.append(cell(value, style).plain, style=STYLES.get(style, "not bold"))


def _facts(report: MailReport, language: Language) -> Iterator[Text]:
    facts = report.facts
    yield _line("mail", language, report.identity)
    yield _line("subject_line", language, facts.subject)
    yield _line("from", language, facts.from_.email)
    yield _line("to", language, ", ".join(a.email for a in (*facts.to, *facts.cc)))
    yield _line("sent_at", language, moment(facts.sent_at))
    yield _line("reading", language, _reading(facts, language))
    if facts.findings:
        found = [
            say(
                "view.told",
                language,
                what=word("finding", f.kind, language),
                how=f"{word('where', f.where, language)}{say('view.colon', language)}{f.word}",
            )
            for f in facts.findings
        ]
        yield _line("findings", language, say("view.comma", language).join(found))
    yield _line("live", language, say("view.live_yes" if report.live else "view.live_no", language))
    for mailbox, provider_id, state in report.copies:
        yield _line("copy", language, f"{mailbox} {provider_id} {word('copy_state', state, language)}")


def _reading(facts: Facts, language: Language) -> str:
    parts = word("direction", facts.direction, language), word("mail_kind", facts.kind, language)
    kind = say("view.comma", language).join(parts)
    return say("view.told", language, what=kind, how=facts.kind_evidence) if facts.kind_evidence else kind


def _verdict(verdict: VerdictReport, language: Language) -> Iterator[Text]:
    state = word("verdict", verdict.state, language)
    reason = word("reason", verdict.reason, language)
    yield Text()
    what = f"{verdict.target}{say('view.colon', language)}{state}{f' - {reason}' if reason else ''}"
    yield _line("decided", language, what, style=verdict.state)
    for one in verdict.evidence:
        yield _line("because", language, told(one, language), indent=2)
    yield _line("decided_at", language, moment(verdict.decided_at), indent=2)


def _item(item: ItemReport, language: Language, stages: Stages) -> Iterator[Text]:
    yield Text()
    state = word("item_state", item.state, language)
    what = intent_text(item, language, stages)
    yield _line("item", language, f"{what} -> {item.target}{say('view.colon', language)}{state}", style=item.state)
    if item.reason or item.detail:
        parts = (word("reason", item.reason, language), told_detail(item.detail, language))
        yield _line("reason", language, " ".join(part for part in parts if part), indent=2)
    if item.rule:
        yield _line("rule", language, rule_text(item, stages), indent=2)
    for one in item.evidence:
        yield _line("because", language, told(one, language), indent=2)
    if item.record:
        effect = word("effect", item.effect, language)
        yield _line("record", language, " ".join(part for part in (item.record, effect, item.url) if part), indent=2)
    for note in item.note.split(",") if item.note else ():
        yield _line("note", language, word("note", note, language), indent=2)


def _journal(report: MailReport, language: Language, stages: Stages) -> Iterator[Text]:
    items = {item.key: item for item in report.items}
    if report.journal:
        yield Text()
        yield Text(say("view.journal", language), style="bold")
    for line in report.journal:
        item = items.get(line.item)
        details = "; ".join(
            rule_text(item, stages) if key == "rule" and item else _happened(key, str(value), language)
            for key, value in sorted(line.details.items())
        )
        event = word("journal", line.event, language)
        yield cell(f"  {moment(line.at)}  {event}{f' ({details})' if details else ''}")


def _happened(key: str, value: str, language: Language) -> str:
    """A detail of the journal in words, where it is a code that has some."""
    match key:
        case "kind":
            return word("write", value, language)
        case "reason":
            return word("reason_short", value, language)
        case "detail":
            return told_detail(value, language)
        case _:
            return f"{key}={value}"


def explain_json(report: MailReport, language: Language) -> dict[str, object]:
    return {
        "mail": report.identity,
        "subject": report.facts.subject,
        "from": report.facts.from_.email,
        "to": [a.email for a in report.facts.to],
        "cc": [a.email for a in report.facts.cc],
        "sent_at": iso(report.facts.sent_at),
        "direction": report.facts.direction,
        "kind": report.facts.kind,
        "kind_evidence": report.facts.kind_evidence,
        "findings": [{"kind": f.kind, "where": f.where, "word": f.word} for f in report.facts.findings],
        "live": report.live,
        "copies": [{"mailbox": m, "provider_id": p, "state": s} for m, p, s in report.copies],
        "verdicts": [_verdict_json(verdict, language) for verdict in report.verdicts],
        "items": [_item_json(item, language) for item in report.items],
        "journal": [
            {"at": iso(n.at), "event": n.event, "item": n.item, "details": dict(n.details)} for n in report.journal
        ],
    }


def _verdict_json(verdict: VerdictReport, language: Language) -> dict[str, object]:
    return {
        "target": verdict.target,
        "state": verdict.state,
        "reason": verdict.reason,
        "reason_text": word("reason", verdict.reason, language),
        "evidence": evidence_json(verdict.evidence),
        "decided_at": iso(verdict.decided_at),
    }


def _item_json(item: ItemReport, language: Language) -> dict[str, object]:
    return {
        "item": item.key,
        "target": item.target,
        "kind": item.kind,
        "state": item.state,
        "reason": item.reason,
        "reason_text": word("reason", item.reason, language),
        "detail": item.detail,
        "detail_text": told_detail(item.detail, language),
        "rule": item.rule,
        "evidence": evidence_json(item.evidence),
        "write": write_json(item.write),
        "record": item.record,
        "effect": item.effect,
        "url": item.url,
        "note": item.note,
    }
