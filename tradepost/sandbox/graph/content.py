"""Reads mail the way Exchange stores it: one body, attachments beside it, people with names. Never raises."""

from __future__ import annotations

import html
import io
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import Message as Mime
from email.policy import compat32
from email.utils import getaddresses
from typing import Literal

import nh3

from tradepost.sandbox.gmail.content import (
    MAX_DEPTH,
    charset,
    children,
    decode_bytes,
    decode_value,
    filename,
    headers_of,
    media_type,
    parse,
)

MAX_BODY = 4_000_000  # characters of a body that are kept
PREVIEW = 255

_BAD = (LookupError, ValueError, TypeError, AttributeError, RecursionError)
_OPAQUE = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_BLOCK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/table|/blockquote)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<(script|style|head|title)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)
_CUT = re.compile(
    r"^\s*(?:-{2,}\s*(?:Original Message|原始邮件|邮件原件)\s*-{2,}|_{10,}|From: .+|发件人[::].+"
    r"|On .{5,200} wrote:|.{2,80}写道[::])\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_TAGS = nh3.ALLOWED_TAGS | {"style", "font", "html", "body", "head", "title"}
_ANY = {
    "style",
    "class",
    "id",
    "align",
    "valign",
    "width",
    "height",
    "bgcolor",
    "color",
    "size",
    "face",
    "border",
    "dir",
    "lang",
}
_ATTRIBUTES = {**{tag: names | _ANY for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}, "*": _ANY}
_SCHEMES = nh3.ALLOWED_URL_SCHEMES | {"cid", "data"}

Kind = Literal["file", "item", "reference"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment without its bytes. `size` is that of the contents, in bytes."""

    kind: Kind
    name: str
    content_type: str
    size: int
    inline: bool
    content_id: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says. `html` and `text` are None where the mail has no such part."""

    headers: tuple[tuple[str, str], ...]
    people: dict[str, tuple[Person, ...]]
    html: str | None
    text: str | None
    attachments: tuple[Attachment, ...]
    opaque: bool  # encrypted or opaquely signed S/MIME, itself or what it reports on
    meeting: bool

    def header(self, name: str) -> str:
        """The first one of a name, in whatever letter case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")


@dataclass(slots=True)
class _Found:
    html: Mime | None = None
    text: Mime | None = None
    settled: bool = False
    attached: list[Mime] = field(default_factory=list)
    opaque: bool = False
    meeting: bool = False


# -------------------------------------------------------------------------------------------------------------- reading


def read(raw: bytes) -> Content:
    """Everything but the attachments' bytes."""
    root = parse(raw)
    found = _walk(root)
    markup = text_of(found.html)
    written = [(name.lower(), str(value)) for name, value in root.raw_items()]
    people = {
        kind: _people([value for name, value in written if name == kind])
        for kind in ("from", "sender", "to", "cc", "bcc", "reply-to")
    }
    attached = tuple(_describe(part, n, markup or "") for n, part in enumerate(found.attached, 1))
    return Content(tuple(headers_of(root)), people, markup, text_of(found.text), attached, found.opaque, found.meeting)


def attachment_bytes(raw: bytes, index: int) -> bytes:
    """The contents of the attachment at a place of `Content.attachments`."""
    return _contents(_walk(parse(raw)).attached[index])


def _walk(root: Mime) -> _Found:
    found = _Found()
    _collect(root, found, alternative=False, depth=0)
    return found


def _collect(part: Mime, found: _Found, *, alternative: bool, depth: int) -> None:
    kind = media_type(part)
    inner = children(part)
    if inner and kind == "message/rfc822":
        found.opaque = found.opaque or any(media_type(p) in _OPAQUE for p in _all(part, depth))
        found.attached.append(part)
    elif inner and depth < MAX_DEPTH and not kind.startswith("message/"):
        for child in inner:
            _collect(child, found, alternative=alternative or kind == "multipart/alternative", depth=depth + 1)
        if kind == "multipart/alternative":
            found.settled = found.settled or bool(found.html or found.text)
    elif _is_body(part, kind, found, alternative=alternative):
        if kind == "text/html":
            found.html = part
        else:
            found.text = part
        found.settled = found.settled or not alternative
    elif kind == "text/calendar" and alternative:
        found.meeting = True
    else:
        found.opaque = found.opaque or (kind in _OPAQUE and depth == 0)
        found.attached.append(part)


def _all(part: Mime, depth: int) -> Iterator[Mime]:
    yield part
    if depth < MAX_DEPTH:
        for child in children(part):
            yield from _all(child, depth + 1)


def _is_body(part: Mime, kind: str, found: _Found, *, alternative: bool) -> bool:
    if found.settled or kind not in ("text/plain", "text/html") or children(part):
        return False
    if filename(part) or disposition(part) == "attachment":
        return False
    return (found.html if kind == "text/html" else found.text) is None if alternative else True


def disposition(part: Mime) -> str:
    try:
        return part.get_content_disposition() or ""
    except _BAD:
        return ""


def _payload(part: Mime) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except _BAD:
        return b""
    return data if isinstance(data, bytes) else b""


def _contents(part: Mime) -> bytes:
    if not children(part):
        return _payload(part)
    inner = children(part)[0] if media_type(part) == "message/rfc822" else part
    out = io.BytesIO()
    try:
        BytesGenerator(out, mangle_from_=False, maxheaderlen=0, policy=compat32).flatten(inner)
    except (*_BAD, UnicodeError):
        return b""
    return out.getvalue()


def text_of(part: Mime | None) -> str | None:
    if part is None:
        return None
    return decode_bytes(_payload(part), charset(part))[:MAX_BODY].replace("\x00", "")


def _describe(part: Mime, number: int, markup: str) -> Attachment:
    kind = media_type(part)
    cid = decode_value(part.get("Content-ID", "")).strip("<> ")
    item = kind == "message/rfc822" and bool(children(part))
    named = bool(cid) and f"cid:{cid}".lower() in markup.lower()
    inline = named or (bool(cid) and disposition(part) == "inline")
    return Attachment(
        "item" if item else "file",
        filename(part) or _made_up_name(part, kind, number),
        kind if not item else "",
        len(_contents(part)),
        inline and not item,
        cid,
        decode_value(part.get("Content-Location", "")),
    )


def _made_up_name(part: Mime, kind: str, number: int) -> str:
    """Exchange names what has no name: ATT00001.txt and so on."""
    if kind == "message/rfc822" and children(part):
        return decode_value(children(part)[0].get("Subject", "")) or "Attached message"
    if kind == "message/delivery-status":
        return "details.txt"
    if kind in _OPAQUE:
        return "smime.p7m"
    return f"ATT{number:05d}{mimetypes.guess_extension(kind) or '.bin'}"


def _people(values: list[str]) -> tuple[Person, ...]:
    """Split before decoding, since a decoded name may hold commas."""
    try:
        pairs = getaddresses(values)
    except _BAD:
        return ()
    return tuple(Person(decode_value(name), mail) for name, mail in pairs if mail or name)


# --------------------------------------------------------------------------------------------------------------- bodies


def plain(markup: str) -> str:
    """HTML as text with line breaks."""
    text = html.unescape(_TAG.sub("", _BLOCK.sub("\n", markup)))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return re.sub(r"(\r\n){3,}", "\r\n\r\n", "\r\n".join(lines)).strip()


def as_text(content: Content) -> str:
    if content.html is not None:
        return plain(content.html)
    return "\r\n".join((content.text or "").splitlines()).strip()


def as_html(content: Content, *, sanitised: bool) -> str:
    """The HTML body; plain text is put into markup, as Exchange does."""
    if content.html is None:
        return from_text(as_text(content)) if content.text is not None else ""
    return sanitise(content.html) if sanitised else content.html


def sanitise(markup: str) -> str:
    """Nothing that could act: https://learn.microsoft.com/graph/api/resources/message (body)."""
    clean = nh3.clean(
        markup,
        tags=_TAGS,
        clean_content_tags={"script"},
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    return f"<html><head>\r\n{_META}</head><body>{clean}</body></html>"


_META = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'


def from_text(text: str) -> str:
    lines = "<br>\r\n".join(html.escape(line, quote=False) for line in text.splitlines())
    head = f'<html><head>\r\n{_META}<meta name="Generator" content="Microsoft Exchange Server">\r\n'
    style = "<!-- converted from text --></head>\r\n<body>\r\n"
    return f'{head}{style}<div class="PlainText">{lines}</div>\r\n</body>\r\n</html>\r\n'


def new_text(content: Content) -> str:
    """The part of the text that is new: above the first quotation."""
    text = as_text(content)
    lines = text.split("\r\n")
    quoted = next((n for n, line in enumerate(lines) if line.startswith(">")), len(lines))
    above = "\r\n".join(lines[:quoted])
    cut = _CUT.search(above.replace("\r\n", "\n"))
    return (above.replace("\r\n", "\n")[: cut.start()] if cut else above).replace("\r\n", "\n").strip()


def preview(content: Content) -> str:
    """The body's text with single blanks, whole."""
    return as_text(content)
