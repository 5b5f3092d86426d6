"""Changing and sending mail: drafts, moves, deletions, replies, sendMail.

https://learn.microsoft.com/graph/api/resources/message (methods).
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from tradepost.sandbox.graph import compose
from tradepost.sandbox.graph.call import Call, Need, Reply, Route
from tradepost.sandbox.graph.errors import ApiError, bad_request, documented, quota_exceeded
from tradepost.sandbox.graph.folders import destination
from tradepost.sandbox.graph.mailbox import RECOVERABLE, Folder, Item
from tradepost.sandbox.graph.messages import both
from tradepost.sandbox.graph.view import Json

_DRAFT_ONLY = frozenset(
    [
        "subject",
        "body",
        "toRecipients",
        "ccRecipients",
        "bccRecipients",
        "replyTo",
        "internetMessageHeaders",
        "sender",
        "from",
    ]
)
_FLAGS = ("notFlagged", "complete", "flagged")


# -------------------------------------------------------------------------------------------------------------- drafts


def _sender(call: Call) -> tuple[str, str]:
    return call.owner.name, call.owner.mail


def _room(call: Call) -> None:
    if call.box.full:
        raise quota_exceeded()
    if len(call.inquiry.body) > compose.MAX_UPLOAD:
        raise ApiError(413, "ErrorMessageSizeExceeded", "The message exceeds the maximum supported size.")


def _posted(call: Call) -> bytes | None:
    """MIME that was posted as base64 with Content-Type text/plain; None for JSON.

    https://learn.microsoft.com/graph/outlook-send-mime-message.
    """
    if not call.inquiry.headers.get("content-type", "").lower().startswith("text/plain"):
        return None
    try:
        return b64decode(call.inquiry.body, validate=False)
    except ValueError as error:
        raise ApiError(400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.") from error


def _draft(call: Call, body: Json, answering: Item | None = None, folder: Folder | None = None) -> Item:
    raw = compose.mime_of(body, _sender(call), call.tenant.message_id(), call.now)
    if answering:
        raw = compose.threaded(raw, answering)
    place = folder or call.box.known("drafts")
    item = call.box.add(raw, place, call.now, own=True, draft=True, read=True)
    item.categories = _categories(body) or ()
    return item


def _shown(call: Call, item: Item, status: int) -> Reply:
    found = call.view.message(item)
    headers = {"Location": f"{call.base}/users/{call.owner.id}/messages/{call.view.item_id(item)}"}
    context = {"@odata.context": call.mail_context("messages") + "/$entity"}
    return Reply(status, context | found, headers if status == 201 else {})


def create(call: Call) -> Reply:
    _room(call)
    folder = call.box.folder(call.args["folder"]) if "folder" in call.args else None
    raw = _posted(call)
    if raw is not None:
        place = folder or call.box.known("drafts")
        item = call.box.add(raw, place, call.now, own=True, draft=True, read=True)
    else:
        item = _draft(call, call.json(), folder=folder)
    return _shown(call, item, 201)


def update(call: Call) -> Reply:
    """What a reader may change of any mail, and what an author may of a draft."""
    item, body = call.item, call.json()
    _check_match(call, item)
    if (_DRAFT_ONLY & set(body)) and not item.draft:
        raise ApiError(400, "ErrorInvalidPropertySet", "The property cannot be set on an object that is not a draft.")
    changed = _apply(item, body)
    if _DRAFT_ONLY & set(body):
        message_id = item.head.message_id or call.tenant.message_id()
        call.box.rewrite(item, compose.mime_of(body, _sender(call), message_id, call.now, item.raw))
        changed |= _DRAFT_ONLY & set(body) | {"bodyPreview"}
    if changed:
        call.box.touch(item, changed, call.now)
    if isinstance(body.get("isRead"), bool):
        call.box.mark_read(item, read=body["isRead"], now=call.now)
    return _shown(call, item, 200)


def _check_match(call: Call, item: Item) -> None:
    """If-Match with an old etag: https://learn.microsoft.com/graph/errors (412)."""
    wanted = call.inquiry.headers.get("if-match", "")
    if wanted and wanted not in ("*", f'W/"{call.view.change_key(item)}"'):
        raise documented(412)


def _categories(body: Json) -> tuple[str, ...] | None:
    given = body.get("categories")
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise bad_request("Cannot deserialize categories.")
    return tuple(given)


def _apply(item: Item, body: Json) -> set[str]:
    changed: set[str] = set()
    categories = _categories(body)
    if categories is not None and categories != item.categories:
        item.categories = categories
        changed.add("categories")
    flag = body.get("flag")
    status = flag.get("flagStatus") if isinstance(flag, dict) else None
    if status in _FLAGS and status != item.flag:
        item.flag = status
        changed.add("flag")
    for name, attribute in (("importance", "importance"), ("inferenceClassification", "classification")):
        value: Any = body.get(name)
        if isinstance(value, str):
            setattr(item, attribute, value.lower())
            changed.add(name)
    return changed


# --------------------------------------------------------------------------------------------------- moves, deletions


def move(call: Call) -> Reply:
    item = call.item
    call.box.move(item, call.box.folder(destination(call)), call.now)
    return _shown(call, item, 201)


def copy(call: Call) -> Reply:
    _room(call)
    made = call.box.copy(call.item, call.box.folder(destination(call)), call.now)
    return _shown(call, made, 201)


def delete(call: Call) -> Reply:
    item = call.item
    if item.folder.well_known == RECOVERABLE:
        raise ApiError(400, "ErrorCannotDeleteObject", "The object cannot be deleted.")
    call.box.delete(item, call.now)
    return Reply(204)


def delete_for_good(call: Call) -> Reply:
    """To the purges, where no client reaches it: https://learn.microsoft.com/graph/api/message-permanentdelete."""
    call.box.remove(call.item)
    return Reply(204)


# ------------------------------------------------------------------------------------------------------------- sending


def send(call: Call) -> Reply:
    """A draft goes out; its immutable id is that of the copy in Sent Items."""
    item = call.item
    if not item.draft:
        raise ApiError(403, "ErrorAccessDenied", "Item is not a draft.")
    _post(call, item)
    return Reply(202)


def _post(call: Call, item: Item) -> None:
    if not any(item.content.people[kind] for kind in ("to", "cc", "bcc")):
        raise ApiError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    call.tenant.send_draft_item(call.owner, item)


def send_mail(call: Call) -> Reply:
    """`/sendMail` with JSON or MIME."""
    _room(call)
    raw = _posted(call)
    body = call.parameters() if raw is None else {}
    if raw is None:
        message = body.get("message")
        if not isinstance(message, dict):
            raise bad_request("The message is required.")
        item = _draft(call, message)
    else:
        item = call.box.add(raw, call.box.known("drafts"), call.now, own=True, draft=True, read=True)
    try:
        _post(call, item)
    except ApiError:
        call.box.remove(item)
        raise
    if body.get("savetosentitems") is False:
        call.box.remove(item)
    return Reply(202)


def _reply_draft(call: Call, *, everyone: bool) -> Item:
    own = frozenset(call.owner.addresses)
    body = compose.reply_body(call.item, call.parameters(), own=own, everyone=everyone)
    return _draft(call, body, call.item)


def create_reply(call: Call) -> Reply:
    return _shown(call, _reply_draft(call, everyone=False), 201)


def create_reply_all(call: Call) -> Reply:
    return _shown(call, _reply_draft(call, everyone=True), 201)


def create_forward(call: Call) -> Reply:
    return _shown(call, _draft(call, compose.forward_body(call.item, call.parameters()), call.item), 201)


def reply(call: Call) -> Reply:
    _post(call, _reply_draft(call, everyone=False))
    return Reply(202)


def reply_all(call: Call) -> Reply:
    _post(call, _reply_draft(call, everyone=True))
    return Reply(202)


def forward(call: Call) -> Reply:
    _post(call, _draft(call, compose.forward_body(call.item, call.parameters()), call.item))
    return Reply(202)


_M = "/{message}"
ROUTES = (
    *both("POST", "", "CreateMessages", Need.WRITE, create),
    *both("PATCH", _M, "UpdateMessages", Need.WRITE, update),
    *both("DELETE", _M, "DeleteMessages", Need.WRITE, delete),
    *both("POST", f"{_M}/move", "messages.move", Need.WRITE, move),
    *both("POST", f"{_M}/copy", "messages.copy", Need.WRITE, copy),
    *both("POST", f"{_M}/permanentdelete", "messages.permanentDelete", Need.WRITE, delete_for_good),
    *both("POST", f"{_M}/send", "messages.send", Need.SEND, send),
    *both("POST", f"{_M}/createreply", "messages.createReply", Need.WRITE, create_reply),
    *both("POST", f"{_M}/createreplyall", "messages.createReplyAll", Need.WRITE, create_reply_all),
    *both("POST", f"{_M}/createforward", "messages.createForward", Need.WRITE, create_forward),
    *both("POST", f"{_M}/reply", "messages.reply", Need.SEND, reply),
    *both("POST", f"{_M}/replyall", "messages.replyAll", Need.SEND, reply_all),
    *both("POST", f"{_M}/forward", "messages.forward", Need.SEND, forward),
    Route("POST", "users/{user}/sendmail", "users.sendMail", Need.SEND, send_mail),
)
