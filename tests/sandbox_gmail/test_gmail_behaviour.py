"""What Gmail does with quotas, batches, history and lists, and a kinder sandbox would not. Each test is named for the rule
that it needs (`Strictness`); test_gmail_lax.py proves that it fails where the sandbox is lax in that rule.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.sandbox_gmail.desk import ANNA, BO, Desk, G, error_of, history, history_id, make_mail, parts_of, statuses
from tradepost.sandbox.kernel import Effect


@pytest.mark.parametrize("status", [403, 429])
def test_user_quota(on_desk, status) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_quota(user_per_minute=12, status=status)
        await desk.token(), await desk.token(BO)
        assert [(await desk.call("messages")).status_code for _ in range(2)] == [200, 200]
        refused = await desk.call("messages")
        assert refused.status_code == status
        assert error_of(refused) == (status, "usageLimits", "rateLimitExceeded")
        assert "limit 'Queries per minute per user'" in refused.json()["error"]["message"]
        assert refused.json()["error"]["status"] == ("RESOURCE_EXHAUSTED" if status == 429 else "PERMISSION_DENIED")
        assert (await desk.call("messages", user=BO)).status_code == 200
        await desk.clock.sleep(60)
        assert (await desk.call("messages")).status_code == 200

    on_desk(scenario)


def test_project_quota(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_quota(project_per_minute=10)
        assert (await desk.call("messages")).status_code == 200
        assert (await desk.call("messages", user=BO)).status_code == 200
        refused = await desk.call("messages", user=BO)
        assert refused.status_code == 403
        assert "limit 'Queries per minute' of service" in refused.json()["error"]["message"]
        await desk.clock.sleep(60)
        assert (await desk.call("messages", user=BO)).status_code == 200

    on_desk(scenario)


def test_daily_quota_until_the_day_ends_in_california(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_quota(project_per_day=10)
        assert [(await desk.call("messages")).status_code for _ in range(3)] == [200, 200, 403]
        assert error_of(await desk.call("messages")) == (403, "usageLimits", "dailyLimitExceeded")
        await desk.clock.sleep(23 * 3600)  # it was just midnight in California
        desk.tokens.clear()
        assert (await desk.call("messages")).status_code == 403
        await desk.clock.sleep(3600)
        desk.tokens.clear()
        assert (await desk.call("messages")).status_code == 200

    on_desk(scenario)


def test_concurrency(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.token()
        desk.vendor.set_quota(concurrent=5, service_seconds=0.2)
        answers = await asyncio.gather(*(desk.call("profile") for _ in range(8)))
        assert [a.status_code for a in answers] == [200] * 5 + [429] * 3
        assert (await desk.call("profile")).status_code == 200
        desk.vendor.set_quota(service_seconds=0.0)
        answers = await asyncio.gather(*(desk.call("profile") for _ in range(8)))
        assert {a.status_code for a in answers} == {200}

    on_desk(scenario)


def test_batch_part_limit_refuses_the_whole(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.batch(["profile"] * 101)
        assert answer.status_code == 400
        words = "Inner request count exceeds the limit. Received: 101, Limit: 100"
        assert answer.json()["error"]["message"] == words
        assert desk.vendor.calls["gmail.users.getProfile"] == 0
        assert (await desk.batch(["profile"] * 100)).status_code == 200
        assert (await desk.batch([])).status_code == 400

    on_desk(scenario)


@pytest.mark.parametrize("path", ["/batch", "/batch/gmail/v1"])
def test_batch_part_statuses_come_in_order_with_response_ids(on_desk, path) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        answer = await desk.batch(
            [f"messages/{mid}", "messages/none", "profile"], url=f"https://gmail.googleapis.com{path}"
        )
        parts = parts_of(answer)
        assert [p[0] for p in parts] == ["<response-x + 0>", "<response-x + 1>", "<response-x + 2>"]
        assert [p[1] for p in parts] == [200, 404, 200]
        assert f'"id": "{mid}"' in parts[0][2]
        assert "Requested entity was not found." in parts[1][2]

    on_desk(scenario)


def test_batch_part_throttling_beyond_25(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert statuses(await desk.batch(["profile"] * 25)) == [200] * 25
        parts = parts_of(await desk.batch(["profile"] * 60))
        assert [status for _, status, _ in parts[:25]] == [200] * 25
        beyond = [status for _, status, _ in parts[25:]]
        assert set(beyond) == {200, 429}
        body = next(body for _, status, body in parts if status == 429)
        assert "Too many concurrent requests for user" in body
        assert '"reason": "rateLimitExceeded"' in body
        assert '"status": "RESOURCE_EXHAUSTED"' in body
        assert statuses(await desk.batch(["profile"] * 26))[25] == 429
        desk.vendor.set_quota(concurrent=50)
        assert statuses(await desk.batch(["profile"] * 50)) == [200] * 50

    on_desk(scenario)


def test_batch_parts_cost_units(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        desk.vendor.set_quota(user_per_minute=100)
        assert statuses(await desk.batch([f"messages/{mid}"] * 7)) == [200] * 5 + [403] * 2

    on_desk(scenario)


def test_history_expires_with_404_and_a_fresh_id_works(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await history_id(desk)
        desk.vendor.expire_history(ANNA)
        answer = await desk.call("history", startHistoryId=start)
        assert answer.status_code == 404
        assert answer.json()["error"]["errors"][0]["reason"] == "notFound"
        assert answer.json()["error"]["status"] == "NOT_FOUND"
        fresh = await history_id(desk)
        mid = desk.vendor.deliver(ANNA, make_mail())
        assert [r["messages"][0]["id"] for r in await history(desk, fresh)] == [mid]

    on_desk(scenario)


def test_history_expires_after_a_week_and_a_polled_cursor_never(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        old = polled = await history_id(desk)
        for _ in range(10):
            await desk.clock.sleep(86_400)
            desk.tokens.clear()
            polled = (await desk.get("history", startHistoryId=polled))["historyId"]
        assert (await desk.call("history", startHistoryId=old)).status_code == 404
        assert (await desk.call("history", startHistoryId=polled)).status_code == 200

    on_desk(scenario)


def test_history_ages_when_quiet(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        of_mail = (await desk.get(f"messages/{mid}", format="minimal"))["historyId"]
        await desk.clock.sleep(6 * 86_400)
        desk.tokens.clear()
        assert (await desk.call("history", startHistoryId=of_mail)).status_code == 200
        await desk.clock.sleep(10 * 86_400)
        desk.tokens.clear()
        assert (await desk.call("history", startHistoryId=of_mail)).status_code == 404
        assert (await desk.call("history", startHistoryId=await history_id(desk))).status_code == 200

    on_desk(scenario)


def test_history_pages_may_be_empty_without_any_filter(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await history_id(desk)
        desk.vendor.silent_changes(ANNA, 150)
        mid = desk.vendor.deliver(ANNA, make_mail())
        page = await desk.get("history", startHistoryId=start)
        assert set(page) == {"nextPageToken", "historyId"}
        assert [r["messages"][0]["id"] for r in await history(desk, start)] == [mid]

    on_desk(scenario)


def test_page_tokens_expire(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        for _ in range(2):
            desk.vendor.deliver(ANNA, make_mail())
        token = (await desk.get("messages", maxResults=1))["nextPageToken"]
        desk.vendor.expire_pages(ANNA)
        answer = await desk.call("messages", maxResults=1, pageToken=token)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "Invalid pageToken"
        fresh = (await desk.get("messages", maxResults=1))["nextPageToken"]
        assert (await desk.call("messages", maxResults=1, pageToken=fresh)).status_code == 200

    on_desk(scenario)


def test_page_size_limit_is_500_and_100_by_default(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = make_mail()
        for _ in range(501):
            desk.vendor.deliver(ANNA, mail)
        assert len(await desk.ids()) == 100
        assert len(await desk.ids(maxResults=9999)) == 500

    on_desk(scenario)


def test_lists_roughly_ordered(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = desk.clock.now() - timedelta(days=1)
        mail = make_mail()
        for n in range(200):
            desk.vendor.deliver(ANNA, mail, at=start + timedelta(seconds=20 * n))
        ids = await desk.ids(maxResults=500)
        dates = [desk.vendor.mailboxes[ANNA].messages[i].internal_ms for i in ids]
        assert dates != sorted(dates, reverse=True)
        assert all(first > second - 120_000 for first, second in pairwise(dates))
        assert dates[0] - dates[-1] > 3_000_000

    on_desk(scenario)


def test_spam_and_trash_left_out_unless_asked_for(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        inbox, spam, trash = (desk.vendor.deliver(ANNA, make_mail(), labels=[p]) for p in ("INBOX", "SPAM", "TRASH"))
        assert await desk.ids() == [inbox]
        assert set(await desk.ids(includeSpamTrash="true")) == {inbox, spam, trash}
        assert await desk.ids(labelIds="TRASH") == [trash]
        assert await desk.ids("in:spam") == [spam]
        assert set(await desk.ids("in:anywhere")) == {inbox, spam, trash}
        assert await desk.ids("-in:spam") == [inbox]

    on_desk(scenario)


def test_unit_costs(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        history = f"history?startHistoryId={desk.vendor.mailboxes[ANNA].history_id}"
        calls = {"profile": 1, "messages": 5, f"messages/{mid}": 20, f"threads/{mid}": 40, history: 2}
        spent = 0
        for path, units in calls.items():
            await desk.call(path)
            spent += units
            assert desk.vendor.meter.users[ANNA].used == spent, path

    on_desk(scenario)


def test_limits_are_403_and_only_the_reason_tells_them_from_a_refusal(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        for code in ("userRateLimitExceeded", "rateLimitExceeded", "dailyLimitExceeded"):
            desk.fault(operation="gmail.users.messages.list", effect=Effect.STATUS, status=403, code=code)
            assert error_of(await desk.call("messages")) == (403, "usageLimits", code)
        desk.vendor.set_quota(user_per_minute=4)
        assert error_of(await desk.call("messages")) == (403, "usageLimits", "rateLimitExceeded")
        refused = await desk.call("messages", user=BO, scopes=(f"{G}settings.basic",))
        assert error_of(refused) == (403, "global", "insufficientPermissions")

    on_desk(scenario)


def test_history_after_start(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver(ANNA, make_mail("before"))
        start = await history_id(desk)
        for n in range(9):
            desk.vendor.deliver(ANNA, make_mail(f"n {n}"))
        ids = [int(record["id"]) for record in await history(desk, start)]
        assert len(ids) == 9
        assert [int(record["id"]) for record in await history(desk, str(ids[4]))] == ids[5:]

    on_desk(scenario)


def test_history_ids_have_gaps(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await history_id(desk)
        for n in range(20):
            desk.vendor.deliver(ANNA, make_mail(f"n {n}"))
        ids = [int(record["id"]) for record in await history(desk, start)]
        assert ids == sorted(set(ids))
        assert ids[-1] - ids[0] > len(ids)

    on_desk(scenario)


def test_size_is_an_estimate(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        for n in range(3):
            desk.vendor.deliver(ANNA, make_mail(f"n {n}"))
        for kind in ("messages", "threads"):
            page = await desk.get(kind, maxResults=1)
            assert page["resultSizeEstimate"] == 201
        assert (await desk.get("messages"))["resultSizeEstimate"] == 3

    on_desk(scenario)
