"""check, setup and sign-in on the simulator."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from starlette.responses import JSONResponse

from connectors.base.errors import AuthFailed, NotPermitted, Transient
from connectors.base.model import Lookup, Receipt, Severity, WriteKind
from connectors.crm.hubspot import HubSpotConfig

SCOPES = (
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.owners.read",
    "sales-email-read",
)


# ---------------------------------------------------------------------------------------------------------------- check


def test_an_account_that_is_set_up_has_no_problem_and_stable_identity(lab):
    async def scenario(world):
        account = await world.target.check()
        assert (account.account_id, account.name) == ("hubspot:7654321", "HubSpot 7654321")
        assert account.problems == ()
        assert set(account.capabilities) == set(WriteKind)
        assert all(c.exists for c in account.capabilities.values())
        (pipeline,) = [p for p in account.pipelines if p.id == "default"]
        assert [s.id for s in pipeline.stages if s.closed] == ["closedwon", "closedlost"]
        assert [s.id for s in pipeline.stages if s.won] == ["closedwon"]
        assert [s.order for s in pipeline.stages] == sorted(s.order for s in pipeline.stages)
        assert not world.calls(kind="write")
        assert await world.target.check() == account
        assert (await world.connect().check()) == account

    lab(scenario)


@pytest.mark.parametrize(
    ("mode", "unique", "lookup", "reason", "settles"),
    [
        ("a", True, Lookup.STRONG, "", 180),
        ("b", False, Lookup.LAGGING, "key_not_unique", 480),
        ("c", False, Lookup.LAGGING, "no_key_field", 480),
    ],
)
def test_what_protects_a_write_is_what_the_account_allows(lab, mode, unique, lookup, reason, settles):
    async def scenario(world):
        can = (await world.target.check()).capabilities
        for kind in (WriteKind.LOG_EMAIL, WriteKind.CREATE_TASK):
            told = can[kind]
            assert (told.unique_key, told.lookup, told.reason, told.settles_after) == (unique, lookup, reason, settles)
        assert can[WriteKind.CREATE_CUSTOMER].unique_key
        assert can[WriteKind.LOG_EMAIL].spans_records
        assert not can[WriteKind.MOVE_DEAL].guarded

    lab(scenario, mode=mode)


@pytest.mark.parametrize("scope", SCOPES)
def test_each_missing_scope_is_named(lab, scope):
    async def scenario(world):
        world.portal.revoke(scope)
        account = await world.target.check()
        named = [p for p in account.problems if scope in p.what]
        assert len(named) == 1
        assert named[0].mend
        moves, mails = account.capabilities[WriteKind.MOVE_DEAL], account.capabilities[WriteKind.LOG_EMAIL]
        assert moves.exists is (scope != "crm.objects.deals.write")
        assert mails.exists is (scope != "crm.objects.contacts.write")

    lab(scenario)


@pytest.mark.parametrize("scope", [s for s in SCOPES if s.endswith(".read") and "contacts" not in s])
def test_where_hubspot_does_not_tell_a_keys_scopes_a_look_at_the_records_does(lab, scope):
    async def scenario(world):
        world.fault("oauth.private-apps.info", "status", status=403)
        world.portal.revoke(scope, scope.replace(".read", ".write"))
        problems = (await world.target.check()).problems
        assert any(scope in p.mend for p in problems)

    lab(scenario)


@pytest.mark.parametrize(
    ("mode", "expected"), [("a", (True, "")), ("b", (False, "key_not_unique")), ("c", (False, "no_key_field"))]
)
def test_without_the_scope_for_mail_properties_the_key_is_still_recognised(lab, mode, expected):
    async def scenario(world):
        world.portal.revoke("connected-email-data-access")
        told = (await world.target.check()).capabilities[WriteKind.LOG_EMAIL]
        assert (told.unique_key, told.reason) == expected
        assert isinstance(await world.only(world.task(1)), Receipt)

    lab(scenario, mode=mode)


def test_without_key_and_content_a_mail_cannot_be_looked_up_and_that_is_said(lab):
    async def scenario(world):
        world.portal.revoke("sales-email-read")
        told = (await world.target.check()).capabilities[WriteKind.LOG_EMAIL]
        assert (told.lookup, told.reason) == (Lookup.NONE, "mail_hidden")

    lab(scenario, mode="c")


def test_ask_tells_what_was_found_and_demands_a_choice(lab):
    async def scenario(world):
        (none,) = (await world.target.check()).problems
        assert "None of the 0" in none.what
        li = world.host.add_contact("Li", "li@acme.example")
        world.host.log_by_hand(lab.raw.encode(), li)
        await world.only(world.mail(2, lab.contact(li)))
        await world.later(60)
        (some,) = (await world.target.check()).problems
        assert "logged 1 of the 2" in some.what
        assert "native_logging" in some.mend
        assert some.severity is Severity.WARNING

    lab(scenario, native_logging="ask")


def test_a_wrong_key_and_a_dead_account_are_told_apart_from_trouble(lab):
    async def scenario(world):
        await world.target.check()
        world.portal.rotate_key()
        with pytest.raises(AuthFailed, match="service key"):
            await world.target.check()
        world.fault("account-info.details", "status", status=503, times=9)
        with pytest.raises(Transient):
            await world.connect().check()

    lab(scenario)


def test_the_api_version_warns_when_its_life_is_over(lab):
    async def scenario(world):
        await world.later(3 * 365 * 86_400)
        (problem,) = (await world.target.check()).problems
        assert "2026-09" in problem.what

    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- set-up


@pytest.mark.parametrize(
    ("mode", "says"),
    [("a", []), ("b", ["not as a unique value", "not as a unique value"]), ("c", ["Not done", "Not done"])],
)
def test_setup_makes_the_key_properties_as_far_as_the_account_takes_them(lab, mode, says):
    async def scenario(world):
        world.portal.set_mode(mode)
        plan = await world.target.plan_setup()
        assert [line.split(" on ")[1].split(",")[0] for line in plan] == ["emails", "tasks", "contacts"]
        assert not world.calls(kind="write")
        problems = await world.target.apply_setup()
        told = [p.what for p in problems]
        assert all(any(s in t for t in told) for s in says)
        assert bool(told) is bool(says)
        assert world.portal.property("contacts", "tradepost_key").unique
        mail = world.portal.property("emails", "tradepost_key")
        assert (mail and mail.unique) == {"a": True, "b": False, "c": None}[mode]
        left = await world.target.plan_setup()
        assert len(left) == (2 if mode == "c" else 0)
        account = await world.target.check()
        assert account.capabilities[WriteKind.LOG_EMAIL].unique_key is (mode == "a")
        before = world.calls(kind="write")
        await world.target.apply_setup()
        if mode != "c":
            assert world.calls(kind="write") == before

    lab(scenario, mode=None)


def test_where_hubspot_refuses_unique_values_the_key_is_made_without(lab):
    async def scenario(world):
        world.fault("properties.create", "status", status=400)
        problems = await world.target.apply_setup()
        assert any("emails" in p.what and "not as a unique value" in p.what for p in problems)
        assert not world.portal.property("emails", "tradepost_key").unique
        assert world.portal.property("tasks", "tradepost_key").unique
        assert (await world.target.check()).capabilities[WriteKind.LOG_EMAIL].reason == "key_not_unique"

    lab(scenario, mode=None)


@pytest.mark.parametrize("effect", ["lost_reply", "truncated", "status_after"])
def test_a_lost_answer_while_setting_up_is_looked_at_again(lab, effect):
    async def scenario(world):
        world.fault("properties.create", effect)
        world.fault("properties.groups.create", effect)
        assert await world.target.apply_setup() == ()
        assert (await world.target.check()).problems == ()

    lab(scenario, mode=None)


def test_without_the_right_to_make_properties_setup_names_the_scope_and_goes_on(lab):
    async def scenario(world):
        world.portal.revoke(*(f"crm.schemas.{n}.write" for n in ("contacts", "companies", "deals")))
        problems = await world.target.apply_setup()
        assert len([p for p in problems if "crm.schemas.contacts.write" in p.mend]) >= 3

    lab(scenario, mode=None)


# -------------------------------------------------------------------------------------------------------------- sign-in


def test_with_oauth_a_token_is_renewed_at_four_fifths_of_its_life_and_kept(lab):
    async def scenario(world):
        await world.target.check()
        assert world.calls("oauth.token") == 1
        await world.later(23 * 60)
        await world.target.users()
        assert world.calls("oauth.token") == 1
        await world.later(2 * 60)
        await world.target.users()
        assert world.calls("oauth.token") == 2
        await world.connect().users()
        assert world.calls("oauth.token") == 2

    lab(scenario, oauth=True)


def test_with_oauth_scopes_are_told_by_introspection_and_our_moves_are_known(lab):
    async def scenario(world):
        world.portal.revoke("sales-email-read")
        problems = (await world.target.check()).problems
        assert [p for p in problems if "sales-email-read" in p.what]
        assert world.target.usage == 0.0

    lab(scenario, oauth=True)


def test_a_token_that_ended_early_is_renewed_once_and_the_call_repeated(lab):
    async def scenario(world):
        await world.target.check()
        world.portal.expire_tokens()
        assert isinstance(await world.only(world.task(1)), Receipt)
        assert len(world.tasks()) == 1

    lab(scenario, oauth=True)


def test_a_revoked_consent_asks_for_another(lab):
    async def scenario(world):
        world.portal.revoke_refresh_tokens()
        with pytest.raises(AuthFailed, match="consent again"):
            await world.target.check()

    lab(scenario, oauth=True)


def test_a_wrong_secret_is_told(lab):
    async def scenario(world):
        world.portal.app.client_secret = "another"
        with pytest.raises((AuthFailed, NotPermitted)) as told:
            await world.target.check()
        assert "another" not in str(told.value)

    lab(scenario, oauth=True)


def test_a_refresh_cancelled_on_its_way_still_keeps_what_it_was_given(lab):
    """Where a vendor rotates refresh tokens, the answer holds the only copy of the next one."""

    async def scenario(world):
        respond = world.vendor.respond

        async def rotate(request):
            response = await respond(request)
            await world.later(5)
            return JSONResponse({**json.loads(response.body), "refresh_token": "the-next-one"})

        world.vendor.respond = rotate
        asking = asyncio.ensure_future(world.target.users())
        await world.later(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        (kept,) = [v for n, v in world.vault.kept.items() if n.endswith(":refresh")]
        assert kept[0] == "the-next-one"
        assert world.calls("oauth.token") == 1

    lab(scenario, oauth=True)


# ------------------------------------------------------------------------------------------------------------- secrets


def test_no_event_error_or_log_line_holds_an_address_a_subject_or_a_secret(lab, caplog):
    async def scenario(world):
        caplog.set_level(logging.DEBUG)
        li = world.host.add_contact("Li Wei", "li@acme.example")
        await world.target.check()
        await world.everything(world.target.customers)
        await world.target.find_customers(["li@acme.example"], ["acme.example"])
        errors = []
        world.portal.add_property("emails", "reviewed_by")
        world.portal.add_validation_rule("emails", "reviewed_by", "hs_email_direction", ["EMAIL"])
        for changes in ({"owner": "999"}, {"incoming": False}):
            errors.append(await world.only(world.mail(1, lab.contact(li), **changes)))
        for effect in ("status", "html", "truncated", "lost_reply", "status_after"):
            world.fault("emails.batch.upsert", effect, status=500)
            with pytest.raises(Exception) as told:
                await world.write(world.mail(1, lab.contact(li)))
            errors.append(told.value)
        said = " ".join(map(str, errors)) + " ".join(repr(e) for e in errors) + str(world.log.seen) + caplog.text
        for secret in (world.portal.key.key, "li@acme.example", "Quotation", "报价单", "Please quote", "Li Wei"):
            assert secret not in said
        assert len(errors) == 7

    lab(scenario)


def test_a_configuration_never_shows_its_secrets_and_takes_https_only(lab):
    auth = {"method": "service_key", "key": {"env": "HS_KEY"}}
    with pytest.raises(ValueError, match="https"):
        HubSpotConfig.model_validate({"auth": auth, "base_url": "http://elsewhere.example"})
    config = HubSpotConfig.model_validate({"auth": auth, "base_url": "http://127.0.0.1:8000/"})
    assert config.base_url == "http://127.0.0.1:8000"
    assert config.native_logging == "ask"
    undocumented = [n for n, f in HubSpotConfig.model_fields.items() if not f.description]
    assert undocumented == []


def test_closing_twice_is_fine(lab):
    async def scenario(world):
        await world.target.close()
        await world.target.close()

    lab(scenario)
