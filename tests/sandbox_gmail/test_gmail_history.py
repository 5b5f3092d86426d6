"""The change feed: what it tells, in which order, how it pages and when it forgets."""

from __future__ import annotations

import pytest

from tests.sandbox_gmail.desk import ANNA, BO, Desk, history, history_id, make_mail


def test_every_kind_of_change_is_told_in_its_own_array_and_again_in_messages(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await history_id(desk)
        mid = desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX", "UNREAD"])
        desk.vendor.move(ANNA, mid, add=["Orders/2026"], remove=["UNREAD"])
        desk.vendor.trash(ANNA, mid)
        desk.vendor.delete(ANNA, mid)
        added, moved, trashed, deleted = await history(desk, start)
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


def test_the_answer_names_the_current_id_and_nothing_new_means_no_history_key(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver(ANNA, make_mail())
        now = await history_id(desk)
        assert await desk.get("history", startHistoryId=now) == {"historyId": now}

    on_desk(scenario)


def test_pages_may_be_empty_and_still_continue(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await history_id(desk)
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
        told = await history(desk, start, historyTypes="messageAdded", maxResults=4)
        assert [r["messagesAdded"][0]["message"]["id"] for r in told] == [mid, last]

    on_desk(scenario)


def test_filters_by_type_and_by_label(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await history_id(desk)
        archived = desk.vendor.deliver(ANNA, make_mail(), labels=["Orders/2026"])
        mid = desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX"])
        desk.vendor.move(ANNA, mid, add=["STARRED"], remove=["INBOX"])
        only = await history(desk, start, historyTypes=["labelAdded", "messageDeleted"])
        assert [set(r) for r in only] == [{"id", "messages", "labelsAdded"}]
        inbox = await history(desk, start, labelId="INBOX")
        assert archived not in [r["messages"][0]["id"] for r in inbox]
        assert len(inbox) == 2
        assert (await desk.call("history", startHistoryId=start, labelId="Label_9")).status_code == 400
        assert (await desk.call("history", startHistoryId=start, historyTypes="odd")).status_code == 400

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


def test_history_goes_on_in_a_mailbox_nobody_asks_about(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await history_id(desk)
        await desk.clock.sleep(6 * 86_400)
        desk.tokens.clear()
        assert int(await history_id(desk)) > int(start)
        forgotten = str(desk.vendor.mailboxes[BO].history_id)
        await desk.clock.sleep(2 * 86_400)
        assert (await desk.call("history", startHistoryId=forgotten, user=BO)).status_code == 404

    on_desk(scenario)


def test_drafts_come_and_go_under_other_ids_than_the_sent_mail(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = await history_id(desk)
        draft = desk.vendor.save_draft(ANNA, make_mail("Offer", sender=ANNA, to="li@buyer.example"))
        first = desk.vendor.mailboxes[ANNA].drafts[draft]
        desk.vendor.save_draft(ANNA, make_mail("Offer", sender=ANNA, to="li@buyer.example"), draft_id=draft)
        second = desk.vendor.mailboxes[ANNA].drafts[draft]
        sent = desk.vendor.send_draft(ANNA, draft)
        assert len({first, second, sent}) == 3
        kinds = [next(k for k in r if k.startswith("messages") and k != "messages") for r in await history(desk, start)]
        added, deleted = "messagesAdded", "messagesDeleted"
        assert kinds == [added, deleted, added, deleted, added]
        assert (await desk.get(f"messages/{sent}", format="minimal"))["labelIds"] == ["SENT"]
        assert (await desk.call(f"messages/{second}")).status_code == 404
        assert (await desk.get("drafts")) == {"resultSizeEstimate": 0}

    on_desk(scenario)


def test_a_change_that_changes_nothing_is_not_recorded(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX"])
        start = await history_id(desk)
        desk.vendor.move(ANNA, mid, add=["INBOX"], remove=["STARRED"])
        assert await history_id(desk) == start

    on_desk(scenario)
