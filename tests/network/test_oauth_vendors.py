"""Our token sources against the simulated vendors, which were written from the vendors' documents."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest

from connectors.base.errors import AuthFailed, NotPermitted
from connectors.base.services import Call, HttpSpec, Reply, Services
from connectors.http import Sender
from connectors.oauth import (
    GoogleServiceAccountTokens,
    SalesforceClientCredentials,
    SalesforceJwtTokens,
    ServiceAccountKey,
    TokenSpec,
)
from tradepost.cpu import InlineCpu
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import World
from tradepost.sandbox.salesforce import SalesforceOrg, SalesforceVendor
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run
from tradepost.vault import MemoryVault

READONLY = "https://www.googleapis.com/auth/gmail.readonly"
ANNA = "anna@ours.example"


class Site:
    """Both vendors, and services to reach them."""

    def __init__(self, log: Any) -> None:
        self.clock = VirtualClock()
        world = World(clock=self.clock, random=Random(1))
        self.gmail = GmailVendor(world)
        self.gmail.add_mailbox(ANNA)
        self.org = SalesforceOrg(self.clock)
        salesforce = SalesforceVendor(world, self.org)
        apps = dict.fromkeys(["gmail.googleapis.com", "oauth2.googleapis.com"], self.gmail)
        transport = InProcessTransport({**apps, **dict.fromkeys(salesforce.hosts, salesforce)}, self.clock)
        self.sender = Sender(clock=self.clock, random=Random(2), log=log, transport=transport)
        self.services = Services(
            open_http=self.sender.open, clock=self.clock, random=Random(3), cpu=InlineCpu(), log=log, vault=MemoryVault()
        )  # fmt: skip

    def google(self, subject: str = ANNA, scope: str = READONLY) -> GoogleServiceAccountTokens:
        key = ServiceAccountKey.from_json(json.dumps(self.gmail.key_file("https://oauth2.googleapis.com")))
        spec = TokenSpec(name="mail", url="")
        return GoogleServiceAccountTokens(self.services, spec, key, subject=subject, scopes=[scope])

    def spec(self) -> TokenSpec:
        return TokenSpec(name="crm", url=f"https://{self.org.my_domain}/services/oauth2/token")

    def jwt(self, username: str = "") -> SalesforceJwtTokens:
        client = self.org.client
        username = username or self.org.integration_username
        return SalesforceJwtTokens(
            self.services, self.spec(), client_id=client.client_id, username=username, key=client.private_key
        )

    def secret(self) -> SalesforceClientCredentials:
        client = self.org.client
        return SalesforceClientCredentials(
            self.services, self.spec(), client_id=client.client_id, client_secret=client.client_secret
        )

    async def get(self, tokens: Any, base: str, path: str) -> Reply:
        session = self.sender.open(HttpSpec(name="x", base_url=base, classify=lambda *_: None, tokens=tokens))
        try:
            return await session.send(Call(operation="x", method="GET", url=path, safe=True))
        finally:
            await session.close()


@pytest.fixture
def site(shop) -> Site:
    return Site(shop.log)


def test_a_service_account_opens_the_mailbox_and_a_dead_token_is_replaced(site) -> None:
    async def main() -> list[Any]:
        tokens, path = site.google(), "gmail/v1/users/me/profile"
        seen = [(await site.get(tokens, "https://gmail.googleapis.com", path)).json()["emailAddress"]]
        first = await tokens.token()
        site.gmail.directory.tokens.clear()
        await site.get(tokens, "https://gmail.googleapis.com", path)
        return [*seen, first != await tokens.token()]

    assert run(main()) == [ANNA, True]


def test_missing_delegation_and_an_unknown_mailbox_are_told_apart(site) -> None:
    with pytest.raises(NotPermitted, match="Domain-wide delegation"):
        run(site.google(scope="https://mail.google.com/").token())
    with pytest.raises(AuthFailed, match="mailbox"):
        run(site.google("nobody@ours.example").token())


@pytest.mark.parametrize("kind", ["jwt", "secret"])
def test_salesforce_opens_and_an_ended_session_is_replaced_once_for_all(site, kind) -> None:
    async def main() -> list[int]:
        tokens = site.jwt() if kind == "jwt" else site.secret()
        await tokens.token()
        assert tokens.instance_url == f"https://{site.org.my_domain}"
        await site.clock.sleep(3 * 3600)
        calls = [site.get(tokens, tokens.instance_url, "services/data/v66.0/limits") for _ in range(5)]
        return [reply.status for reply in await asyncio.gather(*calls)]

    assert run(main()) == [200] * 5


def test_a_user_who_is_not_approved_is_told_how_to_become_so(site) -> None:
    with pytest.raises(NotPermitted, match="pre-authorized"):
        run(site.jwt("stranger@acme").token())
