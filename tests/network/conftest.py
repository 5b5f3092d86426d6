"""A small vendor with a ledger, and everything needed to talk to it on virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import pytest
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.base.errors import ConnectorError
from connectors.base.services import Call, HttpSpec, Reply
from connectors.http import HttpSession, Sender
from tradepost.sandbox.kernel import Fault, Kind, Vendor, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock


class Ledger(Vendor):
    """Entries are made by POST and listed by GET; `token`, when set, is the only one it takes."""

    name = "ledger"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.entries: list[dict[str, Any]] = []
        self.token = ""
        self.seen: list[tuple[str, str, bytes]] = []  # authorization, query, body
        self.override: Callable[[Request], Response] | None = None

    def describe(self, method: str, path: str, query: QueryParams, body: bytes) -> tuple[str, Kind]:
        return ("entries.create", "write") if method == "POST" else ("entries.list", "read")

    async def respond(self, request: Request) -> Response:
        body = await request.body()
        assert body == await request.body()
        self.seen.append((request.headers.get("authorization", ""), request.url.query, body))
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"code": "NO_SESSION"}, 401)
        if self.override is not None:
            return self.override(request)
        if request.method == "GET":
            return JSONResponse({"entries": self.entries})
        self.entries.append(json.loads(body))
        return JSONResponse({"id": len(self.entries)}, 201)

    def fault_reply(self, fault: Fault) -> Response:
        headers = {"retry-after": fault.code} if fault.code else {}
        return JSONResponse({"code": "FAULT"}, fault.status, headers)


class Events:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def info(self, event: str, **ids: object) -> None:
        self.lines.append({"event": event, "level": "info", **ids})

    def warning(self, event: str, **ids: object) -> None:
        self.lines.append({"event": event, "level": "warning", **ids})

    error = warning


class Tokens:
    """Hands out t1, t2, ... and remembers which were refused."""

    def __init__(self) -> None:
        self.n = 1
        self.refused: list[str] = []

    async def token(self) -> str:
        return f"t{self.n}"

    async def renew(self, rejected: str) -> str:
        self.refused.append(rejected)
        self.n += 1
        return f"t{self.n}"


@dataclass
class Shop:
    """A world with one vendor at https://ledger.example, and a sender to reach it."""

    world: World
    ledger: Ledger
    transport: InProcessTransport
    sender: Sender
    log: Events
    clock: VirtualClock
    tokens: Tokens = field(default_factory=Tokens)

    def spec(self, name: str = "books", **more: Any) -> HttpSpec:
        more = {"base_url": "https://ledger.example/v1", "classify": _no_opinion, "timeout": 10.0, **more}
        return HttpSpec(name=name, **more)

    def session(self, name: str = "books", **more: Any) -> HttpSession:
        return self.sender.open(self.spec(name, **more))

    @property
    def read(self) -> Call:
        return Call(operation="entries.list", method="GET", url="entries", safe=True)

    @property
    def write(self) -> Call:
        return Call(operation="entries.create", method="POST", url="entries", safe=False, json={"text": "x"})

    def fault(self, **more: Any) -> None:
        self.world.faults.add(Fault(vendor="ledger", **more))


def _no_opinion(call: Call, reply: Reply) -> ConnectorError | None:
    return None


@pytest.fixture
def make_shop() -> Callable[..., Shop]:
    def make(seed: int = 1, *, jittery: bool = False, **sender: Any) -> Shop:
        clock, log = VirtualClock(), Events()
        world = World(clock=clock, random=Random(seed))
        ledger = Ledger(world)
        latency = (lambda: world.random.uniform(0.01, 0.2)) if jittery else None
        transport = InProcessTransport({"ledger.example": ledger}, clock, latency)
        made = Sender(clock=clock, random=Random(seed + 1), log=log, transport=transport, **sender)
        return Shop(world, ledger, transport, made, log, clock)

    return make


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop()


@pytest.fixture
def client(shop: Shop) -> Callable[..., httpx.AsyncClient]:
    def open_client(timeout: float = 10.0) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=shop.transport, base_url="https://ledger.example", timeout=timeout)

    return open_client
