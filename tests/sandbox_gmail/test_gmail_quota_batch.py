"""Units, limits, batches and faults."""

from __future__ import annotations

import asyncio
import re
from email import message_from_string
from typing import Any

import httpx
import pytest

from tests.sandbox_gmail.desk import ANNA, BO, Desk, make_mail
from tradepost.sandbox.kernel import Effect


def _parts(answer: httpx.Response) -> list[tuple[str, int, str]]:
    """(Content-ID, status, body) of each part."""
    assert answer.status_code == 200, answer.text
    whole = message_from_string(f"Content-Type: {answer.headers['content-type']}\n\n{answer.text}")
    found = []
    for part in whole.get_payload():
        assert part.get_content_type() == "application/http"
        head, _, body = part.get_payload().replace("\r\n", "\n").partition("\n\n")
        found.append((str(part["Content-ID"]), int(head.split()[1]), body))
    return found


def _statuses(answer: httpx.Response) -> list[int]:
    return [status for _, status, _ in _parts(answer)]


# ------------------------------------------------------------------------------------------------------------- batches


@pytest.mark.parametrize("path", ["/batch", "/batch/gmail/v1"])
def test_a_batch_answers_part_by_part_in_order_with_response_ids(on_desk, path) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        answer = await desk.batch(
            [f"messages/{mid}", "messages/none", "profile"], url=f"https://gmail.googleapis.com{path}"
        )
        parts = _parts(answer)
        assert [p[0] for p in parts] == ["<response-x + 0>", "<response-x + 1>", "<response-x + 2>"]
        assert [p[1] for p in parts] == [200, 404, 200]
        assert f'"id": "{mid}"' in parts[0][2]
        assert "Requested entity was not found." in parts[1][2]

    on_desk(scenario)


def test_more_than_100_parts_are_refused_as_a_whole(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.batch(["profile"] * 101)
        error = answer.json()["error"]
        assert (answer.status_code, error["message"]) == (
            400,
            "Inner request count exceeds the limit. Received: 101, Limit: 100",
        )
        assert desk.vendor.calls["gmail.users.getProfile"] == 0
        assert (await desk.batch(["profile"] * 100)).status_code == 200
        assert (await desk.batch([])).status_code == 400

    on_desk(scenario)


def test_25_parts_pass_and_beyond_that_some_are_too_many_at_once(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert _statuses(await desk.batch(["profile"] * 25)) == [200] * 25
        parts = _parts(await desk.batch(["profile"] * 60))
        assert [status for _, status, _ in parts[:25]] == [200] * 25
        beyond = [status for _, status, _ in parts[25:]]
        assert set(beyond) == {200, 429}
        body = next(body for _, status, body in parts if status == 429)
        assert "Too many concurrent requests for user" in body
        assert '"reason": "rateLimitExceeded"' in body
        assert '"status": "RESOURCE_EXHAUSTED"' in body
        assert _statuses(await desk.batch(["profile"] * 26))[25] == 429
        desk.vendor.set_quota(concurrent=50)
        assert _statuses(await desk.batch(["profile"] * 50)) == [200] * 50

    on_desk(scenario)


def test_a_batch_costs_what_its_calls_cost(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        desk.vendor.set_quota(user_per_minute=100)
        assert _statuses(await desk.batch([f"messages/{mid}"] * 7)) == [200] * 5 + [403] * 2

    on_desk(scenario)


def test_a_batch_is_read_when_all_its_parts_are_and_parts_are_recorded_too(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        await desk.token()
        log = desk.vendor.world.requests
        log.clear()
        await desk.batch([f"messages/{mid}", "profile"])
        await desk.batch([f"messages/{mid}/trash"], method="POST")
        assert [(r.operation, r.kind, r.status) for r in log.records] == [
            ("batch", "read", 200),
            ("gmail.users.messages.get", "read", 200),
            ("gmail.users.getProfile", "read", 200),
            ("batch", "write", 200),
            ("gmail.users.messages.trash", "write", 200),
        ]

    on_desk(scenario)


def test_an_expired_token_shows_in_the_parts_of_an_accepted_batch(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.token()
        desk.vendor.expire_tokens()
        assert _statuses(await desk.batch(["profile", "profile"])) == [401, 401]

    on_desk(scenario)


def test_parts_may_carry_their_own_tokens(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        body = ""
        for user in (ANNA, BO):
            body += "--b\nContent-Type: application/http\nContent-ID: <a + 1>\n\n"
            body += f"GET /gmail/v1/users/{user.replace('@', '%40')}/profile HTTP/1.1\n"
            body += f"Authorization: Bearer {await desk.token(user)}\n\n\n"
        outer = f"Bearer {await desk.token(BO)}"
        headers = {"Content-Type": "multipart/mixed; boundary=b", "Authorization": outer}
        answer = await desk.http.post("https://gmail.googleapis.com/batch", content=f"{body}--b--", headers=headers)
        assert [re.findall(r"\w+@ours.example", body) for _, _, body in _parts(answer)] == [[ANNA], [BO]]

    on_desk(scenario)


@pytest.mark.parametrize(
    ("effect", "status", "trashed"),
    [
        (Effect.STATUS, 503, False),
        (Effect.STATUS_AFTER, 503, True),
        (Effect.LOST_REQUEST, 503, False),
        (Effect.LOST_REPLY, 503, True),
        (Effect.HTML, 503, False),
        (Effect.SLOW, 200, True),
    ],
)
def test_a_fault_can_hit_one_part(on_desk, effect, status, trashed) -> None:
    async def scenario(desk: Desk) -> None:
        ids = [desk.vendor.deliver(ANNA, make_mail(f"n {n}")) for n in range(3)]
        desk.fault(operation="gmail.users.messages.trash", nth=2, effect=effect, seconds=4)
        before = desk.clock.monotonic()
        answer = await desk.batch([f"messages/{i}/trash" for i in ids], method="POST")
        assert _statuses(answer) == [200, status, 200]
        boxes = [("TRASH" in desk.vendor.mailboxes[ANNA].messages[i].labels) for i in ids]
        assert boxes == [True, trashed, True]
        assert desk.clock.monotonic() - before == (4 if effect is Effect.SLOW else 0)
        assert [r.fault for r in desk.vendor.world.requests.records if r.fault] == [effect.value]

    on_desk(scenario)


def test_a_cut_part_is_no_json_and_a_doubled_one_runs_twice(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault(operation="gmail.users.getProfile", effect=Effect.TRUNCATED)
        _, _, body = _parts(await desk.batch(["profile"]))[0]
        with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
            httpx.Response(200, text=body).json()
        desk.fault(operation="gmail.users.getProfile", effect=Effect.DUPLICATE)
        await desk.batch(["profile"])
        assert desk.vendor.calls["gmail.users.getProfile"] == 3

    on_desk(scenario)


# --------------------------------------------------------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("path", "units"),
    [("profile", 1), ("messages", 5), ("messages/{id}", 20), ("threads/{id}", 40), ("history?startHistoryId={h}", 2)],
)
def test_each_method_costs_its_units(on_desk, path, units) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        await desk.call(path.format(id=mid, h=desk.vendor.mailboxes[ANNA].history_id))
        assert desk.vendor.meter.users[ANNA].used == units

    on_desk(scenario)


def _error(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["errors"][0]["domain"], error["errors"][0]["reason"]


@pytest.mark.parametrize("status", [403, 429])
def test_a_user_may_spend_so_much_a_minute(on_desk, status) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_quota(user_per_minute=12, status=status)
        await desk.token(), await desk.token(BO)
        assert [(await desk.call("messages")).status_code for _ in range(2)] == [200, 200]
        refused = await desk.call("messages")
        assert _error(refused) == (status, "usageLimits", "rateLimitExceeded")
        assert "limit 'Queries per minute per user'" in refused.json()["error"]["message"]
        assert refused.json()["error"]["status"] == ("RESOURCE_EXHAUSTED" if status == 429 else "PERMISSION_DENIED")
        assert (await desk.call("messages", user=BO)).status_code == 200
        await desk.clock.sleep(60)
        assert (await desk.call("messages")).status_code == 200

    on_desk(scenario)


def test_a_project_may_spend_so_much_a_minute(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_quota(project_per_minute=10)
        assert (await desk.call("messages")).status_code == 200
        assert (await desk.call("messages", user=BO)).status_code == 200
        refused = await desk.call("messages", user=BO)
        assert "limit 'Queries per minute' of service" in refused.json()["error"]["message"]
        await desk.clock.sleep(60)
        assert (await desk.call("messages", user=BO)).status_code == 200

    on_desk(scenario)


def test_a_project_may_spend_so_much_a_day_and_days_end_in_california(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_quota(project_per_day=10)
        assert [(await desk.call("messages")).status_code for _ in range(3)] == [200, 200, 403]
        assert _error(await desk.call("messages")) == (403, "usageLimits", "dailyLimitExceeded")
        await desk.clock.sleep(23 * 3600)  # it was just midnight in California
        desk.tokens.clear()
        assert (await desk.call("messages")).status_code == 403
        await desk.clock.sleep(3600)
        desk.tokens.clear()
        assert (await desk.call("messages")).status_code == 200

    on_desk(scenario)


def test_calls_that_overlap_beyond_the_users_places_are_refused(on_desk) -> None:
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


# -------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 403, "code": "userRateLimitExceeded"}, (403, "usageLimits", "userRateLimitExceeded")),
        ({"status": 429, "code": "userRateLimitExceeded"}, (429, "usageLimits", "userRateLimitExceeded")),
        ({"status": 429}, (429, "global", "rateLimitExceeded")),
        ({"status": 401}, (401, "global", "authError")),
        ({"status": 403, "code": "domainPolicy"}, (403, "global", "domainPolicy")),
        ({"status": 404}, (404, "global", "notFound")),
        ({"status": 500}, (500, "global", "backendError")),
        ({"status": 503}, (503, "global", "backendError")),
    ],
)
def test_faults_show_the_documented_bodies(on_desk, fault, expected) -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault(operation="gmail.users.messages.list", effect=Effect.STATUS, **fault)
        assert _error(await desk.call("messages")) == expected
        assert (await desk.call("messages")).status_code == 200

    on_desk(scenario)


def test_statistics_count_messages_by_label_and_calls_by_method(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX", "UNREAD"])
        desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX"])
        await desk.batch(["messages", "messages"])
        found: dict[str, Any] = desk.vendor.statistics()
        assert found["mailboxes"] == {ANNA: {"ALL": 2, "INBOX": 2, "UNREAD": 1}, BO: {"ALL": 0}}
        assert found["calls"] == {"gmail.users.messages.list": 2}

    on_desk(scenario)
