"""EmailMessage and its relations, outside cases.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_emailmessage.htm
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_emailmessagerelation.htm
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.salesforce import activity
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.store import Row
from tradepost.sandbox.salesforce.values import html_to_text

SENT = "3"
_RELATION_TYPES = {"ToIds": "ToAddress", "CcIds": "CcAddress", "BccIds": "BccAddress"}
_PERSON_ORDER = ("FromAddress", "ToAddress", "CcAddress", "BccAddress", "OtherAddress")


def defaults(state: OrgState, row: Row) -> Row:
    row = {"Status": SENT, "MessageDate": state.stamp(), **row}
    if not row.get("TextBody") and row.get("HtmlBody"):
        row["TextBody"] = html_to_text(row["HtmlBody"])[:131072]
    return row


def check_new(state: OrgState, row: Row) -> None:
    """Only sent mail exists outside cases, and only case mail may name its activity."""
    if row.get("ParentId"):
        return
    if row.get("ActivityId"):
        text = "insufficient access rights on cross-reference id"
        raise Refused("INSUFFICIENT_ACCESS_OR_READONLY", text, ["ActivityId"])
    if row["Status"] != SENT and state.strictness.only_sent_mail_outside_cases:
        raise Refused(
            "FIELD_INTEGRITY_EXCEPTION", "Status: emails outside a case must have the status Sent (3)", ["Status"]
        )


def frozen_fields(state: OrgState, sobject: SObject, old: Row, given: Mapping[str, Any]) -> list[str]:
    """Of the fields to be changed, those that a message outside Draft does not let go. None is."""
    if not state.strictness.sent_mail_immutable:
        return []
    allowed = {"IsExternallyVisible"} | ({"RelatedToId"} if old["IsClientManaged"] else set())
    if old["Status"] == "0" and given.get("Status") == "1":
        allowed.add("Status")
    return [name for name in given if name not in allowed and not _custom(sobject, name)]


def _custom(sobject: SObject, name: str) -> bool:
    field = sobject.find(name)
    return field is not None and field.custom


def relation(state: OrgState, row: Row) -> Row:
    """Address and object type follow the person."""
    kind = state.schema.object_of(row.get("RelationId") or "")
    if not kind:
        return row | {"RelationObjectType": None}
    person = state.store.get(kind, row["RelationId"])
    address = row.get("RelationAddress") or (person["Email"] if person else None)
    return row | {"RelationObjectType": kind, "RelationAddress": address}


def sent(state: OrgState, by: str, row: Row, junctions: Mapping[str, list[str]]) -> None:
    """Relations for ToIds, CcIds and BccIds, then the Task that the platform makes."""
    for name, ids in junctions.items():
        for person in ids:
            _check_person(state, name, person)
            values = {"EmailMessageId": row["Id"], "RelationId": person, "RelationType": _RELATION_TYPES[name]}
            state.insert_raw("EmailMessageRelation", relation(state, values), by)
    if state.settings.enhanced_email and not row["ParentId"] and state.strictness.automatic_task:
        make_task(state, by, row)


def _check_person(state: OrgState, field: str, record_id: str) -> None:
    kind = state.schema.object_of(record_id)
    if kind not in {"Contact", "Lead", "User"}:
        raise Refused("MALFORMED_ID", f"{field}: id value of incorrect type: {record_id}", [field])
    if state.live(kind, record_id) is None:
        raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field])


def make_task(state: OrgState, by: str, mail: Row) -> None:
    status = next(s["ApiName"] for s in state.store.rows("TaskStatus") if s["IsClosed"])
    values: Row = {
        "Subject": mail["Name"],
        "Description": (mail["TextBody"] or "")[:32000] or None,
        "ActivityDate": mail["MessageDate"].date(),
        "Status": status,
        "Priority": state.default_of("TaskPriority"),
        "TaskSubtype": "Email",
        "Type": "Email",
        "OwnerId": by,
        "WhatId": mail["RelatedToId"],
        "WhoId": _who(state, mail),
    }
    task = state.insert_raw("Task", activity.derived(state, None, values), by)
    state.silently("EmailMessage", mail["Id"], {"ActivityId": task["Id"]})
    activity.note_last_activity(state, task)


def _who(state: OrgState, mail: Row) -> str | None:
    """The person of the Task: sender first, then recipients; a contact before a lead, which tolerates no WhatId."""
    rows = [r for r in state.store.find("EmailMessageRelation", "EmailMessageId", mail["Id"]) if not r["IsDeleted"]]
    kinds = ("Contact",) if mail["RelatedToId"] else ("Contact", "Lead")
    people = [r for r in rows if r["RelationObjectType"] in kinds]
    people.sort(key=lambda r: (kinds.index(r["RelationObjectType"]), _PERSON_ORDER.index(r["RelationType"])))
    return people[0]["RelationId"] if people else None


def related(state: OrgState, by: str, row: Row) -> None:
    """A relation added later may give the Task its person."""
    mail = state.store.get("EmailMessage", row["EmailMessageId"])
    task = state.live("Task", mail["ActivityId"]) if mail else None
    if mail is None or task is None or task["WhoId"]:
        return
    changed = task | {"WhoId": _who(state, mail)}
    if changed["WhoId"]:
        stored = state.touch("Task", task["Id"], activity.derived(state, task, changed), by)
        activity.note_last_activity(state, stored)


def edited(state: OrgState, by: str, old: Row, row: Row) -> None:
    """A mail hung on another record: its Task is replaced by a new one, or moved, as the org is set."""
    if old["RelatedToId"] == row["RelatedToId"]:
        return
    task = state.live("Task", row["ActivityId"])
    if task is None:
        return
    if state.settings.recreate_email_tasks and state.strictness.moved_mail_gets_new_task:
        state.remove("Task", task["Id"], by)
        make_task(state, by, row)
    else:
        state.touch("Task", task["Id"], {"WhatId": row["RelatedToId"]}, by)
