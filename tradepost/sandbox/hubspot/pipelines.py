"""Pipelines and their stages.

https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tradepost.sandbox.hubspot.times import stamp


@dataclass(slots=True, kw_only=True)
class Stage:
    """One step. `metadata` is probability and isClosed for deals, ticketState for tickets; its values are strings."""

    id: str
    label: str
    order: int
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    archived: bool = False
    write_permissions: str = "CRM_PERMISSIONS_ENFORCEMENT"

    @property
    def closed(self) -> bool:
        return self.metadata.get("isClosed") == "true" or self.metadata.get("ticketState") == "CLOSED"

    @property
    def won(self) -> bool:
        return self.closed and self.metadata.get("probability") == "1.0"

    def json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "displayOrder": self.order,
            "metadata": dict(self.metadata),
            "id": self.id,
            "createdAt": stamp(self.created_at),
            "updatedAt": stamp(self.updated_at),
            "archived": self.archived,
            "writePermissions": self.write_permissions,
        }


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """A process that deals, tickets or leads go through."""

    id: str
    label: str
    order: int
    created_at: datetime
    updated_at: datetime
    stages: dict[str, Stage] = field(default_factory=dict)
    archived: bool = False

    def json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "displayOrder": self.order,
            "id": self.id,
            "stages": [stage.json() for stage in sorted(self.stages.values(), key=lambda s: s.order)],
            "createdAt": stamp(self.created_at),
            "updatedAt": stamp(self.updated_at),
            "archived": self.archived,
        }


_DEALS = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
)
_TICKETS = (("1", "New"), ("2", "Waiting on contact"), ("3", "Waiting on us"), ("4", "Closed"))
_LEADS = (
    ("new-stage-id", "New"),
    ("attempting-stage-id", "Attempting"),
    ("connected-stage-id", "Connected"),
    ("qualified-stage-id", "Qualified"),
    ("unqualified-stage-id", "Disqualified"),
)
STAGE_PROPERTY = {"deals": "dealstage"}
PIPELINE_PROPERTY = {"deals": "pipeline"}


def stage_property(plural: str) -> str:
    return STAGE_PROPERTY.get(plural, "hs_pipeline_stage")


def pipeline_property(plural: str) -> str:
    return PIPELINE_PROPERTY.get(plural, "hs_pipeline")


def shipped(now: datetime) -> dict[str, dict[str, Pipeline]]:
    """The pipelines of a new account, by kind and id."""
    deals = [
        (key, label, {"probability": chance, "isClosed": str(key.startswith("closed")).lower()})
        for key, label, chance in _DEALS
    ]
    tickets = [(key, label, {"ticketState": "CLOSED" if key == "4" else "OPEN"}) for key, label in _TICKETS]
    leads = [(key, label, {"isClosed": str("qualified" in key).lower()}) for key, label in _LEADS]
    return {
        "deals": {"default": _pipeline("default", "Sales Pipeline", deals, now)},
        "tickets": {"0": _pipeline("0", "Support Pipeline", tickets, now)},
        "leads": {"lead-pipeline-id": _pipeline("lead-pipeline-id", "Lead pipeline", leads, now)},
    }


def _pipeline(key: str, label: str, stages: Iterable[tuple[str, str, dict[str, str]]], now: datetime) -> Pipeline:
    made = Pipeline(id=key, label=label, order=0, created_at=now, updated_at=now)
    for order, (stage, text, metadata) in enumerate(stages):
        made.stages[stage] = Stage(id=stage, label=text, order=order, metadata=metadata, created_at=now, updated_at=now)
    return made
