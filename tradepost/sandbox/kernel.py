"""What all simulated vendors share: a world with time and chance, a log of requests, and faults on order.

A simulator states facts of its vendor in `Vendor.describe`, `respond` and `fault_reply`; everything that can go wrong
between client and vendor is implemented here, once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Literal

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from connectors.base.services import Clock
from tradepost.sandbox.recorder import Exchange, Recorder, current

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Kind = Literal["read", "write"]

RESET_EXTENSION = "tradepost.reset"
"""ASGI scope extension of a server that understands `ConnectionDropped`."""


class ConnectionDropped(Exception):
    """The connection breaks now. `executed` says whether the request was carried out before."""

    def __init__(self, *, executed: bool) -> None:
        super().__init__("connection dropped on order")
        self.executed = executed


# -------------------------------------------------------------------------------------------------------------- records


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request as it arrived. `status` is what the vendor answered, or would have; None where nothing was done."""

    n: int = 0
    vendor: str
    method: str
    path: str
    operation: str
    kind: Kind
    at: datetime
    status: int | None = None
    fault: str = ""


class RequestLog:
    """Every request to every vendor of a world, in order of arrival. `n` counts from 1."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []

    def add(self, record: RequestRecord) -> int:
        """Note an arrival; the answer is its `n`, whatever `record.n` was."""
        n = len(self.records) + 1
        self.records.append(replace(record, n=n))
        return n

    def mark(self, n: int, *, status: int | None = None, fault: str = "") -> None:
        """Add what became of request `n`."""
        old = self.records[n - 1]
        self.records[n - 1] = replace(old, status=old.status if status is None else status, fault=fault or old.fault)

    def writes(self, vendor: str = "*") -> list[RequestRecord]:
        """Requests that ask for a change, refused and lost ones too."""
        return [r for r in self.records if r.kind == "write" and fnmatchcase(r.vendor, vendor)]

    def count(self, vendor: str = "*", operation: str = "*", *, kind: Kind | None = None) -> int:
        """How many requests match; `*` stands for any characters."""
        return sum(
            fnmatchcase(r.vendor, vendor) and fnmatchcase(r.operation, operation) and kind in (None, r.kind)
            for r in self.records
        )

    def clear(self) -> None:
        """Forget all; counting starts anew."""
        self.records.clear()


# --------------------------------------------------------------------------------------------------------------- faults


class Effect(StrEnum):
    """What goes wrong. "Executed" means that the vendor's state changes as if all were well."""

    LOST_REQUEST = "lost_request"  # never executed, never answered
    LOST_REPLY = "lost_reply"  # executed, never answered
    LATE_COMMIT = "late_commit"  # never answered, executed `seconds` later, also when the client is gone by then
    SLOW = "slow"  # executed at once, answered `seconds` later
    STATUS = "status"  # not executed; the vendor's error body for `status` and `code`
    STATUS_AFTER = "status_after"  # executed, then the same
    HTML = "html"  # not executed; an HTML page with `status`, as a proxy or portal sends it
    TRUNCATED = "truncated"  # executed; the body is cut in half, lengths are consistent
    DUPLICATE = "duplicate"  # executed twice; the second answer
    RESET = "reset"  # not executed; the connection cannot be made
    RESET_AFTER = "reset_after"  # executed; the connection breaks before the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An order: the `nth` next call that matches, and `times - 1` matching ones after it, meet `effect`.

    `vendor` and `operation` may hold `*`; `kind` is read, write, or `*` for both.
    """

    vendor: str
    operation: str = "*"
    kind: Literal["read", "write", "*"] = "*"
    nth: int = 1
    effect: Effect
    seconds: float = 0.0
    status: int = 503
    code: str = ""
    times: int = 1


@dataclass(slots=True)
class _Armed:
    fault: Fault
    skip: int
    left: int


class Faults:
    """Orders not yet carried out. Of several due at one call the oldest acts; the others wait for the next call."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Order a fault, counted from the next matching call."""
        self._armed.append(_Armed(fault, fault.nth - 1, fault.times))

    def take(self, vendor: str, operation: str, kind: Kind = "read") -> Fault | None:
        """The fault this call meets. Every call (or part of a batch) asks exactly once."""
        due: _Armed | None = None
        for armed in self._armed:
            wanted = armed.fault
            if not (fnmatchcase(vendor, wanted.vendor) and fnmatchcase(operation, wanted.operation)):
                continue
            if wanted.kind not in ("*", kind):
                continue
            if armed.skip:
                armed.skip -= 1
            elif due is None:
                due = armed
        if due is None:
            return None
        due.left -= 1
        if due.left < 1:
            self._armed.remove(due)
        return due.fault

    def pending(self) -> tuple[Fault, ...]:
        """Orders that have not, or not fully, been met."""
        return tuple(a.fault for a in self._armed)

    def clear(self) -> None:
        """Take all orders back."""
        self._armed.clear()


@dataclass(slots=True, kw_only=True)
class World:
    """What the vendors of one sandbox have in common."""

    clock: Clock
    random: Random
    requests: RequestLog = field(default_factory=RequestLog)
    faults: Faults = field(default_factory=Faults)
    recorder: Recorder | None = field(default_factory=current)


# --------------------------------------------------------------------------------------------------------------- vendor


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Vendor:
    """Base of each simulator: an ASGI app with state of its own.

    State lives in plain objects of the subclass; `respond` changes it without awaiting in between, so a request is
    executed as a whole or not at all.
    """

    name = ""

    def __init__(self, world: World) -> None:
        self.world = world

    def describe(self, method: str, path: str, query: QueryParams, body: bytes) -> tuple[str, Kind]:
        """The call's name as in the vendor's documents, and whether it asks or changes. Must not change state."""
        raise NotImplementedError

    async def respond(self, request: Request) -> Response:
        """Carry the request out. `await request.body()` may be read any number of times."""
        raise NotImplementedError

    def fault_reply(self, fault: Fault) -> Response:
        """The vendor's documented answer for `fault.status` and `fault.code`."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"{self.name} speaks HTTP only, not {scope['type']}.")
        body = await _read_body(receive)
        if body is None:
            return
        await _Exchange(self, scope, receive, send, body).serve()


class _Exchange:
    """One request at one vendor, with the fault it meets."""

    def __init__(self, vendor: Vendor, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        self.vendor, self.world = vendor, vendor.world
        self.scope, self.receive, self.send, self.body = scope, receive, send, body
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        query = QueryParams(scope.get("query_string", b""))
        self.operation, self.kind = vendor.describe(scope["method"], path, query, body)
        arrival = RequestRecord(
            vendor=vendor.name,
            method=scope["method"],
            path=path,
            operation=self.operation,
            kind=self.kind,
            at=self.world.clock.now(),
        )
        self.n = self.world.requests.add(arrival)

    async def serve(self) -> None:
        fault = self.world.faults.take(self.vendor.name, self.operation, self.kind)
        if fault is None:
            await self.answer(await self.execute())
            return
        self.world.requests.mark(self.n, fault=fault.effect.value)
        if fault.effect in _REFUSALS:
            await self.refuse(fault)
        else:
            await self.execute_badly(fault)

    async def refuse(self, fault: Fault) -> None:
        """The effects that leave the vendor's state alone."""
        match fault.effect:
            case Effect.LOST_REQUEST:
                await self.hang()
            case Effect.STATUS:
                await self.answer(self.keep(await self.render(self.vendor.fault_reply(fault)), fault))
            case Effect.HTML:
                page = f"<!DOCTYPE html><html><head><title>{fault.status}</title></head><body>Sorry.</body></html>"
                await self.answer(await self.render(HTMLResponse(page, fault.status)))
            case _:
                await self.drop(executed=False)

    async def execute_badly(self, fault: Fault) -> None:
        """The effects that change it."""
        if fault.effect is Effect.LATE_COMMIT:
            await self.world.clock.sleep(fault.seconds)
        answer = await self.execute()
        match fault.effect:
            case Effect.LOST_REPLY | Effect.LATE_COMMIT:
                await self.hang()
            case Effect.RESET_AFTER:
                await self.drop(executed=True)
            case Effect.STATUS_AFTER:
                await self.answer(self.keep(await self.render(self.vendor.fault_reply(fault)), fault))
            case Effect.TRUNCATED:
                await self.answer(replace(answer, body=answer.body[: len(answer.body) // 2]))
            case Effect.DUPLICATE:
                await self.answer(await self.execute())
            case _:
                await self.world.clock.sleep(fault.seconds)
                await self.answer(answer)

    async def execute(self) -> _Answer:
        answer = await self.render(await self.vendor.respond(self.request()))
        self.world.requests.mark(self.n, status=answer.status)
        return self.keep(answer)

    def keep(self, answer: _Answer, fault: Fault | None = None) -> _Answer:
        """Tell the recorder what the vendor says here."""
        if self.world.recorder is not None:
            raw: bytes = self.scope.get("raw_path") or self.scope["path"].encode()
            exchange = Exchange(
                vendor=self.vendor.name,
                operation=self.operation,
                kind=self.kind,
                method=self.scope["method"],
                path=raw.partition(b"?")[0].decode("latin-1"),
                query=self.scope.get("query_string", b"").decode("latin-1"),
                headers=_texts(self.scope.get("headers", ())),
                body=self.body,
                status=answer.status,
                reply_headers=_texts(answer.headers),
                reply=answer.body,
                fault=fault.effect.value if fault else "",
                simulator="a test" if "respond" in vars(self.vendor) else type(self.vendor).__module__,
            )
            self.world.recorder.add(exchange)
        return answer

    def request(self) -> Request:
        """The request as new, body included."""
        return Request(dict(self.scope), _replay(self.body, self.receive))

    async def render(self, response: Response) -> _Answer:
        """Let Starlette write the response, and keep it."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await response(dict(self.scope), _replay(self.body, self.receive), keep)
        body = b"".join(m.get("body", b"") for m in messages if m["type"] == "http.response.body")
        return _Answer(messages[0]["status"], list(messages[0].get("headers", [])), body)

    async def answer(self, answer: _Answer) -> None:
        self.world.requests.mark(self.n, status=answer.status)
        headers = [(k, v) for k, v in answer.headers if k != b"content-length"]
        if answer.status not in (204, 304):
            headers.append((b"content-length", str(len(answer.body)).encode()))
        await self.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": answer.body})

    async def hang(self) -> None:
        """Never answer: stay until the client gives up."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def drop(self, *, executed: bool) -> None:
        """Break the connection.

        In process it is an exception that the transport understands. A real server cannot unmake a connection, so there
        headers are sent with a length that is never kept; uvicorn then closes the socket, and the client sees a
        protocol error while reading, for RESET too.
        """
        if RESET_EXTENSION in (self.scope.get("extensions") or {}):
            raise ConnectionDropped(executed=executed)
        await self.send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


_REFUSALS = frozenset({Effect.LOST_REQUEST, Effect.STATUS, Effect.HTML, Effect.RESET})


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or None when the client left before it was sent."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that brings `body` first and then whatever the client does next."""
    fresh = [body]

    async def replay() -> Message:
        return {"type": "http.request", "body": fresh.pop(), "more_body": False} if fresh else await receive()

    return replay


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
