"""Descriptions of objects: /sobjects and /sobjects/{Object}/describe.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
"""

from __future__ import annotations

from typing import Any

from tradepost.sandbox.salesforce.schema import TEXT_TYPES, Field, SObject
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.view import View

_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "anyType": "xsd:anyType",
    "junctionIdList": "urn:JunctionIdListNames",
    "base64": "xsd:base64Binary",
}


def describe_global(state: OrgState, view: View) -> dict[str, Any]:
    """Every object the user may see."""
    rows = [summary(view, sobject) for sobject in state.schema if not sobject.allows("t") and view.may_read(sobject)]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": rows}


def summary(view: View, sobject: SObject) -> dict[str, Any]:
    """The properties of an object without its fields."""

    def may(call: str) -> bool:
        return sobject.allows(call) and (view.access is None or view.access.may(sobject, call))

    url = f"/services/data/v{view.version}/sobjects/{sobject.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": may("c"),
        "custom": sobject.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": may("d"),
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.prefix,
        "label": sobject.label,
        "labelPlural": sobject.plural,
        "layoutable": not sobject.allows("S"),
        "mergeable": may("m"),
        "mruEnabled": False,
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": not sobject.allows("q"),
        "triggerable": not sobject.allows("q"),
        "undeletable": may("d"),
        "updateable": may("u"),
        "urls": {
            "sobject": url,
            "describe": f"{url}/describe",
            "rowTemplate": f"{url}/{{ID}}",
        },
    }


def describe(state: OrgState, view: View, sobject: SObject) -> dict[str, Any]:
    """An object with the fields and child relationships the user may see."""
    children: list[dict[str, Any]] = [
        {
            "cascadeDelete": False,
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": reference.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": reference.child_name or None,
            "restrictedDelete": False,
        }
        for child, reference in state.schema.children(sobject.name)
        if not child.allows("t") and view.may_read(child) and view.sees(child, reference)
    ]
    fields = [_field(state, view, sobject, field) for field in view.fields(sobject)]
    return summary(view, sobject) | {
        "actionOverrides": [],
        "childRelationships": children,
        "compactLayoutable": False,
        "fields": fields,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [],
        "searchLayoutable": not sobject.allows("q"),
        "supportedScopes": [{"label": "All", "name": "everything"}],
    }


def _field(state: OrgState, view: View, sobject: SObject, field: Field) -> dict[str, Any]:
    edits = view.access is None or view.access.edits(sobject, field)
    length = field.length if field.type in TEXT_TYPES or field.type in {"id", "reference"} else 0
    numeric = field.type in {"double", "currency", "percent"}
    return {
        "aggregatable": field.has("g") or numeric,
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": length * 3 if field.type in TEXT_TYPES else length,
        "calculated": False,
        "calculatedFormula": None,
        "cascadeDelete": False,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": None,
        "controllerName": None,
        "createable": field.has("c") and edits,
        "custom": field.custom,
        "defaultValue": bool(field.default) if field.type == "boolean" else None,
        "defaultedOnCreate": field.has("d"),
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.length if field.type == "int" else 0,
        "encrypted": False,
        "externalId": field.external_id,
        "extraTypeInfo": "plaintextarea" if field.type == "textarea" else None,
        "filterable": field.has("f"),
        "groupable": field.has("g"),
        "htmlFormatted": False,
        "idLookup": field.has("i"),
        "inlineHelpText": None,
        "label": field.label,
        "length": length,
        "name": field.name,
        "nameField": field.has("N"),
        "namePointing": len(field.targets) > 1,
        "nillable": field.has("n"),
        "permissionable": not field.always_visible,
        "picklistValues": _values(state, field),
        "polymorphicForeignKey": len(field.targets) > 1,
        "precision": field.precision if numeric else 0,
        "queryByDistance": False,
        "referenceTo": [o.name for o in view.targets(field)],
        "relationshipName": field.relationship or None,
        "restrictedPicklist": field.has("r") or (sobject.name, field.name) in state.settings.restricted_picklists,
        "scale": field.scale if numeric else 0,
        "searchPrefilterable": False,
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": field.has("s"),
        "type": field.type,
        "unique": field.unique,
        "updateable": field.has("u") and edits,
        "writeRequiresMasterRead": False,
    }


def _values(state: OrgState, field: Field) -> list[dict[str, Any]]:
    if field.values_from:
        rows = state.picklist(field)
        values = [(r["ApiName"], r["MasterLabel"], r.get("IsActive", True), r.get("IsDefault", False)) for r in rows]
    else:
        values = [(value, value, True, False) for value in field.values]
    return [
        {"active": active, "defaultValue": default, "label": label, "validFor": None, "value": value}
        for value, label, active, default in values
    ]
