"""The simulator among others: acts, faults, the served control API, one seed one world, hostile mail."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox_graph.graph_desk import ANNA, BO, IMMUTABLE, Desk, make_mail, runner, said
from tests.sandbox_graph.graph_mails import INLINE_ONLY, OPAQUE, with_files
from tradepost.clock import SystemClock
from tradepost.sandbox.graph import GraphHost, GraphVendor
from tradepost.sandbox.hosts import HeldMail, MailHost
from tradepost.sandbox.kernel import Effect, World
from tradepost.sandbox.load import load
from tradepost.sandbox.serve import serve
from tradepost.sandbox.virtual import VirtualClock

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def _host(seed: int = 0) -> GraphHost:
    host = GraphHost(World(clock=VirtualClock(), random=Random(1)), seed=seed)
    host.add_mailbox(ANNA, aliases=["sales@ours.example"], display_name="Anna Berg")
    host.add_mailbox(BO)
    return host


# ------------------------------------------------------------------------------------------------------------ the host


def test_a_host_shows_where_every_mail_lies() -> None:
    host: MailHost = _host()
    assert host.addresses == (ANNA, BO)
    assert {"graph.microsoft.com", "login.microsoftonline.com"} <= set(host.host_names)
    places = ("inbox", "sent", "archive", "junk", "trash", "draft")
    for place in places:
        host.deliver_to(ANNA, make_mail(message_id=f"{place}@x"), place=place)
    held = {mail.message_id: mail for mail in host.held(ANNA)}
    assert {name: mail.place for name, mail in held.items()} == {f"{place}@x": place for place in places}
    host.move(ANNA, held["inbox@x"].id, "Customers/Asia")
    host.move(ANNA, held["junk@x"].id, "inbox")
    host.delete_forever(ANNA, held["trash@x"].id)
    after = {mail.message_id: mail.place for mail in host.held(ANNA)}
    assert (after["inbox@x"], after["junk@x"], "trash@x" in after) == ("archive", "inbox", False)


def test_a_host_carries_mail_by_its_headers() -> None:
    host = _host()
    sent = host.deliver_to_recipients(make_mail(sender=f"Anna <{ANNA}>", to=f"{BO}, li@buyer.example, {ANNA}"))
    assert set(sent) == {ANNA, BO}
    assert sorted(mail.place for mail in host.held(ANNA)) == ["inbox", "sent"]  # who writes to himself has two
    assert len({mail.message_id for box in (ANNA, BO) for mail in host.held(box)}) == 1
    came = host.deliver_to_recipients(make_mail(to="sales@ours.example"))
    assert list(came) == [ANNA]
    assert next(m for m in host.held(ANNA) if m.id == came[ANNA]).message_id  # given by the receiving server
    assert host.deliver_to_recipients(make_mail(to="x@elsewhere.example")) == {}


def test_a_connection_names_its_secret_by_file() -> None:
    host = _host()
    plain, served = host.connection(), host.connection("http://127.0.0.1:8083/")
    app = host.vendor.registered()
    assert plain.section == {
        "type": "microsoft365",
        "auth": {
            "method": "client_secret",
            "tenant": host.vendor.directory.tenant,
            "client_id": app.client_id,
            "client_secret": {"file": "graph-client-secret"},
        },
    }
    assert served.section["graph_root"] == served.section["authority"] == "http://127.0.0.1:8083"
    assert plain.secrets == {"graph-client-secret": app.secrets[0].value}
    assert app.secrets[0].value not in repr(plain)


def test_mail_from_disk_gets_in_with_its_dates_and_places(tmp_path: Path) -> None:
    host = _host()
    (tmp_path / "a.eml").write_bytes(make_mail("in", sender="li@buyer.example", to=ANNA))
    (tmp_path / "b.eml").write_bytes(make_mail("out", sender=ANNA, to="li@buyer.example"))
    report = load(host.vendor, [tmp_path], NOW)
    assert report.delivered == {ANNA: 2}
    assert sorted(mail.place for mail in host.held(ANNA)) == ["inbox", "sent"]
    assert load(host.vendor, [tmp_path], NOW, into=BO).delivered == {BO: 2}
    assert {item.received for item in host.vendor.mailbox(BO).items.values()} == {NOW.replace(hour=7)}


def test_one_seed_gives_one_world() -> None:
    def story(seed: int) -> list[HeldMail]:
        host = _host(seed)
        for n in range(5):
            host.deliver_to_recipients(make_mail(f"n {n}", sender=ANNA, to=BO))
        return [mail for box in host.addresses for mail in host.held(box)]

    assert story(3) == story(3)
    assert {mail.id for mail in story(3)}.isdisjoint(mail.id for mail in story(4))


# --------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, "", "ApplicationThrottled"),
        (503, "", "serviceNotAvailable"),
        (503, "MailboxInfoStale", "MailboxInfoStale"),
        (504, "", "UnknownError"),
        (401, "", "InvalidAuthenticationToken"),
        (403, "ErrorQuotaExceeded", "ErrorQuotaExceeded"),
        (410, "resyncRequired", "resyncRequired"),
        (500, "", "ErrorInternalServerError"),
    ],
)
def test_a_fault_brings_the_documented_body(on_desk, status: int, code: str, expected: str) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.token()
        desk.fault(operation="users.ListMessages", effect=Effect.STATUS, status=status, code=code)
        answer = await desk.call("messages")
        assert said(answer) == (status, expected)
        assert ("retry-after" in answer.headers) == (status in (429, 503))
        assert ("innerError" in answer.json()["error"]) == (status != 429)
        assert (await desk.call("messages")).status_code == 200
        desk.fault(operation="oauth2.token", effect=Effect.STATUS, status=401, code="invalid_client")
        assert (await desk.token_answer()).json()["error"] == "invalid_client"

    on_desk(scenario)


def test_parts_of_a_batch_meet_faults_of_their_own(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mails = [desk.vendor.deliver_to(ANNA, make_mail(f"n {n}")) for n in range(4)]
        desk.fault(operation="users.GetMessage", nth=2, effect=Effect.STATUS, status=429)
        desk.fault(operation="users.GetMessage", nth=2, effect=Effect.LOST_REPLY)
        found = await desk.gets([f"messages/{mail}" for mail in mails])
        assert sorted(part["status"] for part in found.values()) == [200, 200, 429, 503]
        assert found["2"]["headers"]["Retry-After"] == "1"
        records = desk.vendor.world.requests.records
        assert [r.status for r in records if r.operation == "users.GetMessage"] == [200, 429, 503, 200]
        assert [r.kind for r in records if r.operation == "batch"] == ["read"]
        await desk.batch([{"id": "1", "method": "DELETE", "url": f"/users/{ANNA}/messages/{mails[0]}"}])
        assert [r.operation for r in desk.vendor.world.requests.writes()] == ["batch", "users.DeleteMessages"]

    on_desk(scenario)


def test_parts_have_headers_bodies_and_errors_of_their_own(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = desk.vendor.deliver_to(ANNA, with_files("a.pdf"))
        url = f"/users/{ANNA}/messages/{mail}"
        parts: list[dict[str, Any]] = [
            {"id": "plain", "method": "GET", "url": url},
            {"id": "same", "method": "GET", "url": url, "headers": {"Prefer": IMMUTABLE}},
            {"id": "mime", "method": "get", "url": f"{url.removeprefix('/')}/$value"},
            {
                "id": "patch",
                "method": "PATCH",
                "url": url,
                "headers": {"Content-Type": "application/json"},
                "body": {"isRead": True},
                "dependsOn": ["plain"],
            },
            {"id": "wrong", "method": "GET", "url": "/nothing"},
            {"id": "version", "method": "GET", "url": f"/v1.0{url}"},
        ]
        found = {p["id"]: p for p in (await desk.batch(parts)).json()["responses"]}
        assert found["plain"]["body"]["id"] != mail == found["same"]["body"]["id"]
        assert found["same"]["headers"]["Preference-Applied"] == IMMUTABLE
        assert isinstance(found["mime"]["body"], str)
        assert found["patch"]["body"]["isRead"] is True
        assert found["wrong"]["body"]["error"]["message"] == "Resource not found for the segment 'nothing'."
        assert found["version"]["body"]["error"]["message"] == "Resource not found for the segment 'v1.0'."
        for bad in (
            [],
            [{"id": "1", "method": "GET"}],
            [{"method": "GET", "url": url}],
            [{"id": "1", "method": "PATCH", "url": url, "body": {}}],
            [{"id": "1", "method": "GET", "url": url, "dependsOn": ["2"]}],
        ):
            assert said(await desk.batch(bad)) == (400, "BadRequest"), bad
        assert (await desk.http.post("https://graph.microsoft.com/v1.0/$batch", json={})).status_code == 401

    on_desk(scenario)


# ---------------------------------------------------------------------------------------------------------- many, served


def test_thousands_of_mails_are_listed_page_by_page_without_slowing_down(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        raw = make_mail()
        for n in range(4_000):
            desk.vendor.deliver_to(ANNA, raw, at=datetime.fromtimestamp(1_770_000_000 + n, UTC))
        asked = {"filter": "receivedDateTime ge 2026-01-01T00:00:00Z", "orderby": "receivedDateTime asc"}
        rows = await desk.all("messages", select="id", top=100, **asked)
        assert len({row["id"] for row in rows}) == 4_000
        assert len((await desk.round(prefer=f"{IMMUTABLE}, odata.maxpagesize=500", select="id"))[0]) >= 4_000

    on_desk(scenario)


def test_it_is_served_on_loopback_with_its_control_api() -> None:
    async def main() -> None:
        vendor = GraphVendor(World(clock=SystemClock(), random=Random(1)))
        async with serve(vendor.world, [vendor]) as served, httpx.AsyncClient(timeout=10) as http:
            base, control = served.urls["graph"], f"{served.control}/graph"
            made = await http.post(f"{control}/add_mailbox", json={"address": ANNA, "folders": ["A/B"]})
            assert made.json() == {"result": ANNA}
            mail = (await http.post(f"{control}/deliver_to", json={"mailbox": ANNA, "raw": "Subject: hi\n\nx"})).json()
            shown = json.loads(json.dumps(served.as_dict()))["vendors"]["graph"]["credentials"]
            form = {"grant_type": "client_credentials", "scope": shown["scope"]}
            secret = {"client_id": shown["client_id"], "client_secret": shown["client_secret"]}
            config = (await http.get(f"{shown['authority']}/v2.0/.well-known/openid-configuration")).json()
            token = (await http.post(config["token_endpoint"], data=form | secret)).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}", "Prefer": IMMUTABLE}
            page = (await http.get(f"{base}/v1.0/users/{ANNA}/messages", headers=headers)).json()
            assert [row["id"] for row in page["value"]] == [mail["result"]]
            assert page["@odata.context"].startswith(f"{base}/v1.0/")
            names = (await http.get(f"{served.control}/")).json()["graph"]
            assert {"expire_sync_state", "set_access_policy", "approve_device", "set_calm"} <= set(names)
            counted = (await http.get(f"{served.control}/statistics")).json()["graph"]
            assert counted["mailboxes"][ANNA] == {"ALL": 1, "Inbox": 1}
            (held,) = (await http.get(f"{served.control}/dump")).json()["graph"][ANNA]
            assert (held["id"], held["folder"], held["subject"]) == (mail["result"], "inbox", "hi")

    asyncio.run(main())


# -------------------------------------------------------------------------------------------------------- hostile mail


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"Subject: =?utf-8?b?////?=\nFrom: =?x?q?=\nTo: ,,<>;\nDate: Tue, 99 Foo 99999 99:99:99 +9999\n\nx",
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 30,
        b"Content-Type: message/rfc822\n\n" * 80 + b"x",
        b"Content-Type: text/html; charset=nonsense\n\n<p onx=1>\xff\xfe\x00<script>" + b"<div>" * 5_000,
        b"Content-Type: \xd0\xb0/\xd0\xb1; name=\xff\nContent-Disposition: attachment\n\nx",
        b"Message-ID: <" + b"a" * 50_000 + b">\nReferences: " + b"<b> " * 10_000 + b"\n\nx",
        b"Date: Mon, 01 Jan 0001 00:00:00 +0000\nThread-Index: AAAA====\n\nx",
        INLINE_ONLY.replace(b"<logo>", b"<\xf0\x9f\x98\x80>"),
        OPAQUE[:-20],
    ],
)
def test_hostile_mail_is_shown_like_any_other(raw: bytes) -> None:
    runner()(lambda desk: _read_everything(desk, raw))


@settings(max_examples=30)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"Content-Type: multipart/mixed; boundary=x\n\n--x\n", b"From: "])
)
def test_no_bytes_break_it(noise: bytes, head: bytes) -> None:
    runner()(lambda desk: _read_everything(desk, head + noise))


async def _read_everything(desk: Desk, raw: bytes) -> None:
    mail = desk.vendor.deliver_to(ANNA, raw)
    wanted = "attachments,singleValueExtendedProperties($filter=id eq 'Integer 0x36')"
    shown = await desk.get(f"messages/{mail}", expand=wanted)
    await desk.get(f"messages/{mail}", select="uniqueBody,internetMessageHeaders", prefer="outlook.allow-unsafe-html")
    for attachment in shown["attachments"]:
        url = f"messages/{mail}/attachments/{attachment['id']}"
        assert (await desk.call(f"{url}/$value")).status_code == 200
        await desk.get(url, expand="microsoft.graph.itemattachment/item")
    assert [row["id"] for row in (await desk.round())[0]][:1] == [mail]
    assert (await desk.call("messages", search='"x"')).status_code == 200
