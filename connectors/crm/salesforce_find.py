"""Is a write there? Asked by key with SOQL, which sees every committed row at once (SOSL does not)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.base.errors import Gone
from connectors.base.model import (
    Absent,
    Attempt,
    CannotTell,
    CompleteTask,
    Effect,
    Finding,
    Found,
    LinkEmail,
    LogEmail,
    MoveDeal,
    Receipt,
    Remove,
    SetFields,
    WriteKind,
)
from connectors.crm import salesforce_unkeyed
from connectors.crm.salesforce_api import SalesforceApi
from connectors.crm.salesforce_map import (
    KEY_FIELD,
    LEDGER,
    LEDGER_RECORD,
    OBJECTS,
    id18,
    record_url,
    select,
    soql_in,
    soql_text,
    soql_time,
)
from connectors.crm.salesforce_org import SalesforceOrg
from connectors.crm.salesforce_writes_map import KeyPlace, Plan, link_plan, message_identifier

Row = dict[str, Any]
SOBJECT = {WriteKind.LOG_EMAIL: "EmailMessage", WriteKind.CREATE_TASK: "Task", WriteKind.CREATE_CUSTOMER: "Lead"}
_SKEW = timedelta(minutes=1)  # our clock against theirs


@dataclass(frozen=True, slots=True)
class Known:
    """A record found by key; `deleted` when it lies in the recycle bin or is gone."""

    id: str
    deleted: bool = False


class SalesforceFinder:
    """Look-ups before and after writes."""

    def __init__(self, api: SalesforceApi, org: SalesforceOrg, site: str) -> None:
        self._api = api
        self._org = org
        self._site = site

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        """See `CrmTarget.find_written`. Keyed kinds are asked together, the others one by one."""
        keyed = await self._keyed([a for a in attempts if a.write.kind in SOBJECT])
        return tuple([keyed[a.write.key] if a.write.key in keyed else await self._one(a) for a in attempts])

    async def _keyed(self, attempts: Sequence[Attempt]) -> dict[str, Finding]:
        if not attempts:
            return {}
        places = (await self._org.facts()).places
        findings: dict[str, Finding] = {}
        for kind, sobject in SOBJECT.items():
            some = [a for a in attempts if a.write.kind is kind]
            if some and places.get(sobject, KeyPlace.NONE) is KeyPlace.NONE:
                findings |= await self._unkeyed(some)
            elif some:
                known = await self.by_key(sobject, [a.write.key for a in some])
                findings |= {a.write.key: self._finding(a, known.get(a.write.key)) for a in some}
        return findings

    def _finding(self, attempt: Attempt, known: Known | None) -> Finding:
        if known is None:
            return Absent()
        note = "record_deleted" if known.deleted else ""
        return Found(self.receipt(attempt.write.key, known.id, Effect.EXISTING, note))

    def receipt(self, key: str, record: str, effect: Effect, note: str = "") -> Receipt:
        return Receipt(key=key, record=record, effect=effect, url=record_url(self._site, record), note=note)

    # ----------------------------------------------------------------------------------------------------- by key

    async def by_key(self, sobject: str, keys: Sequence[str]) -> dict[str, Known]:
        """Records that bear these keys, archived and deleted ones too; a live one before a deleted one."""
        place = (await self._org.facts()).places.get(sobject, KeyPlace.NONE)
        if place is KeyPlace.NONE:
            return {}
        field, table = ("Id", sobject) if place is KeyPlace.FIELD else (LEDGER_RECORD, LEDGER)
        rows = await self._api.query_chunks(
            sorted(set(keys)),
            lambda some: select(
                dict.fromkeys((field, KEY_FIELD, "IsDeleted")), table, f"{KEY_FIELD} IN {soql_in(some)}"
            ),
            everything=True,
        )
        rows.sort(key=lambda r: not r.get("IsDeleted"))
        return {str(r[KEY_FIELD]): Known(str(r[field]), bool(r.get("IsDeleted"))) for r in rows if r.get(field)}

    async def _unkeyed(self, attempts: Sequence[Attempt]) -> dict[str, Finding]:
        me = (await self._org.facts()).me.user
        seen = await salesforce_unkeyed.look(self._api, me, attempts)
        return {key: self._shown(key, same) for key, same in seen.items()}

    def _shown(self, key: str, same: salesforce_unkeyed.Same | Absent) -> Finding:
        if isinstance(same, Absent):
            return same
        note = "record_deleted" if same.deleted else ""
        return Found(self.receipt(key, same.ids[0], Effect.EXISTING, note), () if same.deleted else same.ids[1:])

    async def foreign(self, message_ids: Sequence[str]) -> dict[str, str]:
        """EmailMessage ids, by Message-ID, of mails that somebody else's tool has logged."""
        facts = await self._org.facts()
        keyed = facts.places.get("EmailMessage") is KeyPlace.FIELD
        return await self.by_message(
            message_ids, f" AND {KEY_FIELD} = null" if keyed else f" AND CreatedById != {soql_text(facts.me.user)}"
        )

    async def by_message(self, message_ids: Sequence[str], also: str = "") -> dict[str, str]:
        """EmailMessage ids by Message-ID (without brackets), whoever logged them."""
        ids = {message_identifier(m): m for m in message_ids if m}
        rows = await self._api.query_chunks(
            sorted(ids),
            lambda some: select(
                ("Id", "MessageIdentifier"), "EmailMessage", f"MessageIdentifier IN {soql_in(some)}{also}"
            ),
        )
        return {ids[r["MessageIdentifier"]]: str(r["Id"]) for r in rows if r.get("MessageIdentifier") in ids}

    # ------------------------------------------------------------------------------------------------- by condition

    async def _one(self, attempt: Attempt) -> Finding:
        """Writes that only change what exists are found by looking whether it is so."""
        write = attempt.write
        if isinstance(write, LinkEmail):
            return await self._linked(write)
        if isinstance(write, CompleteTask):
            return await self._completed(write)
        if isinstance(write, MoveDeal):
            return await self._moved(attempt, write)
        if isinstance(write, SetFields):
            return await self._set(write)
        if isinstance(write, Remove):
            return await self._removed(write)
        return CannotTell("unsupported")

    async def _linked(self, write: LinkEmail) -> Finding:
        plan = (await self.link_plans([write])).get(write.key)
        if plan is None or plan.nodes:
            return Absent()
        return Found(self.receipt(write.key, plan.record, Effect.CHANGED, plan.note))

    async def link_plans(self, writes: Sequence[LinkEmail]) -> dict[str, Plan]:
        """What each link still lacks; a mail that is gone has no entry."""
        keys = [w.logged_key for w in writes if not w.logged]
        known = await self.by_key("EmailMessage", keys) if keys else {}
        ids = {w.key: id18(w.logged or (known[w.logged_key].id if w.logged_key in known else "")) for w in writes}
        wanted = sorted({i for i in ids.values() if i})
        mails = await self._api.query_chunks(
            wanted, lambda some: select(("Id", "RelatedToId"), "EmailMessage", f"Id IN {soql_in(some)}")
        )
        relations = await self._api.query_chunks(wanted, _relations_soql)
        around = await self._org.around(await self.accounts([w for w in writes if not w.deal]))
        by_id = {str(m["Id"]): m for m in mails}
        own = {i: [r for r in relations if r["EmailMessageId"] == i] for i in wanted}
        return {w.key: link_plan(w, by_id[i], own[i], around) for w in writes if (i := ids[w.key]) in by_id}

    async def accounts(self, writes: Sequence[LogEmail | LinkEmail]) -> dict[str, str]:
        """The account of each contact taking part. A mail without a deal is related to it."""
        ids = sorted({p.ref.id for w in writes for p in w.participants if OBJECTS[p.ref.kind] == "Contact"})
        rows = await self._api.query_chunks(
            ids, lambda some: select(("Id", "AccountId"), "Contact", f"Id IN {soql_in(some)}")
        )
        return {str(r["Id"]): str(r["AccountId"]) for r in rows if r.get("AccountId")}

    async def task(self, write: CompleteTask) -> Row | None:
        """The task to complete, or None when it is deleted or was never made. Old closed ones are archived."""
        task = id18(write.task)
        if not task:
            known = (await self.by_key("Task", [write.task_key])).get(write.task_key)
            task = known.id if known and not known.deleted else ""
        if not task:
            return None
        where = f"Id = {soql_text(task)}"
        rows = await self._api.query(select(("Id", "IsClosed", "IsDeleted"), "Task", where), everything=True)
        return next((r for r in rows if not r.get("IsDeleted")), None)

    async def _completed(self, write: CompleteTask) -> Finding:
        row = await self.task(write)
        done = row is not None and row.get("IsClosed")
        return Found(self.receipt(write.key, str(row["Id"]), Effect.CHANGED)) if row and done else Absent()

    async def _moved(self, attempt: Attempt, write: MoveDeal) -> Finding:
        """Moved if it stands there, or if the history shows that we moved it and a person moved it on."""
        deal = id18(write.deal)
        try:
            row = await self._api.record("Opportunity", deal, ("Id", "StageName"))
        except Gone:
            return Absent()
        if row.get("StageName") == write.to_stage:
            return Found(self.receipt(write.key, deal, Effect.CHANGED))
        if attempt.first_sent_at and await self._ours(attempt, write, deal):
            return Found(self.receipt(write.key, deal, Effect.CHANGED, "moved_on_by_person"))
        return Absent()

    async def _ours(self, attempt: Attempt, write: MoveDeal, deal: str) -> bool:
        me = (await self._org.facts()).me.user
        assert attempt.first_sent_at is not None  # noqa: S101 - the caller asked
        since = soql_time(attempt.first_sent_at - _SKEW)
        where = f"OpportunityId = {soql_text(deal)} AND CreatedById = {soql_text(me)} AND CreatedDate >= {since}"
        rows = await self._api.query(select(("Id", "StageName"), "OpportunityHistory", where))
        return any(r.get("StageName") == write.to_stage for r in rows)

    async def _set(self, write: SetFields) -> Finding:
        names = tuple(name for name, _ in write.fields)
        record = id18(write.record.id)
        try:
            row = await self._api.record(OBJECTS[write.record.kind], record, ("Id", *names))
        except Gone:
            return Absent()
        same = all(str(row.get(name) or "") == value for name, value in write.fields)
        return Found(self.receipt(write.key, record, Effect.CHANGED)) if same else Absent()

    async def _removed(self, write: Remove) -> Finding:
        try:
            await self._api.record(SOBJECT.get(write.made_by, "Task"), id18(write.record), ("Id",))
        except Gone:
            return Found(self.receipt(write.key, id18(write.record), Effect.CHANGED))
        return Absent()


def _relations_soql(some: Sequence[str]) -> str:
    fields = ("Id", "EmailMessageId", "RelationId", "RelationType", "RelationAddress")
    return select(fields, "EmailMessageRelation", f"EmailMessageId IN {soql_in(some)}")
