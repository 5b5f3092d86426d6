"""Calls to one Zoho CRM account, over the common sender: lists, queries, writes, credits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.base.services import Call, Clock, Http, Log, Reply
from connectors.crm.pool import LOOK_AGAIN, Pool
from connectors.crm.zoho_map import COQL_ROWS, ROOT, coql_text, select
from connectors.crm.zoho_parse import Listed, Outcome, error_of, faults_in, id_in, parse_list, parse_outcome
from connectors.http import as_unknown, vendor_now

READ = frozenset({200, 204, 304})
# A refusal of the only record comes with 400 or 403 and the same body as a success:
# https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html
WRITTEN = frozenset({200, 201, 202, 207, 400, 403})

_MOST_STRIKES = 6
_DRY = 0.99


class Credits(Pool):
    """What is known of the account's credits and of calls refused, and what an error answer means.

    Zoho tells what remains only after half of the day's credits are used, and says 429 both for too many calls at once
    and for no credits, without Retry-After: https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html.
    """

    def __init__(self, clock: Clock, log: Log, reserve: float) -> None:
        super().__init__(clock, log, reserve, "zoho.usage")
        self._strikes = 0
        self.granted = 0.0  # credits of a day, once the edition is known

    def classify(self, call: Call, reply: Reply) -> ConnectorError | None:
        """How an answer with an error status is read."""
        if reply.status == 429:
            self.note(call, reply)
            return self._limited(call)
        if reply.status >= 500:
            return None
        fault = faults_in(reply.json())
        return error_of(fault, safe=call.safe, operation=call.operation, status=reply.status)

    def _limited(self, call: Call) -> RateLimited:
        """Seconds for calls at once, doubling; a quarter of an hour when the day's credits seem used up."""
        self._strikes += 1
        dry = self.usage >= _DRY or self._strikes > _MOST_STRIKES
        wait = LOOK_AGAIN if dry else timedelta(seconds=min(60, 2**self._strikes))
        hint = "The day's credits of Zoho CRM are used up." if dry else "Zoho takes no more calls at once."
        return RateLimited(
            hint, retry_at=self._clock.now() + wait, operation=call.operation, status=429, code="TOO_MANY_REQUESTS"
        )

    def hold_back(self, operation: str) -> None:
        """Leave the reserve to the customer's other programs."""
        if again := self.closed_until():
            hint = f"{self.usage:.0%} of the day's credits of Zoho CRM are used; the rest is left to others."
            raise RateLimited(hint, retry_at=again, operation=operation, code="CREDIT_RESERVE")

    def passed(self, reply: Reply) -> None:
        """A call was carried out. Without a word on credits, long after the last one, less than half is used."""
        self._strikes = 0
        silent = self.told_at is not None and self._clock.now() - self.told_at >= LOOK_AGAIN
        if silent and "x-api-credits-remaining" not in reply.headers:
            self.forget()

    def note(self, call: Call, reply: Reply) -> None:
        """Take what the headers tell."""
        left = reply.headers.get("x-api-credits-remaining", "")
        if not (left.isascii() and left.isdigit() and len(left) < 16):
            return
        # The header appears at half: until the edition is known, what it first tells is taken for that half.
        self.granted = self.granted or max(2.0 * int(left), 1.0)
        self.tell(call.operation, min(1.0, max(0.0, 1 - int(left) / self.granted)))


class ZohoApi:
    """One account's REST API. Raises only `connectors.base.errors`; a read never raises `BadReply`."""

    def __init__(self, http: Http, clock: Clock, usage: Credits, instance: Callable[[], Awaitable[str]]) -> None:
        """`instance` gives the base URL for the next call: the token's own `api_domain`."""
        self._http = http
        self._clock = clock
        self._instance = instance
        self.credits = usage
        self.server_now = clock.now()

    # ------------------------------------------------------------------------------------------------------- asking

    async def get(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON of a GET; None where Zoho answers that there is nothing (204) or nothing new (304)."""
        call = Call(
            operation=operation,
            method="GET",
            url=f"{ROOT}/{path}",
            safe=True,
            params=params or {},
            headers=headers or {},
            accept=READ,
        )
        return await self._asked(call)

    async def _asked(self, call: Call) -> Any:
        reply = await self._send(call)
        if reply.status in {204, 304} or not reply.content:
            return None
        try:
            return reply.json()
        except BadReply as error:
            raise Transient("The answer makes no sense.", operation=call.operation, status=error.status) from None

    async def page(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str],
        *,
        name: str = "data",
        headers: Mapping[str, str] | None = None,
    ) -> Listed:
        """One page of a list; an empty one where there is nothing."""
        return self._listed(await self.get(operation, path, params, headers), operation, name)

    def _listed(self, body: Any, operation: str, name: str = "data") -> Listed:
        if body is None:
            return Listed()
        try:
            return parse_list(body, name)
        except BadReply as error:
            raise Transient(error.hint, operation=operation) from None

    async def pages(
        self, operation: str, path: str, params: Mapping[str, str], *, name: str = "data", most: int = 50
    ) -> list[Mapping[str, Any]]:
        """All rows of a list with numbered pages."""
        rows: list[Mapping[str, Any]] = []
        for number in range(1, most + 1):
            page = await self.page(operation, path, {**params, "page": str(number)}, name=name)
            rows += page.rows
            if not page.more:
                break
        return rows

    async def query(self, text: str) -> tuple[Mapping[str, Any], ...]:
        """The rows of one COQL query."""
        call = Call(
            operation="coql",
            method="POST",
            url=f"{ROOT}/coql",
            safe=True,
            json={"select_query": text},
            accept=READ,
        )
        return self._listed(await self._asked(call), call.operation).rows

    async def query_all(self, fields: Sequence[str], module: str, where: str) -> list[Mapping[str, Any]]:
        """All rows of a question, on by id: https://www.zoho.com/crm/developer/docs/api/v8/COQL-Limitations.html."""
        rows: list[Mapping[str, Any]] = []
        condition, before = where, ""
        while True:
            page = await self.query(select(fields, module, condition))
            rows += page
            last = id_in(page[-1].get("id")) if page else ""
            if len(page) < COQL_ROWS or not last:
                return rows
            if (len(last), last) <= (len(before), before):
                raise Transient("The listing does not end.", operation="coql")
            before = last
            condition = f"({where} and id > {coql_text(last)})"

    async def record(self, module: str, record: str, fields: Sequence[str] = ()) -> Mapping[str, Any] | None:
        """One record, or None where it is deleted, merged or hidden. Without `fields` all it has."""
        params = {"fields": ",".join(fields)} if fields else {}
        try:
            page = await self.page("get_record", f"{module}/{record}", params)
        except Gone:
            return None
        return page.rows[0] if page.rows else None

    # ------------------------------------------------------------------------------------------------------ changing

    async def write(
        self,
        operation: str,
        method: str,
        path: str,
        body: object = None,
        *,
        name: str = "data",
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Write one record. An answer that does not tell how it went is `OutcomeUnknown`."""
        call = Call(
            operation=operation,
            method=method,
            url=f"{ROOT}/{path}",
            safe=False,
            json=body,
            params=params or {},
            headers=headers or {},
            accept=WRITTEN,
        )
        reply = await self._send(call)
        try:
            return parse_outcome(reply.json(), name)
        except BadReply as error:
            error.operation, error.status = operation, reply.status
            if reply.status >= 400:  # a proxy's page: the request did not pass
                kind = NotPermitted if reply.status == 403 else Rejected
                raise kind("The request is refused.", operation=operation, status=reply.status) from None
            raise as_unknown(error) from None

    # --------------------------------------------------------------------------------------------------------- usage

    async def _send(self, call: Call) -> Reply:
        self.credits.hold_back(call.operation)
        reply = await self._http.send(replace(call, url=await self._instance() + call.url))
        self.credits.note(call, reply)
        self.credits.passed(reply)
        now = self._clock.now()
        self.server_now = vendor_now(reply, now) or now
        return reply


def refusal(outcome: Outcome, operation: str) -> ConnectorError | None:
    """The error of a write that Zoho refused; None for one that went well."""
    if outcome.fault is None:
        return None
    error = error_of(outcome.fault, safe=False, operation=operation)
    return error or OutcomeUnknown("Zoho gives no reason.", operation=operation)


def stops_all(error: ConnectorError) -> bool:
    """Whether an error would meet every further call as well, so that none should be sent."""
    return isinstance(error, (AuthFailed, RateLimited, NotPermitted))
