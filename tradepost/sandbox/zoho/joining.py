"""Records that become others: leads converted, duplicates merged.

https://www.zoho.com/crm/developer/docs/api/v8/convert-lead.html
https://www.zoho.com/crm/developer/docs/api/v8/merge-records.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradepost.sandbox.zoho import dml
from tradepost.sandbox.zoho.call import Answer, Call, array
from tradepost.sandbox.zoho.errors import Refused, mandatory, success, wrong_data, wrong_id
from tradepost.sandbox.zoho.records import module_for
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import Act, State
from tradepost.sandbox.zoho.store import Row

_TO_CONTACT = (
    "First_Name",
    "Last_Name",
    "Salutation",
    "Email",
    "Secondary_Email",
    "Phone",
    "Mobile",
    "Fax",
    "Lead_Source",
    "Description",
    "Email_Opt_Out",
)
MOST_DUPLICATES = 2


def convert_lead(state: State, call: Call) -> Answer:
    lead = state.store.get("Leads", call.found["id"])
    if lead is None:
        raise wrong_id()
    if lead.get("Converted__s"):
        raise Refused("ID_ALREADY_CONVERTED", "id already converted", {"resource_path_index": 1})
    item = call.listed("data", 1)[0] if isinstance(call.body, dict) and call.body.get("data") else {}
    savepoint = state.store.savepoint()
    try:
        made = convert(state, Act(call.user, "convert"), lead, item)
    except Refused as refused:
        state.store.rollback(savepoint)
        return Answer(status=refused.http, body={"data": [refused.body()]})
    message = "The record has been converted successfully"
    return Answer(body={"data": [success(made, message)]})


def convert(state: State, act: Act, lead: Row, item: Mapping[str, Any]) -> dict[str, Any]:
    """Contact, account and maybe deal of a lead, each `{name, id}` or None."""
    modules = state.schema.modules
    assigned = item.get("assign_to")
    owner = (assigned.get("id") if isinstance(assigned, dict) else assigned) or lead["Owner"]
    account = _given(state, item, "Accounts")
    if account is None and lead.get("Company"):
        account = dml.insert(state, act, modules["Accounts"], _account(lead, owner))["id"]
    contact = _given(state, item, "Contacts")
    if contact is None:
        values = {name: lead.get(name) for name in _TO_CONTACT} | {"Owner": {"id": owner}}
        values |= {"Account_Name": {"id": account} if account else None} | _carried(state, lead, modules["Contacts"])
        contact = dml.insert(state, act, modules["Contacts"], values)["id"]
    deal = None
    if isinstance(item.get("Deals"), dict):
        ties = {"Account_Name": {"id": account} if account else None, "Contact_Name": {"id": contact}}
        values = {"Owner": {"id": owner}, **item["Deals"], **ties}
        deal = dml.insert(state, act, modules["Deals"], values, "$.data[0].Deals")["id"]
    _close(state, act, lead, account, contact, deal)
    made = {"Contacts": contact, "Accounts": account, "Deals": deal}
    return {name: {"name": state.title(name, each), "id": each} if each else None for name, each in made.items()}


def _given(state: State, item: Mapping[str, Any], name: str) -> str | None:
    """An existing record to join, as `{"Contacts": {"id"}}` or, in older versions, `{"Contacts": "id"}`."""
    given = item.get(name)
    found = given.get("id") if isinstance(given, dict) else given
    if found is None:
        return None
    if state.store.get(name, str(found)) is None:
        raise wrong_data(name, f"$.data[0].{name}.id")
    return str(found)


def _account(lead: Row, owner: str) -> dict[str, Any]:
    copied = {"Phone": lead.get("Phone"), "Website": lead.get("Website"), "Industry": lead.get("Industry")}
    return {"Account_Name": lead["Company"], "Owner": {"id": owner}, **copied}


def _carried(state: State, lead: Row, target: Module) -> dict[str, Any]:
    """Custom fields of the same name go along, unless unique."""
    source = state.schema.modules["Leads"].fields
    return {
        name: lead[name]
        for name, each in source.items()
        if each.custom and not each.unique and name in target.fields and lead.get(name) is not None
    }


def _close(state: State, act: Act, lead: Row, account: str | None, contact: str, deal: str | None) -> None:
    """Mark the lead, and give what hung on it to the contact."""
    done = {
        "Converted__s": True,
        "Converted_Date_Time": state.now(),
        "Converted_Account": account,
        "Converted_Contact": contact,
        "Converted_Deal": deal,
        "Record_Status__s": "Converted",
        "$converted_by": act.user,
    }
    for module in ("Tasks", "Events", "Calls"):
        for row in state.store.find(module, "What_Id", lead["id"]):
            moved = {"What_Id": account, "$se_module": "Accounts" if account else None, "Who_Id": contact}
            state.touch(module, row["id"], moved, act.user)
    for module in ("Notes", "Attachments"):
        for row in state.store.find(module, "Parent_Id", lead["id"]):
            state.store.change(module, row["id"], {"Parent_Id": contact, "$se_module": "Contacts"})
    for row in state.store.find("$Emails", "record", lead["id"]):
        state.store.change("$Emails", row["id"], {"record": contact, "module": "Contacts"})
    state.touch("Leads", lead["id"], done, act.user)
    state.note(act, "Leads", lead["id"], "converted", [])


# -------------------------------------------------------------------------------------------------------------- merging


def merge_records(state: State, call: Call) -> Answer:
    module = module_for(state, call)
    if state.store.get(module.name, call.found["id"]) is None:
        raise wrong_id()
    data = call.listed("merge", 1)[0].get("data")
    if not isinstance(data, list) or not data:
        raise mandatory("data", "$.merge[0].data")
    if len(data) > MOST_DUPLICATES:
        raise wrong_data("data", "$.merge[0].data", maximum_length=MOST_DUPLICATES)
    losers = [str(each.get("id")) if isinstance(each, dict) else "" for each in data]
    for n, loser in enumerate(losers):
        if state.store.get(module.name, loser) is None or loser in {call.found["id"], *losers[:n]}:
            raise wrong_data("id", f"$.merge[0].data[{n}].id")
    for loser, each in zip(losers, data, strict=True):
        given = array(each.get("_fields"), "$.merge[0].data[0]._fields")
        taken = [str(item["api_name"]) for item in given if isinstance(item, dict) and "api_name" in item]
        merge(state, Act(call.user), module, call.found["id"], loser, taken)
    done = success({"id": call.found["id"]}, "Records have been merged successfully")
    return Answer(status=201, body={"merge": [done]})


def merge(state: State, act: Act, module: Module, winner: str, loser: str, taken: list[str]) -> None:
    """The loser is gone, and what hung on it hangs on the winner; `taken` fields are the loser's."""
    old = state.store.tables[module.name][loser]
    kept = state.store.tables[module.name][winner]
    changes = {name: old.get(name) for name in taken if name in module.fields and not module.fields[name].unique}
    empty = {
        n: old[n] for n, f in module.fields.items() if kept.get(n) is None and old.get(n) is not None and not f.unique
    }
    _reparent(state, act, module, loser, winner)
    dml.remove(state, act, module, loser, "permanent")
    state.touch(module.name, winner, {**empty, **changes}, act.user)
    state.merged[loser] = winner
    state.note(act, module.name, winner, "merged", [])


def _reparent(state: State, act: Act, module: Module, old: str, new: str) -> None:
    for child, each in state.schema.leading_to(module.name):
        for row in state.store.find(child.name, each.name, old):
            if each.lookup == "*" and row.get("$se_module") != module.name:
                continue
            state.touch(child.name, row["id"], {each.name: new}, act.user)
    for field in ("record", "also", "deal"):
        for row in state.store.find("$Emails", field, old):
            state.store.change("$Emails", row["id"], {field: new})
    for side in ("left", "right"):
        for tie in state.store.find("$Links", side, old):
            state.store.change("$Links", tie["id"], {side: new})
