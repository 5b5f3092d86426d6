"""A Salesforce org on virtual time, reached over HTTP in process."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import pytest

from tradepost.sandbox.kernel import World
from tradepost.sandbox.salesforce import ConnectedClient, SalesforceOrg, SalesforceVendor
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run

KEY = {"type": "Text", "label": "Key", "length": 64, "externalId": True, "unique": True, "caseSensitive": True}
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Site:
    """One org, its vendor, and a client signed in as the integration user."""

    def __init__(self, key_pair: ConnectedClient) -> None:
        self.world = World(clock=VirtualClock(), random=Random(1))
        client = ConnectedClient(client_id="app", client_secret="secret", certificate=key_pair.certificate)
        client._private_key = key_pair.private_key
        self.org = SalesforceOrg(self.world.clock, client=client)
        self.vendor = SalesforceVendor(self.world, self.org)
        self.transport = InProcessTransport(dict.fromkeys(self.vendor.hosts, self.vendor), self.world.clock)
        self.base = f"https://{self.org.my_domain}"
        self.http = httpx.AsyncClient(transport=self.transport, base_url=self.base, timeout=30)
        self.version = "66.0"

    @property
    def user(self) -> str:
        return self.org.integration_user_id

    async def sign_in(self, **form: str) -> dict[str, Any]:
        body = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret", **form}
        answer = await self.http.post("/services/oauth2/token", data=body)
        if answer.status_code == 200:
            self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return {"status": answer.status_code, **answer.json()}

    def assertion(self, *, minutes: float = 2, key: str = "", **claims: Any) -> str:
        expires = self.world.clock.now().timestamp() + minutes * 60
        facts = {
            "iss": "app",
            "sub": self.org.integration_username,
            "aud": "https://login.salesforce.com",
            "exp": expires,
        }
        return jwt.encode(facts | claims, key or self.org.client.private_key, algorithm="RS256")

    async def sign_in_jwt(self, host: str = "login.salesforce.com", **claims: Any) -> dict[str, Any]:
        form = {"grant_type": JWT_GRANT, "assertion": self.assertion(**claims)}
        answer = await self.http.post(f"https://{host}/services/oauth2/token", data=form)
        return {"status": answer.status_code, **answer.json()}

    async def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
        content = {} if body is None else {"json": body}
        return await self.http.request(method, f"/services/data/v{self.version}/{path}", **content, **kwargs)

    async def query(self, soql: str, resource: str = "query", **kwargs: Any) -> Any:
        return (await self.call("GET", f"{resource}?q={quote(soql)}", **kwargs)).json()

    async def rows(self, soql: str, resource: str = "query") -> list[dict[str, Any]]:
        """Records without their attributes."""
        answer = await self.query(soql, resource)
        return [{k: v for k, v in row.items() if k != "attributes"} for row in answer["records"]]

    async def create(self, sobject: str, **fields: Any) -> str:
        answer = await self.call("POST", f"sobjects/{sobject}", fields)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def refusal(self, method: str, path: str, body: Any = None, **kwargs: Any) -> tuple[int, str, str]:
        """Status, code and message of an answer that must be a refusal."""
        answer = await self.call(method, path, body, **kwargs)
        assert answer.status_code >= 300, answer.text
        return answer.status_code, answer.json()[0]["errorCode"], answer.json()[0]["message"]


@pytest.fixture(scope="session")
def key_pair() -> ConnectedClient:
    pair = ConnectedClient(client_id="", client_secret="")
    assert pair.private_key
    return pair


@pytest.fixture
def on_site(key_pair) -> Callable[[Callable[[Site], Awaitable[None]]], None]:
    """Run a scenario on a fresh org, signed in, with Tradepost_Key__c granted on the objects that get one."""

    def go(scenario: Callable[[Site], Awaitable[None]], *, keys: bool = True, signed_in: bool = True) -> None:
        async def main() -> None:
            site = Site(key_pair)
            if keys:
                for sobject in ("Activity", "EmailMessage", "Contact", "Opportunity"):
                    site.org.add_custom_field(sobject, "Tradepost_Key__c", grant_to=[site.user], **KEY)
            async with site.http:
                if signed_in:
                    assert (await site.sign_in())["status"] == 200
                await scenario(site)
                await site.transport.drain()

        run(main())

    return go
