"""Pipelines and stages.

https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.hubspot import access
from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.call import Answer, Call, Route
from tradepost.sandbox.hubspot.errors import Refused, bad_json, not_found
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.pipelines import Pipeline, Stage, pipeline_property, stage_property
from tradepost.sandbox.hubspot.state import PortalState
from tradepost.sandbox.hubspot.values import text


def _held(account: Account, call: Call) -> dict[str, Pipeline]:
    return account.state.pipelines.setdefault(account.state.kind_of(call.args[0]).plural, {})


def _pipeline(account: Account, call: Call) -> Pipeline:
    found = _held(account, call).get(call.args[1])
    if found is None:
        raise not_found()
    return found


def _stage(account: Account, call: Call) -> Stage:
    found = _pipeline(account, call).stages.get(call.args[2])
    if found is None:
        raise not_found()
    return found


def list_pipelines(account: Account, call: Call) -> Answer:
    rows = sorted(_held(account, call).values(), key=lambda pipeline: pipeline.order)
    return Answer(body={"results": [pipeline.json() for pipeline in rows]})


def list_v1(account: Account, call: Call) -> Answer:
    """/crm-pipelines/v1/pipelines/{type}: the same in the older words; extraction tools still ask here.

    https://legacydocs.hubspot.com/docs/methods/pipelines/get_pipelines_for_object_type
    """
    kind = account.state.kind_of(call.args[0])
    rows = sorted(_held(account, call).values(), key=lambda pipeline: pipeline.order)
    return Answer(body={"results": [_older(kind, pipeline) for pipeline in rows]})


def _older(kind: Kind, pipeline: Pipeline) -> dict[str, Any]:
    stages = sorted(pipeline.stages.values(), key=lambda stage: stage.order)
    return {
        "pipelineId": pipeline.id,
        "objectType": kind.constant,
        "objectTypeId": kind.type_id,
        "default": pipeline.id in ("default", "0"),
        **_facts(pipeline),
        "stages": [{"stageId": stage.id, "metadata": dict(stage.metadata), **_facts(stage)} for stage in stages],
    }


def _facts(each: Pipeline | Stage) -> dict[str, Any]:
    return {
        "label": each.label,
        "displayOrder": each.order,
        "active": not each.archived,
        "createdAt": int(each.created_at.timestamp() * 1000),
        "updatedAt": int(each.updated_at.timestamp() * 1000),
    }


def get_pipeline(account: Account, call: Call) -> Answer:
    return Answer(body=_pipeline(account, call).json())


def create_pipeline(account: Account, call: Call) -> Answer:
    state, body = account.state, call.fields
    label, key = text(body.get("label")), text(body.get("pipelineId")) or state.new_id()
    if not label or not isinstance(body.get("stages"), list):
        raise bad_json("Some required fields were not set: [label, stages]")
    held = _held(account, call)
    if key in held:
        raise Refused(f"Pipeline {key} already exists", status=409, category="CONFLICT")
    now = state.now()
    made = Pipeline(id=key, label=label, order=int(body.get("displayOrder") or 0), created_at=now, updated_at=now)
    kind = state.kind_of(call.args[0])
    stages = [_new_stage(state, kind, row) for row in body["stages"]]
    made.stages = {stage.id: stage for stage in stages}
    held[key] = made
    return Answer(status=201, body=made.json())


def _new_stage(state: PortalState, kind: Kind, body: Any) -> Stage:
    if not isinstance(body, Mapping) or not text(body.get("label")):
        raise bad_json("Some required fields were not set: [label, metadata]")
    metadata = {name: text(value) for name, value in (body.get("metadata") or {}).items()}
    if kind.plural == "deals":
        if "probability" not in metadata:
            raise Refused("The stage metadata must include probability")
        metadata.setdefault("isClosed", str(metadata["probability"] in {"0.0", "1.0"}).lower())
    now = state.now()
    return Stage(
        id=text(body.get("stageId")) or state.new_id(),
        label=text(body["label"]),
        order=int(body.get("displayOrder") or 0),
        metadata=metadata,
        created_at=now,
        updated_at=now,
    )


def update_pipeline(account: Account, call: Call) -> Answer:
    pipeline, body = _pipeline(account, call), call.fields
    pipeline.label = text(body.get("label")) or pipeline.label
    pipeline.order = int(body.get("displayOrder") or pipeline.order)
    pipeline.archived = bool(body.get("archived", pipeline.archived))
    pipeline.updated_at = account.state.now()
    return Answer(body=pipeline.json())


def replace_pipeline(account: Account, call: Call) -> Answer:
    pipeline, state = _pipeline(account, call), account.state
    stages = [_new_stage(state, state.kind_of(call.args[0]), row) for row in call.fields.get("stages") or []]
    pipeline.stages = {stage.id: stage for stage in stages}
    return update_pipeline(account, call)


def delete_pipeline(account: Account, call: Call) -> Answer:
    pipeline = _pipeline(account, call)
    _unused(account, call, pipeline_property, pipeline.id)
    del _held(account, call)[pipeline.id]
    return Answer(status=204)


def _unused(account: Account, call: Call, named: Any, value: str) -> None:
    kind = account.state.kind_of(call.args[0])
    if any(each.get(named(kind.plural)) == value for each in account.state.records.table(kind).living()):
        raise Refused(f"{value} is in use by records of {kind.constant}")


def list_stages(account: Account, call: Call) -> Answer:
    rows = sorted(_pipeline(account, call).stages.values(), key=lambda stage: stage.order)
    return Answer(body={"results": [stage.json() for stage in rows]})


def get_stage(account: Account, call: Call) -> Answer:
    return Answer(body=_stage(account, call).json())


def create_stage(account: Account, call: Call) -> Answer:
    pipeline, state = _pipeline(account, call), account.state
    made = _new_stage(state, state.kind_of(call.args[0]), call.fields)
    pipeline.stages[made.id] = made
    return Answer(status=201, body=made.json())


def update_stage(account: Account, call: Call) -> Answer:
    stage, body = _stage(account, call), call.fields
    stage.label = text(body.get("label")) or stage.label
    stage.order = int(body.get("displayOrder") or stage.order)
    stage.metadata |= {name: text(value) for name, value in (body.get("metadata") or {}).items()}
    stage.archived = bool(body.get("archived", stage.archived))
    stage.updated_at = account.state.now()
    return Answer(body=stage.json())


def delete_stage(account: Account, call: Call) -> Answer:
    stage = _stage(account, call)
    _unused(account, call, stage_property, stage.id)
    del _pipeline(account, call).stages[stage.id]
    return Answer(status=204)


def audit(account: Account, call: Call) -> Answer:
    """Who made it; changes are not kept."""
    pipeline = _pipeline(account, call)
    row = {"portalId": account.state.settings.portal_id, "identifier": pipeline.id, "action": "CREATE"}
    return Answer(body={"results": [row]})


_READ, _WRITE = access.definitions("read"), access.definitions("write")
ROUTES = (
    Route("GET", ("*",), "list", "read", list_pipelines, _READ),
    Route("POST", ("*",), "create", "write", create_pipeline, _WRITE),
    Route("GET", ("*", "*"), "get", "read", get_pipeline, _READ),
    Route("PATCH", ("*", "*"), "update", "write", update_pipeline, _WRITE),
    Route("PUT", ("*", "*"), "replace", "write", replace_pipeline, _WRITE),
    Route("DELETE", ("*", "*"), "archive", "write", delete_pipeline, _WRITE),
    Route("GET", ("*", "*", "audit"), "audit", "read", audit, _READ),
    Route("GET", ("*", "*", "stages"), "stages.list", "read", list_stages, _READ),
    Route("POST", ("*", "*", "stages"), "stages.create", "write", create_stage, _WRITE),
    Route("GET", ("*", "*", "stages", "*"), "stages.get", "read", get_stage, _READ),
    Route("PATCH", ("*", "*", "stages", "*"), "stages.update", "write", update_stage, _WRITE),
    Route("PUT", ("*", "*", "stages", "*"), "stages.replace", "write", update_stage, _WRITE),
    Route("DELETE", ("*", "*", "stages", "*"), "stages.archive", "write", delete_stage, _WRITE),
    Route("GET", ("*", "*", "stages", "*", "audit"), "stages.audit", "read", audit, _READ),
)
OLDER_ROUTES = (Route("GET", ("pipelines", "*"), "list", "read", list_v1, _READ),)
