"""No connector's token reaches another host: by a redirect, by a link in an answer, or by what a token endpoint names."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from random import Random

import httpx
import pytest

import connectors.oauth.salesforce
import connectors.oauth.zoho
from connectors.base.errors import Transient
from connectors.base.services import Call, HttpSpec
from connectors.http import HttpSession, Sender
from connectors.mail import graph_parse
from connectors.oauth.core import trustworthy
from tests.box import Box, Events, day
from tradepost.clock import SystemClock
from tradepost.sandbox.company import exporter
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import World
from tradepost.sandbox.serve import serve
from tradepost.sandbox.tls import make_tls
from tradepost.sandbox.virtual import START, run

EVIL = "evil.example"
ROOT = Path(__file__).parents[2]
# All five connectors.
TRIPS = pytest.mark.parametrize(
    ("source", "target"), [("gmail", "salesforce"), ("graph", "hubspot"), ("graph", "zoho")]
)


class Wire(httpx.AsyncBaseTransport):
    """The company's network with somebody in between; `seen` holds the hosts that requests with a token went to."""

    def __init__(self, box: Box, *, redirect: bool = False, rewrite: bool = False) -> None:
        self.inner, self.redirect, self.rewrite = box.transport, redirect, rewrite
        self.ours = sorted(box.company.hosts(), key=len, reverse=True)
        self.seen: list[str] = []
        self.detours = 0
        self.drain = box.transport.drain

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "authorization" in request.headers:
            self.seen.append(request.url.host)
        if request.url.host == EVIL:
            return httpx.Response(200, json={"value": [], "records": [], "data": []})
        if self.redirect and "authorization" in request.headers:
            self.detours += 1
            return httpx.Response(307, headers={"location": f"https://{EVIL}{request.url.path}"})
        answer = await self.inner.handle_async_request(request)
        lies = self.rewrite and not request.url.host.startswith("login.")  # else the sign-in ends before any token
        return await self._lie(answer) if lies else answer

    async def _lie(self, answer: httpx.Response) -> httpx.Response:
        """The same answer with every address in it on another host."""
        content = await answer.aread()
        changed = content
        for host in self.ours:
            changed = changed.replace(b"https://" + host.encode(), b"https://" + EVIL.encode())
        self.detours += changed != content
        headers = [(k, v) for k, v in answer.headers.raw if k.lower() not in (b"content-length", b"transfer-encoding")]
        return httpx.Response(answer.status_code, headers=headers, content=changed)


def travelled(folder, source, target, **how) -> Wire:
    async def main() -> Wire:
        box = Box(folder, start=day(START, 20), company=lambda world: exporter(world, mail=(source,), crms=(target,)))
        for letter in box.history()[-5:]:
            box.deliver(letter)
        wire = Wire(box, **how)
        box.transport = wire  # type: ignore[assignment]
        await box.once()
        return wire

    return run(main())


@TRIPS
def test_a_token_follows_no_redirect(tmp_path, source, target):
    wire = travelled(tmp_path, source, target, redirect=True)
    assert wire.detours >= 2
    assert EVIL not in wire.seen
    assert wire.seen


@TRIPS
def test_a_token_follows_no_address_in_an_answer(tmp_path, source, target):
    wire = travelled(tmp_path, source, target, rewrite=True)
    assert wire.detours
    assert EVIL not in wire.seen
    assert wire.seen


@pytest.mark.parametrize("target", ["salesforce", "zoho"])
def test_without_the_guards_the_same_journey_would_lose_it(tmp_path, monkeypatch, target):
    monkeypatch.setattr(HttpSession, "_guard", lambda *_: None)
    for module in (connectors.oauth.salesforce, connectors.oauth.zoho):
        monkeypatch.setattr(module, "trustworthy", lambda *_: True)
    assert EVIL in travelled(tmp_path, "graph", target, rewrite=True).seen


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users",
        "https://graph.microsoft.com@evil.example/v1.0",
        "https://graph.microsoft.com.evil.example/v1.0",
        "http://graph.microsoft.com/v1.0",
        "https://graph.microsoft.com:8443/v1.0",
        "//evil.example/v1.0",
        "https://[",
    ],
)
def test_a_link_of_graphs_to_another_host_is_a_bad_reply(link):
    with pytest.raises(graph_parse.BadReply, match="another host"):
        graph_parse.relative(link, "https://graph.microsoft.com", "messages.delta")


def test_a_link_of_graphs_without_a_path_is_a_bad_reply():
    with pytest.raises(graph_parse.BadReply, match="no path"):
        graph_parse.relative(
            "https://graph.microsoft.com?v1.0/x?$skip=1", "https://graph.microsoft.com", "messages.delta"
        )


SALESFORCE, ZOHO = connectors.oauth.salesforce.DOMAINS, connectors.oauth.zoho.DOMAINS


@pytest.mark.parametrize(
    ("url", "domains", "good"),
    [
        ("https://acme.my.salesforce.com", SALESFORCE, True),
        ("https://acme--uat.sandbox.my.salesforce.com", SALESFORCE, True),
        ("https://acme.my.sfcrmproducts.cn", SALESFORCE, True),
        ("https://www.zohoapis.com.cn", ZOHO, True),
        ("https://sandbox.zohoapis.eu", ZOHO, True),
        ("https://login.example", ZOHO, True),  # the origin that was asked: a configured base_url
        ("http://acme.my.salesforce.com", SALESFORCE, False),
        ("https://acme.my.salesforce.com:444", SALESFORCE, False),
        ("https://acme.my.salesforce.com.evil.example", SALESFORCE, False),
        ("https://evilsalesforce.com", SALESFORCE, False),
        ("https://acme.my.salesforce.com@evil.example", SALESFORCE, False),
        ("https://x@acme.my.salesforce.com", SALESFORCE, False),
        ("https://www.zohoapis.com", SALESFORCE, False),
        ("http://login.example", ZOHO, False),
        ("https://", ZOHO, False),
        ("nonsense", ZOHO, False),
        ("https://[", ZOHO, False),
    ],
)
def test_a_token_endpoint_may_name_the_vendors_own_hosts_only(url, domains, good):
    assert trustworthy(url, "https://login.example/token", domains) is good


def test_a_certificate_that_nobody_vouches_for_ends_the_connection(tmp_path):
    """A real server on loopback with a certificate of its own authority."""

    async def main() -> list[str]:
        clock = SystemClock()
        world = World(clock=clock, random=Random(1))
        tls = make_tls(tmp_path, clock.now())
        sender = Sender(clock=clock, random=Random(1), log=Events())
        async with serve(world, [GmailVendor(world)], tls=tls) as served:
            url = served.urls["gmail"]
            asked = [(url, ""), (url, str(tls.ca))]
            ends = [await _end(sender, base, ca) for base, ca in asked]
        await sender.close()
        return ends

    stranger, known = asyncio.run(main())
    assert "certificate is not trusted" in stranger
    assert known == "401"


async def _end(sender: Sender, base: str, ca: str) -> str:
    spec = HttpSpec(name="mail", base_url=base, classify=lambda *_: None, ca_bundle=ca, timeout=5.0)
    session = sender.open(spec)
    url, every = "/gmail/v1/users/me/profile", frozenset(range(200, 600))
    try:
        # Not safe, so that it is tried once.
        return str((await session.send(Call(operation="x", method="GET", url=url, safe=False, accept=every))).status)
    except Transient as error:
        return str(error)
    finally:
        await session.close()


def test_no_line_of_the_program_switches_verification_off():
    off = re.compile(
        r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|_create_unverified_context|follow_redirects\s*=\s*True"
    )
    places = [p for room in ("connectors", "sync", "mappings", "tradepost") for p in (ROOT / room).rglob("*.py")]
    assert len(places) > 100
    found = {p.name for p in places if off.search(p.read_text("utf-8"))}
    assert found - {"recorder.py"} == set(), found
