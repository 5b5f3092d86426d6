"""What HubSpot works out by itself when values are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.mail_headers import derive
from tradepost.sandbox.hubspot.pipelines import pipeline_property, stage_property
from tradepost.sandbox.hubspot.records import Record
from tradepost.sandbox.hubspot.state import Actor, PortalState
from tradepost.sandbox.hubspot.times import stamp

LIFECYCLE = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
)
_TAGS = re.compile(r"<[^>]*>")
_PREVIEW = 300
_TASK_DEFAULTS = {"hs_task_status": "NOT_STARTED", "hs_task_priority": "NONE", "hs_task_type": "TODO"}


def origin(actor: Actor) -> dict[str, str]:
    """Who made a record, as read-only properties.

    Observed in public data: INTEGRATION for what an app made, EMAIL for the connected inbox, CRM_UI for people.
    """
    source = actor.source
    found = {"hs_object_source": source.type, "hs_object_source_id": source.id, "hs_object_source_label": source.type}
    if source.label:
        found["hs_object_source_detail_1"] = source.label
    if source.user_id is not None:
        user = str(source.user_id)
        found |= {"hs_object_source_user_id": user, "hs_created_by_user_id": user}
    return found


def defaults(state: PortalState, kind: Kind, values: Mapping[str, str]) -> dict[str, str]:
    """What a new record gets where its maker was silent."""
    found: dict[str, str] = {}
    if kind.plural == "tasks":
        found = {name: value for name, value in _TASK_DEFAULTS.items() if not values.get(name)}
    pipelines = state.pipelines.get(kind.plural)
    if pipelines and not values.get(pipeline_property(kind.plural)):
        stage = state.stage(kind, values.get(stage_property(kind.plural), ""))
        first = stage[0] if stage else next(iter(pipelines.values()))
        found[pipeline_property(kind.plural)] = first.id
        if kind.plural == "leads" and not values.get("hs_pipeline_stage"):
            found["hs_pipeline_stage"] = next(iter(first.stages))
    return found


def derived(state: PortalState, kind: Kind, values: Mapping[str, str], before: Record | None) -> dict[str, str]:
    """What follows from written values, given those already there. Raises Refused for headers that are no JSON."""
    found: dict[str, str] = {}
    if "hubspot_owner_id" in values:
        found |= _owned(state, values["hubspot_owner_id"])
    if kind.plural == "emails":
        found |= _email(state, values)
    elif kind.plural == "tasks" and "hs_task_status" in values:
        done = values["hs_task_status"] == "COMPLETED"
        found["hs_task_is_completed"] = str(done).lower()
        found["hs_task_completion_date"] = stamp(state.now()) if done else ""
    elif kind.plural == "deals" and ("dealstage" in values or "amount" in values):
        found |= _deal(state, values, before)
    elif kind.plural == "contacts":
        found |= _contact(values, before)
    if kind.plural in ("notes", "tasks", "calls", "meetings"):
        body = values.get(f"hs_{kind.singular}_body")
        found |= {} if body is None else {"hs_body_preview": preview(body)}
    return found


def preview(body: str) -> str:
    return unescape(_TAGS.sub(" ", body)).strip()[:_PREVIEW]


def _owned(state: PortalState, owner: str) -> dict[str, str]:
    assigned = stamp(state.now()) if owner else ""
    return {"hubspot_owner_assigneddate": assigned, "hs_all_owner_ids": owner}


def _email(state: PortalState, values: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if "hs_email_headers" in values and state.strict.headers_fill_read_only:
        found |= derive(values["hs_email_headers"])
    body = values.get("hs_email_text") or values.get("hs_email_html")
    return found | ({"hs_body_preview": preview(body)} if body else {})


def _deal(state: PortalState, values: Mapping[str, str], before: Record | None) -> dict[str, str]:
    stage_id = values.get("dealstage") or (before.get("dealstage") if before is not None else "")
    pipeline = state.pipelines["deals"].get(values.get("pipeline") or (before.get("pipeline") if before else ""))
    found_stage = state.stage(state.kind_of("deals"), stage_id)
    stage = pipeline.stages.get(stage_id) if pipeline is not None else found_stage[1] if found_stage else None
    amount = values.get("amount", before.get("amount") if before is not None else "")
    found = {"amount_in_home_currency": amount, "hs_projected_amount": amount}
    if stage is None:
        return found
    found |= {
        "hs_is_closed": str(stage.closed).lower(),
        "hs_is_closed_won": str(stage.won).lower(),
        "hs_is_closed_lost": str(stage.closed and not stage.won).lower(),
        "hs_deal_stage_probability": stage.metadata.get("probability", ""),
    }
    if "dealstage" in values and (before is None or before.get("dealstage") != stage_id):
        found["hs_v2_date_entered_current_stage"] = stamp(state.now())
        if state.property(state.kind_of("deals"), f"hs_date_entered_{stage_id}"):
            found[f"hs_date_entered_{stage_id}"] = stamp(state.now())
        if stage.closed and "closedate" not in values:
            found["closedate"] = stamp(state.now())
    return found


def _contact(values: Mapping[str, str], before: Record | None) -> dict[str, str]:
    def now(name: str) -> str:
        return values.get(name, before.get(name) if before is not None else "")

    name = f"{now('firstname')} {now('lastname')}".strip()
    return {
        "hs_email_domain": now("email").rpartition("@")[2],
        "hs_full_name_or_email": name or now("email"),
    }


def forward_only(values: Mapping[str, str], before: Record) -> dict[str, str]:
    """The values without a lifecycle stage that would go back.

    https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
    """
    old, new = before.get("lifecyclestage"), values.get("lifecyclestage", "")
    goes_back = old in LIFECYCLE and new in LIFECYCLE and LIFECYCLE.index(new) < LIFECYCLE.index(old)
    return {name: value for name, value in values.items() if not (goes_back and name == "lifecyclestage")}
