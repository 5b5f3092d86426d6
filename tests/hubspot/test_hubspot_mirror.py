"""Reading owners, customers and deals from the simulator: all of them, then every change, once the index shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base.errors import CursorExpired, NotPermitted, RateLimited, Transient
from connectors.base.model import RecordKind, RecordRef

LAG = 600


def person(record):
    return RecordRef(RecordKind.CONTACT, record)


def test_users_are_owners_and_those_who_left_own_nothing(lab):
    async def scenario(world):
        anna = world.host.add_user("Anna@ours.example", "Anna Ode")
        gone = world.host.add_user("gone@ours.example", "Gone Away")
        world.portal.deactivate_owner(gone)
        users = {u.id: u for u in await world.target.users()}
        assert (users[anna].name, users[anna].emails, users[anna].active) == ("Anna Ode", ("anna@ours.example",), True)
        assert users[gone].active is False
        assert len(users) == 3

    lab(scenario)


def test_more_owners_than_one_page_are_read_to_the_end(lab):
    async def scenario(world):
        for n in range(230):
            world.host.add_user(f"u{n}@ours.example", f"User {n}")
        assert len(await world.target.users()) == 231

    lab(scenario)


def test_everything_is_listed_once_in_pages_with_every_address_and_domain(lab):
    async def scenario(world):
        firm = world.portal.add_company(
            "Acme", "acme.example", hs_additional_domains="acme.example.org;shop.acme.example"
        )
        li = world.host.add_contact("Li Wei", "Li@acme.example", company=firm)
        world.portal.add_address(li, "liwei@acme.example")
        chen = world.portal.add_contact("chen@acme.example", "小明", "陈")
        many = [world.portal.add_contact(f"p{n}@acme.example") for n in range(650)]
        page = await world.target.customers(None)
        assert page.more
        assert len(page.rows) < 650
        rows, cursor = await world.everything(world.target.customers)
        assert rows.keys() >= {firm, li, chen, *many}
        assert rows[li].emails == ("li@acme.example", "liwei@acme.example")
        assert rows[li].company == RecordRef(RecordKind.COMPANY, firm)
        assert rows[chen].name == "陈小明"
        assert rows[firm].domains == ("acme.example", "acme.example.org", "shop.acme.example")
        assert rows[li].url == f"https://app.hubspot.com/contacts/7654321/record/0-1/{li}"
        assert len(cursor) < 500
        assert not world.calls("*.search")

    lab(scenario)


def test_a_lead_lends_its_contacts_address_and_is_left_out_where_there_are_none(lab):
    async def scenario(world):
        li = world.host.add_contact("Li Wei", "li@acme.example")
        lead = world.portal.add_lead("Li (Acme)", li)
        rows, _ = await world.everything(world.target.customers)
        assert (rows[lead].ref.kind, rows[lead].name) == (RecordKind.LEAD, "Li (Acme)")
        world.portal.revoke("crm.objects.leads.read", "crm.objects.leads.write")
        rows, _ = await world.everything(world.connect().customers)
        assert lead not in rows
        assert li in rows

    lab(scenario)


def test_changes_made_while_the_list_was_read_are_not_lost(lab):
    async def scenario(world):
        people = [world.portal.add_contact(f"p{n}@acme.example") for n in range(700)]
        page = await world.target.customers(None)
        world.portal.update(people[0], {"firstname": "Changed"})
        late = world.portal.add_contact("late@acme.example")
        seen = dict.fromkeys(c.ref.id for c in page.rows)
        rows, cursor = await world.everything(world.target.customers, page.cursor)
        await world.later(60)
        changed, _ = await world.everything(world.target.customers, cursor)
        assert changed[people[0]].name == "Changed"
        assert late in {**seen, **rows, **changed}

    lab(scenario)


def test_a_change_that_the_index_shows_late_is_still_told(lab):
    async def scenario(world):
        li = world.host.add_contact("Li Wei", "li@acme.example")
        _, cursor = await world.everything(world.target.customers)
        world.portal.set_lag(200)
        await world.later(100)
        world.portal.update(li, {"firstname": "Lee"})
        await world.later(10)
        seen = {}
        for _ in range(8):
            rows, cursor = await world.everything(world.target.customers, cursor)
            seen |= rows
            await world.later(60)
        assert seen[li].name == "Lee Wei"

    lab(scenario)


def test_only_what_changed_is_told_and_the_same_cursor_tells_at_least_the_same(lab):
    async def scenario(world):
        old = [world.portal.add_contact(f"p{n}@acme.example") for n in range(20)]
        await world.later(LAG)
        _, cursor = await world.everything(world.target.customers)
        await world.later(LAG)
        rows, cursor = await world.everything(world.target.customers, cursor)
        assert not rows
        world.portal.update(old[3], {"firstname": "New"})
        world.portal.add_address(old[4], "alias@acme.example")
        await world.later(60)
        for target in (world.target, world.connect()):
            rows, _ = await world.everything(target.customers, cursor)
            assert rows.keys() == {old[3], old[4]}
            assert rows[old[4]].emails == ("p4@acme.example", "alias@acme.example")

    lab(scenario)


def test_deleted_and_restored_records_are_told(lab):
    async def scenario(world):
        li = world.host.add_contact("Li Wei", "li@acme.example")
        firm = world.host.add_company("Acme", "acme.example")
        deal = world.host.add_deal("Big", contact=li)
        _, cursor = await world.everything(world.target.customers)
        _, deals = await world.everything(world.target.deals)
        for record in (li, firm, deal):
            world.host.delete_record(record)
        await world.later(60)
        rows, cursor = await world.everything(world.target.customers, cursor)
        assert (rows[li].deleted, rows[firm].deleted) == (True, True)
        rows, deals = await world.everything(world.target.deals, deals)
        assert rows[deal].deleted
        world.portal.restore(li)
        await world.later(60)
        rows, _ = await world.everything(world.target.customers, cursor)
        assert (rows[li].deleted, rows[li].emails) == (False, ("li@acme.example",))

    lab(scenario)


def test_a_full_archive_is_listed_less_often_than_a_small_one(lab):
    async def scenario(world):
        for n in range(450):
            world.portal.archive(world.portal.add_contact(f"p{n}@acme.example"))
        _, cursor = await world.everything(world.target.customers)
        await world.later(LAG)
        rows, cursor = await world.everything(world.target.customers, cursor)
        assert sum(c.deleted for c in rows.values()) == 450
        li = world.portal.add_contact("li@acme.example")
        world.portal.archive(li)
        world.world.requests.clear()
        await world.later(30)
        rows, cursor = await world.everything(world.target.customers, cursor)
        assert li not in rows
        assert not world.calls("contacts.list")
        await world.later(300)
        rows, _ = await world.everything(world.target.customers, cursor)
        assert rows[li].deleted

    lab(scenario)


def test_merged_records_are_told_with_their_winner(lab):
    async def scenario(world):
        one, two = world.host.add_contact("Li", "li@acme.example"), world.host.add_contact("Wei", "wei@acme.example")
        firms = world.host.add_company("Acme", "acme.example"), world.host.add_company("Acme Ltd", "acme.example.org")
        await world.later(LAG)
        _, cursor = await world.everything(world.target.customers)
        new, firm = world.host.merge_contacts(one, two), world.portal.merge(*firms)
        await world.later(60)
        rows, _ = await world.everything(world.target.customers, cursor)
        assert rows[one].merged_into == rows[two].merged_into == person(new)
        assert rows[firms[0]].merged_into == RecordRef(RecordKind.COMPANY, firm)
        assert set(rows[new].emails) == {"li@acme.example", "wei@acme.example"}
        again, _ = await world.everything(world.target.customers)
        assert again[one].merged_into == person(new)

    lab(scenario)


# ------------------------------------------------------------------------------------------------------- large changes


def test_more_changes_than_a_search_shows_are_all_told(lab):
    async def scenario(world):
        _, cursor = await world.everything(world.target.customers)
        await world.later(LAG)
        made = set()
        for n in range(1100):
            made.add(world.portal.add_contact(f"p{n}@acme.example"))
            if n % 10 == 9:
                await world.later(0.01)
        await world.later(60)
        rows, _ = await world.everything(world.target.customers, cursor)
        assert rows.keys() >= made

    lab(scenario)


def test_more_changes_of_one_instant_than_a_page_are_all_told_and_reading_goes_on(lab):
    async def scenario(world):
        _, cursor = await world.everything(world.target.customers)
        await world.later(LAG)
        instant = {world.portal.add_contact(f"p{n}@acme.example") for n in range(900)}  # a bulk import
        await world.later(5)
        after = world.portal.add_contact("after@acme.example")
        await world.later(60)
        rows, cursor = await world.everything(world.target.customers, cursor, most=60)
        assert rows.keys() >= instant | {after}
        assert world.calls("contacts.search") < 20

    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- deals


def test_deals_come_with_stage_pipeline_people_and_primary_company(lab):
    async def scenario(world):
        first, second = world.host.add_company("First"), world.host.add_company("Second")
        li, chen = world.host.add_contact("Li", "li@acme.example"), world.host.add_contact("Chen", "c@acme.example")
        owner = world.host.add_user("anna@ours.example", "Anna Ode")
        deal = world.host.add_deal("Big", contact=li, stage="contractsent", owner=owner)
        world.portal.associate(deal, chen)
        world.portal.associate(deal, first)
        world.portal.associate(deal, second, 5)
        won, lost = world.host.add_deal("Won", stage="closedwon"), world.host.add_deal("Lost", stage="closedlost")
        rows, cursor = await world.everything(world.target.deals)
        await world.later(60)
        world.portal.update(deal, {"dealname": "Bigger"})
        await world.later(60)
        changed, _ = await world.everything(world.target.deals, cursor)
        for row in (rows[deal], changed[deal]):
            assert (row.pipeline, row.stage, row.closed, row.owner) == ("default", "contractsent", False, owner)
            assert row.contacts == tuple(sorted((person(li), person(chen)), key=lambda r: int(r.id)))
            assert row.company == RecordRef(RecordKind.COMPANY, second)
        assert changed[deal].name == "Bigger"
        assert [(rows[d].closed, rows[d].won) for d in (won, lost)] == [(True, True), (True, False)]
        assert rows[won].contacts == ()

    lab(scenario)


def test_a_listing_asks_for_no_deals_people_one_by_one(lab):
    async def scenario(world):
        for n in range(120):
            world.host.add_deal(f"D{n}", contact=world.host.add_contact("P", f"p{n}@acme.example"))
        world.host.add_deal("Alone")
        rows, _ = await world.everything(world.target.deals)
        assert len(rows) == 121
        assert not world.calls("associations.*")

    lab(scenario)


def test_a_new_person_on_a_deal_is_a_change_of_it(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big")
        await world.later(LAG)
        _, cursor = await world.everything(world.target.deals)
        li = world.host.add_contact("Li", "li@acme.example")
        world.portal.associate(deal, li)
        await world.later(60)
        rows, _ = await world.everything(world.target.deals, cursor)
        assert rows[deal].contacts == (person(li),)

    lab(scenario)


# ---------------------------------------------------------------------------------------------------------- questions


def test_records_are_found_by_any_address_and_domain_now(lab):
    async def scenario(world):
        firm = world.portal.add_company("Acme", "acme.example", hs_additional_domains="acme.example.org")
        li, chen = world.host.add_contact("Li", "li@acme.example"), world.host.add_contact("Chen", "c@acme.example")
        world.portal.add_address(chen, "chen@home.example")
        await world.later(60)
        fresh = world.host.add_contact("New", "new@acme.example")  # no search shows it yet
        addresses = ["LI@acme.example", "chen@home.example", "new@acme.example", "no@where.example"]
        found = await world.target.find_customers(addresses, ["acme.example.org", "nothing.example"])
        assert {c.ref.id for c in found} == {firm, li, chen, fresh}
        assert await world.target.find_customers([], []) == ()
        assert await world.target.find_customers(["x" * 300 + "@acme.example"], ["acme.example"])

    lab(scenario)


def test_an_empty_question_costs_no_call(lab):
    async def scenario(world):
        assert await world.target.find_customers([], []) == ()
        assert not world.calls()

    lab(scenario)


def test_many_addresses_and_domains_fit_the_searches(lab):
    async def scenario(world):
        li = world.host.add_contact("Li", "li@acme.example")
        firms = [world.host.add_company(f"F{n}", f"{'long-name-' * 4}{n}.example") for n in range(90)]
        world.portal.catch_up_search()
        addresses = [f"p{n}@{'x' * 60}.example" for n in range(220)] + ["li@acme.example"]
        found = await world.target.find_customers(addresses, [f"{'long-name-' * 4}{n}.example" for n in range(90)])
        assert {c.ref.id for c in found} == {li, *firms}
        # Those that no record bears as its first address may be somebody's further one.
        assert world.calls("contacts.search") == 44

    lab(scenario)


# -------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "cursor",
    ["", "[]", "{}", "nonsense", '{"v":2,"at":{}}', '{"v":1,"at":{"contacts":["l","",0]}}', '{"v":1,"at":{"deals":1}}'],
)
def test_an_unusable_cursor_is_expired(lab, cursor):
    async def scenario(world):
        for feed in (world.target.customers, world.target.deals):
            with pytest.raises(CursorExpired):
                await feed(cursor)

    lab(scenario)


def test_a_cursor_older_than_the_archive_is_expired(lab):
    async def scenario(world):
        _, cursor = await world.everything(world.target.customers)
        await world.later(timedelta(days=86).total_seconds())
        with pytest.raises(CursorExpired):
            await world.target.customers(cursor)

    lab(scenario)


def test_a_page_token_that_hubspot_no_longer_knows_is_expired_but_a_refused_first_page_is_not(lab):
    async def scenario(world):
        for n in range(700):
            world.portal.add_contact(f"p{n}@acme.example")
        page = await world.target.customers(None)
        body = json.loads(page.cursor)
        body["at"]["contacts"][1] = "no-such-token"
        with pytest.raises(CursorExpired):
            await world.target.customers(json.dumps(body))

    lab(scenario)


def test_a_search_that_fails_tells_nothing_and_the_cursor_stays(lab):
    async def scenario(world):
        li = world.host.add_contact("Li", "li@acme.example")
        await world.later(LAG)
        _, cursor = await world.everything(world.target.customers)
        world.portal.update(li, {"firstname": "Lee"})
        await world.later(60)
        for effect in ("html", "truncated", "lost_reply", "status"):
            world.fault("contacts.search", effect, times=4, status=503)
            with pytest.raises(Transient):
                await world.target.customers(cursor)
            world.world.faults.clear()
        rows, _ = await world.everything(world.target.customers, cursor)
        assert rows[li].name == "Lee"

    lab(scenario)


def test_searches_keep_within_the_accounts_five_a_second(lab):
    async def scenario(world):
        await world.target.check()
        for n in range(8):
            await world.target.find_customers([f"p{n}@acme.example"], [f"d{n}.example"])
        refused = [r for r in world.world.requests.records if r.status == 429]
        assert not refused

    lab(scenario)


def test_a_used_up_day_is_told_until_midnight_of_the_account_and_the_reserve_is_left_to_others(lab):
    async def scenario(world):
        await world.target.check()
        world.portal.set_limits(daily=1000)
        world.portal.set_daily_used(1000)
        with pytest.raises(RateLimited) as told:
            await world.target.users()
        assert told.value.code == "DAILY"
        # The account is in Shanghai; virtual time begins on 2 March at 08:00 UTC.
        assert told.value.retry_at == datetime(2026, 3, 2, 16, tzinfo=UTC)
        world.portal.set_daily_used(800)
        await world.target.users()
        assert world.target.usage == pytest.approx(0.8, abs=0.01)
        world.portal.set_daily_used(940)
        with pytest.raises(RateLimited) as held:
            await world.target.users()
        assert held.value.code == "DAILY_RESERVE"
        calls = world.calls()
        with pytest.raises(RateLimited):
            await world.write(world.task(1))
        assert world.calls() == calls
        await world.later(15 * 60)
        with pytest.raises(RateLimited):  # it looks again, and finds the same
            await world.target.users()
        assert world.calls() == calls + 1

    lab(scenario)


def test_a_missing_scope_of_a_feed_is_named(lab):
    async def scenario(world):
        world.portal.revoke("crm.objects.companies.read", "crm.objects.companies.write")
        with pytest.raises(NotPermitted, match=r"crm\.objects\.companies\.read"):
            await world.target.customers(None)

    lab(scenario)
