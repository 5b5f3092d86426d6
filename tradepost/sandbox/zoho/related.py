"""Related lists: what a record shows of others, and ties of many to many.

https://www.zoho.com/crm/developer/docs/api/v8/get-related-records.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tradepost.sandbox.zoho import deals, dml, listing, records
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import Body, Refused, success, wrong_param, wrong_related_id
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import State
from tradepost.sandbox.zoho.store import Row
from tradepost.sandbox.zoho.writing import Result, act_of, written


@dataclass(frozen=True, slots=True)
class Related:
    """A related list: rows of `module` whose lookup `field` leads here, or ties (`linked`) to it."""

    name: str
    module: str
    field: str = ""
    linked: bool = False
    only: Callable[[Row], bool] | None = None


def _open(row: Row) -> bool:
    return row.get("Status") != "Completed" and row.get("Outgoing_Call_Status") != "Completed"


def _closed(row: Row) -> bool:
    return not _open(row)


def _activities(field: str) -> tuple[Related, ...]:
    """Open and closed activities; https://www.zoho.com/crm/developer/docs/api/v8/related-list-meta.html."""
    return tuple(
        Related(f"{module}{suffix}", module, field, only=only)
        for suffix, only in (("", _open), ("_History", _closed))
        for module in ("Tasks", "Events", "Calls")
    )


_COMMON = (Related("Notes", "Notes", "Parent_Id"), Related("Attachments", "Attachments", "Parent_Id"))
_ABOUT = _activities("What_Id")
LISTS: dict[str, tuple[Related, ...]] = {
    "Leads": (*_COMMON, *_ABOUT, Related("Products", "Products", linked=True)),
    "Contacts": (
        *_COMMON,
        *_activities("Who_Id"),
        Related("Deals", "Deals", "Contact_Name"),
        Related("Reporting_Contacts", "Contacts", "Reporting_To"),
        Related("Cases", "Cases", "Related_To"),
        Related("Quotes", "Quotes", "Contact_Name"),
        Related("SalesOrders", "Sales_Orders", "Contact_Name"),
        Related("Invoices", "Invoices", "Contact_Name"),
        Related("Products", "Products", linked=True),
    ),
    "Accounts": (
        *_COMMON,
        *_ABOUT,
        Related("Contacts", "Contacts", "Account_Name"),
        Related("Deals", "Deals", "Account_Name"),
        Related("Member_Accounts", "Accounts", "Parent_Account"),
        Related("Cases", "Cases", "Account_Name"),
        Related("Quotes", "Quotes", "Account_Name"),
        Related("Products", "Products", linked=True),
    ),
    "Deals": (
        *_COMMON,
        *_ABOUT,
        Related("Contact_Roles", "Contacts", linked=True),
        Related("Quotes", "Quotes", "Deal_Name"),
        Related("Products", "Products", linked=True),
    ),
}
MOST_LINKS = 100


def lists_of(module: Module) -> tuple[Related, ...]:
    return LISTS.get(module.name, (*_COMMON, *_ABOUT))


def _home(state: State, call: Call) -> tuple[Module, str, Related]:
    module = records.module_for(state, call)
    record = records.record_id(state, call, module)
    if state.store.get(module.name, record) is None:
        raise wrong_related_id()
    found = next((each for each in lists_of(module) if each.name == call.found.get("list", "Notes")), None)
    if found is None:
        raise Refused("INVALID_DATA", "the relation name given seems to be invalid", {"resource_path_index": 2})
    return module, record, found


def rows_of(state: State, record: str, related: Related) -> list[Row]:
    """The rows of a related list, newest first."""
    if related.linked:
        ties = [tie for tie in state.store.find("$Links", "left", record) if tie["name"] == related.name]
        rows = [row for row in (state.store.get(related.module, tie["right"]) for tie in ties) if row is not None]
    else:
        rows = state.store.find(related.module, related.field, record)
        if related.only is not None and not (state.unknowns.rich_lists and related.only is _open):
            rows = [row for row in rows if related.only(row)]
    return sorted(rows, key=lambda row: str(row["id"]), reverse=True)


def get_related_records(state: State, call: Call) -> Answer:
    if call.found["list"] == "Stage_History":
        return stage_history(state, call)
    _, record, related = _home(state, call)
    names = listing.field_names(state, call, needed=related.name not in {"Notes", "Attachments"})
    since = listing.header_time(call, "if-modified-since", state.rules)
    rows = rows_of(state, record, related)
    wanted = call.names("ids")
    rows = [row for row in rows if not wanted or row["id"] in wanted]
    if since is not None and state.rules.not_modified_is_304:
        rows = [row for row in rows if row["Modified_Time"] > since]
        if not rows:
            return Answer(status=304)
    found, info = listing.paged(call, rows)
    return listing.listed(state, "data", [_show(state, record, related, row, names) for row in found], info)


def get_related_record(state: State, call: Call) -> Answer:
    _, record, related = _home(state, call)
    names = listing.field_names(state, call, needed=False)
    found = next((row for row in rows_of(state, record, related) if row["id"] == call.found["other"]), None)
    if found is None:
        return Answer(status=204)
    return Answer(body={"data": [_show(state, record, related, found, names)]})


def _show(state: State, record: str, related: Related, row: Row, names: list[str] | None) -> dict[str, Any]:
    shown = state.show(state.schema.modules[related.module], row, names)
    if related.name == "Contact_Roles":
        tie = next(t for t in state.store.find("$Links", "left", record) if t["right"] == row["id"])
        shown["Contact_Role"] = tie["data"].get("Contact_Role")
    return shown


# -------------------------------------------------------------------------------------------------------------- writing


def insert_related(state: State, call: Call) -> Answer:
    """POST to a related list makes records that belong here: notes above all."""
    module, record, related = _home(state, call)
    if not related.field:
        raise Refused("NOT_SUPPORTED", "the relation does not support this operation", {"resource_path_index": 2})
    target, act = state.schema.modules[related.module], act_of(call)
    results: list[Result] = []
    for n, item in enumerate(call.listed("data", MOST_LINKS)):
        tied = {**item, related.field: {"id": record}, "$se_module": module.name}
        savepoint = state.store.savepoint()
        try:
            row = dml.insert(state, act, target, tied, f"$.data[{n}]")
            results.append(success(_receipt(state, row), "record added"))
        except Refused as refused:
            state.store.rollback(savepoint)
            results.append(refused)
    return written(state, results, 201)


def _receipt(state: State, row: Row) -> Body:
    person = {"name": (state.person(row["Created_By"]) or {"name": ""})["name"], "id": row["Created_By"]}
    times = {"Modified_Time": state.stamp(row["Modified_Time"]), "Created_Time": state.stamp(row["Created_Time"])}
    return {**times, "Modified_By": person, "Created_By": person, "id": row["id"]}


def update_related(state: State, call: Call) -> Answer:
    """PUT: make ties, or change what they carry (a contact's role)."""
    _, record, related = _home(state, call)
    items = call.listed("data", MOST_LINKS)
    if "other" in call.found:
        items = [{**items[0], "id": call.found["other"]}]
    return written(state, [_tie(state, record, related, item, n) for n, item in enumerate(items)], 200)


def _tie(state: State, record: str, related: Related, item: Body, n: int) -> Result:
    other = str(item.get("id"))
    if state.store.get(related.module, other) is None:
        details = {"id": other, "json_path": f"$.data[{n}].id"}
        return Refused("INVALID_DATA", "the related id given seems to be invalid", details)
    if related.linked:
        deals.link(state, related.name, record, other, {k: v for k, v in item.items() if k != "id"})
    else:
        state.store.change(related.module, other, {related.field: record})
    return success({"id": other}, "relation added")


def remove_related(state: State, call: Call) -> Answer:
    _, record, related = _home(state, call)
    ids = [call.found["other"]] if "other" in call.found else call.names("ids")
    if not ids:
        raise wrong_param("ids")
    return written(state, [_untie(state, record, related, other, act_of(call).user) for other in ids], 200)


def _untie(state: State, record: str, related: Related, other: str, user: str) -> Result:
    if related.linked:
        if deals.unlink(state, related.name, record, other):
            return success({"id": other}, "relation removed")
    elif any(row["id"] == other for row in rows_of(state, record, related)):
        if related.name in {"Notes", "Attachments"}:
            state.store.put(related.module, other, None)
            return success({"id": other}, "record deleted")
        state.touch(related.module, other, {related.field: None}, user)
        return success({"id": other}, "relation removed")
    return Refused("INVALID_DATA", "record not deleted", {"id": other})


def stage_history(state: State, call: Call) -> Answer:
    """Deals/{id}/Stage_History, newest first."""
    records.module_for(state, call)
    if call.found["module"].lower() != "deals" or state.store.get("Deals", call.found["id"]) is None:
        raise wrong_related_id()
    listing.field_names(state, call)
    rows = state.store.find("$Stages", "Deal", call.found["id"])
    shown = [
        {
            "Stage": row["Stage"],
            "Amount": row["Amount"],
            "Probability": row["Probability"],
            "Expected_Revenue": row["Expected_Revenue"],
            "Close_Date": row["Close_Date"],
            "Moved_To__s": rows[n + 1]["Stage"] if n + 1 < len(rows) else None,
            "Stage_Duration_Calendar_Days": _days(state, row, rows[n + 1] if n + 1 < len(rows) else None),
            "Modified_Time": state.stamp(row["Modified_Time"]),
            "Modified_By": _brief(state, row["Modified_By"]),
            "id": row["id"],
        }
        for n, row in enumerate(rows)
    ]
    names = call.names("fields")
    asked = [{k: v for k, v in item.items() if not names or k in {*names, "id"}} for item in reversed(shown)]
    found, info = listing.paged(call, asked)
    return listing.listed(state, "data", found, info)


def _days(state: State, row: Row, following: Row | None) -> int:
    end = following["Modified_Time"] if following else state.now()
    return int((end - row["Modified_Time"]).days)


def _brief(state: State, user: str) -> dict[str, Any] | None:
    found = state.person(user)
    return None if found is None else {"name": found["name"], "id": found["id"]}
