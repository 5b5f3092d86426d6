"""Counting and printing an org, for tests and demos."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.store import Row
from tradepost.sandbox.salesforce.values import render

_COUNTED = ("Account", "Contact", "Lead", "Opportunity", "EmailMessage", "EmailMessageRelation", "Task")


def statistics(state: OrgState, client_user: str) -> dict[str, Any]:
    """`{"records": {object: n}, "tasks": {subtype: n}, "client": {"created": {object: n}, "tasks": {subtype: n},
    "tasks_closed": n, "stage_changes": n}}`; living records only, archived ones included.

    A stage change is an OpportunityHistory row whose stage differs from the one before.
    """
    custom = tuple(sobject.name for sobject in state.schema if sobject.custom)
    living = {name: [row for row in state.store.rows(name) if not row["IsDeleted"]] for name in (*_COUNTED, *custom)}
    ours = {name: [row for row in rows if row["CreatedById"] == client_user] for name, rows in living.items()}
    return {
        "records": {name: len(rows) for name, rows in living.items()},
        "tasks": _by_subtype(living["Task"]),
        "client": {
            "created": {name: len(rows) for name, rows in ours.items()},
            "tasks": _by_subtype(ours["Task"]),
            "tasks_closed": sum(t["IsClosed"] and t["TaskSubtype"] == "Task" for t in ours["Task"]),
            "stage_changes": stage_changes(state, client_user),
        },
    }


def _by_subtype(tasks: list[Row]) -> dict[str, int]:
    return dict(sorted(Counter(task["TaskSubtype"] for task in tasks).items()))


def stage_changes(state: OrgState, user_id: str) -> int:
    """How often a user moved a deal to another stage."""
    before: dict[str, str] = {}
    moves = 0
    for row in state.store.rows("OpportunityHistory"):
        old = before.get(row["OpportunityId"])
        moves += old is not None and old != row["StageName"] and row["CreatedById"] == user_id
        before[row["OpportunityId"]] = row["StageName"]
    return moves


def dump(state: OrgState) -> dict[str, Any]:
    """Object -> rows, oldest first, without empty fields."""
    return {
        name: [{k: render(v) for k, v in row.items() if v is not None} for row in table.values()]
        for name, table in sorted(state.store.tables.items())
        if table
    }
