"""A Salesforce org on virtual time, reached over HTTP in process, and what its tests have in common."""

from collections.abc import Awaitable, Callable
from functools import cache
from random import Random
from typing import Any
from urllib.parse import quote

import httpx
import jwt

from tradepost.sandbox.kernel import World
from tradepost.sandbox.salesforce import ConnectedClient, SalesforceOrg, SalesforceVendor, Strictness
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run

KEY = {"type": "Text", "label": "Key", "length": 64, "externalId": True, "unique": True, "caseSensitive": True}
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
V = "/services/data/v66.0"


@cache
def key_pair() -> ConnectedClient:
    """An RSA key and its certificate, made once."""
    pair = ConnectedClient(client_id="", client_secret="")
    assert pair.private_key
    return pair


class Site:
    """One org, its vendor, and a client signed in as the integration user."""

    def __init__(self, strictness: Strictness) -> None:
        self.world = World(clock=VirtualClock(), random=Random(1))
        pair = key_pair()
        client = ConnectedClient(client_id="app", client_secret="secret", certificate=pair.certificate)
        client._private_key = pair.private_key
        self.org = SalesforceOrg(self.world.clock, client=client, strictness=strictness)
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


Scenario = Callable[[Site], Awaitable[None]]


def runner(strictness: Strictness) -> Callable[..., None]:
    """Runs a scenario on a fresh org with these rules, signed in, Tradepost_Key__c granted where one is needed."""

    def go(scenario: Scenario, *, keys: bool = True, signed_in: bool = True) -> None:
        async def main() -> None:
            site = Site(strictness)
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


async def cast(site: Site) -> tuple[str, str, str, str]:
    """An account, its contact, its deal, and a lead."""
    acme = site.org.add_account("Acme")
    li = site.org.add_contact("Li", "li@acme.example", account_id=acme)
    deal = site.org.add_opportunity("Deal", account_id=acme)
    lead = site.org.add_lead("Lee", "Lee Ltd", "lee@lee.example")
    return acme, li, deal, lead


async def tasks(site: Site) -> list[dict[str, Any]]:
    """The living tasks."""
    return await site.rows(
        "SELECT Id, WhoId, WhatId, AccountId, Subject, TaskSubtype, IsClosed, ActivityDate FROM Task"
    )


def task_record(n: object, **fields: Any) -> dict[str, Any]:
    """A task for a collection."""
    return {"attributes": {"type": "Task"}, "Subject": f"t{n}", **fields}


def part(method: str, path: str, reference: str, body: Any = None, **more: Any) -> dict[str, Any]:
    """A subrequest."""
    return {"method": method, "url": f"{V}/{path}", "referenceId": reference, "body": body, **more}


def mail_graph(n: int, key: str, to: str, subject: str = "s") -> dict[str, Any]:
    """A graph of a mail and its sender."""
    mail = {"Subject": subject, "Tradepost_Key__c": key, "ToIds": [to]}
    sender = {"EmailMessageId": "@{mail.id}", "RelationType": "FromAddress", "RelationId": to}
    parts = [
        part("POST", "sobjects/EmailMessage", "mail", mail),
        part("POST", "sobjects/EmailMessageRelation", "sender", sender),
    ]
    return {"graphId": f"g{n}", "compositeRequest": parts}


def plain_graph(
    graph_id: str = "g", nodes: int = 1, path: str = "sobjects/Account", method: str = "POST"
) -> dict[str, Any]:
    """A graph of nodes that do not refer to each other."""
    parts = [part(method, path, f"r{n}", {"Name": "x"}) for n in range(nodes)]
    return {"graphId": graph_id, "compositeRequest": parts}
