"""What Gmail does with messages and rights, and a kinder sandbox would not. Each test is named for the rule that it needs
(`Strictness`); test_gmail_lax.py proves that it fails where the sandbox is lax in that rule.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sandbox_gmail.desk import ALL_SCOPES, ANNA, BO, FULL, Desk, G, make_mail, parcel, raw_body, unpad
from tests.sandbox_gmail.google_consent import READONLY, consent, desktop_client, landing, swap
from tradepost.sandbox.gmail.auth import AUDIENCE, JWT_GRANT

DRIVE = "https://www.googleapis.com/auth/drive"


def test_metadata_has_no_bodies_and_only_the_headers_asked_for(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        found = await desk.get(f"messages/{mid}", format="metadata", metadataHeaders=["subject", "From"])
        assert [h["name"] for h in found["payload"]["headers"]] == ["From", "Subject"]
        assert "body" not in found["payload"]
        everything = await desk.get(f"messages/{mid}", format="METADATA")
        assert len(everything["payload"]["headers"]) > 4
        assert "payload" not in await desk.get(f"messages/{mid}", format="minimal")

    on_desk(scenario)


def test_attachment_ids_change_at_each_reading_and_stay_good(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, parcel())
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


def test_internal_date_is_arrival_unless_set(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        at = datetime(2020, 5, 6, tzinfo=UTC)
        old, new = desk.vendor.deliver(ANNA, make_mail(), at=at), desk.vendor.deliver(ANNA, make_mail())
        assert (await desk.get(f"messages/{old}"))["internalDate"] == str(int(at.timestamp() * 1000))
        assert (await desk.get(f"messages/{new}"))["internalDate"] == str(int(desk.clock.now().timestamp() * 1000))

    on_desk(scenario)


def test_drafts_change_message_id_when_updated_and_sent(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        mail = make_mail("Offer", sender=ANNA, to="li@buyer.example")
        draft = await desk.post("drafts", {"message": raw_body(mail)})
        assert draft["message"]["labelIds"] == ["DRAFT"]
        assert [d["id"] for d in (await desk.get("drafts"))["drafts"]] == [draft["id"]]
        again = await desk.get(f"drafts/{draft['id']}", method="PUT", json={"message": raw_body(mail)})
        assert again["id"] == draft["id"]
        assert again["message"]["id"] != draft["message"]["id"]
        sent = await desk.post("drafts/send", {"id": draft["id"]})
        assert sent["labelIds"] == ["SENT"]
        assert sent["id"] not in (draft["message"]["id"], again["message"]["id"])
        assert (await desk.call(f"drafts/{draft['id']}")).status_code == 404
        other = await desk.post("drafts", {"message": raw_body(mail)})
        assert (await desk.call(f"drafts/{other['id']}", method="DELETE")).status_code == 204
        assert (await desk.get("drafts")) == {"resultSizeEstimate": 0}

    on_desk(scenario)


def test_thread_needs_subject_even_where_it_is_named(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        first = desk.vendor.deliver(ANNA, make_mail("Offer", message_id="m1"))
        for subject, joins in (("Re: Offer", True), ("Another", False)):
            mail = make_mail(subject, sender=ANNA, to="li@buyer.example")
            sent = await desk.post("messages/send", raw_body(mail, threadId=first))
            assert (sent["threadId"] == first) is joins
        missing = await desk.call("messages/send", method="POST", json=raw_body(mail, threadId="77"))
        assert missing.status_code == 404

    on_desk(scenario)


def test_delegation_scopes_may_shrink(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.token_answer()).status_code == 200
        desk.vendor.set_scopes([READONLY])
        assert (await desk.token_answer()).status_code == 401
        for scopes in ([DRIVE], [READONLY, DRIVE]):
            answer = await desk.token_answer(scopes=scopes)
            assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized_client")
        assert (await desk.token_answer(scopes=[READONLY])).status_code == 200

    on_desk(scenario)


def test_scopes_checked_by_method(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert FULL in ALL_SCOPES
        mid = desk.vendor.deliver(ANNA, make_mail())
        refused = await desk.call(f"messages/{mid}/trash", method="POST", scopes=(f"{G}readonly",))
        assert refused.status_code == 403
        error = refused.json()["error"]
        assert (refused.status_code, error["errors"][0]["reason"]) == (403, "insufficientPermissions")
        assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        assert "TRASH" not in desk.vendor.mailboxes[ANNA].messages[mid].labels
        refused = await desk.call(f"messages/{mid}", method="DELETE", scopes=(f"{G}modify",))
        assert refused.status_code == 403

    on_desk(scenario)


@pytest.mark.parametrize("scopes", [(f"{G}metadata",), (f"{G}metadata", f"{G}readonly")])
def test_metadata_scope_narrows_even_beside_others(on_desk, scopes) -> None:
    async def scenario(desk: Desk) -> None:
        mid = desk.vendor.deliver(ANNA, make_mail())
        refused = await desk.call("messages", q="", scopes=scopes)
        assert refused.status_code == 403
        assert refused.json()["error"]["message"] == "Metadata scope does not support 'q' parameter"
        for form in ("full", "raw"):
            refused = await desk.call(f"messages/{mid}", format=form, scopes=scopes)
            assert refused.json()["error"]["message"] == f"Metadata scope doesn't allow format {form.upper()}"
        assert (await desk.call(f"messages/{mid}", format="metadata", scopes=scopes)).status_code == 200
        assert (await desk.call("messages", scopes=scopes)).status_code == 200

    on_desk(scenario)


def test_tokens_expire_after_an_hour_and_on_order(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.token()
        await desk.clock.sleep(3598)
        assert (await desk.call("profile")).status_code == 200
        await desk.clock.sleep(1)
        answer = await desk.call("profile")
        assert answer.status_code == 401
        entry = answer.json()["error"]["errors"][0]
        assert (answer.status_code, entry["reason"], entry["location"]) == (401, "authError", "Authorization")
        assert entry["message"] == "Invalid Credentials"
        desk.tokens.clear()
        assert (await desk.call("profile")).status_code == 200
        desk.vendor.expire_tokens()
        assert (await desk.call("profile")).status_code == 401

    on_desk(scenario)


def test_own_mailbox_only_and_not_by_an_alias(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.get("profile", user="sales@ours.example"))["emailAddress"] == ANNA
        headers = {"Authorization": f"Bearer {await desk.token()}"}
        for user in (BO, "sales@ours.example"):
            url = f"https://gmail.googleapis.com/gmail/v1/users/{user}/profile"
            answer = await desk.http.get(url, headers=headers)
            assert answer.status_code == 403
            assert (answer.status_code, answer.json()["error"]["message"]) == (403, f"Delegation denied for {ANNA}")
        own = await desk.http.get(f"https://gmail.googleapis.com/gmail/v1/users/{ANNA}/profile", headers=headers)
        assert own.status_code == 200

    on_desk(scenario)


def test_mail_service_needed(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_mail_service(ANNA, on=False)
        answer = await desk.call("profile")
        assert answer.status_code == 400
        assert answer.json()["error"]["status"] == "FAILED_PRECONDITION"

    on_desk(scenario)


def test_assertion_signatures_are_verified(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        key = desk.vendor.key_file("", scopes=ALL_SCOPES)
        now = int(desk.clock.now().timestamp())
        claims = {"iss": key["client_email"], "sub": ANNA, "scope": FULL, "aud": AUDIENCE, "iat": now, "exp": now + 60}
        forged = jwt.encode(claims, _strangers_key(), algorithm="RS256")
        for assertion in (forged, "rubbish"):
            answer = await desk.http.post(AUDIENCE, data={"grant_type": JWT_GRANT, "assertion": assertion})
            assert answer.status_code == 400
        unsigned = jwt.encode(claims, None, algorithm="none")
        answer = await desk.http.post(AUDIENCE, data={"grant_type": JWT_GRANT, "assertion": unsigned})
        assert answer.json() == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}

    on_desk(scenario)


def test_refresh_token_once(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = desktop_client(desk)

        async def keys(**more: str) -> set[str]:
            code = landing(await consent(desk, client, login_hint=ANNA, **more))["code"]
            return set((await swap(desk, client, code)).json())

        assert "refresh_token" not in await keys(access_type="online")
        assert "refresh_token" not in await keys(prompt="none")
        assert "refresh_token" in await keys()

    on_desk(scenario)


@cache
def _strangers_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


async def _threads(desk: Desk, subject: str, references: str) -> bool:
    """Whether a reply joins the thread of "Offer" <m1>."""
    first = desk.vendor.deliver(ANNA, make_mail("Offer", message_id="m1"))
    reply = desk.vendor.deliver(ANNA, make_mail(subject, message_id="m2", references=references))
    return bool((await desk.get(f"messages/{reply}", format="minimal"))["threadId"] == first)


@pytest.mark.parametrize("references", ["", "unknown"])
def test_thread_needs_reference(on_desk, references) -> None:
    async def scenario(desk: Desk) -> None:
        assert not await _threads(desk, "Re: Offer", references)

    on_desk(scenario)


def test_thread_needs_subject(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert not await _threads(desk, "Another matter", "m1")

    on_desk(scenario)


@pytest.mark.parametrize("claims", [{"iat": 1}, {"exp": 1}, {"exp": None}])
def test_assertion_times(on_desk, claims) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.token_answer(**claims)
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_grant"

    on_desk(scenario)


def test_assertion_audience(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.token_answer(aud="http://127.0.0.1:1/token")
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_grant"

    on_desk(scenario)
