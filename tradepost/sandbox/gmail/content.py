"""Reads mail the way Gmail shows it: decoded headers, MIME parts, text to search in. Never raises on bad mail."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message as Mime
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import getaddresses, mktime_tz, parsedate_tz

MAX_DEPTH = 40
MAX_TEXT = 200_000  # characters of text a search looks at

_PREFIX = re.compile(
    r"^\s*(?:(?:re|fwd?|aw|wg|sv|vs|tr|rv|antw|回复|答复|转发)\s*(?:\[\d+\])?\s*[::]\s*)+", re.IGNORECASE
)
_MSGID = re.compile(r"<([^<>\s]+)>")
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "ks_c_5601-1987": "cp949", "iso-8859-1": "cp1252", "us-ascii": "utf-8"}
# What the standard library's lenient parser still raises on hostile headers.
_BAD = (LookupError, ValueError, TypeError, AttributeError, RecursionError, MessageError)


@dataclass(frozen=True, slots=True)
class Head:
    """What threading needs. Ids are without angle brackets; `references` holds In-Reply-To too."""

    message_id: str
    references: tuple[str, ...]
    subject: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a search needs. Addresses are lower-case (address, display name) pairs."""

    headers: tuple[tuple[str, str], ...]  # (lower-case name, decoded value)
    people: dict[str, tuple[tuple[str, str], ...]]
    text: str
    filenames: tuple[str, ...]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


def decode_bytes(data: bytes, charset: str | None) -> str:
    name = (charset or "utf-8").strip().strip("\"'").lower()
    try:
        return data.decode(_WIDER.get(name, name), "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def decode_value(value: object) -> str:
    """A header's value unfolded, with encoded words and raw UTF-8 decoded."""
    text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = re.sub(r"[\r\n]+(?=[ \t])", "", text).replace("\r", "").replace("\n", "")
    if "=?" not in text:
        return text.strip()
    try:
        chunks = decode_header(text)
    except (HeaderParseError, *_BAD):
        return text.strip()
    return "".join(_chunk(data, charset) for data, charset in chunks).strip()


def _chunk(data: bytes | str, charset: str | None) -> str:
    if isinstance(data, str):
        return data
    # The library hands back text outside encoded words in this codec.
    return decode_bytes(data, charset) if charset else data.decode("raw-unicode-escape", "replace")


def headers_of(part: Mime) -> list[tuple[str, str]]:
    return [(name, decode_value(value)) for name, value in part.raw_items()]


def parse(raw: bytes) -> Mime:
    """The MIME tree. Mail nested deeper than the parser can go is one text part."""
    try:
        return message_from_bytes(raw, policy=compat32)
    except _BAD:
        flat = BytesHeaderParser(policy=compat32).parsebytes(raw)
        flat.replace_header("Content-Type", "text/plain") if "Content-Type" in flat else None
        return flat


def read_head(raw: bytes) -> Head:
    end = re.search(rb"\r?\n\r?\n", raw)
    headers = BytesHeaderParser(policy=compat32).parsebytes(raw[: end.end()] if end else raw)
    values = {"message-id": "", "references": "", "in-reply-to": "", "subject": ""}
    for name, value in headers.raw_items():
        if name.lower() in values and not values[name.lower()]:
            values[name.lower()] = decode_value(value)
    found = _MSGID.findall(values["message-id"])
    refs = _MSGID.findall(values["references"]) + _MSGID.findall(values["in-reply-to"])
    own = found[0] if found else values["message-id"].strip("<> ")
    return Head(own, tuple(dict.fromkeys(refs)), values["subject"])


def base_subject(subject: str) -> str:
    """The subject without reply and forward prefixes, case and runs of blanks."""
    return " ".join(_PREFIX.sub("", subject).lower().split())


def media_type(part: Mime) -> str:
    try:
        return part.get_content_type()
    except _BAD:
        return "text/plain"


def filename(part: Mime) -> str:
    try:
        return decode_value(part.get_filename() or "")
    except _BAD:
        return ""


def charset(part: Mime) -> str | None:
    try:
        return part.get_content_charset()
    except _BAD:
        return None


def payload_bytes(part: Mime) -> bytes:
    """The decoded body of a leaf. Gmail shows text parts in UTF-8 whatever they were sent in."""
    try:
        data = part.get_payload(decode=True)
    except _BAD:
        return b""
    if not isinstance(data, bytes):
        return b""
    if media_type(part).startswith("text/") and not filename(part):
        return decode_bytes(data, charset(part)).encode()
    return data


def children(part: Mime) -> list[Mime]:
    payload = part.get_payload()
    return [p for p in payload if isinstance(p, Mime)] if isinstance(payload, list) else []


def leaves(part: Mime, depth: int = 0) -> Iterator[Mime]:
    inner = children(part)
    if not inner or depth >= MAX_DEPTH:
        yield part
        return
    for child in inner:
        yield from leaves(child, depth + 1)


def plain(markup: str) -> str:
    """HTML as a line of text, good enough for snippets and searches."""
    return " ".join(html.unescape(_TAG.sub(" ", markup)).split())


def read_text(root: Mime) -> str:
    """Plain text where the mail has it, else its HTML without tags."""
    texts: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    for part in leaves(root):
        if (kind := media_type(part)) in texts and not filename(part):
            texts[kind].append(payload_bytes(part).decode("utf-8", "replace"))
    body = "\n".join(texts["text/plain"]).strip() or plain("\n".join(texts["text/html"])[: 4 * MAX_TEXT])
    return body[:MAX_TEXT]


def addresses(values: list[str]) -> tuple[tuple[str, str], ...]:
    """(address, display name) pairs; split before decoding, since a decoded name may hold commas."""
    try:
        pairs = getaddresses(values)
    except _BAD:
        return ()
    return tuple((mail.lower(), decode_value(name).lower()) for name, mail in pairs if mail or name)


def read_content(raw: bytes) -> Content:
    root = parse(raw)
    headers = tuple((name.lower(), value) for name, value in headers_of(root))
    written = [(name.lower(), str(value)) for name, value in root.raw_items()]
    people = {field: addresses([v for name, v in written if name == field]) for field in ("from", "to", "cc", "bcc")}
    names = tuple(name for part in leaves(root) if (name := filename(part)))
    return Content(headers, people, read_text(root), names)


def date_header(raw: bytes) -> datetime | None:
    """The Date header in UTC, or None when it is missing or absurd."""
    head = re.search(
        rb"^date:[ \t]*([^\r\n]+)", re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0], re.IGNORECASE | re.MULTILINE
    )
    try:
        parsed = parsedate_tz(head[1].decode("ascii", "replace")) if head else None
        return datetime.fromtimestamp(mktime_tz(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError, IndexError, TypeError):
        return None
