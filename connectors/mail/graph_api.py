"""Calls to one mailbox of Microsoft Graph: immutable ids, no more at a time than Outlook takes, batches, pauses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

from connectors.base.errors import BadReply, ConnectorError, RateLimited, Rejected
from connectors.base.services import Call, Clock, Reply, Services, TokenSource
from connectors.mail import graph_map, graph_parse
from connectors.mail.graph_config import GraphConfig, open_session
from connectors.mail.graph_parse import Page, Part

T = TypeVar("T")

VERSION = "/v1.0"
MAX_PARTS = 20  # https://learn.microsoft.com/graph/json-batching
MAX_PAGES = 2_000  # of one listing of folders
LONGEST_PAUSE = 300.0  # seconds
HEAVY_BYTES = 2 * 1024 * 1024  # an answer above takes a tenth of a second and more to take apart

# On every request, or ids change with every move: https://learn.microsoft.com/graph/outlook-immutable-id
_IMMUTABLE = 'IdType="ImmutableId"'


class Pauses:
    """How long to wait while Graph throttles: its own word, but longer each time, for it says "1" for ever.

    https://github.com/microsoftgraph/msgraph-sdk-javascript/issues/297
    """

    def __init__(self) -> None:
        self._next = 1.0

    def served(self) -> None:
        """An answer came: shorter again, but not at once, for one call may pass where others are refused."""
        self._next = max(1.0, self._next / 2)

    def until(self, now: datetime, retry_after: str) -> datetime:
        """The moment before which nothing is asked again."""
        said = float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else 0.0
        seconds, self._next = max(said, self._next), min(self._next * 2, LONGEST_PAUSE)
        return now + timedelta(seconds=seconds)


class Slots:
    """Requests under way for one mailbox. First come, first served, whatever each takes."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._free = number
        self._turn = asyncio.Lock()
        self._given_back = asyncio.Event()

    @asynccontextmanager
    async def take(self, wanted: int) -> AsyncIterator[None]:
        wanted = min(wanted, self.number)
        async with self._turn:
            while self._free < wanted:
                self._given_back.clear()
                await self._given_back.wait()
            self._free -= wanted
        try:
            yield
        finally:
            self._free += wanted
            self._given_back.set()


def classifier(clock: Clock, pauses: Pauses, *, person: bool) -> Callable[[Call, Reply], ConnectorError | None]:
    """How an answer with an error status is read."""

    def classify(call: Call, reply: Reply) -> ConnectorError | None:
        error = graph_parse.classify(call.operation, reply.status, graph_parse.body_of(reply.content), person=person)
        if isinstance(error, RateLimited) or (error is None and reply.status == 503 and "retry-after" in reply.headers):
            until = pauses.until(clock.now(), reply.headers.get("retry-after", ""))
            return RateLimited("Graph asks to slow down.", retry_at=until, code=error.code if error else "")
        return error

    return classify


class GraphMailbox:
    """One mailbox's calls. `user` is an address or an object id; all paths asked for are below it."""

    def __init__(self, config: GraphConfig, address: str, services: Services, tokens: TokenSource) -> None:
        self.user = address
        self._pauses = Pauses()
        self._person = config.by_person
        classify = classifier(services.clock, self._pauses, person=config.by_person)
        self._http = open_session(config, address, services, tokens, classify)
        self._services = services
        self._root = config.root
        self._slots = Slots(config.concurrency)

    def path(self, tail: str) -> str:
        """A path of this mailbox, with the version. A name that begins with $ has a form of its own."""
        if self.user.startswith("$"):
            return f"{VERSION}/users('{quote(self.user, safe='@').replace('%27', '%27%27')}'){tail}"
        return f"{VERSION}/users/{quote(self.user, safe='@')}{tail}"

    async def get(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        prefer: str = "",
        accept: frozenset[int] = frozenset({200}),
        form: str = "application/json",
    ) -> Reply:
        """One request, `path` with the version. Raises `ConnectorError`s."""
        call = Call(
            operation=operation,
            method="GET",
            url=path,
            safe=True,
            params=params or {},
            headers={"prefer": f"{_IMMUTABLE}, {prefer}" if prefer else _IMMUTABLE, "accept": form},
            costs={"mailbox": 1},
            accept=accept,
        )
        return await self._send(call, 1)

    async def _send(self, call: Call, slots: int) -> Reply:
        async with self._slots.take(slots):
            reply = await self._http.send(call)
        self._pauses.served()
        return reply

    async def parsed(self, reply: Reply, operation: str) -> object:
        """An answer's JSON; a large one is read away from the loop."""
        return await self.aside(reply.content, graph_map.parsed, reply.content, operation)

    async def aside(self, content: bytes, work: Callable[..., T], *args: object) -> T:
        """Do what depends on `content` away from the loop where that is large. Raises `BadReply`."""
        try:
            return await self._services.cpu(work, *args) if len(content) > HEAVY_BYTES else work(*args)
        except TimeoutError:
            raise BadReply("Graph's answer takes too long to read.") from None

    async def page(self, operation: str, path: str, params: Mapping[str, str] | None = None, *, size: int = 0) -> Page:
        """A page of a listing or a feed. Raises `ConnectorError`s."""
        prefer = f"odata.maxpagesize={size}" if size else ""
        reply = await self.get(operation, path, params, prefer=prefer)
        asked = "" if params else path
        return graph_parse.page_of(await self.parsed(reply, operation), self._root, operation, asked=asked)

    async def pages(self, operation: str, path: str, params: Mapping[str, str]) -> list[Page]:
        """A listing to its end. Raises `BadReply` for one that has none."""
        found = [await self.page(operation, path, params)]
        seen: set[str] = set()
        while following := found[-1].next:
            if following in seen or len(seen) >= MAX_PAGES:
                raise BadReply("The listing does not end.", operation=operation)
            seen.add(following)
            found.append(await self.page(operation, following))
        return found

    # ------------------------------------------------------------------------------------------------------------ batch

    async def get_all(self, operation: str, tails: Mapping[str, str]) -> dict[str, Part]:
        """Several requests of this mailbox by a name each: its answer with 200, 404 for what is not there, or 400.

        In batches, what those leave unanswered in small ones, then one by one; the last wait and try as all calls do,
        and what they raise, this raises. A part fails by itself, most often for too many at a time
        (https://github.com/twentyhq/twenty/issues/11070).
        """
        found: dict[str, Part] = {}
        left = list(tails)
        for most in (MAX_PARTS, self._slots.number):
            left = [
                name
                for start in range(0, len(left), most)
                for name in await self._batch(operation, {n: tails[n] for n in left[start : start + most]}, found)
            ]
        for name in left:
            found[name] = await self._alone(operation, tails[name])
        return found

    async def _batch(self, operation: str, tails: Mapping[str, str], found: dict[str, Part]) -> list[str]:
        """Ask for some, fill in `found`; the names left without an answer come back."""
        names = dict(zip(map(str, range(1, len(tails) + 1)), tails, strict=True))
        try:
            reply = await self._send(
                self._batch_call({n: tails[name] for n, name in names.items()}), self._slots.number
            )
            parts = await self.aside(reply.content, graph_parse.parts_of, reply.content, tuple(names))
        except BadReply:  # cut short, a proxy's page, or too much at once: smaller ones may do
            return list(tails)
        left: list[str] = []
        for number, name in names.items():
            part = parts.get(number)
            if part is None or graph_parse.worth_another_try(part.status) or _cut(part):
                self._give_way(operation, part)
                left.append(name)
            else:
                found[name] = self._judged(operation, part)
        return left

    def _batch_call(self, tails: Mapping[str, str]) -> Call:
        requests = [
            {"id": n, "method": "GET", "url": self.path(tail).removeprefix(VERSION), "headers": {"Prefer": _IMMUTABLE}}
            for n, tail in tails.items()
        ]
        return Call(
            operation="batch",
            method="POST",
            url=f"{VERSION}/$batch",
            safe=True,  # it only asks
            content=json.dumps({"requests": requests}).encode(),
            headers={"content-type": "application/json", "accept": "application/json"},
            costs={"mailbox": len(tails)},
            accept=frozenset({200}),
        )

    def _give_way(self, operation: str, part: Part | None) -> None:
        """Raise `RateLimited` where a part asks for more time than a call of its own would wait."""
        if part is not None and graph_parse.too_long(part.retry_after):
            until = self._pauses.until(self._services.clock.now(), part.retry_after)
            raise RateLimited("Graph asks to slow down.", operation=operation, status=part.status, retry_at=until)

    def _judged(self, operation: str, part: Part) -> Part:
        """A part that is an answer; raises what another means for the whole mailbox."""
        if _cut(part):
            raise BadReply("Graph's answer is not JSON.", operation=operation)
        if part.status == 200 or graph_parse.is_missing_item(part.status, part.body):
            return part
        error = graph_parse.classify(operation, part.status, part.body, person=self._person)
        if error is None or isinstance(error, Rejected):
            return Part(400, part.body)
        raise error

    async def _alone(self, operation: str, tail: str) -> Part:
        try:
            reply = await self.get(operation, self.path(tail), accept=frozenset({200, 404}))
        except Rejected:
            return Part(400)
        return self._judged(operation, Part(reply.status, await self.parsed(reply, operation)))

    async def close(self) -> None:
        """May be called twice."""
        await self._http.close()


def _cut(part: Part) -> bool:
    """Whether a good answer has no object: it was cut or garbled on its way."""
    return part.status == 200 and not isinstance(part.body, dict)


def item_path(id_: str, query: str = "") -> str:
    """The path of a mail, below a mailbox. Ids hold signs that mean something in a path."""
    return f"/messages/{quote(id_, safe='')}{query}"


def folder_path(id_: str, tail: str = "") -> str:
    return f"/mailFolders/{quote(id_, safe='')}{tail}"


def query(**options: str) -> str:
    """OData options as a query, for paths inside a batch; `select` stands for `$select`."""
    return "?" + "&".join(f"${name}={quote(value, safe=',()=')}" for name, value in options.items() if value)


def options(**values: str) -> dict[str, str]:
    """OData options as parameters of a call."""
    return {f"${name}": value for name, value in values.items() if value}


def utc(moment: datetime) -> str:
    """A time for a filter."""
    shape = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=shape).replace("+00:00", "Z")
