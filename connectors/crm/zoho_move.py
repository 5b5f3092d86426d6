"""Moving a deal: guarded, by its blueprint where it has one, read back, and never over a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.base.errors import Conflict, ConnectorError, Gone, OutcomeUnknown, Rejected, Transient
from connectors.base.model import Attempt, Effect, MoveDeal, Receipt
from connectors.base.services import Clock
from connectors.crm.zoho_api import ZohoApi, refusal
from connectors.crm.zoho_find import MOVED, ZohoFinder
from connectors.crm.zoho_map import zoho_time
from connectors.crm.zoho_moves_map import Transition, transition_to
from connectors.crm.zoho_org import ZohoOrg
from connectors.crm.zoho_parse import STOPPED, Row, parse_time, text_in

Answer = Receipt | ConnectorError
_FIELDS = ("id", "Stage", "Pipeline", "Modified_Time")
_UPDATE = "update_records"


class ZohoMover:
    """`MoveDeal` for one account."""

    def __init__(self, api: ZohoApi, org: ZohoOrg, finder: ZohoFinder, clock: Clock) -> None:
        self._api = api
        self._org = org
        self._finder = finder
        self._clock = clock

    async def move(self, attempt: Attempt, write: MoveDeal, triggers: Mapping[str, Any]) -> Answer:
        """Move a deal that stands where we expect it. `triggers` is the part of a body that switches workflows off."""
        since = attempt.first_sent_at or self._clock.now()
        if MOVED in attempt.done_steps:
            return await self._after(write, since, triggers)
        row = await self._api.record("Deals", write.deal, _FIELDS)
        if row is None:
            return Gone("The deal is deleted or hidden.", operation=_UPDATE)
        at = text_in(row.get("Stage"))
        if at == write.to_stage:
            return await self._finder.receipt(write.key, "Deals", write.deal, Effect.UNCHANGED)
        if at != write.expect_stage:
            return _person_moved()
        if not await self._fits(write, text_in(row.get("Pipeline"))):
            return Rejected(STOPPED["MAPPING_MISMATCH"], operation=_UPDATE, code="UNKNOWN_STAGE")
        stopped = await self._put(write.deal, write.to_stage, parse_time(row.get("Modified_Time")), triggers)
        if isinstance(stopped, Conflict):
            return await self._after_conflict(write)
        if stopped is not None and stopped.code == "RECORD_IN_BLUEPRINT":
            stopped = await self._by_blueprint(write)
        return stopped or await self._after(write, since, triggers)

    async def _fits(self, write: MoveDeal, pipeline: str) -> bool:
        """Whether the stage belongs to the pipeline that the deal is in now."""
        known = {p.id: p for p in await self._org.pipelines()}
        here = known.get(pipeline) or known.get(write.pipeline)
        stages = here.stages if here else tuple(s for p in known.values() for s in p.stages)
        return any(s.id == write.to_stage for s in stages)

    async def _put(
        self, deal: str, stage: str, unmodified: datetime | None, triggers: Mapping[str, Any]
    ) -> ConnectorError | None:
        """The header is in Zoho's newer samples only; where it is not heeded, `_after` finds a person's move."""
        headers = {"If-Unmodified-Since": zoho_time(unmodified)} if unmodified else {}
        body = {"data": [{"id": deal, "Stage": stage}], **triggers}
        try:
            outcome = await self._api.write(_UPDATE, "PUT", "Deals", body, headers=headers)
        except Conflict as error:
            return error
        return refusal(outcome, _UPDATE)

    async def _after_conflict(self, write: MoveDeal) -> Answer:
        """Somebody saved the deal in between: did they move it, or only edit it?"""
        row = await self._api.record("Deals", write.deal, _FIELDS)
        at = text_in(row.get("Stage")) if row else ""
        if at == write.to_stage:
            return await self._finder.receipt(write.key, "Deals", write.deal, Effect.UNCHANGED)
        if at == write.expect_stage:
            return Transient("Somebody is editing the deal.", operation=_UPDATE, status=412)
        return _person_moved() if row else Gone("The deal is deleted or hidden.", operation=_UPDATE)

    async def _after(self, write: MoveDeal, since: datetime, triggers: Mapping[str, Any]) -> Answer:
        """Read back what came of it, and put back a person's stage that it went over.

        Whatever fails from here on leaves the outcome unknown: the look-up finds the half that is missing.
        """
        try:
            return await self._seen(write, since, triggers)
        except ConnectorError as error:
            hint = "The deal was moved, and could not be read back."
            raise OutcomeUnknown(hint, operation=error.operation, status=error.status, code=error.code) from None

    async def _seen(self, write: MoveDeal, since: datetime, triggers: Mapping[str, Any]) -> Answer:
        row = await self._api.record("Deals", write.deal, _FIELDS)
        seen = await self._finder.move_seen(write, since)
        at = text_in(row.get("Stage")) if row else ""
        if row and at == write.to_stage and seen.over:
            return await self._put_back(write.deal, seen.over, row, triggers)
        if at == write.to_stage or seen.ours:
            note = "" if at == write.to_stage else "moved_on_by_person"
            return await self._finder.receipt(write.key, "Deals", write.deal, Effect.CHANGED, note)
        if at == write.expect_stage:
            return Rejected(STOPPED["RECORD_IN_BLUEPRINT"], operation=_UPDATE, code="STAGE_NOT_TAKEN")
        return _person_moved()

    async def _put_back(self, deal: str, stage: str, row: Row, triggers: Mapping[str, Any]) -> Answer:
        stopped = await self._put(deal, stage, parse_time(row.get("Modified_Time")), triggers)
        if stopped is None:
            return _person_moved()
        if isinstance(stopped, Rejected):
            hint = f"A person had moved the deal to another stage; put it back by hand. {stopped.hint}"
            return Rejected(hint, operation=_UPDATE, code="STAGE_NOT_PUT_BACK")
        raise stopped

    # ----------------------------------------------------------------------------------------------------- blueprint

    async def _by_blueprint(self, write: MoveDeal) -> ConnectorError | None:
        """Run the transition that leads to the stage, if our user may and it asks for nothing.

        https://www.zoho.com/crm/developer/docs/api/v8/update-blueprint.html
        """
        path = f"Deals/{write.deal}/actions/blueprint"
        body = await self._api.get("get_blueprint", path)
        found = transition_to(body, write.to_stage)
        if found is None or found.needs:
            return _blueprint_stops(found)
        sent = {"blueprint": [{"transition_id": found.id, "data": {}}]}
        return refusal(
            await self._api.write("update_blueprint", "PUT", path, sent, name="blueprint"), "update_blueprint"
        )


def _blueprint_stops(found: Transition | None) -> Rejected:
    hint = STOPPED["RECORD_IN_BLUEPRINT"]
    if found is not None:
        hint = f"The deal follows a blueprint, whose transition asks for {', '.join(found.needs)}; move it by hand."
    return Rejected(hint, operation="get_blueprint", code="RECORD_IN_BLUEPRINT")


def _person_moved() -> Conflict:
    return Conflict("A person moved the deal first.", operation=_UPDATE, code="PERSON_MOVED_DEAL")
