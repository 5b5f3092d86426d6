"""E-mails of records.

https://www.zoho.com/crm/developer/docs/api/v8/associate-email.html
https://www.zoho.com/crm/developer/docs/api/v8/get-email-rel-list.html
https://www.zoho.com/crm/developer/docs/api/v8/link-deals-email.html
An entry belongs to one record. Answers name it by Zoho's own `message_id`; the Message-ID header is never given back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tradepost.sandbox.zoho import values
from tradepost.sandbox.zoho.call import Answer, Call, array
from tradepost.sandbox.zoho.errors import (
    Body,
    Refused,
    mandatory,
    param_missing,
    success,
    wrong_data,
    wrong_module,
    wrong_param,
    wrong_related_id,
    wrong_url,
)
from tradepost.sandbox.zoho.ids import is_id
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import Act, State, minified
from tradepost.sandbox.zoho.store import Row

HOMES = ("Leads", "Contacts", "Accounts", "Deals", "Quotes", "Invoices", "Sales_Orders", "Purchase_Orders")
A_PAGE = 10
MOST_LINKS = 20
MOST_ATTACHMENTS = 20
CAPS = {"subject": 250, "content": 32_000, "original_message_id": 255}
KEYS = ("from", "to", "subject", "content", "date_time", "sent", "original_message_id")
TYPES = (
    "user_emails",
    "sent_from_crm",
    "scheduled_in_crm",
    "drafts",
    "all_contacts_sent_crm_emails",
    "all_contacts_scheduled_crm_emails",
    "all_contacts_draft_crm_emails",
)
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")


# --------------------------------------------------------------------------------------------------------- associating


def associate_email(state: State, call: Call) -> Answer:
    module, row = _home(state, call)
    items = call.listed("Emails")
    if len(items) != 1 and state.rules.one_email_per_call:
        details = {"maximum_length": 1, "api_name": "Emails", "json_path": "$.Emails"}
        raise Refused("INVALID_DATA", "invalid data", details)
    done = []
    for n, item in enumerate(items):
        try:
            entry = _read(state, item, f"$.Emails[{n}]")
        except Refused as refused:
            return Answer(status=refused.http, body={"Emails": [refused.body()]})
        twin = _twin(state, row, entry)
        if twin is not None and state.unknowns.repeated_message_id == "refused":
            refusal = Refused("DUPLICATE_DATA", "duplicate data", {"api_name": "original_message_id"})
            return Answer(status=400, body={"Emails": [refusal.body()]})
        kept = twin or add(state, Act(call.user), module, row["id"], entry)
        message = "The email has been associated successfully"
        done.append(success({"message_id": kept["message_id"]}, message))
    return Answer(status=201, body={"Emails": done})


def _home(state: State, call: Call) -> tuple[Module, Row]:
    module = state.schema.get(call.found["module"])
    if module is None or (module.name not in HOMES and not module.custom):
        raise wrong_module(404)
    row = state.store.get(module.name, call.found["id"])
    if row is None:
        raise wrong_related_id()
    return module, row


def _read(state: State, item: Mapping[str, Any], path: str) -> Row:
    """The mail in a request. Raises MANDATORY_NOT_FOUND and INVALID_DATA."""
    for key in KEYS:
        if item.get(key) is None and state.rules.email_mandatory_keys:
            raise mandatory(key, f"{path}.{key}")
    for key, most in CAPS.items():
        text = item.get(key)
        if text is not None and not isinstance(text, str):
            raise wrong_data(key, f"{path}.{key}", expected_data_type="text")
        if text and len(text) > most and state.rules.email_caps:
            raise wrong_data(key, f"{path}.{key}", maximum_length=most)
    if item.get("mail_format", "html") not in ("html", "text"):
        raise wrong_data("mail_format", f"{path}.mail_format", supported_values=["html", "text"])
    if not isinstance(item.get("sent", False), bool):
        raise wrong_data("sent", f"{path}.sent", expected_data_type="boolean")
    if not item.get("to", [None]) or not isinstance(item.get("to", [None]), list):
        raise wrong_data("to", f"{path}.to", expected_data_type="jsonarray")
    return {
        "subject": item.get("subject") or "",
        "content": item.get("content") or "",
        "mail_format": item.get("mail_format", "html"),
        "from": _person(item.get("from") or {}, f"{path}.from"),
        **{key: [_person(each, f"{path}.{key}[{n}]") for n, each in enumerate(array(item.get(key), f"{path}.{key}"))]
           for key in ("to", "cc", "bcc")},
        "time": _time(state, item.get("date_time"), f"{path}.date_time"),
        "sent": item.get("sent", False),
        "original_message_id": item.get("original_message_id") or "",
        "attachments": _attachments(state, array(item.get("attachments"), f"{path}.attachments"), path),
        "linked": _linked(state, item.get("linked_record"), f"{path}.linked_record"),
    }  # fmt: skip


def _person(value: Any, path: str) -> dict[str, Any]:
    name = path.rpartition(".")[2].partition("[")[0]
    if not isinstance(value, dict):
        raise wrong_data(name, path, expected_data_type="jsonobject")
    address = value.get("email", "")
    if value and (not isinstance(address, str) or not _ADDRESS.fullmatch(address)):
        raise wrong_data("email", f"{path}.email", expected_data_type="email")
    return {"user_name": value.get("user_name"), "email": address}


def _time(state: State, value: Any, path: str) -> datetime:
    found = values.moment(value, state.rules) if value is not None else state.now()
    if found is None:
        raise wrong_data("date_time", path, expected_data_type="datetime")
    return found


def _attachments(state: State, given: list[Any], path: str) -> list[dict[str, Any]]:
    if len(given) > MOST_ATTACHMENTS:
        raise wrong_data("attachments", f"{path}.attachments", maximum_length=MOST_ATTACHMENTS)
    found = []
    for n, each in enumerate(given):
        name = str(each.get("id")) if isinstance(each, dict) else ""
        if name not in state.files:
            raise wrong_data("id", f"{path}.attachments[{n}].id")
        held = state.files[name]
        found.append({"id": name, "name": held[0], "size": str(len(held[1]))})
    return found


def _linked(state: State, given: Any, path: str) -> tuple[str, str] | None:
    """Module and id of another record that the mail is mapped to."""
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("module"), dict):
        raise wrong_data("linked_record", path, expected_data_type="jsonobject")
    name, record = given["module"].get("api_name"), given.get("id")
    if name is None:
        name = next((m.name for m in state.schema if m.id == given["module"].get("id")), None)
    if name not in HOMES or state.store.get(str(name), str(record)) is None:
        raise Refused(
            "INVALID_DATA",
            "the related id given seems to be invalid",
            {"api_name": "linked_record", "json_path": f"{path}.id"},
        )
    return str(name), str(record)


def _twin(state: State, row: Row, entry: Row) -> Row | None:
    """The entry that is answered again, where the vendor does that."""
    name = entry["original_message_id"]
    if not name or state.unknowns.repeated_message_id == "second":
        return None
    found = state.store.find("$Emails", "original_message_id", name)
    return next((each for each in found if each["record"] == row["id"]), None)


def add(state: State, act: Act, module: Module, record: str, entry: Row) -> Row:
    """Put a mail on a record."""
    linked = entry.get("linked")
    deal = linked[1] if linked and linked[0] == "Deals" else None
    other = linked[1] if linked and linked[0] != "Deals" else None
    kept: Row = {
        "cc": [],
        "bcc": [],
        "attachments": [],
        "mail_format": "html",
        **entry,
        "id": state.ids.new(),
        "message_id": state.ids.hex(48),
        "thread_id": state.ids.hex(16),
        "module": module.name,
        "record": record,
        "deal": deal,
        "also": other,
        "deals": [deal] if deal else [],
        "owner": act.user,
        "added": state.now(),
        "source": entry.get("source", "crm_api"),
        "by": act.source,
    }
    state.store.put("$Emails", kept["id"], kept)
    state.note(act, module.name, record, "added", [])
    return kept


# -------------------------------------------------------------------------------------------------------------- reading


def on_record(state: State, module: str, record: str) -> list[Row]:
    """Entries that a record shows, the newest mail first."""
    found = {
        row["id"]: row for field in ("record", "also", "deal") for row in state.store.find("$Emails", field, record)
    }
    if not state.rules.linked_record_one_deal and module == "Deals":
        found |= {row["id"]: row for row in state.store.rows("$Emails") if record in row["deals"]}
    if not state.rules.email_on_its_record_only and module == "Accounts":
        people = [row["id"] for row in state.store.find("Contacts", "Account_Name", record)]
        found |= {row["id"]: row for each in people for row in state.store.find("$Emails", "record", each)}
    return sorted(found.values(), key=lambda row: (row["time"], row["id"]), reverse=True)


def get_emails(state: State, call: Call) -> Answer:
    module = state.schema.get(call.found["module"])
    if module is None or (module.name not in HOMES and not module.custom):
        raise wrong_module()
    if state.store.get(module.name, call.found["id"]) is None:
        raise wrong_related_id()
    kind, owner = call.query.get("type", ""), call.query.get("owner_id", "")
    if kind and kind not in TYPES:
        raise wrong_param("type", supported_values=list(TYPES))
    if owner and not is_id(owner):
        raise wrong_param("owner_id")
    rows = [row for row in on_record(state, module.name, call.found["id"]) if not owner or row["owner"] == owner]
    if kind and kind != "user_emails":
        rows = [row for row in rows if kind == "sent_from_crm" and row["source"] == "crm" and row["sent"]]
    return _page(state, call, rows)


def _page(state: State, call: Call, rows: list[Row]) -> Answer:
    """Ten a call; `index` says where to go on."""
    index = call.query.get("index", "")
    names = [row["message_id"] for row in rows]
    if index and index not in names:
        raise wrong_param("index")
    start = names.index(index) if index else 0
    size = A_PAGE if state.rules.ten_emails_a_page else max(len(rows), 1)
    shown = rows[start : start + size]
    if not shown and state.rules.empty_is_204:
        return Answer(status=204)
    more = start + size < len(rows)
    info = {
        "count": len(shown),
        "next_index": names[start + size] if more else None,
        "prev_index": names[max(0, start - size)] if start else None,
        "per_page": size,
        "more_records": more,
    }
    return Answer(body={"Emails": [show(state, row) for row in shown], "info": info})


def get_email(state: State, call: Call) -> Answer:
    """One entry with its content."""
    module = state.schema.get(call.found["module"])
    if module is None:
        raise wrong_module()
    rows = on_record(state, module.name, call.found["id"])
    found = next((row for row in rows if row["message_id"] == call.found["message"]), None)
    if found is None:
        return Answer(status=204)
    whole = {
        **show(state, found),
        "content": found["content"],
        "mail_format": found["mail_format"],
        "reply_to": None,
        "attachments": found["attachments"],
        "bcc": found["bcc"],
        "editable": False,
    }
    return Answer(body={"Emails": [whole]})


def show(state: State, row: Row) -> dict[str, Any]:
    """An entry as lists have it; without content and without the Message-ID header."""
    owner = state.person(row["owner"]) or {"name": "", "id": row["owner"]}
    return {
        "attachments": row["attachments"],
        "thread_id": row["thread_id"],
        "cc": row["cc"],
        "summary": None,
        "owner": {"name": owner["name"], "id": owner["id"]},
        "read": True,
        "sent": row["sent"],
        "subject": row["subject"],
        "activity_info": None,
        "intent": None,
        "sentiment_info": None,
        "emotion": None,
        "message_id": row["message_id"],
        "source": row["source"],
        "linked_record": _shown_link(state, row),
        "from": row["from"],
        "to": row["to"],
        "time": state.stamp(row["time"]),
        "status": [{"type": "sent" if row["sent"] else "received", "bounced_time": None, "bounced_reason": None}],
        "has_attachment": bool(row["attachments"]),
        "has_thread_attachment": bool(row["attachments"]),
    }


def _shown_link(state: State, row: Row) -> dict[str, Any] | None:
    if row["deal"] and state.store.get("Deals", row["deal"]):
        module = minified(state.schema.modules["Deals"])
        return {"id": row["deal"], "name": state.title("Deals", row["deal"]), "module": module}
    return None


def email_available(state: State, call: Call) -> Answer:
    """GET actions/email_available, with the parameter's name misspelt as at Zoho."""
    if not state.unknowns.email_available:
        raise wrong_url()
    name = call.query.get("orginal_message_id", "")
    if not name:
        raise param_missing("orginal_message_id")
    found = state.store.find("$Emails", "original_message_id", name)
    if not found:
        return Answer(body={"available": False, "record": None})
    row = found[0]
    linked = _shown_link(state, row)
    record = {"module": minified(state.schema.modules[row["module"]]), "id": row["record"], "linked_record": linked}
    return Answer(body={"available": True, "record": record, "linked_record": linked})


# -------------------------------------------------------------------------------------------------------------- linking


def link_emails(state: State, call: Call) -> Answer:
    """Link a contact's mails to deals; a link that was there gives way."""
    rows = _contact_mails(state, call)
    items = call.listed("Emails", MOST_LINKS)
    single = call.found.get("message")
    results: list[Body | Refused] = []
    for n, item in enumerate(items):
        try:
            results.append(_link(state, rows, {**item, **({"message_id": single} if single else {})}, n))
        except Refused as refused:
            results.append(refused)
    return _linked_answer(state, results)


def unlink_emails(state: State, call: Call) -> Answer:
    rows = _contact_mails(state, call)
    if not call.query.get("owner_id"):
        raise param_missing("owner_id")
    names = [call.found["message"]] if "message" in call.found else call.names("message_ids")
    if not names:
        raise param_missing("message_ids")
    results: list[Body | Refused] = []
    for name in names:
        row = rows.get(name)
        if row is None or not row["deal"]:
            results.append(Refused("INVALID_DATA", "invalid data", {"api_name": "message_ids", "message_id": name}))
            continue
        state.store.change("$Emails", row["id"], {"deal": None, "deals": []})
        results.append(success({"message_id": name}, "The deal has been unlinked from the email"))
    return _linked_answer(state, results)


def _linked_answer(state: State, results: list[Body | Refused]) -> Answer:
    refusals = [each for each in results if isinstance(each, Refused)]
    status = 200
    if refusals and state.rules.partial_is_207:
        status = refusals[0].http if len(refusals) == len(results) else 207
    return Answer(
        status=status, body={"Emails": [each.body() if isinstance(each, Refused) else each for each in results]}
    )


def _contact_mails(state: State, call: Call) -> dict[str, Row]:
    if call.found["module"].lower() != "contacts":
        raise wrong_module()
    if state.settings.edition == "free":
        raise Refused("FEATURE_NOT_SUPPORTED", "Your License does not support this feature.")
    if state.store.get("Contacts", call.found["id"]) is None:
        raise wrong_related_id()
    return {row["message_id"]: row for row in on_record(state, "Contacts", call.found["id"])}


def _link(state: State, rows: Mapping[str, Row], item: Mapping[str, Any], n: int) -> Body:
    path = f"$.Emails[{n}]"
    for key in ("message_id", "owner", "linked_record"):
        if item.get(key) is None:
            raise mandatory(key, f"{path}.{key}")
    row = rows.get(str(item["message_id"]))
    if row is None:
        raise wrong_data("message_id", f"{path}.message_id")
    owner = item["owner"].get("id") if isinstance(item["owner"], dict) else None
    if owner != row["owner"]:
        raise wrong_data("id", f"{path}.owner.id")
    linked = _linked(state, item["linked_record"], f"{path}.linked_record")
    if linked is None or linked[0] != "Deals":
        raise wrong_data("linked_record", f"{path}.linked_record")
    deals = [linked[1]] if state.rules.linked_record_one_deal else [*row["deals"], linked[1]]
    state.store.change("$Emails", row["id"], {"deal": linked[1], "deals": deals})
    return success({"message_id": row["message_id"]}, "The deal has been linked to the email")
