"""The mirror: everything once, then every change once it can be seen, on the simulator."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base.errors import CursorExpired, NotPermitted
from connectors.base.model import RecordKind, RecordRef


def test_the_first_listing_holds_contacts_open_leads_and_accounts(lab):
    async def scenario(lab):
        acme = lab.org.add_account("Acme", Website="https://www.acme.example/shop")
        li = lab.org.add_contact("Li", "Li@acme.example", account_id=acme)
        new = lab.org.add_lead("Wang", "Neu GmbH", "wang@neu.example")
        done = lab.org.add_lead("Old", "Old GmbH", "old@neu.example")
        lab.org.convert_lead(done)
        gone = lab.org.add_contact("Gone", "gone@acme.example")
        lab.org.delete(gone)
        rows, _ = await lab.everything(lab.target.customers)
        assert rows[li].emails == ("li@acme.example",)
        assert rows[li].company == RecordRef(RecordKind.COMPANY, acme)
        assert rows[acme].domains == ("acme.example",)
        assert rows[new].ref.kind is RecordKind.LEAD
        assert done not in rows
        assert gone not in rows
        assert rows[li].url == f"https://{lab.org.my_domain}/{li}"

    lab(scenario)


@pytest.mark.parametrize("page_size", [1, 2, 3, 7])
def test_rows_with_one_stamp_are_all_read_whatever_the_page(lab, page_size):
    async def scenario(lab):
        made = {lab.org.add_contact(f"C{n}", f"c{n}@acme.example") for n in range(8)}
        rows, cursor = await lab.everything(lab.target.customers)
        assert set(rows) == made
        await lab.later(3600)
        for record in sorted(made):
            lab.org.update(record, {"Title": "Buyer"})
        await lab.later(5)
        rows, _ = await lab.everything(lab.target.customers, cursor)
        assert set(rows) == made

    lab(scenario, page_size=page_size)


def test_later_rounds_bring_only_what_changed(lab):
    async def scenario(lab):
        lab.org.add_contact("Old", "old@acme.example")
        _, cursor = await lab.everything(lab.target.customers)
        await lab.later(3600)
        _, cursor = await lab.everything(lab.target.customers, cursor)
        await lab.later(3600)
        rows, cursor = await lab.everything(lab.target.customers, cursor)
        assert rows == {}
        before = lab.calls(kind="read")
        await lab.target.customers(cursor)
        assert lab.calls(kind="read") - before == 3  # one question an object

    lab(scenario)


def test_a_row_that_becomes_visible_late_with_an_older_stamp_is_not_lost(lab):
    async def scenario(lab):
        _, cursor = await lab.everything(lab.target.customers)
        await lab.later(3600)
        lab.org.add_contact("Early", "early@acme.example")
        rows, cursor = await lab.everything(lab.target.customers, cursor)
        assert len(rows) == 1
        # A transaction of ten minutes commits now, with the stamp of its beginning.
        late = lab.org.create("Contact", {"LastName": "Late"}, at=lab.clock.now() - timedelta(minutes=10))
        await lab.later(60)
        rows, _ = await lab.everything(lab.target.customers, cursor)
        assert late in rows

    lab(scenario)


def test_deletion_merge_and_conversion_come_as_changes(lab):
    async def scenario(lab):
        keep, lose, drop = (lab.org.add_contact(n, f"{n}@acme.example") for n in ("keep", "lose", "drop"))
        stranger = lab.org.add_lead("Wang", "Neu GmbH", "wang@neu.example")
        _, cursor = await lab.everything(lab.target.customers)
        await lab.later(3600)
        lab.org.merge(keep, [lose])
        lab.org.delete(drop)
        made = lab.org.convert_lead(stranger)
        rows, _ = await lab.everything(lab.target.customers, cursor)
        assert rows[lose].merged_into == RecordRef(RecordKind.CONTACT, keep)
        assert rows[drop].deleted
        assert rows[drop].merged_into is None
        assert rows[stranger].merged_into == RecordRef(RecordKind.CONTACT, made.contact_id)
        assert rows[made.contact_id].emails == ("wang@neu.example",)

    lab(scenario)


def test_a_change_during_the_first_listing_is_seen_in_the_next_round(lab):
    async def scenario(lab):
        first, last = lab.org.add_contact("A", "a@acme.example"), lab.org.add_contact("B", "b@acme.example")
        page = await lab.target.customers(None)
        assert page.more
        lab.org.delete(first)
        lab.org.update(last, {"Email": "new@acme.example"})
        rows, cursor = await lab.everything(lab.target.customers, page.cursor)
        await lab.later(60)
        again, _ = await lab.everything(lab.target.customers, cursor)
        assert again[first].deleted
        assert (rows | again)[last].emails == ("new@acme.example",)

    lab(scenario, page_size=1)


def test_every_address_field_of_the_org_counts(lab):
    async def scenario(lab):
        lab.org.add_custom_field("Contact", "Private_Email__c", type="Email", grant_to=[lab.me])
        lab.org.add_custom_field("Contact", "Hidden_Email__c", type="Email")
        li = lab.org.add_contact(
            "Li", "li@acme.example", Private_Email__c="li@home.example", Hidden_Email__c="x@y.example"
        )
        rows, _ = await lab.everything(lab.target.customers)
        assert rows[li].emails == ("li@acme.example", "li@home.example")
        (found,) = await lab.target.find_customers(["li@home.example"], [])
        assert found.ref.id == li

    lab(scenario)


def test_a_cursor_from_before_the_recycle_bin_was_emptied_is_refused(lab):
    async def scenario(lab):
        _, cursor = await lab.everything(lab.target.customers)
        await lab.later(15 * 86400)
        with pytest.raises(CursorExpired):
            await lab.target.customers(cursor)

    lab(scenario)


def test_hidden_leads_are_left_out_and_listed_once_they_can_be_seen(lab):
    async def scenario(lab):
        li = lab.org.add_contact("Li", "li@acme.example")
        wang = lab.org.add_lead("Wang", "Acme", "wang@acme.example")
        lab.org.close_object(lab.me, "Lead")
        rows, cursor = await lab.everything(lab.target.customers)
        assert set(rows) == {li}
        assert {c.ref.id for c in await lab.target.find_customers(["li@acme.example", "wang@acme.example"], [])} == {li}
        lab.org.close_object(lab.me, "Lead", "")
        await lab.target.check()
        with pytest.raises(CursorExpired):
            await lab.target.customers(cursor)
        rows, _ = await lab.everything(lab.target.customers)
        assert set(rows) == {li, wang}

    lab(scenario)


def test_without_contacts_there_is_no_mirror_and_the_object_is_named(lab):
    async def scenario(lab):
        lab.org.close_object(lab.me, "Contact")
        with pytest.raises(NotPermitted, match="Contact"):
            await lab.everything(lab.target.customers)

    lab(scenario)


def test_without_contact_roles_deals_come_with_their_account(lab):
    async def scenario(lab):
        acme = lab.org.add_account("Acme")
        deal = lab.org.add_opportunity("Pumps", account_id=acme)
        lab.org.close_object(lab.me, "OpportunityContactRole")
        rows, _ = await lab.everything(lab.target.deals)
        assert rows[deal].company == RecordRef(RecordKind.COMPANY, acme)

    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- deals


def test_open_deals_come_first_and_closed_ones_as_changes(lab):
    async def scenario(lab):
        acme = lab.org.add_account("Acme")
        li = lab.org.add_contact("Li", "li@acme.example", account_id=acme)
        deal = lab.org.add_opportunity("Pumps", account_id=acme, contact_id=li)
        lost = lab.org.add_opportunity("Old", stage="Closed Lost")
        lab.org.create("OpportunityContactRole", {"OpportunityId": deal, "ContactId": li, "IsPrimary": True})
        rows, cursor = await lab.everything(lab.target.deals)
        assert lost not in rows
        assert rows[deal].contacts == (RecordRef(RecordKind.CONTACT, li),)
        assert rows[deal].company == RecordRef(RecordKind.COMPANY, acme)
        assert (rows[deal].stage, rows[deal].pipeline, rows[deal].closed) == ("Prospecting", "default", False)
        await lab.later(3600)
        lab.org.update(deal, {"StageName": "Closed Won"})
        rows, cursor = await lab.everything(lab.target.deals, cursor)
        assert (rows[deal].closed, rows[deal].won) == (True, True)
        await lab.later(3600)
        lab.org.delete(deal)
        rows, _ = await lab.everything(lab.target.deals, cursor)
        assert rows[deal].deleted

    lab(scenario)


def test_a_role_added_or_taken_away_changes_the_deal(lab):
    async def scenario(lab):
        li, wang = lab.org.add_contact("Li"), lab.org.add_contact("Wang")
        deal = lab.org.add_opportunity("Pumps")
        _, cursor = await lab.everything(lab.target.deals)
        await lab.later(3600)
        role = lab.org.create("OpportunityContactRole", {"OpportunityId": deal, "ContactId": li})
        rows, cursor = await lab.everything(lab.target.deals, cursor)
        assert [c.id for c in rows[deal].contacts] == [li]
        await lab.later(3600)
        lab.org.delete(role)
        lab.org.create("OpportunityContactRole", {"OpportunityId": deal, "ContactId": wang})
        rows, _ = await lab.everything(lab.target.deals, cursor)
        assert [c.id for c in rows[deal].contacts] == [wang]

    lab(scenario)


def test_many_deals_keep_their_roles_over_pages(lab):
    async def scenario(lab):
        people = [lab.org.add_contact(f"C{n}") for n in range(7)]
        deals = {}
        for n, person in enumerate(people):
            deals[lab.org.add_opportunity(f"D{n}")] = person
        for deal, person in deals.items():
            lab.org.create("OpportunityContactRole", {"OpportunityId": deal, "ContactId": person})
        rows, _ = await lab.everything(lab.target.deals)
        assert {d: rows[d].contacts[0].id for d in deals} == deals

    lab(scenario, page_size=2)


# --------------------------------------------------------------------------------------------------------- users, find


def test_users_come_with_all_addresses_inactive_ones_too(lab):
    async def scenario(lab):
        anna = lab.org.add_user("anna@ours.example.prod", email="Anna@ours.example", first_name="Anna", last_name="Li")
        left = lab.org.add_user("left@ours.example", active=False)
        users = {u.id: u for u in await lab.target.users()}
        assert users[anna].emails == ("anna@ours.example", "anna@ours.example.prod")
        assert users[anna].name == "Anna Li"
        assert (users[anna].active, users[left].active) == (True, False)

    lab(scenario)


def test_find_asks_for_addresses_and_domains_exactly(lab):
    async def scenario(lab):
        acme = lab.org.add_account("Acme", Website="www.acme.example")
        lab.org.add_account("Other", Website="www.notacme.example")
        li = lab.org.add_contact("O'Li", "o'li@acme.example")
        wang = lab.org.add_lead("Wang", "Acme", "wang@acme.example")
        old = lab.org.add_lead("Old", "Acme", "old@acme.example")
        lab.org.convert_lead(old, account_id=acme)
        addresses = ["o'li@acme.example", "WANG@acme.example".lower(), "old@acme.example", "no\\body@x.example"]
        found = {c.ref.id for c in await lab.target.find_customers(addresses, ["acme.example"])}
        converted = lab.rows("SELECT ConvertedContactId FROM Lead WHERE IsConverted = true")[0]["ConvertedContactId"]
        assert found == {acme, li, wang, converted}

    lab(scenario)


def test_an_empty_question_costs_no_call(lab):
    async def scenario(lab):
        assert await lab.target.find_customers([], []) == ()
        assert await lab.target.find_written([]) == ()
        assert await lab.target.write_many([]) == ()
        assert lab.calls() == 0

    lab(scenario)


def test_a_long_question_is_asked_in_pieces(lab):
    async def scenario(lab):
        addresses = [f"person.number{n}@a-rather-long-domain-name.example" for n in range(600)]
        made = lab.org.add_contact("Last", addresses[-1])
        (found,) = await lab.target.find_customers(addresses, [])
        assert found.ref.id == made

    lab(scenario)
