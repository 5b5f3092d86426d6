"""The read side on the simulator: everything once, changes, conversions, merges, deletions, paging beyond every limit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base.errors import (
    AuthFailed,
    ConnectorError,
    CursorExpired,
    NotPermitted,
    RateLimited,
    Transient,
)
from connectors.base.model import RecordKind, RecordRef


async def error_of(awaitable):
    try:
        await awaitable
    except ConnectorError as error:
        return error
    raise AssertionError("nothing was raised")


def many(lab, number, **values):
    account = lab.org.add_account("Acme", "https://acme.example")
    return [lab.org.add_contact(f"Li {n}", f"li{n}@acme.example", account, **values) for n in range(number)]


def test_every_page_is_read_in_the_order_of_ids(lab):
    async def scenario(lab):
        ids = many(lab, 23)
        lead = lab.org.add_lead("Omar", "Bazaar", "omar@bazaar.example")
        rows, _ = await lab.everything(lab.target.customers)
        assert {r for r in rows if rows[r].ref.kind is RecordKind.CONTACT} == set(ids)
        assert rows[lead].emails == ("omar@bazaar.example",)
        assert {c.domains for c in rows.values() if c.ref.kind is RecordKind.COMPANY} == {("acme.example",)}

    lab(scenario, page_size=5)


def test_an_empty_organisation_answers_204_and_is_read(lab):
    async def scenario(lab):
        rows, cursor = await lab.everything(lab.target.customers)
        assert rows == {}
        assert await lab.everything(lab.target.customers, cursor) == ({}, (await lab.target.customers(cursor)).cursor)

    lab(scenario)


def test_only_what_changed_is_told_and_an_idle_round_costs_a_call_a_list(lab):
    async def scenario(lab):
        ids = many(lab, 3)
        _, cursor = await lab.everything(lab.target.customers)
        await lab.later(3600)
        _, cursor = await lab.everything(lab.target.customers, cursor)
        await lab.later(3600)
        lab.org.update("Contacts", ids[1], {"Secondary_Email": "wei@private.example"})
        before = lab.calls()
        rows, cursor = await lab.everything(lab.target.customers, cursor)
        assert lab.calls() - before <= 8
        assert set(rows) == {ids[1]}
        assert rows[ids[1]].emails == ("li1@acme.example", "wei@private.example")

    lab(scenario)


def test_a_change_while_a_round_is_read_is_not_lost(lab):
    async def scenario(lab):
        ids = many(lab, 12)
        page = await lab.target.customers(None)
        await lab.later(30)
        lab.org.update("Contacts", ids[0], {"Email": "new@acme.example"})
        rows, cursor = await lab.everything(lab.target.customers, page.cursor)
        await lab.later(60)
        rows, _ = await lab.everything(lab.target.customers, cursor)
        assert rows[ids[0]].emails == ("new@acme.example",)

    lab(scenario, page_size=5)


def test_a_converted_lead_is_not_listed_and_points_to_its_contact_once_it_changes(lab):
    async def scenario(lab):
        old = lab.org.add_lead("Ann", "Ann Ltd", "ann@ann.example")
        lab.org.convert_lead(old)
        lead = lab.org.add_lead("Omar", "Bazaar", "omar@bazaar.example")
        rows, cursor = await lab.everything(lab.target.customers)
        assert old not in rows
        await lab.later(3600)
        made = lab.org.convert_lead(lead)
        await lab.later(5)
        rows, _ = await lab.everything(lab.target.customers, cursor)
        assert rows[lead].merged_into == RecordRef(RecordKind.CONTACT, made["Contacts"]["id"])
        assert not await lab.target.find_customers(["nobody@x.example"], [])
        found = await lab.target.find_customers(["omar@bazaar.example"], [])
        assert [c.ref.id for c in found if c.merged_into is None] == [made["Contacts"]["id"]]

    lab(scenario)


def test_deleted_and_merged_records_are_told_as_deleted(lab):
    async def scenario(lab):
        first, second, third = many(lab, 3)
        deal = lab.org.add_deal("Big", "", first, "Qualification")
        _, cursor = await lab.everything(lab.target.customers)
        _, deals = await lab.everything(lab.target.deals)
        await lab.later(60)
        lab.org.delete(first)
        lab.org.merge("Contacts", second, third)
        lab.org.delete(deal)
        await lab.later(5)
        rows, _ = await lab.everything(lab.target.customers, cursor)
        assert {r for r in rows if rows[r].deleted} == {first, third}
        rows, _ = await lab.everything(lab.target.deals, deals)
        assert rows[deal].deleted

    lab(scenario)


def test_many_deletions_are_read_to_the_end(lab):
    async def scenario(lab):
        ids = many(lab, 210)
        _, cursor = await lab.everything(lab.target.customers)
        await lab.later(60)
        for record in ids:
            lab.org.delete(record)
        rows, _ = await lab.everything(lab.target.customers, cursor)
        assert sum(r.deleted for r in rows.values()) == 210

    lab(scenario)


def test_deals_tell_stage_pipeline_company_and_contact(lab):
    async def scenario(lab):
        account, li = lab.acme()
        won = lab.org.add_deal("Old", account, li, "Closed Won")
        deal = lab.org.add_deal("Big", account, li, "Qualification")
        rows, _ = await lab.everything(lab.target.deals)
        assert (rows[won].closed, rows[won].won) == (True, True)
        one = rows[deal]
        assert (one.stage, one.closed, one.pipeline) == ("Qualification", False, "Standard (Standard)")
        assert one.company == RecordRef(RecordKind.COMPANY, account)
        assert one.contacts == (RecordRef(RecordKind.CONTACT, li),)
        assert one.url.endswith(f"/tab/Potentials/{deal}")

    lab(scenario)


def test_every_user_is_told_the_inactive_too(lab):
    async def scenario(lab):
        gone = lab.org.add_user("anna@ours.example", "Anna")
        lab.org.deactivate_user(gone)
        users = {u.id: u for u in await lab.target.users()}
        assert users[lab.me].active
        assert (users[gone].active, users[gone].emails) == (False, ("anna@ours.example",))

    lab(scenario)


# -------------------------------------------------------------------------------------------------------------- paging


@pytest.mark.parametrize(
    "code",
    ["EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH", "PAGINATION_LIMIT_EXCEEDED", "DISCRETE_PAGINATION_LIMIT_EXCEEDED"],
)
def test_where_page_tokens_end_the_list_goes_on_by_id(lab, code):
    async def scenario(lab):
        ids = many(lab, 23)
        page = await lab.target.customers(None)
        lab.fault("get_records", "status", status=400, code=code)
        rows, _ = await lab.everything(lab.target.customers, page.cursor)
        told = {c.ref.id for c in page.rows} | set(rows)
        assert set(ids) <= told
        assert lab.calls("coql") >= 1

    lab(scenario, page_size=5)


def test_a_position_kept_for_a_day_outlives_its_page_token(lab):
    async def scenario(lab):
        ids = many(lab, 23)
        page = await lab.target.customers(None)
        await lab.later(timedelta(hours=25).total_seconds())
        rows, _ = await lab.everything(lab.target.customers, page.cursor)
        assert set(ids) <= {c.ref.id for c in page.rows} | set(rows)

    lab(scenario, page_size=5)


def test_a_first_page_that_is_refused_is_an_expired_cursor(lab):
    async def scenario(lab):
        lab.fault("get_records", "status", status=400, code="EXPIRED_VALUE")
        assert type(await error_of(lab.target.customers(None))) is CursorExpired

    lab(scenario)


@pytest.mark.parametrize("cursor", ["", "x", '{"v":1,"at":{}}'])
def test_a_cursor_that_is_none_is_expired(lab, cursor):
    async def scenario(lab):
        assert type(await error_of(lab.target.customers(cursor))) is CursorExpired
        assert type(await error_of(lab.target.deals(cursor))) is CursorExpired

    lab(scenario)


def test_a_position_older_than_deletions_are_kept_is_expired(lab):
    async def scenario(lab):
        many(lab, 1)
        _, cursor = await lab.everything(lab.target.customers)
        await lab.later(timedelta(days=31).total_seconds())
        assert type(await error_of(lab.target.customers(cursor))) is CursorExpired

    lab(scenario)


# ------------------------------------------------------------------------------------------------------------- finding


def test_customers_are_found_now_by_any_address_and_by_domain(lab):
    async def scenario(lab):
        account = lab.org.add_account("Acme", "www.acme.example")
        other = lab.org.add_account("Acme Two", "https://notacme.example")
        li = lab.org.add_contact("Li", "li@acme.example", account, "", Secondary_Email="wei@private.example")
        omar = lab.org.add_lead("Omar", "Bazaar", "omar@bazaar.example")
        found = await lab.target.find_customers(["wei@private.example", "omar@bazaar.example"], ["acme.example"])
        assert {c.ref.id for c in found} == {li, omar, account}
        assert other not in {c.ref.id for c in found}
        assert lab.calls("search_records") == 0

    lab(scenario)


def test_a_hundred_addresses_are_few_queries_and_odd_ones_break_none(lab):
    async def scenario(lab):
        ids = many(lab, 101)
        asked = [f"li{n}@acme.example" for n in range(101)] + ["o'brien@x.example", "back\\slash@x.example"]
        found = await lab.target.find_customers(asked, [])
        assert {c.ref.id for c in found} == set(ids)
        assert lab.calls("coql") == 6  # three chunks of contacts and of leads

    lab(scenario)


def test_more_than_one_page_of_hits_is_found_too(lab):
    async def scenario(lab):
        ids = [lab.org.add_contact(f"Li {n}", "sales@acme.example") for n in range(205)]
        found = await lab.target.find_customers(["sales@acme.example"], [])
        assert {c.ref.id for c in found} == set(ids)

    lab(scenario)


def test_an_empty_question_costs_no_call(lab):
    async def scenario(lab):
        assert await lab.target.find_customers([], []) == ()
        assert lab.calls() == 0

    lab(scenario)


# ------------------------------------------------------------------------------------------------------------- trouble


@pytest.mark.parametrize("effect", ["html", "truncated", "lost_request", "reset", "status"])
@pytest.mark.parametrize("operation", ["get_records", "deleted_records", "coql", "get_users"])
def test_one_failure_of_a_question_is_overcome(lab, operation, effect):
    async def scenario(lab):
        many(lab, 2)
        _, cursor = await lab.everything(lab.target.customers)
        lab.fault(operation, effect, status=502)
        try:
            await lab.everything(lab.target.customers, cursor)
            await lab.target.find_customers(["li0@acme.example"], [])
            assert await lab.target.users()
        except Transient:
            assert effect in {"truncated", "lost_request"}  # no JSON, and a minute that is over: the engine asks again

    lab(scenario)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "", AuthFailed),
        (403, "", NotPermitted),
        (429, "", RateLimited),
        (503, "", Transient),
        (400, "INVALID_MODULE", NotPermitted),
    ],
)
def test_a_feed_that_fails_raises_and_tells_no_empty_page(lab, status, code, kind):
    async def scenario(lab):
        many(lab, 2)
        await lab.target.check()
        lab.fault("get_records", "status", status=status, code=code, times=99)
        error = await error_of(lab.target.customers(None))
        assert type(error) is kind
        assert error.operation == "get_records"
        assert error.hint

    lab(scenario)


def test_without_leads_the_rest_is_read_and_without_contacts_the_module_is_named(lab):
    async def scenario(lab):
        many(lab, 2)
        lab.org.state.schema.modules.pop("Leads")
        rows, _ = await lab.everything(lab.target.customers)
        assert len(rows) == 3
        assert await lab.target.find_customers(["li0@acme.example"], [])
        target = lab.connect()
        lab.org.state.schema.modules.pop("Contacts")
        error = await error_of(target.customers(None))
        assert (type(error), "Contacts" in error.hint) == (NotPermitted, True)
        await target.close()

    lab(scenario)


# ------------------------------------------------------------------------------------------------------------- credits


def test_usage_is_told_from_half_on_and_the_reserve_is_left(lab):
    async def scenario(lab):
        await lab.target.check()
        assert lab.target.usage == 0
        lab.org.set_credits_used(int(lab.org.credits * 0.7))
        await lab.target.users()
        assert lab.target.usage == pytest.approx(0.7, abs=0.01)
        lab.org.set_credits_used(int(lab.org.credits * 0.95))
        await lab.target.users()
        before = lab.calls()
        error = await error_of(lab.target.users())
        assert (type(error), error.code, lab.calls()) == (RateLimited, "CREDIT_RESERVE", before)
        assert error.retry_at > lab.clock.now()
        await lab.later(900)
        assert await lab.target.users()

    lab(scenario)


def test_used_up_credits_park_for_minutes_and_too_many_calls_for_seconds(lab):
    async def scenario(lab):
        await lab.target.check()
        lab.fault("get_users", "status", status=429, times=2)
        assert await lab.target.users()  # overcome within seconds
        lab.fault("get_users", "status", status=429, times=99)
        began = lab.clock.now()
        error = await error_of(lab.target.users())
        assert type(error) is RateLimited
        assert (lab.clock.now() - began).total_seconds() < 60
        for _ in range(6):
            error = await error_of(lab.target.users())
        assert (error.retry_at - lab.clock.now()).total_seconds() == pytest.approx(900)

    lab(scenario)


def test_the_day_used_up_is_told_at_once(lab):
    async def scenario(lab):
        await lab.target.check()
        lab.org.set_credits_used(lab.org.credits)
        error = await error_of(lab.target.users())
        assert type(error) is RateLimited
        assert (error.retry_at - lab.clock.now()).total_seconds() == pytest.approx(900)

    lab(scenario)
