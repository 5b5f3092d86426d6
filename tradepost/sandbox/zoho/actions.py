"""Actions on records: mass update, owner, tags, locks, timelines.

https://www.zoho.com/crm/developer/docs/api/v8/mass-update-records.html
https://www.zoho.com/crm/developer/docs/api/v8/add-tags.html
https://www.zoho.com/crm/developer/docs/api/v8/timeline-of-a-record.html
"""

from __future__ import annotations

from typing import Any

from tradepost.sandbox.zoho import dml, listing
from tradepost.sandbox.zoho.call import Answer, Call, array
from tradepost.sandbox.zoho.errors import (
    Refused,
    mandatory,
    param_missing,
    success,
    too_many,
    wrong_id,
    wrong_related_id,
)
from tradepost.sandbox.zoho.metadata import asked_module
from tradepost.sandbox.zoho.records import module_for
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import Act, State, minified
from tradepost.sandbox.zoho.store import Row
from tradepost.sandbox.zoho.writing import Result, act_of, written

MOST_IN_MASS = 500


def mass_update(state: State, call: Call) -> Answer:
    """Some records by `ids` at once, or a whole view by `cvid` as a job."""
    module, act = module_for(state, call), act_of(call, "mass_update")
    item = call.listed("data", 1)[0]
    ids = array(call.body["ids"], "$.ids") if call.body.get("ids") is not None else None
    if ids is None and call.body.get("cvid") is None:
        raise mandatory("ids", "$.ids")
    if ids is not None and len(ids) > MOST_IN_MASS:
        raise too_many(MOST_IN_MASS, api_name="ids")
    chosen = [str(each) for each in ids] if ids is not None else list(state.store.tables.get(module.name, {}))
    results = [_updated(state, act, module, record, item) for record in chosen]
    if ids is not None:
        return written(state, results, 200)
    job = state.ids.new()
    failed = sum(isinstance(each, Refused) for each in results)
    state.jobs[job] = {"Total_Count": len(results), "Updated_Count": len(results) - failed, "Failed_Count": failed}
    done = success({"job_id": job, "id": job}, "mass update scheduled successfully", "SCHEDULED")
    return Answer(body={"data": [done]})


def _updated(state: State, act: Act, module: Module, record: str, item: dict[str, Any]) -> Result:
    try:
        row = dml.update(state, act, module, record, item)
    except Refused as refused:
        return refused
    return success({"id": row["id"], "Modified_Time": state.stamp(row["Modified_Time"])}, "record updated")


def mass_update_job(state: State, call: Call) -> Answer:
    found = state.jobs.get(call.query.get("job_id", ""))
    if found is None:
        raise Refused("INVALID_DATA", "the id given seems to be invalid", {"param_name": "job_id"})
    return Answer(body={"data": [{"Status": "COMPLETED", "Not_Updated_Count": 0, **found}]})


def change_owner(state: State, call: Call) -> Answer:
    module, act = module_for(state, call), act_of(call)
    owner = call.body.get("owner") if isinstance(call.body, dict) else None
    if not isinstance(owner, dict):
        raise mandatory("owner", "$.owner")
    ids = [call.found["id"]] if "id" in call.found else [str(each) for each in array(call.body.get("ids"), "$.ids")]
    if not ids:
        raise mandatory("ids", "$.ids")
    return written(state, [_updated(state, act, module, each, {"Owner": owner}) for each in ids], 200)


# ----------------------------------------------------------------------------------------------------------------- tags


def get_tags(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    shown = [tag for key, tag in sorted(state.tags.items()) if key.startswith(f"{module.name}/")]
    return listing.listed(state, "tags", shown, {"count": len(shown), "allowed_count": 200})


def create_tags(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    results: list[Result] = []
    for n, item in enumerate(call.listed("tags", 50)):
        if not item.get("name"):
            results.append(mandatory("name", f"$.tags[{n}].name"))
        elif f"{module.name}/{item['name']}" in state.tags:
            results.append(
                Refused("DUPLICATE_DATA", "duplicate data", {"api_name": "name", "json_path": f"$.tags[{n}].name"})
            )
        else:
            made = _tag(state, module, str(item["name"]), call.user)
            details = {key: value for key, value in made.items() if key != "name"}
            results.append(success(details, "tags created successfully"))
    return written(state, results, 201, "tags")


def _tag(state: State, module: Module, name: str, user: str) -> dict[str, Any]:
    key = f"{module.name}/{name}"
    if key not in state.tags:
        by, now = state.person(user), state.stamp()
        made = {"id": state.ids.new(), "name": name, "color_code": None, "created_time": now, "modified_time": now}
        state.tags[key] = {**made, "created_by": by, "modified_by": by}
    return state.tags[key]


def add_tags(state: State, call: Call) -> Answer:
    return _tagging(state, call, add=True)


def remove_tags(state: State, call: Call) -> Answer:
    return _tagging(state, call, add=False)


def _tagging(state: State, call: Call, *, add: bool) -> Answer:
    module = module_for(state, call)
    body = call.body if isinstance(call.body, dict) else {}
    named = array(body.get("tags"), "$.tags") or [{"name": name} for name in call.names("tag_names")]
    names = [str(each["name"]) for each in named if isinstance(each, dict) and each.get("name")]
    if not names:
        raise mandatory("tags", "$.tags")
    ids = (
        [call.found["id"]]
        if "id" in call.found
        else [str(each) for each in array(body.get("ids"), "$.ids") or call.names("ids")]
    )
    results = [_tagged(state, call, module, each, names, add=add) for each in ids]
    answer = written(state, results, 200)
    done = sum(not isinstance(each, Refused) for each in results)
    answer.body |= {"wf_scheduler": False, "success_count": str(done), "locked_count": "0"}
    return answer


def _tagged(state: State, call: Call, module: Module, record: str, names: list[str], *, add: bool) -> Result:
    row = state.store.get(module.name, record)
    if row is None:
        return Refused("INVALID_DATA", "the id given seems to be invalid", {"id": record})
    held = {tag["name"]: tag for tag in row.get("Tag") or []}
    for name in names:
        if add:
            made = _tag(state, module, name, call.user)
            held[name] = {"name": name, "id": made["id"], "color_code": None}
        else:
            held.pop(name, None)
    state.touch(module.name, record, {"Tag": list(held.values())}, call.user)
    return success({"id": record, "tags": list(held.values())}, "tags updated successfully")


# ---------------------------------------------------------------------------------------------------------------- locks


def get_locks(state: State, call: Call) -> Answer:
    module, row = _record(state, call)
    lock = row.get("$lock")
    if not row.get("$locked") or lock is None or call.found.get("lock", lock["id"]) != lock["id"]:
        return Answer(status=204)
    shown = {
        "id": lock["id"],
        "lock_source__s": "Manual",
        "locked_by__s": state.person(lock["by"]),
        "locked_for__s": {"name": row.get(module.display), "id": row["id"], "module": minified(module)},
        "locked_reason__s": lock["reason"],
        "locked_time__s": state.stamp(lock["at"]),
        "record_locking_configuration_id__s": None,
        "record_locking_rule_id__s": None,
    }
    return Answer(body={"data": [shown], "info": {"per_page": 200, "count": 1, "page": 1, "more_records": False}})


def lock_record(state: State, call: Call) -> Answer:
    module, row = _record(state, call)
    if row.get("$locked"):
        raise Refused("RECORD_LOCKED", "The record is locked", {"id": row["id"]})
    reason = call.listed("data", 1)[0].get("locked_reason__s")
    made = lock(state, module, row["id"], call.user, str(reason or ""))
    return written(state, [success({"id": made}, "record added")], 201)


def lock(state: State, module: Module, record: str, user: str, reason: str = "") -> str:
    """Lock a record; the answer is the lock's id."""
    held = {"id": state.ids.new(), "by": user, "reason": reason, "at": state.now()}
    state.store.change(module.name, record, {"$locked": True, "Locked__s": True, "$lock": held})
    return str(held["id"])


def unlock_record(state: State, call: Call) -> Answer:
    module, row = _record(state, call)
    held = row.get("$lock")
    if not row.get("$locked") or held is None or held["id"] != call.found["lock"]:
        raise wrong_related_id(3)
    unlock(state, module, row["id"])
    return written(state, [success({"id": held["id"]}, "record deleted")], 200)


def unlock(state: State, module: Module, record: str) -> None:
    state.store.change(module.name, record, {"$locked": False, "Locked__s": False, "$lock": None})


def _record(state: State, call: Call) -> tuple[Module, Row]:
    module = module_for(state, call)
    row = state.store.get(module.name, call.found["id"])
    if row is None:
        raise wrong_id()
    return module, row


# ------------------------------------------------------------------------------------------------------------- timeline


def get_timeline(state: State, call: Call) -> Answer:
    """Newest first."""
    module = module_for(state, call)
    if state.store.get(module.name, call.found["id"]) is None:
        raise wrong_related_id()
    entries = state.store.find("$Timeline", "record", call.found["id"])
    if call.query.get("sort_order", "desc") == "desc":
        entries.reverse()
    found, info = listing.paged(call, entries)
    more = {"next_page_token": None, "previous_page_token": None}
    return listing.listed(state, "__timeline", [_entry(state, module, each) for each in found], {**info, **more})


def _entry(state: State, module: Module, entry: Row) -> dict[str, Any]:
    by = state.person(entry["by"]) or {"name": "", "id": entry["by"]}
    name = state.title(module.name, entry["record"])
    return {
        "id": entry["id"],
        "audited_time": state.stamp(entry["at"]),
        "action": entry["action"],
        "source": entry["source"],
        "type": None,
        "extension": None,
        "done_by": {"name": by["name"], "id": by["id"]},
        "related_record": None,
        "automation_details": None,
        "record": {"name": name, "id": entry["record"], "module": minified(module)},
        "field_history": entry["history"] or None,
    }


# -------------------------------------------------------------------------------------------------------- recycle bin


def get_recycle_bin(state: State, call: Call) -> Answer:
    rows = [row for row in state.store.rows("$Bin") if row["type"] == "recycle"]
    shown = [
        {
            "id": row["id"],
            "display_name": row["display_name"],
            "deleted_time": state.stamp(row["deleted_time"]),
            "deleted_by": state.person(row["deleted_by"]),
            "owner": state.person(row["row"].get("Owner")),
            "module": minified(state.schema.modules[row["module"]]),
        }
        for row in reversed(rows)
        if call.found.get("id") in {None, row["id"]}
    ]
    found, info = listing.paged(call, shown)
    return listing.listed(state, "recycle_bin", found, info)


def empty_recycle_bin(state: State, call: Call) -> Answer:
    """Records in the bin go for good."""
    ids = [call.found["id"]] if "id" in call.found else call.names("ids")
    if not ids:
        raise param_missing("ids")
    results: list[Result] = []
    for each in ids:
        row = state.store.get("$Bin", each)
        if row is None or row["type"] != "recycle":
            results.append(Refused("INVALID_DATA", "the id given seems to be invalid", {"id": each}))
        else:
            state.store.change("$Bin", each, {"type": "permanent"})
            results.append(success({"id": each}, "record deleted successfully"))
    return written(state, results, 200, "recycle_bin")
