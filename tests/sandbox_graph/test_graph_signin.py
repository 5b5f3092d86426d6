"""The identity platform: discovery, every way to sign in, the documented errors, other clouds."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from tests.sandbox_graph.graph_desk import ANNA, BO, GRAPH, LOGIN, Desk, said

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def test_discovery_names_the_host_that_was_asked(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        tenant = desk.vendor.directory.tenant
        for host in (LOGIN, "https://login.partner.microsoftonline.cn"):
            for name in (tenant, "ours.example", "ours.onmicrosoft.com"):
                found = (await desk.http.get(f"{host}/{name}/v2.0/.well-known/openid-configuration")).json()
                assert found["token_endpoint"] == f"{host}/{tenant}/oauth2/v2.0/token"
                assert found["issuer"] == f"{host}/{tenant}/v2.0"
        unknown = await desk.http.get(f"{LOGIN}/nobody.example/v2.0/.well-known/openid-configuration")
        assert (unknown.status_code, unknown.json()["error_codes"]) == (400, [90002])
        query = {"api-version": "1.1", "authorization_endpoint": f"{LOGIN}/{tenant}/oauth2/v2.0/authorize"}
        instances = (await desk.http.get(f"{LOGIN}/common/discovery/instance", params=query)).json()
        assert "login.chinacloudapi.cn" in {alias for m in instances["metadata"] for alias in m["aliases"]}
        strange = {"authorization_endpoint": "https://evil.example/x/oauth2/v2.0/authorize"}
        refused = await desk.http.get(f"{LOGIN}/common/discovery/instance", params=strange)
        assert refused.json()["error"] == "invalid_instance"
        assert (await desk.http.get(f"{LOGIN}/nothing/here")).status_code == 404

    on_desk(scenario)


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"grant_type": None}, 400, "invalid_request", 900144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"client_id": None}, 400, "invalid_request", 900144),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_secret": "guess"}, 401, "invalid_client", 7000215),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"scope": "https://graph.microsoft.com/Mail.Read"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://unknown.example/.default"}, 400, "invalid_resource", 500011),
        ({"scope": "https://graph.microsoft.us/.default"}, 400, "invalid_resource", 500011),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant", 70000),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "invalid_grant", 70000),
        ({"grant_type": DEVICE, "device_code": "x"}, 400, "bad_verification_code", 70019),
    ],
)
def test_each_refusal_has_its_documented_number(
    on_desk, form: dict[str, Any], status: int, error: str, number: int
) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.token_answer(**form)
        body = answer.json()
        assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
        assert body["error_description"].startswith(f"AADSTS{number}: ")
        assert set(body) >= {"timestamp", "trace_id", "correlation_id"}

    on_desk(scenario)


def test_an_app_has_no_tenant_of_its_own_under_common(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.token_answer(tenant="common")).json()["error_codes"] == [50059]
        assert (await desk.token_answer(tenant="no.example")).json()["error_codes"] == [90002]

    on_desk(scenario)


def test_the_older_endpoint_takes_a_resource_and_a_basic_header_signs_in(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        app, tenant = desk.vendor.registered(), desk.vendor.directory.tenant
        form = {"grant_type": "client_credentials", "resource": f"{GRAPH}/"}
        auth = (app.client_id, app.secrets[-1].value)
        found = (await desk.http.post(f"{LOGIN}/{tenant}/oauth2/token", data=form, auth=auth)).json()
        assert (found["expires_in"], found["resource"]) == ("3599", f"{GRAPH}/")
        assert (await desk.call("messages", token=found["access_token"])).status_code == 200

    on_desk(scenario)


def test_tokens_say_who_they_are_for_and_are_known_by_nothing_else(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        claims = jwt.decode(await desk.token(), options={"verify_signature": False})
        assert (claims["aud"], claims["idtyp"]) == (GRAPH, "app")
        assert "Mail.ReadWrite" in claims["roles"]
        head, body, signature = (await desk.token()).split(".")
        for wrong in ("", "opaque", f"{head}.{body}.{signature[:-4]}AAAA"):
            answer = await desk.call("messages", headers={"Authorization": f"Bearer {wrong}"})
            assert said(answer) == (401, "InvalidAuthenticationToken")
        desk.vendor.expire_tokens()
        assert said(await desk.call("messages")) == (401, "InvalidAuthenticationToken")

    on_desk(scenario)


def test_a_device_code_waits_for_its_person(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        app, tenant = desk.vendor.registered(), desk.vendor.directory.tenant
        form = {"client_id": app.client_id, "scope": f"{GRAPH}/Mail.Read offline_access openid profile"}

        async def start() -> dict[str, Any]:
            found: dict[str, Any] = (await desk.http.post(f"{LOGIN}/{tenant}/oauth2/v2.0/devicecode", data=form)).json()
            assert found["user_code"] in found["message"]
            return found

        async def poll(flow: dict[str, Any]) -> dict[str, Any]:
            asked = {"grant_type": DEVICE, "device_code": flow["device_code"], "scope": None, "client_secret": None}
            found: dict[str, Any] = (await desk.token_answer(**asked)).json()
            return found

        flow = await start()
        assert (await poll(flow))["error"] == "authorization_pending"
        desk.vendor.approve_device(flow["user_code"].lower(), ANNA)
        found = await poll(flow)
        assert len((await desk.get("/me/messages", token=found["access_token"]))["value"]) == 0
        info = base64.urlsafe_b64decode(found["client_info"] + "===").decode()
        assert desk.vendor.user(ANNA).id in info
        assert jwt.decode(found["id_token"], options={"verify_signature": False})["preferred_username"] == ANNA
        assert "refresh_token" in found
        declined = await start()
        desk.vendor.approve_device(declined["user_code"], ANNA, decline=True)
        assert (await poll(declined))["error"] == "authorization_declined"
        late = await start()
        await desk.clock.sleep(901)
        assert (await poll(late))["error"] == "expired_token"

    on_desk(scenario)


def test_an_authorization_code_needs_its_verifier_and_works_once(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        app, tenant = desk.vendor.registered(), desk.vendor.directory.tenant
        digest = hashlib.sha256(b"v" * 43).digest()
        query = {
            "client_id": app.client_id,
            "response_type": "code",
            "redirect_uri": "http://localhost:8400",
            "scope": f"{GRAPH}/Mail.Read offline_access openid",
            "state": "s",
            "nonce": "n",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        url = f"{LOGIN}/{tenant}/oauth2/v2.0/authorize"
        assert BO in (await desk.http.get(url, params=query)).text  # who signs in is asked

        async def code() -> str:
            answer = await desk.http.get(url, params=query | {"login_hint": BO})
            found = parse_qs(urlsplit(answer.headers["location"]).query)
            assert found["state"] == ["s"]
            return found["code"][0]

        async def redeem(value: str, verifier: str) -> dict[str, Any]:
            asked = {"grant_type": "authorization_code", "code": value, "code_verifier": verifier}
            more = {"redirect_uri": query["redirect_uri"], "scope": None, "client_secret": None}
            found: dict[str, Any] = (await desk.token_answer(**asked, **more)).json()
            return found

        assert (await redeem(await code(), "w" * 43))["error_codes"] == [501481]
        good = await code()
        made = await redeem(good, "v" * 43)
        told = jwt.decode(made["id_token"], options={"verify_signature": False})
        assert (told["nonce"], told["preferred_username"]) == ("n", BO)
        token = made["access_token"]
        assert (await desk.call("/me/mailFolders/inbox", token=token)).status_code == 200
        assert (await redeem(good, "v" * 43))["error_codes"] == [54005]
        desk.vendor.set_consent(deny=True)
        refused = await desk.http.get(url, params=query)
        assert "error=access_denied" in refused.headers["location"]

    on_desk(scenario)


def test_scopes_that_nobody_consented_are_refused(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        refresh = desk.vendor.refresh_token(ANNA)
        asked = {"grant_type": "refresh_token", "refresh_token": refresh, "client_secret": None}
        answer = await desk.token_answer(**asked, scope=f"{GRAPH}/Files.Read.All")
        assert answer.json()["error_codes"] == [65001]
        wide = await desk.token_answer(**asked, scope=f"{GRAPH}/.default")
        assert {f"{GRAPH}/Mail.Read", f"{GRAPH}/.default", "openid"} <= set(wide.json()["scope"].split())
        bare = await desk.token_answer(**asked, scope="Mail.Read offline_access")
        assert bare.json()["scope"].split() == ["profile", "openid", "email", "Mail.Read"]

    on_desk(scenario)


@pytest.mark.parametrize(
    ("login", "graph"),
    [
        ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
        ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
        ("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_each_cloud_answers_under_its_own_names(on_desk, login: str, graph: str) -> None:
    async def scenario(desk: Desk) -> None:
        token = (await desk.token_answer(login, scope=f"{graph}/.default")).json()["access_token"]
        for n in range(12):
            desk.vendor.deliver_to(ANNA, f"Subject: {n}\r\n\r\nx".encode())
        page = await desk.get(f"{graph}/v1.0/users/{ANNA}/messages", token=token)
        assert page["@odata.nextLink"].startswith(f"{graph}/v1.0/users/")
        assert page["@odata.context"].startswith(f"{graph}/v1.0/$metadata")
        assert said(await desk.call("messages", token=token)) == (401, "InvalidAuthenticationToken")

    on_desk(scenario)
