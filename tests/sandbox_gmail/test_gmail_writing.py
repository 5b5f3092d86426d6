"""Calls that change a mailbox, and mail on its way between mailboxes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.sandbox_gmail.desk import ANNA, BO, Desk, make_mail, raw_body, unpad
from tradepost.sandbox.gmail.content import parse


async def _raw(desk: Desk, mid: str, user: str = ANNA) -> bytes:
    return unpad((await desk.get(f"messages/{mid}", format="raw", user=user))["raw"])


def test_sending_leaves_a_sent_copy_and_reaches_colleagues_without_bcc(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = make_mail(sender=ANNA, to="li@buyer.example", Bcc=BO)
        sent = await desk.post("messages/send", raw_body(mail))
        assert sent["labelIds"] == ["SENT"]
        own = parse(await _raw(desk, sent["id"]))
        assert own["Bcc"] == BO
        (copy,) = await desk.ids(user=BO)
        assert copy != sent["id"]
        theirs = parse(await _raw(desk, copy, BO))
        assert theirs["Bcc"] is None
        assert theirs["Delivered-To"] == BO
        assert theirs["Message-ID"] == own["Message-ID"]
        assert own["Message-ID"].endswith("@mail.gmail.com>")
        labels = (await desk.get(f"messages/{copy}", format="minimal", user=BO))["labelIds"]
        assert {"INBOX", "UNREAD"} <= set(labels)

    on_desk(scenario)


def test_insert_and_import_store_unchanged_and_show_in_history(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = (await desk.get("profile"))["historyId"]
        raw = make_mail()
        inserted = await desk.post("messages", raw_body(raw, labelIds=["INBOX"]))
        imported = await desk.post("messages/import", raw_body(raw))
        assert await _raw(desk, inserted["id"]) == raw
        dates = [(await desk.get(f"messages/{m['id']}"))["internalDate"] for m in (inserted, imported)]
        written = int(datetime(2026, 3, 2, 7, tzinfo=UTC).timestamp() * 1000)
        assert dates == [str(int(desk.clock.now().timestamp() * 1000)), str(written)]
        told = (await desk.get("history", startHistoryId=start))["history"]
        assert [r["messagesAdded"][0]["message"]["id"] for r in told] == [inserted["id"], imported["id"]]
        by_date = await desk.post("messages", raw_body(raw), internalDateSource="dateHeader")
        assert (await desk.get(f"messages/{by_date['id']}"))["internalDate"] == str(written)

    on_desk(scenario)


@pytest.mark.parametrize("multipart", [False, True])
def test_a_mail_may_be_uploaded_as_it_is(on_desk, multipart) -> None:
    async def scenario(desk: Desk) -> None:
        raw = make_mail(text="8-bit: \u00fc").replace(b"\n", b"\r\n")
        content, kind = raw, "message/rfc822"
        if multipart:
            kind = "multipart/related; boundary=zz"
            content = (
                b'--zz\r\nContent-Type: application/json\r\n\r\n{"labelIds": ["STARRED"]}\r\n'
                b"--zz\r\nContent-Type: message/rfc822\r\n\r\n" + raw + b"\r\n--zz--"
            )
        answer = await desk.http.post(
            "https://gmail.googleapis.com/upload/gmail/v1/users/me/messages",
            params={"uploadType": "multipart" if multipart else "media"},
            content=content,
            headers={"Authorization": f"Bearer {await desk.token()}", "Content-Type": kind},
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["labelIds"] == (["STARRED"] if multipart else [])
        assert await _raw(desk, answer.json()["id"]) == raw

    on_desk(scenario)


def test_a_mail_needs_a_body(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        for body in ({}, {"raw": "*"}):
            assert (await desk.call("messages", method="POST", json=body)).status_code == 400

    on_desk(scenario)


def test_modify_trash_untrash_delete(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX", "UNREAD"])
        body = {"addLabelIds": ["Label_1"], "removeLabelIds": ["UNREAD"]}
        assert (await desk.post(f"messages/{mid}/modify", body))["labelIds"] == ["INBOX", "Label_1"]
        assert set((await desk.post(f"messages/{mid}/trash"))["labelIds"]) == {"Label_1", "TRASH"}
        assert (await desk.post(f"messages/{mid}/untrash"))["labelIds"] == ["Label_1"]
        refused = await desk.call(f"messages/{mid}/modify", method="POST", json={"addLabelIds": ["No"]})
        assert (refused.status_code, refused.json()["error"]["message"]) == (400, "Invalid label: No")
        assert (await desk.call(f"messages/{mid}", method="DELETE")).status_code == 204
        assert (await desk.call(f"messages/{mid}")).status_code == 404
        assert await desk.ids("in:anywhere") == []

    on_desk(scenario)


def test_many_messages_and_whole_threads_change_at_once(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        first = desk.vendor.deliver(ANNA, make_mail("A", message_id="m1"), labels=["INBOX"])
        reply = desk.vendor.deliver(ANNA, make_mail("Re: A", references="m1"), labels=["INBOX"])
        lone = desk.vendor.deliver(ANNA, make_mail("B"), labels=["INBOX"])
        await desk.post(f"threads/{first}/modify", {"removeLabelIds": ["INBOX"]})
        assert await desk.ids(labelIds="INBOX") == [lone]
        ids = {"ids": [lone, "gone"], "addLabelIds": ["STARRED"]}
        assert (await desk.call("messages/batchModify", method="POST", json=ids)).status_code == 204
        assert await desk.ids(labelIds="STARRED") == [lone]
        await desk.post(f"threads/{first}/trash")
        assert set(await desk.ids("in:trash")) == {first, reply}
        assert (await desk.call(f"threads/{first}", method="DELETE")).status_code == 204
        await desk.call("messages/batchDelete", method="POST", json={"ids": [lone]})
        assert await desk.ids("in:anywhere") == []
        assert (await desk.call(f"threads/{first}")).status_code == 404

    on_desk(scenario)


def test_labels_can_be_made_and_removed(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        label = await desk.post("labels", {"name": "报价"})
        mid = desk.vendor.deliver(ANNA, make_mail(), labels=["报价"])
        assert await desk.ids(labelIds=label["id"]) == [mid]
        assert (await desk.call("labels", method="POST", json={"name": "报价"})).status_code == 409
        assert (await desk.call("labels", method="POST", json={"name": "inbox"})).status_code == 400
        assert (await desk.call(f"labels/{label['id']}", method="DELETE")).status_code == 204
        assert (await desk.call("labels/INBOX", method="DELETE")).status_code == 400
        assert "labelIds" not in await desk.get(f"messages/{mid}", format="minimal")

    on_desk(scenario)


def test_watch_and_stop(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.post("watch", {"topicName": "projects/p/topics/t"})
        week = (desk.clock.now().timestamp() + 7 * 86_400) * 1000
        assert (answer["historyId"], answer["expiration"]) == ((await desk.get("profile"))["historyId"], str(int(week)))
        assert (await desk.call("watch", method="POST", json={"topicName": "t"})).status_code == 400
        assert (await desk.call("stop", method="POST")).status_code == 204

    on_desk(scenario)


def test_a_method_the_sandbox_lacks_says_so(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.call("settings/cse/keypairs")).status_code == 501
        assert (await desk.call("nonsense")).status_code == 404

    on_desk(scenario)


def test_mail_from_outside_reaches_every_recipient_with_one_message_id(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = make_mail(to=f"sales@ours.example, {BO}, ann@elsewhere.example")
        copies = desk.vendor.deliver_to_recipients(mail, at=datetime(2026, 1, 1, tzinfo=UTC))
        assert set(copies) == {ANNA, BO}
        heads = [parse(await _raw(desk, copies[user], user)) for user in (ANNA, BO)]
        assert heads[0]["Message-ID"] == heads[1]["Message-ID"]
        assert "SMTPIN_ADDED_MISSING" in heads[0]["Message-ID"]
        assert heads[0]["Delivered-To"] == ANNA
        assert desk.vendor.deliver_to_recipients(make_mail(to="x@elsewhere.example")) == {}

    on_desk(scenario)


def test_mail_of_ours_gets_a_sent_copy_and_mail_to_oneself_is_one_message(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        copies = desk.vendor.deliver_to_recipients(make_mail(sender=ANNA, to=f"{ANNA}, {BO}", message_id="m1"))
        boxes = {user: desk.vendor.mailboxes[user].messages[mid] for user, mid in copies.items()}
        assert set(boxes) == {ANNA, BO}
        assert set(boxes[ANNA].labels) == {"SENT", "INBOX", "UNREAD"}
        assert len(desk.vendor.mailboxes[ANNA].messages) == 1
        assert boxes[BO].head.message_id == "m1"

    on_desk(scenario)
