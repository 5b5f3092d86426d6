"""What Graph does that clients trip over: delta, batches, limits. One test for each field of `Strictness`, named after
it; test_graph_lax.py proves that each fails where the sandbox is lax in that respect.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.sandbox_graph.graph_desk import ANNA, BO, GRAPH, IMMUTABLE, Desk, make_mail, said

INBOX = "mailFolders/inbox/messages"
DELTA = f"{INBOX}/delta"


def fill(desk: Desk, count: int, **more: Any) -> list[str]:
    return [desk.vendor.deliver_to(ANNA, make_mail(f"n {n}"), **more) for n in range(count)]


def removed(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({row["id"] for row in rows if "@removed" in row})


def told(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({row["id"] for row in rows if "@removed" not in row})


# ---------------------------------------------------------------------------------------------------------------- delta


def test_moved_items_removed(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        (mail,) = fill(desk, 1)
        _, link = await desk.round()
        desk.vendor.move(ANNA, mail, "archive")
        rows, _ = await desk.round(link)
        assert removed(rows) == [mail]
        assert told(rows) == []
        archived, _ = await desk.round("mailFolders/archive/messages/delta")
        assert told(archived) == [mail]

    on_desk(scenario)


def test_removed_items_told(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        (mail,) = fill(desk, 1)
        _, link = await desk.round()
        desk.vendor.delete_forever(ANNA, mail)
        rows, _ = await desk.round(link)
        assert removed(rows) == [mail]
        assert [row["@removed"] for row in rows][:1] == [{"reason": "deleted"}]

    on_desk(scenario)


def test_round_trips_hidden(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        (mail,) = fill(desk, 1)
        _, link = await desk.round()
        desk.vendor.move(ANNA, mail, "archive")
        desk.vendor.move(ANNA, mail, "inbox")
        rows, _ = await desk.round(link)
        assert (removed(rows), told(rows)) == ([mail], [])
        default, _ = await desk.round(link, prefer="")  # by default ids it is another item
        assert (len(removed(default)), len(told(default))) == (1, 1)
        assert removed(default) != told(default)

    on_desk(scenario)


def test_changed_properties_only(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        (mail,) = fill(desk, 1)
        _, link = await desk.round(select="subject,isRead")
        desk.vendor.mark_read(ANNA, mail)
        rows, _ = await desk.round(link)
        assert {name: value for name, value in rows[0].items() if not name.startswith("@")} == {
            "id": mail,
            "isRead": True,
        }

    on_desk(scenario)


def test_empty_delta_pages(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        fill(desk, 4)
        rounds = [await desk.pages(DELTA, prefer=f"{IMMUTABLE}, odata.maxpagesize=2") for _ in range(20)]
        assert any(not page["value"] and "@odata.nextLink" in page for pages in rounds for page in pages)
        assert all(len({row["id"] for page in pages for row in page["value"]}) == 4 for pages in rounds)
        desk.vendor.set_calm()
        calm = await desk.pages(DELTA, prefer="odata.maxpagesize=2")
        assert [len(page["value"]) for page in calm] == [2, 2]

    on_desk(scenario)


def test_delta_items_repeat(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mails = fill(desk, 60)
        rows, _ = await desk.round()
        assert told(rows) == sorted(mails)
        assert len(rows) > len(mails)

    on_desk(scenario)


def test_delta_unordered(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = datetime(2026, 2, 1, tzinfo=UTC)
        for n in range(30):
            desk.vendor.deliver_to(ANNA, make_mail(f"n {n}"), at=start + timedelta(hours=n))
        times = [row["receivedDateTime"] for row in (await desk.round())[0]]
        ordered = [row["receivedDateTime"] for row in (await desk.round(orderby="receivedDateTime desc"))[0]]
        assert ordered == sorted(ordered, reverse=True)
        assert list(dict.fromkeys(times)) not in (ordered, ordered[::-1])

    on_desk(scenario)


def test_sync_state_expires(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        fill(desk, 1)
        _, inbox = await desk.round()
        _, archive = await desk.round("mailFolders/archive/messages/delta")
        assert desk.vendor.expire_sync_state(ANNA, "inbox") > 0
        answer = await desk.call(inbox)
        assert answer.status_code == 410
        assert answer.json()["error"]["code"].lower() == "syncstatenotfound"
        assert answer.headers["location"].endswith("/delta?$deltatoken=")
        assert (await desk.round(archive))[0] == []
        restarted, _ = await desk.round(answer.headers["location"])
        assert len(told(restarted)) == 1
        desk.vendor.expire_sync_state(ANNA)
        assert (await desk.error(archive))[0] == 410

    on_desk(scenario)


def test_old_next_links_expire(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        fill(desk, 10)
        pages = await desk.pages(DELTA, prefer="odata.maxpagesize=1")
        links = [page["@odata.nextLink"] for page in pages[:-1]]
        assert (await desk.error(links[0]))[0] == 410
        assert (await desk.call(links[-1])).status_code == 200

    on_desk(scenario)


def test_delta_filter_cap(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        raw = make_mail()
        for _ in range(5_003):
            desk.vendor.deliver_to(ANNA, raw)
        prefer = f"{IMMUTABLE}, odata.maxpagesize=1000"
        since = {"filter": "receivedDateTime ge 2026-01-01T00:00:00Z"}
        capped, link = await desk.round(prefer=prefer, select="id", **since)
        assert len(told(capped)) == 5_000
        assert len(told((await desk.round(prefer=prefer, select="id"))[0])) == 5_003
        old = desk.vendor.deliver_to(ANNA, raw, at=datetime(2025, 1, 1, tzinfo=UTC))
        new = desk.vendor.deliver_to(ANNA, raw)
        later = told((await desk.round(link))[0])
        assert later == [new]  # the link keeps its filter
        assert old not in later

    on_desk(scenario)


def test_delta_filter_limited(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        for options in (
            {"filter": "isRead eq false"},
            {"filter": "receivedDateTime ge 2026-01-01T00:00:00Z and isRead eq false"},
            {"filter": "receivedDateTime lt 2026-01-01T00:00:00Z"},
            {"orderby": "subject"},
            {"orderby": "receivedDateTime asc"},
            {"search": '"x"'},
        ):
            assert (await desk.call(DELTA, **options)).status_code == 400, options
        right = {"filter": "receivedDateTime gt 2026-01-01T00:00:00Z", "orderby": "receivedDateTime desc"}
        assert (await desk.call(DELTA, **right)).status_code == 200

    on_desk(scenario)


def test_mailbox_delta_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.call("messages/delta")
        assert answer.status_code == 400
        assert "Change tracking is not supported against 'microsoft.graph.message'" in answer.text

    on_desk(scenario)


def test_latest_token_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.call(DELTA, deltatoken="latest")).status_code == 400

    on_desk(scenario)


def test_full_mailbox_refuses_delta(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        fill(desk, 1)
        desk.vendor.set_full(ANNA)
        assert (await desk.error(DELTA))[1] == "ErrorQuotaExceeded"
        assert (await desk.error("mailFolders/delta"))[1] == "ErrorQuotaExceeded"
        assert len(await desk.all(INBOX)) == 1
        desk.vendor.set_full(ANNA, full=False)
        assert (await desk.call(DELTA)).status_code == 200

    on_desk(scenario)


# ---------------------------------------------------------------------------------------------------- limits and batches


def test_mailbox_concurrency(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.token()
        desk.vendor.set_limits(service_seconds=1.0)
        answers = await asyncio.gather(*(desk.call("messages") for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 2
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json() == {
            "error": {
                "code": "ApplicationThrottled",
                "message": "Application is over its MailboxConcurrency limit.",
            }
        }
        assert refused.headers["retry-after"] == "1"
        two = await asyncio.gather(*(desk.gets(["messages"] * 4) for _ in range(2)))
        assert sorted(part["status"] for answer in two for part in answer.values()) == [200] * 4 + [429] * 4
        alone = await desk.gets(["messages"] * 20)
        assert {part["status"] for part in alone.values()} == {200}

    on_desk(scenario)


def test_mailbox_request_rate(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_limits(requests=5)
        for _ in range(5):
            assert (await desk.call("messages")).status_code == 200
        await desk.clock.sleep(100)
        answer = await desk.call("messages")
        assert (answer.status_code, answer.headers.get("retry-after")) == (429, "500")
        assert (await desk.call("messages", user="bo@ours.example")).status_code == 200
        await desk.clock.sleep(500)
        assert (await desk.call("messages")).status_code == 200

    on_desk(scenario)


def test_batch_part_throttling(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_limits(requests=3)
        answer = await desk.batch([{"id": str(n), "method": "GET", "url": f"/users/{ANNA}/messages"} for n in range(5)])
        assert answer.status_code == 200
        parts = answer.json()["responses"]
        refused = [part for part in parts if part["status"] == 429]
        assert len(refused) == 2
        assert all(int(part["headers"]["Retry-After"]) == 600 for part in refused)
        assert "retry-after" not in answer.headers

    on_desk(scenario)


def test_batch_size(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        parts = [{"id": str(n), "method": "GET", "url": f"/users/{ANNA}"} for n in range(21)]
        assert (await desk.batch(parts[:20])).status_code == 200
        answer = await desk.batch(parts)
        assert said(answer) == (400, "MaximumValueExceeded")

    on_desk(scenario)


def test_batch_ids_unique(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        parts = [{"id": name, "method": "GET", "url": f"/users/{ANNA}"} for name in ("a", "A")]
        assert (await desk.batch(parts)).status_code == 400

    on_desk(scenario)


def test_batch_dependencies(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        (mail,) = fill(desk, 1)
        parts = [
            {"id": "1", "method": "GET", "url": f"/users/{ANNA}/messages/{mail[:-8]}AAAAAAA="},
            {"id": "2", "method": "DELETE", "url": f"/users/{ANNA}/messages/{mail}", "dependsOn": ["1"]},
            {"id": "3", "method": "GET", "url": f"/users/{ANNA}/messages/{mail}"},
        ]
        found = {p["id"]: p["status"] for p in (await desk.batch(parts)).json()["responses"]}
        assert found == {"1": 404, "2": 424, "3": 200}
        assert len(await desk.all(INBOX)) == 1

    on_desk(scenario)


def test_batch_order_differs(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        parts = [{"id": str(n), "method": "GET", "url": f"/users/{ANNA}"} for n in range(10)]
        orders = [[p["id"] for p in (await desk.batch(parts)).json()["responses"]] for _ in range(3)]
        asked = [part["id"] for part in parts]
        assert all(sorted(order) == asked for order in orders)
        assert any(order != asked for order in orders)

    on_desk(scenario)


def test_absolute_batch_urls_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        url = f"{GRAPH}/v1.0/users/{ANNA}"
        assert (await desk.batch([{"id": "1", "method": "GET", "url": url}])).status_code == 400
        fill(desk, 3)
        _, link = await desk.round()  # what a client might put there
        assert (await desk.batch([{"id": "1", "method": "GET", "url": link}])).status_code == 400
        relative = link.removeprefix(f"{GRAPH}/v1.0")
        answer = await desk.batch([{"id": "1", "method": "GET", "url": relative}])
        assert [part["status"] for part in answer.json()["responses"]] == [200]

    on_desk(scenario)


def test_batch_writes_have_bodies(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        draft = await desk.post("messages", {"subject": "hello", "toRecipients": [{"emailAddress": {"address": BO}}]})
        part = {"id": "1", "method": "POST", "url": f"/users/{ANNA}/messages/{draft['id']}/send"}
        kind = {"headers": {"Content-Type": "application/json"}}
        assert (await desk.batch([part])).status_code == 400
        assert (await desk.batch([part | {"body": {}}])).status_code == 400
        assert (await desk.batch([part | kind])).status_code == 400
        answer = await desk.batch([part | kind | {"body": {}}])
        assert [each["status"] for each in answer.json()["responses"]] == [202]

    on_desk(scenario)


def test_translate_limit(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        (mail,) = fill(desk, 1)
        kinds = {"sourceIdType": "restImmutableEntryId", "targetIdType": "restId"}
        found = await desk.post("translateExchangeIds", {"inputIds": [mail] * 1000, **kinds})
        shown = (await desk.all(INBOX))[0]["id"]
        assert {(row["sourceId"], row["targetId"]) for row in found["value"]} == {(mail, shown)}
        answer = await desk.call("translateExchangeIds", method="POST", json={"inputIds": [mail] * 1001, **kinds})
        assert answer.status_code == 400

    on_desk(scenario)


def test_subscription_life(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        def wanted(**life: float) -> dict[str, str]:
            return {
                "changeType": "created",
                "notificationUrl": "https://hook.example/x",
                "resource": f"/users/{ANNA}/mailFolders('inbox')/messages",
                "expirationDateTime": (desk.clock.now() + timedelta(**life)).isoformat(),
            }

        made = await desk.post("/subscriptions", wanted(minutes=10_080))
        assert (await desk.call("/subscriptions", method="POST", json=wanted(minutes=10_090))).status_code == 400
        short = await desk.post("/subscriptions", wanted(minutes=5))
        assert short["expirationDateTime"] == "2026-03-02T08:45:00Z"
        renewed = await desk.get(
            f"/subscriptions/{short['id']}", method="PATCH", json={"expirationDateTime": "2026-03-05T08:00:00Z"}
        )
        assert renewed["expirationDateTime"] == "2026-03-05T08:00:00Z"
        assert len((await desk.get("/subscriptions"))["value"]) == 2
        assert (await desk.call(f"/subscriptions/{made['id']}", method="DELETE")).status_code == 204
        assert (await desk.error(f"/subscriptions/{made['id']}"))[0] == 404

    on_desk(scenario)
