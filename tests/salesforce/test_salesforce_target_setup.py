"""From an empty org to a green check, on the simulator; what is missing is named."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.base.errors import AuthFailed, NotPermitted
from connectors.base.model import Severity, WriteKind
from connectors.crm.salesforce import SalesforceConfig


def errors(account):
    return [p for p in account.problems if p.severity is Severity.ERROR]


def test_a_ready_org_is_green(lab):
    async def scenario(lab):
        account = await lab.target.check()
        assert account.problems == ()
        assert account.account_id == f"salesforce:{lab.org.org_id}"
        assert len(lab.org.org_id) == 18
        assert account.name == "Harbour Trading Co."
        (pipeline,) = account.pipelines
        assert [s.id for s in pipeline.stages][:2] == ["Prospecting", "Qualification"]
        assert [s.id for s in pipeline.stages if s.won] == ["Closed Won"]
        assert lab.calls(kind="write") == 0
        return account

    account = lab(scenario)
    assert account.capabilities[WriteKind.LOG_EMAIL].max_text == 131072
    assert account.capabilities[WriteKind.CREATE_TASK].unique_key


def test_setup_takes_an_empty_org_to_a_green_check_and_does_nothing_twice(lab):
    async def scenario(lab):
        before = await lab.target.check()
        assert [p.what for p in errors(before)] == [
            "The key field EmailMessage.Tradepost_Key__c is missing.",
            "The key field Task.Tradepost_Key__c is missing.",
            "The key field Lead.Tradepost_Key__c is missing.",
        ]
        plan = await lab.target.plan_setup()
        assert lab.calls(kind="write") == 0
        assert len(plan) == 9
        assert await lab.target.apply_setup() == ()
        after = await lab.target.check()
        assert after.problems == ()
        assert after.capabilities[WriteKind.LOG_EMAIL].unique_key
        assert after.account_id == before.account_id
        assert await lab.target.plan_setup() == ()
        writes = lab.calls(kind="write")
        assert await lab.target.apply_setup() == ()
        assert lab.calls(kind="write") == writes
        receipt = await lab.only(lab.task(1))
        assert lab.rows("SELECT Id FROM Task")[0]["Id"] == receipt.record

    lab(scenario, ready=False)


def test_setup_goes_on_where_it_was_stopped(lab):
    async def scenario(lab):
        lab.fault("tooling.sobjects.CustomField", "status", nth=2, status=400, code="UNABLE_TO_LOCK_ROW")
        with pytest.raises(Exception, match="UNABLE_TO_LOCK_ROW"):
            await lab.target.apply_setup()
        assert len(await lab.target.plan_setup()) == 8
        assert await lab.target.apply_setup() == ()
        assert (await lab.target.check()).problems == ()

    lab(scenario, ready=False)


def test_setup_without_rights_says_which(lab):
    async def scenario(lab):
        lab.org.revoke(lab.me, "CustomizeApplication")
        problems = await lab.target.apply_setup()
        assert any("Customize Application" in p.mend for p in problems)
        assert all("deploy/salesforce" in p.mend for p in problems)

    lab(scenario, ready=False)


def test_where_mails_take_no_key_field_the_ledger_is_asked_for_and_used(lab):
    async def scenario(lab):
        lab.org.settings.email_message_custom_fields_allowed = False
        (problem,) = await lab.target.apply_setup()
        assert "deploy/salesforce/ledger" in problem.mend
        assert (await lab.target.check()).capabilities[WriteKind.LOG_EMAIL].reason == "no_key_field"
        key = {"label": "Key", "type": "Text", "length": 80, "externalId": True, "unique": True}
        record = {"label": "Record", "type": "Text", "length": 18, "externalId": True}
        fields = [("Tradepost_Ledger__c", "Tradepost_Key__c", key), ("Tradepost_Ledger__c", "Record_Id__c", record)]
        lab.org.install_package(fields, ["Tradepost_Ledger__c"], permission_set="Tradepost_Ledger", assign_to=[lab.me])
        account = await lab.target.check()
        assert account.problems == ()
        assert account.capabilities[WriteKind.LOG_EMAIL].unique_key
        assert account.capabilities[WriteKind.LOG_EMAIL].reason == "key_on_ledger"
        assert await lab.target.plan_setup() == ()

    lab(scenario, ready=False)


@pytest.mark.parametrize("sobject", ["EmailMessage", "Task", "Lead"])
def test_a_key_field_without_field_level_security_is_named(lab, sobject):
    async def scenario(lab):
        lab.org.hide_field(lab.me, sobject, "Tradepost_Key__c")
        (problem,) = errors(await lab.target.check())
        assert (
            problem.what == f"The key field {sobject}.Tradepost_Key__c exists but is hidden from the integration user."
        )
        assert f"{sobject}.Tradepost_Key__c" in problem.mend
        assert await lab.target.apply_setup() == ()
        assert (await lab.target.check()).problems == ()

    lab(scenario)


@pytest.mark.parametrize(
    ("sobject", "field"),
    [("Contact", "Email"), ("EmailMessage", "RelatedToId"), ("Opportunity", "AccountId"), ("Task", "WhoId")],
)
def test_a_standard_field_without_field_level_security_is_named(lab, sobject, field):
    async def scenario(lab):
        lab.org.hide_field(lab.me, sobject, field)
        (problem,) = errors(await lab.target.check())
        assert f"{sobject}.{field}" in problem.what

    lab(scenario)


def test_without_view_setup_the_check_still_names_the_field(lab):
    async def scenario(lab):
        lab.org.revoke(lab.me, "ViewSetup", "CustomizeApplication")
        lab.org.hide_field(lab.me, "Lead", "Tradepost_Key__c")
        (problem,) = errors(await lab.target.check())
        assert "Lead.Tradepost_Key__c" in problem.what

    lab(scenario)


@pytest.mark.parametrize("permission", ["ActivitiesAccess", "EditTask"])
def test_missing_access_to_activities_is_named(lab, permission):
    async def scenario(lab):
        lab.org.revoke(lab.me, permission)
        account = await lab.target.check()
        assert any("Access Activities" in p.mend and "Task" in p.what for p in errors(account))
        assert not account.capabilities[WriteKind.CREATE_TASK].exists

    lab(scenario)


def test_closed_objects_are_named_and_their_writes_do_not_exist(lab):
    async def scenario(lab):
        lab.org.close_object(lab.me, "EmailMessage")
        lab.org.close_object(lab.me, "Opportunity", "u")
        account = await lab.target.check()
        assert any("Enhanced Email" in p.mend for p in errors(account))
        assert any(p.mend == "Give the integration user Edit on Opportunity." for p in errors(account))
        assert not account.capabilities[WriteKind.LOG_EMAIL].exists
        assert not account.capabilities[WriteKind.MOVE_DEAL].exists

    lab(scenario)


def test_no_api_and_wrong_credentials_say_what_to_do(lab):
    async def scenario(lab):
        lab.org.revoke(lab.me, "ApiEnabled")
        with pytest.raises(NotPermitted, match="API"):
            await lab.target.check()
        lab.org.client.client_secret = "changed"
        with pytest.raises(AuthFailed):
            await lab.connect().check()

    lab(scenario)


def test_a_certificate_signs_in_as_well(lab, monkeypatch):
    async def scenario(lab):
        monkeypatch.setenv("SF_KEY", lab.org.client.private_key)
        auth = {"method": "jwt", "client_id": lab.org.client.client_id, "username": lab.org.integration_username}
        lab.config["auth"] = {**auth, "private_key": {"env": "SF_KEY"}}
        target = lab.connect()
        assert (await target.check()).problems == ()
        lab.org.client.approved.clear()
        lab.org.expire_sessions()
        with pytest.raises(NotPermitted, match="approved"):
            await target.users()
        await target.close()
        await target.close()

    lab(scenario)


def test_calls_go_to_the_instance_the_session_names(lab):
    async def scenario(lab):
        lab.vendor.public_url = "https://moved.my.salesforce.com"
        lab.transport.apps["moved.my.salesforce.com"] = lab.vendor
        lab.transport.apps[lab.org.my_domain] = only_tokens(lab.vendor)
        assert (await lab.target.check()).problems == ()

    lab(scenario)


def only_tokens(vendor):
    async def app(scope, receive, send):
        assert scope["path"].startswith("/services/oauth2/")
        await vendor(scope, receive, send)

    return app


# -------------------------------------------------------------------------------------------------------------- config

GOOD = {
    "login_url": "https://x.my.salesforce.com/",
    "auth": {"method": "jwt", "client_id": "c", "username": "u", "private_key": {"env": "K"}},
}


def test_every_setting_has_one_sentence():
    for name, field in SalesforceConfig.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert ". " not in field.description, name


def test_addresses_are_kept_without_slash_and_must_be_encrypted():
    assert SalesforceConfig.model_validate(GOOD).login_url == "https://x.my.salesforce.com"
    for bad in ("http://x.my.salesforce.com", "x.my.salesforce.com", "ftp://x"):
        with pytest.raises(ValidationError):
            SalesforceConfig.model_validate({**GOOD, "login_url": bad})
    SalesforceConfig.model_validate({**GOOD, "base_url": "http://127.0.0.1:8080"})


@pytest.mark.parametrize("extra", [{"colour": "red"}, {"reserve": 1.0}, {"page_size": 2001}, {"auth": {"method": "x"}}])
def test_what_is_not_understood_is_refused(extra):
    with pytest.raises(ValidationError):
        SalesforceConfig.model_validate({**GOOD, **extra})


def test_check_says_that_salesforce_logs_mail_itself_until_the_administrator_has_chosen(lab):
    async def scenario(lab):
        before = (await lab.target.check()).problems
        lab.org.create("EmailMessage", {"Subject": "x", "MessageIdentifier": "<native@acme.example>"})
        return before, (await lab.target.check()).problems

    before, asked = lab(scenario, native_logging="ask")
    assert before == ()
    assert [p.severity for p in asked] == ["warning"]
    assert "native_logging" in asked[0].mend
    assert lab(scenario, native_logging="skip")[1] == ()
