"""Rules of the records that grant permissions, and custom fields made through the Tooling API.

https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/tooling_api_objects_customfield.htm
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_fieldpermissions.htm
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.schema import Field, SObject, make_object
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.store import Row

MAX_EXTERNAL_IDS = 25
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")
_TYPES = {
    "Text": ("string", "cufsgn"),
    "LongTextArea": ("textarea", "cun"),
    "Email": ("email", "cufsgn"),
    "Url": ("url", "cufsgn"),
    "Phone": ("phone", "cufsgn"),
    "Checkbox": ("boolean", "cufsgd"),
    "Number": ("double", "cufsn"),
    "Date": ("date", "cufsgn"),
    "DateTime": ("datetime", "cufsn"),
    "Picklist": ("picklist", "cufsgn"),
    "Lookup": ("reference", "cufsgn"),
}


def check(state: OrgState, sobject: str, row: Row, old: Row | None) -> None:
    """One grant per subject, on something that exists; edit needs read."""
    if sobject == "FieldPermissions":
        _check_field(state, row)
    if sobject == "ObjectPermissions" and state.schema.find(row["SobjectType"]) is None:
        raise _bad_value("Sobject Type Name", "SobjectType", row["SobjectType"])
    if old is not None:
        return
    identity = {
        "PermissionSet": ("Name",),
        "PermissionSetAssignment": ("AssigneeId", "PermissionSetId"),
        "FieldPermissions": ("ParentId", "Field"),
        "ObjectPermissions": ("ParentId", "SobjectType"),
    }[sobject]
    for other in state.store.rows(sobject):
        if not other["IsDeleted"] and all(other[name] == row.get(name) for name in identity):
            code = "DUPLICATE_DEVELOPER_NAME" if sobject == "PermissionSet" else "DUPLICATE_VALUE"
            text = (
                f"duplicate value found: {', '.join(identity)} duplicates value on record with id: {other['Id'][:15]}"
            )
            raise Refused(code, text, list(identity))


def _check_field(state: OrgState, row: Row) -> None:
    sobject = state.schema.find(row["SobjectType"])
    field = sobject.find(row["Field"].removeprefix(f"{row['SobjectType']}.")) if sobject else None
    if sobject is None:
        raise _bad_value("Sobject Type Name", "SobjectType", row["SobjectType"])
    if field is None or field.always_visible or row["Field"] != f"{sobject.name}.{field.name}":
        raise _bad_value("Field Name", "Field", row["Field"])
    if row["PermissionsEdit"] and not row["PermissionsRead"]:
        text = "Permission Edit Field depends on permission(s): Permission Read Field"
        raise Refused("FIELD_INTEGRITY_EXCEPTION", text, ["PermissionsEdit"])


def _bad_value(label: str, name: str, value: str) -> Refused:
    text = f"{label}: bad value for restricted picklist field: {value}"
    return Refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, [name])


def create_field(state: OrgState, full_name: str, metadata: Mapping[str, Any], by: str) -> str:
    """Make a custom field (Tooling CustomField); nobody may see it until it is granted. The answer is its id."""
    owner, _, name = full_name.partition(".")
    sobjects = _owners(state, owner)
    field = _field(name, metadata)
    if owner == "EmailMessage" and not state.settings.email_message_custom_fields_allowed:
        text = "Custom fields cannot be created on the entity EmailMessage in this organization."
        raise Refused("FIELD_INTEGRITY_EXCEPTION", text, ["FullName"])
    for sobject in sobjects:
        if sobject.find(name) is not None:
            raise Refused(
                "DUPLICATE_DEVELOPER_NAME", f"There is already a field named {name[:-3]} on {owner}.", ["DeveloperName"]
            )
        externals = sum(f.external_id for f in sobject.fields.values())
        if field.external_id and externals >= MAX_EXTERNAL_IDS:
            raise Refused(
                "FIELD_INTEGRITY_EXCEPTION", "You have reached the maximum number of external ids.", ["Metadata"]
            )
    for sobject in sobjects:
        add_field(state, sobject, field)
    return str(state.insert_raw("CustomField", {"DeveloperName": name[:-3], "TableEnumOrId": owner}, by)["Id"])


def _owners(state: OrgState, name: str) -> list[SObject]:
    """Task and Event share their custom fields, which are made on Activity."""
    if name == "Activity":
        return [sobject for sobject in state.schema if sobject.allows("A")]
    sobject = state.schema.find(name)
    if sobject is None or sobject.allows("A") or not sobject.allows("c"):
        raise Refused("INVALID_TYPE", f"Cannot create a custom field on entity: {name}", ["FullName"])
    return [sobject]


def _field(name: str, metadata: Mapping[str, Any]) -> Field:
    kind = metadata.get("type")
    if not _NAME.fullmatch(name):
        raise Refused("INVALID_FULL_NAME", f"The field name {name} is not a custom field's full name.", ["FullName"])
    if kind not in _TYPES or not metadata.get("label"):
        missing = "label" if kind in _TYPES else "type"
        raise Refused("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{missing}]", ["Metadata"])
    type_, flags = _TYPES[kind]
    length = int(metadata.get("length") or 0)
    if kind == "Text" and not 1 <= length <= 255:
        raise Refused("FIELD_INTEGRITY_EXCEPTION", "Length must be between 1 and 255", ["Metadata"])
    needed = bool(metadata.get("required"))
    external = bool(metadata.get("externalId"))
    return Field(
        name=name,
        type=type_,
        label=str(metadata["label"]),
        flags=flags.replace("n", "") if needed else flags + "i" * external,
        length=length,
        targets=(str(metadata["referenceTo"]),) if metadata.get("referenceTo") else (),
        child_name=f"{metadata['relationshipName']}__r" if metadata.get("relationshipName") else "",
        custom=True,
        required=needed,
        external_id=external,
        unique=bool(metadata.get("unique")),
        case_sensitive=bool(metadata.get("caseSensitive")),
        precision=int(metadata.get("precision") or 18),
        scale=int(metadata.get("scale") or 0),
    )


def add_field(state: OrgState, sobject: SObject, field: Field) -> None:
    """Put a field on an object; its rows get it empty."""
    sobject.fields[field.name.lower()] = field
    empty = False if field.type == "boolean" else None
    for row in list(state.store.rows(sobject.name)):
        state.silently(sobject.name, row["Id"], {field.name: empty})


def create_object(state: OrgState, name: str, label: str, plural: str, by: str) -> SObject:
    """A custom object with a text Name, as the Metadata API makes it. Neither REST nor the Tooling API can."""
    number = sum(1 for each in state.schema if each.custom)
    title = Field(name="Name", type="string", label=f"{label} Name", flags="cufsginN", length=80)
    owner = Field(name="OwnerId", type="reference", label="Owner ID", flags="cufsgd", length=18, targets=("User",))
    sobject = make_object(name, f"a{number:02d}", "cud", plural, label, [title, owner])
    state.schema.add(sobject)
    state.insert_raw("CustomObject", {"DeveloperName": name[:-3]}, by)
    return sobject
