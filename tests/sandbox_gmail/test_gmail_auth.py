"""Sign-in: domain-wide delegation and installed-app consent, with the answers Google gives when they fail."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox_gmail.desk import ANNA, BO, Desk, G, make_mail
from tests.sandbox_gmail.google_consent import consent, desktop_client, landing, swap
from tradepost.sandbox.gmail.auth import AUDIENCE
from tradepost.sandbox.kernel import Effect

READONLY = f"{G}readonly"


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
        ({"scopes": []}, 400, "invalid_scope"),
        ({"user": "nobody@ours.example"}, 400, "invalid_grant"),
        ({"iss": "stranger@x.iam.gserviceaccount.com"}, 400, "invalid_grant"),
    ],
)
def test_wrong_assertions_are_refused_as_google_does(on_desk, claims, status, error) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.token_answer(**claims)
        assert (answer.status_code, answer.json()["error"]) == (status, error)

    on_desk(scenario)


def test_a_service_account_as_itself_has_no_mailbox(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        token = (await desk.token_answer(user=None)).json()["access_token"]
        url = "https://gmail.googleapis.com/gmail/v1/users/me/profile"
        answer = await desk.http.get(url, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (400, "failedPrecondition")

    on_desk(scenario)


def test_without_a_token_login_is_required(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.http.get("https://gmail.googleapis.com/gmail/v1/users/me/profile")
        assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (401, "required")

    on_desk(scenario)


# ------------------------------------------------------------------------------------------------------- installed app


async def _refresh(desk: Desk, client: dict[str, str], token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token} | {
        name: client[name] for name in ("client_id", "client_secret")
    }
    return await desk.http.post(AUDIENCE, data=form)


def test_consent_gives_a_code_that_becomes_tokens_once(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = desktop_client(desk)
        desk.vendor.set_consent(user=ANNA)
        landed = landing(await consent(desk, client))
        assert (landed["state"], landed["scope"]) == ("s1", READONLY)
        answer = (await swap(desk, client, landed["code"])).json()
        assert answer["scope"] == READONLY
        assert (await swap(desk, client, landed["code"])).json()["error"] == "invalid_grant"
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
        client = desktop_client(desk)
        code = landing(await consent(desk, client, login_hint=ANNA))["code"]
        assert (await swap(desk, client, code, **change)).json()["error"] == error

    on_desk(scenario)


def test_a_code_lasts_ten_minutes(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = desktop_client(desk)
        code = landing(await consent(desk, client, login_hint=ANNA))["code"]
        await desk.clock.sleep(601)
        assert (await swap(desk, client, code)).json()["error"] == "invalid_grant"

    on_desk(scenario)


def test_a_person_may_choose_refuse_or_grant_less(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = desktop_client(desk)
        page = await consent(desk, client)
        assert (page.status_code, ANNA in page.text, BO in page.text) == (200, True, True)
        desk.vendor.set_consent(deny=True)
        assert landing(await consent(desk, client))["error"] == "access_denied"
        desk.vendor.set_consent(user=ANNA, scopes=[f"{G}metadata"])
        landed = landing(await consent(desk, client))
        assert landed["scope"] == f"{G}metadata"

    on_desk(scenario)


@pytest.mark.parametrize("uri", ["https://evil.example/", "http://10.0.0.1/", ""])
def test_consent_sends_only_to_loopback(on_desk, uri) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await consent(desk, desktop_client(desk), redirect_uri=uri, login_hint=ANNA)
        assert (answer.status_code, "redirect_uri_mismatch" in answer.text) == (400, True)

    on_desk(scenario)


def test_revocation_ends_refresh_and_access_tokens(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        client = desktop_client(desk)
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
