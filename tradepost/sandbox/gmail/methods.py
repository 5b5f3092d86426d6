"""What each Gmail method does to a mailbox and answers.

https://developers.google.com/workspace/gmail/api/reference/rest. Every function is one call, done at once.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tradepost.sandbox.gmail import resource
from tradepost.sandbox.gmail.content import date_header, read_head
from tradepost.sandbox.gmail.errors import ApiError, forbidden, invalid, not_found
from tradepost.sandbox.gmail.mailbox import Label, Mailbox, Message
from tradepost.sandbox.gmail.resource import Json
from tradepost.sandbox.gmail.search import compile_query

METADATA_SCOPE = "https://www.googleapis.com/auth/gmail.metadata"
_HISTORY_KEYS = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted call: path and query values in `args`, the JSON body, and the mail of a media upload."""

    mailbox: Mailbox
    args: Mapping[str, Any]
    body: Json
    mail: bytes | None
    now: datetime
    scopes: tuple[str, ...]
    ticket: Callable[[], str]
    submit: Callable[[Mailbox, bytes, str | None], Message]

    @property
    def narrow(self) -> bool:
        """Whether the token may see headers only."""
        return METADATA_SCOPE in self.scopes and self.mailbox.strictness.metadata_scope_narrows

    @property
    def message(self) -> Message:
        return self.mailbox.get(self.args["id"])

    def ids(self, name: str) -> list[str]:
        found = self.body.get(name, [])
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise invalid(f"Invalid value at '{name}'")
        return found


Method = Callable[[Call], Json | None]

# --------------------------------------------------------------------------------------------------------------- lists


def _page_size(call: Call) -> int:
    most = 500 if call.mailbox.strictness.page_size_limit else 100_000
    return min(max(int(call.args.get("maxResults", 100)), 1), most)


def _position(call: Call) -> tuple[int, str] | None:
    """A page token is a place in the list, so that arrivals and deletions between pages shift nothing."""
    token = call.args.get("pageToken")
    if not token:
        return None
    try:
        order, message_id, epoch = urlsafe_b64decode(token + "===").decode().split(":")
        place = int(order), message_id
    except ValueError as error:
        raise invalid("Invalid pageToken") from error
    if epoch != str(call.mailbox.page_epoch) and call.mailbox.strictness.page_tokens_expire:
        raise invalid("Invalid pageToken")
    return place


def _token(call: Call, message: Message) -> str:
    order, message_id = message.order
    return urlsafe_b64encode(f"{order}:{message_id}:{call.mailbox.page_epoch}".encode()).decode().rstrip("=")


def _matching(call: Call, labels: list[str]) -> Callable[[Message], bool]:
    text = call.args.get("q", "")
    if "q" in call.args and call.narrow:
        raise forbidden("Metadata scope does not support 'q' parameter")
    wanted = call.mailbox.check_labels(labels)
    query = compile_query(text, call.mailbox, call.now)
    keeps = call.mailbox.strictness.spam_and_trash_left_out
    shown = call.args.get("includeSpamTrash", False) or query.hidden or not keeps
    left_out = {name for name in ("SPAM", "TRASH") if not shown and name not in wanted}

    def matches(message: Message) -> bool:
        own = message.labels
        return all(name in own for name in wanted) and left_out.isdisjoint(own) and query.matches(message)

    return matches


def _list(call: Call, labels: list[str]) -> tuple[list[Message], Json]:
    """One page of messages, and the fields beside them."""
    size, matches = _page_size(call), _matching(call, labels)
    found: list[Message] = []
    for message in call.mailbox.listed(_position(call)):
        if matches(message):
            found.append(message)
            if len(found) > size:
                estimate = _estimate(call, matches)
                return found[:size], {"nextPageToken": _token(call, found[size - 1]), "resultSizeEstimate": estimate}
    return found, {"resultSizeEstimate": len(found)}


def _estimate(call: Call, matches: Callable[[Message], bool]) -> int:
    """201 whenever there is more (https://github.com/openclaw/gogcli/issues/983)."""
    if call.mailbox.strictness.size_is_an_estimate:
        return 201
    return sum(matches(message) for message in call.mailbox.messages.values())


def messages_list(call: Call) -> Json:
    page, rest = _list(call, call.args.get("labelIds", []))
    return ({"messages": [resource.reference(message) for message in page]} if page else {}) | rest


def threads_list(call: Call) -> Json:
    """Threads with any matching message, at the place of their first match."""
    size, matches = _page_size(call), _matching(call, call.args.get("labelIds", []))
    place = _position(call)
    seen: set[str] = set()
    found: list[Message] = []
    for message in call.mailbox.listed(None):
        if message.thread_id in seen or not matches(message):
            continue
        seen.add(message.thread_id)
        if place is None or message.order > place:
            found.append(message)
    page = found[:size]
    answer: Json = {"resultSizeEstimate": len(page) if len(found) <= size else _estimate(call, matches)}
    if page:
        answer["threads"] = [resource.thread_reference(call.mailbox, message.thread_id) for message in page]
    if len(found) > size:
        answer["nextPageToken"] = _token(call, page[-1])
    return answer


def drafts_list(call: Call) -> Json:
    page, rest = _list(call, ["DRAFT"])
    ids = {message_id: draft_id for draft_id, message_id in call.mailbox.drafts.items()}
    drafts = [{"id": ids[m.id], "message": resource.reference(m)} for m in page if m.id in ids]
    return ({"drafts": drafts} if drafts else {}) | rest


def history_list(call: Call) -> Json:
    """A page covers `maxResults` records before filters, so a page may tell nothing and still have a successor."""
    mailbox, start = call.mailbox, call.args.get("startHistoryId")
    if start is None:
        raise invalid("Missing/invalid parameter: startHistoryId")
    if (start < mailbox.floor and mailbox.strictness.history_expires) or start > mailbox.history_id:
        raise not_found()
    start = start if mailbox.strictness.history_after_start else 0
    types = frozenset(_HISTORY_KEYS[name] for name in call.args.get("historyTypes", []) if name in _HISTORY_KEYS)
    label = call.args.get("labelId", "")
    if label:
        mailbox.check_labels([label])
    changes, after = mailbox.history_page(max(start, _history_position(call)), _page_size(call))
    told = [record for change in changes if (record := resource.history_record(change, types, label))]
    answer: Json = {"history": told} if told else {}
    if after is not None:
        answer["nextPageToken"] = str(after).zfill(20)
    return answer | {"historyId": str(mailbox.history_id)}


def _history_position(call: Call) -> int:
    token = call.args.get("pageToken") or "0"
    if not re.fullmatch(r"\d{1,20}", token, re.ASCII):
        raise invalid("Invalid pageToken")
    return int(token)


# ------------------------------------------------------------------------------------------------------------- reading


def _format(call: Call) -> str:
    form: str = call.args.get("format", "full")
    if call.narrow and form in ("full", "raw"):
        raise forbidden(f"Metadata scope doesn't allow format {form.upper()}")
    lax = not call.mailbox.strictness.metadata_has_no_bodies
    return "full" if form == "metadata" and lax else form


def _show(call: Call, message: Message) -> Json:
    return resource.message_resource(message, _format(call), call.args.get("metadataHeaders", ()), call.ticket)


def messages_get(call: Call) -> Json:
    form = _format(call)
    return resource.message_resource(call.message, form, call.args.get("metadataHeaders", ()), call.ticket)


def attachments_get(call: Call) -> Json:
    return resource.attachment(call.mailbox.get(call.args["messageId"]), call.args["id"])


def threads_get(call: Call) -> Json:
    wanted = call.args.get("metadataHeaders", ())
    return resource.thread_resource(call.mailbox, call.args["id"], _format(call), wanted, call.ticket)


def labels_list(call: Call) -> Json:
    return {"labels": [resource.label_resource(label) for label in call.mailbox.labels.values()]}


def labels_get(call: Call) -> Json:
    label = call.mailbox.labels.get(call.args["id"])
    if label is None:
        raise not_found()
    return resource.label_resource(label, call.mailbox)


# ------------------------------------------------------------------------------------------------------------- changes


def _mail(call: Call, body: Json) -> bytes:
    raw = call.mail if call.mail is not None else resource.decode(str(body.get("raw", "")))
    if not raw:
        raise ApiError(
            400,
            "invalidArgument",
            "'raw' RFC822 payload message string or uploading message via /upload/* URL required",
        )
    return raw


def _thread_for(call: Call, body: Json, raw: bytes) -> str | None:
    """A wished thread is joined only when it exists and the subject is its own."""
    thread = body.get("threadId")
    if not thread:
        return None
    if thread not in call.mailbox.threads:
        raise not_found()
    return thread if call.mailbox.joins(thread, read_head(raw)) else None


def _stored(call: Call, source: str) -> Json:
    raw = _mail(call, call.body)
    at = date_header(raw) if call.args.get("internalDateSource", source) == "dateHeader" else None
    labels = call.ids("labelIds")
    if {"SENT", "DRAFT"} & set(labels) == {"SENT", "DRAFT"}:
        raise invalid("Invalid label: DRAFT")
    thread = _thread_for(call, call.body, raw)
    message = call.mailbox.add(raw, labels=labels, now=call.now, at=at, thread=thread)
    return resource.reference(message) | {"labelIds": list(message.labels)}


def messages_modify(call: Call) -> Json:
    message = call.message
    call.mailbox.relabel(message, call.ids("addLabelIds"), call.ids("removeLabelIds"), call.now)
    return resource.reference(message) | {"labelIds": list(message.labels)}


def messages_trash(call: Call) -> Json:
    message = call.message
    call.mailbox.trash(message, call.now)
    return resource.reference(message) | {"labelIds": list(message.labels)}


def messages_untrash(call: Call) -> Json:
    message = call.message
    call.mailbox.relabel(message, [], ["TRASH"], call.now)
    return resource.reference(message) | {"labelIds": list(message.labels)}


def messages_delete(call: Call) -> None:
    call.mailbox.delete(call.message, call.now)


def batch_modify(call: Call) -> None:
    for message_id in _up_to_1000(call):
        if message := call.mailbox.messages.get(message_id):
            call.mailbox.relabel(message, call.ids("addLabelIds"), call.ids("removeLabelIds"), call.now)


def batch_delete(call: Call) -> None:
    for message_id in _up_to_1000(call):
        if message := call.mailbox.messages.get(message_id):
            call.mailbox.delete(message, call.now)


def _up_to_1000(call: Call) -> list[str]:
    ids = call.ids("ids")
    if len(ids) > 1000:
        raise invalid("Too many ids: the limit is 1000.")
    return ids


def messages_send(call: Call) -> Json:
    raw = _mail(call, call.body)
    message = call.submit(call.mailbox, raw, _thread_for(call, call.body, raw))
    return resource.reference(message) | {"labelIds": list(message.labels)}


def _threads(change: Callable[[Call, Message], None]) -> Method:
    def method(call: Call) -> Json:
        thread_id = call.args["id"]
        if thread_id not in call.mailbox.threads:
            raise not_found()
        for message_id in list(call.mailbox.threads[thread_id]):
            change(call, call.mailbox.get(message_id))
        return {"id": thread_id}

    return method


def threads_delete(call: Call) -> None:
    _threads(lambda c, message: c.mailbox.delete(message, c.now))(call)


def _modify(call: Call, message: Message) -> None:
    call.mailbox.relabel(message, call.ids("addLabelIds"), call.ids("removeLabelIds"), call.now)


def labels_create(call: Call) -> Json:
    label = call.mailbox.create_label(str(call.body.get("name", "")))
    return resource.label_resource(_dress(call, label))


def labels_change(call: Call) -> Json:
    """labels.update and labels.patch; an update must name the label."""
    label = call.mailbox.labels.get(call.args["id"])
    if label is None:
        raise not_found()
    if label.system:
        raise invalid("Invalid update request")
    if "name" in call.body:
        call.mailbox.rename_label(label, str(call.body["name"]))
    return resource.label_resource(_dress(call, label))


def _dress(call: Call, label: Label) -> Label:
    """How a label is shown."""
    label.list_visibility = str(call.body.get("labelListVisibility", label.list_visibility))
    label.message_visibility = str(call.body.get("messageListVisibility", label.message_visibility))
    color = call.body.get("color")
    if isinstance(color, dict):
        label.color = {name: str(value) for name, value in color.items() if name in ("textColor", "backgroundColor")}
    return label


def labels_delete(call: Call) -> None:
    call.mailbox.delete_label(call.args["id"], call.now)


# -------------------------------------------------------------------------------------------------------------- drafts


def _draft_body(call: Call) -> Json:
    found = call.body.get("message", {})
    return found if isinstance(found, dict) else {}


def _draft(call: Call, draft_id: str) -> Json:
    message = call.mailbox.get(call.mailbox.draft(draft_id))
    return {"id": draft_id, "message": resource.reference(message) | {"labelIds": list(message.labels)}}


def drafts_create(call: Call) -> Json:
    raw = _mail(call, _draft_body(call))
    thread = _thread_for(call, _draft_body(call), raw)
    return _draft(call, call.mailbox.save_draft(raw, call.now, thread=thread))


def drafts_update(call: Call) -> Json:
    call.mailbox.draft(call.args["id"])
    raw = _mail(call, _draft_body(call))
    thread = _thread_for(call, _draft_body(call), raw)
    return _draft(call, call.mailbox.save_draft(raw, call.now, call.args["id"], thread))


def drafts_get(call: Call) -> Json:
    message = call.mailbox.get(call.mailbox.draft(call.args["id"]))
    return {"id": call.args["id"], "message": _show(call, message)}


def drafts_delete(call: Call) -> None:
    call.mailbox.take_draft(call.args["id"], call.now)


def drafts_send(call: Call) -> Json:
    """The draft's message goes and the sent one comes under another id, in the same thread where that still stands."""
    message = call.mailbox.take_draft(str(call.body.get("id", "")), call.now)
    thread = message.thread_id if message.thread_id in call.mailbox.threads else None
    sent = call.submit(call.mailbox, message.raw, thread)
    return resource.reference(sent) | {"labelIds": list(sent.labels)}


# ---------------------------------------------------------------------------------------------------------------- push


def watch(call: Call) -> Json:
    """Nothing is ever pushed; the answer and its expiry are as documented."""
    if not re.fullmatch(r"projects/[^/]+/topics/[^/]+", str(call.body.get("topicName", ""))):
        raise invalid("Invalid topicName does not match projects/*/topics/*")
    call.mailbox.check_labels(call.ids("labelIds"))
    call.mailbox.watch_until = call.now + timedelta(days=7)
    return {
        "historyId": str(call.mailbox.history_id),
        "expiration": resource.milliseconds(call.mailbox.watch_until),
    }


def stop(call: Call) -> None:
    call.mailbox.watch_until = None


def not_implemented(call: Call) -> Json:
    """The methods for S/MIME and client-side encryption keys."""
    raise ApiError(501, "notImplemented", f"The sandbox of {call.mailbox.address} does not have this method.")


METHODS: dict[str, Method] = {
    "gmail.users.getProfile": lambda call: resource.profile(call.mailbox),
    "gmail.users.watch": watch,
    "gmail.users.stop": stop,
    "gmail.users.messages.list": messages_list,
    "gmail.users.messages.get": messages_get,
    "gmail.users.messages.attachments.get": attachments_get,
    "gmail.users.messages.insert": lambda call: _stored(call, "receivedTime"),
    "gmail.users.messages.import": lambda call: _stored(call, "dateHeader"),
    "gmail.users.messages.send": messages_send,
    "gmail.users.messages.modify": messages_modify,
    "gmail.users.messages.trash": messages_trash,
    "gmail.users.messages.untrash": messages_untrash,
    "gmail.users.messages.delete": messages_delete,
    "gmail.users.messages.batchModify": batch_modify,
    "gmail.users.messages.batchDelete": batch_delete,
    "gmail.users.threads.list": threads_list,
    "gmail.users.threads.get": threads_get,
    "gmail.users.threads.modify": _threads(_modify),
    "gmail.users.threads.trash": _threads(lambda call, message: call.mailbox.trash(message, call.now)),
    "gmail.users.threads.untrash": _threads(
        lambda call, message: call.mailbox.relabel(message, [], ["TRASH"], call.now)
    ),
    "gmail.users.threads.delete": threads_delete,
    "gmail.users.history.list": history_list,
    "gmail.users.labels.list": labels_list,
    "gmail.users.labels.get": labels_get,
    "gmail.users.labels.create": labels_create,
    "gmail.users.labels.delete": labels_delete,
    "gmail.users.labels.update": labels_change,
    "gmail.users.labels.patch": labels_change,
    "gmail.users.drafts.list": drafts_list,
    "gmail.users.drafts.get": drafts_get,
    "gmail.users.drafts.create": drafts_create,
    "gmail.users.drafts.update": drafts_update,
    "gmail.users.drafts.delete": drafts_delete,
    "gmail.users.drafts.send": drafts_send,
}
