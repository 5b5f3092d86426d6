"""Units, limits, batches and faults."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.sandbox_gmail.desk import ANNA, BO, Desk, error_of, make_mail, parts_of, statuses
from tradepost.sandbox.kernel import Effect

# ------------------------------------------------------------------------------------------------------------- batches


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
        assert statuses(await desk.batch(["profile", "profile"])) == [401, 401]

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
        assert [re.findall(r"\w+@ours.example", body) for _, _, body in parts_of(answer)] == [[ANNA], [BO]]

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
        assert statuses(answer) == [200, status, 200]
        boxes = [("TRASH" in desk.vendor.mailboxes[ANNA].messages[i].labels) for i in ids]
        assert boxes == [True, trashed, True]
        assert desk.clock.monotonic() - before == (4 if effect is Effect.SLOW else 0)
        assert [r.fault for r in desk.vendor.world.requests.records if r.fault] == [effect.value]

    on_desk(scenario)


def test_a_cut_part_is_no_json_and_a_doubled_one_runs_twice(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault(operation="gmail.users.getProfile", effect=Effect.TRUNCATED)
        _, _, body = parts_of(await desk.batch(["profile"]))[0]
        with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
            httpx.Response(200, text=body).json()
        desk.fault(operation="gmail.users.getProfile", effect=Effect.DUPLICATE)
        await desk.batch(["profile"])
        assert desk.vendor.calls["gmail.users.getProfile"] == 3

    on_desk(scenario)


# --------------------------------------------------------------------------------------------------------------- units


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
        assert error_of(await desk.call("messages")) == expected
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
