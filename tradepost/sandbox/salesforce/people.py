"""What people do that the REST API cannot: merge, convert, undelete, install.

https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_merge.htm
https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_convertlead.htm
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tradepost.sandbox.salesforce import activity, dml, permissions
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.ids import parse_id
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import Actor, OrgState
from tradepost.sandbox.salesforce.store import Row

_MERGEABLE = frozenset({"Account", "Contact", "Lead"})
_MOST_LOSERS = 2
_COPIED = (
    "FirstName",
    "LastName",
    "Salutation",
    "Email",
    "Phone",
    "MobilePhone",
    "Fax",
    "Title",
    "LeadSource",
    "OwnerId",
)


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of a lead; `opportunity_id` is empty when none was made."""

    contact_id: str
    account_id: str
    opportunity_id: str


def full_id(record_id: str) -> str:
    """The 18-character form. Raises ValueError."""
    full = parse_id(record_id)
    if full is None:
        raise ValueError(f"not a record id: {record_id}")
    return full


def user(username: str, last_name: str, first_name: str, email: str, profile_id: str) -> Row:
    """The row of a new user."""
    name = username.partition("@")[0]
    return {
        "Username": username,
        "FirstName": first_name or None,
        "LastName": last_name,
        "Name": f"{first_name} {last_name}".strip(),
        "Email": email or username,
        "Alias": name[:8],
        "CommunityNickname": name[:40],
        "IsActive": True,
        "UserType": "Standard",
        "ProfileId": profile_id,
        "TimeZoneSidKey": "Asia/Shanghai",
        "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US",
    }


def undelete(state: OrgState, by: str, sobject: SObject, record_id: str) -> None:
    """Raises DUPLICATE_VALUE, or UNDELETE_FAILED for a record that is not in the recycle bin."""
    row = state.store.get(sobject.name, full_id(record_id))
    if row is None or not row["IsDeleted"] or row.get("MasterRecordId"):
        raise Refused("UNDELETE_FAILED", "Entity is not in the recycle bin", [])
    dml.check_unique(state, Actor(by), sobject, row)
    back = state.touch(sobject.name, row["Id"], {"IsDeleted": False}, by)
    if sobject.name == "Task":
        activity.note_last_activity(state, back)


def purge(state: OrgState, older_than: timedelta) -> int:
    limit = state.now() - older_than
    gone = [
        (name, row["Id"])
        for name, table in state.store.tables.items()
        for row in table.values()
        if row["IsDeleted"] and row["SystemModstamp"] <= limit
    ]
    for name, record_id in gone:
        state.store.put(name, record_id, None)
    return len(gone)


def merge(state: OrgState, by: str, sobject: str, master_id: str, loser_ids: list[str]) -> None:
    """Losers go to the recycle bin with MasterRecordId; what referred to them refers to the master."""
    if sobject not in _MERGEABLE or not 1 <= len(loser_ids) <= _MOST_LOSERS:
        raise Refused("INVALID_OPERATION", "merge takes one or two accounts, contacts or leads besides the master")
    master = full_id(master_id)
    if state.live(sobject, master) is None:
        raise Refused("ENTITY_IS_DELETED", "entity is deleted", [])
    for loser in map(full_id, loser_ids):
        if state.live(sobject, loser) is None or loser == master:
            raise Refused("ENTITY_IS_DELETED", "entity is deleted", [])
        if state.strictness.merge_moves_relations:
            reparent(state, by, sobject, loser, master)
        state.touch(sobject, loser, {"IsDeleted": True, "MasterRecordId": master}, by)
    state.touch(sobject, master, {}, by)


def reparent(state: OrgState, by: str, sobject: str, old: str, new: str) -> None:
    """Move every reference from one record to another."""
    for child, reference in state.schema.children(sobject):
        if reference.name in {"MasterRecordId", "ConvertedContactId", "ConvertedAccountId"}:
            continue
        for row in state.store.find(child.name, reference.name, old):
            target = state.schema.object_of(new)
            kind = {"RelationObjectType": target} if child.name == "EmailMessageRelation" else {}
            state.touch(child.name, row["Id"], {reference.name: new} | kind, by)


def convert(state: OrgState, actor: Actor, lead_id: str, account_id: str, opportunity_name: str) -> Converted:
    """Activities and mail relations move to the contact."""
    lead = state.live("Lead", full_id(lead_id))
    if lead is None or lead["IsConverted"]:
        raise Refused("INVALID_STATUS", "the lead is deleted or converted already", [])
    get = state.schema.get
    account = full_id(account_id) if account_id else dml.insert(state, actor, get("Account"), {"Name": lead["Company"]})
    contact = dml.insert(state, actor, get("Contact"), {n: lead[n] for n in _COPIED} | {"AccountId": account})
    deal = ""
    if opportunity_name:
        stage = min(state.store.rows("OpportunityStage"), key=lambda row: row["SortOrder"])["ApiName"]
        closes = (state.now() + timedelta(days=90)).date().isoformat()
        values = {"Name": opportunity_name, "StageName": stage, "CloseDate": closes, "AccountId": account}
        deal = dml.insert(state, actor, get("Opportunity"), values | {"ContactId": contact, "OwnerId": lead["OwnerId"]})
    status = next(row["ApiName"] for row in state.store.rows("LeadStatus") if row["IsConverted"])
    done: Row = {"IsConverted": True, "ConvertedDate": state.now().date(), "Status": status}
    done |= {"ConvertedContactId": contact, "ConvertedAccountId": account, "ConvertedOpportunityId": deal or None}
    state.touch("Lead", lead["Id"], done, actor.user_id)
    if state.strictness.conversion_moves_relations:
        reparent(state, actor.user_id, "Lead", lead["Id"], contact)
    return Converted(contact, account, deal)


# -------------------------------------------------------------------------------------------------- packages and rights


def install(
    state: OrgState,
    by: str,
    fields: Iterable[tuple[str, str, Mapping[str, Any]]],
    objects: Iterable[str],
    permission_set: str,
    assign_to: Iterable[str],
) -> str:
    """Objects first, then fields, then the permission set that opens them."""
    held = _permission_set(state, by, permission_set)
    for name in objects:
        label = name.removesuffix("__c").replace("_", " ")
        permissions.create_object(state, name, label, f"{label}s", by)
        _open_object(state, by, held, name)
    for sobject, name, metadata in fields:
        permissions.create_field(state, f"{sobject}.{name}", metadata, by)
        _open_field(state, by, held, sobject, name)
    for user_id in assign_to:
        _assign(state, by, held, full_id(user_id))
    return held


def grant_field(state: OrgState, by: str, user_id: str, sobject: str, name: str) -> None:
    """Through a permission set of the user's own."""
    _open_field(state, by, _own_set(state, by, full_id(user_id)), sobject, name)


def grant_object(state: OrgState, by: str, user_id: str, sobject: str) -> None:
    _open_object(state, by, _own_set(state, by, full_id(user_id)), sobject)


def _own_set(state: OrgState, by: str, user_id: str) -> str:
    name = f"Own_{user_id}"
    found = next((row["Id"] for row in state.store.rows("PermissionSet") if row["Name"] == name), None)
    if found is None:
        found = _permission_set(state, by, name)
        _assign(state, by, found, user_id)
    return str(found)


def _permission_set(state: OrgState, by: str, name: str) -> str:
    values = {"Name": name, "Label": name.replace("_", " "), "IsCustom": True}
    return str(state.insert_raw("PermissionSet", values, by)["Id"])


def _assign(state: OrgState, by: str, held: str, user_id: str) -> None:
    state.insert_raw("PermissionSetAssignment", {"PermissionSetId": held, "AssigneeId": user_id}, by)


def _open_field(state: OrgState, by: str, held: str, sobject: str, name: str) -> None:
    """Required fields are open to all and have no FieldPermissions."""
    owner = "Task" if sobject == "Activity" else sobject
    field = state.schema.get(owner).find(name)
    if field is not None and not field.always_visible:
        values = {"ParentId": held, "SobjectType": owner, "Field": f"{owner}.{field.name}"}
        state.insert_raw("FieldPermissions", values | {"PermissionsRead": True, "PermissionsEdit": True}, by)


def _open_object(state: OrgState, by: str, held: str, sobject: str) -> None:
    rights = {f"Permissions{name}": True for name in ("Read", "Create", "Edit", "Delete")}
    state.insert_raw("ObjectPermissions", {"ParentId": held, "SobjectType": sobject} | rights, by)
