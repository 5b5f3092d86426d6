"""Calls to one HubSpot account, over the common sender: listings, searches, batches, associations, usage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    Gone,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.base.services import Call, Clock, Http, Log, Reply
from connectors.crm.hubspot_map import API_VERSION, Search
from connectors.crm.hubspot_parse import (
    BatchAnswer,
    Fault,
    Row,
    batch_answer,
    classified,
    error_of,
    errors_of,
    is_record,
    next_of,
    parse_fault,
    records_of,
    rows_of,
    unknown,
    usage_of,
)
from connectors.crm.pool import Pool
from connectors.http import as_unknown, vendor_now

T = TypeVar("T")

MAX_BATCH = 100  # records of one call
MAX_READ_LINKS = 1000
MAX_WRITE_LINKS = 2000
MAX_PAGES = 2000  # of one question; no account has more
SEARCH_CAP = 10_000
_READ = frozenset({200, 207})
_WRITTEN = frozenset({200, 201, 204, 207})


class HubSpotApi:
    """One account's API. Raises only `connectors.base.errors`; a question no `BadReply` and no `OutcomeUnknown`."""

    def __init__(self, open_http: Callable[[Classify], Http], clock: Clock, log: Log, reserve: float) -> None:
        """`open_http` opens the session with the given reading of errors; `reserve` is the daily share left alone."""
        self.zone = ""  # of the account, for the end of its day; known after the first look at it
        self._http = open_http(lambda call, reply: classified(call, reply, clock.now(), self.zone))
        self._clock = clock
        self._pool = Pool(clock, log, reserve, "hubspot.usage")
        self._ahead = timedelta()  # the vendor's clock before ours

    @property
    def usage(self) -> float:
        """The share of the account's daily calls in use, by all its keys."""
        return self._pool.usage

    @property
    def server_now(self) -> datetime:
        """The vendor's time, at most a second late."""
        return self._clock.now() + self._ahead

    async def close(self) -> None:
        await self._http.close()

    # ----------------------------------------------------------------------------------------------------------- asking

    async def ask(self, operation: str, url: str, **more: Any) -> dict[str, Any]:
        """The JSON object of a question. An answer that makes no sense is `Transient`: asking changes nothing."""
        method = "GET" if "json" not in more and "form" not in more else "POST"
        costs = {"burst": 1.0, "search": 1.0} if operation.endswith(".search") else {"burst": 1.0}
        call = Call(operation=operation, method=method, url=url, safe=True, costs=costs, accept=_READ, **more)
        body = self._read(operation, lambda reply: reply.json(), await self._send(call))
        if not isinstance(body, dict):
            raise Transient("The answer makes no sense.", operation=operation)
        return body

    def _read(self, operation: str, read: Callable[[T], Any], answer: T) -> Any:
        try:
            return read(answer)
        except BadReply as error:
            raise Transient("The answer makes no sense.", operation=operation, status=error.status) from None

    async def page(
        self, name: str, properties: Sequence[str], after: str, *, limit: int, archived: bool = False, links: str = ""
    ) -> tuple[list[Row], str]:
        """One page of all records of an object, in no promised order, and the token of the next."""
        params = {"limit": str(limit), "properties": ",".join(properties)}
        params |= {"after": after} if after else {}
        params |= {"archived": "true"} if archived else {}
        params |= {"associations": links} if links else {}
        operation = f"{name}.list"
        body = await self.ask(operation, _objects(name), params=params)
        rows: list[Row] = self._read(operation, lambda b: records_of(b, operation), body)
        return rows, next_of(body)

    async def all(self, operation: str, url: str, params: Mapping[str, str]) -> list[Row]:
        """All rows of a listing of another kind, such as owners."""
        rows: list[Row] = []
        after = ""
        for _ in range(MAX_PAGES):
            body = await self.ask(operation, url, params={**params, **({"after": after} if after else {})})
            rows += self._read(operation, lambda b: rows_of(b, operation), body)
            before, after = after, next_of(body)
            if not after or after == before:
                return rows
        raise Transient("The listing does not end.", operation=operation)

    async def search(self, name: str, question: Search) -> list[Row]:
        """All rows of a search, as far as the 10,000 that HubSpot shows. Copies of an index: maybe minutes old."""
        rows: list[Row] = []
        after = "0"
        while True:
            some, following = await self.search_page(name, question, after)
            rows += some
            if not int_of(after) < int_of(following) < SEARCH_CAP:
                return rows
            after = following

    async def search_page(self, name: str, question: Search, after: str = "0") -> tuple[list[Row], str]:
        """One page of a search, and the token of the next."""
        operation = f"{name}.search"
        body = await self.ask(operation, f"{_objects(name)}/search", json=question.json(after))
        rows: list[Row] = self._read(operation, lambda b: records_of(b, operation), body)
        return rows, next_of(body)

    async def read(
        self, name: str, ids: Sequence[str], properties: Sequence[str], *, by: str = "", archived: bool = False
    ) -> list[Row]:
        """Records by id, or by the unique property `by`; those that are not there are left out."""
        rows: list[Row] = []
        operation = f"{name}.batch.read"
        wanted = list(dict.fromkeys(i for i in ids if i))
        for start in range(0, len(wanted), MAX_BATCH):
            inputs = [{"id": i} for i in wanted[start : start + MAX_BATCH]]
            body = {"inputs": inputs, "properties": list(properties), "propertiesWithHistory": []}
            body |= {"idProperty": by} if by else {}
            params = {"archived": "true"} if archived else {}
            answer = await self.ask(operation, f"{_objects(name)}/batch/read", json=body, params=params)
            rows += self._read(operation, lambda b: records_of(b, operation), answer)
            _raise_wide(answer, operation)
        return rows

    async def record(self, name: str, record: str, properties: Sequence[str], *, history: str = "") -> Row:
        """One record; its `id` differs from `record` after a merge. Raises `Gone`."""
        params = {"properties": ",".join(properties)}
        params |= {"propertiesWithHistory": history} if history else {}
        row = await self.ask(f"{name}.get", f"{_objects(name)}/{record}", params=params)
        if not is_record(row):
            raise Transient("The answer makes no sense.", operation=f"{name}.get")
        return row

    async def links(self, from_: str, to: str, ids: Sequence[str]) -> dict[str, list[Row]]:
        """The associations of records: rows with `toObjectId` and `associationTypes`, by the record they go from."""
        found: dict[str, list[Row]] = {}
        inputs = [{"id": i} for i in dict.fromkeys(i for i in ids if i)]
        operation = "associations.batch.read"
        url = f"/crm/associations/{API_VERSION}/{from_}/{to}/batch/read"
        for _ in range(MAX_PAGES):
            if not inputs:
                return found
            some, inputs = inputs[:MAX_READ_LINKS], inputs[MAX_READ_LINKS:]
            body = await self.ask(operation, url, json={"inputs": some})
            _raise_wide(body, operation)
            for row in self._read(operation, lambda b: rows_of(b, operation), body):
                record = str(row["from"].get("id") or "") if isinstance(row.get("from"), dict) else ""
                targets = [t for t in row.get("to") or () if isinstance(t, dict) and t.get("toObjectId")]
                found.setdefault(record, []).extend(targets)
                after = next_of(row)
                inputs += [{"id": record, "after": after}] if after and record else []
        raise Transient("The associations do not end.", operation=operation)

    # --------------------------------------------------------------------------------------------------------- changing

    async def write(self, operation: str, method: str, url: str, body: object, **more: Any) -> Reply:
        """Send a change once."""
        accept = more.pop("accept", _WRITTEN)
        call = Call(
            operation=operation,
            method=method,
            url=url,
            safe=False,
            json=body,
            accept=accept,
            costs={"burst": 1.0},
            **more,
        )
        return await self._send(call)

    async def batch(
        self, name: str, verb: str, inputs: Mapping[str, Mapping[str, Any]], keys: Mapping[str, str]
    ) -> BatchAnswer:
        """Create or upsert up to a hundred records; `inputs` by trace id, `keys` from unique value to trace id.

        A refusal of the whole batch is raised: then nothing was written.
        """
        operation = f"{name}.batch.{verb}"
        body = {"inputs": [{**one, "objectWriteTraceId": trace} for trace, one in inputs.items()]}
        reply = await self.write(operation, "POST", f"{_objects(name)}/batch/{verb}", body)
        try:
            return batch_answer(reply.json(), list(inputs), keys, operation)
        except BadReply as error:
            raise as_unknown(error) from None

    async def change(self, name: str, record: str, properties: Mapping[str, str]) -> Row:
        """Change one record; the row as it stands then."""
        operation = f"{name}.update"
        reply = await self.write(operation, "PATCH", f"{_objects(name)}/{record}", {"properties": dict(properties)})
        try:
            row = reply.json()
        except BadReply as error:
            raise as_unknown(error) from None
        if not is_record(row):
            raise unknown(operation, reply.status)
        return dict(row)

    async def create(self, name: str, properties: Mapping[str, str]) -> Row | Fault:
        """Make one record, or tell why it clashes with one that exists (409)."""
        operation = f"{name}.create"
        body = {"properties": dict(properties), "associations": []}
        reply = await self.write(operation, "POST", _objects(name), body, accept=frozenset({200, 201, 409}))
        try:
            row = reply.json()
        except BadReply as error:
            if reply.status == 409:
                return Fault(category="CONFLICT")
            raise as_unknown(error) from None
        if reply.status == 409:
            return parse_fault(row)
        if not is_record(row):
            raise unknown(operation, reply.status)
        return dict(row)

    async def archive(self, name: str, record: str) -> bool:
        """Delete a record; False when it was gone before."""
        try:
            await self.write(f"{name}.archive", "DELETE", f"{_objects(name)}/{record}", None)
        except Gone:
            return False
        return True

    async def link(self, from_: str, to: str, type_id: int, pairs: Sequence[tuple[str, str]]) -> None:
        """Associate records; pairs that are associated already stay so. Raises for the whole call.

        Raises `Gone`, `NotPermitted`, `Rejected` also where only some pairs were refused.
        """
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
        operation = "associations.batch.create"
        url = f"/crm/associations/{API_VERSION}/{from_}/{to}/batch/create"
        for start in range(0, len(pairs), MAX_WRITE_LINKS):
            some = pairs[start : start + MAX_WRITE_LINKS]
            inputs = [{"from": {"id": a}, "to": {"id": b}, "types": types} for a, b in some]
            reply = await self.write(operation, "POST", url, {"inputs": inputs})
            _raise_linked(reply, operation)

    # ------------------------------------------------------------------------------------------------------------ usage

    async def _send(self, call: Call) -> Reply:
        self._hold_back(call.operation)
        reply = await self._http.send(call)
        self._note(call, reply)
        return reply

    def _hold_back(self, operation: str) -> None:
        """Leave the reserve to the account's other programs: the daily pool is one for all of its keys."""
        if again := self._pool.closed_until():
            hint = f"{self.usage:.0%} of the account's daily API calls are used; the rest is left to others."
            raise RateLimited(hint, retry_at=again, operation=operation, code="DAILY_RESERVE")

    def _note(self, call: Call, reply: Reply) -> None:
        now = self._clock.now()
        told = vendor_now(reply, now)
        self._ahead = told - now if told else self._ahead
        usage = usage_of(reply.headers)
        if usage is not None:
            self._pool.tell(call.operation, usage)


Classify = Callable[[Call, Reply], ConnectorError | None]


def _objects(name: str) -> str:
    return f"/crm/objects/{API_VERSION}/{name}"


def int_of(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _raise_wide(body: Mapping[str, Any], operation: str) -> None:
    """Errors of a read that are not about missing rows: a part of the answer would be taken for all of it."""
    if body.get("status") not in (None, "COMPLETE"):
        raise Transient("HubSpot has not finished reading.", operation=operation)
    for fault in map(parse_fault, errors_of(body)):
        if not (fault.ids or "NOT_FOUND" in fault.code or "NO_ASSOCIATIONS" in fault.code):
            raise Transient("A part could not be read.", operation=operation, code=fault.code)


def _raise_linked(reply: Reply, operation: str) -> None:
    try:
        body = reply.json()
    except BadReply as error:
        raise as_unknown(error) from None
    if not isinstance(body, dict) or body.get("status") not in (None, "COMPLETE"):
        raise unknown(operation, reply.status)
    for fault in map(parse_fault, errors_of(body)):
        raise error_of(fault, operation=operation, status=reply.status) or unknown(operation, reply.status)


def stops_all(error: ConnectorError) -> bool:
    """Whether an error would meet every further call as well, so that none should be sent."""
    return isinstance(error, AuthFailed | RateLimited)


def refused(error: ConnectorError) -> bool:
    """Whether an error promises that nothing was written, and may be one row's fault alone."""
    return isinstance(error, Rejected | Gone) and not isinstance(error, OutcomeUnknown)
