"""The change feed: what it tells, in which order, how it pages and when it forgets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox_gmail.desk import ANNA, BO, Desk, make_mail


async def _start(desk: Desk) -> str:
    found: str = (await desk.get("profile"))["historyId"]
    return found


async def _records(desk: Desk, start: str, **more: Any) -> list[dict[str, Any]]:
    page = await desk.get("history", startHistoryId=start, **more)
    found = page.get("history", [])
    while "nextPageToken" in page:
        page = await desk.get("history", startHistoryId=start, pageToken=page["nextPageToken"], **more)
        found += page.get("history", [])
    return found


def test_every_kind_of_change_is_told_in_its_own_array_and_again_in_messages(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await _start(desk)
        mid = desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX", "UNREAD"])
        desk.vendor.move(ANNA, mid, add=["Orders/2026"], remove=["UNREAD"])
        desk.vendor.trash(ANNA, mid)
        desk.vendor.delete(ANNA, mid)
        added, moved, trashed, deleted = await _records(desk, start)
        where = {"id": mid, "threadId": mid}
        assert all(record["messages"] == [where] for record in (added, moved, trashed, deleted))
        assert added["messagesAdded"] == [{"message": where | {"labelIds": ["INBOX", "UNREAD"]}}]
        after = where | {"labelIds": ["INBOX", "Label_1"]}
        assert moved["labelsAdded"] == [{"message": after, "labelIds": ["Label_1"]}]
        assert moved["labelsRemoved"] == [{"message": after, "labelIds": ["UNREAD"]}]
        assert trashed["labelsAdded"][0]["labelIds"] == ["TRASH"]
        assert trashed["labelsRemoved"][0]["labelIds"] == ["INBOX"]
        assert set(deleted) == {"id", "messages", "messagesDeleted"}

    on_desk(scenario)


def test_ids_rise_with_gaps_and_a_start_id_is_exclusive(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await _start(desk)
        for n in range(20):
            desk.vendor.deliver(ANNA, make_mail(f"n {n}"))
        ids = [int(record["id"]) for record in await _records(desk, start)]
        assert ids == sorted(set(ids))
        assert ids[-1] - ids[0] > len(ids)
        assert [int(r["id"]) for r in await _records(desk, str(ids[9]))] == ids[10:]

    on_desk(scenario)


def test_the_answer_names_the_current_id_and_nothing_new_means_no_history_key(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver(ANNA, make_mail())
        now = await _start(desk)
        assert await desk.get("history", startHistoryId=now) == {"historyId": now}

    on_desk(scenario)


def test_pages_may_be_empty_and_still_continue(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await _start(desk)
        mid = desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX"])
        for _ in range(5):
            desk.vendor.move(ANNA, mid, remove=["INBOX"])
            desk.vendor.move(ANNA, mid, add=["INBOX"])
        last = desk.vendor.deliver(ANNA, make_mail())
        first = await desk.get("history", startHistoryId=start, historyTypes="messageAdded", maxResults=4)
        second = await desk.get(
            "history", startHistoryId=start, historyTypes="messageAdded", maxResults=4, pageToken=first["nextPageToken"]
        )
        assert len(first["history"]) == 1
        assert "history" not in second
        assert "nextPageToken" in second
        told = await _records(desk, start, historyTypes="messageAdded", maxResults=4)
        assert [r["messagesAdded"][0]["message"]["id"] for r in told] == [mid, last]

    on_desk(scenario)


def test_silent_changes_make_empty_pages_without_any_filter(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await _start(desk)
        desk.vendor.silent_changes(ANNA, 150)
        mid = desk.vendor.deliver(ANNA, make_mail())
        page = await desk.get("history", startHistoryId=start)
        assert set(page) == {"nextPageToken", "historyId"}
        assert [r["messages"][0]["id"] for r in await _records(desk, start)] == [mid]

    on_desk(scenario)


def test_filters_by_type_and_by_label(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await _start(desk)
        archived = desk.vendor.deliver(ANNA, make_mail(), labels=["Orders/2026"])
        mid = desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX"])
        desk.vendor.move(ANNA, mid, add=["STARRED"], remove=["INBOX"])
        only = await _records(desk, start, historyTypes=["labelAdded", "messageDeleted"])
        assert [set(r) for r in only] == [{"id", "messages", "labelsAdded"}]
        inbox = await _records(desk, start, labelId="INBOX")
        assert archived not in [r["messages"][0]["id"] for r in inbox]
        assert len(inbox) == 2
        assert (await desk.call("history", startHistoryId=start, labelId="Label_9")).status_code == 400
        assert (await desk.call("history", startHistoryId=start, historyTypes="odd")).status_code == 400

    on_desk(scenario)


def test_an_expired_id_is_404_and_a_fresh_one_works(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await _start(desk)
        desk.vendor.expire_history(ANNA)
        answer = await desk.call("history", startHistoryId=start)
        assert answer.status_code == 404
        assert answer.json()["error"]["errors"][0]["reason"] == "notFound"
        assert answer.json()["error"]["status"] == "NOT_FOUND"
        fresh = await _start(desk)
        mid = desk.vendor.deliver(ANNA, make_mail())
        assert [r["messages"][0]["id"] for r in await _records(desk, fresh)] == [mid]

    on_desk(scenario)


def test_expiry_touches_one_mailbox(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = (await desk.get("profile", user=BO))["historyId"]
        desk.vendor.expire_history(ANNA)
        assert (await desk.call("history", startHistoryId=start, user=BO)).status_code == 200

    on_desk(scenario)


@pytest.mark.parametrize(("start", "status"), [("1", 404), ("99999999999", 404), ("abc", 400), (None, 400)])
def test_ids_that_never_were(on_desk, start, status) -> None:
    async def scenario(desk: Desk) -> None:
        params = {} if start is None else {"startHistoryId": start}
        assert (await desk.call("history", **params)).status_code == status

    on_desk(scenario)


def test_history_is_kept_for_a_week_and_a_polled_cursor_never_expires(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        old = polled = await _start(desk)
        for _ in range(10):
            await desk.clock.sleep(86_400)
            desk.tokens.clear()
            polled = (await desk.get("history", startHistoryId=polled))["historyId"]
        assert (await desk.call("history", startHistoryId=old)).status_code == 404
        assert (await desk.call("history", startHistoryId=polled)).status_code == 200

    on_desk(scenario)


def test_in_a_quiet_mailbox_the_newest_mails_id_expires_but_the_profiles_does_not(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        of_mail = (await desk.get(f"messages/{mid}", format="minimal"))["historyId"]
        await desk.clock.sleep(6 * 86_400)
        desk.tokens.clear()
        assert (await desk.call("history", startHistoryId=of_mail)).status_code == 200
        await desk.clock.sleep(10 * 86_400)
        desk.tokens.clear()
        assert (await desk.call("history", startHistoryId=of_mail)).status_code == 404
        assert (await desk.call("history", startHistoryId=await _start(desk))).status_code == 200

    on_desk(scenario)


def test_history_goes_on_in_a_mailbox_nobody_asks_about(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await _start(desk)
        await desk.clock.sleep(6 * 86_400)
        desk.tokens.clear()
        assert int(await _start(desk)) > int(start)
        forgotten = str(desk.vendor.mailboxes[BO].history_id)
        await desk.clock.sleep(2 * 86_400)
        assert (await desk.call("history", startHistoryId=forgotten, user=BO)).status_code == 404

    on_desk(scenario)


def test_drafts_come_and_go_under_other_ids_than_the_sent_mail(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await _start(desk)
        draft = desk.vendor.save_draft(ANNA, make_mail("Offer", sender=ANNA, to="li@buyer.example"))
        first = desk.vendor.mailboxes[ANNA].drafts[draft]
        desk.vendor.save_draft(ANNA, make_mail("Offer", sender=ANNA, to="li@buyer.example"), draft_id=draft)
        second = desk.vendor.mailboxes[ANNA].drafts[draft]
        sent = desk.vendor.send_draft(ANNA, draft)
        assert len({first, second, sent}) == 3
        kinds = [
            next(k for k in r if k.startswith("messages") and k != "messages") for r in await _records(desk, start)
        ]
        added, deleted = "messagesAdded", "messagesDeleted"
        assert kinds == [added, deleted, added, deleted, added]
        assert (await desk.get(f"messages/{sent}", format="minimal"))["labelIds"] == ["SENT"]
        assert (await desk.call(f"messages/{second}")).status_code == 404
        assert (await desk.get("drafts")) == {"resultSizeEstimate": 0}

    on_desk(scenario)


def test_a_change_that_changes_nothing_is_not_recorded(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX"])
        start = await _start(desk)
        desk.vendor.move(ANNA, mid, add=["INBOX"], remove=["STARRED"])
        assert await _start(desk) == start

    on_desk(scenario)
