"""Counting and printing an organisation, for tests and demos."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from tradepost.sandbox.zoho.state import State

_BY_API = frozenset({"crm_api", "blueprint", "mass_update"})


def statistics(state: State, user: str) -> dict[str, Any]:
    """`{"records": {module: n}, "emails": n, "client": {"created": {module: n}, "emails": n, "tasks_closed": n,
    "stage_changes": n}, "triggers": {"Leads.create.workflow": n}}`; living records only.
    """
    names = [module.name for module in state.schema if module.name != "users"]
    made = {name: sum(row["Created_By"] == user for row in state.store.rows(name)) for name in names}
    mails = [row for row in state.store.rows("$Emails") if state.live(row["module"], row["record"])]
    closed = [row for row in state.store.rows("Tasks") if row["Status"] == "Completed" and row["Created_By"] == user]
    return {
        "records": {name: state.store.size(name) for name in names if state.store.size(name)},
        "emails": len(mails),
        "client": {
            "created": {name: number for name, number in made.items() if number},
            "emails": sum(row["by"] == "crm_api" for row in mails),
            "tasks_closed": len(closed),
            "stage_changes": stage_changes(state),
        },
        "triggers": {".".join(key): number for key, number in sorted(state.triggered.items())},
    }


def stage_changes(state: State) -> int:
    """How often a client moved a deal to another stage; the first stage of a deal is no move."""
    seen: Counter[str] = Counter()
    moves = 0
    for row in state.store.rows("$Stages"):
        moves += seen[row["Deal"]] > 0 and row["source"] in _BY_API
        seen[row["Deal"]] += 1
    return moves


def dump(state: State) -> dict[str, Any]:
    """Table -> rows, oldest first, without empty fields."""
    return {
        name: [{k: _plain(v) for k, v in row.items() if v is not None} for row in table.values()]
        for name, table in sorted(state.store.tables.items())
        if table and name != "$Timeline"
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
