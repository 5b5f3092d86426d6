"""Files and attachments.

https://www.zoho.com/crm/developer/docs/api/v8/upload-files-to-zfs.html
https://www.zoho.com/crm/developer/docs/api/v8/upload-attachment.html
"""

from __future__ import annotations

from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from tradepost.sandbox.zoho import listing, records, stops
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import Refused, param_missing, success, wrong_id, wrong_related_id
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import State, minified
from tradepost.sandbox.zoho.store import Row
from tradepost.sandbox.zoho.writing import Result, written

MOST_BYTES = 20 * 1024 * 1024
MOST_FILES = 10
FORBIDDEN = (".exe", ".bat", ".com", ".cmd", ".scr", ".msi", ".js", ".vbs")


def parts(call: Call) -> list[tuple[str, bytes]]:
    """File names and contents of a multipart body. Raises INVALID_DATA."""
    kind = call.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise Refused("INVALID_REQUEST", "unable to process your request", {"expected_type": "multipart/form-data"})
    message = message_from_bytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + call.raw, policy=HTTP)
    if not message.is_multipart():
        raise Refused("INVALID_DATA", "invalid data")
    found = []
    for part in message.walk():
        content = part.get_payload(decode=True)
        if part.get_filename() and isinstance(content, bytes):
            found.append((str(part.get_filename()), content))
    return found


def _check(name: str, content: bytes) -> None:
    if len(content) > MOST_BYTES:
        message = "File size is more than the allowed size"
        raise Refused("FILE_SIZE_MORE_THAN_ALLOWED_SIZE", message, http=413)
    if name.lower().endswith(FORBIDDEN):
        raise Refused("INVALID_DATA", "file type not supported", {"file_name": name}, http=415)


def upload_files(state: State, call: Call) -> Answer:
    found = parts(call)
    if not found:
        raise Refused("INVALID_DATA", "invalid data", {"param_name": "file"})
    if len(found) > MOST_FILES:
        raise Refused("LIMIT_EXCEEDED", "too many files", {"limit": MOST_FILES})
    for name, content in found:
        _check(name, content)
    done = []
    for name, content in found:
        key = state.ids.hex(32)
        state.files[key] = (name, content)
        done.append(success({"name": name, "id": key}, f"{name} uploaded Succesfully"))
    return Answer(body={"data": done})


def download_file(state: State, call: Call) -> Answer:
    held = state.files.get(call.query.get("id", ""))
    if not call.query.get("id"):
        raise param_missing("id")
    if held is None:
        raise Refused("INVALID_DATA", "the id given seems to be invalid", {"param_name": "id"})
    return _file(held[0], held[1])


def _file(name: str, content: bytes) -> Answer:
    plain = name.encode("ascii", "replace").decode().replace('"', "_")
    headers = {"Content-Disposition": f'attachment; filename="{plain}"'}
    return Answer(body=content, headers=headers, media="application/x-download")


# ---------------------------------------------------------------------------------------------------------- attachments


def _home(state: State, call: Call) -> tuple[Module, Row]:
    module = records.module_for(state, call)
    row = state.store.get(module.name, call.found["id"])
    if row is None:
        raise wrong_related_id()
    return module, row


def attach(state: State, call: Call) -> Answer:
    """A file in the body, or a link in `attachmentUrl`."""
    module, row = _home(state, call)
    refusal = stops.locked(state, row)
    if refusal is not None:
        raise refusal
    link = call.query.get("attachmentUrl", "")
    found = [(call.query.get("title") or link, b"")] if link else parts(call)
    if not found:
        raise Refused("INVALID_DATA", "invalid data", {"param_name": "file"})
    name, content = found[0]
    _check(name, content)
    now = state.now()
    kept: Row = {
        "id": state.ids.new(),
        "File_Name": name,
        "Size": str(len(content)),
        "Parent_Id": row["id"],
        "$se_module": module.name,
        "$link": link or None,
        "Owner": call.user,
        "Created_By": call.user,
        "Modified_By": call.user,
        "Created_Time": now,
        "Modified_Time": now,
    }
    state.contents[kept["id"]] = content
    state.store.put("Attachments", kept["id"], kept)
    return Answer(body={"data": [success(_receipt(state, kept), "attachment uploaded successfully")]})


def _receipt(state: State, row: Row) -> dict[str, Any]:
    times = {"Modified_Time": state.stamp(row["Modified_Time"]), "Created_Time": state.stamp(row["Created_Time"])}
    by = state.person(row["Created_By"])
    return {**times, "id": row["id"], "Modified_By": by, "Created_By": by}


def get_attachments(state: State, call: Call) -> Answer:
    module, row = _home(state, call)
    listing.field_names(state, call)
    rows = sorted(state.store.find("Attachments", "Parent_Id", row["id"]), key=lambda r: str(r["id"]), reverse=True)
    shown = [show(state, module, row, each) for each in rows]
    found, info = listing.paged(call, shown)
    return listing.listed(state, "data", found, info)


def show(state: State, module: Module, parent: Row, row: Row) -> dict[str, Any]:
    by = state.person(row["Created_By"])
    return {
        "id": row["id"],
        "File_Name": row["File_Name"],
        "Size": row["Size"],
        "Owner": state.person(row["Owner"]),
        "Created_By": by,
        "Modified_By": by,
        "Created_Time": state.stamp(row["Created_Time"]),
        "Modified_Time": state.stamp(row["Modified_Time"]),
        "Parent_Id": {"name": parent.get(module.display), "id": parent["id"], "module": minified(module)},
        "$se_module": module.name,
        "$file_id": row["id"][::-1],
        "$type": "Link" if row["$link"] else "Attachment",
        "$link_url": row["$link"],
        "$editable": True,
        "$state": "save",
        "$attachment_type": 0,
        "$sharing_permission": "full_access",
    }


def get_attachment(state: State, call: Call) -> Answer:
    _, row = _home(state, call)
    found = state.store.get("Attachments", call.found["other"])
    if found is None or found["Parent_Id"] != row["id"]:
        return Answer(status=204)
    return _file(found["File_Name"], state.contents.get(found["id"], b""))


def delete_attachments(state: State, call: Call) -> Answer:
    _, row = _home(state, call)
    ids = [call.found["other"]] if "other" in call.found else call.names("ids")
    if not ids:
        raise param_missing("ids")
    results: list[Result] = []
    for each in ids:
        found = state.store.get("Attachments", each)
        if found is None or found["Parent_Id"] != row["id"]:
            results.append(Refused("INVALID_DATA", "record not deleted", {"id": each}))
        else:
            state.store.put("Attachments", each, None)
            results.append(success({"id": each}, "record deleted"))
    return written(state, results, 200)


def photo(state: State, call: Call) -> Answer:
    """GET, POST or DELETE of a record's picture."""
    _, row = _home(state, call)
    key = f"photo/{row['id']}"
    if call.method == "POST":
        found = parts(call)
        if not found:
            raise wrong_id(2)
        state.contents[key] = found[0][1]
        return Answer(
            body={"message": "photo uploaded successfully", "details": {}, "status": "success", "code": "SUCCESS"}
        )
    if call.method == "DELETE":
        state.contents.pop(key, None)
        return Answer(body={"message": "Photo deleted", "details": {}, "status": "success", "code": "SUCCESS"})
    return _file("photo.png", state.contents[key]) if key in state.contents else Answer(status=204)
