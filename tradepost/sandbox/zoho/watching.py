"""Notifications (channels that are kept, nothing is called back) and bulk read.

https://www.zoho.com/crm/developer/docs/api/v8/notifications/overview.html
https://www.zoho.com/crm/developer/docs/api/v8/bulk-read/overview.html
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tradepost.sandbox.zoho import listing, values
from tradepost.sandbox.zoho.call import Answer, Call, array
from tradepost.sandbox.zoho.errors import Refused, mandatory, param_missing, success, wrong_data, wrong_url
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import State, minified
from tradepost.sandbox.zoho.writing import Result, written

MOST_CHANNELS = 50
LONGEST = timedelta(weeks=1)
SHORTEST = timedelta(hours=1)
MOST_ROWS = 200_000


def enable(state: State, call: Call) -> Answer:
    """POST and PUT: a channel that is there is subscribed anew."""
    results: list[Result] = []
    for n, item in enumerate(call.listed("watch", MOST_CHANNELS)):
        try:
            results.append(_enabled(state, item, f"$.watch[{n}]", fresh=call.method == "POST"))
        except Refused as refused:
            results.append(refused)
    return written(state, results, 201 if call.method == "POST" else 200, "watch")


def _enabled(state: State, item: Mapping[str, Any], path: str, *, fresh: bool) -> Result:
    channel = item.get("channel_id")
    for key in ("channel_id", "events", "notify_url") if fresh else ("channel_id",):
        if not item.get(key):
            raise mandatory(key, f"{path}.{key}")
    held = state.watches.get(str(channel))
    if held is None and not fresh:
        raise Refused("NOT_SUBSCRIBED", "Given id is not subscribed", {"channel_id": str(channel)})
    events = array(item.get("events"), f"{path}.events") or (held or {}).get("events", [])
    for event in events:
        if state.schema.get(str(event).partition(".")[0]) is None:
            raise wrong_data("events", f"{path}.events")
    now = state.now()
    expiry = values.moment(item["channel_expiry"], state.rules) if item.get("channel_expiry") else now + SHORTEST
    if expiry is None or not now < expiry <= now + LONGEST:
        raise wrong_data("channel_expiry", f"{path}.channel_expiry", expected_data_type="datetime")
    kept = {**(held or {}), **item, "events": events, "channel_expiry": state.stamp(expiry)}
    state.watches[str(channel)] = kept
    shown = [_shown(state, str(channel), kept, str(event)) for event in events]
    return success({"events": shown}, "Successfully subscribed for actions-watch of the given module")


def _shown(state: State, channel: str, kept: Mapping[str, Any], event: str) -> dict[str, Any]:
    module = state.schema.modules[event.partition(".")[0]]
    return {
        "channel_expiry": kept["channel_expiry"],
        "resource_uri": f"/crm/v8/{module.name}",
        "resource_id": module.id,
        "resource_name": module.name,
        "channel_id": channel,
        "notification_condition": kept.get("notification_condition"),
    }


def get_channels(state: State, call: Call) -> Answer:
    module, channel = call.query.get("module", ""), call.query.get("channel_id", "")
    shown = [
        watch
        for name, watch in sorted(state.watches.items())
        if channel in {"", name} and (not module or any(str(e).startswith(f"{module}.") for e in watch["events"]))
    ]
    found, info = listing.paged(call, shown)
    return listing.listed(state, "watch", found, info)


def disable(state: State, call: Call) -> Answer:
    """PATCH takes events away, DELETE whole channels."""
    if call.method == "DELETE":
        names = call.names("channel_ids")
        if not names:
            raise param_missing("channel_ids")
    else:
        names = [str(each.get("channel_id")) for each in call.listed("watch", MOST_CHANNELS)]
    results: list[Result] = []
    for name in names:
        if state.watches.pop(name, None) is None:
            results.append(Refused("NOT_SUBSCRIBED", "Given id is not subscribed", {"channel_id": name}))
        else:
            results.append(success({"channel_id": name}, "Successfully un-subscribed from actions-watch"))
    return written(state, results, 200, "watch")


# ------------------------------------------------------------------------------------------------------------ bulk read


def start_bulk_read(state: State, call: Call) -> Answer:
    """A job that is done at once."""
    query = call.body.get("query") if isinstance(call.body, dict) else None
    if not isinstance(query, dict):
        raise mandatory("query", "$.query")
    given = query.get("module")
    name = given.get("api_name") if isinstance(given, dict) else given
    module = state.schema.get(str(name))
    if module is None:
        raise Refused("INVALID_MODULE", "the module name given seems to be invalid", {"api_name": "module"})
    page, asked = query.get("page", 1), array(query.get("fields"), "$.query.fields")
    if not isinstance(page, int) or page < 1:
        raise wrong_data("page", "$.query.page", expected_data_type="integer")
    rows = list(state.store.rows(module.name))[(page - 1) * MOST_ROWS : page * MOST_ROWS]
    job = state.ids.new()
    names = [name for name in module.fields if name in asked or not asked]
    result = {
        "page": page,
        "count": len(rows),
        "download_url": f"/crm/bulk/{call.version}/read/{job}/result",
        "per_page": MOST_ROWS,
        "more_records": page * MOST_ROWS < state.store.size(module.name),
        "next_page_token": None,
    }
    shown = {"criteria": None, "cvid": None, **query, "module": minified(module), "page": page}
    details = {"id": job, "operation": "read", "created_by": state.person(call.user), "created_time": state.stamp()}
    csv_file = _zip(job, _csv(state, module, names, rows))
    state.jobs[job] = {"meta": {**details, "state": "COMPLETED", "query": shown, "file_type": "csv", "result": result}}
    state.contents[f"bulk/{job}"] = csv_file
    done = success({**details, "state": "ADDED"}, "Added successfully.", "ADDED_SUCCESSFULLY")
    return Answer(status=201, body={"data": [done], "info": {}})


def _csv(state: State, module: Module, names: list[str], rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Id", *names])
    for row in rows:
        shown = [state.shown(module.fields[name], row) for name in names]
        writer.writerow([row["id"], *(each["id"] if isinstance(each, dict) else each for each in shown)])
    return out.getvalue()


def _zip(job: str, text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{job}.csv", (2026, 1, 1, 0, 0, 0)), text.encode("utf-8", "replace"))
    return out.getvalue()


def get_bulk_read(state: State, call: Call) -> Answer:
    found = state.jobs.get(call.found["id"])
    if not isinstance(found, dict) or "meta" not in found:
        raise Refused("RESOURCE_NOT_FOUND", "The requested resource doesn't exist.", http=404)
    return Answer(body={"data": [found["meta"]]})


def bulk_read_result(state: State, call: Call) -> Answer:
    content = state.contents.get(f"bulk/{call.found['id']}")
    if content is None:
        raise wrong_url()
    name = {"Content-Disposition": f'attachment; filename="{call.found["id"]}.zip"'}
    return Answer(body=content, headers=name, media="application/zip")
