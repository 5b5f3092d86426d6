"""Writing. One record a call, since Zoho's answers name records by their place only; new records by their key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base.errors import Conflict, ConnectorError, Gone, OutcomeUnknown, Rejected, Transient
from connectors.base.model import (
    Attempt,
    CompleteTask,
    CreateCustomer,
    CreateTask,
    Effect,
    LinkEmail,
    LogEmail,
    MoveDeal,
    Receipt,
    Remove,
    SetFields,
    WriteKind,
)
from connectors.crm.zoho_api import ZohoApi, refusal, stops_all
from connectors.crm.zoho_find import KEYED, ZohoFinder, contact_of
from connectors.crm.zoho_log import ZohoMailLog
from connectors.crm.zoho_map import KEY_FIELD, MODULES, ModuleShape, zoho_time
from connectors.crm.zoho_mirror import ZohoMirror
from connectors.crm.zoho_move import ZohoMover
from connectors.crm.zoho_org import ZohoOrg
from connectors.crm.zoho_parse import Outcome, id_in, parse_time, text_in
from connectors.crm.zoho_writes_map import closing_status, fields_plan, lead_body, task_body

Answer = Receipt | ConnectorError


class ZohoWriter:
    """The write side of one account."""

    def __init__(
        self,
        api: ZohoApi,
        org: ZohoOrg,
        mirror: ZohoMirror,
        finder: ZohoFinder,
        mails: ZohoMailLog,
        mover: ZohoMover,
        *,
        workflows: bool,
    ) -> None:
        """`workflows` lets live writes run the customer's workflows; historic ones never do."""
        self._api = api
        self._org = org
        self._mirror = mirror
        self._finder = finder
        self._mails = mails
        self._mover = mover
        self._workflows = workflows

    async def write_many(self, attempts: Sequence[Attempt]) -> tuple[Answer, ...]:
        """See `CrmTarget.write_many`. After an error that would meet all others too, nothing more is sent."""
        answers: list[Answer] = []
        stopped: ConnectorError | None = None
        for attempt in attempts:
            answer = stopped or await self._answer(attempt)
            if isinstance(answer, ConnectorError) and stops_all(answer):
                stopped = answer
            answers.append(answer)
        if stopped is not None and answers[0] is stopped:
            raise stopped
        return tuple(answers)

    async def _answer(self, attempt: Attempt) -> Answer:
        try:
            return await self._one(attempt)
        except ConnectorError as error:
            return error

    async def _one(self, attempt: Attempt) -> Answer:
        write = attempt.write
        triggers = self._triggers(attempt)
        if isinstance(write, LogEmail):
            return await self._mails.log(write)
        if isinstance(write, LinkEmail):
            return await self._link(write)
        if isinstance(write, CreateTask):
            shape = await self._org.need("Tasks")
            body, notes = task_body(write, shape)
            return await self._create(attempt, shape, body, triggers, ",".join(notes))
        if isinstance(write, CompleteTask):
            return await self._complete(write, triggers)
        if isinstance(write, MoveDeal):
            return await self._mover.move(attempt, write, triggers)
        if isinstance(write, SetFields):
            return await self._set(write, triggers)
        if isinstance(write, CreateCustomer):
            return await self._customer(attempt, write, triggers)
        return await self._remove(write)

    def _triggers(self, attempt: Attempt) -> Mapping[str, Any]:
        """An absent `trigger` runs everything, an empty list nothing.

        https://www.zoho.com/crm/developer/docs/api/v8/insert-records.html
        """
        return {"trigger": []} if attempt.history or not self._workflows else {}

    # --------------------------------------------------------------------------------------------------- new records

    async def _create(
        self, attempt: Attempt, shape: ModuleShape, body: dict[str, Any], triggers: Mapping[str, Any], note: str
    ) -> Answer:
        """A record with our key, or the one that has it. Without a list of fields Zoho would match by others."""
        key = attempt.write.key
        if not shape.keyed:
            sent = {"data": [body], **triggers}
            return await self._created(
                key, shape, await self._api.write("insert_records", "POST", shape.name, sent), note
            )
        if attempt.first_sent_at and (known := (await self._finder.by_key(shape.name, [key])).get(key)):
            return await self._finder.receipt(key, shape.name, known, Effect.EXISTING)
        sent = {"data": [body], "duplicate_check_fields": [KEY_FIELD], **triggers}
        outcome = await self._api.write("upsert_records", "POST", f"{shape.name}/upsert", sent)
        return await self._created(key, shape, outcome, note)

    async def _created(self, key: str, shape: ModuleShape, outcome: Outcome, note: str) -> Answer:
        fault = outcome.fault
        if fault is None and outcome.id:
            effect = Effect.EXISTING if outcome.action == "update" else Effect.CREATED
            return await self._finder.receipt(key, shape.name, outcome.id, effect, note)
        if fault is not None and fault.code == "DUPLICATE_DATA" and KEY_FIELD in fault.names and fault.duplicate:
            return await self._finder.receipt(key, shape.name, fault.duplicate, Effect.EXISTING)
        operation = "upsert_records" if shape.keyed else "insert_records"
        return refusal(outcome, operation) or OutcomeUnknown("Zoho names no record.", operation=operation)

    async def _customer(self, attempt: Attempt, write: CreateCustomer, triggers: Mapping[str, Any]) -> Answer:
        known = await self._known(write)
        if known is not None:
            return known
        shape = await self._org.need("Leads")
        answer = await self._create(attempt, shape, lead_body(write, shape), triggers, "")
        if isinstance(answer, Rejected) and answer.code == "DUPLICATE_DATA":
            # The account's preference may refuse a lead whose address a contact or converted lead has.
            return await self._known(write) or answer
        return answer

    async def _known(self, write: CreateCustomer) -> Receipt | None:
        """The record that bears the address by now. A contact comes before a lead."""
        found = await self._mirror.find_customers([write.email], [])
        live = [c.ref for c in found if not c.deleted and not c.merged_into]
        refs = live or list(await self._mirror.search(write.email))
        if not refs:
            return None
        ref = min(refs, key=lambda r: list(MODULES).index(r.kind))
        note = "address_known"
        return await self._finder.receipt(write.key, MODULES[ref.kind], ref.id, Effect.EXISTING, note)

    # -------------------------------------------------------------------------------------------------------- changes

    async def _complete(self, write: CompleteTask, triggers: Mapping[str, Any]) -> Answer:
        closed = closing_status(await self._org.need("Tasks"))
        if not closed:
            hint = "Tasks have no status Completed; give the field Status of Tasks that value again."
            return Rejected(hint, operation="update_records", code="NO_CLOSED_STATUS")
        row = await self._finder.task(write)
        if row is None:
            return Gone("The task is deleted.", operation="update_records")
        task = id_in(row.get("id"))
        if text_in(row.get("Status")) == closed:
            return await self._finder.receipt(write.key, "Tasks", task, Effect.UNCHANGED)
        body = {"data": [{"id": task, "Status": closed}], **triggers}
        outcome = await self._api.write("update_records", "PUT", "Tasks", body)
        stopped = refusal(outcome, "update_records")
        return stopped or await self._finder.receipt(write.key, "Tasks", task, Effect.CHANGED)

    async def _set(self, write: SetFields, triggers: Mapping[str, Any]) -> Answer:
        """Fill fields, by default only empty ones."""
        module, record = MODULES[write.record.kind], write.record.id
        shape = await self._org.need(module)
        names = tuple(name for name, _ in write.fields)
        row = await self._api.record(module, record, ("id", "Modified_Time", *names))
        if row is None:
            return Gone("The record is deleted or hidden.", operation="update_records")
        plan = fields_plan(write.fields, row, shape, only_if_empty=write.only_if_empty)
        if plan.refused:
            hint = f"{module}.{plan.refused} cannot be set: it is missing, read-only or of another type."
            return Rejected(hint, operation="update_records", code="INVALID_FIELD")
        if not plan.values:
            return await self._finder.receipt(write.key, module, record, Effect.UNCHANGED)
        body = {"data": [{"id": record, **plan.values}], **triggers}
        modified = parse_time(row.get("Modified_Time"))
        headers = {"If-Unmodified-Since": zoho_time(modified)} if modified else {}
        try:
            outcome = await self._api.write("update_records", "PUT", module, body, headers=headers)
        except Conflict as error:
            return Transient("Somebody is editing the record.", operation=error.operation, status=412)
        stopped = refusal(outcome, "update_records")
        if isinstance(stopped, Conflict):
            return Transient("Somebody is editing the record.", operation="update_records", status=412)
        return stopped or await self._finder.receipt(write.key, module, record, Effect.CHANGED)

    async def _link(self, write: LinkEmail) -> Answer:
        """Tie a contact's mail to a deal; of all links of a mail only this one can be added later.

        https://www.zoho.com/crm/developer/docs/api/v8/link-deals-email.html
        """
        contact = contact_of(write)
        if not contact or not write.deal or not write.logged:
            hint = "Zoho can add only a deal to a logged mail, and only to one on a contact."
            return Rejected(hint, operation="link_emails", code="LINK_NEEDS_CONTACT_AND_DEAL")
        entry = await self._mails.lists.by_id(f"Contacts/{contact}", write.logged)
        if entry is None:
            return Gone("The logged mail is gone.", operation="link_emails")
        if entry.deal == write.deal:
            return await self._finder.receipt(write.key, "Contacts", write.logged, Effect.UNCHANGED)
        module = {"api_name": "Deals", "id": (await self._org.need("Deals")).id}
        owner = entry.owner or (await self._org.me()).user
        email = {
            "message_id": write.logged,
            "owner": {"id": owner},
            "linked_record": {"module": module, "id": write.deal},
        }
        path = f"Contacts/{contact}/Emails/actions/link_record"
        outcome = await self._api.write("link_emails", "POST", path, {"Emails": [email]}, name="Emails")
        stopped = refusal(outcome, "link_emails")
        return stopped or await self._finder.receipt(write.key, "Contacts", write.logged, Effect.CHANGED)

    # -------------------------------------------------------------------------------------------------------- removing

    async def _remove(self, write: Remove) -> Answer:
        """Delete a task or lead of ours. Zoho documents no way to take a mail off a record."""
        module = KEYED.get(write.made_by)
        if module is None:
            hint = "Zoho offers programs no way to take this back; a person can, on the record's page."
            return Rejected(hint, operation="delete_records", code="NOT_REMOVABLE")
        converts = ("Converted__s",) if write.made_by is WriteKind.CREATE_CUSTOMER else ()
        row = await self._api.record(module, write.record, ("id", KEY_FIELD, "Description", "Created_By", *converts))
        if row is None:
            return await self._finder.receipt(write.key, module, write.record, Effect.UNCHANGED)
        if not await self._ours(row, module):
            return Rejected("The record does not bear our key.", operation="delete_records", code="NOT_OURS")
        if row.get("Converted__s"):
            return Conflict("People have converted the lead.", operation="delete_records", code="CONVERTED")
        params = {"ids": write.record, "wf_trigger": "false"}
        outcome = await self._api.write("delete_records", "DELETE", module, params=params)
        stopped = refusal(outcome, "delete_records")
        if isinstance(stopped, Gone):
            return await self._finder.receipt(write.key, module, write.record, Effect.UNCHANGED)
        return stopped or await self._finder.receipt(write.key, module, write.record, Effect.CHANGED)

    async def _ours(self, row: Mapping[str, Any], module: str) -> bool:
        shape = await self._org.need(module)
        if shape.keyed:
            return bool(row.get(KEY_FIELD))
        return id_in(row.get("Created_By")) == (await self._org.me()).user
