"""A HubSpot account on virtual time, reached over HTTP in process."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx

from tradepost.sandbox.hubspot import HubSpotVendor, Strictness
from tradepost.sandbox.kernel import World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run

VERSION = "2026-09"
AT = "2026-02-01T10:00:00Z"


class Site:
    """One account, its vendor, and a client with the service key."""

    def __init__(self, strictness: Strictness, start: datetime | None = None, **settings: Any) -> None:
        clock = VirtualClock(start) if start else VirtualClock()
        self.world = World(clock=clock, random=Random(1))
        self.vendor = HubSpotVendor(self.world, strictness)
        self.portal = self.vendor.portal
        self.portal.configure(**settings)
        self.transport = InProcessTransport(dict.fromkeys(self.vendor.hosts, self.vendor), clock)
        self.http = httpx.AsyncClient(transport=self.transport, base_url="https://api.hubapi.com", timeout=30)
        self.http.headers["Authorization"] = f"Bearer {self.portal.key.key}"

    async def sleep(self, seconds: float) -> None:
        await self.world.clock.sleep(seconds)

    async def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
        content = {} if body is None else {"json": body}
        return await self.http.request(method, path, **content, **kwargs)

    async def objects(self, method: str, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
        return await self.call(method, f"/crm/objects/{VERSION}/{path}", body, **kwargs)

    async def create(self, kind: str, **properties: Any) -> str:
        answer = await self.objects("POST", kind, {"properties": properties, "associations": []})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def search(self, kind: str, *filters: dict[str, Any], **body: Any) -> httpx.Response:
        groups = [{"filters": list(filters)}] if filters else []
        return await self.objects("POST", f"{kind}/search", {"filterGroups": groups, **body})

    async def found(self, kind: str, *filters: dict[str, Any], **body: Any) -> list[str]:
        answer = await self.search(kind, *filters, **body)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["results"]]

    async def token(self, path: str = f"/oauth/{VERSION}/token", **form: str) -> httpx.Response:
        app = self.portal.app
        known = {
            "grant_type": "refresh_token",
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "refresh_token": self.portal.refresh_token,
        }
        return await self.http.post(path, data=known | form)


def where(name: str, operator: str, *values: Any) -> dict[str, Any]:
    """One filter of a search."""
    row: dict[str, Any] = {"propertyName": name, "operator": operator}
    if operator in ("IN", "NOT_IN"):
        return row | {"values": list(values)}
    return row | dict(zip(("value", "highValue"), values, strict=False))


def email(**more: Any) -> dict[str, Any]:
    """The least that an email needs."""
    return {"hs_timestamp": AT, "hs_email_direction": "EMAIL", **more}


def runner(strictness: Strictness) -> Callable[..., None]:
    """Runs a scenario on a fresh account with these rules."""

    def go(scenario: Callable[[Site], Awaitable[None]], *, start: datetime | None = None, **settings: Any) -> None:
        async def main() -> None:
            site = Site(strictness, start, **settings)
            async with site.http:
                await scenario(site)
                await site.transport.drain()

        run(main())

    return go


Scenario = Callable[[Site], Awaitable[None]]


def on_account(**settings: Any) -> Callable[[Scenario], Callable[..., None]]:
    """Makes a test of a scenario; the fixture `account` runs it."""

    def make(scenario: Scenario) -> Callable[..., None]:
        def test(account: Callable[..., None]) -> None:
            account(scenario, **settings)

        test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
        return test

    return make


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)
