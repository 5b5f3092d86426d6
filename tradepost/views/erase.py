"""`tradepost erase`: what there is of a person, what erasing would do with it, and what it has come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Group, RenderableType

from sync.store.erasure import Erasure, Record
from tradepost.messages import Language, known, say
from tradepost.views.undo import fates, fates_json, staying
from tradepost.views.words import cell, iso, moment


def plan_view(found: Erasure, vendors: Mapping[str, str], copies: Sequence[Path], language: Language) -> RenderableType:
    """What goes and what stays, and why."""
    state = [
        *_done_before(found, language),
        say("erase.state", language, mails=found.mails, shared=found.shared),
        say("erase.stays_here", language),
    ]
    return _view(found, vendors, copies, language, "erase_way", state)


def outcome_view(
    found: Erasure, vendors: Mapping[str, str], copies: Sequence[Path], language: Language
) -> RenderableType:
    return _view(found, vendors, copies, language, "erase_done", _done_before(found, language))


def _done_before(found: Erasure, language: Language) -> list[str]:
    return [say("erase.done_before", language, at=moment(found.done_at))] if found.done_at else []


def _view(
    found: Erasure,
    vendors: Mapping[str, str],
    copies: Sequence[Path],
    language: Language,
    group: str,
    state: Sequence[str],
) -> RenderableType:
    head = say("erase.person", language, addresses=", ".join(found.addresses))
    parts: list[RenderableType] = [cell(line) for line in (head, *state)]
    if found.items:
        parts.append(fates(found.items, language, title="erase", ways=group, reasons="erase_stays"))
    parts += staying(found.items, language, "erase")
    if found.records:
        parts.append(cell(say("view.erase_records", language), "bold"))
        parts += (cell(f"{_place(one)}  {how(vendors, one, language)}") for one in found.records)
    parts.append(cell(say("erase.backups" if copies else "erase.backups_elsewhere", language)))
    parts += (cell(str(path)) for path in copies)
    return Group(*parts)


def how(vendors: Mapping[str, str], record: Record, language: Language) -> str:
    """How a person erases a record in its CRM."""
    kind = vendors.get(record.target, "")
    return say(f"erase_record.{kind}" if known(f"erase_record.{kind}") else "erase_record.other", language)


def _place(record: Record) -> str:
    return record.url or f"{record.target} {record.ref.kind.value} {record.ref.id}"


def erasure_json(
    found: Erasure, vendors: Mapping[str, str], copies: Sequence[Path], language: Language
) -> dict[str, object]:
    return {
        "addresses": list(found.addresses),
        "asked_at": iso(found.asked_at),
        "done_at": iso(found.done_at),
        "mails": found.mails,
        "shared_mails": found.shared,
        "items": fates_json(found.items, language, reasons="erase_stays"),
        "records": [
            {
                "target": one.target,
                "kind": one.ref.kind,
                "id": one.ref.id,
                "url": one.url,
                "how": how(vendors, one, language),
            }
            for one in found.records
        ],
        "copies": [str(path) for path in copies],
    }
