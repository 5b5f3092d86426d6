"""Is a write there? Keyed records are asked for by key; mails in the list of their record; changes by their result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.base.errors import Gone, Rejected
from connectors.base.model import (
    Absent,
    Attempt,
    CannotTell,
    CompleteTask,
    CreateCustomer,
    CreateTask,
    Effect,
    Finding,
    Found,
    LinkEmail,
    LogEmail,
    MoveDeal,
    Partial,
    Receipt,
    RecordKind,
    Remove,
    SetFields,
    WriteKind,
)
from connectors.base.services import Clock
from connectors.crm.zoho_api import ZohoApi
from connectors.crm.zoho_emails import Look, MailLists, home_path
from connectors.crm.zoho_emails_map import Entry
from connectors.crm.zoho_map import (
    KEY_FIELD,
    MODULES,
    ModuleShape,
    MoveSeen,
    StageEntry,
    chunks,
    coql_in,
    move_seen,
    record_url,
    stage_entries,
    zoho_time,
)
from connectors.crm.zoho_org import ZohoOrg
from connectors.crm.zoho_parse import Row, id_in, text_in
from connectors.crm.zoho_writes_map import closing_status, marker, message_ref, shown

KEYED = {WriteKind.CREATE_TASK: "Tasks", WriteKind.CREATE_CUSTOMER: "Leads"}
SKEW = timedelta(minutes=2)  # our clock against Zoho's
MOVED = "moved"  # the first step of a stage move,
PUT_BACK = "put_back"  # and the second, where it went over a person's
_HISTORY_FIELDS = "Stage,Modified_Time,Modified_By"
_MOST_PAGES = 20


class ZohoFinder:
    """Look-ups before and after writes."""

    def __init__(self, api: ZohoApi, org: ZohoOrg, mails: MailLists, clock: Clock) -> None:
        self._api = api
        self._org = org
        self._mails = mails
        self._clock = clock

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        """See `CrmTarget.find_written`. Keyed kinds and mails are asked for together, the others one by one."""
        found = await self._logged([a.write for a in attempts if isinstance(a.write, LogEmail)])
        for kind, module in KEYED.items():
            found |= await self._keyed([a for a in attempts if a.write.kind is kind], module)
        return tuple([found[a.write.key] if a.write.key in found else await self._one(a) for a in attempts])

    async def receipt(self, key: str, module: str, record: str, effect: Effect, note: str = "") -> Receipt:
        url = record_url(await self._org.site(), module, record)
        return Receipt(key=key, record=record, effect=effect, url=url, note=note)

    async def mail_receipt(self, write: LogEmail, mail: str, effect: Effect, note: str = "") -> Receipt:
        """A mail has no page of its own: its record's shows it."""
        module, _, record = home_path(write).partition("/")
        url = record_url(await self._org.site(), module, record)
        return Receipt(key=write.key, record=mail, effect=effect, url=url, note=note)

    # ----------------------------------------------------------------------------------------------------- by key

    async def _keyed(self, attempts: Sequence[Attempt], module: str) -> dict[str, Finding]:
        if not attempts:
            return {}
        shape = await self._org.need(module)
        if not shape.keyed:
            return {a.write.key: await self._unkeyed(a, shape) for a in attempts}
        known = await self.by_key(module, [a.write.key for a in attempts])
        found: dict[str, Finding] = {}
        for key in (a.write.key for a in attempts):
            record = known.get(key)
            found[key] = Found(await self.receipt(key, module, record, Effect.EXISTING)) if record else Absent()
        return found

    async def by_key(self, module: str, keys: Sequence[str]) -> dict[str, str]:
        """Ids of the records that bear these keys; none where the module has no key field."""
        shape = await self._org.need(module)
        rows: list[Row] = []
        for some in chunks(sorted(set(keys))) if shape.keyed else ():
            rows += await self._api.query_all(("id", KEY_FIELD), module, coql_in(KEY_FIELD, some))
        return {str(r[KEY_FIELD]): id_in(r.get("id")) for r in rows if r.get(KEY_FIELD) and id_in(r.get("id"))}

    async def _unkeyed(self, attempt: Attempt, shape: ModuleShape) -> Finding:
        """Without a key field: records of ours with the write's mark or address, changed since the first sending."""
        write, me = attempt.write, (await self._org.me()).user
        since = (attempt.first_sent_at or self._clock.now()) - SKEW - timedelta(minutes=10)
        fields = ",".join(("id", *shape.has("Description", "Email", "Created_By", "Modified_Time")))
        params = {"fields": fields, "sort_by": "id", "sort_order": "asc", "per_page": "200"}
        hits: list[str] = []
        token = ""
        for _ in range(_MOST_PAGES):
            asked = params | ({"page_token": token} if token else {})
            headers = {"If-Modified-Since": zoho_time(since)}
            page = await self._api.page("get_records", shape.name, asked, headers=headers)
            hits += [id_in(r.get("id")) for r in page.rows if _bears(r, write, me)]
            token = page.token
            if not page.more or not token:
                break
        if hits:
            return Found(await self.receipt(write.key, shape.name, hits[0], Effect.EXISTING), tuple(hits[1:]))
        return CannotTell("no_key_and_list_too_long") if token else Absent()

    # -------------------------------------------------------------------------------------------------------- mails

    async def _logged(self, writes: Sequence[LogEmail]) -> dict[str, Finding]:
        homed = [w for w in writes if home_path(w)]
        found: dict[str, Finding] = {w.key: Absent() for w in writes}
        for write, look in zip(homed, await self._mails.look(homed), strict=True):
            found[write.key] = await self._logged_so(write, look)
        return found

    async def _logged_so(self, write: LogEmail, look: Look) -> Finding:
        if look.entries:
            return await self._several(write, look.entries)
        if await self._mails.has(write):
            return Found(await self.mail_receipt(write, message_ref(write), Effect.EXISTING))
        return Absent() if look.complete else CannotTell("mail_list_too_long")

    async def _several(self, write: LogEmail, entries: Sequence[Entry]) -> Found:
        """Ours come first; of others' entries one is enough, and none is an extra."""
        me = (await self._org.me()).user
        ours = [e.id for e in entries if e.owner in {me, ""}]
        record, *extras = ours or [entries[0].id]
        return Found(await self.mail_receipt(write, record, Effect.EXISTING), tuple(extras))

    # -------------------------------------------------------------------------------------------------- one by one

    async def _one(self, attempt: Attempt) -> Finding:
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
        contact = contact_of(write)
        if not contact or not write.logged:
            return CannotTell("logged_mail_unknown")
        try:
            entry = await self._mails.by_id(f"Contacts/{contact}", write.logged)
        except Gone:
            return Absent()
        if entry is None or entry.deal != write.deal:
            return Absent()
        return Found(await self.receipt(write.key, "Contacts", write.logged, Effect.CHANGED))

    async def task(self, write: CompleteTask) -> Row | None:
        """The task to complete, or None when it is deleted or was never made."""
        task = write.task or (await self.by_key("Tasks", [write.task_key])).get(write.task_key, "")
        return await self._api.record("Tasks", task, ("id", "Subject", "Status")) if task else None

    async def _completed(self, write: CompleteTask) -> Finding:
        row = await self.task(write)
        closed = closing_status(await self._org.need("Tasks"))
        if row is None or text_in(row.get("Status")) != closed:
            return Absent()
        return Found(await self.receipt(write.key, "Tasks", id_in(row.get("id")), Effect.CHANGED))

    async def _set(self, write: SetFields) -> Finding:
        module, names = MODULES[write.record.kind], tuple(name for name, _ in write.fields)
        row = await self._api.record(module, write.record.id, ("id", *names))
        if row is None or any(shown(row.get(name)) != value for name, value in write.fields):
            return Absent()
        return Found(await self.receipt(write.key, module, write.record.id, Effect.CHANGED))

    async def _removed(self, write: Remove) -> Finding:
        module = KEYED.get(write.made_by)
        if module is None:
            return CannotTell("mails_stay")
        if await self._api.record(module, write.record, ("id",)) is not None:
            return Absent()
        return Found(await self.receipt(write.key, module, write.record, Effect.CHANGED))

    # --------------------------------------------------------------------------------------------------------- deals

    async def _moved(self, attempt: Attempt, write: MoveDeal) -> Finding:
        """Moved if the deal stands there; half done if that went over a person's stage, which must be put back."""
        row = await self._api.record("Deals", write.deal, ("id", "Stage"))
        if row is None:
            return Absent()
        at = text_in(row.get("Stage"))
        since = attempt.first_sent_at or self._clock.now()
        seen = await self.move_seen(write, since)
        if at == write.to_stage and seen.over:
            return Partial(write.deal, (MOVED,), (PUT_BACK,))
        if at == write.to_stage:
            return Found(await self.receipt(write.key, "Deals", write.deal, Effect.CHANGED))
        if seen.ours and attempt.first_sent_at:
            note = "stage_put_back" if at == seen.over else "moved_on_by_person"
            return Found(await self.receipt(write.key, "Deals", write.deal, Effect.CHANGED, note))
        return Absent()

    async def move_seen(self, write: MoveDeal, since: datetime) -> MoveSeen:
        entries = await self.stage_history(write.deal)
        me = (await self._org.me()).user
        return move_seen(entries, me=me, since=since - SKEW, expect=write.expect_stage, to=write.to_stage)

    async def stage_history(self, deal: str) -> tuple[StageEntry, ...]:
        """Oldest first; empty where the account shows none.

        https://help.zoho.com/portal/en/community/topic/kaizen-107-field-trackers-in-zoho-crm
        """
        name = await self._org.history_list()
        if not name:
            return ()
        params = {"fields": _HISTORY_FIELDS, "per_page": "200"}
        try:
            rows: list[Any] = await self._api.pages("get_related_records", f"Deals/{deal}/{name}", params, most=10)
        except (Gone, Rejected):
            return ()
        return stage_entries(rows)


def contact_of(write: LinkEmail) -> str:
    return next((p.ref.id for p in write.participants if p.ref.kind is RecordKind.CONTACT), "")


def _bears(row: Row, write: object, me: str) -> bool:
    if id_in(row.get("Created_By")) not in {me, ""}:
        return False
    if isinstance(write, CreateTask):
        return marker(write.key) in str(row.get("Description") or "")
    return isinstance(write, CreateCustomer) and str(row.get("Email") or "").strip().lower() == write.email
