"""The accounts servers: every data centre, every grant, and answers as Zoho gives them."""

from collections.abc import Callable

import pytest

from tests.sandbox_zoho.zoho_site import ACCOUNTS, API, Site, code

OnSite = Callable[..., None]


def test_a_token_reply_names_the_api_domain_and_the_scopes(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        reply = (await site.token()).json()
        assert reply["api_domain"] == API
        assert reply["token_type"] == "Bearer"
        assert reply["expires_in"] == 3600
        assert "ZohoCRM.modules.ALL" in reply["scope"].split()
        assert "refresh_token" not in reply

    on_site(scenario)


def test_parameters_come_in_the_query_as_well(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.http.post(f"{ACCOUNTS}/oauth/v2/token", params=site.form)
        assert "access_token" in answer.json()

    on_site(scenario)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"refresh_token": "1000.nothing"}, "invalid_code"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "1000.x"}, "invalid_code"),
    ],
)
def test_errors_have_codes_and_status_200(on_site: OnSite, form: dict[str, str], error: str) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.token(**form)
        assert (answer.status_code, answer.json()["error"]) == (200, error)

    on_site(scenario)


def test_another_data_centre_knows_neither_the_grant_nor_the_token(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        foreign = await site.http.post("https://accounts.zoho.eu/oauth/v2/token", data=site.form)
        assert foreign.json() == {"error": "invalid_code"}
        await site.sign_in()
        elsewhere = await site.http.get("https://www.zohoapis.com/crm/v8/org")
        assert (elsewhere.status_code, code(elsewhere)) == (401, "INVALID_TOKEN")

    on_site(scenario)


def test_a_self_client_gets_a_token_without_a_refresh_token(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        scope = "ZohoCRM.modules.leads.READ,ZohoCRM.org.READ"
        reply = (await site.token(grant_type="client_credentials", scope=scope, soid="ZohoCRM.1")).json()
        assert "refresh_token" not in reply
        site.http.headers["Authorization"] = f"Zoho-oauthtoken {reply['access_token']}"
        assert (await site.get("org")).status_code == 200
        assert code(await site.get("users")) == "OAUTH_SCOPE_MISMATCH"

    on_site(scenario)


def test_the_consent_page_sends_back_a_code_and_where_it_is_good(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        back = "https://app.example/back"
        client = site.org.accounts.add_client(back)
        asked = {"client_id": client.client_id, "redirect_uri": back, "scope": "ZohoCRM.org.READ", "state": "s1"}
        auth = f"{ACCOUNTS}/oauth/v2/auth"
        sent = (await site.http.get(auth, params={**asked, "access_type": "offline"})).next_request
        assert sent is not None
        query = sent.url.params
        assert (query["location"], query["accounts-server"], query["state"]) == ("cn", ACCOUNTS, "s1")
        form = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": back}
        own = {"client_id": client.client_id, "client_secret": client.secret}
        assert "refresh_token" in (await site.token(**form, **own)).json()
        online = (await site.http.get(auth, params=asked)).next_request
        assert online is not None
        form["code"] = online.url.params["code"]
        assert "refresh_token" not in (await site.token(**form, **own)).json()

    on_site(scenario)


def test_a_revoked_grant_ends_its_tokens(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        await site.sign_in()
        revoke = f"{ACCOUNTS}/oauth/v2/token/revoke"
        assert (await site.http.post(revoke, params={"token": site.org.token})).json() == {"status": "success"}
        assert code(await site.get("org")) == "INVALID_TOKEN"
        assert (await site.token()).json() == {"error": "invalid_code"}
        assert (await site.http.post(revoke, params={"token": site.org.token})).status_code == 400

    on_site(scenario)


def test_the_twenty_first_refresh_token_deletes_the_oldest(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        for _ in range(20):
            site.org.new_refresh_token()
        assert (await site.token()).json() == {"error": "invalid_code"}

    on_site(scenario)


@pytest.mark.parametrize("header", ["", "Zoho-oauthtoken", "Basic abc"])
def test_a_call_without_a_token_is_an_authentication_failure(on_site: OnSite, header: str) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.http.get("/crm/v8/org", headers={"Authorization": header})
        assert (answer.status_code, code(answer)) == (401, "AUTHENTICATION_FAILURE")
        unknown = await site.http.get("/crm/v8/org", headers={"Authorization": "Zoho-oauthtoken 1000.x"})
        assert (unknown.status_code, code(unknown)) == (401, "INVALID_TOKEN")

    on_site(scenario)


def test_the_list_of_servers_names_every_data_centre(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        found = (await site.http.get(f"{ACCOUNTS}/oauth/serverinfo")).json()["locations"]
        assert found["cn"] == ACCOUNTS
        assert set(found) == {"us", "eu", "in", "au", "cn", "jp", "ca", "sa", "uk"}

    on_site(scenario)
