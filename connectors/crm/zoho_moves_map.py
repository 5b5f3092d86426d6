"""The transitions of a blueprint. Pure.

https://www.zoho.com/crm/developer/docs/api/v8/get-blueprint.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.crm.zoho_parse import Row, text_in, word_in


@dataclass(frozen=True, slots=True)
class Transition:
    """A step our user may run. `needs` are the fields it asks for and that are empty."""

    id: str
    to: str
    needs: tuple[str, ...] = ()


def transitions_of(body: object) -> tuple[Transition, ...]:
    """Those of a process that drives the stage, and whose condition the record meets."""
    blueprint = body.get("blueprint") if isinstance(body, Mapping) else None
    info = blueprint.get("process_info") if isinstance(blueprint, Mapping) else None
    if not isinstance(blueprint, Mapping) or not isinstance(info, Mapping) or info.get("api_name") != "Stage":
        return ()
    listed = blueprint.get("transitions")
    rows = [t for t in listed if isinstance(t, Mapping)] if isinstance(listed, list) else []
    usable = [t for t in rows if t.get("criteria_matched") is not False and t.get("type") != "automatic"]
    return tuple(Transition(str(t.get("id") or ""), text_in(t.get("next_field_value")), _needs(t)) for t in usable)


def transition_to(body: object, stage: str) -> Transition | None:
    """The transition to that stage; one that asks for nothing before one that does."""
    fits = [t for t in transitions_of(body) if t.id and t.to == stage]
    return min(fits, key=lambda t: bool(t.needs), default=None)


def _needs(row: Row) -> tuple[str, ...]:
    fields, data = row.get("fields"), row.get("data")
    values: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    asked = [f for f in fields if isinstance(f, Mapping)] if isinstance(fields, list) else []
    named = [word_in(f.get("api_name") or f.get("display_label")) or "data" for f in asked if _mandatory(f)]
    return tuple(n for n in named if not values.get(n))


def _mandatory(field: Row) -> bool:
    return field.get("mandatory") is True or field.get("system_mandatory") is True
