"""Tasks: what follows from status, priority, person and record.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_task.htm
"""

from __future__ import annotations

from collections.abc import Iterator

from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.store import Row


def check(state: OrgState, row: Row) -> None:
    """A lead goes with no other record."""
    of_lead = state.schema.object_of(row.get("WhoId") or "") == "Lead"
    if of_lead and row.get("WhatId") and state.strictness.task_of_lead_stands_alone:
        text = "Related To ID: must be empty when Name ID is a lead"
        raise Refused("FIELD_INTEGRITY_EXCEPTION", text, ["WhatId"])


def derived(state: OrgState, old: Row | None, row: Row) -> Row:
    """The row with IsClosed, IsHighPriority, CompletedDateTime and AccountId."""
    closed = any(s["ApiName"] == row["Status"] and s["IsClosed"] for s in state.store.rows("TaskStatus"))
    high = any(p["ApiName"] == row["Priority"] and p["IsHighPriority"] for p in state.store.rows("TaskPriority"))
    was_closed = old is not None and old["IsClosed"]
    done = (old["CompletedDateTime"] if old and was_closed else state.stamp()) if closed else None
    account = account_of(state, row)
    return row | {"IsClosed": closed, "IsHighPriority": high, "CompletedDateTime": done, "AccountId": account}


def account_of(state: OrgState, row: Row) -> str | None:
    """The account of an activity: that of its WhatId, else that of its contact."""
    what, who = row.get("WhatId"), row.get("WhoId")
    target = state.schema.object_of(what or "")
    if target == "Account":
        return what
    holder = state.store.get(target, what or "") if what else state.store.get("Contact", who or "")
    return holder.get("AccountId") if holder else None


def note_last_activity(state: OrgState, task: Row) -> None:
    """LastActivityDate of everything a closed task hangs on."""
    day = task["ActivityDate"]
    if day is None or not task["IsClosed"]:
        return
    for sobject, row in _holders(state, task):
        if (row["LastActivityDate"] or day) <= day:
            state.silently(sobject, row["Id"], {"LastActivityDate": day})


def forget_last_activity(state: OrgState, task: Row) -> None:
    """LastActivityDate once a task is deleted: deleted activities do not count.

    https://help.salesforce.com/s/articleView?id=000385365&type=1
    """
    if not state.strictness.last_activity:
        return
    for sobject, row in _holders(state, task):
        if row["LastActivityDate"] != task["ActivityDate"]:
            continue
        left = (t for field in _HOLDERS for t in state.store.find("Task", field, row["Id"]))
        days = (t["ActivityDate"] for t in left if t["IsClosed"] and not t["IsDeleted"] and t["ActivityDate"])
        state.silently(sobject, row["Id"], {"LastActivityDate": max(days, default=None)})


_HOLDERS = ("WhoId", "WhatId", "AccountId")


def _holders(state: OrgState, task: Row) -> Iterator[tuple[str, Row]]:
    for field in _HOLDERS:
        sobject = state.schema.object_of(task[field] or "")
        row = state.store.get(sobject, task[field] or "") if sobject else None
        if row is not None and "LastActivityDate" in row:
            yield sobject, row
