"""Counting and printing an account, for tests and demos."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from tradepost.sandbox.hubspot.records import Record
from tradepost.sandbox.hubspot.state import PortalState
from tradepost.sandbox.hubspot.times import stamp


def row(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {"id": record.id, "kind": record.kind.plural, "archived": record.archived}
    found |= {"created_at": stamp(record.created_at), "updated_at": stamp(record.updated_at)}
    return found | {"values": dict(record.values)}


def statistics(state: PortalState, ours: AbstractSet[str]) -> dict[str, Any]:
    """`{"records": {kind: n}, "archived": {kind: n}, "client": {"created": {kind: n}, "tasks_closed": n,
    "stage_changes": n}, "merged": n}`; records are living ones, `client` is what came through our keys.
    """
    living = {name: list(table.living()) for name, table in sorted(state.records.tables.items())}
    made = {name: [each for each in rows if made_by(each, ours)] for name, rows in living.items()}
    return {
        "records": {name: len(rows) for name, rows in living.items()},
        "archived": {name: len(table.shown[True]) for name, table in sorted(state.records.tables.items())},
        "client": {
            "created": {name: len(rows) for name, rows in made.items()},
            "tasks_closed": sum(each.get("hs_task_status") == "COMPLETED" for each in made.get("tasks", [])),
            "stage_changes": sum(_moves(each, ours) for each in living.get("deals", [])),
        },
        "merged": len(state.records.merged),
    }


def made_by(record: Record, ours: AbstractSet[str]) -> bool:
    return record.get("hs_object_source") == "INTEGRATION" and record.get("hs_object_source_id") in ours


def _moves(deal: Record, ours: AbstractSet[str]) -> int:
    """How often our keys put a deal into another stage."""
    steps = deal.history.get("dealstage", [])[1:]
    return sum(step.source.type == "INTEGRATION" and step.source.id in ours for step in steps)


def dump(state: PortalState) -> dict[str, Any]:
    """Kind -> rows with links `{kind: {id: [type ids]}}`, ascending by id; archived ones too."""
    found: dict[str, Any] = {}
    for name, table in sorted(state.records.tables.items()):
        rows = sorted(table.records.values(), key=lambda record: record.number)
        if rows:
            found[name] = [row(each) | {"links": _links(state, each)} for each in rows]
    return found


def _links(state: PortalState, record: Record) -> dict[str, dict[str, list[int]]]:
    return {
        kind: {end: sorted(types) for end, types in sorted(state.links.ends(record.id, kind).items())}
        for kind in sorted(state.links.kinds(record.id))
    }
