"""Mailbox state as Gmail's JSON resources.

Shapes: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#Message.
"""

from __future__ import annotations

import html
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import datetime
from email.message import Message as Mime
from typing import Any

from tradepost.sandbox.gmail.content import (
    MAX_DEPTH,
    children,
    filename,
    headers_of,
    media_type,
    parse,
    payload_bytes,
    read_text,
)
from tradepost.sandbox.gmail.errors import invalid, not_found
from tradepost.sandbox.gmail.mailbox import Change, Label, Mailbox, Message

Json = dict[str, Any]

# Named parts come by id whatever their size (https://github.com/dust-tt/dust/pull/27314); text only when it is big.
INLINE_LIMIT = 256 * 1024
SNIPPET = 200
_ATTACHMENT = "ANGjdJ"


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()


def decode(text: str) -> bytes:
    """base64url, padded or not. Raises 400."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, TypeError) as error:
        raise invalid("Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed") from error


def reference(message: Message) -> Json:
    return {"id": message.id, "threadId": message.thread_id}


def message_resource(
    message: Message, form: str, wanted: Iterable[str] = (), ticket: Callable[[], str] = lambda: ""
) -> Json:
    """A Message in format minimal, full, raw or metadata. `ticket` makes attachment ids differ from call to call."""
    root = parse(message.raw)
    found = reference(message) | {
        "labelIds": list(message.labels),
        "snippet": snippet(root),
        "sizeEstimate": len(message.raw),
        "historyId": str(message.history_id),
        "internalDate": str(message.internal_ms),
    }
    if not message.labels:
        del found["labelIds"]
    if form == "raw":
        found["raw"] = encode(message.raw)
    elif form == "metadata":
        names = {name.lower() for name in wanted}
        shown = [header for header in _headers(root) if not names or header["name"].lower() in names]
        found["payload"] = {"mimeType": media_type(root), "headers": shown}
    elif form == "full":
        found["payload"] = _part(root, "", lambda part_id: _attachment_id(message.id, part_id, ticket()))
    return found


def snippet(root: Mime) -> str:
    """The first words, with HTML entities as Gmail writes them."""
    return html.escape(" ".join(read_text(root)[: 4 * SNIPPET].split())[:SNIPPET], quote=True).replace(
        "&#x27;", "&#39;"
    )


def _headers(part: Mime) -> list[Json]:
    return [{"name": name, "value": value} for name, value in headers_of(part)]


def _part(part: Mime, part_id: str, attachment_id: Callable[[str], str], depth: int = 0) -> Json:
    name = filename(part)
    found: Json = {"partId": part_id, "mimeType": media_type(part), "filename": name, "headers": _headers(part)}
    inner = children(part) if depth < MAX_DEPTH else []
    if inner:
        prefix = f"{part_id}." if part_id else ""
        parts = [_part(child, f"{prefix}{n}", attachment_id, depth + 1) for n, child in enumerate(inner)]
        return found | {"body": {"size": 0}, "parts": parts}
    data = payload_bytes(part)
    body: Json = {"size": len(data)}
    if name or len(data) > INLINE_LIMIT or (data and not media_type(part).startswith("text/")):
        body = {"attachmentId": attachment_id(part_id or "0"), "size": len(data)}
    elif data:
        body["data"] = encode(data)
    return found | {"body": body}


# --------------------------------------------------------------------------------------------------------- attachments


def _attachment_id(message_id: str, part_id: str, ticket: str) -> str:
    """Long, opaque, and another one at every reading; each stays good."""
    return _ATTACHMENT + encode(f"{message_id}:{part_id}:{ticket}".encode()).rstrip("=")


def attachment(message: Message, attachment_id: str) -> Json:
    """The contents behind an id that `message_resource` gave out. Raises 400 for any other."""
    try:
        text = urlsafe_b64decode(attachment_id.removeprefix(_ATTACHMENT) + "===").decode()
        owner, part_id, _ = text.split(":")
    except ValueError:
        owner, part_id = "", ""
    if owner != message.id or not attachment_id.startswith(_ATTACHMENT):
        raise invalid("Invalid attachment token")
    part = parse(message.raw)
    for step in part_id.split("."):
        inner = children(part)
        if inner:
            part = inner[int(step)]
    data = payload_bytes(part)
    return {"size": len(data), "data": encode(data)}


# ------------------------------------------------------------------------------------------------- threads and labels


def thread_reference(mailbox: Mailbox, thread_id: str) -> Json:
    members = [mailbox.get(message_id) for message_id in mailbox.threads[thread_id]]
    newest = max(members, key=lambda message: message.internal_ms)
    history_id = max(message.history_id for message in members)
    return {"id": thread_id, "snippet": snippet(parse(newest.raw)), "historyId": str(history_id)}


def thread_resource(
    mailbox: Mailbox, thread_id: str, form: str, wanted: Iterable[str], ticket: Callable[[], str]
) -> Json:
    if thread_id not in mailbox.threads:
        raise not_found()
    members = sorted(
        (mailbox.get(message_id) for message_id in mailbox.threads[thread_id]), key=lambda m: (m.internal_ms, m.id)
    )
    return {
        "id": thread_id,
        "historyId": str(max(message.history_id for message in members)),
        "messages": [message_resource(message, form, wanted, ticket) for message in members],
    }


def label_resource(label: Label, mailbox: Mailbox | None = None) -> Json:
    """A label; with its mailbox, also what it counts (as labels.get does and labels.list does not)."""
    found: Json = {"id": label.id, "name": label.name, "type": "system" if label.system else "user"}
    if not label.system:
        found |= {"messageListVisibility": label.message_visibility, "labelListVisibility": label.list_visibility}
        found |= {"color": label.color} if label.color else {}
    if mailbox is not None:
        members = [message for message in mailbox.messages.values() if label.id in message.labels]
        unread = [message for message in members if "UNREAD" in message.labels]
        found |= {
            "messagesTotal": len(members),
            "messagesUnread": len(unread),
            "threadsTotal": len({message.thread_id for message in members}),
            "threadsUnread": len({message.thread_id for message in unread}),
        }
    return found


def profile(mailbox: Mailbox) -> Json:
    return {
        "emailAddress": mailbox.address,
        "messagesTotal": len(mailbox.messages),
        "threadsTotal": len(mailbox.threads),
        "historyId": str(mailbox.history_id),
    }


def send_as(mailbox: Mailbox) -> list[Json]:
    own: Json = {
        "sendAsEmail": mailbox.address,
        "displayName": mailbox.display_name,
        "replyToAddress": "",
        "signature": "",
        "isPrimary": True,
        "isDefault": True,
    }
    others = [
        {
            "sendAsEmail": address,
            "displayName": name,
            "replyToAddress": "",
            "signature": "",
            "isDefault": False,
            "treatAsAlias": True,
            "verificationStatus": "accepted",
        }
        for address, name in mailbox.aliases
    ]
    return [own, *others]


# ------------------------------------------------------------------------------------------------------------- history


def history_record(change: Change, types: frozenset[str], label_id: str) -> Json | None:
    """One history record, or None when it is of a kind nobody asked for.

    `messages` repeats what the specific arrays say.
    """
    if label_id and label_id not in (*change.labels, *change.removed):
        return None
    where = {"id": change.message_id, "threadId": change.thread_id}
    full = where | {"labelIds": list(change.labels)}
    found: Json = {}
    if change.kind == "added":
        found["messagesAdded"] = [{"message": full}]
    elif change.kind == "deleted":
        found["messagesDeleted"] = [{"message": full}]
    if change.added:
        found["labelsAdded"] = [{"message": full, "labelIds": list(change.added)}]
    if change.removed:
        found["labelsRemoved"] = [{"message": full, "labelIds": list(change.removed)}]
    found = {key: value for key, value in found.items() if not types or key in types}
    return {"id": str(change.id), "messages": [where]} | found if found else None


def milliseconds(at: datetime) -> str:
    return str(round(at.timestamp() * 1000))
