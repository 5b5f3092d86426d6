"""Attachments of a message: https://learn.microsoft.com/graph/api/attachment-get."""

from __future__ import annotations

import re

from tradepost.sandbox.graph import compose, content, lists
from tradepost.sandbox.graph.call import Call, Need, Reply
from tradepost.sandbox.graph.content import Attachment, Person
from tradepost.sandbox.graph.errors import ApiError, bad_request, not_found
from tradepost.sandbox.graph.mailbox import Item
from tradepost.sandbox.graph.messages import both
from tradepost.sandbox.graph.shown import ATTACHMENT_NAMES
from tradepost.sandbox.graph.view import ATTACHMENT, Json, View, recipient

MAX_NESTING = 30
_EXPANDABLE = frozenset({"microsoft.graph.itemattachment/item", "microsoft.graph.itemAttachment/item"})


def _context(call: Call) -> str:
    return call.mail_context(f"messages('{call.args['message']}')/attachments")


def list_all(call: Call) -> Reply:
    item, view = call.item, call.view
    select = call.select(ATTACHMENT_NAMES, ATTACHMENT)
    wants_bytes = select is None or "contentBytes" in select
    expand = call.expand(_EXPANDABLE, ATTACHMENT)
    page = lists.plain(
        call,
        range(len(item.attachments)),
        lambda index: (
            view.attachment(item, index, contents=wants_bytes) | _inner(call, item, index, wanted=bool(expand))
        ),
        names=ATTACHMENT_NAMES | {"item"},
        kind=ATTACHMENT,
        default=lists.MAX_PAGE,
    )
    return Reply(body=page.envelope(call, _context(call), page.rows))


def count(call: Call) -> Reply:
    return Reply(body=str(len(call.item.attachments)).encode(), kind="text/plain")


def _index(call: Call) -> tuple[Item, int]:
    item = call.item
    index = call.view.find_attachment(item, call.args["attachment"])
    if index is None:
        raise not_found()
    return item, index


def get(call: Call) -> Reply:
    item, index = _index(call)
    select = call.select(ATTACHMENT_NAMES, ATTACHMENT)
    contents = select is None or "contentBytes" in select
    found = call.view.attachment(item, index, contents=contents, select=select)
    found |= _inner(call, item, index, wanted=bool(call.expand(_EXPANDABLE, ATTACHMENT)))
    return Reply(body={"@odata.context": f"{_context(call)}/$entity"} | found)


def get_value(call: Call) -> Reply:
    """Raw contents; 405 for a link to a file elsewhere."""
    item, index = _index(call)
    kept = item.attachments[index]
    if kept.kind == "reference":
        if call.strict.reference_value_refused:
            message = "The OData request is not supported: $value is not allowed for reference attachments."
            raise ApiError(405, "ErrorInvalidRequest", message)
        return Reply(body=kept.location.encode(), kind="text/plain")
    data = content.attachment_bytes(item.raw, index)
    right = re.fullmatch(r"[\w.+-]+/[\w.+-]+", kept.content_type, re.ASCII)
    other = "text/plain" if kept.kind == "item" else "application/octet-stream"
    return Reply(body=data, kind=kept.content_type if right else other)


def _inner(call: Call, item: Item, index: int, *, wanted: bool) -> Json:
    """The mail inside an item attachment, with its own attachments' names, 30 levels deep at most."""
    if not wanted or item.attachments[index].kind != "item":
        return {}
    return {"item": nested(call.view, content.attachment_bytes(item.raw, index))}


def nested(view: View, raw: bytes, depth: int = 1) -> Json:
    """A mail that is in no folder."""
    found = content.read(raw)
    people = {kind: [recipient(person) for person in found.people[kind]] for kind in found.people}
    html = content.as_html(found, sanitised=not view.prefer.unsafe)
    first: tuple[Person, ...] = found.people["from"] or found.people["sender"]
    shown: Json = {
        "@odata.type": "#microsoft.graph.message",
        "subject": found.header("Subject"),
        "internetMessageId": found.header("Message-ID") or None,
        "hasAttachments": any(not a.inline for a in found.attachments),
        "isDraft": False,
        "isRead": True,
        "toRecipients": people["to"],
        "ccRecipients": people["cc"],
        "bccRecipients": people["bcc"],
        "replyTo": people["reply-to"],
        "body": {"contentType": "html", "content": html}
        if not view.prefer.text
        else {"contentType": "text", "content": content.as_text(found)},
    }
    if first:
        shown |= {"from": recipient(first[0]), "sender": recipient(first[0])}
    if found.attachments and depth < MAX_NESTING:
        shown["attachments"] = [
            _nested_attachment(view, raw, n, kept, depth) for n, kept in enumerate(found.attachments)
        ]
    return shown


def _nested_attachment(view: View, raw: bytes, index: int, kept: Attachment, depth: int) -> Json:
    shown: Json = {
        "@odata.type": f"#microsoft.graph.{kept.kind}Attachment",
        "name": kept.name,
        "contentType": kept.content_type or None,
        "size": kept.size,
        "isInline": kept.inline,
    }
    if kept.kind == "item":
        shown["item"] = nested(view, content.attachment_bytes(raw, index), depth + 1)
    return shown


def add(call: Call) -> Reply:
    """To a draft: a file's bytes, or a link."""
    item, body = call.item, call.json()
    kind = str(body.get("@odata.type", "")).rpartition(".")[2]
    if kind == "referenceAttachment":
        link = Attachment(
            "reference", str(body.get("name") or "link"), "", 0, inline=False, location=str(body.get("sourceUrl") or "")
        )
        item.references = (*item.references, link)
        index = len(item.attachments) - 1
    else:
        if not item.draft:
            raise bad_request("Attachments can only be added to a draft.")
        _rewrite(call, item, {"attachments": [body]})
        index = len(item.content.attachments) - 1
    call.box.touch(item, {"hasAttachments"}, call.now)
    found = call.view.attachment(item, index, contents=True)
    return Reply(201, {"@odata.context": f"{_context(call)}/$entity"} | found)


def _rewrite(call: Call, item: Item, body: Json, *, drop: int = -1) -> None:
    sender = (call.owner.name, call.owner.mail)
    message_id = item.head.message_id or call.tenant.message_id()
    call.box.rewrite(item, compose.mime_of(body, sender, message_id, call.now, item.raw, drop=drop))


def remove(call: Call) -> Reply:
    """A link, or a draft's file."""
    item, index = _index(call)
    own = len(item.content.attachments)
    if index >= own:
        item.references = tuple(kept for n, kept in enumerate(item.references) if n != index - own)
    elif not item.draft:
        raise bad_request("Attachments can only be removed from a draft.")
    else:
        _rewrite(call, item, {}, drop=index)
    call.box.touch(item, {"hasAttachments"}, call.now)
    return Reply(204)


_A = "/{message}/attachments"
ROUTES = (
    *both("GET", _A, "messages.ListAttachments", Need.READ, list_all),
    *both("GET", f"{_A}/$count", "messages.CountAttachments", Need.READ, count),
    *both("GET", f"{_A}/{{attachment}}", "messages.GetAttachment", Need.READ, get),
    *both("GET", f"{_A}/{{attachment}}/$value", "messages.GetAttachmentContent", Need.READ, get_value),
    *both("POST", _A, "messages.CreateAttachments", Need.WRITE, add),
    *both("DELETE", f"{_A}/{{attachment}}", "messages.DeleteAttachments", Need.WRITE, remove),
)
