"""What `check` finds and `setup` makes, on the simulator."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from connectors.base.errors import AuthFailed
from connectors.base.model import Attempt, CreateCustomer, Found, Lookup, Receipt, Severity, WriteKind


def edited(name, change):
    """A JSON answer with every element of its list changed."""

    def edit(content):
        body = json.loads(content)
        return json.dumps(body | {name: [change(each) for each in body[name]]}).encode()

    return edit


def test_an_account_that_is_set_up_is_green_and_asking_writes_nothing(lab):
    async def scenario(lab):
        account = await lab.target.check()
        assert account.problems == ()
        assert account.account_id.removeprefix("zoho:").isdigit()
        assert lab.calls(kind="write") == 0
        assert set(account.capabilities) == set(WriteKind)
        again = await lab.connect().check()
        assert again.account_id == account.account_id

    lab(scenario)


def test_each_kind_of_write_is_declared_for_what_it_is(lab):
    async def scenario(lab):
        can = (await lab.target.check()).capabilities
        mail, task = can[WriteKind.LOG_EMAIL], can[WriteKind.CREATE_TASK]
        assert (mail.unique_key, mail.lookup, mail.spans_records, mail.max_text) == (
            False,
            Lookup.LAGGING,
            False,
            32_000,
        )
        assert (task.unique_key, task.lookup, task.reason) == (True, Lookup.LAGGING, "")
        assert not can[WriteKind.MOVE_DEAL].guarded
        assert (can[WriteKind.LINK_EMAIL].exists, can[WriteKind.LINK_EMAIL].reason) == (False, "links_only_deals")
        assert {c.batch for c in can.values()} == {1}
        assert {c.settles_after for c in can.values()} == {900.0}

    lab(scenario)


def test_stages_are_named_by_what_the_api_takes_not_by_what_people_see(lab):
    async def scenario(lab):
        lab.org.rename_stage("Qualification", "资格审查")
        lab.org.add_pipeline("Service", ["Ticket", "Closed Won"])
        pipelines = {p.id: p for p in (await lab.target.check()).pipelines}
        (first, *_) = pipelines["Standard (Standard)"].stages
        assert first.id == "Qualification"
        assert [s.id for s in pipelines["Service"].stages if s.won] == ["Closed Won"]

    lab(scenario)


def test_an_edition_without_pipelines_has_the_picklists_stages(lab):
    async def scenario(lab):
        lab.fault("get_pipelines", "status", status=400, code="FEATURE_NOT_SUPPORTED", times=9)
        (pipeline,) = (await lab.target.check()).pipelines
        assert pipeline.id == "default"
        assert [s.id for s in pipeline.stages if s.won] == ["Closed Won"]

    lab(scenario)


def test_setup_says_what_is_missing_makes_it_and_finds_nothing_more(lab):
    async def scenario(lab):
        problems = (await lab.target.check()).problems
        assert [p.severity for p in problems] == [Severity.ERROR] * 2
        assert await lab.target.plan_setup() == (
            "Create the field Tasks.Tradepost_Key: single line (100), no duplicate values.",
            "Create the field Leads.Tradepost_Key: single line (100), no duplicate values.",
        )
        assert lab.calls(kind="write") == 0
        assert await lab.target.apply_setup() == ()
        assert await lab.target.plan_setup() == ()
        account = await lab.target.check()
        assert account.problems == ()
        assert account.capabilities[WriteKind.CREATE_TASK].unique_key

    lab(scenario, ready=False)


def test_a_field_that_allows_doubles_is_no_key_and_is_left_to_a_person(lab):
    async def scenario(lab):
        lab.org.add_field("Tasks", "Tradepost Key")
        lab.org.add_field("Leads", "Tradepost Key", unique=True)
        (problem,) = (await lab.target.check()).problems
        assert "Do not allow duplicate values" in problem.mend
        (sentence,) = await lab.target.plan_setup()
        assert sentence.startswith("Forbid doubles in the field Tasks.Tradepost_Key")
        (problem,) = await lab.target.apply_setup()
        assert "FIELD_EXISTS" in problem.what

    lab(scenario, ready=False)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "OAUTH_SCOPE_MISMATCH"), (403, "NO_PERMISSION"), (400, "LIMIT_EXCEEDED")]
)
def test_a_field_that_cannot_be_made_comes_back_as_a_problem(lab, status, code):
    async def scenario(lab):
        lab.fault("create_fields", "status", status=status, code=code, times=2)
        problems = await lab.target.apply_setup()
        assert len(problems) == 2
        assert all(code in p.what and "ZohoCRM.settings.fields.ALL" in p.mend for p in problems)

    lab(scenario, ready=False)


def test_a_field_that_did_not_become_unique_is_not_believed(lab):
    async def scenario(lab):
        lab.spoil("get_fields", edited("fields", lambda field: field | {"unique": {}}))
        problems = await lab.target.apply_setup()
        assert all("NOT_UNIQUE" in p.what for p in problems)
        assert len(problems) == 2

    lab(scenario, ready=False)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("coql", "ZohoCRM.coql.READ"),
        ("get_emails", "ZohoCRM.modules.emails.ALL"),
        ("get_pipelines", "ZohoCRM.settings.pipeline.ALL"),
    ],
)
def test_a_missing_scope_is_a_problem_that_names_it(lab, operation, said):
    async def scenario(lab):
        lab.acme()
        lab.fault(operation, "status", status=401, code="OAUTH_SCOPE_MISMATCH", times=9)
        problems = (await lab.target.check()).problems
        assert [p for p in problems if said in p.mend and p.severity is Severity.ERROR]

    lab(scenario)


@pytest.mark.parametrize("operation", ["get_org", "get_users", "get_modules", "get_fields"])
def test_without_knowing_who_we_are_check_raises(lab, operation):
    async def scenario(lab):
        lab.fault(operation, "status", status=401, times=9)
        with pytest.raises(AuthFailed):
            await lab.target.check()

    lab(scenario)


def test_a_user_who_is_no_administrator_is_warned_of(lab):
    async def scenario(lab):
        token = lab.org.new_refresh_token(user=lab.org.add_user("sales@ours.example", "Sales"))
        target = lab.connect(refresh=token)
        problems = (await target.check()).problems
        assert [p.severity for p in problems if "Administrator" in p.what] == [Severity.WARNING]
        await target.close()

    lab(scenario)


def test_a_module_that_is_hidden_is_named(lab):
    async def scenario(lab):
        lab.spoil("get_modules", edited("modules", lambda m: m | {"viewable": m["api_name"] != "Tasks"}))
        account = await lab.target.check()
        assert [p.what for p in account.problems] == ["Tradepost's user cannot see the module Tasks."]
        assert not account.capabilities[WriteKind.CREATE_TASK].exists
        assert not account.capabilities[WriteKind.COMPLETE_TASK].exists

    lab(scenario)


# ------------------------------------------------------------------------------------------------------ native logging


def native(subject):
    head = f"From: li@acme.example\r\nTo: x@ours.example\r\nSubject: {subject}\r\n"
    return f"{head}Date: Sun, 01 Mar 2026 09:30:17 +0000\r\n\r\nText".encode()


def test_ask_tells_what_it_found_and_how_to_choose(lab):
    async def scenario(lab):
        _, li = lab.acme()
        for n in range(3):
            lab.org.native_mail(li, native(n))
        (problem,) = (await lab.target.check()).problems
        assert problem.severity is Severity.WARNING
        assert problem.what.startswith("3 e-mails are on the 1 contacts changed last (")
        assert "native_logging: skip" in problem.mend

    lab(scenario, native_logging="ask")


def test_ask_in_an_account_without_mails_says_so(lab):
    async def scenario(lab):
        lab.acme()
        (problem,) = (await lab.target.check()).problems
        assert problem.what == "No e-mails are on the 1 contacts changed last."

    lab(scenario, native_logging="ask")


@pytest.mark.parametrize("choice", ["skip", "ignore"])
def test_who_has_chosen_is_not_asked(lab, choice):
    async def scenario(lab):
        lab.acme()
        assert (await lab.target.check()).problems == ()

    lab(scenario, native_logging=choice)


def scopes_of_the_page():
    page = (Path(__file__).parents[2] / "docs/setup/zoho.md").read_text(encoding="utf-8")
    return tuple(
        next(line for line in page.splitlines() if line.strip().startswith("ZohoCRM.modules.ALL,")).strip().split(",")
    )


def test_the_scopes_of_the_page_are_enough_for_everything(lab):
    async def scenario(lab):
        account, li = lab.acme()
        deal = lab.org.add_deal("Big", account, li, "Qualification")
        target = lab.connect(refresh=lab.org.new_refresh_token(scopes_of_the_page()))
        lab.target = target
        assert await target.apply_setup() == ()
        assert (await target.check()).problems == ()
        await lab.everything(target.customers)
        await lab.everything(target.deals)
        assert await target.find_customers(["li@acme.example"], ["acme.example"])
        stranger = CreateCustomer(key="v1:1", email="omar@bazaar.example", name="Omar", company_name="Bazaar")
        for attempt in (lab.mail(1, contact(li), deal=deal), lab.task(2), lab.move(deal, 3), Attempt(stranger)):
            assert isinstance(await lab.only(attempt), Receipt)
            assert isinstance((await lab.find(attempt))[0], Found)

    contact = lab.contact
    lab(scenario, ready=False)


def test_both_pages_name_the_same_scopes():
    pages = [
        (Path(__file__).parents[2] / f"docs/setup/zoho{lang}.md").read_text(encoding="utf-8") for lang in ("", ".zh")
    ]
    english, chinese = (set(re.findall(r"Zoho(?:CRM|Search)\.[\w.]+", page)) for page in pages)
    assert english == chinese
    assert set(scopes_of_the_page()) <= english
