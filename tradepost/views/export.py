"""`tradepost export`: what is held about one person. Of others no more than the headers of mails they share."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from connectors.base.model import Address, Customer, Deal
from sync.store.export import Held, HeldMail, HeldWrite
from sync.store.report import ItemReport
from tradepost.messages import Language, say
from tradepost.views.explain import explain_json
from tradepost.views.words import cell, iso, moment, word
from tradepost.views.writes import write_json


def export_view(held: Held, language: Language) -> RenderableType:
    lines: list[Text] = [cell(say("erase.person", language, addresses=", ".join(held.addresses)), "bold")]
    if held.erasure.done_at:
        lines.append(cell(say("export.erased", language, at=moment(held.erasure.done_at))))
    empty = not (held.mails or held.writes or held.records or held.erasure.items)
    if empty:
        lines.append(cell(say("export.nothing", language, address=held.addresses[0])))
    lines += _group("export_records", language, (_record(target, row) for target, row in held.records))
    lines += _group("deals", language, (f"{deal.name}  {deal.url or deal.id}" for _, deal in held.deals))
    lines += _group("export_mails", language, (line for mail in held.mails for line in _mail(mail, language)))
    lines += _group("export_items", language, (_write(one, language) for one in held.writes))
    lines += _group("erase", language, (one.url for one in held.erasure.items if held.erasure.asked_at and one.url))
    return Group(*lines)


def _group(title: str, language: Language, lines: Iterator[str]) -> list[Text]:
    shown = [cell(f"  {line}") for line in lines]
    return [Text(), cell(say(f"view.{title}", language), "bold"), *shown] if shown else []


def _record(target: str, row: Customer) -> str:
    return "  ".join(
        part for part in (target, row.ref.kind.value, row.ref.id, row.name, ", ".join(row.emails), row.url) if part
    )


def _mail(mail: HeldMail, language: Language) -> Iterator[str]:
    colon, facts = say("view.colon", language), mail.report.facts

    def line(name: str, value: str) -> str:
        return f"{say(f'view.{name}', language)}{colon}{value}"

    yield f"{moment(facts.sent_at)}  {facts.subject}"
    yield "  " + line("from", _people((facts.from_,)))
    yield "  " + line("to", _people((*facts.to, *facts.cc, *facts.bcc)))
    yield from ("  " + line("copy", f"{mailbox} {provider_id}") for mailbox, provider_id, _ in mail.report.copies)
    if mail.text or mail.text_kept:
        yield "  " + line("mail_text", mail.text or say("export.text_kept", language))
    yield from ("  " + line("item", _item(item, language)) for item in mail.report.items)


def _people(people: tuple[Address, ...]) -> str:
    return ", ".join(f"{p.name} <{p.email}>" if p.name else p.email for p in people)


def _item(item: ItemReport, language: Language) -> str:
    kind, state = word("write", item.kind, language), word("item_state", item.state, language)
    return "  ".join(part for part in (item.target, kind, state, item.url) if part)


def _write(one: HeldWrite, language: Language) -> str:
    kind, state = word("write", one.kind, language), word("item_state", one.state, language)
    return "  ".join(part for part in (moment(one.created_at), one.target, kind, state, one.url) if part)


# ----------------------------------------------------------------------------------------------------------------- JSON


def export_json(held: Held, language: Language) -> dict[str, object]:
    erasure = held.erasure
    return {
        "addresses": list(held.addresses),
        "erased_at": iso(erasure.done_at),
        "records": [{"target": target, **_customer_json(row)} for target, row in held.records],
        "deals": [{"target": target, **_deal_json(deal)} for target, deal in held.deals],
        "mails": [_mail_json(mail, language) for mail in held.mails],
        "writes": [
            {
                "item": one.key,
                "target": one.target,
                "kind": one.kind,
                "state": one.state,
                "url": one.url,
                "created_at": iso(one.created_at),
                "write": write_json(one.write),
            }
            for one in held.writes
        ],
        "left_in_crm": [one.url for one in erasure.items if erasure.asked_at and one.url],
    }


def _customer_json(row: Customer) -> dict[str, object]:
    return {
        "kind": row.ref.kind,
        "id": row.ref.id,
        "name": row.name,
        "emails": list(row.emails),
        "owner": row.owner,
        "company": row.company.id if row.company else "",
        "url": row.url,
    }


def _deal_json(deal: Deal) -> dict[str, object]:
    return {"id": deal.id, "name": deal.name, "stage": deal.stage, "url": deal.url}


def _mail_json(mail: HeldMail, language: Language) -> dict[str, object]:
    """The headers that are held, and what became of the mail; of a shared one nothing that says whose else it is."""
    facts = mail.report.facts
    found = explain_json(mail.report, language)
    if not mail.alone:
        found |= {"verdicts": _without(found["verdicts"]), "items": _without(found["items"])}
        found.pop("journal")
    return {
        **found,
        "alone": mail.alone,
        "message_id": facts.message_id,
        "references": list(facts.references),
        "from_name": facts.from_.name,
        "reply_to": [a.email for a in facts.reply_to],
        "bcc": [a.email for a in facts.bcc],
        "attachments": [{"name": a.name, "type": a.media_type, "size": a.size} for a in facts.attachments],
        "text": mail.text,
        "text_kept": mail.text_kept,
    }


def _without(rows: object) -> list[dict[str, object]]:
    """Rows without what names other people's records."""
    assert isinstance(rows, list)  # noqa: S101 - `explain_json` made it
    return [{name: value for name, value in row.items() if name not in {"evidence", "write"}} for row in rows]
