"""Google's client library builds every request and reads every answer here; nothing of it touches the network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from googleapiclient.discovery import build_from_document  # type: ignore[attr-defined]  # the stubs lack it
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import BatchError, HttpError

from connectors.base.errors import BadReply, Unsupported
from connectors.base.services import Call, Reply

if TYPE_CHECKING:
    from googleapiclient.http import BatchHttpRequest, HttpRequest

UNITS = {
    "getProfile": 1,
    "history.list": 2,
    "labels.list": 1,
    "messages.get": 20,
    "messages.list": 5,
    "settings.sendAs.list": 1,  # not in the published table; its neighbours that only read cost 1
}
"""Quota units of a call, as of May 2026: https://developers.google.com/workspace/gmail/api/reference/quota"""

MAX_PARTS = 25
"""Gmail allows 100 and advises 50, yet limits a user's parallel calls; 25 is what was seen to pass in the field."""


class _Sent(Exception):
    """The library has handed over its request: a signal between the two passes of a batch, not an error."""


class _Answer(dict[str, str]):
    """An answer in the form the library expects from httplib2."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.headers)
        self["status"] = str(reply.status)
        self.status = reply.status
        self.reason = ""


class _Unsigned:
    """Credentials that add nothing: our sender signs the outer request, which holds for the parts of a batch too."""

    access_token = ""
    access_token_expired = False

    def apply(self, headers: object) -> None: ...

    def refresh(self, http: object) -> None: ...


class _Stand:
    """Stands in for httplib2: notes the request of the first pass, gives our sender's answer in the second."""

    credentials = _Unsigned()

    def __init__(self, reply: Reply | None = None) -> None:
        self.uri = ""
        self.body = ""
        self.headers: Mapping[str, str] = {}
        self._reply = reply

    def request(self, uri: str, *, method: str, body: str, headers: Mapping[str, str]) -> tuple[_Answer, bytes]:
        """httplib2's, as a batch calls it."""
        if self._reply is not None:
            return _Answer(self._reply), self._reply.content
        if method != "POST":
            raise Unsupported("The Google client library no longer posts its batches.", operation="batch")
        self.uri, self.body, self.headers = uri, body, headers
        raise _Sent


@lru_cache(maxsize=8)
def gmail_service(base_url: str) -> Any:
    """The library's Gmail resource for one root, from the packaged discovery document (about 2 ms, shared)."""
    document = json.loads(get_static_doc("gmail", "v1"))  # type: ignore[no-untyped-call]
    root = base_url.rstrip("/") + "/"
    document["rootUrl"] = root  # batches ignore the `api_endpoint` option and go to rootUrl
    options = {"api_endpoint": root, "universe_domain": "googleapis.com"}  # else read from the environment
    return build_from_document(document, http=_Stand(), client_options=options)


@lru_cache(maxsize=64)
def gmail_users(base_url: str, name: str = "") -> Any:
    """The resource `users`, or one below it such as `messages`, kept: the library makes a class anew at each call."""
    users = gmail_service(base_url).users()
    return getattr(users, name)() if name else users


def _costs(units: float) -> Mapping[str, float]:
    return {"user": units, "project": units, "day": units}


def _operation(request: HttpRequest) -> str:
    return str(request.methodId).removeprefix("gmail.users.")


def call_of(request: HttpRequest, *, accept: frozenset[int] = frozenset({200})) -> Call:
    """The library's request as a call of ours. Every method used only reads, so all are safe."""
    headers = {k: v for k, v in (request.headers or {}).items() if k != "accept-encoding"}  # the sender's own business
    operation = _operation(request)
    costs = _costs(UNITS[operation])
    return Call(
        operation=operation,
        method=request.method,
        url=request.uri,
        safe=True,
        headers=headers,
        costs=costs,
        accept=accept,
    )


def result_of(request: HttpRequest, reply: Reply) -> object:
    """The library's reading of an answer. Raises `BadReply` for what is no JSON object."""
    try:
        body: object = request.postproc(_Answer(reply), reply.content)  # type: ignore[arg-type]  # reads its status only
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise BadReply("Gmail's answer is not JSON.", operation=_operation(request), status=reply.status)
    return body


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a batch's answer: `body` is the library's reading for a 200, `content` the raw bytes of an error."""

    status: int
    body: object = None
    content: bytes = b""


class Batch:
    """Several calls in one, written and read by the library in two passes around our own sending of it.

    `requests` are keyed by ids of the caller's. The text of the request depends on them alone: the library's random
    content ids and boundary are replaced by fixed ones.
    """

    def __init__(self, service: Any, requests: Mapping[str, HttpRequest]) -> None:
        self._service = service
        self._requests = requests

    def call(self) -> Call:
        first = _Stand()
        with suppress(_Sent):
            self._pass(first, lambda *_: None)
        content_type, body = _settled(first)
        units = sum(UNITS[_operation(request)] for request in self._requests.values())
        return Call(
            operation="batch",
            method="POST",
            url=first.uri,
            safe=True,
            headers={"content-type": content_type, "user-agent": "tradepost (gzip)"},
            content=body,
            costs=_costs(units),
            accept=frozenset({200}),
        )

    def parts(self, reply: Reply) -> Mapping[str, Part]:
        """The answer of every request. Raises `BadReply` for one that is cut short, no multipart, or lacks a part."""
        found: dict[str, Part] = {}

        def note(id_: str, body: object, error: HttpError | None) -> None:
            found[id_] = Part(200, body) if error is None else Part(error.resp.status, None, error.content)

        try:
            self._pass(_Stand(reply), note)
        except (BatchError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise BadReply("Gmail's answer to a batch cannot be read.", operation="batch") from None
        return found

    def _pass(self, stand: _Stand, callback: Any) -> None:
        batch: BatchHttpRequest = self._service.new_batch_http_request(callback=callback)
        batch._base_id = "tradepost"  # type: ignore[attr-defined]  # noqa: SLF001 - else a random UUID
        for id_, request in self._requests.items():
            batch.add(request, request_id=id_)
        batch.execute(http=stand)  # type: ignore[arg-type]  # duck-typed


def raw_requests(base_url: str, ids: Sequence[str]) -> Mapping[str, HttpRequest]:
    """A request for each mail as RFC 5322 text."""
    messages = gmail_users(base_url, "messages")
    return {id_: messages.get(userId="me", id=id_, format="raw") for id_ in ids}


def read_parts(base_url: str, ids: Sequence[str], headers: dict[str, str], content: bytes) -> Mapping[str, Part]:
    """`Batch.parts` away from the loop, for answers of many megabytes; hence plain arguments by position."""
    return Batch(gmail_service(base_url), raw_requests(base_url, ids)).parts(Reply(200, headers, content))


def _settled(stand: _Stand) -> tuple[str, bytes]:
    """The multipart's content type and body under a fixed boundary."""
    content_type = stand.headers["content-type"]
    match = re.search(r'boundary="([^"]+)"', content_type)
    if match is None:
        raise Unsupported("The Google client library wrote a batch without a boundary.", operation="batch")
    drawn, fixed = match[1], "batch_tradepost"
    return content_type.replace(drawn, fixed), stand.body.replace(drawn, fixed).encode()
