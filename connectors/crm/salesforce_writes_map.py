"""Our writes as Salesforce records, one composite graph each. Pure.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_emailmessage.htm
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from connectors.base.model import (
    Address,
    CreateCustomer,
    CreateTask,
    Effect,
    LinkEmail,
    LogEmail,
    Participant,
    RecordKind,
    Role,
)
from connectors.crm.salesforce_map import API_VERSION, KEY_FIELD, LEDGER, LEDGER_RECORD, ObjectShape, id18, soql_time
from connectors.crm.texts import clean as cleaned
from connectors.crm.texts import cut as shortened
from connectors.crm.texts import split_name, units

MAX_GRAPHS = 75
MAX_NODES = 500
NODES_PER_MAIL = 7  # the mail, its sender, a ledger row, and room for links: 50 mails stay within 500 nodes
SENT = "3"  # the only status of a mail outside cases, incoming ones too
# The owner is ours to choose, and a rule that only warns of doubles must stop us too. Nodes inherit neither header.
SAVE_HEADERS = {
    "Sforce-Auto-Assign": "FALSE",
    "Sforce-Duplicate-Rule-Header": "allowSave=false; includeRecordDetails=false; runAsCurrentUser=true",
}
_RELATION = {Role.FROM: "FromAddress", Role.TO: "ToAddress", Role.CC: "CcAddress", Role.BCC: "BccAddress"}


class KeyPlace(StrEnum):
    """Where the key of a logged mail is kept."""

    FIELD = "field"  # on the EmailMessage itself
    LEDGER = "ledger"  # on a ledger row written in the same transaction
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Node:
    """One request of a graph; `record` is empty for a new one."""

    ref: str
    method: str
    sobject: str
    body: Mapping[str, Any]
    record: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        path = f"/services/data/v{API_VERSION}/sobjects/{self.sobject}"
        url = f"{path}/{self.record}" if self.record else path
        node = {"method": self.method, "url": url, "referenceId": self.ref, "body": dict(self.body)}
        return node | ({"httpHeaders": dict(self.headers)} if self.headers else {})


@dataclass(frozen=True, slots=True)
class Plan:
    """The nodes of one write. `record` names the record where it exists before; else the first node makes it.

    A plan without nodes has nothing to do.
    """

    nodes: tuple[Node, ...]
    sobject: str
    effect: Effect = Effect.CREATED
    record: str = ""
    notes: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        return ",".join(dict.fromkeys(self.notes))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a write needs to know of the org: shapes and key places by object, words of its picklists.

    `users` are the active ones by address, `accounts` the account of each contact in question.
    """

    shapes: Mapping[str, ObjectShape]
    places: Mapping[str, KeyPlace]
    closing: str = ""  # the status that closes a task
    high: str = ""  # the priority of an urgent task
    users: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)

    def length(self, sobject: str, name: str, default: int) -> int:
        """What a text field holds. A field that describe does not tell is taken as `default`."""
        shape = self.shapes.get(sobject)
        return shape.length(name, default) if shape else default


# --------------------------------------------------------------------------------------------------------------- text


def clean(text: str) -> str:
    """Text as the API takes it.

    A word joiner keeps it from holding ``@{``, which a graph would read as a reference to another node and fail.
    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_graph_introduction.htm
    """
    return cleaned(text).replace("@{", "@\u2060{")


def cut(text: str, limit: int) -> tuple[str, bool]:
    """`text` within `limit`, ending in an ellipsis when it had to be cut."""
    return shortened(clean(text), limit)


def is_address(text: str) -> bool:
    """Whether a field of type e-mail takes it; the platform refuses the whole record otherwise."""
    return bool(re.fullmatch(r"[!-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text)) and not re.search(
        r"[,;<>()\"@{]", text.partition("@")[0]
    )


def cut_addresses(addresses: Iterable[str], limit: int) -> tuple[str, bool]:
    """Addresses joined with semicolons; those that do not fit are left out whole."""
    kept: list[str] = []
    size = 0
    for address in addresses:
        size += len(address) + (2 if kept else 0)
        if size > limit:
            return "; ".join(kept), True
        kept.append(address)
    return "; ".join(kept), False


# --------------------------------------------------------------------------------------------------------------- mails


@dataclass(frozen=True, slots=True)
class Links:
    """The people a mail is linked to (role, record id, address), the record it relates to, and what was left out."""

    people: tuple[tuple[Role, str, str], ...]
    related: str
    notes: tuple[str, ...] = ()


def links_of(participants: Sequence[Participant], deal: str, around: Surroundings) -> Links:
    """Contacts and users are linked as people; a deal, else a company, as the one related record.

    A mail linked to a lead can be linked to nothing else, so leads give way to contacts, companies and deals.
    https://docs.revenuegrid.com/ri/fast/articles/Activities-Linking
    """
    contacts = [p for p in participants if p.ref.kind is RecordKind.CONTACT]
    leads = [p for p in participants if p.ref.kind is RecordKind.LEAD]
    companies = [p.ref.id for p in participants if p.ref.kind is RecordKind.COMPANY]
    accounts = [around.accounts[p.ref.id] for p in contacts if around.accounts.get(p.ref.id)]
    related = id18((deal, *companies, *accounts, "")[0] or next(iter((*companies, *accounts)), ""))
    first_lead = [p for p in leads if p.ref == leads[0].ref]
    alone = first_lead if not contacts and not related else []
    left_out = any(p not in alone for p in leads)
    people = tuple((p.role, id18(p.ref.id), p.address) for p in (*contacts, *alone))
    return Links(_once(people), related, ("lead_not_linked",) if left_out else ())


def _once(people: Iterable[tuple[Role, str, str]]) -> tuple[tuple[Role, str, str], ...]:
    """Each record once as a sender and once as a recipient, in its foremost role."""
    order = list(Role)
    seen: dict[tuple[bool, str], tuple[Role, str, str]] = {}
    for role, record, address in sorted(people, key=lambda p: order.index(p[0])):
        seen.setdefault((role is Role.FROM, record), (role, record, address))
    return tuple(seen.values())


def log_plan(write: LogEmail, around: Surroundings) -> Plan:
    """The EmailMessage with its recipients, the sender's relation, and a ledger row where the key needs one.

    The platform makes the Task of the timeline by itself; making another would show the mail twice.
    """
    links = links_of(write.participants, write.deal, around)
    users = _users(write, around, links)
    people = _once((*links.people, *users))
    body, notes = _mail_body(write, around, links.related, people)
    nodes = [Node("mail", "POST", "EmailMessage", body)]
    nodes += [
        Node(f"from{i}", "POST", "EmailMessageRelation", _relation("@{mail.id}", role, record, address))
        for i, (role, record, address) in enumerate(p for p in people if p[0] is Role.FROM)
    ]
    return _new(nodes, write.key, around, (*links.notes, *notes))


def _new(nodes: Sequence[Node], key: str, around: Surroundings, notes: Iterable[str]) -> Plan:
    """The plan of a new record with its key: on the record, or on a ledger row that commits with it."""
    first = nodes[0]
    place = around.places.get(first.sobject, KeyPlace.NONE)
    if place is KeyPlace.FIELD:
        nodes = [replace(first, body={**first.body, KEY_FIELD: key}), *nodes[1:]]
    elif place is KeyPlace.LEDGER:
        body = {KEY_FIELD: key, LEDGER_RECORD: f"@{{{first.ref}.id}}"}
        nodes = [*nodes, Node("ledger", "POST", LEDGER, body)]
    return Plan(tuple(nodes), first.sobject, notes=tuple(notes))


def _users(write: LogEmail, around: Surroundings, links: Links) -> list[tuple[Role, str, str]]:
    taken = {(role, address) for role, _, address in links.people}
    named = [(Role.FROM, write.from_), *((r, a) for r, many in _recipients(write) for a in many)]
    return [
        (role, around.users[a.email], a.email)
        for role, a in named
        if a.email in around.users and (role, a.email) not in taken
    ]


def _recipients(write: LogEmail) -> tuple[tuple[Role, tuple[Address, ...]], ...]:
    return ((Role.TO, write.to), (Role.CC, write.cc), (Role.BCC, write.bcc))


def _mail_body(
    write: LogEmail, around: Surroundings, related: str, people: Sequence[tuple[Role, str, str]]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    notes: list[str] = []
    body: dict[str, Any] = {
        "Incoming": write.incoming,
        "Status": SENT,
        "MessageDate": soql_time(write.sent_at),
        "IsClientManaged": True,
    }

    def put(name: str, text: str, limit: int, note: str) -> None:
        kept, shorter = cut(text, around.length("EmailMessage", name, limit))
        if kept:
            body[name] = kept
        if shorter:
            notes.append(note)

    put("Subject", write.subject, 3000, "subject_cut")
    sender = is_address(write.from_.email)
    notes += [] if sender else ["sender_not_an_address"]
    put("FromAddress", write.from_.email if sender else "", 1000, "sender_cut")
    put("FromName", write.from_.name or ("" if sender else write.from_.email), 1000, "sender_cut")
    put("TextBody", write.body.text if write.body else "", 32000, "text_cut")
    notes += _put_html(body, write, around)
    notes += _put_recipients(body, write, around, people)
    _put_identifiers(body, write, around)
    if related:
        body["RelatedToId"] = related
    return body, tuple(notes)


def _put_html(body: dict[str, Any], write: LogEmail, around: Surroundings) -> list[str]:
    """Markup that is too long is left out whole, since a cut would break it; the text is there anyway."""
    html = clean(write.body.html) if write.body else ""
    if html and units(html) > around.length("EmailMessage", "HtmlBody", 32000):
        return ["html_left_out"]
    if html:
        body["HtmlBody"] = html
    return []


def _put_recipients(
    body: dict[str, Any], write: LogEmail, around: Surroundings, people: Sequence[tuple[Role, str, str]]
) -> list[str]:
    """Linked people go into ``ToIds``; their addresses must then stay out of ``ToAddress``."""
    records = {record for _, record, _ in people}
    linked = {address for _, _, address in people}
    linked |= {p.address for p in write.participants if id18(p.ref.id) in records}
    notes = []
    for role, many in _recipients(write):
        name = role.value.capitalize()
        ids = [record for r, record, _ in people if r is role]
        plain = dict.fromkeys(clean(a.email) for a in many if a.email and a.email not in linked)
        text, shorter = cut_addresses(plain, around.length("EmailMessage", f"{name}Address", 4000))
        if ids:
            body[f"{name}Ids"] = ids
        if text:
            body[f"{name}Address"] = text
        if shorter:
            notes.append("recipients_cut")
    return notes


def message_identifier(message_id: str) -> str:
    return f"<{clean(message_id)}>" if message_id else ""


def _put_identifiers(body: dict[str, Any], write: LogEmail, around: Surroundings) -> None:
    """An identifier that does not fit would be another one, so it is left out."""
    for name, text in (
        ("MessageIdentifier", message_identifier(write.message_id)),
        ("ThreadIdentifier", clean(write.thread)),
    ):
        mail = around.shapes.get("EmailMessage", ObjectShape("EmailMessage"))
        shape = mail.fields.get(name)
        if text and shape and shape.createable and units(text) <= (shape.length or 255):
            body[name] = text


def _relation(mail: str, role: Role, record: str, address: str) -> dict[str, Any]:
    body = {"EmailMessageId": mail, "RelationType": _RELATION[role], "RelationId": record}
    return body | ({"RelationAddress": clean(address)} if address and len(address) <= 255 else {})


def link_plan(
    write: LinkEmail, mail: Mapping[str, Any], relations: Sequence[Mapping[str, Any]], around: Surroundings
) -> Plan:
    """What is still missing on a logged mail: people it is not linked to yet, and its related record."""
    record = str(mail["Id"])
    links = links_of(write.participants, write.deal, around)
    have = {id18(str(r["RelationId"])) for r in relations if r.get("RelationId")}
    nodes = []
    for n, (role, person, address) in enumerate(p for p in links.people if p[1] not in have):
        bare = _bare_relation(relations, role, address)
        if bare:
            nodes.append(Node(f"link{n}", "PATCH", "EmailMessageRelation", {"RelationId": person}, bare))
        else:
            body = _relation(record, role, person, address)
            nodes.append(Node(f"link{n}", "POST", "EmailMessageRelation", body))
    current = id18(str(mail.get("RelatedToId") or ""))
    if links.related and links.related != current and (write.deal or not current):
        nodes.append(Node("mail", "PATCH", "EmailMessage", {"RelatedToId": links.related}, record))
    effect = Effect.CHANGED if nodes else Effect.UNCHANGED
    return Plan(tuple(nodes), "EmailMessage", effect, record, links.notes)


def _bare_relation(relations: Sequence[Mapping[str, Any]], role: Role, address: str) -> str:
    """The row of an address that nobody was linked to yet; the platform makes one for every plain address."""
    for r in relations:
        same = r.get("RelationType") == _RELATION[role] and str(r.get("RelationAddress") or "").lower() == address
        if same and address and not r.get("RelationId") and r.get("Id"):
            return str(r["Id"])
    return ""


# --------------------------------------------------------------------------------------------------- tasks, strangers


def task_mark(key: str) -> str:
    """What stands at the end of a task's text where the org has no field for our key."""
    return f"[tp:{key[-12:]}]"


def task_plan(write: CreateTask, around: Surroundings) -> Plan:
    """A task on its person and deal. A task on a lead cannot have a deal as well."""
    subject, subject_cut = cut(write.title, around.length("Task", "Subject", 255))
    mark = "" if around.places.get("Task", KeyPlace.NONE) is not KeyPlace.NONE else f"\n\n{task_mark(write.key)}"
    text, text_cut = cut(write.text, around.length("Task", "Description", 32000) - len(mark))
    text += mark
    body: dict[str, Any] = {"Subject": subject, "ActivityDate": write.due_on.isoformat()}
    if text:
        body["Description"] = text
    if write.owner:
        body["OwnerId"] = id18(write.owner)
    if write.urgent:
        body |= {"IsReminderSet": True, "ReminderDateTime": soql_time(write.due_at)}
        body |= {"Priority": around.high} if around.high else {}
    who, what, notes = _who_what(write)
    body |= {"WhoId": who} if who else {}
    body |= {"WhatId": what} if what else {}
    notes += ["subject_cut"] * subject_cut + ["text_cut"] * text_cut
    return _new([Node("task", "POST", "Task", body)], write.key, around, notes)


def _who_what(write: CreateTask) -> tuple[str, str, list[str]]:
    record, deal = write.record, id18(write.deal)
    if record is None:
        return "", deal, []
    if record.kind is RecordKind.COMPANY:
        return "", deal or id18(record.id), []
    if record.kind is RecordKind.LEAD and deal:
        return id18(record.id), "", ["deal_not_linked"]
    return id18(record.id), deal, []


def customer_plan(write: CreateCustomer, around: Surroundings) -> Plan:
    """A lead. Salesforce demands a last name and a company; the address stands in where a mail tells none."""
    local, _, domain = write.email.partition("@")
    first, last = split_name(write.name)
    texts = {
        "FirstName": (first, 40),
        "LastName": (last or local, 80),
        "Company": (write.company_name or domain, 255),
        "LeadSource": (write.source, 255),
    }
    body: dict[str, Any] = {"Email": clean(write.email)}
    for name, (text, limit) in texts.items():
        kept, _shorter = cut(text, around.length("Lead", name, limit))
        body |= {name: kept} if kept else {}
    if write.owner:
        body["OwnerId"] = id18(write.owner)
    return _new([Node("lead", "POST", "Lead", body, headers=SAVE_HEADERS)], write.key, around, ())


def close_plan(task: str, status: str) -> Plan:
    return Plan((Node("task", "PATCH", "Task", {"Status": status}, id18(task)),), "Task", Effect.CHANGED, id18(task))


def graph_json(graph_id: str, plan: Plan) -> dict[str, Any]:
    return {"graphId": graph_id, "compositeRequest": [n.json() for n in plan.nodes]}


def closing_status(statuses: Sequence[Mapping[str, Any]]) -> str:
    """The status that closes a task: the org's first closed one, as the platform itself uses for logged mail."""
    closed = [s for s in statuses if s.get("IsClosed")]
    closed.sort(key=lambda s: (not s.get("IsDefault"), int(s.get("SortOrder") or 0), str(s["ApiName"])))
    return str(closed[0]["ApiName"]) if closed else ""


def high_priority(priorities: Sequence[Mapping[str, Any]]) -> str:
    high = [p for p in priorities if p.get("IsHighPriority")]
    high.sort(key=lambda p: (int(p.get("SortOrder") or 0), str(p["ApiName"])))
    return str(high[0]["ApiName"]) if high else ""
