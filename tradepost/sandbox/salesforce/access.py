"""Who may see and change what: user permissions, object permissions, field-level security.

Permission sets are records (PermissionSet, PermissionSetAssignment, FieldPermissions, ObjectPermissions), as in an org;
the profile's own grants are settings of the simulator.
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_permissionset.htm
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tradepost.sandbox.salesforce.schema import Field, Schema, SObject
from tradepost.sandbox.salesforce.store import Row, Store
from tradepost.sandbox.salesforce.strictness import Strictness

INTEGRATION_PERMISSIONS = frozenset({"ApiEnabled", "ViewSetup", "ActivitiesAccess", "EditTask"})
ADMIN_PERMISSIONS = INTEGRATION_PERMISSIONS | {
    "CustomizeApplication",
    "ManageProfilesPermissionsets",
    "AssignPermissionSets",
    "ViewAllData",
    "ModifyAllData",
    "CreateAuditFields",
}
_CALLS = {"Read": "r", "Create": "c", "Edit": "u", "Delete": "d"}
_SETUP_WRITERS = {
    "PermissionSet": "ManageProfilesPermissionsets",
    "FieldPermissions": "ManageProfilesPermissionsets",
    "ObjectPermissions": "ManageProfilesPermissionsets",
    "PermissionSetAssignment": "AssignPermissionSets",
    "CustomField": "CustomizeApplication",
}


@dataclass(slots=True)
class Profile:
    """What a user's profile grants. Standard objects and fields are open unless closed here; custom ones are closed."""

    permissions: set[str] = field(default_factory=set)  # API names without "Permissions"
    closed_objects: dict[str, str] = field(default_factory=dict)  # object -> calls taken away (letters of crud)
    hidden_fields: set[tuple[str, str]] = field(default_factory=set)
    read_only_fields: set[tuple[str, str]] = field(default_factory=set)


class Access:
    """The rights of one user at this moment."""

    def __init__(self, user_id: str, profile: Profile, schema: Schema, store: Store, strictness: Strictness) -> None:
        self._profile, self._strictness = profile, strictness
        sets = list(_assigned(user_id, store))
        self.permissions = set(profile.permissions)
        for row in sets:
            self.permissions |= {
                k.removeprefix("Permissions") for k, v in row.items() if v is True and "Permissions" in k
            }
        ids = {row["Id"] for row in sets}
        self._readable: set[tuple[str, str]] = set()
        self._editable: set[tuple[str, str]] = set()
        self._calls: dict[str, set[str]] = {}
        self._collect_fields(ids, schema, store)
        self._collect_objects(ids, store)

    def _collect_fields(self, sets: set[str], schema: Schema, store: Store) -> None:
        for row in store.rows("FieldPermissions"):
            if row["ParentId"] not in sets or row["IsDeleted"]:
                continue
            name = row["Field"].rpartition(".")[2]
            # One grant on a custom activity field holds for tasks and events alike.
            activity = schema.get(row["SobjectType"]).allows("A") and name.endswith("__c")
            for sobject in ("Task", "Event") if activity else (row["SobjectType"],):
                if row["PermissionsRead"]:
                    self._readable.add((sobject, name))
                if row["PermissionsEdit"]:
                    self._editable.add((sobject, name))

    def _collect_objects(self, sets: set[str], store: Store) -> None:
        for row in store.rows("ObjectPermissions"):
            if row["ParentId"] in sets and not row["IsDeleted"]:
                calls = self._calls.setdefault(row["SobjectType"], set())
                calls |= {letter for name, letter in _CALLS.items() if row[f"Permissions{name}"]}

    def has(self, permission: str) -> bool:
        return permission in self.permissions

    def may(self, sobject: SObject, call: str) -> bool:
        """`call` is r, c, u or d."""
        if not self._strictness.object_rights:
            return True
        if sobject.allows("S") and not self.has("ViewSetup"):
            return False
        if call != "r" and sobject.name in _SETUP_WRITERS:
            return self.has(_SETUP_WRITERS[sobject.name])
        if sobject.allows("A") and not self.has("ActivitiesAccess"):
            return False
        if sobject.name == "Task" and call != "r" and not self.has("EditTask"):
            return False
        if sobject.custom and not self.has("ModifyAllData"):
            return call in self._calls.get(sobject.name, set()) or (call == "r" and self.has("ViewAllData"))
        return call not in self._profile.closed_objects.get(sobject.name, "")

    def sees(self, sobject: SObject, field: Field) -> bool:
        if field.always_visible:
            return True
        key = (sobject.name, field.name)
        return key in self._readable if field.custom else key not in self._profile.hidden_fields

    def edits(self, sobject: SObject, field: Field) -> bool:
        if (field.required and field.custom) or not self._strictness.field_edit_rights:
            return True
        key = (sobject.name, field.name)
        if field.custom:
            return key in self._editable
        return key not in self._profile.hidden_fields and key not in self._profile.read_only_fields


def _assigned(user_id: str, store: Store) -> Iterator[Row]:
    for row in store.find("PermissionSetAssignment", "AssigneeId", user_id):
        held = store.get("PermissionSet", row["PermissionSetId"]) if not row["IsDeleted"] else None
        if held is not None and not held["IsDeleted"]:
            yield held
