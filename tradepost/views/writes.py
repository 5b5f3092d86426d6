"""`tradepost preview`: what would be written, and the words for each kind of write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime

from rich.console import Group, RenderableType

from connectors.base.model import (
    CompleteTask,
    CreateCustomer,
    CreateTask,
    LinkEmail,
    LogEmail,
    MoveDeal,
    RecordRef,
    Remove,
    SetFields,
    Write,
)
from sync.store.report import ItemReport
from tradepost.messages import Language, say
from tradepost.terminal import plain
from tradepost.views.words import cell, evidence_json, moment, table, told, word


def preview_view(items: Sequence[ItemReport], language: Language) -> RenderableType:
    """What would be written, in the order it would be."""
    if not items:
        return cell(say("view.preview_nothing", language))
    made = table(language, "preview", ("target", "kind", "written", "records", "rule", "because"))
    stages = Stages(items)
    for item in items:
        made.add_row(
            cell(item.target),
            cell(word("write", item.kind, language)),
            cell(intent_text(item, language, stages)),
            cell(", ".join(records(item.write))),
            cell(rule_text(item, stages)),
            cell("; ".join(told(one, language) for one in item.evidence)),
        )
    return Group(made, cell(say("view.preview_count", language, count=len(items))))


def preview_json(items: Sequence[ItemReport]) -> dict[str, object]:
    return {
        "writes": [
            {
                "item": item.key,
                "target": item.target,
                "kind": item.kind,
                "state": item.state,
                "rule": item.rule,
                "mail": item.mail,
                "evidence": evidence_json(item.evidence),
                "write": write_json(item.write),
            }
            for item in items
        ]
    }


class Stages:
    """The stages' names, by target and id, as the evidence of moves and proposals tells them.

    A move keeps ids, for these are what the CRM takes; the names are those of the day it was decided.
    """

    def __init__(self, items: Iterable[ItemReport]) -> None:
        self._names: dict[tuple[str, str], str] = {}
        for item in items:
            told = next((dict(e.details) for e in item.evidence if e.rule == _STAGE), {})
            before, after = told.get("from", ""), told.get("to", "")
            self._learn(item.target, item.rule.removeprefix(f"{_STAGE}:"), after)
            if isinstance(item.write, MoveDeal):
                self._learn(item.target, item.write.expect_stage, before)
                self._learn(item.target, item.write.to_stage, after)

    def _learn(self, target: str, ident: str, name: str) -> None:
        if ident and name:
            self._names[target, ident] = name

    def name(self, target: str, ident: str) -> str:
        """The stage's name, or its id where none was told."""
        return plain(self._names.get((target, ident), ident))


_STAGE = "stage"  # rule of the evidence, and beginning of the item's rule (`sync.stages`)


def rule_text(item: ItemReport, stages: Stages) -> str:
    """The rule that an item follows, with a stage's name instead of its id."""
    rule, colon, ident = item.rule.partition(":")
    return f"{rule}: {stages.name(item.target, ident)}" if rule == _STAGE and colon else item.rule


def intent_text(item: ItemReport, language: Language, stages: Stages) -> str:
    """One write in a few words."""
    match item.write:
        case LogEmail() as write:
            way = say("view.incoming" if write.incoming else "view.outgoing", language)
            return say("intent.log_email", language, way=way, subject=plain(write.subject), at=moment(write.sent_at))
        case LinkEmail():
            return say("intent.link_email", language)
        case CreateTask() as write:
            return say("intent.create_task", language, title=plain(write.title), due=moment(write.due_at))
        case CompleteTask():
            return say("intent.complete_task", language)
        case MoveDeal() as write:
            values = {
                "before": stages.name(item.target, write.expect_stage),
                "after": stages.name(item.target, write.to_stage),
            }
            return say("intent.move_deal", language, **values)
        case SetFields() as write:
            return say("intent.set_fields", language, fields=", ".join(plain(name) for name, _ in write.fields))
        case CreateCustomer() as write:
            return say("intent.create_customer", language, email=plain(write.email))
        case Remove() as write:
            return say("intent.remove", language, record=plain(write.record))


def records(write: Write) -> list[str]:
    """The records a write hangs on, as `contact:003...`, without repetitions."""
    match write:
        case LogEmail() | LinkEmail():
            refs = [_ref(p.ref) for p in write.participants]
            deal = write.deal
        case CreateTask():
            refs, deal = [_ref(write.record)] if write.record else [], write.deal
        case SetFields():
            refs, deal = [_ref(write.record)], ""
        case MoveDeal():
            refs, deal = [], write.deal
        case _:
            return []
    return list(dict.fromkeys([*refs, *([f"deal:{deal}"] if deal else [])]))


def _ref(ref: RecordRef) -> str:
    return f"{ref.kind}:{ref.id}"


def write_json(write: Write) -> dict[str, object]:
    """All of a write but its body."""
    return {f.name: _plain(getattr(write, f.name)) for f in fields(write) if f.name != "body"}


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
