"""Several calls in one request: multipart/mixed in and out.

https://developers.google.com/workspace/gmail/api/guides/batch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import Message as Mime
from email.policy import compat32
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams

from tradepost.sandbox.gmail.errors import ApiError
from tradepost.sandbox.gmail.strictness import Strictness

MAX_PARTS = 100


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One HTTP request, on its own or as part of a batch."""

    http: str
    path: str
    query: QueryParams
    headers: Headers
    body: bytes
    base: str = "https://gmail.googleapis.com"  # where the request came to

    def plain(self) -> Inquiry:
        """Undo `X-HTTP-Method-Override`: a GET too long for a URL comes as POST with its query as the body."""
        override = self.headers.get("x-http-method-override", "").upper()
        if self.http != "POST" or not override:
            return self
        if override == "GET" and self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            query = QueryParams([*self.query.multi_items(), *QueryParams(self.body).multi_items()])
            return replace(self, http=override, query=query, body=b"")
        return replace(self, http=override)


@dataclass(frozen=True, slots=True)
class Part:
    content_id: str
    inquiry: Inquiry


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


def is_batch(http: str, path: str) -> bool:
    return http == "POST" and re.fullmatch(r"/batch(/gmail/v1)?/?", path) is not None


def boundary_of(body: bytes) -> str:
    """The boundary as the body shows it; `describe` sees no headers."""
    found = re.match(rb"\s*--([^\r\n]+?)[ \t]*\r?\n", body)
    return found[1].decode("latin-1") if found else ""


def parse_batch(body: bytes, outer: Headers, strictness: Strictness) -> list[Part]:
    """The parts in order. A part without Authorization has that of the batch. Raises 400."""
    boundary = boundary_of(body)
    whole = message_from_bytes(
        f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'.encode("latin-1") + body, policy=compat32
    )
    pieces = whole.get_payload()
    if not boundary or not isinstance(pieces, list) or not pieces:
        raise ApiError(400, "", "Failed to parse batch request, error: 0 items.")
    if len(pieces) > MAX_PARTS and strictness.batch_part_limit:
        # https://github.com/mhasbini/gmail_analyzer/issues/12
        raise ApiError(400, "", f"Inner request count exceeds the limit. Received: {len(pieces)}, Limit: {MAX_PARTS}")
    return [_part(piece, outer) for piece in pieces if isinstance(piece, Mime)]


def _part(piece: Mime, outer: Headers) -> Part:
    data = piece.get_payload(decode=True)
    line, _, rest = (data if isinstance(data, bytes) else b"").lstrip().partition(b"\n")
    words = line.decode("latin-1").split()
    if len(words) < 2:
        raise ApiError(400, "", "Failed to parse batch request, error: malformed request line.")
    head, _, body = (b"\n" + rest.replace(b"\r\n", b"\n")).partition(b"\n\n")
    headers = {name.lower(): value for name, value in message_from_bytes(head.lstrip() + b"\n\n").items()}
    if "authorization" not in headers and "authorization" in outer:
        headers["authorization"] = outer["authorization"]
    target = urlsplit(words[1])
    inquiry = Inquiry(words[0].upper(), target.path, QueryParams(target.query), Headers(headers), body)
    return Part(str(piece.get("Content-ID", "")), inquiry.plain())


def render_batch(parts: list[Part], replies: list[Reply], boundary: str) -> bytes:
    """The answer's body: the parts' order, their ids with `response-` before them, a status each."""
    chunks: list[bytes] = []
    for part, reply in zip(parts, replies, strict=True):
        lines = [f"--{boundary}", "Content-Type: application/http"]
        if part.content_id:
            inner = part.content_id.removeprefix("<")
            lines.append(f"Content-ID: {'<' if inner != part.content_id else ''}response-{inner}")
        reason = HTTPStatus(reply.status).phrase
        lines += ["", f"HTTP/1.1 {reply.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines += [f"Content-Length: {len(reply.body)}", "", ""]
        chunks.append("\r\n".join(lines).encode() + reply.body + b"\r\n")
    return b"".join(chunks) + f"--{boundary}--\r\n".encode()
