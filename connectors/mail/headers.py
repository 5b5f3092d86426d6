"""Header values as they come from the world: encoded words, raw bytes, addresses, ids, parameters, dates.

Pure. Never raises; linear in the length of the value. RFC 5322, 2047, 2231, 6532, read as widely as mail programs do.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from connectors.base.hosts import ascii_host
from connectors.base.model import Address
from connectors.mail.charsets import decode

_LINE = re.compile(rb"(?m)^([!-9;-~]{1,100})[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)")
# What opens an encoded word; a language tag (RFC 2231) may stand behind the charset.
_OPEN = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bqBQ])\?")
_BETWEEN_WORDS = re.compile(r"\?=\s+(?==\?)")
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]+")
_ID = re.compile(r"<([^<>]{1,998})>")
_BARE_ID = re.compile(r"[^\s<>@,;\"]+@[^\s<>@,;\"]+")
_SPEC = re.compile(r"(?<![^\s<>@,;:\"()\[\]])[^\s<>@,;:\"()\[\]]+@(?:[^\s<>@,;:\"()\[\]]+|\[[^\s<>@\]]{1,60}\])")
_PARAM = re.compile(r"(?:^|[;\s])([^\s=;]{1,60})\s*=\s*(\"(?:[^\"\\]|\\.)*\"?|[^;]*)")
_CONTINUED = re.compile(r"(.+?)\*(\d{1,3})?(\*)?$")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?")

HEADER_CHARS = 65_536  # what of one value is looked at


def split(block: bytes) -> list[tuple[str, bytes]]:
    """The (lower-case name, raw value) pairs of a header block, in order; lines that are no header are passed over."""
    return [(m[1].decode("ascii").lower(), m[2]) for m in _LINE.finditer(block)]


def unfold(raw: bytes, hint: str = "") -> str:
    """A raw value as one line of text, encoded words still in it.

    Raw bytes beyond ASCII are UTF-8 (RFC 6532), else `hint` (the charset of the mail's first text), else guessed.
    """
    raw = raw[:HEADER_CHARS]
    value = raw.decode("ascii") if raw.isascii() and b"\x1b$" not in raw else decode(raw, "", hint)[0]
    return _one_line(value)


def text(value: str) -> str:
    """What an unfolded value says, encoded words read; what is broken beyond reading stays as it is written."""
    if "=?" not in value:
        return value
    out: list[str] = []
    run: list[_Word] = []
    end = 0
    value = _BETWEEN_WORDS.sub("?=", value)
    for word in _words(value):
        if word.start > end or (run and run[-1].charset != word.charset):
            out += [_decoded(run), value[end : word.start]]
            run = []
        run.append(word)
        end = word.end
    return _one_line("".join([*out, _decoded(run), value[end:]]))


class _Word(NamedTuple):
    start: int
    end: int
    charset: str
    encoding: str
    payload: str


def _words(value: str) -> Iterator[_Word]:
    start = value.find("=?")
    while start >= 0:
        opening = _OPEN.match(value, start)
        end = start + 2
        if opening:
            stop = value.find("?=", opening.end())
            if stop < 0:
                return
            end = stop + 2
            yield _Word(start, end, opening[1].lower(), opening[2].upper(), value[opening.end() : stop])
        start = value.find("=?", end)


def _decoded(run: list[_Word]) -> str:
    """Neighbouring words of one charset are decoded together: senders split them in the middle of a character."""
    if not run:
        return ""
    pieces = [_bytes_of(word.encoding, word.payload) for word in run]
    if all(word.encoding == "B" for word in run) and any(len(word.payload) % 4 for word in run[:-1]):
        pieces = [base64_bytes("".join(word.payload.rstrip("=") for word in run).encode())]  # split inside a byte
    if not all(word.payload.isascii() for word in run):
        return decode(b"".join(pieces))[0]  # raw bytes inside an encoded word
    whole = decode(b"".join(pieces), run[0].charset)[0]
    return whole if "\ufffd" not in whole else "".join(decode(piece, run[0].charset)[0] for piece in pieces)


def _bytes_of(encoding: str, payload: str) -> bytes:
    data = payload.encode("utf-8")
    if encoding == "B":
        return base64_bytes(data)
    return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)


def base64_bytes(data: bytes) -> bytes:
    """Base64 with whatever is no base64 passed over and the padding mended."""
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    data = data[: len(data) - 1] if len(data) % 4 == 1 else data
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def _one_line(value: str) -> str:
    return _SPACES.sub(" ", value).strip()


# ----------------------------------------------------------------------------------------------------------- addresses


def addresses(value: str, limit: int = 1000) -> tuple[Address, ...]:
    """The mailboxes of an unfolded address header, groups opened, comments as names where there is no other.

    E-mails are lower-case, with the domain in its ASCII form. A mailbox without any address keeps its name.
    """
    found: list[Address] = []
    for chunk in _mailboxes(value):
        found += [address for address in map(_mailbox, _unlisted(chunk)) if address.email or address.name]
        if len(found) >= limit:
            break
    found = found[:limit]
    if not any(a.email for a in found) and "=?" in value:  # the whole header was encoded, brackets and all
        decoded = text(value)
        if "@" in decoded and "=?" not in decoded:
            again = [_mailbox(c) for c in _mailboxes(decoded)]
            return tuple(a for a in again if a.email)[:limit] or tuple(found)
    return tuple(found)


def _mailboxes(value: str) -> list[str]:
    """Cut at commas and semicolons outside quotes, comments and brackets; drop the names of groups."""
    chunks: list[str] = []
    start = depth = 0
    quoted = angle = escaped = False
    for i, c in enumerate(value):
        if escaped:
            escaped = False
        elif c == "\\" and (quoted or depth):
            escaped = True
        elif c == '"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif c == "(":
            depth += 1
        elif c == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif c in "<>":
            angle = c == "<"
        elif c in ",;" and not angle:
            chunks.append(value[start:i])
            start = i + 1
        elif c == ":" and not angle and "@" not in value[start:i] and "=?" not in value[start:i]:
            start = i + 1  # the name of a group
    if quoted or depth or angle:  # never closed: cut plainly
        return [*chunks, *re.split("[,;]", value[start:])]
    return [*chunks, value[start:]]


def _unlisted(chunk: str) -> list[str]:
    """Bare addresses with nothing but blanks between them, as scripts write them, are several."""
    words = chunk.split()
    return words if len(words) > 1 and all(_SPEC.fullmatch(word) for word in words) else [chunk]


def _mailbox(chunk: str) -> Address:
    bare, comments = _uncomment(chunk)
    left, bracket, right = bare.rpartition("<")
    inner = right.partition(">")[0].strip().strip("'\"") if bracket else ""
    if bracket and ("@" in inner or not _SPEC.search(left)):
        name, spec = left, inner.rpartition(":")[2] if inner.startswith("@") else inner
    else:
        m = _SPEC.search(bare.replace("mailto:", ""))
        name, spec = ("", m[0]) if m else (bare.replace("<>", ""), "")
    label = (text(_unquote(name)) or text(comments)).strip("'\" ")
    email = _email(spec)
    return Address(email, "" if label.lower() == email else label)


def _uncomment(chunk: str) -> tuple[str, str]:
    if "(" not in chunk:
        return chunk, ""
    bare: list[str] = []
    comments: list[str] = []
    depth, quoted = 0, False
    for c in chunk:
        if c == '"' and not depth:
            quoted = not quoted
        if c == "(" and not quoted:
            depth += 1
            if depth == 1:
                continue
        elif c == ")" and depth:
            depth -= 1
            if not depth:
                continue
        (comments if depth else bare).append(c)
    return "".join(bare), "".join(comments).strip()


def _unquote(name: str) -> str:
    name = name.strip()
    if len(name) >= 2 and name[0] == '"' == name[-1]:
        name = name[1:-1]
    return re.sub(r"\\(.)", r"\1", name) if "\\" in name else name


def _email(spec: str) -> str:
    local, at, domain = re.sub(r"\s+", "", text(spec)).strip("<>'\",;:").rpartition("@")
    if not at or not local or not domain:
        return ""
    if local[0] == '"' == local[-1] and re.fullmatch(r'"[\w.!#$%&*+/=?^`{|}~-]+"', local):
        local = local[1:-1]
    return f"{local}@{ascii_domain(domain)}".lower()[:320]


def ascii_domain(domain: str) -> str:
    """A domain as DNS and CRMs write it: lower-case, internationalised labels as xn--."""
    domain = domain.strip().rstrip(".").lower()
    if domain.isascii() or len(domain) > 253:
        return domain
    try:
        return ascii_host(domain)
    except UnicodeError:
        return domain


# ----------------------------------------------------------------------------------------------- ids, parameters, dates


def message_ids(value: str) -> tuple[str, ...]:
    """The ids of Message-ID, In-Reply-To or References, without brackets; some web mail writes none at all."""
    found = [re.sub(r"\s+", "", i) for i in _ID.findall(value)]
    if not found:
        words = value.replace(",", " ").split()
        found = words if words and all(_BARE_ID.fullmatch(w) for w in words) else []
    return tuple(dict.fromkeys(i for i in found if i))


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """The lower-case token and the parameters of Content-Type or Content-Disposition; RFC 2231 pieces put together."""
    value = value[:8192]
    token = re.split(r"[\s;]", value, maxsplit=1)[0]
    rest = value[len(token) :]
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for m in _PARAM.finditer(rest):
        name, content = m[1].lower(), m[2].strip()
        if content[:1] == '"':
            content = re.sub(r"\\([\"\\])", r"\1", content[1:].removesuffix('"'))
        star = _CONTINUED.match(name) if "*" in name else None
        if star:
            pieces.setdefault(star[1], {}).setdefault(int(star[2] or 0), (bool(star[3]) or star[2] is None, content))
        else:
            plain.setdefault(name, text(content))
    plain.update({name: _joined(parts) for name, parts in pieces.items()})
    return token.strip().lower(), plain


def _joined(parts: dict[int, tuple[bool, str]]) -> str:
    ordered = [parts[n] for n in sorted(parts)]
    charset, data = "", b""
    for n, (encoded, content) in enumerate(ordered):
        if encoded and n == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)  # noqa: PLW2901
        raw = content.encode("utf-8")
        data += unquote_to_bytes(raw) if encoded else raw
    joined = _one_line(decode(data, charset)[0])
    return joined if charset else text(joined)


def date(value: str) -> datetime | None:
    """A Date header in UTC; None where it makes no sense. A time without a zone counts as UTC."""
    value = value[:200]
    iso = _ISO.match(value.strip())
    if iso:
        zone = (iso[7] or "Z").replace(":", "")
        offset = 0 if zone == "Z" else int(zone[0] + "1") * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)
        fields = [int(iso[n] or 0) for n in range(1, 7)]
    else:
        try:
            parsed = parsedate_tz(value)
        except (ValueError, IndexError, TypeError, OverflowError):
            return None
        if parsed is None:
            return None
        fields, offset = list(parsed[:6]), parsed[9] or 0
    if not 1980 <= fields[0] <= 2200 or abs(offset) > 86_400:
        return None
    try:
        year, month, day, hour, minute, second = fields
        local = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        return (local - timedelta(seconds=offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
