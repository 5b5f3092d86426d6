"""What an org must offer, what is missing, and what each kind of write can do there. Pure.

Key fields: Text, External ID, Unique. https://developer.salesforce.com/docs/atlas.en-us.api_meta.meta/api_meta/customfield.htm
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.base.model import Capability, Lookup, Problem, Severity, WriteKind
from connectors.crm.salesforce_map import KEY_FIELD, ObjectShape
from connectors.crm.salesforce_writes_map import MAX_NODES, NODES_PER_MAIL, KeyPlace

PERMISSION_SET = "Tradepost"
KEY_LENGTH = 80
# Custom fields of tasks live on Activity, and their field-level security is shared with Event.
FIELD_HOME = {"EmailMessage": "EmailMessage", "Task": "Activity", "Lead": "Lead"}
FIELD_GRANTS = {"EmailMessage": ("EmailMessage",), "Task": ("Task", "Event"), "Lead": ("Lead",)}
OBJECTS_NEEDED = (
    "EmailMessage",
    "EmailMessageRelation",
    "Task",
    "Contact",
    "Lead",
    "Account",
    "Opportunity",
    "OpportunityContactRole",
)
Shapes = Mapping[str, ObjectShape | None]


@dataclass(frozen=True, slots=True)
class Need:
    """What one object must allow. `rights` and `fields` are errors when missing, `useful` fields warnings."""

    rights: tuple[str, ...]
    fields: tuple[str, ...]
    useful: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR


NEEDS = {
    "EmailMessage": Need(
        ("createable",),
        ("Subject", "TextBody", "MessageDate", "Incoming", "Status", "FromAddress", "ToAddress", "RelatedToId"),
        ("HtmlBody", "CcAddress", "BccAddress", "MessageIdentifier", "ThreadIdentifier", "IsClientManaged"),
    ),
    "EmailMessageRelation": Need(("createable",), ("EmailMessageId", "RelationId", "RelationType")),
    "Task": Need(
        ("createable", "updateable"),
        ("Subject", "Status", "ActivityDate", "WhoId", "WhatId", "IsClosed"),
        ("Description", "OwnerId", "Priority"),
    ),
    "Contact": Need((), ("Email", "AccountId")),
    "Lead": Need(("createable",), ("Email", "LastName", "Company", "IsConverted"), (), Severity.WARNING),
    "Account": Need((), (), ("Website",)),
    "Opportunity": Need(("updateable",), ("StageName", "IsClosed", "AccountId")),
    "OpportunityContactRole": Need((), ("OpportunityId", "ContactId"), (), Severity.WARNING),
}
_RIGHTS = {"createable": "Create", "updateable": "Edit"}


# ------------------------------------------------------------------------------------------------------------ problems


def problems_of(shapes: Shapes, places: Mapping[str, KeyPlace], in_org: Collection[str] | None) -> tuple[Problem, ...]:
    """All that is missing, each with the sentence that mends it.

    `in_org` are the objects that do have a key field (`Activity` for tasks), or None where we may not know.
    """
    found: list[Problem] = []
    for name, need in NEEDS.items():
        shape = shapes.get(name)
        found += [_no_object(name, need)] if shape is None else _lacks(shape, need)
    for name in FIELD_HOME:
        shape = shapes.get(name)
        if shape and shape.createable and places.get(name, KeyPlace.NONE) is KeyPlace.NONE:
            found.append(_no_key(shape, in_org))
    return tuple(found)


def _no_object(name: str, need: Need) -> Problem:
    if name.startswith("EmailMessage"):
        mend = "Switch on Enhanced Email in Setup, and give the integration user Read and Create on Email Messages."
    elif name == "Task":
        mend = "Give the integration user the permission Access Activities (and Edit Tasks)."
    else:
        mend = f"Give the integration user Read on {name}, by the permission set {PERMISSION_SET} or another."
    return Problem(need.severity, f"The integration user cannot see the object {name}.", mend)


def _lacks(shape: ObjectShape, need: Need) -> list[Problem]:
    rights = [_RIGHTS[r] for r in need.rights if not getattr(shape, r)]
    found = []
    if rights:
        words = " and ".join(rights)
        extra = " (for tasks also Access Activities and Edit Tasks)" if shape.name == "Task" else ""
        mend = f"Give the integration user {words} on {shape.name}{extra}."
        found.append(Problem(need.severity, f"Missing right on {shape.name}: {words}.", mend))
    for severity, names in ((need.severity, need.fields), (Severity.WARNING, need.useful)):
        for field in (n for n in names if n not in shape.fields):
            mend = f"Grant Read and Edit on {shape.name}.{field} by field-level security."
            found.append(Problem(severity, f"The field {shape.name}.{field} is not visible.", mend))
    return found


def _no_key(shape: ObjectShape, in_org: Collection[str] | None) -> Problem:
    field = f"{shape.name}.{KEY_FIELD}"
    home = FIELD_HOME[shape.name]
    there = shape.fields.get(KEY_FIELD)
    if there:
        wants = {"External ID": there.external_id, "Unique": there.unique, "editable": there.createable}
        lacking = [word for word, has in wants.items() if not has] or [f"at least {KEY_LENGTH} long"]
        what = f"The key field {field} is not as it must be; lacking: {', '.join(lacking)}."
        mend = f"Set the field {home}.{KEY_FIELD} to Text({KEY_LENGTH}), External ID, Unique, and grant Edit on it."
    elif in_org is not None and home in in_org:
        what = f"The key field {field} exists but is hidden from the integration user."
        mend = f"Grant Read and Edit on {field} by field-level security: assign the permission set {PERMISSION_SET}."
    else:
        what = f"The key field {field} is missing."
        mend = f"Run `tradepost setup`, or deploy deploy/salesforce, to create {home}.{KEY_FIELD} and grant it."
    return Problem(Severity.ERROR, what, mend)


# -------------------------------------------------------------------------------------------------------- capabilities


def capabilities_of(
    shapes: Shapes, places: Mapping[str, KeyPlace], closing: str, settles_after: float
) -> dict[WriteKind, Capability]:
    """What each kind of write can do. `settles_after` is how long a timed-out request may still commit."""

    def can(name: str, right: str) -> bool:
        shape = shapes.get(name)
        return shape is not None and bool(getattr(shape, right))

    def new(name: str, **extra: Any) -> Capability:
        place = places.get(name, KeyPlace.NONE)
        exists = can(name, "createable")
        if place is not KeyPlace.NONE:
            reason = "" if place is KeyPlace.FIELD else "key_on_ledger"
            return Capability(
                exists=exists,
                unique_key=True,
                lookup=Lookup.STRONG,
                settles_after=settles_after,
                reason=reason,
                batch=_BATCH,
                **extra,
            )
        reason = "no_key_field" if exists else "not_creatable"
        return Capability(
            exists=exists, lookup=Lookup.LAGGING, settles_after=settles_after, reason=reason, batch=_BATCH, **extra
        )

    seen = Capability(lookup=Lookup.STRONG, settles_after=settles_after)
    guarded = replace(seen, guarded=True)
    mail, task = shapes.get("EmailMessage"), shapes.get("Task")
    return {
        WriteKind.LOG_EMAIL: new(
            "EmailMessage", spans_records=True, max_text=mail.length("TextBody", 32000) if mail else 32000
        ),
        WriteKind.LINK_EMAIL: replace(
            seen, exists=can("EmailMessageRelation", "createable"), spans_records=True, batch=_BATCH
        ),
        WriteKind.CREATE_TASK: new("Task", max_text=task.length("Description", 32000) if task else 32000),
        WriteKind.COMPLETE_TASK: replace(seen, exists=can("Task", "updateable") and bool(closing), batch=_BATCH),
        WriteKind.MOVE_DEAL: replace(guarded, exists=can("Opportunity", "updateable")),
        WriteKind.SET_FIELDS: replace(guarded, exists=can("Contact", "updateable")),
        WriteKind.CREATE_CUSTOMER: new("Lead"),
        WriteKind.REMOVE: replace(seen, exists=can("EmailMessage", "deletable")),
    }


_BATCH = min(50, MAX_NODES // NODES_PER_MAIL)


# -------------------------------------------------------------------------------------------------------------- set-up


def key_field_metadata(home: str) -> dict[str, Any]:
    return {
        "FullName": f"{home}.{KEY_FIELD}",
        "Metadata": {
            "type": "Text",
            "label": "Tradepost Key",
            "description": "Set by Tradepost so that nothing is written twice. Do not edit.",
            "length": KEY_LENGTH,
            "externalId": True,
            "unique": True,
            "caseSensitive": True,
        },
    }


@dataclass(frozen=True, slots=True)
class OrgState:
    """What set-up found: homes of key fields, the permission set and its grants, and objects that need nothing more."""

    key_homes: frozenset[str]
    permission_set: str
    grants: frozenset[str]  # Object.Field
    assigned: bool
    ready: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One change: `do` is field, permission_set, grant or assign; `on` what it is about."""

    do: str
    on: str

    @property
    def sentence(self) -> str:
        return _SENTENCES[self.do].format(on=self.on, key=KEY_FIELD, set=PERMISSION_SET, length=KEY_LENGTH)


_SENTENCES = {
    "field": "Create the field {on}.{key}: Text({length}), External ID, Unique, case-sensitive.",
    "permission_set": "Create the permission set {set}.",
    "grant": "Let the permission set {set} read and edit the field {on}.",
    "assign": "Assign the permission set {set} to the integration user.",
}


def steps_of(state: OrgState) -> tuple[Step, ...]:
    """What is missing, in the order it must be made. A field that cannot be made gets no grant."""
    homes = {name: home for name, home in FIELD_HOME.items() if name not in state.ready}
    fields = [Step("field", home) for home in homes.values() if home not in state.key_homes]
    grants = [f"{granted}.{KEY_FIELD}" for name in homes for granted in FIELD_GRANTS[name]]
    missing = [Step("grant", g) for g in grants if g not in state.grants]
    made = [] if state.permission_set or not grants else [Step("permission_set", PERMISSION_SET)]
    assigned = [] if state.assigned or not grants else [Step("assign", PERMISSION_SET)]
    return (*fields, *made, *missing, *assigned)


def key_homes(rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The objects that have our key field, from Tooling's CustomField rows."""
    return frozenset(str(r.get("TableEnumOrId")) for r in rows)
