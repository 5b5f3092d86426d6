"""What stands in the way of changing a record.

https://www.zoho.com/crm/developer/docs/api/v8/update-records.html (possible errors)
"""

from __future__ import annotations

from collections.abc import Iterable

from tradepost.sandbox.zoho.errors import Refused
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import State
from tradepost.sandbox.zoho.store import Row


def check(state: State, module: Module, row: Row, given: Iterable[str], path: str) -> None:
    """Raises the refusal of an update that names the fields `given`."""
    for refusal in (locked(state, row), awaited(state, row), converted(state, module, row)):
        if refusal is not None:
            raise refusal
    process = state.blueprints.get(row.get("$process") or "")
    if process is not None and process.field in given and state.rules.blueprint:
        details = {"api_name": process.field, "json_path": f"{path}.{process.field}", "id": row["id"]}
        raise Refused("RECORD_IN_BLUEPRINT", "The record is in blue print", details)


def check_delete(state: State, row: Row) -> None:
    """Raises the refusal of a deletion."""
    for refusal in (locked(state, row), awaited(state, row)):
        if refusal is not None:
            raise refusal


def locked(state: State, row: Row) -> Refused | None:
    if row.get("$locked") and state.rules.locked_records:
        return Refused("RECORD_LOCKED", "The record is locked", {"id": row["id"]}, http=403)
    return None


def awaited(state: State, row: Row) -> Refused | None:
    """A record that waits for approval or review."""
    if not state.rules.approval_awaited:
        return None
    if row.get("$approval", "approved") != "approved":
        return Refused("NOT_APPROVED", "The record is not approved", {"id": row["id"]})
    if row.get("$review"):
        return Refused("NOT_REVIEWED", "The record is not reviewed", {"id": row["id"]})
    return None


def converted(state: State, module: Module, row: Row) -> Refused | None:
    if module.name == "Leads" and row.get("Converted__s") and state.rules.converted_leads_closed:
        return Refused("CONVERTED_RECORD", "can't update the converted record", {"id": row["id"]})
    return None
