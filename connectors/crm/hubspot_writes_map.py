"""Our writes as HubSpot activities: properties, and the records they hang on. Pure.

https://developers.hubspot.com/docs/api-reference/latest/crm/activities/emails/guide
https://developers.hubspot.com/docs/api-reference/latest/crm/activities/tasks/guide
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from connectors.base.model import Address, CreateCustomer, CreateTask, LinkEmail, LogEmail, RecordRef
from connectors.crm.hubspot_map import KEY, LINKS, OBJECTS, Row, iso, millis, parse_time, several, value
from connectors.crm.texts import clean, cut, split_name, units

# A text property holds 65,536 characters. Which characters are counted is not said, so UTF-16 units are, the most.
# https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
TEXT_LIMIT = 65_536
NAME_LIMIT = 200
TASK_LIMIT = TEXT_LIMIT // 5  # markup makes of one character five at most
# How large a request may be is not said anywhere.
MAX_BYTES = 2_500_000
OPEN, CLOSED = "NOT_STARTED", "COMPLETED"


class KeyMode(StrEnum):
    """What protects a new record from being made twice."""

    UNIQUE = "a"  # our key is a unique property: it can be looked up at once, and HubSpot refuses a second one
    PLAIN = "b"  # our key is an ordinary property: it can be searched for, minutes later
    NONE = "c"  # no key: the record can only be recognised


@dataclass(frozen=True, slots=True)
class Shape:
    """What the account lets us write on one object. `writable` are the properties that take a value."""

    mode: KeyMode = KeyMode.NONE
    writable: frozenset[str] = frozenset()
    known: bool = False  # whether the definitions could be read at all


@dataclass(frozen=True, slots=True)
class Activity:
    """A new activity: its object, its properties, and (object, id) of the records it belongs to."""

    name: str
    key: str
    properties: Mapping[str, str]
    targets: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    record: str = ""  # where it exists already

    @property
    def note(self) -> str:
        return ",".join(dict.fromkeys(self.notes))

    def input(self, mode: KeyMode) -> dict[str, Any]:
        """The row of a batch: an upsert by key, which takes no associations, or a create with them."""
        keyed = {**self.properties, KEY: self.key}
        if mode is KeyMode.UNIQUE:
            return {"id": self.key, "idProperty": KEY, "properties": keyed}
        inline = [(name, record) for name, record in self.targets if (self.name, name) in LINKS]
        links = [{"to": {"id": record}, "types": [link_type(LINKS[self.name, name])]} for name, record in inline]
        return {"properties": keyed if mode is KeyMode.PLAIN else dict(self.properties), "associations": links}

    def linked(self, mode: KeyMode) -> tuple[tuple[str, str], ...]:
        """The targets that the row itself brings."""
        return () if mode is KeyMode.UNIQUE else tuple(t for t in self.targets if (self.name, t[0]) in LINKS)


def link_type(type_id: int) -> dict[str, Any]:
    return {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}


# ----------------------------------------------------------------------------------------------------------------- text


def as_html(text: str) -> str:
    """Plain text for a property that is shown as markup."""
    return html.escape(clean(text), quote=False).replace("\r\n", "\n").replace("\n", "<br>")


# ---------------------------------------------------------------------------------------------------------------- mails


def targets_of(refs: Iterable[RecordRef], deal: str) -> tuple[tuple[str, str], ...]:
    """(object, id) of each record once, the deal last."""
    found = [(OBJECTS[ref.kind], ref.id) for ref in refs]
    return tuple(dict.fromkeys([*found, *([("deals", deal)] if deal else [])]))


def mail_activity(write: LogEmail, shape: Shape) -> Activity:
    """A logged mail. `SENT` only says that it was sent; nothing is."""
    notes: list[str] = []
    properties = {
        "hs_timestamp": iso(write.sent_at),
        "hs_email_direction": direction(write),
        "hs_email_status": "SENT",
    }

    def put(name: str, text: str, note: str) -> None:
        kept, shorter = cut(text, TEXT_LIMIT)
        properties.update({name: kept} if kept else {})
        notes.extend([note] if shorter else [])

    put("hs_email_subject", write.subject, "subject_cut")
    put("hs_email_text", write.body.text if write.body else "", "text_cut")
    markup = clean(write.body.html) if write.body else ""
    if markup and units(markup) > TEXT_LIMIT:  # a cut would break it; the text is there anyway
        notes.append("html_left_out")
    elif markup:
        properties["hs_email_html"] = markup
    properties["hs_email_headers"], shorter = headers_of(write)
    notes += ["recipients_cut"] if shorter else []
    if write.owner:
        properties["hubspot_owner_id"] = write.owner
    properties |= _identifiers(write, shape)
    refs = [p.ref for p in write.participants]
    return Activity("emails", write.key, properties, targets_of(refs, write.deal), tuple(notes))


def direction(write: LogEmail) -> str:
    return "INCOMING_EMAIL" if write.incoming else "EMAIL"


def _identifiers(write: LogEmail, shape: Shape) -> dict[str, str]:
    """HubSpot keeps these of mail it logs itself; whether a program may set them, the definitions say."""
    found = {"hs_email_message_id": f"<{clean(write.message_id)}>" if write.message_id else ""}
    return {name: text for name, text in found.items() if text and name in shape.writable and units(text) <= 1000}


def headers_of(write: LogEmail) -> tuple[str, bool]:
    """Sender and recipients as the JSON text that fills HubSpot's own read-only properties."""
    body: dict[str, Any] = {"from": _person(write.from_)} if write.from_.email else {}
    lists = {"to": write.to, "cc": write.cc, "bcc": write.bcc}
    body |= {name: [_person(a) for a in people if a.email] for name, people in lists.items()}
    shorter = False
    while units(text := json.dumps(body, ensure_ascii=False, separators=(",", ":"))) > TEXT_LIMIT:
        longest = max(("bcc", "cc", "to"), key=lambda name: len(body[name]))
        if not body[longest]:
            return json.dumps({}), True
        body[longest] = body[longest][: len(body[longest]) // 2]
        shorter = True
    return text, shorter


def _person(address: Address) -> dict[str, str]:
    first, last = split_name(cut(address.name, NAME_LIMIT)[0])
    body = {"email": clean(address.email), "firstName": first, "lastName": last}
    return {name: text for name, text in body.items() if text or name == "email"}


# ---------------------------------------------------------------------------------------------------------------- tasks


def task_mark(key: str) -> str:
    """What stands at the end of a task's text where the account keeps no key on tasks."""
    return f"[tp:{key[-12:]}]"


def task_activity(write: CreateTask, shape: Shape) -> Activity:
    """A task; `hs_timestamp` is when it is due."""
    title, title_cut = cut(write.title, TEXT_LIMIT)
    mark = f"\n\n{task_mark(write.key)}" if shape.mode is KeyMode.NONE else ""
    plain, text_cut = cut(write.text, TASK_LIMIT - len(mark))
    text = as_html(plain + mark)
    due = iso(write.due_at)
    properties = {
        "hs_timestamp": due,
        "hs_task_subject": title,
        "hs_task_status": OPEN,
        "hs_task_type": "TODO",
    }
    properties |= {"hs_task_body": text} if text else {}
    properties |= {"hubspot_owner_id": write.owner} if write.owner else {}
    if write.urgent:
        properties |= {"hs_task_priority": "HIGH", "hs_task_reminders": str(millis(write.due_at))}
    notes = ["subject_cut"] * title_cut + ["text_cut"] * text_cut
    targets = targets_of([write.record] if write.record else [], write.deal)
    return Activity("tasks", write.key, properties, targets, tuple(notes))


def customer_properties(write: CreateCustomer, shape: Shape) -> dict[str, str]:
    """A contact. The name stays whole where it is not plainly first and last."""
    first, last = split_name(cut(write.name, NAME_LIMIT)[0])
    company, _ = cut(write.company_name, 250)
    texts = {"email": clean(write.email), "firstname": first, "lastname": last, "company": company}
    texts |= {"hubspot_owner_id": write.owner}
    texts |= {KEY: write.key} if shape.mode is not KeyMode.NONE else {}
    return {name: text for name, text in texts.items() if text}


# ------------------------------------------------------------------------------------------------------------ recognise

FINGERPRINT = (
    KEY,
    "hs_timestamp",
    "hs_email_subject",
    "hs_email_direction",
    "hs_email_from_email",
    "hs_email_to_email",
    "hs_email_message_id",
    "hs_engagement_source",
    "hs_object_source",
    "hs_object_source_id",
    "hs_createdate",
)
TASK_FINGERPRINT = (KEY, "hs_timestamp", "hs_task_body", "hs_createdate")
OURS = frozenset({"INTEGRATION", "API"})  # what HubSpot names the source of what a program made


@dataclass(frozen=True, slots=True)
class Author:
    """By what our own records and changes are known: the id of the key's app, where HubSpot told it."""

    app: str = ""

    def made(self, source: str, source_id: str) -> bool:
        """Whether a program made it: this one, as far as can be told."""
        known = bool(self.app and source_id)
        return source_id == self.app if known else source.upper() in OURS


def source_of(row: Row) -> tuple[str, str]:
    return value(row, "hs_object_source") or value(row, "hs_engagement_source"), value(row, "hs_object_source_id")


def is_mail(write: LogEmail, row: Row, author: Author, *, hidden: bool = False) -> bool | None:
    """Whether a row without a key is this very mail, as we would have logged it.

    None where its content cannot be seen: all of it is `hidden` from a key without sales-email-read.
    https://developers.hubspot.com/changelog/announcement-new-scope-required-to-get-the-content-of-email-engagements
    """
    moment = parse_time(value(row, "hs_timestamp"))
    seems = (
        author.made(*source_of(row))
        and moment is not None
        and millis(moment) == millis(write.sent_at)
        and value(row, "hs_email_direction") == direction(write)
        and same_id(write.message_id, row) is not False
    )
    if not seems:
        return False
    subject, theirs = cut(write.subject, TEXT_LIMIT)[0].strip(), value(row, "hs_email_subject")
    if hidden or (subject and not theirs):
        return None
    recipients = {r.lower() for r in several(value(row, "hs_email_to_email"))}
    return (
        theirs == subject
        and value(row, "hs_email_from_email").lower() in ("", write.from_.email)
        and (not recipients or not write.to or not recipients.isdisjoint(a.email for a in write.to))
    )


def is_task(write: CreateTask, row: Row) -> bool:
    """Whether a row without a key bears the mark of this task."""
    return task_mark(write.key) in value(row, "hs_task_body")


def same_id(message_id: str, row: Row) -> bool | None:
    """Whether a row bears this Message-ID; None where one of the two is not known."""
    theirs = value(row, "hs_email_message_id").strip("<> ")
    return theirs == message_id.strip("<> ") if theirs and message_id else None


# -------------------------------------------------------------------------------------------------------------- batches


@dataclass(frozen=True, slots=True)
class Sending:
    """An activity on its way: its place in the caller's list. `alone` keeps it out of a batch with others."""

    at: int
    activity: Activity
    alone: bool = False
    size: int = field(default=0)


def batches(sendings: Sequence[Sending], most: int) -> list[list[Sending]]:
    """As few calls as rows and bytes allow; one that must go `alone` gets a call of its own."""
    found: list[list[Sending]] = []
    size = 0
    for one in sendings:
        size += one.size
        full = not found or len(found[-1]) >= most or size > MAX_BYTES or one.alone or found[-1][-1].alone
        if full:
            found.append([])
            size = one.size
        found[-1].append(one)
    return found


def link_targets(write: LinkEmail) -> tuple[tuple[str, str], ...]:
    return targets_of([p.ref for p in write.participants], write.deal)
