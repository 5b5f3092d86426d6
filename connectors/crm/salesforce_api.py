"""Calls to one Salesforce org, over the common sender: queries, describes, graphs, guarded changes, usage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Transient,
)
from connectors.base.services import Call, Clock, Http, Log, Reply
from connectors.crm.pool import Pool
from connectors.crm.salesforce_map import API_VERSION, ObjectShape, http_date, in_chunks, object_shape
from connectors.crm.salesforce_parse import (
    Fault,
    GraphOutcome,
    cause,
    error_of,
    parse_faults,
    parse_graphs,
    parse_usage,
)
from connectors.crm.salesforce_writes_map import SAVE_HEADERS
from connectors.http import vendor_now

T = TypeVar("T")

DATA = f"/services/data/v{API_VERSION}"
_COMMON = {"Sforce-Call-Options": "client=Tradepost"}
MAX_PAGES = 5_000  # of one query; a page has up to 2,000 rows


def classifier(clock: Clock) -> Callable[[Call, Reply], ConnectorError | None]:
    """How an answer with an error status is read.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
    """

    def classify(call: Call, reply: Reply) -> ConnectorError | None:
        if reply.status in {401, 412, 429}:  # the general rule: AuthFailed, Conflict, RateLimited (an edge in front)
            return None
        if reply.status == 410:
            hint = "This version of the API has ended; install a newer Tradepost."
            return NotPermitted(hint, operation=call.operation, status=410)
        if reply.status in {420, 428, 431}:
            kind = Transient if call.safe else OutcomeUnknown
            return kind("Salesforce could not route the call.", operation=call.operation, status=reply.status)
        try:
            fault = cause(parse_faults(reply.json()))
        except BadReply:
            fault = Fault("")
        return error_of(fault, clock.now(), operation=call.operation, status=reply.status)

    return classify


class SalesforceApi:
    """One org's REST API. Raises only `connectors.base.errors`; a read never raises `BadReply` or `OutcomeUnknown`."""

    def __init__(
        self, http: Http, clock: Clock, log: Log, instance: Callable[[], Awaitable[str]], reserve: float
    ) -> None:
        """`instance` gives the base URL for the next call; `reserve` is the share of the daily pool left alone."""
        self._http = http
        self._instance = instance
        self._clock = clock
        self._pool = Pool(clock, log, reserve, "salesforce.usage")
        self.server_now = clock.now()

    @property
    def usage(self) -> float:
        """The share of the org's daily calls in use, by everybody; may exceed 1."""
        return self._pool.usage

    # ------------------------------------------------------------------------------------------------------- asking

    async def get(self, operation: str, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON of a GET. An answer that makes no sense is `Transient`: asking changes nothing."""
        call = Call(operation=operation, method="GET", url=path, safe=True, params=params or {}, headers=_COMMON)
        try:
            return (await self._send(call)).json()
        except BadReply as error:
            raise Transient("The answer makes no sense.", operation=operation, status=error.status) from error

    async def query(self, soql: str, *, everything: bool = False, tooling: bool = False) -> list[dict[str, Any]]:
        """All rows of a query; with `everything` deleted and archived ones too.

        Archived are closed activities older than a year: only queryAll sees them.
        https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_guidelines_archive.htm
        """
        verb = "queryAll" if everything else "query"
        path = f"{DATA}/tooling/query/" if tooling else f"{DATA}/{verb}/"
        operation = "tooling.query" if tooling else verb
        body = await self.get(operation, path, {"q": soql})
        rows = _rows(body, operation)
        seen: set[str] = set()
        while not body.get("done", True):
            following = str(body.get("nextRecordsUrl") or "")
            if not following.startswith("/services/data/") or following in seen or len(seen) >= MAX_PAGES:
                raise Transient("The listing does not end.", operation="queryMore")
            seen.add(following)
            body = await self.get("queryMore", following)
            rows += _rows(body, operation)
        return rows

    async def query_chunks(
        self, items: Sequence[T], soql: Callable[[Sequence[T]], str], *, everything: bool = False
    ) -> list[dict[str, Any]]:
        """The rows of one question about many items, in as few queries as fit a URI."""
        rows: list[dict[str, Any]] = []
        for text in in_chunks(items, soql):
            rows += await self.query(text, everything=everything)
        return rows

    async def describe(self, sobject: str) -> ObjectShape | None:
        """The object as our user sees it, or None where it does not exist for us."""
        try:
            return object_shape(await self.get("describe", f"{DATA}/sobjects/{sobject}/describe"))
        except Gone:
            return None

    async def record(self, sobject: str, record: str, fields: Sequence[str]) -> dict[str, Any]:
        """Fields of one record; raises `Gone`."""
        body = await self.get("sobject.retrieve", f"{DATA}/sobjects/{sobject}/{record}", {"fields": ",".join(fields)})
        if not isinstance(body, dict):
            raise Transient("The answer makes no sense.", operation="sobject.retrieve")
        return body

    # ------------------------------------------------------------------------------------------------------ changing

    async def graphs(self, graphs: Sequence[Mapping[str, Any]]) -> dict[str, GraphOutcome]:
        """Run graphs, each wholly or not at all. A broken answer is `OutcomeUnknown`: they may have run."""
        call = self._write("composite.graph", "POST", f"{DATA}/composite/graph", {"graphs": list(graphs)})
        try:
            return parse_graphs((await self._send(call)).json())
        except BadReply as error:
            hint = "The answer to a write makes no sense."
            raise OutcomeUnknown(hint, operation=call.operation, status=error.status) from error

    async def change(self, sobject: str, record: str, body: Mapping[str, Any], unmodified_since: datetime) -> None:
        """Change a record that nobody changed meanwhile; raises `Conflict` when somebody did."""
        path = f"{DATA}/sobjects/{sobject}/{record}"
        headers = {"If-Unmodified-Since": http_date(unmodified_since)}
        await self._send(self._write("sobject.update", "PATCH", path, dict(body), headers))

    async def create(self, sobject: str, body: Mapping[str, Any], *, tooling: bool = False) -> str:
        """Make one record; used by setup only."""
        base = f"{DATA}/tooling" if tooling else DATA
        operation = "tooling.create" if tooling else "sobject.create"
        call = self._write(operation, "POST", f"{base}/sobjects/{sobject}", dict(body))
        try:
            return str((await self._send(call)).json()["id"])
        except (BadReply, KeyError, TypeError) as error:
            raise OutcomeUnknown("The answer to a write makes no sense.", operation=operation) from error

    async def delete(self, sobject: str, record: str) -> bool:
        """Delete a record; False when it was gone before."""
        call = self._write("sobject.delete", "DELETE", f"{DATA}/sobjects/{sobject}/{record}", None)
        try:
            await self._send(call)
        except Gone:
            return False
        return True

    def _write(
        self, operation: str, method: str, url: str, body: object, headers: Mapping[str, str] | None = None
    ) -> Call:
        joined = {**_COMMON, **SAVE_HEADERS, **(headers or {})}
        return Call(operation=operation, method=method, url=url, safe=False, headers=joined, json=body)

    # --------------------------------------------------------------------------------------------------------- usage

    async def _send(self, call: Call) -> Reply:
        self._hold_back(call.operation)
        reply = await self._http.send(replace(call, url=await self._instance() + call.url))
        self._note(call, reply)
        return reply

    def _hold_back(self, operation: str) -> None:
        """Leave the reserve to the org's other programs.

        https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm
        """
        if again := self._pool.closed_until():
            hint = f"{self.usage:.0%} of the org's daily API calls are used; the rest is left to others."
            raise RateLimited(hint, retry_at=again, operation=operation, code="DAILY_RESERVE")

    def _note(self, call: Call, reply: Reply) -> None:
        now = self._clock.now()
        self.server_now = vendor_now(reply, now) or now
        usage = parse_usage(reply.headers.get("sforce-limit-info", ""))
        if usage is not None:
            self._pool.tell(call.operation, usage)


def stops_all(error: ConnectorError) -> bool:
    """Whether an error would meet every further call as well, so that none should be sent."""
    return isinstance(error, (AuthFailed, RateLimited)) or (isinstance(error, NotPermitted) and error.status == 410)


def _rows(body: object, operation: str) -> list[dict[str, Any]]:
    rows = body.get("records") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise Transient("The answer holds no rows.", operation=operation)
    return [r for r in rows if isinstance(r, dict)]
