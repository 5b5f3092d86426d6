"""Mail written through the API: JSON to MIME and back into drafts, replies, forwards.

https://learn.microsoft.com/graph/api/resources/message#json-representation.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as FOLDING
from email.utils import format_datetime
from hashlib import sha256
from typing import Any

from tradepost.sandbox.graph import content
from tradepost.sandbox.graph.errors import ApiError, bad_request, documented
from tradepost.sandbox.graph.mailbox import Item
from tradepost.sandbox.graph.view import Json

MAX_UPLOAD = (
    4_000_000  # bytes of a request that Graph takes: https://learn.microsoft.com/graph/outlook-large-attachments
)
_RECIPIENTS = (("toRecipients", "To"), ("ccRecipients", "Cc"), ("bccRecipients", "Bcc"), ("replyTo", "Reply-To"))
SMTP = FOLDING.clone(max_line_length=900)
_PLAIN = re.compile(r"[\r\n\x00]+")


def address_of(value: Any) -> str:
    """`Name <address>` of a recipient object. Raises 400."""
    entry = value.get("emailAddress") if isinstance(value, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(entry.get("address"), str):
        raise bad_request("At least one recipient is not valid.")
    name, address = _PLAIN.sub(" ", str(entry.get("name") or "")), entry["address"].strip()
    if not re.fullmatch(r"[^\s<>@,;]+@[^\s<>@,;]+", address):
        raise ApiError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    try:
        return str(Address(display_name=name, addr_spec=address))
    except ValueError as error:
        raise ApiError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.") from error


def mime_of(
    body: Json, sender: tuple[str, str], message_id: str, now: datetime, base: bytes = b"", *, drop: int = -1
) -> bytes:
    """The MIME of a message resource.

    `base` is the draft's former MIME, of which what `body` leaves out is kept, but for the attachment at `drop`.
    """
    old = content.read(base) if base else None
    mail = EmailMessage(policy=SMTP)
    mail["From"] = str(Address(display_name=sender[0], addr_spec=sender[1]))
    for name, header in _RECIPIENTS:
        given = body.get(name)
        if given is not None:
            if not isinstance(given, list):
                raise bad_request(f"Cannot deserialize {name}.")
            people = ", ".join(address_of(entry) for entry in given)
        else:
            people = old.header(header) if old else ""
        _put_header(mail, header, people)
    mail["Subject"] = _PLAIN.sub(" ", str(body.get("subject", old.header("Subject") if old else "") or ""))
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}>"
    _more_headers(mail, body, old)
    _put_body(mail, body, old)
    _keep_attachments(mail, base, old, drop)
    for attachment in _entries(body, "attachments"):
        attach(mail, attachment)
    return rendered(mail)


def _entries(body: Json, name: str) -> list[Json]:
    """A property that is a list of objects. Raises 400."""
    found = body.get(name) or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise bad_request(f"Cannot deserialize {name}.")
    return found


def _put_header(mail: EmailMessage, name: str, value: str) -> None:
    """A header that the library cannot hold, since hostile mail brought it, is left out."""
    with suppress(ValueError, LookupError, TypeError, AttributeError):
        if value:
            mail[name] = value


def rendered(mail: EmailMessage) -> bytes:
    """The mail's bytes, with boundaries that follow from its Message-ID where the library would draw them by chance."""
    own = sha256(str(mail["Message-ID"]).encode()).hexdigest()[:24].upper()
    for n, part in enumerate(mail.walk()):
        if part.is_multipart() and part.get_content_maintype() == "multipart" and not part.get_boundary():
            part.set_boundary(f"_{n:03d}_{own}_")
    try:
        return mail.as_bytes()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise documented(500, "ErrorMimeContentConversionFailed") from error


def _more_headers(mail: EmailMessage, body: Json, old: content.Content | None) -> None:
    importance = str(body.get("importance") or (old.header("Importance") if old else ""))
    if importance.lower() in ("high", "low"):
        mail["Importance"] = importance.lower()
    for header in ("References", "In-Reply-To"):
        if old and old.header(header):
            _put_header(mail, header, old.header(header))
    for entry in _entries(body, "internetMessageHeaders"):
        name, value = str(entry.get("name", "")), _PLAIN.sub(" ", str(entry.get("value", "")))
        if not re.fullmatch(r"[xX]-[A-Za-z0-9-]{1,100}", name):
            message = f"The internet message header name '{name}' should start with 'x-' or 'X-'."
            raise ApiError(400, "InvalidInternetMessageHeader", message)
        mail[name] = value


def _put_body(mail: EmailMessage, body: Json, old: content.Content | None) -> None:
    given = body.get("body")
    if isinstance(given, Mapping):
        text, html = str(given.get("content") or ""), str(given.get("contentType", "text")).lower() == "html"
    elif old is not None:
        text, html = (old.html, True) if old.html is not None else (old.text or "", False)
    else:
        text, html = "", False
    text = text.encode("utf-8", "replace").decode()  # JSON may name halves of characters
    mail.set_content(text, subtype="html" if html else "plain", charset="utf-8")


def _keep_attachments(mail: EmailMessage, base: bytes, old: content.Content | None, drop: int) -> None:
    for index, kept in enumerate(old.attachments if old else ()):
        if index == drop:
            continue
        main, _, sub = (kept.content_type or "message/rfc822").partition("/")
        data = content.attachment_bytes(base, index)
        if not _is_leaf(main, sub):
            main, sub = "application", "octet-stream"
        where = "inline" if kept.inline else "attachment"
        name, cid = _PLAIN.sub(" ", kept.name), _cid(_PLAIN.sub("", kept.content_id))
        mail.add_attachment(data, main, sub, filename=name, cid=cid, disposition=where)


def _is_leaf(main: str, sub: str) -> bool:
    right = re.fullmatch(r"[\w.+-]+/[\w.+-]+", f"{main}/{sub}", re.ASCII)
    return right is not None and main not in ("multipart", "message")


def _cid(text: str) -> str | None:
    return f"<{text}>" if text else None


def attach(mail: EmailMessage, given: Any) -> None:
    """A fileAttachment object as a MIME part. Raises 400."""
    if not isinstance(given, Mapping) or not str(given.get("@odata.type", "")).endswith("fileAttachment"):
        raise bad_request("Only attachments of type #microsoft.graph.fileAttachment are taken here.")
    try:
        data = b64decode(str(given.get("contentBytes") or ""), validate=True)
    except ValueError as error:
        raise bad_request("Cannot convert the literal to the expected type 'Edm.Binary'.") from error
    main, _, sub = str(given.get("contentType") or "application/octet-stream").partition("/")
    if not _is_leaf(main, sub):
        main, sub = "application", "octet-stream"
    name = _PLAIN.sub(" ", str(given.get("name") or "attachment"))
    inline = "inline" if given.get("isInline") else "attachment"
    mail.add_attachment(data, main, sub, filename=name, cid=_cid(str(given.get("contentId") or "")), disposition=inline)


def reply_body(item: Item, given: Json, *, own: frozenset[str], everyone: bool) -> Json:
    """What a reply's draft starts from; `given` are the call's parameters."""
    people = item.content.people
    back = people["reply-to"] or people["from"] or people["sender"]
    to = [*back, *(people["to"] if everyone else ())]
    cc = people["cc"] if everyone else ()
    start: Json = {
        "subject": _prefixed("RE", item.head.subject),
        "toRecipients": _objects(to, own),
        "ccRecipients": _objects(cc, own),
        "body": {"contentType": "text", "content": f"{given.get('comment') or ''}\n\n{_quoted(item)}"},
    }
    return start | _message(given)


def forward_body(item: Item, given: Json) -> Json:
    start: Json = {
        "subject": _prefixed("FW", item.head.subject),
        "toRecipients": given.get("torecipients") or [],
        "body": {"contentType": "text", "content": f"{given.get('comment') or ''}\n\n{_quoted(item)}"},
    }
    return start | _message(given)


def _message(given: Json) -> Json:
    """What an answer's `message` sets. Raises 400 where a parameter beside it sets the same.

    https://learn.microsoft.com/graph/api/message-reply and .../message-createforward.
    """
    whole = given.get("message") or {}
    found = {name: value for name, value in whole.items() if value} if isinstance(whole, dict) else {}
    for parameter, name in (("comment", "body"), ("torecipients", "toRecipients")):
        if given.get(parameter) and name in found:
            raise bad_request(f"The parameters '{parameter}' and 'message.{name}' cannot be given together.")
    return found


def _objects(people: Any, own: frozenset[str]) -> list[Json]:
    found = {p.address.lower(): p for p in people if p.address and p.address.lower() not in own}
    return [{"emailAddress": {"name": p.name, "address": p.address}} for p in found.values()]


def _prefixed(prefix: str, subject: str) -> str:
    return subject if subject.upper().startswith(f"{prefix}:") else f"{prefix}: {subject}"


def _quoted(item: Item) -> str:
    sender = next((p.address for p in item.content.people["from"]), "")
    return f"________________________________\nFrom: {sender}\nSubject: {item.head.subject}\n\n{item.text}"


def threaded(raw: bytes, item: Item) -> bytes:
    """A draft that answers a mail names it."""
    if not item.head.message_id:
        return raw
    chain = " ".join(f"<{r}>" for r in (*item.head.references, item.head.message_id))
    return f"In-Reply-To: <{item.head.message_id}>\r\nReferences: {chain}\r\n".encode() + raw
