"""What the platform itself does when records are saved: derived fields, history, the Task of an e-mail, cascades.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_opportunity.htm
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.salesforce import activity, email, files, permissions
from tradepost.sandbox.salesforce.errors import Refused, not_writable
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import Actor, OrgState
from tradepost.sandbox.salesforce.store import Row

_CASCADES = {
    "Account": (("Contact", "AccountId"), ("Opportunity", "AccountId")),
    "Opportunity": (("OpportunityContactRole", "OpportunityId"), ("OpportunityHistory", "OpportunityId")),
    "EmailMessage": (("EmailMessageRelation", "EmailMessageId"),),
    "ContentDocument": (("ContentVersion", "ContentDocumentId"), ("ContentDocumentLink", "ContentDocumentId")),
    "PermissionSet": (
        ("FieldPermissions", "ParentId"),
        ("ObjectPermissions", "ParentId"),
        ("PermissionSetAssignment", "PermissionSetId"),
    ),
}


def defaults(state: OrgState, actor: Actor, sobject: str, row: Row) -> Row:
    """Fill what a create left out and the platform knows."""
    fields = state.schema.get(sobject).fields
    row = {f.name: bool(f.default) for f in fields.values() if f.type == "boolean" and f.has("d")} | row
    if "ownerid" in fields:
        row = {"OwnerId": actor.user_id} | row
    match sobject:
        case "Task":
            row = {"Priority": state.default_of("TaskPriority"), "TaskSubtype": "Task"} | row
            row = {"Status": state.default_of("TaskStatus")} | row
        case "Lead":
            row = {"Status": state.default_of("LeadStatus")} | row
        case "EmailMessage":
            row = email.defaults(state, row)
        case "ContentVersion":
            row = files.defaults(row)
        case "Case":
            number = sum(1 for _ in state.store.rows("Case")) + 1
            row = {"Status": "New", "Priority": "Medium", "CaseNumber": f"{number + 1000:08}"} | row
    return row


def check(state: OrgState, sobject: str, row: Row, old: Row | None) -> None:
    """Rules of single objects, on a complete row."""
    owner = row.get("OwnerId")
    if owner and (old is None or owner != old["OwnerId"]):
        _check_owner(state, sobject, owner)
    match sobject:
        case "Task" | "Event":
            activity.check(state, row)
        case "EmailMessage" if old is None:
            email.check_new(state, row)
        case "Lead" if old is not None and old["IsConverted"] and state.strictness.converted_leads_closed:
            raise Refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
        case "PermissionSet" | "PermissionSetAssignment" | "FieldPermissions" | "ObjectPermissions":
            permissions.check(state, sobject, row, old)


def _check_owner(state: OrgState, sobject: str, owner: str) -> None:
    user = state.store.get("User", owner)
    if user is not None and not user["IsActive"] and state.strictness.inactive_owner_refused:
        text = f"operation performed with inactive user [{owner[:15]}] as owner of {sobject.lower()}"
        raise Refused("INACTIVE_OWNER_OR_USER", text, ["OwnerId"])


def check_update(state: OrgState, sobject: SObject, old: Row, given: Mapping[str, Any]) -> None:
    """What may not be changed once saved."""
    if sobject.name == "EmailMessage":
        forbidden = email.frozen_fields(state, sobject, old, given)
        if forbidden:
            raise not_writable(forbidden)


def before_insert(state: OrgState, sobject: str, row: Row) -> Row:
    return _derived(state, sobject, None, row)


def before_update(state: OrgState, sobject: str, old: Row, row: Row) -> Row:
    return _derived(state, sobject, old, row)


def _derived(state: OrgState, sobject: str, old: Row | None, row: Row) -> Row:
    """Fields that follow from others."""
    match sobject:
        case "Contact" | "Lead" | "User":
            names = [row.get("FirstName"), row.get("LastName")]
            row = row | {"Name": " ".join(n for n in names if n)}
            if sobject == "Contact":
                row["IsEmailBounced"] = bool(row.get("EmailBouncedReason") or row.get("EmailBouncedDate"))
        case "Opportunity":
            row = _staged(state, old, row)
        case "Task":
            row = activity.derived(state, old, row)
        case "EmailMessage":
            row = row | {"Name": (row.get("Subject") or "[No Subject]")[:255]}
        case "EmailMessageRelation":
            row = email.relation(state, row)
    return row


def _staged(state: OrgState, old: Row | None, row: Row) -> Row:
    """The stage decides IsClosed, IsWon, forecast, and the probability unless that was set by hand in the same save."""
    moved = old is None or row["StageName"] != old["StageName"]
    stage = next((s for s in state.store.rows("OpportunityStage") if s["ApiName"] == row["StageName"]), None)
    row = dict(row)
    if moved:
        row["LastStageChangeDate"] = None if old is None else state.stamp()
        row |= {"IsClosed": bool(stage and stage["IsClosed"]), "IsWon": bool(stage and stage["IsWon"])}
        by_hand = row.get("Probability") is not None and (old is None or row["Probability"] != old["Probability"])
        if stage is not None:
            row |= {name: stage[name] for name in ("ForecastCategory", "ForecastCategoryName")}
            row["Probability"] = row["Probability"] if by_hand else stage["DefaultProbability"]
    amount, chance = row.get("Amount"), row.get("Probability")
    row["ExpectedRevenue"] = None if amount is None or chance is None else amount * chance / 100
    row |= {"FiscalYear": row["CloseDate"].year, "FiscalQuarter": (row["CloseDate"].month + 2) // 3}
    return row


def after_insert(state: OrgState, by: str, sobject: str, row: Row, junctions: Mapping[str, list[str]]) -> None:
    """What follows a create."""
    match sobject:
        case "Opportunity":
            _history(state, by, None, row)
            if row["ContactId"]:
                role = {"OpportunityId": row["Id"], "ContactId": row["ContactId"], "IsPrimary": True}
                state.insert_raw("OpportunityContactRole", role, by)
        case "Task":
            activity.note_last_activity(state, row)
        case "EmailMessage":
            email.sent(state, by, row, junctions)
        case "EmailMessageRelation":
            email.related(state, by, row)
        case "ContentVersion":
            files.published(state, by, row)


def after_update(state: OrgState, by: str, sobject: str, old: Row, row: Row) -> None:
    """What follows a change."""
    match sobject:
        case "Opportunity":
            _history(state, by, old, row)
        case "Task":
            activity.note_last_activity(state, row)
        case "EmailMessage":
            email.edited(state, by, old, row)


def _history(state: OrgState, by: str, old: Row | None, row: Row) -> None:
    """OpportunityHistory for stage, amount, probability, close date; OpportunityFieldHistory where tracking is on."""
    if not state.strictness.stage_history:
        return
    watched = ("StageName", "Amount", "Probability", "CloseDate")
    if old is None or any(old[name] != row[name] for name in watched):
        copied = ("StageName", "Amount", "CloseDate", "Probability", "ExpectedRevenue", "ForecastCategory")
        values = {name: row[name] for name in copied} | {"OpportunityId": row["Id"]}
        before = {"PrevAmount": old["Amount"], "PrevCloseDate": old["CloseDate"]} if old else {}
        state.insert_raw("OpportunityHistory", values | before, by)
    for name in state.settings.tracked_fields if old is not None else ():
        if old is not None and old[name] != row[name]:
            change = {"OpportunityId": row["Id"], "Field": name, "OldValue": old[name], "NewValue": row[name]}
            state.insert_raw("OpportunityFieldHistory", change, by)


def remove(state: OrgState, by: str, sobject: str, row: Row) -> None:
    """Delete with what belongs to the record. The Task that the platform made for an e-mail goes with it."""
    state.remove(sobject, row["Id"], by)
    for child, field in _CASCADES.get(sobject, ()) if state.strictness.cascading_delete else ():
        for each in state.store.find(child, field, row["Id"]):
            if not each["IsDeleted"]:
                remove(state, by, child, each)
    dies = sobject == "EmailMessage" and state.strictness.task_dies_with_mail
    if dies and (task := state.live("Task", row["ActivityId"])):
        state.remove("Task", task["Id"], by)
        activity.forget_last_activity(state, task)
    if sobject == "Task":
        activity.forget_last_activity(state, row)
        for mail in state.store.find("EmailMessage", "ActivityId", row["Id"]):
            state.silently("EmailMessage", mail["Id"], {"ActivityId": None})
