"""The only sender: time-outs, tries, pacing, quotas, tokens, limits, and errors that say what to do.

What a connector gets back is a `Reply` whose status it accepts, or one of `connectors.base.errors`. Nothing here shows
a query, a header or a body: not in logs, not in errors.

Decided once for all vendors:

- The environment is not read (`trust_env=False`): proxies and CAs come from the configuration, so a service does not
  change its route with somebody's shell profile, and no ``.netrc`` adds credentials. Certificates are always verified;
  `ca_bundle` is trusted beside the public ones.
- Redirects are not followed and cookies are not kept: a token or a session never moves to another host. A bearer token
  goes to the origin of `base_url`, or to the `instance_url` that its token source names, and nowhere else.
- An unsafe call is sent once. It is sent again only after a 401, which vendors decide before any work.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from random import Random

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    Transient,
    Unsupported,
)
from connectors.base.services import Call, Clock, HttpSpec, Log, Reply
from connectors.http_errors import as_unknown, error_of, request_id_of, vendor_now
from connectors.pacing import Bucket, Pacing

__all__ = ["HttpSession", "Sender", "as_unknown", "vendor_now"]

MAX_BYTES = 64 * 1024 * 1024
MAX_TRIES = 4
MAX_SECONDS = 30.0  # that all tries of one safe call may take, sleeps included
USER_AGENT = "tradepost"

# httpx logs whole URLs, httpcore headers: both would show addresses, subjects and tokens.
for _wire in ("httpx", "httpcore"):
    logging.getLogger(_wire).setLevel(logging.CRITICAL + 1)


@dataclass(slots=True)
class _Pooled:
    """An httpx client and how many sessions use it: mailboxes share connections and one TLS context."""

    client: httpx.AsyncClient
    users: int = 0


@dataclass(slots=True)
class _Turn:
    """One `send` from its first try to its last."""

    call: Call
    started: float
    sent: int = 0
    renewed: bool = False


class Sender:
    """Opens sessions that share connections (per proxy and CA) and quota pools. Belongs to one event loop.

    `transport` replaces the network; proxies and CAs are ignored with it.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        random: Random,
        log: Log,
        transport: httpx.AsyncBaseTransport | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.clock = clock
        self.random = random
        self.log = log
        self.max_bytes = max_bytes
        self._pacing = Pacing()
        self._transport = transport
        self._pool: dict[tuple[str, str], _Pooled] = {}

    def open(self, spec: HttpSpec) -> HttpSession:
        """A session for one connection.

        Raises `ValueError` for a CA file or proxy that cannot be used, and for a shared quota given in two sizes.
        """
        buckets = self._pacing.open(spec)
        key = (spec.proxy, spec.ca_bundle)
        if key not in self._pool:
            self._pool[key] = _Pooled(self._client(spec))
        self._pool[key].users += 1
        return HttpSession(spec, self._pool[key].client, buckets, self)

    async def release(self, spec: HttpSpec) -> None:
        """A session has closed; the last one closes the connections."""
        key = (spec.proxy, spec.ca_bundle)
        pooled = self._pool.get(key)
        if pooled is None:
            return
        pooled.users -= 1
        if pooled.users < 1:
            del self._pool[key]
            await pooled.client.aclose()

    async def close(self) -> None:
        """Close all connections. May be called twice."""
        pool, self._pool = self._pool, {}
        for pooled in pool.values():
            await pooled.client.aclose()

    def _client(self, spec: HttpSpec) -> httpx.AsyncClient:
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        if self._transport is not None:
            return httpx.AsyncClient(transport=self._transport, cookies=no_cookies, trust_env=False)
        try:
            return httpx.AsyncClient(
                verify=_tls(spec.ca_bundle),
                proxy=spec.proxy or None,
                limits=httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=30.0),
                cookies=no_cookies,
                trust_env=False,
                follow_redirects=False,
            )
        except OSError as error:
            raise ValueError(f"{spec.name}: ca_bundle {spec.ca_bundle} cannot be used: {error.strerror}") from None
        except (ImportError, ValueError, httpx.InvalidURL):
            # Without the text of the error: it may show the proxy's password.
            raise ValueError(f"{spec.name}: proxy is not usable; write http://HOST:PORT or https://HOST:PORT") from None


def _tls(ca_bundle: str) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    if ca_bundle:
        context.load_verify_locations(cafile=ca_bundle)
    return context


class HttpSession:
    """`connectors.base.services.Http` for one connection. Made by `Sender.open`."""

    def __init__(
        self, spec: HttpSpec, client: httpx.AsyncClient, buckets: Mapping[str, Bucket], sender: Sender
    ) -> None:
        self.spec = spec
        self._client = client
        self._buckets = buckets
        self._sender = sender
        self._clock = sender.clock
        self._base = httpx.URL(spec.base_url)
        self._closed = False

    async def close(self) -> None:
        """May be called twice."""
        if not self._closed:
            self._closed = True
            await self._sender.release(self.spec)

    async def send(self, call: Call) -> Reply:
        """Send and return an accepted answer; raises only `ConnectorError`s.

        A safe call is tried up to four times within thirty seconds; a `RateLimited` that lasts longer comes at once.
        """
        if self._closed or self._client.is_closed:
            raise Unsupported("The session is closed.", operation=call.operation)
        turn = _Turn(call, self._clock.monotonic())
        if not call.safe:
            return await self._answer(turn)
        tries = AsyncRetrying(
            retry=retry_if_exception_type(Transient),
            wait=self._pause,
            stop=lambda state: self._enough(state, turn),
            sleep=self._clock.sleep,
            reraise=True,
        )
        return await tries(self._answer, turn)

    def _pause(self, state: RetryCallState) -> float:
        """Seconds before the next try: what the vendor asked for, else half to one and a half of 1, 2, 4."""
        error = state.outcome.exception() if state.outcome else None
        jitter = self._sender.random.uniform(0.5, 1.5)
        if isinstance(error, RateLimited) and error.retry_at is not None:
            return max(0.0, (error.retry_at - self._clock.now()).total_seconds()) + jitter
        return float(2 ** (state.attempt_number - 1)) * jitter

    def _enough(self, state: RetryCallState, turn: _Turn) -> bool:
        spent = self._clock.monotonic() - turn.started
        return state.attempt_number >= MAX_TRIES or spent + state.upcoming_sleep > MAX_SECONDS

    async def _answer(self, turn: _Turn) -> Reply:
        """One try, with the one replay that a refused token allows."""
        call, tokens = turn.call, self.spec.tokens if turn.call.authorised else None
        await self._pace(call)
        token = await tokens.token() if tokens else ""
        reply = await self._exchange(turn, token)
        if reply.status == 401 and tokens and not turn.renewed and self._stale(call, reply):
            turn.renewed = True
            token = await tokens.renew(token)
            await self._pace(call)
            reply = await self._exchange(turn, token)
        if reply.status in call.accept:
            return reply
        raise error_of(self.spec, call, reply, self._clock.now())

    def _stale(self, call: Call, reply: Reply) -> bool:
        """Whether a fresh token may help. Some vendors say 401 for a missing scope too, and grant few tokens."""
        return 401 not in call.accept and isinstance(error_of(self.spec, call, reply, self._clock.now()), AuthFailed)

    async def _pace(self, call: Call) -> None:
        for name in sorted(call.costs):
            if name not in self._buckets:
                raise Unsupported(f"The call costs {name}, which is no quota here.", operation=call.operation)
            await self._buckets[name].take(call.costs[name])

    async def _exchange(self, turn: _Turn, token: str) -> Reply:
        """Send once, and log it."""
        request = self._request(turn.call, token)
        turn.sent += 1
        began = self._clock.monotonic()
        try:
            reply = await self._wire(turn.call, request)
        except ConnectorError as error:
            error.operation = turn.call.operation
            self._log(turn, began, error.status, error.request_id, type(error).__name__)
            raise
        self._log(turn, began, reply.status, request_id_of(reply), "")
        return reply

    def _log(self, turn: _Turn, began: float, status: int | None, request_id: str, error: str) -> None:
        ok = status is not None and status in turn.call.accept and not error
        (self._sender.log.info if ok else self._sender.log.warning)(
            "http.call",
            connection=self.spec.name,
            operation=turn.call.operation,
            status=status,
            ms=round((self._clock.monotonic() - began) * 1000),
            request_id=request_id,
            attempt=turn.sent,
            **({"error": error} if error else {}),
        )

    def _request(self, call: Call, token: str) -> httpx.Request:
        url = self._url(call)
        headers = {"user-agent": USER_AGENT, "accept": "*/*", "accept-encoding": "gzip, deflate"}
        headers |= {name.lower(): value for name, value in call.headers.items()}
        if token:
            self._guard(call, url)
            headers["authorization"] = f"{self.spec.scheme} {token}"
        limit = call.timeout or self.spec.timeout
        timeout = httpx.Timeout(limit, connect=min(limit, 20.0))
        return httpx.Request(
            call.method,
            url,
            headers=headers,
            json=call.json,
            data=dict(call.form) if call.form is not None else None,
            content=call.content,
            extensions={"timeout": timeout.as_dict()},
        )

    def _url(self, call: Call) -> httpx.URL:
        try:
            absolute = call.url.startswith(("http://", "https://"))
            url = httpx.URL(call.url if absolute else f"{self.spec.base_url.rstrip('/')}/{call.url.lstrip('/')}")
        except httpx.InvalidURL:
            raise Unsupported("The call's address is not a URL.", operation=call.operation) from None
        # httpx's params= replaces the query of the URL; merging keeps it.
        return url.copy_merge_params(dict(call.params)) if call.params else url

    def _guard(self, call: Call, url: httpx.URL) -> None:
        """Keep the token at home: a hostile or mistaken link in a reply must not carry it away."""
        instance = httpx.URL(getattr(self.spec.tokens, "instance_url", "") or self.spec.base_url)
        if _origin(url) not in (_origin(self._base), _origin(instance)):
            raise Unsupported("The call's address lies on a host the token is not for.", operation=call.operation)

    async def _wire(self, call: Call, request: httpx.Request) -> Reply:
        limit = call.timeout or self.spec.timeout
        try:
            # httpx's time-outs are per step; the whole answer, dripping in, may take five of them.
            async with asyncio.timeout(limit * 5):
                response = await self._client.send(request, stream=True)
                try:
                    return await self._read(call, response)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise Transient(_no_connection(error)) from None
        except httpx.UnsupportedProtocol:
            raise Unsupported("The connection's address must begin with https:// or http://.") from None
        except (httpx.TransportError, TimeoutError):
            if call.safe:
                raise Transient("No complete answer in time.") from None
            raise OutcomeUnknown("Sent, but no complete answer came back.") from None

    async def _read(self, call: Call, response: httpx.Response) -> Reply:
        chunks: list[bytes] = []
        size = 0
        reply = Reply(response.status_code, dict(response.headers), b"")
        if _packed_twice(response):
            raise _bad(call, reply, "The answer is compressed more than once.")
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > self._sender.max_bytes:
                    raise _bad(call, reply, f"The answer is larger than {self._sender.max_bytes} bytes.")
                chunks.append(chunk)
        except httpx.DecodingError:
            raise _bad(call, reply, "The answer's compression is broken.") from None
        return Reply(reply.status, reply.headers, b"".join(chunks))


def _bad(call: Call, reply: Reply, hint: str) -> ConnectorError:
    error = BadReply(hint, operation=call.operation, status=reply.status, request_id=request_id_of(reply))
    return error if call.safe else as_unknown(error)


def _packed_twice(response: httpx.Response) -> bool:
    """A kilobyte packed twice unpacks to a gigabyte in one step, before its size could be looked at."""
    return len([c for c in response.headers.get("content-encoding", "").split(",") if c.strip()]) > 1


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _no_connection(error: httpx.TransportError) -> str:
    """What a person can do about it. The error's own text only tells certificates from the rest."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "The server's certificate is not trusted; name your company's CA file as `ca_bundle`, or mend the clock."
    if isinstance(error, httpx.ProxyError):
        return "The proxy refuses the connection; check `proxy`."
    return "No connection; check the network, the address and `proxy`."
