"""Messages, threads, labels and lists look as Gmail's documents say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox_gmail.desk import ANNA, BO, Desk, make_mail, parcel, unpad


def test_full_format_is_the_mime_tree_with_part_ids_and_small_text_inline(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        found = await desk.get(f"messages/{desk.vendor.deliver(ANNA, parcel())}", format="full")
        top = found["payload"]
        assert (top["mimeType"], top["partId"], top["body"]) == ("multipart/mixed", "", {"size": 0})
        body, pdf = top["parts"]
        assert [p["partId"] for p in body["parts"]] == ["0.0", "0.1"]
        assert [p["mimeType"] for p in body["parts"]] == ["text/plain", "text/html"]
        assert unpad(body["parts"][0]["body"]["data"]).decode().strip() == "Grüße & 您好"
        assert {"name": "Subject", "value": "询价单 <urgent>"} in top["headers"]
        assert found["snippet"] == "Grüße &amp; 您好"
        assert (pdf["partId"], pdf["filename"], pdf["body"]["size"]) == ("1", "报价.pdf", 9)
        assert "data" not in pdf["body"]

    on_desk(scenario)


def test_text_in_an_old_charset_is_shown_in_utf8(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        head = b"From: a@b.example\nSubject: =?gb2312?B?sai827Wl?=\nContent-Type: text/plain; charset=gb2312\n\n"
        found = await desk.get(f"messages/{desk.vendor.deliver(ANNA, head + '报价单'.encode('gbk'))}")
        assert unpad(found["payload"]["body"]["data"]).decode() == "报价单"
        assert next(h["value"] for h in found["payload"]["headers"] if h["name"] == "Subject") == "报价单"

    on_desk(scenario)


def test_raw_is_the_delivered_mail_byte_for_byte(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        raw = parcel()
        found = await desk.get(f"messages/{desk.vendor.deliver(ANNA, raw)}", format="raw")
        assert unpad(found["raw"]) == raw
        assert found["sizeEstimate"] == len(raw)
        assert "payload" not in found

    on_desk(scenario)


def test_hostile_mail_is_shown_and_never_breaks_the_mailbox(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(300))
        bad = [
            b"",
            b"\xff\xfe\x00\n\n",
            b"Subject: =?no-such?B?%%%?=\nContent-Type: text/plain; charset=nope\n\n\x80\x81",
            b"Content-Type: application/pdf; name*=utf-8''%ff%;\nFrom: \"a, b\" <x\n\nx",
            deep + b"\n\ntext",
            b"From: " + b"a:" * 3000 + b"\n\ngroups in groups",
        ]
        for raw in bad:
            found = await desk.get(f"messages/{desk.vendor.deliver(ANNA, raw)}")
            assert found["sizeEstimate"] == len(raw)
        assert len(await desk.ids("subject:nothing OR -from:me")) == len(bad)

    on_desk(scenario)


def test_lists_page_without_loss_or_repetition_while_mail_arrives_and_goes(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = desk.clock.now() - timedelta(days=40)
        ids = [desk.vendor.deliver(ANNA, make_mail(f"n {n}"), at=start + timedelta(hours=n)) for n in range(250)]
        page = await desk.get("messages")
        assert len(page["messages"]) == 100
        seen = [m["id"] for m in page["messages"]]
        desk.vendor.deliver(ANNA, make_mail("late"))
        desk.vendor.delete(ANNA, seen[50])
        while "nextPageToken" in page:
            page = await desk.get("messages", pageToken=page["nextPageToken"])
            seen += [m["id"] for m in page["messages"]]
        assert sorted(seen) == sorted(ids)
        assert (await desk.call("messages", pageToken="nonsense!")).status_code == 400

    on_desk(scenario)


def test_label_ids_are_joined_by_and(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX"])
        both = desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX", "Orders/2026"])
        assert await desk.ids(labelIds=["INBOX", "Label_1"]) == [both]
        refused = await desk.call("messages", labelIds="Label_99")
        assert (refused.status_code, refused.json()["error"]["message"]) == (400, "Invalid label: Label_99")

    on_desk(scenario)


def test_an_empty_list_has_no_messages_key(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert await desk.get("messages", q="subject:nothing") == {"resultSizeEstimate": 0}

    on_desk(scenario)


def test_profile_labels_and_send_as(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver(ANNA, make_mail(), labels=["INBOX", "UNREAD"])
        profile = await desk.get("profile")
        assert (profile["emailAddress"], profile["messagesTotal"], profile["threadsTotal"]) == (ANNA, 1, 1)
        labels = {label["id"]: label for label in (await desk.get("labels"))["labels"]}
        assert labels["Label_1"]["name"] == "Orders/2026"
        assert labels["INBOX"]["type"] == "system"
        assert "messagesTotal" not in labels["INBOX"]
        inbox = await desk.get("labels/INBOX")
        assert (inbox["messagesTotal"], inbox["messagesUnread"], inbox["threadsTotal"]) == (1, 1, 1)
        send_as = (await desk.get("settings/sendAs"))["sendAs"]
        assert [s["sendAsEmail"] for s in send_as] == [ANNA, "sales@ours.example"]
        assert send_as[0]["isPrimary"]
        assert (await desk.call("labels/Label_7")).status_code == 404

    on_desk(scenario)


def test_threads_list_and_get(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        first = desk.vendor.deliver(ANNA, make_mail("Offer", message_id="m1"), at=datetime(2026, 1, 1, tzinfo=UTC))
        reply = desk.vendor.deliver(ANNA, make_mail("Re: Offer", message_id="m2", references="m1"))
        lone = desk.vendor.deliver(ANNA, make_mail("Lone"))
        assert {t["id"] for t in (await desk.get("threads"))["threads"]} == {first, lone}
        assert [t["id"] for t in (await desk.get("threads", q="subject:offer"))["threads"]] == [first]
        page = await desk.get("threads", maxResults=1)
        rest = await desk.get("threads", maxResults=1, pageToken=page["nextPageToken"])
        assert {page["threads"][0]["id"], rest["threads"][0]["id"]} == {first, lone}
        thread = await desk.get(f"threads/{first}", format="minimal")
        assert [m["id"] for m in thread["messages"]] == [first, reply]

    on_desk(scenario)


def test_fields_masks_cut_the_answer_and_unknown_ones_are_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, parcel())
        desk.vendor.deliver(ANNA, make_mail())
        page = await desk.get("messages", fields="messages(id),nextPageToken", maxResults=1)
        assert set(page) == {"messages", "nextPageToken"}
        assert set(page["messages"][0]) == {"id"}
        found = await desk.get(f"messages/{mid}", fields="id,payload/headers/name,payload/parts(partId,body/size)")
        assert set(found) == {"id", "payload"}
        assert set(found["payload"]) == {"headers", "parts"}
        assert set(found["payload"]["headers"][0]) == {"name"}
        assert found["payload"]["parts"][1] == {"partId": "1", "body": {"size": 9}}
        refused = await desk.call("messages", fields="messages/nonsense")
        assert (refused.status_code, refused.json()["error"]["errors"][0]["reason"]) == (400, "invalidParameter")

    on_desk(scenario)


def test_pretty_print_is_the_default_and_can_be_turned_off(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert "\n" in (await desk.call("profile")).text
        assert "\n" not in (await desk.call("profile", prettyPrint="false")).text

    on_desk(scenario)


def test_a_get_too_long_for_a_url_may_come_as_post_and_counts_as_a_read(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail("Wanted"))
        desk.vendor.deliver(ANNA, make_mail("Other"))
        answer = await desk.http.post(
            "https://gmail.googleapis.com/gmail/v1/users/me/messages",
            content="q=subject%3Awanted&alt=json",
            headers={
                "Authorization": f"Bearer {await desk.token()}",
                "x-http-method-override": "GET",
                "content-type": "application/x-www-form-urlencoded",
            },
        )
        assert [m["id"] for m in answer.json()["messages"]] == [mid]
        last = desk.vendor.world.requests.records[-1]
        assert (last.operation, last.kind) == ("gmail.users.messages.list", "read")

    on_desk(scenario)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("messages", {"nonsense": "1"}),
        ("messages", {"maxResults": "many"}),
        ("messages/x", {"format": "huge"}),
        ("messages", {"includeSpamTrash": "perhaps"}),
    ],
)
def test_parameters_google_cannot_bind_are_refused(on_desk, path, params) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.call(path, **params)
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")

    on_desk(scenario)


def test_what_is_not_there_is_404_with_googles_body(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.call("messages/0000000000000000")
        assert answer.status_code == 404
        assert answer.json()["error"] == {
            "code": 404,
            "message": "Requested entity was not found.",
            "errors": [{"message": "Requested entity was not found.", "domain": "global", "reason": "notFound"}],
            "status": "NOT_FOUND",
        }
        mid = desk.vendor.deliver(ANNA, make_mail())
        desk.vendor.delete(ANNA, mid)
        assert (await desk.call(f"messages/{mid}")).status_code == 404

    on_desk(scenario)


def test_ids_are_of_one_mailbox_only(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        assert (await desk.call(f"messages/{mid}", user=BO)).status_code == 404

    on_desk(scenario)


@pytest.mark.parametrize(("subject", "references"), [("Re: Offer", "m1"), ("回复:Offer", "m0 m1")])
def test_a_reply_with_a_reference_and_the_same_subject_joins_the_thread(on_desk, subject, references) -> None:
    async def scenario(desk: Desk) -> None:
        first = desk.vendor.deliver(ANNA, make_mail("Offer", message_id="m1"))
        reply = desk.vendor.deliver(ANNA, make_mail(subject, message_id="m2", references=references))
        assert (await desk.get(f"messages/{reply}", format="minimal"))["threadId"] == first

    on_desk(scenario)
