"""An organisation on virtual time, reached over HTTP in process."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import httpx

from tradepost.sandbox.kernel import World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run
from tradepost.sandbox.zoho import Settings, Strictness, Unknowns, ZohoHost, ZohoVendor

ACCOUNTS = "https://accounts.zoho.com.cn"
API = "https://www.zohoapis.com.cn"


class Site:
    """One organisation, and a client signed in as the program's user."""

    def __init__(self, strictness: Strictness | None = None, unknowns: Unknowns | None = None, **settings: Any) -> None:
        self.world = World(clock=VirtualClock(), random=Random(1))
        self.vendor = ZohoVendor(self.world, strictness, unknowns=unknowns, settings=Settings(**settings))
        self.org = self.vendor.org
        self.host = ZohoHost(self.world, self.vendor)
        self.transport = InProcessTransport(dict.fromkeys(self.vendor.host_names, self.vendor), self.world.clock)
        self.http = httpx.AsyncClient(transport=self.transport, base_url=API, timeout=30)
        self.version = "v8"

    @property
    def form(self) -> dict[str, str]:
        client = self.org.client
        return {
            "grant_type": "refresh_token",
            "client_id": client.client_id,
            "client_secret": client.secret,
            "refresh_token": self.org.token,
        }

    async def token(self, **form: str) -> httpx.Response:
        return await self.http.post(f"{ACCOUNTS}/oauth/v2/token", data={**self.form, **form})

    async def sign_in(self, **form: str) -> None:
        answer = await self.token(**form)
        self.http.headers["Authorization"] = f"Zoho-oauthtoken {answer.json()['access_token']}"

    async def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
        if "Authorization" not in self.http.headers:
            await self.sign_in()
        content = {} if body is None else {"json": body}
        return await self.http.request(method, f"/crm/{self.version}/{path}", **content, **kwargs)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        """GET with query parameters; `since` is If-Modified-Since."""
        since = query.pop("since", None)
        headers = {"If-Modified-Since": since} if since else {}
        return await self.call("GET", path, params=query, headers=headers)

    async def insert(self, module: str, *records: dict[str, Any], **more: Any) -> httpx.Response:
        return await self.call("POST", module, {"data": list(records), **more})

    async def made(self, module: str, **values: Any) -> str:
        answer = await self.insert(module, values)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"][0]["details"]["id"]

    async def put(self, path: str, *records: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.call("PUT", path, {"data": list(records)}, headers=headers or {})

    async def upsert(self, module: str, *records: dict[str, Any], **more: Any) -> httpx.Response:
        return await self.call("POST", f"{module}/upsert", {"data": list(records), **more})

    async def coql(self, query: str) -> httpx.Response:
        return await self.call("POST", "coql", {"select_query": query})

    async def ids(self, path: str, **query: Any) -> list[str]:
        """Ids of a list, to its end by page tokens."""
        found: list[str] = []
        answer = await self.get(path, **{"fields": "id", **query})
        while answer.status_code == 200:
            found += [row["id"] for row in answer.json()["data"]]
            token = answer.json()["info"].get("next_page_token")
            if not token:
                break
            answer = await self.get(path, **{"fields": "id", **query}, page_token=token)
        return found

    async def associate(self, module: str, record: str, *mails: dict[str, Any]) -> httpx.Response:
        path = f"{module}/{record}/actions/associate_email"
        return await self.call("POST", path, {"Emails": list(mails) or [mail()]})


def mail(**changes: Any) -> dict[str, Any]:
    """An element of associate_email; None takes a key away."""
    whole = {
        "from": {"user_name": "Ana Kovač", "email": "ana@adria.example"},
        "to": [{"user_name": "Li Hua", "email": "li@lantern.example"}],
        "subject": "Inquiry: paper lanterns 灯笼",
        "content": "<p>How much for 500?</p>",
        "mail_format": "html",
        "date_time": "2026-02-27T09:30:00+08:00",
        "sent": False,
        "original_message_id": "<inquiry-1@adria.example>",
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}


def code(answer: httpx.Response) -> str:
    """The code of a whole refusal, or of its first item; empty for an answer without one."""
    body = answer.json() if answer.content else {}
    for name in ("data", "Emails", "fields", "merge", "watch"):
        if isinstance(body.get(name), list):
            return body[name][0].get("code", "")
    return body.get("code", "")


Scenario = Callable[[Site], Awaitable[None]]


def play(
    scenario: Scenario, *, strictness: Strictness | None = None, unknowns: Unknowns | None = None, **settings: Any
) -> None:
    """Run a scenario on a new site, on virtual time."""

    async def whole() -> None:
        site = Site(strictness, unknowns, **settings)
        async with site.http:
            await scenario(site)
            await site.transport.drain()

    run(whole())
