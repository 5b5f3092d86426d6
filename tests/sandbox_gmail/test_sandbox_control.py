"""The control API does over HTTP what the vendor's control methods do, and nothing else."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import httpx
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tests.sandbox_gmail.desk import ANNA, make_mail
from tradepost.sandbox.control import control_app
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import Kind, Vendor, World
from tradepost.sandbox.salesforce import SalesforceVendor
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run


class _Odd(Vendor):
    """A vendor that lists one control method, which waits."""

    name = "odd"
    CONTROLS = ("nap",)

    async def nap(self, seconds: float) -> float:
        """Sleep."""
        await self.world.clock.sleep(seconds)
        return seconds

    def secret(self) -> str:
        return "secret"

    def describe(self, method: str, path: str, query: QueryParams, body: bytes) -> tuple[str, Kind]:
        return "x", "read"

    async def respond(self, request: Request) -> Response:
        return Response("x")


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[httpx.AsyncClient, GmailVendor, World]]:
    clock = VirtualClock()
    world = World(clock=clock, random=Random(1))
    gmail, odd = GmailVendor(world), _Odd(world)
    app = control_app(world, {"gmail": gmail, "odd": odd})
    transport = InProcessTransport({"control": app, "gmail": gmail}, clock)
    async with httpx.AsyncClient(transport=transport, base_url="http://control/_sandbox") as http:
        yield http, gmail, world


async def _act(http: httpx.AsyncClient, path: str, **arguments: Any) -> Any:
    answer = await http.post(path, json=arguments)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_a_person_can_fill_and_change_a_mailbox() -> None:
    async def main() -> None:
        async with _opened() as (http, gmail, _):
            assert await _act(http, "/gmail/add_mailbox", address=ANNA, labels=["Orders"]) == ANNA
            first = await _act(http, "/gmail/deliver", mailbox=ANNA, raw=make_mail().decode())
            raw = b"Subject: \xff\n\nx"
            args = {"mailbox": ANNA, "raw_base64": b64encode(raw).decode(), "at": "2026-01-02T03:04:05Z"}
            second = await _act(http, "/gmail/deliver", **args)
            await _act(http, "/gmail/move", mailbox=ANNA, message_id=first, add=["Orders"], remove=["INBOX"])
            box = gmail.mailboxes[ANNA]
            assert "Label_1" in box.messages[first].labels
            assert (box.messages[second].raw, box.messages[second].internal_ms) == (raw, 1767323045000)
            await _act(http, "/gmail/delete", mailbox=ANNA, message_id=second)
            dump = (await http.get("/dump")).json()["gmail"][ANNA]
            assert [m["id"] for m in dump] == [first]
            statistics = (await http.get("/statistics")).json()
            assert statistics["gmail"]["mailboxes"][ANNA]["ALL"] == 1

    run(main())


def test_only_listed_methods_can_be_called_and_mistakes_are_explained() -> None:
    async def main() -> None:
        async with _opened() as (http, _, _):
            for path in ("/odd/secret", "/odd/respond", "/gmail/find_user", "/gmail/__init__", "/nobody/dump"):
                assert (await http.post(path, json={})).status_code == 404, path
            for path, body in (
                ("/gmail/add_mailbox", {}),
                ("/gmail/deliver", {"mailbox": "nobody@ours.example", "raw": ""}),
                ("/gmail/deliver", {"mailbox": ANNA, "raw_base64": "*"}),
                ("/gmail/set_quota", {"user_per_minute": "many"}),
                ("/gmail/set_quota", {"nonsense": 1}),
            ):
                answer = await http.post(path, json=body)
                assert (answer.status_code, bool(answer.json()["error"])) == (400, True), path
            assert (await http.post("/gmail/dump", content="[")).status_code == 400
            assert (await http.post("/gmail/dump", content="[1]")).status_code == 400

    run(main())


def test_the_overview_lists_what_can_be_called() -> None:
    async def main() -> None:
        async with _opened() as (http, gmail, _):
            found = (await http.get("/")).json()
            assert set(found["gmail"]) == set(gmail.CONTROLS)
            assert all(entry["does"] for entry in found["gmail"].values())
            assert found["odd"]["nap"]["does"] == "Sleep."

    run(main())


def test_a_control_method_may_wait() -> None:
    async def main() -> None:
        async with _opened() as (http, _, world):
            assert await _act(http, "/odd/nap", seconds=3) == 3
            assert world.clock.monotonic() == 3

    run(main())


def test_a_person_acts_in_the_crm_too() -> None:
    async def main() -> None:
        clock = VirtualClock()
        world = World(clock=clock, random=Random(1))
        crm = SalesforceVendor(world)
        transport = InProcessTransport({"control": control_app(world, {"salesforce": crm})}, clock)
        async with httpx.AsyncClient(transport=transport, base_url="http://control/_sandbox") as http:
            lead = await _act(http, "/salesforce/add_lead", last_name="Li", company="Buyer", email="li@buyer.example")
            made = await _act(http, "/salesforce/convert_lead", lead_id=lead, opportunity_name="Pipes")
            other = await _act(http, "/salesforce/add_contact", last_name="Li Wei", email="li.wei@buyer.example")
            await _act(http, "/salesforce/merge", master_id=made["contact_id"], loser_ids=[other])
            assert (await _act(http, "/salesforce/record", record_id=other))["MasterRecordId"] == made["contact_id"]
            user = crm.org.integration_user_id
            await _act(http, "/salesforce/revoke", user_id=user, permissions=["ApiEnabled"])
            assert "ApiEnabled" not in crm.org.state.profiles[user].permissions
            assert len((await http.get("/dump")).json()["salesforce"]["Opportunity"]) == 1
            for name in crm.CONTROLS:
                assert callable(getattr(crm.org, name))

    run(main())


def test_faults_can_be_ordered_listed_and_taken_back() -> None:
    async def main() -> None:
        async with _opened() as (http, _, world):
            order = {"vendor": "gmail", "operation": "*.list", "nth": 2, "effect": "status", "status": 429}
            assert (await http.post("/faults", json=order)).status_code == 201
            assert (await http.get("/faults")).json()["faults"][0]["nth"] == 2
            url = "http://gmail/gmail/v1/users/me/messages"
            assert [(await http.get(url)).status_code for _ in range(3)] == [401, 429, 401]
            await http.post("/faults", json=order)
            await http.delete("/faults")
            assert world.faults.pending() == ()
            assert (await http.post("/faults", json=order | {"effect": "odd"})).status_code == 400

    run(main())


def test_received_requests_are_told_apart_into_reads_and_writes() -> None:
    async def main() -> None:
        async with _opened() as (http, _, _):
            await http.get("http://gmail/gmail/v1/users/me/messages")
            await http.post("http://gmail/gmail/v1/users/me/messages/send", json={})
            found = (await http.get("/requests", params={"kind": "write"})).json()
            assert [r["operation"] for r in found["requests"]] == ["gmail.users.messages.send"]
            assert found["summary"] == {"gmail": {"read": {}, "write": {"gmail.users.messages.send": 1}}}
            assert len((await http.get("/requests", params={"operation": "*.list"})).json()["requests"]) == 1
            await http.delete("/requests")
            assert (await http.get("/requests")).json()["requests"] == []

    asyncio.run(main())
