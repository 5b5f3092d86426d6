"""Messages, threads, labels and lists look as Gmail's documents say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import pairwise

import pytest

from tests.sandbox_gmail.desk import ALL_SCOPES, ANNA, BO, FULL, Desk, G, make_mail, unpad


def _parcel() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "li@buyer.example", ANNA, "询价单 <urgent>"
    mail.set_content("Grüße & 您好", cte="base64")
    mail.add_alternative("<p>Hello</p>", subtype="html")
    mail.add_attachment(b"%PDF tiny", maintype="application", subtype="pdf", filename="报价.pdf")
    return mail.as_bytes()


def test_full_format_is_the_mime_tree_with_part_ids_and_small_text_inline(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        found = await desk.get(f"messages/{desk.vendor.deliver(ANNA, _parcel())}", format="full")
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


def test_attachments_come_by_an_id_that_differs_at_each_reading_and_stays_good(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, _parcel())
        other = desk.vendor.deliver(ANNA, make_mail())
        ids = [(await desk.get(f"messages/{mid}"))["payload"]["parts"][1]["body"]["attachmentId"] for _ in range(2)]
        assert ids[0] != ids[1]
        for token in ids:
            found = await desk.get(f"messages/{mid}/attachments/{token}")
            assert (found["size"], unpad(found["data"])) == (9, b"%PDF tiny")
        for path in (f"messages/{other}/attachments/{ids[0]}", f"messages/{mid}/attachments/nonsense"):
            refused = await desk.call(path)
            assert (refused.status_code, refused.json()["error"]["message"]) == (400, "Invalid attachment token")

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
        raw = _parcel()
        found = await desk.get(f"messages/{desk.vendor.deliver(ANNA, raw)}", format="raw")
        assert unpad(found["raw"]) == raw
        assert found["sizeEstimate"] == len(raw)
        assert "payload" not in found

    on_desk(scenario)


def test_metadata_shows_only_the_headers_asked_for_and_minimal_no_payload(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        found = await desk.get(f"messages/{mid}", format="metadata", metadataHeaders=["subject", "From"])
        assert [h["name"] for h in found["payload"]["headers"]] == ["From", "Subject"]
        assert "body" not in found["payload"]
        everything = await desk.get(f"messages/{mid}", format="METADATA")
        assert len(everything["payload"]["headers"]) > 4
        assert "payload" not in await desk.get(f"messages/{mid}", format="minimal")

    on_desk(scenario)


def test_internal_date_is_the_time_of_delivery_unless_set(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        at = datetime(2020, 5, 6, tzinfo=UTC)
        old, new = desk.vendor.deliver(ANNA, make_mail(), at=at), desk.vendor.deliver(ANNA, make_mail())
        assert (await desk.get(f"messages/{old}"))["internalDate"] == str(int(at.timestamp() * 1000))
        assert (await desk.get(f"messages/{new}"))["internalDate"] == str(int(desk.clock.now().timestamp() * 1000))

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
        assert page["resultSizeEstimate"] == 201
        desk.vendor.deliver(ANNA, make_mail("late"))
        desk.vendor.delete(ANNA, seen[50])
        while "nextPageToken" in page:
            page = await desk.get("messages", pageToken=page["nextPageToken"])
            seen += [m["id"] for m in page["messages"]]
        assert sorted(seen) == sorted(ids)
        assert page["resultSizeEstimate"] == 50
        assert (await desk.call("messages", pageToken="nonsense!")).status_code == 400

    on_desk(scenario)


def test_page_tokens_can_expire(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        for _ in range(2):
            desk.vendor.deliver(ANNA, make_mail())
        token = (await desk.get("messages", maxResults=1))["nextPageToken"]
        desk.vendor.expire_pages(ANNA)
        answer = await desk.call("messages", maxResults=1, pageToken=token)
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Invalid pageToken")
        fresh = (await desk.get("messages", maxResults=1))["nextPageToken"]
        assert (await desk.call("messages", maxResults=1, pageToken=fresh)).status_code == 200

    on_desk(scenario)


def test_lists_are_newest_first_but_not_strictly(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        start = desk.clock.now() - timedelta(days=1)
        for n in range(200):
            desk.vendor.deliver(ANNA, make_mail(), at=start + timedelta(seconds=20 * n))
        ids = await desk.ids(maxResults=500)
        dates = [desk.vendor.mailboxes[ANNA].messages[i].internal_ms for i in ids]
        assert dates != sorted(dates, reverse=True)
        assert all(first > second - 120_000 for first, second in pairwise(dates))
        assert dates[0] - dates[-1] > 3_000_000

    on_desk(scenario)


def test_max_results_is_100_by_default_and_500_at_most(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        for n in range(501):
            desk.vendor.deliver(ANNA, make_mail(f"n {n}"))
        assert len(await desk.ids()) == 100
        assert len(await desk.ids(maxResults=9999)) == 500

    on_desk(scenario)


def test_spam_and_trash_are_left_out_unless_asked_for(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        inbox, spam, trash = (desk.vendor.deliver(ANNA, make_mail(), labels=[p]) for p in ("INBOX", "SPAM", "TRASH"))
        assert await desk.ids() == [inbox]
        assert set(await desk.ids(includeSpamTrash="true")) == {inbox, spam, trash}
        assert await desk.ids(labelIds="TRASH") == [trash]
        assert await desk.ids("in:spam") == [spam]
        assert set(await desk.ids("in:anywhere")) == {inbox, spam, trash}
        assert await desk.ids("-in:spam") == [inbox]

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


@pytest.mark.parametrize(
    ("subject", "references", "joins"),
    [
        ("Re: Offer", "m1", True),
        ("回复:Offer", "m0 m1", True),
        ("Re: Offer", "", False),  # the same subject alone
        ("Another matter", "m1", False),  # a changed subject
        ("Re: Offer", "unknown", False),
    ],
)
def test_a_thread_needs_a_reference_and_the_same_subject(on_desk, subject, references, joins) -> None:
    async def scenario(desk: Desk) -> None:
        first = desk.vendor.deliver(ANNA, make_mail("Offer", message_id="m1"))
        reply = desk.vendor.deliver(ANNA, make_mail(subject, message_id="m2", references=references))
        thread = (await desk.get(f"messages/{reply}", format="minimal"))["threadId"]
        assert (thread == first) is joins

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
        mid = desk.vendor.deliver(ANNA, _parcel())
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


@pytest.mark.parametrize("scopes", [(f"{G}metadata",), (f"{G}metadata", f"{G}readonly")])
def test_the_metadata_scope_refuses_queries_and_bodies_even_beside_others(on_desk, scopes) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        refused = await desk.call("messages", q="", scopes=scopes)
        assert (refused.status_code, refused.json()["error"]["message"]) == (
            403,
            "Metadata scope does not support 'q' parameter",
        )
        for form in ("full", "raw"):
            refused = await desk.call(f"messages/{mid}", format=form, scopes=scopes)
            assert refused.json()["error"]["message"] == f"Metadata scope doesn't allow format {form.upper()}"
        assert (await desk.call(f"messages/{mid}", format="metadata", scopes=scopes)).status_code == 200
        assert (await desk.call("messages", scopes=scopes)).status_code == 200

    on_desk(scenario)


def test_each_method_needs_one_of_its_scopes(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert FULL in ALL_SCOPES
        mid = desk.vendor.deliver(ANNA, make_mail())
        refused = await desk.call(f"messages/{mid}/trash", method="POST", scopes=(f"{G}readonly",))
        error = refused.json()["error"]
        assert (refused.status_code, error["errors"][0]["reason"]) == (403, "insufficientPermissions")
        assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        assert "TRASH" not in desk.vendor.mailboxes[ANNA].messages[mid].labels
        refused = await desk.call(f"messages/{mid}", method="DELETE", scopes=(f"{G}modify",))
        assert refused.status_code == 403

    on_desk(scenario)
