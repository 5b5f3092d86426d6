"""Serves simulated vendors on loopback, for people, for the demo and for tests against real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from tradepost.sandbox.control import PREFIX, control_app
from tradepost.sandbox.kernel import ASGIApp, Receive, Scope, Send, Vendor, World
from tradepost.sandbox.tls import Tls

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Served:
    """Where the vendors answer, and what signs in there. `as_dict` is plain JSON.

    `ca_file` is what an HTTPS client is told to trust; empty where plain HTTP is served.
    """

    urls: Mapping[str, str]
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)
    ca_file: str = ""

    @property
    def control(self) -> str:
        """Base of the control API; every vendor's port serves the same one."""
        return f"{next(iter(self.urls.values()))}{PREFIX}"

    def as_dict(self) -> dict[str, Any]:
        vendors = {
            name: {"base_url": url, "credentials": self.credentials.get(name, {})} for name, url in self.urls.items()
        }
        found: dict[str, Any] = {"control": self.control, "vendors": vendors}
        return found | ({"ca_file": self.ca_file} if self.ca_file else {})


class _Server(uvicorn.Server):
    """A server inside somebody else's program, whose signals are none of its business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Front:
    """A vendor's port: the control API under its prefix, the vendor for all else."""

    def __init__(self, vendor: ASGIApp, control: ASGIApp) -> None:
        self.vendor = vendor
        self.control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        chosen = self.control if path == PREFIX or path.startswith(f"{PREFIX}/") else self.vendor
        try:
            await chosen(scope, receive, send)
        except asyncio.CancelledError:
            return  # the sandbox ends while a call is held back; nobody is left to be answered


def _server(app: ASGIApp, tls: Tls | None) -> _Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    return _Server(config)


@asynccontextmanager
async def serve(
    world: World, vendors: Sequence[Vendor], ports: Mapping[str, int] | None = None, *, tls: Tls | None = None
) -> AsyncIterator[Served]:
    """Serve each vendor on a port of its own, from `ports` by name or any free one, until the block ends.

    With `tls` over HTTPS only.

    The world's clock must be a real one. A vendor with a method `credentials(base_url)` is asked for what signs in at
    it. Raises OSError when a port is taken.
    """
    by_name = {vendor.name: vendor for vendor in vendors}
    control = control_app(world, by_name)
    sockets: list[socket.socket] = []
    try:
        sockets.extend(_listener((ports or {}).get(name, 0)) for name in by_name)
        scheme = "https" if tls else "http"
        urls = {name: f"{scheme}://{LOOPBACK}:{s.getsockname()[1]}" for name, s in zip(by_name, sockets, strict=True)}
        servers = [_server(_Front(vendor, control), tls) for vendor in vendors]
        tasks = [asyncio.create_task(s.serve([sock])) for s, sock in zip(servers, sockets, strict=True)]
        try:
            await _started(servers, tasks)
            credentials = {name: _credentials(vendor, urls[name]) for name, vendor in by_name.items()}
            yield Served(urls, credentials, str(tls.ca) if tls else "")
        finally:
            await _stop(servers, tasks)
    finally:
        for sock in sockets:
            sock.close()


def _listener(port: int) -> socket.socket:
    """A listening socket whose connections send at once.

    asyncio sets TCP_NODELAY only on sockets that name their protocol, which those of `create_server` do not; Linux lets
    accepted sockets inherit it (tcp(7)). Without it every answer waits for the client's delayed acknowledgement.
    """
    sock = socket.create_server((LOOPBACK, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


async def _started(servers: list[_Server], tasks: list[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0)


async def _stop(servers: list[_Server], tasks: list[asyncio.Task[None]]) -> None:
    """Stop at once: calls that were ordered never to be answered would otherwise keep the servers."""
    for server in servers:
        server.should_exit = server.force_exit = True
    await asyncio.gather(*tasks, return_exceptions=True)
    for server in servers:
        for connection in list(server.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
    await asyncio.sleep(0)  # lets the connections notice
    left = [task for server in servers for task in server.server_state.tasks]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _credentials(vendor: Vendor, base_url: str) -> Any:
    ask = getattr(vendor, "credentials", None)
    return ask(base_url) if callable(ask) else {}
