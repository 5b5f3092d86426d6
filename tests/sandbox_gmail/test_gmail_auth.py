"""Sign-in: domain-wide delegation and installed-app consent, with the answers Google gives when they fail."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sandbox_gmail.desk import ALL_SCOPES, ANNA, BO, FULL, Desk, G, make_mail
from tradepost.sandbox.gmail.auth import AUDIENCE, JWT_GRANT
from tradepost.sandbox.kernel import Effect

READONLY = f"{G}readonly"
VERIFIER = "v" * 50
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def test_a_signed_assertion_gets_a_bearer_token_for_its_subject(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        answer = (await desk.token_answer(BO, [READONLY])).json()
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
        headers = {"Authorization": f"Bearer {answer['access_token']}"}
        profile = await desk.http.get("https://gmail.googleapis.com/gmail/v1/users/me/profile", headers=headers)
        assert profile.json()["emailAddress"] == BO

    on_desk(scenario)


@pytest.mark.parametrize(
    ("claims", "status", "error"),
    [
        ({"scopes": ["https://www.googleapis.com/auth/drive"]}, 401, "unauthorized_client"),
        ({"scopes": [READONLY, "https://www.googleapis.com/auth/drive"]}, 401, "unauthorized_client"),
        ({"scopes": []}, 400, "invalid_scope"),
        ({"user": "nobody@ours.example"}, 400, "invalid_grant"),
        ({"aud": "http://127.0.0.1:1/token"}, 400, "invalid_grant"),
        ({"iss": "stranger@x.iam.gserviceaccount.com"}, 400, "invalid_grant"),
        ({"iat": 1}, 400, "invalid_grant"),
        ({"exp": 1}, 400, "invalid_grant"),
        ({"exp": None}, 400, "invalid_grant"),
    ],
)
def test_wrong_assertions_are_refused_as_google_does(on_desk, claims, status, error) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.token_answer(**claims)
        assert (answer.status_code, answer.json()["error"]) == (status, error)

    on_desk(scenario)


def test_a_forged_signature_is_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        key = desk.vendor.key_file("", scopes=ALL_SCOPES)
        now = int(desk.clock.now().timestamp())
        claims = {"iss": key["client_email"], "sub": ANNA, "scope": FULL, "aud": AUDIENCE, "iat": now, "exp": now + 60}
        forged = jwt.encode(claims, rsa.generate_private_key(65537, 2048), algorithm="RS256")
        for assertion in (forged, "rubbish"):
            answer = await desk.http.post(AUDIENCE, data={"grant_type": JWT_GRANT, "assertion": assertion})
            assert answer.status_code == 400
        unsigned = jwt.encode(claims, None, algorithm="none")
        answer = await desk.http.post(AUDIENCE, data={"grant_type": JWT_GRANT, "assertion": unsigned})
        assert answer.json() == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}

    on_desk(scenario)


def test_the_admins_list_may_shrink(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.token_answer()).status_code == 200
        desk.vendor.set_scopes([READONLY])
        assert (await desk.token_answer()).status_code == 401
        assert (await desk.token_answer(scopes=[READONLY])).status_code == 200

    on_desk(scenario)


def test_an_alias_is_its_mailbox_to_the_token_endpoint_but_not_as_a_user_id(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.get("profile", user="sales@ours.example"))["emailAddress"] == ANNA
        headers = {"Authorization": f"Bearer {await desk.token()}"}
        for user in (BO, "sales@ours.example"):
            url = f"https://gmail.googleapis.com/gmail/v1/users/{user}/profile"
            answer = await desk.http.get(url, headers=headers)
            assert (answer.status_code, answer.json()["error"]["message"]) == (403, f"Delegation denied for {ANNA}")
        own = await desk.http.get(f"https://gmail.googleapis.com/gmail/v1/users/{ANNA}/profile", headers=headers)
        assert own.status_code == 200

    on_desk(scenario)


def test_a_service_account_as_itself_has_no_mailbox(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        token = (await desk.token_answer(user=None)).json()["access_token"]
        url = "https://gmail.googleapis.com/gmail/v1/users/me/profile"
        answer = await desk.http.get(url, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (400, "failedPrecondition")

    on_desk(scenario)


def test_mail_service_turned_off_is_a_failed_precondition(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.vendor.set_mail_service(ANNA, on=False)
        assert (await desk.call("profile")).json()["error"]["status"] == "FAILED_PRECONDITION"

    on_desk(scenario)


def test_tokens_expire_after_an_hour_and_on_order(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.token()
        await desk.clock.sleep(3598)
        assert (await desk.call("profile")).status_code == 200
        await desk.clock.sleep(1)
        answer = await desk.call("profile")
        entry = answer.json()["error"]["errors"][0]
        assert (answer.status_code, entry["reason"], entry["location"]) == (401, "authError", "Authorization")
        assert entry["message"] == "Invalid Credentials"
        desk.tokens.clear()
        assert (await desk.call("profile")).status_code == 200
        desk.vendor.expire_tokens()
        assert (await desk.call("profile")).status_code == 401

    on_desk(scenario)


def test_without_a_token_login_is_required(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.http.get("https://gmail.googleapis.com/gmail/v1/users/me/profile")
        assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (401, "required")

    on_desk(scenario)


# ------------------------------------------------------------------------------------------------------- installed app


def _query(client: dict[str, str], **more: str) -> dict[str, str]:
    return {
        "client_id": client["client_id"],
        "redirect_uri": "http://127.0.0.1:8765/",
        "response_type": "code",
        "scope": READONLY,
        "access_type": "offline",
        "prompt": "consent",
        "state": "s1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | more


async def _consent(desk: Desk, client: dict[str, str], **more: str) -> httpx.Response:
    return await desk.http.get("https://accounts.google.com/o/oauth2/v2/auth", params=_query(client, **more))


def _landed(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def _swap(desk: Desk, client: dict[str, str], code: str, **more: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
        "redirect_uri": "http://127.0.0.1:8765/",
        "code_verifier": VERIFIER,
    } | more
    return await desk.http.post(AUDIENCE, data=form)


async def _refresh(desk: Desk, client: dict[str, str], token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token} | {
        name: client[name] for name in ("client_id", "client_secret")
    }
    return await desk.http.post(AUDIENCE, data=form)


def _client(desk: Desk) -> dict[str, str]:
    return dict(desk.vendor.client_file("https://accounts.google.com")["installed"])


def test_consent_gives_a_code_that_becomes_tokens_once(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = _client(desk)
        desk.vendor.set_consent(user=ANNA)
        landed = _landed(await _consent(desk, client))
        assert (landed["state"], landed["scope"]) == ("s1", READONLY)
        answer = (await _swap(desk, client, landed["code"])).json()
        assert answer["scope"] == READONLY
        assert (await _swap(desk, client, landed["code"])).json()["error"] == "invalid_grant"
        fresh = (await _refresh(desk, client, answer["refresh_token"])).json()
        assert "refresh_token" not in fresh
        headers = {"Authorization": f"Bearer {fresh['access_token']}"}
        profile = await desk.http.get("https://gmail.googleapis.com/gmail/v1/users/me/profile", headers=headers)
        assert profile.json()["emailAddress"] == ANNA

    on_desk(scenario)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "w" * 50}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:1/"}, "redirect_uri_mismatch"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
    ],
)
def test_the_code_needs_its_verifier_its_address_and_its_client(on_desk, change, error) -> None:
    async def scenario(desk: Desk) -> None:
        client = _client(desk)
        code = _landed(await _consent(desk, client, login_hint=ANNA))["code"]
        assert (await _swap(desk, client, code, **change)).json()["error"] == error

    on_desk(scenario)


def test_a_code_lasts_ten_minutes(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = _client(desk)
        code = _landed(await _consent(desk, client, login_hint=ANNA))["code"]
        await desk.clock.sleep(601)
        assert (await _swap(desk, client, code)).json()["error"] == "invalid_grant"

    on_desk(scenario)


def test_a_second_consent_without_prompt_gives_no_refresh_token(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = _client(desk)

        async def keys(**more: str) -> set[str]:
            code = _landed(await _consent(desk, client, login_hint=ANNA, **more))["code"]
            return set((await _swap(desk, client, code)).json())

        assert "refresh_token" not in await keys(access_type="online")
        assert "refresh_token" not in await keys(prompt="none")
        assert "refresh_token" in await keys()

    on_desk(scenario)


def test_a_person_may_choose_refuse_or_grant_less(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = _client(desk)
        page = await _consent(desk, client)
        assert (page.status_code, ANNA in page.text, BO in page.text) == (200, True, True)
        desk.vendor.set_consent(deny=True)
        assert _landed(await _consent(desk, client))["error"] == "access_denied"
        desk.vendor.set_consent(user=ANNA, scopes=[f"{G}metadata"])
        landed = _landed(await _consent(desk, client))
        assert landed["scope"] == f"{G}metadata"

    on_desk(scenario)


@pytest.mark.parametrize("uri", ["https://evil.example/", "http://10.0.0.1/", ""])
def test_consent_sends_only_to_loopback(on_desk, uri) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await _consent(desk, _client(desk), redirect_uri=uri, login_hint=ANNA)
        assert (answer.status_code, "redirect_uri_mismatch" in answer.text) == (400, True)

    on_desk(scenario)


def test_revocation_ends_refresh_and_access_tokens(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = _client(desk)
        refresh = desk.vendor.refresh_token(client["client_id"], ANNA)
        access = (await _refresh(desk, client, refresh)).json()["access_token"]
        desk.vendor.revoke(refresh)
        answer = await _refresh(desk, client, refresh)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        url = "https://gmail.googleapis.com/gmail/v1/users/me/profile"
        assert (await desk.http.get(url, headers={"Authorization": f"Bearer {access}"})).status_code == 401

    on_desk(scenario)


def test_token_calls_are_reads_and_meet_faults_in_oauths_own_words(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault(operation="oauth2.token", effect=Effect.STATUS, status=503)
        answer: Any = await desk.token_answer()
        assert (answer.status_code, answer.json()["error"]) == (503, "internal_failure")
        assert (await desk.token_answer()).status_code == 200
        assert [(r.operation, r.kind) for r in desk.vendor.world.requests.records] == [("oauth2.token", "read")] * 2

    on_desk(scenario)


def test_a_token_that_was_never_given_out_is_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        token = await desk.token()
        desk.vendor.deliver(BO, make_mail())
        headers = {"Authorization": f"Bearer {token}x"}
        answer = await desk.http.get("https://gmail.googleapis.com/gmail/v1/users/me/messages", headers=headers)
        assert answer.status_code == 401

    on_desk(scenario)
