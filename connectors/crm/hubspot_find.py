"""Is a write there? By our key where the account keeps one, else by looking at what hangs on its records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from connectors.base.errors import Gone
from connectors.base.model import (
    Absent,
    Attempt,
    CannotTell,
    CompleteTask,
    CreateCustomer,
    CreateTask,
    Customer,
    Effect,
    Finding,
    Found,
    LinkEmail,
    LogEmail,
    MoveDeal,
    Partial,
    Receipt,
    RecordRef,
    Remove,
    SetFields,
    WriteKind,
)
from connectors.crm.hubspot_account import HubSpotAccount
from connectors.crm.hubspot_api import HubSpotApi
from connectors.crm.hubspot_lookup import ORDER, HubSpotLookup, Known, Target
from connectors.crm.hubspot_map import KEY, KINDS, LINKS, OBJECTS, numeric, value
from connectors.crm.hubspot_mirror import HubSpotMirror
from connectors.crm.hubspot_parse import Row
from connectors.crm.hubspot_stage_map import Fate, Verdict, history_of, judge
from connectors.crm.hubspot_writes_map import (
    CLOSED,
    KeyMode,
    link_targets,
    targets_of,
)

RECORD, LINKED = "record", "linked"  # the steps of a new activity
MOVED, CHECKED = "moved", "checked"  # the steps of a move
MADE_AS = {
    WriteKind.LOG_EMAIL: "emails",
    WriteKind.CREATE_TASK: "tasks",
    WriteKind.CREATE_CUSTOMER: "contacts",
}


class HubSpotFinder:
    """Look-ups before and after writes."""

    def __init__(self, api: HubSpotApi, account: HubSpotAccount, mirror: HubSpotMirror) -> None:
        self._api = api
        self._account = account
        self._mirror = mirror
        self._lookup = HubSpotLookup(api, account)

    async def receipt(self, key: str, name: str, record: str, effect: Effect, note: str = "") -> Receipt:
        site = (await self._account.facts()).site
        return Receipt(key=key, record=record, effect=effect, url=site.url(name, record), note=note)

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        """See `CrmTarget.find_written`. Activities are asked for together, the others one by one."""
        activities = await self._activities([a for a in attempts if isinstance(a.write, LogEmail | CreateTask)])
        return tuple([activities[a.write.key] if a.write.key in activities else await self._one(a) for a in attempts])

    # ------------------------------------------------------------------------------------------------------ the records

    async def resolve(self, targets: Iterable[Target]) -> dict[Target, str]:
        """The ids that records have today: another one after a merge, an empty one when gone. Tells the mirror."""
        found: dict[Target, str] = {}
        wanted = sorted(set(targets), key=lambda t: (ORDER.index(t[0]), numeric(t[1])))
        for name in ORDER:
            ids = [record for n, record in wanted if n == name]
            rows = await self._api.read(name, ids, ("hs_merged_object_ids",)) if ids else []
            today = {str(r["id"]): str(r["id"]) for r in rows}
            swallowed = {i: str(r["id"]) for r in rows for i in value(r, "hs_merged_object_ids").split(";") if i}
            for record in ids:
                id_ = today.get(record) or swallowed.get(record) or await self._today(name, record)
                found[name, record] = id_
                self._tell(name, record, id_)
        return found

    async def _today(self, name: str, record: str) -> str:
        """A read of many may not know an id that was merged; a read of one does."""
        try:
            return str((await self._api.record(name, record, ("hs_object_id",)))["id"])
        except Gone:
            return ""

    def _tell(self, name: str, record: str, today: str) -> None:
        if today == record:
            return
        if name == "deals":
            self._mirror.learn_deal(record)
            return
        ref = RecordRef(KINDS[name], record)
        winner = RecordRef(KINDS[name], today) if today else None
        self._mirror.learn(Customer(ref=ref, deleted=not today, merged_into=winner))

    async def linked(self, name: str, wanted: Mapping[str, Collection[Target]]) -> dict[str, set[Target]]:
        """Which of the targets hang on each activity. `wanted` names them by the activity's id."""
        found: dict[str, set[Target]] = {record: set() for record in wanted}
        targets = {t for some in wanted.values() for t in some}
        for other in sorted({n for n, _ in targets}):
            if (name, other) in LINKS:
                for record, rows in (await self._api.links(name, other, sorted(wanted))).items():
                    found.setdefault(record, set()).update((other, str(r["toObjectId"])) for r in rows)
                continue
            ids = sorted(record for n, record in targets if n == other)
            for target, rows in (await self._api.links(other, name, ids)).items():
                for row in rows:
                    found.setdefault(str(row["toObjectId"]), set()).add((other, target))
        return found

    # ------------------------------------------------------------------------------------------------------- activities

    async def _activities(self, attempts: Sequence[Attempt]) -> dict[str, Finding]:
        findings: dict[str, Finding] = {}
        for name, kind in (("emails", LogEmail), ("tasks", CreateTask)):
            some = [a for a in attempts if isinstance(a.write, kind)]
            if some:
                findings |= await self._of_object(name, some)
        return findings

    async def _of_object(self, name: str, attempts: Sequence[Attempt]) -> dict[str, Finding]:
        today = await self.resolve(t for a in attempts for t in targets_of_attempt(a))
        own = {a.write.key: [(n, today[n, i]) for n, i in targets_of_attempt(a) if today[n, i]] for a in attempts}
        if (await self._account.facts()).shape(name).mode is KeyMode.UNIQUE:
            known, hidden = await self._lookup.by_key(name, list(own)), frozenset[str]()
        else:
            known, hidden = await self._lookup.seek(name, attempts, own)
        there = await self.linked(name, {k.id: own[key] for key, k in known.items() if not k.deleted})
        findings: dict[str, Finding] = {}
        for key, targets in own.items():
            one = known.get(key)
            if one is None:
                findings[key] = CannotTell("mail_hidden") if key in hidden else Absent()
            elif not one.deleted and not there[one.id].issuperset(targets):
                findings[key] = Partial(one.id, (RECORD,), (LINKED,))
            else:
                note = "record_deleted" if one.deleted else ""
                receipt = await self.receipt(key, name, one.id, Effect.EXISTING, note)
                findings[key] = Found(receipt, one.extras)
        return findings

    async def by_key(self, name: str, keys: Sequence[str]) -> dict[str, Known]:
        """See `HubSpotLookup.by_key`."""
        return await self._lookup.by_key(name, keys)

    # ----------------------------------------------------------------------------------------------------- by condition

    async def _one(self, attempt: Attempt) -> Finding:
        """Writes that only change what exists are found by looking whether it is so."""
        write = attempt.write
        if isinstance(write, LinkEmail):
            return await self._link(write)
        if isinstance(write, CompleteTask):
            return await self._completed(write)
        if isinstance(write, MoveDeal):
            return await self._moved(attempt, write)
        if isinstance(write, SetFields):
            return await self._set(write)
        if isinstance(write, CreateCustomer):
            return await self._customer(write)
        if isinstance(write, Remove):
            return await self._removed(write)
        return CannotTell("unsupported")

    async def logged(self, write: LinkEmail) -> str:
        """The record of the mail that a link is about; empty when it is gone."""
        if not write.logged:
            known = (await self.by_key("emails", [write.logged_key])).get(write.logged_key)
            return known.id if known and not known.deleted else ""
        return await self._today("emails", write.logged)

    async def _link(self, write: LinkEmail) -> Finding:
        record = await self.logged(write)
        if not record:
            return Absent()
        today = await self.resolve(link_targets(write))
        wanted = {(name, id_) for (name, _), id_ in today.items() if id_}
        there = (await self.linked("emails", {record: wanted}))[record]
        done = wanted and wanted <= there
        return Found(await self.receipt(write.key, "emails", record, Effect.CHANGED)) if done else Absent()

    async def task(self, write: CompleteTask) -> Row | None:
        """The task to complete, or None when it is deleted or was never made."""
        task = write.task
        if not task:
            known = (await self.by_key("tasks", [write.task_key])).get(write.task_key)
            task = known.id if known and not known.deleted else ""
        try:
            return await self._api.record("tasks", task, ("hs_task_status",)) if task else None
        except Gone:
            return None

    async def _completed(self, write: CompleteTask) -> Finding:
        row = await self.task(write)
        if row is None or value(row, "hs_task_status") != CLOSED:
            return Absent()
        return Found(await self.receipt(write.key, "tasks", str(row["id"]), Effect.CHANGED))

    async def verdict(self, write: MoveDeal, since: datetime | None) -> tuple[Row, Verdict]:
        """The deal, and what became of our move sent at `since`. Raises `Gone`."""
        facts = await self._account.facts()
        row = await self._api.record("deals", write.deal, ("dealstage", "pipeline"), history="dealstage")
        if since is None:
            there = value(row, "dealstage") == write.to_stage
            return row, Verdict(Fate.MOVED if there else Fate.NOT_MOVED)
        return row, judge(history_of(row, facts.author), write, since=since)

    async def _moved(self, attempt: Attempt, write: MoveDeal) -> Finding:
        try:
            row, verdict = await self.verdict(write, attempt.first_sent_at)
        except Gone:
            return Absent()
        record = str(row["id"])
        if verdict.fate is Fate.NOT_MOVED:
            return Absent()
        if verdict.fate is Fate.OVERRODE:
            return Partial(record, (MOVED,), (CHECKED,))
        note = NOTES.get(verdict.fate, "")
        effect = Effect.UNCHANGED if verdict.fate is Fate.PUT_BACK else Effect.CHANGED
        return Found(await self.receipt(write.key, "deals", record, effect, note))

    async def _set(self, write: SetFields) -> Finding:
        name, names = OBJECTS[write.record.kind], [n for n, _ in write.fields]
        try:
            row = await self._api.record(name, write.record.id, names)
        except Gone:
            return Absent()
        same = all(value(row, n) == v.strip() for n, v in write.fields)
        return Found(await self.receipt(write.key, name, str(row["id"]), Effect.CHANGED)) if same else Absent()

    async def customer(self, write: CreateCustomer) -> tuple[str, str, str] | None:
        """(object, id, note) of the record that bears the address or our key by now."""
        rows = await self._api.read("contacts", [write.email], ("email", KEY), by="email")
        if rows:
            return "contacts", str(rows[0]["id"]), "" if value(rows[0], KEY) == write.key else "address_known"
        known = (await self.by_key("contacts", [write.key])).get(write.key)
        if known:
            return "contacts", known.id, "record_deleted" if known.deleted else ""
        found = await self._mirror.find_customers([write.email], [])
        live = [c for c in found if not c.deleted and not c.merged_into]
        return (OBJECTS[live[0].ref.kind], live[0].ref.id, "address_known") if live else None

    async def _customer(self, write: CreateCustomer) -> Finding:
        found = await self.customer(write)
        if found is None:
            return Absent()
        name, record, note = found
        return Found(await self.receipt(write.key, name, record, Effect.EXISTING, note))

    async def _removed(self, write: Remove) -> Finding:
        name = MADE_AS.get(write.made_by, "emails")
        if await self._today(name, write.record):
            return Absent()
        return Found(await self.receipt(write.key, name, write.record, Effect.CHANGED))


NOTES = {Fate.MOVED_ON: "moved_on_by_person", Fate.PUT_BACK: "stage_put_back"}


def targets_of_attempt(attempt: Attempt) -> tuple[Target, ...]:
    """The records a new activity or link is about."""
    write = attempt.write
    if isinstance(write, LinkEmail):
        return link_targets(write)
    if isinstance(write, LogEmail):
        return targets_of([p.ref for p in write.participants], write.deal)
    if isinstance(write, CreateTask):
        return targets_of([write.record] if write.record else [], write.deal)
    return ()
