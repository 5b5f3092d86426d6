"""What follows from a deal's stage.

https://www.zoho.com/crm/developer/docs/api/v8/get-pipelines.html
"""

from __future__ import annotations

from typing import Any

from tradepost.sandbox.zoho.errors import Refused, wrong_data
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import Act, State
from tradepost.sandbox.zoho.store import Row


def check_stage(state: State, row: Row, given: dict[str, Any], path: str) -> None:
    """Raises MAPPING_MISMATCH or INVALID_DATA for a stage or pipeline that does not fit."""
    if not ({"Stage", "Pipeline"} & given.keys()) or not state.rules.picklist_stage_checked:
        return
    pipeline = state.pipeline(row["Pipeline"])
    if pipeline is None:
        details = {"mapped_field": "Layout", "api_name": "Pipeline", "json_path": f"{path}.Pipeline"}
        raise Refused("MAPPING_MISMATCH", "Layout doesn't contain the Pipeline", details)
    if row["Stage"] in pipeline.stages:
        return
    details = {"mapped_field": "Pipeline", "api_name": "Stage", "json_path": f"{path}.Stage"}
    if state.stage(row["Stage"]) is None or state.unknowns.wrong_stage_code == "INVALID_DATA":
        raise wrong_data("Stage", f"{path}.Stage", expected_data_type="picklist")
    raise Refused("MAPPING_MISMATCH", "Pipeline doesn't contain the Stage", details)


def default_pipeline(state: State) -> str:
    return next(p.name for p in state.pipelines if p.default)


def derived(state: State, old: Row | None, row: Row, given: dict[str, Any]) -> Row:
    """Probability of the stage unless it was given, and the revenue to expect."""
    row = dict(row)
    stage = state.stage(row["Stage"])
    if stage is not None and "Probability" not in given and (old is None or old["Stage"] != row["Stage"]):
        row["Probability"] = stage.probability
    amount, chance = row.get("Amount"), row.get("Probability")
    row["Expected_Revenue"] = None if amount is None or chance is None else amount * chance / 100
    return row


def after(state: State, act: Act, old: Row | None, row: Row) -> None:
    """The stage history, and the contact's role."""
    if old is None or old["Stage"] != row["Stage"]:
        entry = {
            "id": state.ids.new(),
            "Deal": row["id"],
            "Stage": row["Stage"],
            "Amount": row.get("Amount"),
            "Probability": row.get("Probability"),
            "Expected_Revenue": row.get("Expected_Revenue"),
            "Close_Date": row.get("Closing_Date"),
            "Modified_Time": state.now(),
            "Modified_By": act.user,
            "source": act.source,
        }
        state.store.put("$Stages", entry["id"], entry)
    contact = row.get("Contact_Name")
    if contact and (old is None or old.get("Contact_Name") != contact):
        link(state, "Contact_Roles", row["id"], contact, {})


def link(state: State, name: str, left: str, right: str, data: dict[str, Any]) -> None:
    """Tie two records together in a related list of many to many."""
    for each in state.store.find("$Links", "left", left):
        if each["name"] == name and each["right"] == right:
            state.store.change("$Links", each["id"], {"data": {**each["data"], **data}})
            return
    entry: Row = {"id": state.ids.new(), "name": name, "left": left, "right": right, "data": data}
    state.store.put("$Links", entry["id"], entry)


def unlink(state: State, name: str, left: str, right: str) -> bool:
    """Whether there was such a tie."""
    for each in state.store.find("$Links", "left", left):
        if each["name"] == name and each["right"] == right:
            state.store.put("$Links", each["id"], None)
            return True
    return False


def is_deals(module: Module) -> bool:
    return module.name == "Deals"
