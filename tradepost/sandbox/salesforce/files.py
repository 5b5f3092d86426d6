"""Files: a ContentVersion makes its document and links, and its bytes are read by a URL of their own.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_sobject_insert_update_blob.htm
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_contentversion.htm
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from pathlib import PurePosixPath
from typing import Any

from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.errors import Refused, method_not_allowed, not_found
from tradepost.sandbox.salesforce.ids import parse_id
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.store import Row

MULTIPART_OBJECTS = frozenset({"ContentVersion"})
_KNOWN_TYPES = {"pdf": "PDF", "png": "PNG", "jpg": "JPG", "txt": "TEXT", "csv": "CSV", "xlsx": "EXCEL_X"}


def defaults(row: Mapping[str, Any]) -> Row:
    """A new version, with what its bytes and its name say. Raises MISSING_ARGUMENT and its kin."""
    data = _bytes(row.get("VersionData"))
    path = row.get("PathOnClient") or ""
    if not path:
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [PathOnClient]", ["PathOnClient"])
    if not data and not row.get("ContentUrl"):
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [VersionData]", ["VersionData"])
    extension = PurePosixPath(path.replace("\\", "/")).suffix.removeprefix(".")
    found: Row = {"Title": PurePosixPath(path.replace("\\", "/")).stem, "SharingOption": "A", "SharingPrivacy": "N"}
    found |= {"Origin": "C", "ContentLocation": "S", "PublishStatus": "P", "FileExtension": extension or None}
    made = found | {name: value for name, value in row.items() if value is not None}
    return made | {
        "FileType": _KNOWN_TYPES.get(extension.lower(), extension.upper() or "UNKNOWN"),
        "ContentSize": len(data),
        "Checksum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "IsLatest": True,
    }


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Refused("JSON_PARSER_ERROR", "Illegal base64 value at VersionData") from None


def published(state: OrgState, by: str, row: Row) -> None:
    """What follows a new version: its document, or the next version of one, and where it is shown."""
    document = state.live("ContentDocument", row["ContentDocumentId"])
    shown = {name: row[name] for name in ("Title", "Description", "ContentSize", "FileType", "FileExtension")}
    shown |= {"LatestPublishedVersionId": row["Id"], "PublishStatus": "P", "ContentModifiedDate": state.stamp()}
    if document is None:
        document = state.insert_raw("ContentDocument", shown | {"OwnerId": row["OwnerId"]}, by)
        link(state, by, document["Id"], row["OwnerId"], "I")
        if row["FirstPublishLocationId"] and row["FirstPublishLocationId"] != row["OwnerId"]:
            link(state, by, document["Id"], row["FirstPublishLocationId"], "V")
    else:
        for version in state.store.find("ContentVersion", "ContentDocumentId", document["Id"]):
            state.silently("ContentVersion", version["Id"], {"IsLatest": False})
        state.touch("ContentDocument", document["Id"], shown, by)
    siblings = state.store.find("ContentVersion", "ContentDocumentId", document["Id"])
    older = sum(each["Id"] != row["Id"] for each in siblings)
    number = {"ContentDocumentId": document["Id"], "VersionNumber": str(older + 1), "IsLatest": True}
    number |= {"ContentModifiedDate": state.stamp(), "ContentModifiedById": by}
    state.silently("ContentVersion", row["Id"], number)


def link(state: OrgState, by: str, document: str, entity: str, share: str) -> None:
    """Show a document on a record."""
    values = {"ContentDocumentId": document, "LinkedEntityId": entity, "ShareType": share, "Visibility": "AllUsers"}
    state.insert_raw("ContentDocumentLink", values, by)


def blob(state: OrgState, call: Call, sobject: SObject, record_id: str, field: str) -> Answer:
    """GET /sobjects/{Object}/{Id}/{base64 field}: the bytes."""
    if call.method not in ("GET", "HEAD"):
        raise method_not_allowed(call.method, "GET,HEAD")
    row = state.live(sobject.name, parse_id(record_id))
    if row is None or not state.view(call.actor).sees_row(row):
        raise not_found()
    known = sobject.find(field)
    data = _bytes(row.get(known.name if known else ""))
    return Answer(body=data, headers={"Content-Type": "application/octetstream"})


def from_multipart(kind: str, body: bytes) -> dict[str, Any]:
    """The fields of a multipart create: JSON in its first part, bytes in one named after the field that takes them."""
    whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode("latin-1") + body, policy=compat32)
    parts = whole.get_payload()
    if not isinstance(parts, list) or not parts:
        raise Refused("INVALID_MULTIPART_REQUEST", "Multipart message is malformed")
    fields: dict[str, Any] = {}
    for part in parts:
        name = part.get_param("name", header="content-disposition") if isinstance(part, Message) else None
        data = part.get_payload(decode=True) if isinstance(part, Message) else None
        if not isinstance(name, str) or not isinstance(data, bytes):
            raise Refused("INVALID_MULTIPART_REQUEST", "A part needs a name in its Content-Disposition")
        if name.startswith("entity"):
            fields |= _json(data)
        else:
            fields[name] = base64.b64encode(data).decode()
    return fields


def _json(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused("JSON_PARSER_ERROR", "The first part is not a JSON object.")
    return found
