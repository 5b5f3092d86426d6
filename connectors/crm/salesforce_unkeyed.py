"""Is a write there, in an org without our key fields? Told by what the record shows, among records that we made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.base.model import Absent, Attempt, CreateCustomer, CreateTask, LogEmail
from connectors.crm.salesforce_api import SalesforceApi
from connectors.crm.salesforce_map import parse_time, select, soql_in, soql_text, soql_time
from connectors.crm.salesforce_writes_map import message_identifier, task_mark

Row = dict[str, Any]
_SKEW = timedelta(minutes=1)  # our clock against theirs


@dataclass(frozen=True, slots=True)
class Same:
    """Records of ours that show one write, oldest first; `deleted` when all of them are."""

    ids: tuple[str, ...]
    deleted: bool = False


async def look(api: SalesforceApi, me: str, attempts: Sequence[Attempt]) -> dict[str, Same | Absent]:
    """By the writes' keys: mails by Message-ID, or date, subject and sender; tasks by their mark; leads by address."""
    ours = f"CreatedById = {soql_text(me)}"
    found: dict[str, Same | Absent] = {}
    mails = [a for a in attempts if isinstance(a.write, LogEmail)]
    if mails:
        found |= await _mails(api, ours, mails)
    tasks = [a for a in attempts if isinstance(a.write, CreateTask)]
    if tasks:
        rows = await _rows(api, "Task", ("Description",), f"{ours}{_since(tasks)}")
        marks = {a.write.key: task_mark(a.write.key) for a in tasks}
        found |= {key: _same(r for r in rows if mark in str(r.get("Description") or "")) for key, mark in marks.items()}
    leads = {a.write.key: a.write.email.lower() for a in attempts if isinstance(a.write, CreateCustomer)}
    if leads:
        rows = await _rows(api, "Lead", ("Email",), f"{ours} AND Email IN {soql_in(sorted(set(leads.values())))}")
        found |= {k: _same(r for r in rows if str(r.get("Email") or "").lower() == mail) for k, mail in leads.items()}
    return found


async def _mails(api: SalesforceApi, ours: str, attempts: Sequence[Attempt]) -> dict[str, Same | Absent]:
    writes = [a.write for a in attempts if isinstance(a.write, LogEmail)]
    named = sorted({message_identifier(w.message_id) for w in writes if w.message_id})
    fields = ("Id", "IsDeleted", "CreatedDate", "MessageIdentifier", "MessageDate", "Subject", "FromAddress")
    rows = await api.query_chunks(
        named,
        lambda some: select(fields, "EmailMessage", f"{ours} AND MessageIdentifier IN {soql_in(some)}"),
        everything=True,
    )
    found = {w.key: _same(r for r in rows if _identified(r, w)) for w in writes}
    for write in writes:
        if not write.message_id:
            when = f"{ours} AND MessageDate = {soql_time(write.sent_at.replace(microsecond=0))}"
            alike = await api.query(select(fields, "EmailMessage", when), everything=True)
            found[write.key] = _same(r for r in alike if _alike(r, write))
    return found


def _identified(row: Mapping[str, Any], write: LogEmail) -> bool:
    """Careless programs give several mails one Message-ID."""
    same = row.get("MessageIdentifier") == message_identifier(write.message_id)
    return same and parse_time(str(row["MessageDate"])) == write.sent_at.replace(microsecond=0)


def _alike(row: Mapping[str, Any], write: LogEmail) -> bool:
    sender = str(row.get("FromAddress") or "").lower()
    subject = str(row.get("Subject") or "")
    return not row.get("MessageIdentifier") and sender == write.from_.email and write.subject.startswith(subject[:200])


async def _rows(api: SalesforceApi, sobject: str, fields: Sequence[str], where: str) -> list[Row]:
    return await api.query(select(("Id", "IsDeleted", "CreatedDate", *fields), sobject, where), everything=True)


def _since(attempts: Sequence[Attempt]) -> str:
    """Nothing of these was made before the first of them was sent."""
    sent = [a.first_sent_at for a in attempts]
    first = min((s for s in sent if s is not None), default=None)
    return f" AND CreatedDate >= {soql_time(first - _SKEW)}" if first is not None and None not in sent else ""


def _same(rows: Iterable[Row]) -> Same | Absent:
    held = sorted(rows, key=lambda r: (str(r.get("CreatedDate")), str(r["Id"])))
    living = tuple(str(r["Id"]) for r in held if not r.get("IsDeleted"))
    if living:
        return Same(living)
    return Same(tuple(str(r["Id"]) for r in held), deleted=True) if held else Absent()
