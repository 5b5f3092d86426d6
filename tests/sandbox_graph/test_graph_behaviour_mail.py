"""What Graph does that clients trip over: ids, lists, contents, rights. As in test_graph_behaviour.py, one test for each
field of `Strictness`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.sandbox_graph.graph_desk import ANNA, BO, GRAPH, IMMUTABLE, LOGIN, Desk, make_mail, said
from tests.sandbox_graph.graph_mails import INLINE_ONLY, OPAQUE, signed_assertion

INBOX = "mailFolders/inbox/messages"


def fill(desk: Desk, count: int) -> list[str]:
    """One an hour, the last an hour ago."""
    start = desk.clock.now() - timedelta(hours=count)
    return [desk.vendor.deliver_to(ANNA, make_mail(f"n {n}"), at=start + timedelta(hours=n)) for n in range(count)]


async def only(desk: Desk, **more: Any) -> dict[str, Any]:
    (found,) = await desk.all(INBOX, **more)
    return found


# ------------------------------------------------------------------------------------------------------------------ ids


def test_immutable_ids(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        fill(desk, 1)
        answer = await desk.call(INBOX, prefer=IMMUTABLE)
        assert answer.headers.get("preference-applied") == IMMUTABLE
        mail = answer.json()["value"][0]["id"]
        assert mail != (await only(desk))["id"]
        desk.vendor.move(ANNA, mail, "archive")
        assert (await desk.get(f"messages/{mail}", prefer=IMMUTABLE))["id"] == mail

    on_desk(scenario)


def test_default_ids_change_on_move(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        fill(desk, 1)
        old = (await only(desk))["id"]
        moved = await desk.post(f"messages/{old}/move", {"destinationId": "archive"})
        assert moved["id"] != old
        assert await desk.error(f"messages/{old}") == (404, "ErrorItemNotFound")
        back = await desk.post(f"messages/{moved['id']}/move", {"destinationId": "INBOX"})
        assert back["id"] not in (old, moved["id"])

    on_desk(scenario)


def test_ids_case_sensitive(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        (mail,) = fill(desk, 1)
        assert (await desk.call(f"messages/{mail}")).status_code == 200
        assert await desk.error(f"messages/{mail[:40] + mail[40:].swapcase()}") == (404, "ErrorItemNotFound")
        assert await desk.error("messages/nonsense") == (400, "ErrorInvalidIdMalformed")

    on_desk(scenario)


# ---------------------------------------------------------------------------------------------------------------- lists


def test_directory_needs_consistency_level(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        eventual = {"ConsistencyLevel": "eventual"}
        assert (await desk.call("/users/$count", headers=eventual)).text == "2"
        assert (await desk.call("/users/$count", headers=eventual, filter=f"mail eq '{ANNA}'")).text == "1"
        ends = {"filter": "endswith(mail,'@ours.example')"}
        for query in ({"search": '"displayName:an"'}, ends):
            assert await desk.error("/users", **query) == (400, "Request_UnsupportedQuery")
        assert await desk.error("/users/$count") == (400, "Request_UnsupportedQuery")
        assert "@odata.count" not in await desk.get("/users", count="true")
        found = await desk.get("/users", headers=eventual, count="true", search='"displayName:berg" OR "mail:nobody"')
        assert (found["@odata.count"], [row["mail"] for row in found["value"]]) == (1, [ANNA])
        assert len((await desk.get("/users", headers=eventual, count="true", **ends))["value"]) == 2
        assert await desk.error("/users", headers=eventual, search="anna") == (400, "BadRequest")

    on_desk(scenario)


def test_inefficient_filter(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        fill(desk, 3)
        since = "receivedDateTime ge 2026-01-01T00:00:00Z"
        for bad, order in (
            ("isRead eq false", "receivedDateTime desc"),
            (f"isRead eq false and {since}", "receivedDateTime desc"),
            (since, "receivedDateTime desc,subject"),
            (f"{since} and contains(subject,'n')", "receivedDateTime desc"),
        ):
            assert await desk.error(INBOX, filter=bad, orderby=order) == (400, "InefficientFilter"), bad
        right = f"{since} and isRead eq false"
        assert len(await desk.all(INBOX, filter=right, orderby="receivedDateTime desc")) == 3
        assert len(await desk.all(INBOX, filter="isRead eq false")) == 3

    on_desk(scenario)


def test_page_size_limit(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.call(INBOX, top=1000)).status_code == 200
        assert (await desk.call(INBOX, top=1001)).status_code == 400

    on_desk(scenario)


def test_default_page_size(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        fill(desk, 23)
        assert [len(page["value"]) for page in await desk.pages(INBOX)] == [10, 10, 3]

    on_desk(scenario)


def test_pages_shift(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mails = fill(desk, 6)
        asked = {"filter": "receivedDateTime ge 2026-01-01T00:00:00Z", "orderby": "receivedDateTime asc", "top": 2}
        page = await desk.get(INBOX, prefer=IMMUTABLE, **asked)
        desk.vendor.delete_forever(ANNA, mails[0])
        rest = await desk.all(page["@odata.nextLink"], prefer=IMMUTABLE)
        assert [row["id"] for row in rest] == mails[3:]  # the third is hidden

    on_desk(scenario)


def test_search_stands_alone(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        fill(desk, 3)
        assert [m["subject"] for m in await desk.all(INBOX, search='"subject:n 1"')] == ["n 1"]
        assert await desk.error(INBOX, search='"n"', orderby="receivedDateTime desc") == (400, "SearchWithOrderBy")
        assert await desk.error(INBOX, search='"n"', filter="isRead eq true") == (400, "SearchWithFilter")

    on_desk(scenario)


def test_top_level_folders_only(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.add_folder(ANNA, "Customers/Asia/2026")
        top = {folder["displayName"]: folder for folder in await desk.all("mailFolders")}
        assert "Customers" in top
        assert "Asia" not in top
        assert top["Customers"]["childFolderCount"] == 1
        below = await desk.all(f"mailFolders/{top['Customers']['id']}/childFolders")
        assert [folder["displayName"] for folder in below] == ["Asia"]
        names = {folder.get("displayName") for folder in await desk.all("mailFolders/delta")}
        assert {"Customers", "Asia", "2026"} <= names

    on_desk(scenario)


def test_hidden_folders_left_out(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.add_folder(ANNA, "Secret", hidden=True)
        assert "Secret" not in {f["displayName"] for f in await desk.all("mailFolders")}
        shown = {f["displayName"]: f for f in await desk.all("mailFolders", includeHiddenFolders="true")}
        assert shown["Secret"]["isHidden"] is True

    on_desk(scenario)


# ------------------------------------------------------------------------------------------------------------- contents


def test_inline_only_has_no_attachments(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = desk.vendor.deliver_to(ANNA, INLINE_ONLY)
        assert (await only(desk))["hasAttachments"] is False
        (shown,) = await desk.all(f"messages/{mail}/attachments")
        assert (shown["isInline"], shown["contentId"]) == (True, "logo")
        assert await desk.all(INBOX, filter="hasAttachments eq true") == []

    on_desk(scenario)


def test_smime_value_fails(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = desk.vendor.deliver_to(ANNA, OPAQUE)
        shown = await desk.get(f"messages/{mail}")
        assert (shown["subject"], shown["hasAttachments"]) == ("sealed", True)
        for _ in range(2):
            assert await desk.error(f"messages/{mail}/$value") == (500, "ErrorMimeContentConversionFailed")
        own = await desk.user_token(ANNA)
        assert (await desk.call(f"/me/messages/{mail}/$value", token=own)).content == OPAQUE

    on_desk(scenario)


def test_headers_on_request_only(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = desk.vendor.deliver_to(ANNA, make_mail(text="New.\n\nOn Monday Bo wrote:\n> old", In_Reply_To="<a@b>"))
        shown = await desk.get(f"messages/{mail}")
        assert "internetMessageHeaders" not in shown
        assert "uniqueBody" not in shown
        asked = await desk.get(
            f"messages/{mail}", select="internetMessageHeaders,uniqueBody", prefer='outlook.body-content-type="text"'
        )
        assert {"name": "In-Reply-To", "value": "<a@b>"} in asked["internetMessageHeaders"]
        assert asked["uniqueBody"] == {"contentType": "text", "content": "New."}
        assert "subject" not in asked

    on_desk(scenario)


def test_own_mail_has_no_headers(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver_to_recipients(make_mail(sender=ANNA, to=BO))
        asked = {"select": "subject,internetMessageHeaders"}
        (sent,) = await desk.all("mailFolders/sentitems/messages", **asked)
        assert "internetMessageHeaders" not in sent
        (came,) = await desk.all("mailFolders/Inbox/messages", user=BO, **asked)
        assert came["internetMessageHeaders"]

    on_desk(scenario)


def test_preview_cut(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver_to(ANNA, make_mail(text="报价 " * 300))
        assert len((await only(desk))["bodyPreview"]) == 255

    on_desk(scenario)


def test_bodies_sanitised(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.deliver_to(ANNA, make_mail(html='<p onclick="steal()">Price <b>12</b><script>steal()</script></p>'))
        body = (await only(desk))["body"]
        assert body["contentType"] == "html"
        assert "steal" not in body["content"]
        assert "<b>12</b>" in body["content"]
        assert "steal" in (await only(desk, prefer="outlook.allow-unsafe-html"))["body"]["content"]
        text = (await only(desk, prefer='outlook.body-content-type="text"'))["body"]
        assert text == {"contentType": "text", "content": "Price 12"}

    on_desk(scenario)


def test_reference_value_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        (mail,) = fill(desk, 1)
        desk.vendor.attach_link(ANNA, mail, "offer.xlsx", "https://files.example/offer.xlsx")
        (link,) = await desk.all(f"messages/{mail}/attachments")
        assert link["@odata.type"] == "#microsoft.graph.referenceAttachment"
        assert (await desk.call(f"messages/{mail}/attachments/{link['id']}/$value")).status_code == 405

    on_desk(scenario)


# -------------------------------------------------------------------------------------------------------------- who may


def test_access_policy(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_access_policy([BO])
        answer = await desk.call("messages")
        assert said(answer) == (403, "ErrorAccessDenied")
        assert answer.json()["error"]["message"] == "Access to OData is disabled."
        assert (await desk.call("messages", user=BO)).status_code == 200
        desk.vendor.set_access_policy(None)
        desk.vendor.set_permissions(["User.Read.All"])
        desk.vendor.set_management_scope("Mail.Read", [BO])
        await desk.token(fresh=True)
        assert await desk.error("messages") == (403, "ErrorAccessDenied")
        assert (await desk.call("messages", user=BO)).status_code == 200
        desk.vendor.set_permissions(["Mail.Read"])  # a consent for the tenant is added, the scope narrows nothing
        await desk.token(fresh=True)
        assert (await desk.call("messages")).status_code == 200

    on_desk(scenario)


def test_permissions_checked(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        (mail,) = fill(desk, 1)
        desk.vendor.set_permissions(["Mail.ReadBasic.All"])
        await desk.token(fresh=True)
        shown = await desk.get(f"messages/{mail}")
        assert "body" not in shown
        assert "bodyPreview" not in shown
        assert await desk.error(f"messages/{mail}/$value") == (403, "ErrorAccessDenied")
        assert await desk.error(f"messages/{mail}", method="DELETE") == (403, "ErrorAccessDenied")
        assert await desk.error("") == (403, "Authorization_RequestDenied")

    on_desk(scenario)


def test_tokens_expire(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.call("messages")).status_code == 200
        await desk.clock.sleep(3600)
        answer = await desk.call("messages")
        assert said(answer) == (401, "InvalidAuthenticationToken")
        assert "authorization_uri" in answer.headers["www-authenticate"]
        await desk.token(fresh=True)
        assert (await desk.call("messages")).status_code == 200

    on_desk(scenario)


def test_audience_checked(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        other = (await desk.token_answer(scope="https://outlook.office365.com/.default")).json()["access_token"]
        assert await desk.error("messages", token=other) == (401, "InvalidAuthenticationToken")
        china = "https://microsoftgraph.chinacloudapi.cn"
        answer = await desk.token_answer("https://login.chinacloudapi.cn", scope=f"{china}/.default")
        token = answer.json()["access_token"]
        assert (await desk.call(f"{china}/v1.0/users/{ANNA}", token=token)).status_code == 200
        assert await desk.error(f"{GRAPH}/v1.0/users/{ANNA}", token=token) == (401, "InvalidAuthenticationToken")

    on_desk(scenario)


def test_assertions_verified(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        pem = desk.vendor.certificate_file()
        now = int(desk.clock.now().timestamp())

        async def sign_in(**claims: Any) -> tuple[int, list[int]]:
            made = signed_assertion(
                pem, desk.vendor.registered().client_id, desk.vendor.directory.tenant, now, **claims
            )
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            answer = await desk.token_answer(client_secret=None, client_assertion=made, client_assertion_type=kind)
            return answer.status_code, answer.json().get("error_codes", [])

        assert await sign_in() == (200, [])
        assert await sign_in(exp=now - 1) == (401, [700024])
        assert await sign_in(aud=f"{LOGIN}/other/oauth2/v2.0/token") == (401, [700023])
        assert await sign_in(iss="somebody") == (401, [700021])
        assert await sign_in(key="another") == (401, [700027])

    on_desk(scenario)


def test_secrets_checked(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        wrong = await desk.token_answer(client_secret="wrong")
        assert said(wrong) == (401, "invalid_client")
        assert wrong.json()["error_description"].startswith("AADSTS7000215: ")
        desk.vendor.expire_secrets()
        assert (await desk.token_answer()).json()["error_codes"] == [7000222]
        desk.vendor.new_secret()
        assert (await desk.token_answer()).status_code == 200

    on_desk(scenario)


def test_me_needs_a_user(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert await desk.error("/me/messages") == (400, "BadRequest")
        token = await desk.user_token(BO, "Mail.Read", "User.Read.All")
        assert (await desk.get("/me", token=token))["mail"] == BO

    on_desk(scenario)


def test_other_mailboxes_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        own = await desk.user_token(BO, "Mail.Read")
        assert (await desk.call("messages", user=BO, token=own)).status_code == 200
        assert await desk.error("messages", token=own) == (403, "ErrorAccessDenied")
        shared = await desk.user_token(BO, "Mail.Read.Shared")
        assert await desk.error("messages", token=shared) == (403, "ErrorAccessDenied")
        desk.vendor.share_mailbox(ANNA, BO)
        assert (await desk.call("messages", token=shared)).status_code == 200
        assert await desk.error("messages", token=own) == (403, "ErrorAccessDenied")

    on_desk(scenario)


def test_refresh_tokens_revocable(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        refresh = desk.vendor.refresh_token(ANNA)
        asked = {"grant_type": "refresh_token", "refresh_token": refresh, "scope": None, "client_secret": None}
        first = await desk.token_answer(**asked)
        assert first.json()["refresh_token"] != refresh
        desk.vendor.revoke_sign_ins(ANNA)
        refused = await desk.token_answer(**asked)
        assert said(refused) == (400, "invalid_grant")
        assert refused.json()["error_codes"] == [50173]

    on_desk(scenario)
