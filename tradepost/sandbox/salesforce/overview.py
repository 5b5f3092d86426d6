"""What the org says of itself: resources, limits, tabs, recently used records, layouts.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_limits.htm
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_tabs.htm
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_recent_items.htm
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.view import View, record_url

RESOURCES = (
    "tooling",
    "composite",
    "jobs",
    "limits",
    "parameterizedSearch",
    "query",
    "queryAll",
    "recent",
    "search",
    "sobjects",
    "tabs",
)
TABS = ("Account", "Campaign", "Case", "Contact", "Lead", "Opportunity", "Product2", "Task")
# Allowances of an Enterprise org; nothing takes from these.
_ALLOWANCES = {
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyStreamingApiEvents": 200_000,
    "DailyWorkflowEmails": 1_000,
    "DataStorageMB": 10_240,
    "FileStorageMB": 10_240,
    "HourlyODataCallout": 1_000,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 5_000,
    "PermissionSets": 1_500,
    "SingleEmail": 5_000,
}
_LONGEST_RECENT = 200


def resources(version: str) -> dict[str, str]:
    """The resources below a version, by name."""
    return {name: f"/services/data/v{version}/{name}" for name in RESOURCES}


def limits(most: int, used: int) -> dict[str, dict[str, int]]:
    """Allowances by name; only the daily requests are counted."""
    daily = {"DailyApiRequests": {"Max": most, "Remaining": max(0, most - used)}}
    others = {name: {"Max": number, "Remaining": number} for name, number in _ALLOWANCES.items()}
    return dict(sorted((daily | others).items()))


def tabs(state: OrgState, view: View) -> list[dict[str, Any]]:
    """The tabs a user sees."""
    names = [*TABS, *(sobject.name for sobject in state.schema if sobject.custom)]
    shown = [state.schema.get(name) for name in names]
    return [_tab(sobject) for sobject in shown if view.may_read(sobject)]


def _tab(sobject: SObject) -> dict[str, Any]:
    icon = f"/img/icon/{sobject.name.lower()}s32.png"
    return {
        "colors": [{"color": "4BC076", "context": "primary", "theme": "theme4"}],
        "custom": sobject.custom,
        "iconUrl": icon,
        "icons": [{"contentType": "image/png", "height": 32, "theme": "theme3", "url": icon, "width": 32}],
        "label": sobject.plural,
        "miniIconUrl": icon.replace("32", "16"),
        "name": f"standard-{sobject.name}" if not sobject.custom else sobject.name,
        "sobjectName": sobject.name,
        "url": f"/{sobject.prefix}/o",
    }


def recent(state: OrgState, call: Call, sobject: SObject | None = None) -> list[dict[str, Any]]:
    """Records the user made or changed, newest first. Simplified: an org also counts what was looked at."""
    view = state.view(call.actor, call.version)
    kinds = [sobject] if sobject else [state.schema.get(name) for name in TABS]
    mine = [
        (row["LastModifiedDate"], row["Id"], kind)
        for kind in kinds
        if view.may_read(kind)
        for row in state.store.rows(kind.name)
        if row["LastModifiedById"] == call.actor.user_id and not row["IsDeleted"] and view.sees_row(row)
    ]
    asked = call.query.get("limit", "")
    most = min(_LONGEST_RECENT, int(asked)) if asked.isdigit() else _LONGEST_RECENT
    mine.sort(key=lambda each: (each[0], each[1]), reverse=True)
    return [_recent(state, call, kind, record_id) for _, record_id, kind in mine[:most]]


def _recent(state: OrgState, call: Call, sobject: SObject, record_id: str) -> dict[str, Any]:
    row = state.store.tables[sobject.name][record_id]
    head = {"type": sobject.name, "url": record_url(call.version, sobject.name, record_id)}
    name = sobject.name_field.name if sobject.name_field else "Id"
    return {"attributes": head, "Id": record_id, name: row.get(name)}


def layouts(view: View, sobject: SObject) -> Answer:
    """One page layout with every field in one section."""
    fields = [each.name for each in view.fields(sobject)]
    items = [
        {"editableForNew": True, "label": name, "layoutComponents": [{"type": "Field", "value": name}]}
        for name in fields
    ]
    section = {"columns": 1, "heading": "Information", "layoutRows": [{"layoutItems": [item]} for item in items]}
    layout = {"detailLayoutSections": [section], "editLayoutSections": [section], "id": None, "relatedLists": []}
    return Answer(body={"layouts": [layout], "recordTypeMappings": [], "recordTypeSelectorRequired": [False]})


def compact_layouts(sobject: SObject) -> Answer:
    """No compact layout was made; the system's shows the name."""
    name = sobject.name_field.name if sobject.name_field else "Id"
    system = {"fieldItems": [{"label": name}], "id": None, "label": "System Default", "name": "SYSTEM"}
    system["objectType"] = sobject.name
    return Answer(
        body={"compactLayouts": [system], "defaultCompactLayoutId": None, "recordTypeCompactLayoutMappings": []}
    )


def schema_changed(state: OrgState, sobject: SObject) -> datetime:
    """When an object's description last changed: its newest custom field, else the org's beginning."""
    first: datetime = next(state.store.rows("Organization"))["CreatedDate"]
    home = "Activity" if sobject.allows("A") else sobject.name
    return max(
        (r["LastModifiedDate"] for r in state.store.rows("CustomField") if r["TableEnumOrId"] == home), default=first
    )
