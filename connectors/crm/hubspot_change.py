"""Changing what people change too: deals, tasks, fields, contacts. HubSpot guards none of it, so each is read before,
and a move read back after.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.base.errors import Conflict, ConnectorError, Gone, OutcomeUnknown, Rejected
from connectors.base.model import (
    Attempt,
    CompleteTask,
    CreateCustomer,
    Effect,
    MoveDeal,
    Receipt,
    Remove,
    SetFields,
)
from connectors.crm.hubspot_account import HubSpotAccount
from connectors.crm.hubspot_api import HubSpotApi
from connectors.crm.hubspot_find import MADE_AS, MOVED, NOTES, HubSpotFinder
from connectors.crm.hubspot_map import KEY, OBJECTS, Stages, value
from connectors.crm.hubspot_parse import Fault, Row, bare_code, error_of, unknown
from connectors.crm.hubspot_stage_map import Entry, Fate, Verdict, history_of, judge
from connectors.crm.hubspot_writes_map import CLOSED, customer_properties, source_of
from connectors.http import as_unknown

Answer = Receipt | ConnectorError
_ROUNDS = 3  # of putting a person's stage back, should they go on moving the deal
_SKEW = timedelta(seconds=5)


class HubSpotChanger:
    """Writes that go one by one."""

    def __init__(self, api: HubSpotApi, account: HubSpotAccount, finder: HubSpotFinder) -> None:
        self._api = api
        self._account = account
        self._finder = finder

    async def answer(self, attempt: Attempt) -> Answer:
        write = attempt.write
        try:
            if isinstance(write, MoveDeal):
                return await self._move(attempt, write)
            if isinstance(write, CompleteTask):
                return await self._complete(write)
            if isinstance(write, SetFields):
                return await self._set(write)
            if isinstance(write, CreateCustomer):
                return await self._create(write)
            if isinstance(write, Remove):
                return await self._remove(write)
        except ConnectorError as error:
            return error
        return Rejected(f"HubSpot knows no write of kind {write.kind}.", code="UNSUPPORTED")

    # ------------------------------------------------------------------------------------------------------------ deals

    async def _move(self, attempt: Attempt, write: MoveDeal) -> Answer:
        """Move a deal that stands where we expect it; then see in its history whether a person was overridden."""
        stages = await self._account.stages({write.to_stage})
        refusal = _refusal(write, stages)
        if refusal:
            return refusal
        if MOVED in attempt.done_steps and attempt.first_sent_at:
            row, verdict = await self._finder.verdict(write, attempt.first_sent_at)
            return await self._settle(write, stages, row, verdict, attempt.first_sent_at)
        row = await self._look(write.deal)
        history = history_of(row, (await self._account.facts()).author)
        if value(row, "dealstage") == write.to_stage:
            if attempt.first_sent_at is None:
                return await self._receipt(write, row, Effect.UNCHANGED)
            verdict = judge(history, write, since=attempt.first_sent_at)
            if verdict.fate is Fate.NOT_MOVED:  # somebody else brought it there
                return await self._receipt(write, row, Effect.UNCHANGED)
            return await self._settle(write, stages, row, verdict, attempt.first_sent_at)
        if value(row, "dealstage") != write.expect_stage:
            return Conflict("A person moved the deal first.", operation="deals.update", code="PERSON_MOVED_DEAL")
        since = self._api.server_now - _SKEW
        await self._put(str(row["id"]), write.to_stage, stages)
        try:
            after = await self._look(write.deal)
            verdict = judge(history_of(after, (await self._account.facts()).author), write, since=since, known=history)
            return await self._settle(write, stages, after, verdict, since, known=history)
        except OutcomeUnknown:
            raise
        except ConnectorError as error:
            raise as_unknown(error) from error  # the deal is moved: what it overrode must still be looked at

    async def _settle(
        self,
        write: MoveDeal,
        stages: Stages,
        row: Row,
        verdict: Verdict,
        since: datetime,
        known: Sequence[Entry] = (),
    ) -> Answer:
        """End a move that is in the history; put back the stage of a person whom it overrode."""
        author = (await self._account.facts()).author
        for _ in range(_ROUNDS):
            if verdict.fate is not Fate.OVERRODE:
                break
            await self._put(str(row["id"]), verdict.stage, stages)
            try:
                row = await self._look(write.deal)
            except ConnectorError as error:
                raise as_unknown(error) from error
            verdict = judge(history_of(row, author), write, since=since, known=known)
        if verdict.fate in (Fate.OVERRODE, Fate.NOT_MOVED):
            raise unknown("deals.update")
        effect = Effect.UNCHANGED if verdict.fate is Fate.PUT_BACK else Effect.CHANGED
        return await self._receipt(write, row, effect, NOTES.get(verdict.fate, ""))

    async def _look(self, deal: str) -> Row:
        return await self._api.record("deals", deal, ("dealstage", "pipeline"), history="dealstage")

    async def _put(self, deal: str, stage: str, stages: Stages) -> None:
        """With its pipeline: a stage of another one would be refused or misfiled."""
        pipeline = stages.pipeline_of(stage)
        await self._api.change("deals", deal, {"dealstage": stage} | ({"pipeline": pipeline} if pipeline else {}))

    async def _receipt(self, write: MoveDeal, row: Row, effect: Effect, note: str = "") -> Receipt:
        return await self._finder.receipt(write.key, "deals", str(row["id"]), effect, note)

    # ---------------------------------------------------------------------------------------------------- tasks, fields

    async def _complete(self, write: CompleteTask) -> Answer:
        row = await self._finder.task(write)
        if row is None:
            return Gone("The task is deleted.", operation="tasks.update")
        record = str(row["id"])
        if value(row, "hs_task_status") == CLOSED:
            return await self._finder.receipt(write.key, "tasks", record, Effect.UNCHANGED)
        await self._api.change("tasks", record, {"hs_task_status": CLOSED})
        return await self._finder.receipt(write.key, "tasks", record, Effect.CHANGED)

    async def _set(self, write: SetFields) -> Answer:
        """Fill fields, by default only empty ones."""
        name, names = OBJECTS[write.record.kind], [n for n, _ in write.fields]
        writable = {str(d["name"]) for d in await self._account.definitions(name) if not _read_only(d)}
        missing = [n for n in names if n not in writable]
        if missing:
            hint = f"{name} has no property {missing[0]} that may be filled; correct the rule or create it."
            return Rejected(hint, operation=f"{name}.update", code="PROPERTY_DOESNT_EXIST")
        row = await self._api.record(name, write.record.id, names)
        changed = {n: v for n, v in write.fields if value(row, n) != v.strip()}
        body = {n: v for n, v in changed.items() if not write.only_if_empty or not value(row, n)}
        record = str(row["id"])
        if not body:
            return await self._finder.receipt(write.key, name, record, Effect.UNCHANGED)
        await self._api.change(name, record, body)
        return await self._finder.receipt(write.key, name, record, Effect.CHANGED)

    # --------------------------------------------------------------------------------------------------------- contacts

    async def _create(self, write: CreateCustomer) -> Answer:
        """A contact, unless the address is known by then; HubSpot itself refuses a second one with it."""
        known = await self._finder.customer(write)
        if known:
            name, record, note = known
            return await self._finder.receipt(write.key, name, record, Effect.EXISTING, note)
        shape = (await self._account.facts()).shape("contacts")
        try:
            row = await self._api.create("contacts", customer_properties(write, shape))
        except Rejected as error:
            if bare_code(error) != "CONFLICTING_UNIQUE_VALUE":
                raise
            row = Fault(category="CONFLICT")
        if not isinstance(row, Fault):
            return await self._finder.receipt(write.key, "contacts", str(row["id"]), Effect.CREATED)
        if row.existing:
            return await self._finder.receipt(write.key, "contacts", row.existing, Effect.EXISTING, "address_known")
        known = await self._finder.customer(write)
        if known:
            return await self._finder.receipt(write.key, known[0], known[1], Effect.EXISTING, "address_known")
        return error_of(row, operation="contacts.create", status=409) or unknown("contacts.create", 409)

    async def _remove(self, write: Remove) -> Answer:
        """Delete what we made. What is not ours stays."""
        name = MADE_AS.get(write.made_by)
        if name is None:
            return Rejected(f"A {write.made_by} leaves no record to remove.", operation="archive", code="NO_RECORD")
        try:
            row = await self._api.record(name, write.record, (KEY, "hs_object_source", "hs_object_source_id"))
        except Gone:
            return await self._finder.receipt(write.key, name, write.record, Effect.UNCHANGED)
        if str(row["id"]) != write.record:  # merged: what answers under its id now is also a person's record
            hint = "People have merged it with another record."
            return Conflict(hint, operation=f"{name}.archive", code="MERGED")
        author = (await self._account.facts()).author
        if not value(row, KEY) and not author.made(*source_of(row)):
            return Rejected("The record does not bear our key.", operation=f"{name}.archive", code="NOT_OURS")
        there = await self._api.archive(name, str(row["id"]))
        effect = Effect.CHANGED if there else Effect.UNCHANGED
        return await self._finder.receipt(write.key, name, write.record, effect)


def _refusal(write: MoveDeal, stages: Stages) -> Rejected | None:
    if stages.stage(write.to_stage) is None:
        return Rejected("The account has no such stage.", operation="deals.update", code="UNKNOWN_STAGE")
    if write.to_stage in stages.locked:
        hint = "HubSpot lets nobody but itself set this stage."
        return Rejected(hint, operation="deals.update", code="STAGE_READ_ONLY")
    return None


def _read_only(definition: Row) -> bool:
    metadata = definition.get("modificationMetadata")
    locked = isinstance(metadata, dict) and metadata.get("readOnlyValue") is True
    return locked or definition.get("calculated") is True or bool(definition.get("archived"))
