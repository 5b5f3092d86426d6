"""httpx to an ASGI app in the same process, where client and server can die separately.

httpx's own ASGI transport ignores time-outs and runs the app inside the client's task, so a reply that is lost after a
commit cannot be shown with it (https://www.python-httpx.org/advanced/transports/#asgi-transport).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from connectors.base.services import Clock
from tradepost.sandbox.kernel import RESET_EXTENSION, ASGIApp, ConnectionDropped, Message, Scope


class SandboxBroken(RuntimeError):
    """A simulated vendor raised: a mistake in the sandbox, never an answer."""


class InProcessTransport(httpx.AsyncBaseTransport):
    """Carries requests to `apps`, found by ``host:port`` or host.

    The app runs in a task of its own and goes on when the client is cancelled, timed out or crashed; it then sees
    ``http.disconnect``. httpx's connect and read time-outs are kept on the running loop's clock and raised as httpx's
    own errors; an unknown host is `httpx.ConnectError`. `latency` gives seconds for each way. `on_step` is called with
    ``request.sent`` (the server will act, whatever happens to the client) and ``reply.received``; what it raises, a
    `BaseException` too, hits the client only.
    """

    def __init__(
        self,
        apps: Mapping[str, ASGIApp],
        clock: Clock,
        latency: Callable[[], float] | None = None,
        on_step: Callable[[str], None] | None = None,
    ) -> None:
        self.apps = dict(apps)
        self.on_step = on_step
        self._clock = clock
        self._latency = latency
        self._running: dict[asyncio.Task[None], None] = {}  # a dict for its order
        self._failures: list[Exception] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Called by httpx."""
        assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - an AsyncClient sends no other
        body = b"".join([chunk async for chunk in request.stream])
        app = self._app(request)
        timeouts: Mapping[str, float | None] = request.extensions.get("timeout", {})
        await self._connect(request, timeouts.get("connect"))
        exchange = _Exchange(request, body)
        server = self._serve(app, exchange)
        try:
            self._step("request.sent")
            await self._wait(request, exchange, timeouts.get("read"))
            response = _response(request, exchange, server)
            self._step("reply.received")
        finally:
            exchange.client_gone.set()
        return response

    async def drain(self) -> None:
        """Wait until no server task is left; raises `SandboxBroken` for one that failed after its client had gone."""
        while self._running:
            await asyncio.wait([next(iter(self._running))])
        if self._failures:
            failure = self._failures.pop(0)
            raise SandboxBroken(f"{type(failure).__name__}: {failure}") from failure

    def _app(self, request: httpx.Request) -> ASGIApp:
        url = request.url
        app = self.apps.get(f"{url.host}:{url.port}") or self.apps.get(url.host)
        if app is None:
            raise httpx.ConnectError(f"unknown host {url.host}", request=request)
        return app

    async def _connect(self, request: httpx.Request, limit: float | None) -> None:
        try:
            async with asyncio.timeout(limit):
                await self._travel()
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time", request=request) from error

    async def _wait(self, request: httpx.Request, exchange: _Exchange, limit: float | None) -> None:
        try:
            async with asyncio.timeout(limit):
                await exchange.ended.wait()
                await self._travel()
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time", request=request) from error

    async def _travel(self) -> None:
        if self._latency is not None:
            await self._clock.sleep(self._latency())

    def _step(self, name: str) -> None:
        if self.on_step is not None:
            self.on_step(name)

    def _serve(self, app: ASGIApp, exchange: _Exchange) -> asyncio.Task[None]:
        # An empty context: a server shares no context variables with the client.
        task = asyncio.get_running_loop().create_task(exchange.run(app), context=contextvars.Context())
        self._running[task] = None
        task.add_done_callback(lambda done: self._served(done, exchange))
        return task

    def _served(self, task: asyncio.Task[None], exchange: _Exchange) -> None:
        self._running.pop(task, None)
        if task.cancelled():
            return
        failure = task.exception()
        if isinstance(failure, Exception) and not isinstance(failure, ConnectionDropped) and not exchange.blamed:
            self._failures.append(failure)


class _Exchange:
    """One request and its answer, between the client's task and the server's."""

    def __init__(self, request: httpx.Request, body: bytes) -> None:
        self.scope = _scope(request)
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] = []
        self.complete = False
        self.blamed = False  # the client was told of the app's failure
        self.ended = asyncio.Event()  # answered, returned or failed
        self.client_gone = asyncio.Event()
        self._unread: list[bytes] = [body]

    async def run(self, app: ASGIApp) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        finally:
            self.ended.set()

    async def receive(self) -> Message:
        if self._unread:
            return {"type": "http.request", "body": self._unread.pop(), "more_body": False}
        await self.client_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                self.complete = True
                self.ended.set()


def _scope(request: httpx.Request) -> Scope:
    url = request.url
    return {
        "type": "http",
        # From 2.4 on a server's send may raise, and Starlette needs no task group to notice a client that has gone.
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(k.lower(), v) for k, v in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port or (443 if url.scheme == "https" else 80)),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
        "extensions": {RESET_EXTENSION: {}},
    }


def _response(request: httpx.Request, exchange: _Exchange, server: asyncio.Task[None]) -> httpx.Response:
    """What the client makes of a server that has ended or answered."""
    if exchange.complete:
        body = b"" if request.method == "HEAD" else b"".join(exchange.chunks)
        headers: list[tuple[Any, Any]] = list(exchange.headers)
        return httpx.Response(exchange.status, headers=headers, stream=httpx.ByteStream(body), request=request)
    failure = server.exception() if server.done() and not server.cancelled() else None
    if isinstance(failure, ConnectionDropped):
        broken = httpx.ReadError if failure.executed else httpx.ConnectError
        raise broken("connection dropped", request=request)
    if failure is not None:
        exchange.blamed = True
        raise SandboxBroken(f"{type(failure).__name__}: {failure}") from failure
    raise httpx.RemoteProtocolError("server left without an answer", request=request)
