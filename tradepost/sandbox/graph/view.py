"""What a caller sees of a mailbox: JSON resources, in the ids and bodies that its Prefer header asks for.

Shapes: https://learn.microsoft.com/graph/api/resources/message and .../mailfolder.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tradepost.sandbox.graph import content
from tradepost.sandbox.graph.content import Attachment, Person
from tradepost.sandbox.graph.ids import IdMaker
from tradepost.sandbox.graph.mailbox import ROOT, Folder, Item, Mailbox
from tradepost.sandbox.graph.strictness import Strictness

Json = dict[str, Any]
MESSAGE, FOLDER, ATTACHMENT, USER = (f"microsoft.graph.{n}" for n in ("message", "mailFolder", "attachment", "user"))

_PREFER = re.compile(r'\s*([\w.-]+)\s*(?:=\s*(?:"([^"]*)"|([^",;]*)))?\s*(?:[,;]|$)')
_ZONES = {
    "China Standard Time": "Asia/Shanghai",
    "Pacific Standard Time": "America/Los_Angeles",
    "Eastern Standard Time": "America/New_York",
    "W. Europe Standard Time": "Europe/Berlin",
    "GMT Standard Time": "Europe/London",
    "Tokyo Standard Time": "Asia/Tokyo",
}


@dataclass(frozen=True, slots=True)
class Prefer:
    """The Prefer header; `applied` is what the answer says it heeded."""

    immutable: bool = False
    text: bool = False
    html: bool = False
    unsafe: bool = False
    page: int | None = None
    zone: str = ""

    @property
    def applied(self) -> str:
        said = [
            'IdType="ImmutableId"' if self.immutable else "",
            'outlook.body-content-type="text"' if self.text else "",
            'outlook.body-content-type="html"' if self.html else "",
            "outlook.allow-unsafe-html" if self.unsafe else "",
            f'outlook.timezone="{self.zone}"' if self.zone else "",
            f"odata.maxpagesize={self.page}" if self.page is not None else "",
        ]
        return ", ".join(filter(None, said))


def parse_prefer(values: Iterable[str], strict: Strictness) -> Prefer:
    """Names without letter case; what is unknown is passed over."""
    found: dict[str, str] = {}
    for value in values:
        for name, quoted, bare in _PREFER.findall(value):
            found[name.lower()] = (quoted or bare).strip()
    body = found.get("outlook.body-content-type", "").lower()
    page = found.get("odata.maxpagesize", "")
    zone = found.get("outlook.timezone", "")
    return Prefer(
        found.get("idtype", "").lower() == "immutableid" and strict.immutable_ids,
        body == "text",
        body == "html",
        "outlook.allow-unsafe-html" in found,
        min(int(page), 1000) if page.isdigit() and int(page) and len(page) < 9 else None,
        zone if zone in _ZONES else "",
    )


def stamp(at: datetime, zone: str = "") -> str:
    """A time as Graph writes it."""
    if zone:
        return at.astimezone(ZoneInfo(_ZONES[zone])).isoformat(timespec="seconds")
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class View:
    """A mailbox through one request. `basic` shows no contents, as with Mail.ReadBasic."""

    box: Mailbox
    prefer: Prefer = Prefer()
    basic: bool = False
    beta: bool = False

    @property
    def strict(self) -> Strictness:
        return self.box.strict

    @property
    def ids(self) -> IdMaker:
        return self.box.ids

    def item_id(self, item: Item) -> str:
        return item.immutable_id if self.prefer.immutable else item.id

    def change_key(self, item: Item) -> str:
        return self.ids.change_key(item.uid, item.version)

    # ------------------------------------------------------------------------------------------------------- messages

    def message(self, item: Item, select: Iterable[str] | None = None) -> Json:
        """A message with the properties of `select`, by default those that come unasked."""
        found: Json = {}
        if item.meeting:
            found["@odata.type"] = "#microsoft.graph.eventMessageRequest"
        found |= {"@odata.etag": f'W/"{self.change_key(item)}"', "id": self.item_id(item)}
        names = self._shown(select)
        for name in names:
            if name in PROPERTIES and not (self.basic and name in _CONTENTS):
                value = PROPERTIES[name](self, item)
                if value is not ABSENT:
                    found[name] = value
        return found

    def _shown(self, select: Iterable[str] | None) -> Iterable[str]:
        if select is None or "*" in select:
            return DEFAULT if self.strict.headers_on_request_only else PROPERTIES
        return select

    def value(self, item: Item, path: tuple[str, ...]) -> Any:
        """A property's value for $filter and $orderby: dates as dates."""
        quick = _QUICK.get(path[0])
        if quick:
            return quick(item)
        if path[0] not in PROPERTIES:
            return None
        found = PROPERTIES[path[0]](self, item)
        for step in path[1:]:
            found = found.get(step) if isinstance(found, dict) else None
        return None if found is ABSENT else found

    def body(self, item: Item) -> Json:
        if self.prefer.text:
            return {"contentType": "text", "content": item.text}
        safe = self.strict.bodies_sanitised and not self.prefer.unsafe
        return {"contentType": "html", "content": content.as_html(item.content, sanitised=safe)}

    def unique_body(self, item: Item) -> Json:
        text = content.new_text(item.content)
        if self.prefer.text:
            return {"contentType": "text", "content": text}
        return {"contentType": "html", "content": content.from_text(text) if text else ""}

    def preview(self, item: Item) -> str:
        return item.text[: content.PREVIEW] if self.strict.preview_cut else item.text

    def has_attachments(self, item: Item) -> bool:
        shown = item.attachments
        if self.strict.inline_only_has_no_attachments:
            return any(not a.inline for a in shown)
        return bool(shown)

    def web_link(self, item: Item) -> str:
        return (
            f"https://outlook.office365.com/owa/?ItemID={quote(item.id, safe='')}&exvsurl=1&viewmodel=ReadMessageItem"
        )

    # ------------------------------------------------------------------------------------------------------- folders

    def folder(self, folder: Folder, select: Iterable[str] | None = None) -> Json:
        shown = self.box.strict.hidden_folders_left_out
        children = sum(not child.hidden or not shown for child in folder.children.values())
        parent = folder.parent or self.box.known(ROOT)
        whole: Json = {
            "id": folder.id,
            "displayName": folder.name,
            "parentFolderId": parent.id,
            "childFolderCount": children,
            "unreadItemCount": folder.unread,
            "totalItemCount": len(folder.order),
            "sizeInBytes": 0,
            "isHidden": folder.hidden,
        }
        if not self.beta:
            del whole["sizeInBytes"]
        elif folder.well_known:
            whole["wellKnownName"] = folder.well_known
        return pick(whole, select)

    # ---------------------------------------------------------------------------------------------------- attachments

    def attachment(self, item: Item, index: int, *, contents: bool, select: Iterable[str] | None = None) -> Json:
        """One attachment; `contents` adds a file's bytes."""
        kept = item.attachments[index]
        found: Json = {
            "@odata.type": f"#microsoft.graph.{kept.kind}Attachment",
            "@odata.mediaContentType": kept.content_type,
            "id": self.attachment_id(item, index),
            "lastModifiedDateTime": stamp(item.created),
            "name": kept.name,
            "contentType": kept.content_type or None,
            "size": kept.size + 256,  # the store counts its own properties too
            "isInline": kept.inline,
        }
        if kept.kind != "file":
            del found["@odata.mediaContentType"]
        else:
            found |= {"contentId": kept.content_id or None, "contentLocation": kept.location or None}
            if contents:
                data = content.attachment_bytes(item.raw, index)
                found["contentBytes"] = b64encode(data).decode()
        return pick(found, select)

    def attachment_id(self, item: Item, index: int) -> str:
        return self.ids.attachment(self.item_id(item), index)

    def find_attachment(self, item: Item, key: str) -> int | None:
        """Either kind of id names it."""
        for index in range(len(item.attachments)):
            if key in (self.ids.attachment(item.id, index), self.ids.attachment(item.immutable_id, index)):
                return index
        return None


def pick(whole: Json, select: Iterable[str] | None) -> Json:
    """Annotations, the id and what is selected."""
    if select is None or "*" in select:
        return whole
    wanted = {"id", *select}
    return {name: value for name, value in whole.items() if name.startswith("@") or name in wanted}


# ---------------------------------------------------------------------------------------------------------- properties


class _Absent:
    """A property that this item does not have and that is left out."""


ABSENT = _Absent()


def _people(item: Item, kind: str) -> list[Json]:
    return [recipient(person) for person in item.content.people[kind]]


def recipient(person: Person) -> Json:
    return {"emailAddress": {"name": person.name or person.address, "address": person.address}}


def _first(item: Item, *kinds: str) -> Any:
    return next((found[0] for kind in kinds if (found := _people(item, kind))), ABSENT)


def importance(item: Item) -> str:
    said = (item.importance or item.content.header("Importance") or item.content.header("X-Priority")[:1]).lower()
    return {"high": "high", "low": "low", "1": "high", "2": "high", "4": "low", "5": "low"}.get(said, "normal")


def _headers(view: View, item: Item) -> Any:
    if item.own and view.strict.own_mail_has_no_headers:
        return ABSENT
    return [{"name": name, "value": value} for name, value in item.content.headers]


def _message_id(item: Item) -> Any:
    return f"<{item.head.message_id}>" if item.head.message_id else None


PROPERTIES: dict[str, Callable[[View, Item], Any]] = {
    "id": lambda view, item: view.item_id(item),
    "createdDateTime": lambda view, item: stamp(item.created, view.prefer.zone),
    "lastModifiedDateTime": lambda view, item: stamp(item.modified, view.prefer.zone),
    "changeKey": lambda view, item: view.change_key(item),
    "categories": lambda _, item: list(item.categories),
    "receivedDateTime": lambda view, item: stamp(item.received, view.prefer.zone),
    "sentDateTime": lambda view, item: stamp(item.sent, view.prefer.zone),
    "hasAttachments": lambda view, item: view.has_attachments(item),
    "internetMessageId": lambda _, item: _message_id(item),
    "subject": lambda _, item: item.head.subject,
    "bodyPreview": lambda view, item: view.preview(item),
    "importance": lambda _, item: importance(item),
    "parentFolderId": lambda _, item: item.folder.id,
    "conversationId": lambda _, item: item.conversation_id,
    "conversationIndex": lambda _, item: b64encode(item.conversation_index).decode(),
    "isDeliveryReceiptRequested": lambda _, item: bool(item.content.header("Return-Receipt-To")) if item.own else None,
    "isReadReceiptRequested": lambda _, item: bool(item.content.header("Disposition-Notification-To")),
    "isRead": lambda _, item: item.read,
    "isDraft": lambda _, item: item.draft,
    "webLink": lambda view, item: view.web_link(item),
    "inferenceClassification": lambda _, item: item.classification,
    "body": lambda view, item: view.body(item),
    "sender": lambda _, item: _first(item, "sender", "from"),
    "from": lambda _, item: _first(item, "from", "sender"),
    "toRecipients": lambda _, item: _people(item, "to"),
    "ccRecipients": lambda _, item: _people(item, "cc"),
    "bccRecipients": lambda _, item: _people(item, "bcc"),
    "replyTo": lambda _, item: _people(item, "reply-to"),
    "flag": lambda _, item: {"flagStatus": item.flag},
    "internetMessageHeaders": _headers,
    "uniqueBody": lambda view, item: view.unique_body(item),
}
DEFAULT = tuple(name for name in PROPERTIES if name not in ("internetMessageHeaders", "uniqueBody"))
_CONTENTS = frozenset({"body", "bodyPreview", "uniqueBody"})
_QUICK: dict[str, Callable[[Item], Any]] = {
    "receivedDateTime": lambda item: item.received,
    "sentDateTime": lambda item: item.sent,
    "createdDateTime": lambda item: item.created,
    "lastModifiedDateTime": lambda item: item.modified,
}
MESSAGE_NAMES = frozenset(PROPERTIES)
FOLDER_NAMES = frozenset(
    [
        "id",
        "displayName",
        "parentFolderId",
        "childFolderCount",
        "unreadItemCount",
        "totalItemCount",
        "sizeInBytes",
        "isHidden",
    ]
)


def attached(kept: Attachment) -> Json:
    """What $filter and $orderby of attachments look at."""
    return {"name": kept.name, "size": kept.size, "isInline": kept.inline, "contentType": kept.content_type}
