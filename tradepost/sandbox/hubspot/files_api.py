"""The file manager, as far as attachments need it.

https://developers.hubspot.com/docs/api-reference/legacy/files/guide
"""

from __future__ import annotations

import json
from datetime import timedelta
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tradepost.sandbox.hubspot import access
from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.call import Answer, Call, Route
from tradepost.sandbox.hubspot.errors import Refused, not_found
from tradepost.sandbox.hubspot.files import StoredFile
from tradepost.sandbox.hubspot.times import stamp

_ACCESS = frozenset(
    {"PUBLIC_INDEXABLE", "PUBLIC_NOT_INDEXABLE", "PRIVATE", "HIDDEN_INDEXABLE", "HIDDEN_NOT_INDEXABLE"}
    | {"HIDDEN_PRIVATE", "HIDDEN_SENSITIVE", "SENSITIVE"}
)


def _parts(call: Call) -> dict[str, tuple[str, bytes]]:
    """Name -> file name and content of each part of a multipart body."""
    if not call.content_type.lower().startswith("multipart/form-data"):
        raise Refused("HTTP 415 Unsupported Media Type", status=415, category="")
    head = f"Content-Type: {call.content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.raw)
    found: dict[str, tuple[str, bytes]] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = (part.get_filename() or "", content)
    return found


def upload(account: Account, call: Call) -> Answer:
    parts, state = _parts(call), account.state
    texts = {name: value[1].decode("utf-8", "replace") for name, value in parts.items() if name != "file"}
    if "file" not in parts:
        raise Refused("The file part is missing")
    options = _options(texts.get("options", ""))
    if not texts.get("folderId") and not texts.get("folderPath"):
        raise Refused("Either folderId or folderPath must be provided")
    name, _, extension = (texts.get("fileName") or parts["file"][0] or "file").rpartition(".")
    made = StoredFile(
        id=state.new_id(),
        name=name or extension,
        extension=extension if name else "",
        content=parts["file"][1],
        access=options["access"],
        folder=texts.get("folderPath") or f"/{texts.get('folderId')}",
        created_at=state.now(),
    )
    twin = _twin(account, made, options)
    if twin is None:
        account.files[made.id] = made
    return Answer(status=201, body=(twin or made).json(state.settings.portal_id))


def _options(written: str) -> dict[str, Any]:
    try:
        found = json.loads(written or "null")
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("access") not in _ACCESS:
        raise Refused("The options must be JSON with a valid access")
    return found


def _twin(account: Account, made: StoredFile, options: dict[str, Any]) -> StoredFile | None:
    """The same file already there, where the strategy asks for it. Raises 409 for REJECT."""
    strategy = options.get("duplicateValidationStrategy", "NONE")
    if strategy == "NONE":
        return None
    folder_only = options.get("duplicateValidationScope", "ENTIRE_PORTAL") == "EXACT_FOLDER"
    for each in account.files.values():
        same_place = not folder_only or each.folder == made.folder
        if not each.archived and each.name == made.name and each.md5 == made.md5 and same_place:
            if strategy == "REJECT":
                raise Refused("File already exists", status=409, category="CONFLICT")
            return each
    return None


def _file(account: Account, call: Call) -> StoredFile:
    found = account.files.get(call.args[0])
    if found is None or found.archived:
        raise not_found()
    return found


def get_file(account: Account, call: Call) -> Answer:
    return Answer(body=_file(account, call).json(account.state.settings.portal_id))


def signed_url(account: Account, call: Call) -> Answer:
    found = _file(account, call)
    expires = account.state.now() + timedelta(hours=1)
    url = f"{found.json(account.state.settings.portal_id)['url']}?Expires={int(expires.timestamp())}"
    facts = {"name": found.name, "extension": found.extension, "type": "DOCUMENT", "size": len(found.content)}
    return Answer(body=facts | {"url": url, "expiresAt": stamp(expires)})


def delete_file(account: Account, call: Call) -> Answer:
    _file(account, call).archived = True
    return Answer(status=204)


def search_files(account: Account, call: Call) -> Answer:
    name, digest = call.first("name"), call.first("fileMd5")
    rows = [
        each.json(account.state.settings.portal_id)
        for each in account.files.values()
        if not each.archived and (not name or name in each.name) and (not digest or digest == each.md5)
    ]
    return Answer(body={"results": rows})


_FILES = access.one_of("files", "files.ui_hidden.read")
ROUTES = (
    Route("POST", ("files",), "upload", "write", upload, access.one_of("files")),
    Route("GET", ("files", "search"), "search", "read", search_files, _FILES),
    Route("GET", ("files", "*"), "get", "read", get_file, _FILES),
    Route("GET", ("files", "*", "signed-url"), "signed-url", "read", signed_url, _FILES),
    Route("DELETE", ("files", "*"), "archive", "write", delete_file, access.one_of("files")),
)
