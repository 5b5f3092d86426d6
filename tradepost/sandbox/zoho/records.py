"""Reading records: lists, single ones, deleted ones, counts.

https://www.zoho.com/crm/developer/docs/api/v8/get-records.html
https://www.zoho.com/crm/developer/docs/api/v8/get-deleted-records.html
"""

from __future__ import annotations

from typing import Any

from tradepost.sandbox.zoho import listing
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import Refused, wrong_id, wrong_module, wrong_param
from tradepost.sandbox.zoho.ids import is_id
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import RECYCLED_FOR, State
from tradepost.sandbox.zoho.store import Row


def module_for(state: State, call: Call, http: int = 400) -> Module:
    """The module in the path. Raises INVALID_MODULE."""
    found = state.schema.get(call.found["module"])
    if found is None or found.name == "users":
        raise wrong_module(http)
    return found


def record_id(state: State, call: Call, module: Module) -> str:
    """The record's id in the path, or by the external field that the header X-EXTERNAL names.

    https://help.zoho.com/portal/en/community/topic/kaizen-64-external-fields-and-records-apis
    """
    name, value = external_field(call, module), call.found["id"]
    if name:
        rows = state.store.find(module.name, name, value)
        if not rows:
            raise Refused("INVALID_DATA", "The value of the external field is invalid.", {"resource_path_index": 1})
        return str(rows[0]["id"])
    if not is_id(value):
        raise wrong_id()
    return value


def external_field(call: Call, module: Module) -> str:
    """The external field of a module that X-EXTERNAL names. Raises INVALID_DATA for one that is not external."""
    for part in call.headers.get("x-external", "").split(","):
        owner, _, name = part.strip().partition(".")
        if owner == module.name:
            found = module.fields.get(name)
            if found is None or not found.external:
                raise Refused("INVALID_DATA", "The value of the external field is invalid.", {"api_name": name})
            return name
    return ""


def get_records(state: State, call: Call) -> Answer:
    module = module_for(state, call)
    names = listing.field_names(state, call)
    query = listing.asked(state, call)
    view = call.query.get("cvid", "")
    if view and not is_id(view):
        raise wrong_param("cvid")
    rows, info = listing.rows_page(state, call, module, query)
    if not rows and query.since is not None and query.page == 1 and state.rules.not_modified_is_304:
        return Answer(status=304)
    if not rows and query.since is not None and not state.rules.not_modified_is_304:
        rows = list(state.store.rows(module.name))[: query.per_page]
    return listing.listed(state, "data", [state.show(module, row, names) for row in rows], info)


def get_record(state: State, call: Call) -> Answer:
    module = module_for(state, call)
    row = state.store.get(module.name, record_id(state, call, module))
    names = listing.field_names(state, call, needed=False)
    if row is None or (call.query.get("converted") == "false" and row.get("Converted__s")):
        return Answer(status=204) if state.rules.empty_is_204 else Answer(body={"data": []})
    since = listing.header_time(call, "if-modified-since", state.rules)
    if since is not None and row["Modified_Time"] <= since and state.rules.not_modified_is_304:
        return Answer(status=304)
    return Answer(body={"data": [state.show(module, row, names)]})


def deleted_records(state: State, call: Call) -> Answer:
    """Newest first. What lies in the recycle bin for sixty days is gone for good."""
    module = module_for(state, call)
    kind = call.query.get("type", "all")
    if kind not in {"all", "recycle", "permanent"}:
        raise wrong_param("type", supported_values=["all", "recycle", "permanent"])
    since = listing.header_time(call, "if-modified-since", state.rules)
    gone = sorted(
        (
            row
            for row in state.store.find("$Bin", "module", module.name)
            if since is None or row["deleted_time"] > since
        ),
        key=lambda row: (row["deleted_time"], row["id"]),
        reverse=True,
    )
    items = [_gone(state, row) for row in gone]
    items = [item for item in items if kind in {"all", item["type"]}]
    found, info = listing.paged(call, items)
    if not items and since is not None and state.rules.not_modified_is_304:
        return Answer(status=304)
    return listing.listed(state, "data", found, info)


def _gone(state: State, row: Row) -> dict[str, Any]:
    def person(user: str | None) -> dict[str, Any] | None:
        found = state.person(user)
        return None if found is None else {"name": found["name"], "id": found["id"]}

    old = row["deleted_time"] + RECYCLED_FOR <= state.now()
    return {
        "id": row["id"],
        "display_name": row["display_name"],
        "type": "permanent" if old else row["type"],
        "deleted_time": state.stamp(row["deleted_time"]),
        "deleted_by": person(row["deleted_by"]),
        "created_by": person(row["created_by"]),
    }


def rich_text(state: State, call: Call) -> Answer:
    """actions/fetch_full_data: whole long texts; none is ever cut here."""
    module = module_for(state, call)
    names = listing.field_names(state, call)
    ids = [call.found["id"]] if "id" in call.found else call.names("ids")
    rows = [row for row in (state.store.get(module.name, each) for each in ids) if row is not None]
    if not rows and state.rules.empty_is_204:
        return Answer(status=204)
    return Answer(body={"data": [state.show(module, row, names) for row in rows]})
