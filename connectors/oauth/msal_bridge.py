"""msal without I/O of its own: it runs in a greenlet, our sender carries its requests, the injected clock is its time.

https://msal-python.readthedocs.io/en/latest/ (tried with 1.39.0).
"""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import msal.authority
import msal.exceptions
from greenlet import getcurrent, greenlet

from connectors.base.errors import AuthFailed, BadReply, ConnectorError, OutcomeUnknown, Transient
from connectors.base.services import Call, Clock, Http, Reply

T = TypeVar("T")

# At debug it logs requests, and at error whole answers of a token endpoint that are not JSON.
logging.getLogger("msal").setLevel(logging.CRITICAL + 1)

_TIMED = tuple(
    importlib.import_module(f"msal.{name}")
    for name in (
        "application",
        "individual_cache",
        "token_cache",
        "oauth2cli.assertion",
        "oauth2cli.oauth2",
        "oauth2cli.oidc",
    )
)
_ANSWERS = frozenset(range(200, 500)) - {408, 429}  # what msal reads itself; the rest waits and tries in our sender


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that msal wants sent."""

    method: str
    url: str = field(repr=False)
    form: Mapping[str, str] | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class _Response:
    """What msal expects of an answer."""

    status_code: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def raise_for_status(self) -> None:
        """Failing servers never come this far."""


class Wire:
    """msal's `http_client`. `authority` is the configured host root; msal itself takes only https.

    A plain http root, as sandboxes have, is shown to msal as https and sent to as what it is.
    """

    def __init__(self, authority: str) -> None:
        self._root = urlsplit(authority)
        self._known = msal.authority.WELL_KNOWN_AUTHORITY_HOSTS

    @property
    def shown(self) -> str:
        """The authority as msal is told it."""
        return urlunsplit(("https", self._root.netloc, "", "", ""))

    def get(self, url: str, params: Any = None, headers: Any = None, **_: Any) -> _Response:
        if params:
            raise AuthFailed("The identity platform is asked for in a way nobody expects.")
        return self._send(_Request("GET", self._target(url), None, dict(headers or {})))

    def post(self, url: str, params: Any = None, data: Any = None, headers: Any = None, **_: Any) -> _Response:
        form = {name: _text(value) for name, value in {**(params or {}), **(data or {})}.items()}
        return self._send(_Request("POST", self._target(url), form, dict(headers or {})))

    def close(self) -> None: ...

    def _target(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.netloc == self._root.netloc:
            return urlunsplit((self._root.scheme, *parts[1:]))
        if parts.scheme != "https" or parts.hostname not in self._known:
            raise AuthFailed("The identity platform names an address of a stranger; check `authority`.")
        return url

    def _send(self, request: _Request) -> _Response:
        answer = getcurrent().parent.switch(request)
        assert isinstance(answer, Reply)  # noqa: S101 - `run` answers each request with one
        text = answer.content.decode("utf-8", "replace")
        if self._root.scheme == "http":
            text = text.replace(f"http://{self._root.netloc}", self.shown)
        return _Response(answer.status, text, answer.headers)


class _Time:
    """Stands in for the module `time` while msal runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        getcurrent().parent.switch(_Pause(seconds))


@contextmanager
def _timed(clock: Clock) -> Iterator[None]:
    """Our clock in the modules of msal, until it hands back: nothing else runs in between."""
    real = [module.__dict__["time"] for module in _TIMED]
    stand = _Time(clock)
    try:
        for module in _TIMED:
            module.__dict__["time"] = stand
        yield
    finally:
        for module, time in zip(_TIMED, real, strict=True):
            module.__dict__["time"] = time


async def run(work: Callable[[], T], http: Http, clock: Clock) -> T:
    """What `work`, which calls msal with a `Wire`, returns. Raises `ConnectorError`s only.

    Make a new msal application each time: its own caches of refusals would answer our next try without asking.
    """
    inside = greenlet(work)

    def step(go: Callable[..., Any], *args: Any) -> Any:
        with _timed(clock):
            return go(*args)

    try:
        wanted = step(inside.switch)
        while not inside.dead:
            try:
                answer = await _carry(wanted, http, clock)
            except BaseException as error:  # noqa: BLE001 - also a cancellation has to end msal's frames
                wanted = step(inside.throw, error)
            else:
                wanted = step(inside.switch, answer)
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError, msal.exceptions.MsalError):
        # Without its text: it may show an answer.
        raise Transient("The identity platform's answer makes no sense.", operation="oauth2.token") from None
    result: T = wanted
    return result


async def _carry(wanted: _Request | _Pause, http: Http, clock: Clock) -> Reply | None:
    if isinstance(wanted, _Pause):
        await clock.sleep(wanted.seconds)
        return None
    call = Call(
        operation="oauth2.token" if wanted.method == "POST" else "openid-configuration",
        method=wanted.method,
        url=wanted.url,
        safe=True,  # asking for a token writes nothing; Microsoft's refresh tokens may be used again
        form=wanted.form,
        headers={name: str(value) for name, value in wanted.headers.items()},
        accept=_ANSWERS,
        authorised=False,
    )
    try:
        return _readable(await http.send(call), call)
    except (OutcomeUnknown, BadReply) as error:
        raise Transient(error.hint, operation=call.operation, status=error.status) from None


def _readable(reply: Reply, call: Call) -> Reply:
    """An answer that msal can read, since it logs whole what it cannot."""
    try:
        body = json.loads(reply.content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict) and (reply.status == 200 or call.method == "POST"):
        return reply
    if reply.status < 400:
        raise Transient("The identity platform's answer makes no sense.", operation=call.operation, status=reply.status)
    raise _unknown_tenant(body, call, reply)


def _unknown_tenant(body: object, call: Call, reply: Reply) -> ConnectorError:
    if isinstance(body, dict) and body.get("error") == "invalid_tenant":
        hint = (
            "Microsoft knows no such directory; check `tenant` (Entra admin center > Overview > Tenant ID) and `cloud`."
        )
    else:
        hint = "The address for tokens answers, but not as the identity platform does; check `authority` and `tenant`."
    return AuthFailed(hint, operation=call.operation, status=reply.status)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
