"""A mailbox through the API: folders, reading, filters, changes, sending."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from tests.sandbox_graph.graph_desk import ANNA, BO, GRAPH, IMMUTABLE, Desk, make_mail, said
from tests.sandbox_graph.graph_mails import with_files
from tradepost.sandbox.graph.view import DEFAULT

INBOX = "mailFolders/inbox/messages"
TEXT = 'outlook.body-content-type="text"'

# -------------------------------------------------------------------------------------------------------------- folders


@pytest.mark.parametrize("name", ["inbox", "INBOX", "SentItems", "junkemail", "archive", "msgfolderroot"])
def test_well_known_names_work_in_any_letter_case_and_language(on_desk, name: str) -> None:
    async def scenario(desk: Desk) -> None:
        for user in (ANNA, BO):  # Bo's folders have Chinese names
            found = await desk.get(f"mailFolders/{name}", user=user)
            assert (await desk.get(f"mailFolders/{found['id']}", user=user))["id"] == found["id"]
            assert (await desk.get(f"mailFolders('{name}')", user=user))["id"] == found["id"]
        assert (await desk.get("mailFolders/inbox", user=BO))["displayName"] == "收件箱"
        assert said(await desk.call("mailFolders/收件箱", user=BO)) == (400, "ErrorInvalidIdMalformed")

    on_desk(scenario)


def test_folders_are_made_renamed_moved_and_deleted_and_their_delta_tells_it(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        pages = await desk.pages("mailFolders/delta")
        link = pages[-1]["@odata.deltaLink"]
        made = await desk.post("mailFolders", {"displayName": "Orders"})
        inner = await desk.post(f"mailFolders/{made['id']}/childFolders", {"displayName": "2026"})
        assert said(await desk.call("mailFolders", method="POST", json={"displayName": "orders"})) == (
            409,
            "ErrorFolderExists",
        )
        await desk.get(f"mailFolders/{made['id']}", method="PATCH", json={"displayName": "Orders Asia"})
        pages = await desk.pages(link)
        told = {row["id"]: row for page in pages for row in page["value"]}
        assert {row["displayName"] for row in told.values()} == {"Orders Asia", "2026"}
        moved = await desk.post(f"mailFolders/{inner['id']}/move", {"destinationId": "inbox"})
        assert moved["parentFolderId"] == (await desk.get("mailFolders/inbox"))["id"]
        for _ in range(2):  # to Deleted Items, then for good
            assert (await desk.call(f"mailFolders/{made['id']}", method="DELETE")).status_code == 204
        rows = [row for page in await desk.pages(pages[-1]["@odata.deltaLink"]) for row in page["value"]]
        assert {row["id"] for row in rows if "@removed" in row} == {made["id"]}
        assert said(await desk.call("mailFolders/inbox", method="DELETE"))[0] == 403
        assert said(await desk.call(f"mailFolders/{made['id']}")) == (404, "ErrorItemNotFound")

    on_desk(scenario)


# -------------------------------------------------------------------------------------------------------------- reading


def test_a_message_has_the_documented_properties(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        raw = make_mail(
            "报价 10",
            message_id="one@buyer.example",
            Cc="Bo <bo@ours.example>",
            Reply_To="office@buyer.example",
            Importance="High",
        )
        at = datetime(2026, 3, 1, 9, 30, 15, 400_000, tzinfo=UTC)
        mail = desk.vendor.deliver_to(ANNA, raw, at=at)
        shown = await desk.get(f"messages/{mail}")
        assert set(DEFAULT) <= set(shown)
        assert shown["subject"] == "报价 10"
        assert shown["internetMessageId"] == "<one@buyer.example>"
        assert shown["from"] == {"emailAddress": {"name": "Li Wei", "address": "li@buyer.example"}}
        assert shown["ccRecipients"] == [{"emailAddress": {"name": "Bo", "address": "bo@ours.example"}}]
        assert shown["replyTo"][0]["emailAddress"]["address"] == "office@buyer.example"
        assert (shown["receivedDateTime"], shown["sentDateTime"]) == ("2026-03-01T09:30:15Z", "2026-03-02T07:00:00Z")
        assert (shown["importance"], shown["isRead"], shown["isDraft"]) == ("high", False, False)
        assert shown["@odata.etag"] == f'W/"{shown["changeKey"]}"'
        assert shown["parentFolderId"] == (await desk.get("mailFolders/inbox"))["id"]
        assert (await desk.call(f"messages/{mail}/$value")).content == raw
        local = await desk.get(f"messages/{mail}", prefer='outlook.timezone="China Standard Time"')
        assert local["receivedDateTime"] == "2026-03-01T17:30:15+08:00"
        lean = await desk.get(f"messages/{mail}", select="subject")
        assert {name for name in lean if not name.startswith("@")} == {"id", "subject"}

    on_desk(scenario)


def test_conversations_follow_references_also_when_the_parent_comes_late(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        for raw in (
            make_mail("a", message_id="1@x"),
            make_mail("RE: a", message_id="2@x", references="1@x"),
            make_mail("Re: other", message_id="3@x", references="1@x 2@x"),
            make_mail("a", message_id="9@x"),
            make_mail("RE: late", message_id="6@x", references="5@x"),
            make_mail("late", message_id="5@x"),
        ):
            desk.vendor.deliver_to(ANNA, raw)
        rows = {m["internetMessageId"]: m for m in await desk.all("messages")}
        one, two, three, nine, late, parent = (rows[f"<{n}@x>"] for n in (1, 2, 3, 9, 6, 5))
        assert one["conversationId"] == two["conversationId"] == three["conversationId"] != nine["conversationId"]
        assert late["conversationId"] == parent["conversationId"]
        sizes = [len(base64.b64decode(m["conversationIndex"])) for m in (one, two, three, parent, late)]
        assert sizes == [22, 27, 32, 22, 27]

    on_desk(scenario)


def test_attachments_are_listed_read_and_expanded(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        inner = make_mail("inside", html="<p>deep</p>")
        mail = desk.vendor.deliver_to(ANNA, with_files("价格.pdf", "b.pdf", inner=inner))
        first, _, item = await desk.all(f"messages/{mail}/attachments")
        assert (first["name"], first["contentType"], first["isInline"]) == ("价格.pdf", "application/pdf", False)
        assert base64.b64decode(first["contentBytes"]) == "contents of 价格.pdf".encode()
        one = await desk.get(f"messages/{mail}/attachments/{first['id']}", prefer=IMMUTABLE)
        assert one["id"] != first["id"]  # an attachment's id goes with its mail's
        raw = await desk.call(f"messages/{mail}/attachments/{first['id']}/$value")
        assert (raw.content, raw.headers["content-type"]) == ("contents of 价格.pdf".encode(), "application/pdf")
        assert item["@odata.type"] == "#microsoft.graph.itemAttachment"
        nested = await desk.get(
            f"messages/{mail}/attachments/{item['id']}", expand="microsoft.graph.itemattachment/item"
        )
        assert nested["item"]["subject"] == "inside"
        assert b"Subject: inside" in (await desk.call(f"messages/{mail}/attachments/{item['id']}/$value")).content
        lean = await desk.get(INBOX, expand="attachments($select=id,name,size)", select="id,hasAttachments")
        assert [a["name"] for a in lean["value"][0]["attachments"]][:2] == ["价格.pdf", "b.pdf"]
        assert "contentBytes" not in lean["value"][0]["attachments"][0]
        assert said(await desk.call(f"messages/{mail}/attachments/{first['id'][:-9]}AAAAAAAA="))[0] == 404

    on_desk(scenario)


def test_sensitivity_is_an_extended_property_and_no_other(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = desk.vendor.deliver_to(ANNA, make_mail(Sensitivity="Company-Confidential"), place="sent")
        wanted = "singleValueExtendedProperties($filter=id eq 'Integer 0x36' or id eq 'String 0x1a')"
        shown = await desk.get(f"messages/{mail}", expand=wanted, select="subject")
        assert shown["singleValueExtendedProperties"] == [
            {"id": "Integer 0x36", "value": "3"},
            {"id": "String 0x1a", "value": "IPM.Note"},
        ]
        assert said(await desk.call(f"messages/{mail}", select="sensitivity")) == (400, "BadRequest")

    on_desk(scenario)


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("isRead eq false and subject eq 'N 1'", ["n 1"]),
        ("startswith(subject,'n') and not (subject eq 'n 1')", ["n 2", "n 0"]),
        ("contains(subject, '2') or internetMessageId eq '<m0@x>'", ["n 2", "n 0"]),
        ("internetMessageId eq '<M1@x>'", ["n 1"]),
        ("from/emailAddress/address eq 'li@buyer.example'", ["n 2", "n 1", "n 0"]),
        ("receivedDateTime gt 2026-03-01T10:00:00Z and receivedDateTime le 2026-03-01T12:00:00+00:00", ["n 2", "n 1"]),
        ("receivedDateTime ge 2026-03-01T11:00:00.5Z", ["n 2"]),
        ("receivedDateTime lt 2026-03-01", []),
        ("categories/any(c:c eq 'Red')", ["n 2"]),
        ("flag/flagStatus eq 'flagged'", []),
        ("subject in ('n 0', 'n 2')", ["n 2", "n 0"]),
    ],
)
def test_filters_choose(on_desk, text: str, subjects: list[str]) -> None:
    async def scenario(desk: Desk) -> None:
        for n in range(3):
            at = datetime(2026, 3, 1, 10 + n, tzinfo=UTC)
            mail = desk.vendor.deliver_to(ANNA, make_mail(f"n {n}", message_id=f"m{n}@x"), at=at)
        desk.vendor.set_categories(ANNA, mail, ["Red"])
        page = await desk.get("messages", filter=text, count="true")
        assert [m["subject"] for m in page["value"]] == subjects
        assert page["@odata.count"] == len(subjects)
        assert (await desk.call("messages/$count", filter=text)).text == str(len(subjects))

    on_desk(scenario)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"filter": "nonsense eq 1"}, "BadRequest"),
        ({"filter": "isRead eq"}, "BadRequest"),
        ({"filter": "(" * 100}, "BadRequest"),
        ({"filter": "toRecipients/any(r:r/emailAddress/address eq 'a@b.c')"}, "ErrorInvalidUrlQueryFilter"),
        ({"filter": "endswith(subject,'x')"}, "ErrorInvalidUrlQueryFilter"),
        ({"select": "nonsense"}, "BadRequest"),
        ({"expand": "nonsense"}, "BadRequest"),
        ({"orderby": "nonsense"}, "BadRequest"),
        ({"top": "x"}, "BadRequest"),
        ({"top": "-1"}, "BadRequest"),
        ({"apply": "x"}, "BadRequest"),
        ({"skiptoken": "%%%"}, "BadRequest"),
    ],
)
def test_queries_that_cannot_be_read_are_refused(on_desk, options: dict[str, str], code: str) -> None:
    async def scenario(desk: Desk) -> None:
        assert said(await desk.call("messages", **options)) == (400, code)

    on_desk(scenario)


# -------------------------------------------------------------------------------------------------------------- writing


def test_changes_are_kept_and_an_old_etag_is_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = desk.vendor.deliver_to(ANNA, make_mail())
        before = await desk.get(f"messages/{mail}")
        body = {"isRead": True, "categories": ["Red"], "flag": {"flagStatus": "flagged"}}
        after = await desk.get(f"messages/{mail}", method="PATCH", json=body)
        assert {name: after[name] for name in body} == body
        assert after["changeKey"] != before["changeKey"]
        assert (await desk.get("mailFolders/inbox"))["unreadItemCount"] == 0
        old = {"If-Match": before["@odata.etag"]}
        assert (await desk.call(f"messages/{mail}", method="PATCH", json=body, headers=old)).status_code == 412
        subject = await desk.call(f"messages/{mail}", method="PATCH", json={"subject": "x"})
        assert subject.status_code == 400

    on_desk(scenario)


def test_deleting_goes_step_by_step(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = desk.vendor.deliver_to(ANNA, make_mail())
        for folder in ("deleteditems", "recoverableitemsdeletions"):
            assert (await desk.call(f"messages/{mail}", method="DELETE")).status_code == 204
            assert [m["id"] for m in await desk.all(f"mailFolders/{folder}/messages", prefer=IMMUTABLE)] == [mail]
        assert await desk.all("messages") == []  # the mailbox's list does not span those
        assert (await desk.call(f"messages/{mail}/permanentDelete", method="POST")).status_code == 204
        assert said(await desk.call(f"messages/{mail}")) == (404, "ErrorItemNotFound")

    on_desk(scenario)


def test_a_draft_keeps_its_immutable_id_when_it_is_sent(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        given = {
            "subject": "Offer",
            "body": {"contentType": "HTML", "content": "<p>12 €</p>"},
            "toRecipients": [{"emailAddress": {"name": "Bo", "address": BO}}],
            "bccRecipients": [{"emailAddress": {"address": "boss@ours.example"}}],
        }
        answer = await desk.call("messages", method="POST", json=given, prefer=IMMUTABLE)
        draft = answer.json()
        assert (answer.status_code, draft["isDraft"]) == (201, True)
        file = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "p.txt", "contentBytes": "aGk="}
        await desk.post(f"messages/{draft['id']}/attachments", file)
        await desk.get(f"messages/{draft['id']}", method="PATCH", json={"subject": "Offer 2"})
        assert (await desk.call(f"messages/{draft['id']}/send", method="POST")).status_code == 202
        sent = await desk.get(f"messages/{draft['id']}", prefer=IMMUTABLE)
        assert (sent["isDraft"], sent["subject"], sent["hasAttachments"]) == (False, "Offer 2", True)
        assert sent["parentFolderId"] == (await desk.get("mailFolders/sentitems"))["id"]
        assert sent["bccRecipients"][0]["emailAddress"]["address"] == "boss@ours.example"
        (came,) = await desk.all(INBOX, user=BO)
        assert (came["internetMessageId"], came["bccRecipients"]) == (sent["internetMessageId"], [])

    on_desk(scenario)


def test_a_drafts_attachments_come_and_go(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        file = {"@odata.type": "#microsoft.graph.fileAttachment", "contentBytes": "aGk="}
        draft = await desk.post("messages", {"subject": "x", "attachments": [{**file, "name": "a.txt"}]})
        url = f"messages/{draft['id']}"
        for name in ("b.txt", "c.txt"):
            assert (await desk.post(f"{url}/attachments", {**file, "name": name}))["name"] == name
        found = await desk.all(f"{url}/attachments")
        assert [a["name"] for a in found] == ["a.txt", "b.txt", "c.txt"]
        assert (await desk.call(f"{url}/attachments/{found[1]['id']}", method="DELETE")).status_code == 204
        assert [a["name"] for a in await desk.all(f"{url}/attachments")] == ["a.txt", "c.txt"]
        mail = desk.vendor.deliver_to(ANNA, make_mail())
        assert (await desk.call(f"messages/{mail}/attachments", method="POST", json=file)).status_code == 400

    on_desk(scenario)


@pytest.mark.parametrize("to", [b"To: =?x?q?=, <>;;\n", b"To: a@b.c\nSubject: \xff\n", b""])
def test_a_strange_draft_can_still_be_edited(on_desk, to: bytes) -> None:
    async def scenario(desk: Desk) -> None:
        draft = desk.vendor.save_draft(ANNA, to + b"Content-Type: \xffx/y; name=\xfe\nContent-ID: <\n>\n\nx")
        changed = await desk.get(f"messages/{draft}", method="PATCH", json={"subject": "new"}, prefer=IMMUTABLE)
        assert (changed["id"], changed["subject"]) == (draft, "new")

    on_desk(scenario)


def test_replies_stay_in_the_conversation_and_mime_is_sent_as_it_is(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = desk.vendor.deliver_to(BO, make_mail("Order", sender=ANNA, to=BO, message_id="o@x"))
        reply = await desk.post(f"messages/{mail}/createReply", {"comment": "Thanks."}, user=BO, prefer=TEXT)
        assert reply["subject"] == "RE: Order"
        assert reply["body"]["content"].startswith("Thanks.")
        assert (await desk.call(f"messages/{reply['id']}/send", method="POST", user=BO)).status_code == 202
        (came,) = await desk.all(INBOX, select="subject,internetMessageHeaders")
        assert {"name": "In-Reply-To", "value": "<o@x>"} in came["internetMessageHeaders"]
        raw = make_mail("Raw", sender=ANNA, to=BO, message_id="raw@x")
        posted = {"content": base64.b64encode(raw), "headers": {"Content-Type": "text/plain"}}
        assert (await desk.call("sendMail", method="POST", **posted)).status_code == 202
        (found,) = await desk.all(INBOX, user=BO, filter="internetMessageId eq '<raw@x>'")
        assert found["subject"] == "Raw"
        nobody = {"message": {"subject": "x", "toRecipients": []}}
        assert said(await desk.call("sendMail", method="POST", json=nobody)) == (400, "ErrorInvalidRecipients")
        assert await desk.all("mailFolders/drafts/messages") == []

    on_desk(scenario)


def test_an_answers_parameters_are_read_in_any_letter_case_and_never_twice(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = desk.vendor.deliver_to(ANNA, make_mail("Order"))
        people = [{"emailAddress": {"address": BO}}]
        for given in ({"Comment": "See.", "ToRecipients": people}, {"comment": "See.", "toRecipients": people}):
            made = await desk.post(f"messages/{mail}/createForward", given, prefer=TEXT)
            assert [each["emailAddress"]["address"] for each in made["toRecipients"]] == [BO]
            assert made["body"]["content"].startswith("See.")
        body = {"message": {"body": {"contentType": "text", "content": "other"}}}
        twice = {"method": "POST", "json": body | {"comment": "See."}}
        assert await desk.error(f"messages/{mail}/createReply", **twice) == (400, "BadRequest")
        made = await desk.post(f"messages/{mail}/createReply", body, prefer=TEXT)
        assert made["body"]["content"].strip() == "other"

    on_desk(scenario)


# ----------------------------------------------------------------------------------------------------------- odds, ends


@pytest.mark.parametrize(
    ("url", "method", "status", "code"),
    [
        (f"{GRAPH}/v1.0/nothing", "GET", 400, "BadRequest"),
        (f"{GRAPH}/v1.0/users/{ANNA}/messages/x/nothing", "GET", 400, "RequestBroker--ParseUri"),
        (f"{GRAPH}/v9/users", "GET", 400, "BadRequest"),
        (f"{GRAPH}/", "GET", 400, "BadRequest"),
        (f"{GRAPH}/v1.0/users/{ANNA}/messages", "DELETE", 405, "Request_BadRequest"),
        (f"{GRAPH}/v1.0/users/nobody@ours.example", "GET", 404, "Request_ResourceNotFound"),
        (f"{GRAPH}/v1.0/users/sales@ours.example", "GET", 404, "Request_ResourceNotFound"),
        (f"{GRAPH}/v1.0/users/nobody@ours.example/messages", "GET", 404, "ErrorInvalidUser"),
    ],
)
def test_wrong_addresses_get_the_vendors_own_errors(on_desk, url: str, method: str, status: int, code: str) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.call(url, method=method)
        assert said(answer) == (status, code)
        assert answer.headers["request-id"] == answer.json()["error"]["innerError"]["request-id"]

    on_desk(scenario)


def test_users_are_found_by_id_name_and_filter(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.add_user("clerk@ours.example")
        anna = await desk.get("", select="id,mail,proxyAddresses")
        assert anna["proxyAddresses"] == [f"SMTP:{ANNA}", "smtp:sales@ours.example"]
        assert (await desk.get("messages", user=anna["id"]))["value"] == []
        assert (await desk.get("messages", user="sales@ours.example"))["value"] == []
        assert len(await desk.all("/users", top=1, select="mail")) == 3
        found = await desk.all("/users", filter="proxyAddresses/any(p:p eq 'smtp:sales@ours.example')")
        assert [user["mail"] for user in found] == [ANNA]
        clerk = await desk.call("messages", user="clerk@ours.example")
        assert said(clerk) == (404, "MailboxNotEnabledForRESTAPI")
        desk.vendor.set_mailbox_state(ANNA, "undiscovered")
        assert said(await desk.call("messages")) == (404, "ResourceNotFound")
        desk.vendor.rename_user(BO, "bo.li@ours.example")
        assert (await desk.get("", user="bo.li@ours.example"))["mail"] == "bo.li@ours.example"
        assert said(await desk.call("", user=BO)) == (404, "Request_ResourceNotFound")

    on_desk(scenario)


def test_neighbours_of_mail_are_guarded_and_empty(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        for path, code in (("events", "ErrorAccessDenied"), ("/groups", "Authorization_RequestDenied")):
            assert said(await desk.call(path)) == (403, code)
        desk.vendor.set_permissions(["Calendars.Read", "Contacts.Read", "Group.Read.All"])
        await desk.token(fresh=True)
        for path in ("events", "calendar/events", "contacts", "/groups"):
            assert await desk.all(path) == []

    on_desk(scenario)


def test_beta_is_another_name_and_options_need_no_dollar(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver_to(ANNA, make_mail("a"))
        page = await desk.get(f"{GRAPH}/beta/users/{ANNA}/mailFolders('inbox')/messages?select=subject&top=1")
        assert page["value"][0]["subject"] == "a"
        assert (await desk.get(f"{GRAPH}/beta/users/{ANNA}/mailFolders/inbox"))["wellKnownName"] == "inbox"
        nested = (await desk.get("mailFolders/inbox"))["parentFolderId"]
        inbox = (await desk.get("mailFolders/inbox"))["id"]
        assert len(await desk.all(f"mailFolders/{nested}/childFolders/{inbox}/messages")) == 1

    on_desk(scenario)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("messages", {"internetMessageHeaders": [1]}),
        ("messages", {"toRecipients": "x"}),
        ("messages", {"toRecipients": [{"emailAddress": {"address": "a@b.c\r\nBcc: d@e.f"}}]}),
        ("messages", {"attachments": True}),
        ("messages", {"categories": "Red"}),
        ("mailFolders", {"displayName": " "}),
        ("translateExchangeIds", {"inputIds": "x"}),
        ("/$batch", {"requests": [{"id": "1", "method": "GET", "url": "/me", "headers": ["x"]}]}),
        ("/subscriptions", {"changeType": "created"}),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(on_desk, path: str, body: dict[str, object]) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.call(path, method="POST", json=body)).status_code == 400
        answer = await desk.call(path, method="POST", content=b"{", headers={"Content-Type": "application/json"})
        assert answer.status_code == 400

    on_desk(scenario)
