"""What a connector is handed. It never sleeps, retries, stores, reads the environment or logs contents by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Protocol, TypeVar

from connectors.base.errors import BadReply, ConnectorError

T = TypeVar("T")


class Clock(Protocol):
    """The only source of time. Tests and simulation hand in a virtual one."""

    def now(self) -> datetime:
        """The time of day: aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Log(Protocol):
    """Events with fixed names and ids; never contents, addresses or secrets."""

    def info(self, event: str, **ids: object) -> object: ...
    def warning(self, event: str, **ids: object) -> object: ...
    def error(self, event: str, **ids: object) -> object: ...


class Cpu(Protocol):
    """Runs pure, heavy work away from the loop, with a time limit.

    Raises TimeoutError for work that takes too much, `Transient` when nothing can be run at all.
    """

    async def __call__(self, fn: Callable[..., T], /, *args: Any) -> T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP call.

    `operation` is the vendor's name of it, for logs, quotas and faults. A `safe` call only asks, so the sender may try
    it again; any other is sent once. `costs` are units per quota name. `accept` lists statuses that are answers.
    """

    operation: str
    method: str
    url: str = field(repr=False)  # absolute, or relative to the session's base
    safe: bool
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: object = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    costs: Mapping[str, float] = field(default_factory=dict)
    accept: frozenset[int] = frozenset({200, 201, 202, 204})
    authorised: bool = True
    timeout: float | None = None  # seconds; None = the connection's own


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose status the call accepts. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON; raises `BadReply` when it is none (HTML error page, cut short, nested beyond reason).

        On the answer of an unsafe call, pass that on through `connectors.http.as_unknown`.
        """
        try:
            return json_of(self.content)
        except ValueError:
            # Without its cause: that one keeps the whole body.
            raise BadReply("The answer is not JSON.", status=self.status) from None


def json_of(content: bytes) -> Any:
    """JSON of a reply, with U+FFFD for half surrogate pairs and without NUL, which no database and no vendor takes.

    JSON may hold both as escapes (RFC 8259 8.2): texts that a vendor cut in the middle of an emoji do. Raises
    ValueError for anything else than JSON, or for JSON nested beyond reason.
    """
    try:
        found = json.loads(content.decode("utf-8-sig", "replace"))
        return _storable(found) if _ESCAPED.search(content) else found
    except RecursionError:
        raise ValueError("nested beyond reason") from None


_ESCAPED = re.compile(rb"(?i)\\u(?:d[89a-f]|0000)")


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    return value


class Http(Protocol):
    """Sends calls for one connection: authorised, timed, paced, limited, redacted. Raises only `ConnectorError`s."""

    async def send(self, call: Call) -> Reply:
        """Send and return the answer.

        A refresh of the token and one replay after a 401 happen inside. A safe call is tried again a few times; for an
        unsafe one a lost answer raises `OutcomeUnknown`, a refused connection `Transient`.
        """
        ...

    async def close(self) -> None: ...


class TokenSource(Protocol):
    """Bearer tokens for one account; caches, and refreshes under a lock."""

    async def token(self) -> str:
        """A token believed to be good. Raises `AuthFailed` with a hint, or `Transient`."""
        ...

    async def renew(self, rejected: str) -> str:
        """Another token, after the vendor refused `rejected`."""
        ...


class TokenVault(Protocol):
    """Keeps what vendors hand out (access and refresh tokens) across restarts, encrypted."""

    async def get(self, name: str) -> tuple[str, datetime | None] | None:
        """The token under `name` with its expiry, or None."""
        ...

    async def put(self, name: str, token: str, expires_at: datetime | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Quota:
    """Units a vendor grants in a window. Sessions that name the same `shared` pool draw from one bucket."""

    units: float
    per_seconds: float
    shared: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSpec:
    """How to talk to one vendor account.

    `classify` turns an answer whose status is not accepted into the error it means, or None for the general rule
    (401 AuthFailed, 403 NotPermitted, 404/410 Gone, 409/412 Conflict, 429 RateLimited, other 4xx Rejected, 5xx
    Transient or, for an unsafe call, OutcomeUnknown). A 401 that it reads as anything else than `AuthFailed` is not the
    token's fault, and renews none. `scheme` is the word before the token in the header Authorization.
    """

    name: str
    base_url: str
    classify: Callable[[Call, Reply], ConnectorError | None]
    tokens: TokenSource | None = None
    scheme: str = "Bearer"
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    timeout: float = 60.0
    proxy: str = field(default="", repr=False)
    ca_bundle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a connector may use."""

    open_http: Callable[[HttpSpec], Http]
    clock: Clock
    random: Random
    cpu: Cpu
    log: Log
    vault: TokenVault
