"""A mail as Microsoft Graph's JSON to a `MailMessage`. Pure; never raises; bounded as `mime.Limits` says.

Headers are preferred where Graph gives them: they are what every other copy of the mail has too, while Exchange puts
addresses of the directory in place of those that were written. https://learn.microsoft.com/graph/api/resources/message
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from typing import Any

from connectors.base.errors import BadReply
from connectors.base.model import Address, Attachment, MailMessage, Place, Unreadable
from connectors.mail import headers as hdr
from connectors.mail import mime
from connectors.mail.graph_folders_map import Folders
from connectors.mail.graph_parse import body_of, moment

PRIVATE = "marked_private"

SELECT = ",".join(
    str.split("""
    id internetMessageId conversationId parentFolderId subject from sender replyTo toRecipients ccRecipients
    bccRecipients receivedDateTime sentDateTime hasAttachments categories importance isDraft internetMessageHeaders body
    """)
)
"""`internetMessageHeaders` comes only when asked for, and not for mail that Outlook itself sent."""

# https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxprops: PidTagSensitivity, PidTagMessageSize. A
# message has no such property in Graph itself.
SENSITIVITY = "Integer 0x36"
SIZE = "Integer 0xE08"
EXPAND = (
    "attachments($select=id,name,contentType,size,isInline),"
    f"singleValueExtendedProperties($filter=id eq '{SENSITIVITY}')"
)
EXPAND_SIZE = f"singleValueExtendedProperties($filter=id eq '{SIZE}')"

_LIMITS = mime.Limits()
_MARKS = {"personal": "personal", "private": "private", "company-confidential": "confidential"}  # RFC 2156
_NUMBERS = {"1": "personal", "2": "private", "3": "confidential"}
_EXCHANGE_ITSELF = "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e@"  # who signs Exchange's own delivery reports


@dataclass(frozen=True, slots=True)
class Reading:
    """How mails are read: where their folders lie, and which marks keep them out."""

    folders: Folders
    skip: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """What became of one mail. `report`: its text is in its MIME form, which is worth asking for."""

    fate: MailMessage | Unreadable
    report: bool = field(default=False)


# -------------------------------------------------------------------------------------------------------------- reading


def read_item(item: Mapping[str, Any], reading: Reading, folder: str = "") -> Read:
    """One mail. `folder` is where it was listed, for a page that does not say."""
    id_ = _text(item, "id")
    received = moment(item.get("receivedDateTime")) or moment(item.get("sentDateTime"))
    try:
        if is_private(item, reading.skip):
            return Read(Unreadable(id_, PRIVATE, received))
        if received is None:
            return Read(Unreadable(id_, "mail_unreadable"))
        message = _message(item, id_, received, reading, folder)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return Read(Unreadable(id_, "mail_unreadable", received))
    return Read(message, _is_report(message))


def at_hand(item: Mapping[str, Any], reading: Reading, folder: str) -> MailMessage | None:
    """The mail of a page of changes, where the page holds all of it; None where it has to be asked for.

    Attachments are not in a page: `$expand` there ignores what it is told to select and brings their contents
    (https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/8431). Without headers there is no telling
    threads and marks.
    """
    body = item.get("body")
    if not isinstance(body, dict) or not isinstance(body.get("content"), str) or not item.get("internetMessageHeaders"):
        return None
    if item.get("hasAttachments") is not False or item.get("isDraft") is not False or "cid:" in body["content"]:
        return None
    if "receivedDateTime" not in item or "subject" not in item:
        return None
    read = read_item(item, reading, folder)
    return read.fate if isinstance(read.fate, MailMessage) and not read.report else None


def read_mime(content: bytes, shown: MailMessage) -> MailMessage:
    """A mail from its MIME form, in the place of its JSON form; that one where MIME cannot be read."""
    found = mime.parse(
        content,
        id=shown.id,
        thread_id=shown.thread_id,
        received_at=shown.received_at,
        place=shown.place,
        labels=shown.labels,
    )
    return found if isinstance(found, MailMessage) else without_mime(shown)


def without_mime(shown: MailMessage) -> MailMessage:
    """The JSON form with a word that more was wanted."""
    fields = {name: getattr(shown, name) for name in MailMessage.__slots__}
    return MailMessage(**fields | {"defects": (*shown.defects, "mime_unavailable")})


def is_private(item: Mapping[str, Any], skip: Sequence[str]) -> bool:
    """Whether the sender marked the mail as one that is left out."""
    marks = {_MARKS.get(value.strip().lower(), "") for value in _fields(item, ("sensitivity",)).get("sensitivity", ())}
    marks.add(_NUMBERS.get(extended(item, SENSITIVITY), ""))
    return not marks.isdisjoint(skip)


def extended(item: Mapping[str, Any], id_: str) -> str:
    """An extended property's value; Graph may write the number in its id with other letters and zeros."""
    for one in _list(item, "singleValueExtendedProperties"):
        if _id_of(_text(one, "id")) == _id_of(id_):
            return _text(one, "value")
    return ""


def _id_of(written: str) -> tuple[str, str]:
    kind, _, number = written.lower().partition(" 0x")
    return kind, number.lstrip("0")


# -------------------------------------------------------------------------------------------------------------- message


def _message(
    item: Mapping[str, Any],
    id_: str,
    received: datetime,
    reading: Reading,
    folder: str,
) -> MailMessage:
    fields, limits = _fields(item, mime.KEPT_HEADERS | _READ), _LIMITS
    lies_in = _text(item, "parentFolderId") or folder
    text, html, defects = _bodies(item, limits)
    people = {name: _people(item, fields, name, limits) for name in _PEOPLE}
    if not any(address.email for address in people["from"]):
        people["from"] = people["sender"] or people["from"]
    attachments = tuple(_attachments(item, limits))
    label = reading.folders.label(lies_in)
    references = _ids(fields, "references")
    return MailMessage(
        id=id_,
        thread_id=_text(item, "conversationId"),
        received_at=received,
        place=Place.DRAFT if item.get("isDraft") is True else reading.folders.place(lies_in),
        labels=((label,) if label else ()) + tuple(_words(item, "categories")),
        message_id=_message_id(item, fields),
        in_reply_to=_ids(fields, "in-reply-to")[:10],
        references=references[:1] + references[1:][-limits.references + 1 :],
        date=_date(fields, item),
        subject=" ".join(_text(item, "subject").split())[: limits.subject],
        from_=people["from"],
        sender=people["sender"],
        reply_to=people["reply-to"],
        to=people["to"],
        cc=people["cc"],
        bcc=people["bcc"],
        headers=_kept(item, fields, limits),
        text=text,
        html=html,
        attachments=attachments,
        defects=defects,
        size=len(text) + len(html) + sum(a.size for a in attachments),
    )


_PEOPLE = {
    "from": "from",
    "sender": "sender",
    "reply-to": "replyTo",
    "to": "toRecipients",
    "cc": "ccRecipients",
    "bcc": "bccRecipients",
}
_READ = frozenset({*_PEOPLE, "date", "message-id", "in-reply-to", "references"})


def _fields(item: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for header in _list(item, "internetMessageHeaders")[:2_000]:
        name = _text(header, "name").strip().lower()
        if name in wanted:
            fields.setdefault(name, []).append(hdr.unfold(_text(header, "value").encode("utf-8", "replace")))
    return fields


def _people(
    item: Mapping[str, Any], fields: Mapping[str, list[str]], name: str, limits: mime.Limits
) -> tuple[Address, ...]:
    """From the header, unless Graph knows more of them: long headers are cut."""
    values = fields.get(name, [])
    written = hdr.addresses(", ".join(values[:1] if name == "sender" else values), limits.addresses)
    shown = item.get(_PEOPLE[name])
    recipients = [shown] if isinstance(shown, dict) else _list(item, _PEOPLE[name])
    known = tuple(address for one in recipients[: limits.addresses] if (address := _address(one)) is not None)
    return max((written, known), key=lambda people: len({a.email for a in people if a.email}))


def _address(recipient: Mapping[str, Any]) -> Address | None:
    inner = recipient.get("emailAddress")
    if not isinstance(inner, dict):
        return None
    found = hdr.addresses(f"<{_text(inner, 'address')}>", 1)
    email = found[0].email if found else ""
    name = " ".join(_text(inner, "name").split())[:500]
    return Address(email, "" if name.lower() == email else name) if email or name else None


def _message_id(item: Mapping[str, Any], fields: Mapping[str, list[str]]) -> str:
    written = " ".join(fields.get("message-id", ())) or _text(item, "internetMessageId")
    return next(iter(hdr.message_ids(written)), "") or written.strip("<> ")[:998]


def _ids(fields: Mapping[str, list[str]], name: str) -> tuple[str, ...]:
    return hdr.message_ids(" ".join(fields.get(name, ())))


def _date(fields: Mapping[str, list[str]], item: Mapping[str, Any]) -> datetime | None:
    """The Date header, to the second as every copy has it; for mail of our own, when Exchange sent it."""
    written = next((found for value in fields.get("date", ()) if (found := hdr.date(value))), None)
    sent = written or moment(item.get("sentDateTime"))
    return sent.replace(microsecond=0) if sent else None


def _kept(item: Mapping[str, Any], fields: Mapping[str, list[str]], limits: mime.Limits) -> tuple[tuple[str, str], ...]:
    kept = [
        (name, hdr.text(value)[: limits.header_value])
        for name, values in fields.items()
        if name in mime.KEPT_HEADERS
        for value in values[:5]
    ]
    if "importance" not in fields and item.get("importance") == "high":
        kept.append(("importance", "high"))
    return tuple(kept)


def _bodies(item: Mapping[str, Any], limits: mime.Limits) -> tuple[str, str, tuple[str, ...]]:
    """(text, html, defects). Graph gives one form, and shows plain text as HTML too."""
    body = item.get("body")
    content = _text(body, "content") if isinstance(body, dict) else ""
    content = content.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(body, dict) and _text(body, "contentType").lower() == "html":
        if _FROM_TEXT not in content[:4096]:
            return "", content[: limits.html], ("html_cut",) if len(content) > limits.html else ()
        content = plain_text(content[: limits.text])
    return content[: limits.text], "", ("text_cut",) if len(content) > limits.text else ()


_FROM_TEXT = "<!-- converted from text -->"


# Linear: no token looks past the next <, and what it has taken it does not give back.
_TOKEN = re.compile(r"<(/?)([a-z]*+)[^<>]*+>|([^<]++|<)", re.IGNORECASE)


def plain_text(html: str) -> str:
    """The text that Exchange made this HTML of: lines end with <br>, quoted ones stand in EmailQuote blocks."""
    found: list[str] = []
    depth = 0
    start = html.lower().find("<body")
    for token in _TOKEN.finditer(html, max(start, 0)):
        closing, tag, data = token[1], (token[2] or "").lower(), token[3]
        if data is not None:
            found.append(unescape(data.replace("\n", "")).replace("\xa0", " "))
        elif tag == "br":
            found.append("\n" + "> " * depth)
        elif tag == "blockquote":
            depth = max(0, min(20, depth + (-1 if closing else 1)))
            found.append("" if closing else "> ")
    return "".join(found).rstrip() + "\n"


def _attachments(item: Mapping[str, Any], limits: mime.Limits) -> Iterable[Attachment]:
    for one in _list(item, "attachments")[: limits.parts]:
        kind = _text(one, "@odata.type").rpartition(".")[2]
        size = one.get("size")
        yield Attachment(
            name=_text(one, "name").replace("\\", "/").rpartition("/")[2][: limits.name],
            media_type=_text(one, "contentType").lower()[:100] or _MEDIA.get(kind, "application/octet-stream"),
            size=size if isinstance(size, int) and size >= 0 else 0,
            inline=one.get("isInline") is True,
            ref=_text(one, "id"),
        )
    if _text(item, "@odata.type").rpartition(".")[2].startswith("eventMessage"):
        yield Attachment("", "text/calendar", 0)  # an invitation or an answer to one; Graph gives its part no name


_MEDIA = {"itemAttachment": "message/rfc822", "referenceAttachment": "text/uri-list"}


def _is_report(message: MailMessage) -> bool:
    """Whether it reports on a delivery: its machine-readable part is not in the JSON form."""
    kinds = (value.lower() for name, value in message.headers if name == "content-type")
    reports = any(kind.startswith("multipart/report") for kind in kinds)
    return reports or any(a.email.startswith(_EXCHANGE_ITSELF) for a in message.from_)


# ----------------------------------------------------------------------------------------------------------- odd shapes


def _text(of: Any, name: str) -> str:
    """A text that can be stored: JSON can hold halves of characters."""
    value = of.get(name) if isinstance(of, dict) else None
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _list(of: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = of.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _words(of: Mapping[str, Any], name: str) -> list[str]:
    value = of.get(name)
    return [_text({"": one}, "") for one in value if isinstance(one, str)][:100] if isinstance(value, list) else []


def categories(item: Mapping[str, Any]) -> list[str]:
    return _words(item, "categories")


def parsed(content: bytes, operation: str) -> object:
    """An answer's JSON; arguments by position, for large ones are read away from the loop. Raises `BadReply`."""
    found = body_of(content)
    if found is None:
        raise BadReply("Graph's answer is not JSON.", operation=operation)
    return found
