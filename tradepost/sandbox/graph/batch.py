"""JSON batching: several calls in one request.

https://learn.microsoft.com/graph/json-batching. Graph runs four parts side by side, whichever mailboxes they are for
(https://github.com/microsoftgraph/microsoft-graph-docs/pull/20833), and judges throttling part by part.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, QueryParams

from tradepost.sandbox.graph.call import Inquiry
from tradepost.sandbox.graph.errors import ApiError, bad_request
from tradepost.sandbox.graph.strictness import Strictness

MAX_PARTS, SIDE_BY_SIDE = 20, 4
_PATH = re.compile(r"/(v1\.0|beta)/\$batch/?", re.IGNORECASE)
_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


@dataclass(frozen=True, slots=True)
class Part:
    id: str
    inquiry: Inquiry
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A part's answer as its own HTTP response would be."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def is_batch(method: str, path: str) -> bool:
    return method == "POST" and _PATH.fullmatch(path) is not None


def parse(outer: Inquiry, strict: Strictness) -> list[Part]:
    """The parts in order. Raises 400 for a batch that is refused as a whole."""
    requests = _requests(outer.body)
    if len(requests) > MAX_PARTS and strict.batch_size:
        message = f"Number of batch request steps exceeds the maximum value of {MAX_PARTS}."
        raise ApiError(400, "MaximumValueExceeded", message)
    parts = [_part(entry, outer, strict) for entry in requests]
    _check_ids(parts, strict)
    return parts


def _requests(body: bytes) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise bad_request("Invalid batch payload format.") from error
    requests = found.get("requests") if isinstance(found, dict) else None
    if not isinstance(requests, list) or not requests or not all(isinstance(r, dict) for r in requests):
        raise bad_request("Invalid batch payload format.")
    return requests


def _check_ids(parts: Sequence[Part], strict: Strictness) -> None:
    seen: set[str] = set()
    for part in parts:
        if part.id.lower() in seen and strict.batch_ids_unique:
            raise bad_request(f"Request id '{part.id}' is not unique in the batch.")  # text not confirmed
        if any(need.lower() not in seen for need in part.needs):
            raise bad_request(f"The dependency of request id '{part.id}' was not found before it.")  # same
        seen.add(part.id.lower())


def _part(entry: Mapping[str, Any], outer: Inquiry, strict: Strictness) -> Part:
    own, method, url = entry.get("id"), str(entry.get("method", "")).upper(), entry.get("url")
    if not isinstance(own, str | int) or isinstance(own, bool) or not str(own):
        raise bad_request("Invalid batch payload format: a request has no id.")
    if method not in _METHODS or not isinstance(url, str) or not url:
        raise bad_request(f"Invalid batch payload format: request id '{own}' has no method or no url.")
    target = urlsplit(url)
    absolute = bool(target.scheme or target.netloc)
    if absolute and strict.absolute_batch_urls_refused:
        # https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/8576
        raise bad_request("Invalid batch payload format.")
    given = entry.get("headers") or {}
    if not isinstance(given, dict):
        raise bad_request("Invalid batch payload format.")
    headers = {str(k).lower(): str(v) for k, v in given.items()}
    body = entry.get("body")
    bare = body is None and strict.batch_writes_have_bodies
    if method in ("POST", "PATCH", "PUT") and (bare or (body is not None and "content-type" not in headers)):
        # also where the call itself takes none: https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/2628
        raise bad_request(f"Write request id : {own} does not contain Content-Type header or body.")
    version = outer.path.split("/")[1].lower()
    path = unquote(target.path)
    path = path if absolute else f"/{version}/{path.lstrip('/')}"
    needs = entry.get("dependsOn") or []
    inquiry = Inquiry(
        method, path, QueryParams(target.query), _headers(headers, outer), _bytes(body), outer.root, outer.host
    )
    return Part(str(own), inquiry, tuple(str(need) for need in needs) if isinstance(needs, list) else ())


def _headers(own: dict[str, str], outer: Inquiry) -> Headers:
    """A part has its own headers; only who asks is taken from the batch."""
    own.pop("authorization", None)
    if "authorization" in outer.headers:
        own["authorization"] = outer.headers["authorization"]
    return Headers(raw=[(k.encode("utf-8", "replace"), v.encode("utf-8", "replace")) for k, v in own.items()])


def _bytes(body: Any) -> bytes:
    """A string is taken as it is: MIME comes as base64 text."""
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def waves(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Groups that run side by side: four at most, none before what it needs."""
    left = list(parts)
    done: set[str] = set()
    while left:
        wave = [part for part in left if all(need.lower() in done for need in part.needs)][:SIDE_BY_SIDE]
        yield wave
        done |= {part.id.lower() for part in wave}
        left = [part for part in left if part not in wave]


def render(part: Part, answer: Answer) -> dict[str, Any]:
    """JSON as JSON, anything else as base64."""
    shown: dict[str, Any] = {"id": part.id, "status": answer.status}
    if answer.headers:
        shown["headers"] = dict(answer.headers)
    if answer.body:
        kind = answer.headers.get("Content-Type", "")
        if not kind.startswith("application/json"):
            shown["body"] = b64encode(answer.body).decode()
            return shown
        try:
            shown["body"] = json.loads(answer.body)
        except ValueError:  # cut on order
            shown["body"] = answer.body.decode("utf-8", "replace")
    return shown
