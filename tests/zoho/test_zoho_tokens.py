"""Signing in: few tokens, kept over a restart, refusals with status 200 understood, a grant code exchanged once."""

from __future__ import annotations

import pytest

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted, RateLimited, Transient, Unsupported
from connectors.crm.zoho_config import ZohoConfig, token_spec, zoho_tokens
from connectors.crm.zoho_login import code_in
from connectors.oauth import ZOHO_ACCOUNTS

TOKENS = "get_token"


async def error_of(awaitable):
    try:
        await awaitable
    except ConnectorError as error:
        return error
    raise AssertionError("nothing was raised")


def test_every_data_centre_has_its_own_accounts_host_and_console():
    assert set(ZOHO_ACCOUNTS) == {"us", "eu", "in", "au", "cn", "jp", "ca", "sa", "uk"}
    for centre, accounts in ZOHO_ACCOUNTS.items():
        config = ZohoConfig(data_centre=centre, client_id="x", client_secret={"env": "X"})
        assert token_spec(config).url == f"{accounts}/oauth/v2/token"
        assert config.console.startswith("https://api-console.")


@pytest.mark.parametrize("key", ["accounts_url", "base_url"])
def test_addresses_must_be_safe(key):
    with pytest.raises(ValueError, match="https"):
        ZohoConfig.model_validate(
            {"data_centre": "us", "client_id": "x", "client_secret": {"env": "X"}, key: "http://zoho.example"}
        )


def test_calls_go_to_the_domain_that_the_token_names_with_zohos_own_scheme(lab):
    async def scenario(lab):
        seen = []
        handle = lab.transport.handle_async_request

        async def noted(request):
            seen.append((request.url.host, request.headers.get("authorization", "")))
            return await handle(request)

        lab.transport.handle_async_request = noted
        await lab.target.users()
        (token_host, none), (host, header) = seen
        assert (token_host, none) == ("accounts.zoho.com.cn", "")
        assert host == "www.zohoapis.com.cn"
        assert header.startswith("Zoho-oauthtoken 1000.")

    lab(scenario)


def test_a_restart_needs_no_token(lab):
    async def scenario(lab):
        await lab.target.users()
        await lab.target.close()
        lab.target = lab.connect()
        await lab.target.users()
        assert lab.calls(TOKENS) == 1

    lab(scenario)


def test_one_token_serves_an_hour_and_then_another(lab):
    async def scenario(lab):
        for _ in range(5):
            await lab.target.users()
            await lab.later(1000)
        assert lab.calls(TOKENS) == 2

    lab(scenario)


@pytest.mark.parametrize("code", ["INVALID_TOKEN", "AUTHENTICATION_FAILURE"])
def test_a_token_that_ended_is_renewed_unseen(lab, code):
    async def scenario(lab):
        lab.org.set_unknown("expired_token_code", code)
        await lab.target.users()
        lab.org.expire_tokens()
        assert await lab.target.users()
        assert lab.calls(TOKENS) == 2

    lab(scenario)


def test_a_write_with_a_token_that_ended_is_sent_once_more_and_done_once(lab):
    async def scenario(lab):
        _, li = lab.acme()
        await lab.target.check()
        lab.org.expire_tokens()
        receipt = await lab.only(lab.mail(1, contact(li)))
        assert receipt.record
        assert len(lab.mails()) == 1

    contact = lab.contact
    lab(scenario)


def test_a_missing_scope_is_named_and_costs_no_token(lab):
    async def scenario(lab):
        await lab.target.users()
        lab.fault("get_users", "status", status=401, code="OAUTH_SCOPE_MISMATCH", times=9)
        for _ in range(3):
            error = await error_of(lab.target.users())
            assert type(error) is NotPermitted
            assert "ZohoCRM.users.READ" in error.hint
        assert lab.calls(TOKENS) == 1

    lab(scenario)


def test_refused_tokens_use_up_four_of_the_ten_in_ten_minutes_and_no_more(lab):
    async def scenario(lab):
        lab.fault("get_users", "status", status=401, times=99)
        kinds = [type(await error_of(lab.target.users())) for _ in range(8)]
        assert lab.calls(TOKENS) == 4
        assert kinds[-1] is RateLimited
        error = await error_of(lab.target.users())
        assert (error.retry_at - lab.clock.now()).total_seconds() <= 600
        await lab.later(601)
        assert type(await error_of(lab.target.users())) is AuthFailed
        assert lab.calls(TOKENS) == 6

    lab(scenario)


def test_restarts_cannot_use_up_the_tokens_either(lab):
    async def scenario(lab):
        kinds = []
        for _ in range(6):
            lab.vault.kept = {k: v for k, v in lab.vault.kept.items() if k.endswith(":asked")}
            target = lab.connect()
            try:
                await target.users()
                kinds.append(None)
            except RateLimited:
                kinds.append(RateLimited)
            await target.close()
        assert kinds == [None] * 4 + [RateLimited] * 2

    lab(scenario)


def test_access_denied_with_status_200_is_a_limit_of_ten_minutes(lab):
    async def scenario(lab):
        lab.fault(TOKENS, "status", status=200, code="ACCESS_DENIED")
        error = await error_of(lab.target.users())
        assert type(error) is RateLimited
        assert (error.retry_at - lab.clock.now()).total_seconds() == 600
        assert lab.calls(TOKENS) == 1

    lab(scenario)


@pytest.mark.parametrize(("which", "said"), [("refresh", "refresh token"), ("secret", "client_secret")])
def test_a_dead_refresh_token_and_a_wrong_client_are_told_apart(lab, which, said):
    async def scenario(lab):
        target = lab.connect(**{which: "1000.dead"})
        error = await error_of(target.users())
        assert type(error) is AuthFailed
        assert said in error.hint
        assert "1000.dead" not in str(error)
        await target.close()

    lab(scenario)


@pytest.mark.parametrize("effect", ["lost_request", "lost_reply", "html", "truncated", "reset"])
def test_no_answer_about_a_token_is_transient_and_asked_once(lab, effect):
    async def scenario(lab):
        lab.fault(TOKENS, effect)
        error = await error_of(zoho_tokens(lab.configured(), lab.services).token())
        assert type(error) is Transient
        assert lab.calls(TOKENS) <= 1

    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- login


def test_a_grant_code_becomes_a_lasting_sign_in(lab):
    async def scenario(lab):
        config = lab.configured(refresh_token=None)
        error = await error_of(zoho_tokens(config, lab.services).token())
        assert type(error) is AuthFailed
        shown = []
        code = lab.org.new_grant_code()

        async def paste():
            return f" {code}\n"

        done = await type(lab.target).login(
            config, "crm", lab.services, lambda url, _="": shown.append(url), paste=paste
        )
        assert (done, shown) == ("crm", ["https://api-console.zoho.com.cn"])
        asked = lab.calls(TOKENS)
        target = type(lab.target)(config, lab.services)
        assert await target.users()
        assert lab.calls(TOKENS) == asked
        await lab.later(4000)
        assert await target.users()
        await target.close()

    lab(scenario)


def test_a_used_code_is_refused_with_what_to_do(lab):
    async def scenario(lab):
        config = lab.configured(refresh_token=None)
        code = lab.org.new_grant_code()

        async def paste():
            return code

        await lab.target.login(config, "crm", lab.services, lambda *_: None, paste=paste)
        error = await error_of(lab.target.login(config, "crm", lab.services, lambda *_: None, paste=paste))
        assert type(error) is AuthFailed
        assert "grant code" in error.hint
        assert code not in str(error)

    lab(scenario)


def test_login_is_needless_with_a_refresh_token_and_impossible_without_a_terminal(lab):
    async def scenario(lab):
        needless = await error_of(lab.target.login(lab.configured(), "crm", lab.services, lambda *_: None))
        assert type(needless) is Unsupported
        nobody = await error_of(
            lab.target.login(lab.configured(refresh_token=None), "crm", lab.services, lambda *_: None)
        )
        assert type(nobody) is AuthFailed

    lab(scenario)


def test_a_code_is_found_in_an_address_too():
    assert code_in("  '1000.ab.cd' ") == "1000.ab.cd"
    assert code_in("https://x.example/cb?code=1000.ab.cd&location=cn") == "1000.ab.cd"
