"""Our writes as Zoho takes them. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from connectors.base.model import (
    Address,
    CreateCustomer,
    CreateTask,
    LogEmail,
    RecordKind,
    RecordRef,
)
from connectors.crm.texts import clean, cut, split_name, units
from connectors.crm.zoho_map import KEY_FIELD, FieldShape, ModuleShape, zoho_time

# https://www.zoho.com/crm/developer/docs/api/v8/associate-email.html; the older of two documented subject limits.
SUBJECT_LIMIT = 250
CONTENT_LIMIT = 32_000
MESSAGE_ID_LIMIT = 255
# No limit is documented; a mail to more people is cut here, before a limit that nobody knows is met.
MOST_RECIPIENTS = 100
NO_SUBJECT = "(no subject)"
NO_SENDER = "unknown@sender.invalid"  # `from` is mandatory; .invalid belongs to nobody (RFC 2606)

Notes = tuple[str, ...]


# --------------------------------------------------------------------------------------------------------------- text


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def is_address(text: str) -> bool:
    return bool(re.fullmatch(r"[!-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text)) and not re.search(
        r"[,;<>()\"]", text.partition("@")[0]
    )


# --------------------------------------------------------------------------------------------------------------- mails


def home_of(write: LogEmail) -> RecordRef | None:
    """The record a mail is logged on; None for a mail that is logged on its deal alone."""
    return write.participants[0].ref if write.participants else None


def mail_subject(write: LogEmail) -> str:
    """The subject as Zoho gets it, for writing and for finding again."""
    return cut(one_line(write.subject), SUBJECT_LIMIT)[0] or NO_SUBJECT


def sender_of(write: LogEmail) -> str:
    """The sender's address as Zoho gets it, for writing and for finding again."""
    return write.from_.email if is_address(write.from_.email) else NO_SENDER


def message_ref(write: LogEmail) -> str:
    """`original_message_id`: the Message-ID as the header has it; a hash where there is none or it is too long."""
    real = f"<{clean(write.message_id)}>"
    if write.message_id and units(real) <= MESSAGE_ID_LIMIT:
        return real
    return synthetic_ref(write.mail)


def synthetic_ref(word: str) -> str:
    return f"<{hashlib.sha256(word.encode()).hexdigest()}@tradepost>"


def mail_body(write: LogEmail, deal_module: str) -> tuple[dict[str, Any], Notes]:
    """The one element of ``Emails``, and notes on what was cut. `deal_module` is the id of the module Deals."""
    content, notes = _content(write)
    people, cuts = _recipients(write)
    body: dict[str, Any] = {
        "from": _person(Address(sender_of(write), write.from_.name)),
        **people,
        "subject": mail_subject(write),
        "content": content,
        "mail_format": "html",
        "date_time": zoho_time(write.sent_at),
        "sent": not write.incoming,
        "original_message_id": message_ref(write),
    }
    if units(one_line(write.subject)) > SUBJECT_LIMIT:
        notes = (*notes, "subject_cut")
    if sender_of(write) == NO_SENDER:
        notes = (*notes, "sender_not_an_address")
    home = home_of(write)
    if write.deal and home is not None:
        if home.kind is RecordKind.LEAD:
            return body, (*notes, *cuts, "deal_not_linked")
        body["linked_record"] = {"module": {"api_name": "Deals", "id": deal_module}, "id": write.deal}
    return body, (*notes, *cuts)


def _person(address: Address) -> dict[str, str]:
    return {"user_name": cut(one_line(address.name), 100)[0] or address.email, "email": address.email}


def _recipients(write: LogEmail) -> tuple[dict[str, Any], Notes]:
    """`to` must not be empty: a mail to hidden recipients shows those it has, else its sender."""
    lists: dict[str, Any] = {}
    notes: list[str] = []
    for name, many in (("to", write.to), ("cc", write.cc), ("bcc", write.bcc)):
        usable = [a for a in many if is_address(a.email)]
        if len(usable) < len(many) or len(usable) > MOST_RECIPIENTS:
            notes.append("recipients_cut")
        if usable:
            lists[name] = [_person(a) for a in usable[:MOST_RECIPIENTS]]
    if "to" not in lists:
        lists["to"] = lists.get("cc") or lists.get("bcc") or [_person(Address(sender_of(write), write.from_.name))]
    return lists, tuple(dict.fromkeys(notes))


def _content(write: LogEmail) -> tuple[str, Notes]:
    """Markup, since `text` is a format that not every document knows. What is too long falls back to the text."""
    html = clean(write.body.html) if write.body else ""
    if html and units(html) <= CONTENT_LIMIT:
        return html, ()
    notes: Notes = ("html_left_out",) if html else ()
    text = clean(write.body.text) if write.body else ""
    shown = _as_html(text)
    if units(shown) <= CONTENT_LIMIT:
        return shown or "&nbsp;", notes
    return _longest(text), (*notes, "text_cut")


def _as_html(text: str) -> str:
    return escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br>")


def _longest(text: str) -> str:
    """As much of the text as fits once it is escaped."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if units(_as_html(text[:middle])) < CONTENT_LIMIT else (low, middle - 1)
    return _as_html(text[:low]) + "…"


# --------------------------------------------------------------------------------------------------------------- tasks


def marker(key: str) -> str:
    """What finds a task again where Tasks have no key field: the end of its description."""
    return f"[tp:{key[-12:]}]"


def task_body(write: CreateTask, shape: ModuleShape) -> tuple[dict[str, Any], Notes]:
    """A task: https://www.zoho.com/crm/developer/docs/api/v8/insert-records.html."""
    subject, subject_cut = cut(one_line(write.title), shape.length("Subject", 255))
    limit = shape.length("Description", 32_000)
    tail = "" if shape.keyed else f"\n{marker(write.key)}"
    text, text_cut = cut(write.text, limit - len(tail))
    body: dict[str, Any] = {"Subject": subject or NO_SUBJECT, "Due_Date": write.due_on.isoformat()}
    if text or tail:
        body["Description"] = (text + tail).lstrip("\n")
    if write.owner:
        body["Owner"] = {"id": write.owner}
    if write.urgent and (high := _choice(shape, "Priority", "High")):
        body["Priority"] = high
    links, notes = _who_what(write)
    if shape.keyed:
        body[KEY_FIELD] = write.key
    return body | links, (*notes, *(("subject_cut",) * subject_cut), *(("text_cut",) * text_cut))


def _who_what(write: CreateTask) -> tuple[dict[str, Any], Notes]:
    """`Who_Id` takes contacts only; all else goes into `What_Id`, with its module."""
    record, deal = write.record, write.deal
    links: dict[str, Any] = {}
    if record is not None and record.kind is RecordKind.CONTACT:
        links["Who_Id"] = {"id": record.id}
    if record is not None and record.kind is RecordKind.LEAD:
        what, notes = ("Leads", record.id), ("deal_not_linked",) if deal else ()
    elif deal:
        what, notes = ("Deals", deal), ()
    elif record is not None and record.kind is RecordKind.COMPANY:
        what, notes = ("Accounts", record.id), ()
    else:
        return links, ()
    return links | {"What_Id": {"id": what[1]}, "$se_module": what[0]}, notes


def _choice(shape: ModuleShape, name: str, wanted: str) -> str:
    field = shape.fields.get(name)
    return next((c for c in field.choices if c.lower() == wanted.lower()), "") if field else ""


def closing_status(shape: ModuleShape) -> str:
    """Zoho's own word for a closed task; its label may be translated, the value is not."""
    return _choice(shape, "Status", "Completed")


# ----------------------------------------------------------------------------------------------------------- customers


def lead_body(write: CreateCustomer, shape: ModuleShape) -> dict[str, Any]:
    """A lead. Zoho demands a last name, many layouts a company; the address stands in where a mail tells none."""
    local, _, domain = write.email.partition("@")
    first, last = split_name(write.name)
    texts = {
        "First_Name": (first, 40),
        "Last_Name": (last or local, 80),
        "Company": (write.company_name or domain, 200),
        "Lead_Source": (_choice(shape, "Lead_Source", write.source), 120),
    }
    body: dict[str, Any] = {"Email": write.email}
    for name, (text, limit) in texts.items():
        kept, _shorter = cut(one_line(text), shape.length(name, limit))
        body |= {name: kept} if kept else {}
    if write.owner:
        body["Owner"] = {"id": write.owner}
    if shape.keyed:
        body[KEY_FIELD] = write.key
    return body


# -------------------------------------------------------------------------------------------------------------- fields


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """Values to set, or the name of a field that cannot be set (`refused`)."""

    values: Mapping[str, Any]
    refused: str = ""


def fields_plan(
    wanted: Sequence[tuple[str, str]], row: Mapping[str, Any], shape: ModuleShape, *, only_if_empty: bool
) -> FieldPlan:
    """What of `wanted` must be written over `row`."""
    values: dict[str, Any] = {}
    for name, text in wanted:
        field = shape.fields.get(name)
        if field is None or field.read_only:
            return FieldPlan({}, name)
        now = shown(row.get(name))
        if now == text or (only_if_empty and now):
            continue
        value = _typed(text, field)
        if value is None:
            return FieldPlan({}, name)
        values[name] = value
    return FieldPlan(values)


def shown(value: object) -> str:
    """A field's value as text; of a lookup its id."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        value = value.get("id") or value.get("name")
    return "" if value is None else str(value)


def _typed(text: str, field: FieldShape) -> Any:
    """The text as the JSON type of its field: https://www.zoho.com/crm/developer/docs/api/v8/field-meta.html."""
    try:
        if field.type in {"integer", "bigint"}:
            return int(text)
        if field.type in {"double", "currency", "percent"}:
            return float(text)
    except ValueError:
        return None
    if field.type == "boolean":
        return {"true": True, "false": False}.get(text.lower())
    if field.type in {"lookup", "ownerlookup"}:
        return {"id": text}
    return text
