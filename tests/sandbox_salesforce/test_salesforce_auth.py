"""Signing in: https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm ."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def test_client_credentials_give_a_token_for_the_run_as_user_without_expires_in(on_site):
    async def scenario(site):
        token = await site.sign_in()
        assert token["instance_url"] == site.base
        assert token["token_type"] == "Bearer"
        assert token["id"].endswith(f"/id/{site.org.org_id}/{site.user}")
        assert "expires_in" not in token
        assert "refresh_token" not in token
        info = (await site.http.get("/services/oauth2/userinfo")).json()
        assert (info["user_id"], info["organization_id"]) == (site.user, site.org.org_id)

    on_site(scenario, signed_in=False)


def test_client_credentials_may_come_in_a_basic_header(on_site):
    async def scenario(site):
        basic = base64.b64encode(b"app:secret").decode()
        headers = {"Authorization": f"Basic {basic}"}
        form = {"grant_type": "client_credentials"}
        assert (await site.http.post("/services/oauth2/token", data=form, headers=headers)).status_code == 200

    on_site(scenario, signed_in=False)


def test_client_credentials_are_refused_in_the_documented_words(on_site):
    async def scenario(site):
        wrong_secret = await site.sign_in(client_secret="x")
        assert (wrong_secret["status"], wrong_secret["error"]) == (400, "invalid_client")
        assert (await site.sign_in(client_id="x"))["error"] == "invalid_client_id"
        assert (await site.sign_in(grant_type="x"))["error"] == "unsupported_grant_type"
        site.org.client.run_as = ""
        none = await site.sign_in()
        assert (none["error"], none["error_description"]) == ("invalid_grant", "no client credentials user enabled")

    on_site(scenario, signed_in=False)


@pytest.mark.parametrize("host", ["login.salesforce.com", "harbour-trading.my.salesforce.com"])
def test_a_signed_assertion_gives_a_token_at_both_hosts(on_site, host):
    async def scenario(site):
        token = await site.sign_in_jwt(host)
        assert token["status"] == 200
        assert token["instance_url"] == site.base
        site.http.headers["Authorization"] = f"Bearer {token['access_token']}"
        assert (await site.call("GET", "limits")).status_code == 200

    on_site(scenario, signed_in=False)


def test_the_org_itself_is_an_audience_too(on_site):
    async def scenario(site):
        assert (await site.sign_in_jwt(aud=site.base))["status"] == 200

    on_site(scenario, signed_in=False)


def test_assertions_are_refused_in_the_documented_words(on_site):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

    async def scenario(site):
        async def words(**claims):
            answer = await site.sign_in_jwt(**claims)
            assert answer["status"] == 400
            return answer["error"], answer["error_description"]

        assert await words(key=pem) == ("invalid_grant", "invalid assertion")
        assert await words(iss="nobody") == ("invalid_client_id", "client identifier invalid")
        assert await words(aud="https://test.salesforce.com") == ("invalid_grant", "audience is invalid")
        assert await words(sub="nobody@example.com") == ("invalid_grant", "user hasn't approved this consumer")

    on_site(scenario, signed_in=False)


def test_expired_sessions_need_a_new_token_and_bad_ones_get_no_user_info(on_site):
    async def scenario(site):
        site.org.expire_sessions()
        assert (await site.refusal("GET", "limits"))[:2] == (401, "INVALID_SESSION_ID")
        info = await site.http.get("/services/oauth2/userinfo")
        assert (info.status_code, info.text) == (403, "Bad_OAuth_Token")

    on_site(scenario)


def test_refresh_tokens_work_and_rotating_ones_work_once(on_site):
    async def scenario(site):
        refresh = site.org.auth.authorize("app", site.org.integration_username)
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        assert "refresh_token" not in await site.sign_in(**form)
        assert (await site.sign_in(**form))["status"] == 200
        site.org.client.rotates = True
        renewed = await site.sign_in(**form)
        assert (await site.sign_in(**form))["error"] == "invalid_grant"
        family = {"grant_type": "refresh_token", "refresh_token": renewed["refresh_token"]}
        assert (await site.sign_in(**family))["status"] == 400, "reuse revokes the whole family"

    on_site(scenario, signed_in=False)
