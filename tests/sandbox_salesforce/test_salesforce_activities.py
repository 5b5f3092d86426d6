"""Tasks, opportunities, and what people do: merge, convert, archive."""
# ruff: noqa: S608 - SOQL for a simulated org, made of its own ids

from datetime import datetime

import pytest


def test_a_task_gets_defaults_and_follows_its_status(on_site):
    async def scenario(site):
        made = await site.create("Task", Subject="Call")
        row = site.org.record(made)
        assert (row["Status"], row["Priority"], row["TaskSubtype"], row["OwnerId"]) == (
            "Not Started",
            "Normal",
            "Task",
            site.user,
        )
        assert (row["IsClosed"], row["CompletedDateTime"]) == (False, None)
        await site.call("PATCH", f"sobjects/Task/{made}", {"Status": "Completed", "Priority": "High"})
        row = site.org.record(made)
        assert (row["IsClosed"], row["IsHighPriority"]) == (True, True)
        assert row["CompletedDateTime"] == site.org.state.stamp()
        await site.call("PATCH", f"sobjects/Task/{made}", {"Status": "In Progress"})
        assert site.org.record(made)["CompletedDateTime"] is None
        refused = await site.refusal("PATCH", f"sobjects/Task/{made}", {"TaskSubtype": "Call"})
        assert refused[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        refused = await site.refusal("PATCH", f"sobjects/Task/{made}", {"IsClosed": True})
        assert refused[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"

    on_site(scenario)


def test_a_lead_and_another_record_cannot_share_a_task(on_site):
    async def scenario(site):
        lead, deal = site.org.add_lead("Lee", "Lee Ltd"), site.org.add_opportunity("Deal")
        body = {"Subject": "x", "WhoId": lead, "WhatId": deal}
        assert (await site.refusal("POST", "sobjects/Task", body))[1] == "FIELD_INTEGRITY_EXCEPTION"
        made = await site.create("Task", Subject="x", WhoId=lead)
        assert (await site.refusal("PATCH", f"sobjects/Task/{made}", {"WhatId": deal}))[
            1
        ] == "FIELD_INTEGRITY_EXCEPTION"

    on_site(scenario)


def test_the_account_of_a_task_comes_from_its_record_or_its_person(on_site):
    async def scenario(site):
        acme, beta = site.org.add_account("Acme"), site.org.add_account("Beta")
        li = site.org.add_contact("Li", account_id=acme)
        deal = site.org.add_opportunity("Deal", account_id=beta)

        async def account(**fields):
            return site.org.record(await site.create("Task", Subject="x", **fields))["AccountId"]

        assert await account(WhoId=li) == acme
        assert await account(WhoId=li, WhatId=deal) == beta
        assert await account(WhatId=acme) == acme
        assert await account() is None

    on_site(scenario)


def test_statuses_and_stages_are_listed_as_objects(on_site):
    async def scenario(site):
        rows = await site.rows("SELECT ApiName, IsClosed, IsDefault FROM TaskStatus ORDER BY SortOrder")
        assert rows[0] == {"ApiName": "Not Started", "IsClosed": False, "IsDefault": True}
        assert [r["ApiName"] for r in rows if r["IsClosed"]] == ["Completed"]
        stages = await site.rows(
            "SELECT ApiName, IsClosed, IsWon, DefaultProbability, ForecastCategoryName FROM OpportunityStage"
            " WHERE IsActive = true ORDER BY SortOrder"
        )
        assert len(stages) == 8
        assert stages[6] == {
            "ApiName": "Closed Won",
            "IsClosed": True,
            "IsWon": True,
            "DefaultProbability": 100.0,
            "ForecastCategoryName": "Closed",
        }
        assert [
            r["ApiName"] for r in await site.rows("SELECT ApiName FROM TaskPriority WHERE IsHighPriority = true")
        ] == ["High"]

    on_site(scenario)


def test_a_stage_moves_what_hangs_on_it_and_leaves_history_with_its_author(on_site):
    async def scenario(site):
        deal = site.org.add_opportunity("Deal", Amount=1000)
        assert (site.org.record(deal)["Probability"], site.org.record(deal)["LastStageChangeDate"]) == (10, None)
        await site.world.clock.sleep(60)
        path = f"sobjects/Opportunity/{deal}"
        await site.call("PATCH", path, {"StageName": "Closed Won"})
        row = site.org.record(deal)
        assert (row["IsClosed"], row["IsWon"], row["Probability"], row["ForecastCategory"]) == (
            True,
            True,
            100,
            "Closed",
        )
        assert (row["ExpectedRevenue"], row["LastStageChangeDate"]) == (1000, site.org.state.stamp())
        site.org.update(deal, {"StageName": "Qualification"})
        await site.call("PATCH", path, {"NextStep": "nothing moves"})
        history = await site.rows("SELECT StageName, CreatedById FROM OpportunityHistory ORDER BY Id")
        assert [(h["StageName"], h["CreatedById"]) for h in history] == [
            ("Prospecting", site.org.admin_id),
            ("Closed Won", site.user),
            ("Qualification", site.org.admin_id),
        ]
        assert (site.org.record(deal)["IsClosed"], site.org.record(deal)["IsWon"]) == (False, False)
        assert site.org.statistics()["client"]["stage_changes"] == 1
        tracked = await site.rows("SELECT Field, OldValue, NewValue FROM OpportunityFieldHistory ORDER BY Id")
        assert tracked[0] == {"Field": "StageName", "OldValue": "Prospecting", "NewValue": "Closed Won"}

    on_site(scenario)


def test_a_probability_set_by_hand_stays(on_site):
    async def scenario(site):
        deal = site.org.add_opportunity("Deal")
        await site.call("PATCH", f"sobjects/Opportunity/{deal}", {"StageName": "Value Proposition", "Probability": 33})
        assert site.org.record(deal)["Probability"] == 33

    on_site(scenario)


def test_a_foreign_stage_is_stored_unless_the_picklist_is_restricted(on_site):
    async def scenario(site):
        deal = site.org.add_opportunity("Deal")
        path = f"sobjects/Opportunity/{deal}"
        assert (await site.call("PATCH", path, {"StageName": "Invented"})).status_code == 204
        site.org.restrict_picklist("Opportunity", "StageName")
        refused = await site.refusal("PATCH", path, {"StageName": "Invented too"})
        assert refused[1] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        assert (await site.call("PATCH", path, {"StageName": "Prospecting"})).status_code == 204

    on_site(scenario)


def test_the_contact_of_a_new_deal_becomes_its_primary_role(on_site):
    async def scenario(site):
        li = site.org.add_contact("Li")
        deal = site.org.add_opportunity("Deal", contact_id=li)
        rows = await site.rows(
            f"SELECT ContactId, IsPrimary FROM OpportunityContactRole WHERE OpportunityId = '{deal}'"
        )
        assert rows == [{"ContactId": li, "IsPrimary": True}]
        refused = await site.refusal("PATCH", f"sobjects/Opportunity/{deal}", {"ContactId": li})
        assert refused[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"

    on_site(scenario)


def test_old_closed_tasks_are_archived_overnight_out_of_sight_of_queries(on_site):
    async def scenario(site):
        await site.call("GET", "limits")
        old = await site.create("Task", Subject="a", Status="Completed", ActivityDate="2025-01-01")
        await site.create("Task", Subject="b", Status="Completed", ActivityDate="2025-06-01")
        still_open = await site.create("Task", Subject="c", ActivityDate="2025-01-01")
        soql = "SELECT Id FROM Task WHERE ActivityDate < 2025-02-01 ORDER BY Id"
        assert len(await site.rows(soql)) == 2
        await site.world.clock.sleep(86400)
        await site.sign_in()
        assert await site.rows(soql) == [{"Id": still_open}]
        assert await site.rows(soql, "queryAll") == [{"Id": old}, {"Id": still_open}]
        assert await site.rows("SELECT Id FROM Task WHERE IsArchived = true", "queryAll") == [{"Id": old}]

    on_site(scenario)


def test_the_task_of_an_old_mail_is_archived_and_the_mail_is_not(on_site):
    async def scenario(site):
        await site.create("EmailMessage", Subject="old", MessageDate="2020-01-01T00:00:00Z")
        assert site.org.run_archiver() == 1
        assert await site.rows("SELECT Id FROM Task") == []
        assert len(await site.rows("SELECT Id FROM EmailMessage")) == 1
        assert site.org.statistics()["records"]["Task"] == 1

    on_site(scenario)


def test_merged_records_point_to_their_master_which_takes_what_hung_on_them(on_site):
    async def scenario(site):
        master, loser = site.org.add_contact("Li", "li@x.example"), site.org.add_contact("Li", "li2@x.example")
        task = await site.create("Task", Subject="x", WhoId=loser)
        mail = await site.create("EmailMessage", Subject="y", ToIds=[loser])
        await site.world.clock.sleep(5)
        site.org.merge(master, [loser])
        assert [r["Id"] for r in await site.rows("SELECT Id FROM Contact")] == [master]
        gone = await site.rows(
            "SELECT Id, MasterRecordId, SystemModstamp FROM Contact WHERE IsDeleted = true", "queryAll"
        )
        stamp = "2026-03-02T08:00:05.000+0000"
        assert gone == [{"Id": loser, "MasterRecordId": master, "SystemModstamp": stamp}]
        assert site.org.record(master)["SystemModstamp"] == site.org.state.stamp()
        assert site.org.record(task)["WhoId"] == master
        relation = (await site.rows(f"SELECT RelationId FROM EmailMessageRelation WHERE EmailMessageId = '{mail}'"))[0]
        assert relation["RelationId"] == master
        refused = await site.refusal("PATCH", f"sobjects/Contact/{loser}", {"Title": "x"})
        assert refused[:2] == (404, "ENTITY_IS_DELETED")

    on_site(scenario)


def test_a_converted_lead_names_its_successors_and_can_be_changed_no_more(on_site):
    async def scenario(site):
        lead = site.org.add_lead("Lee", "Lee Ltd", "lee@lee.example")
        task = await site.create("Task", Subject="x", WhoId=lead)
        await site.create("EmailMessage", Subject="y", ToIds=[lead])
        made = site.org.convert_lead(lead, opportunity_name="Deal")
        row = (
            await site.rows(
                "SELECT IsConverted, ConvertedContactId, ConvertedAccountId, ConvertedOpportunityId FROM Lead"
            )
        )[0]
        assert row == {
            "IsConverted": True,
            "ConvertedContactId": made.contact_id,
            "ConvertedAccountId": made.account_id,
            "ConvertedOpportunityId": made.opportunity_id,
        }
        contact = site.org.record(made.contact_id)
        assert (contact["Email"], contact["AccountId"]) == ("lee@lee.example", made.account_id)
        assert site.org.record(made.account_id)["Name"] == "Lee Ltd"
        assert site.org.record(task)["WhoId"] == made.contact_id
        relations = await site.rows("SELECT RelationId, RelationObjectType FROM EmailMessageRelation")
        assert relations == [{"RelationId": made.contact_id, "RelationObjectType": "Contact"}]
        assert (await site.refusal("PATCH", f"sobjects/Lead/{lead}", {"Title": "x"}))[
            1
        ] == "CANNOT_UPDATE_CONVERTED_LEAD"

    on_site(scenario)


def test_a_row_of_a_long_transaction_appears_late_with_an_older_stamp(on_site):
    async def scenario(site):
        began = site.org.state.stamp()
        await site.world.clock.sleep(300)
        made = site.org.create("Contact", {"LastName": "Late"}, at=began)
        rows = await site.rows("SELECT Id FROM Contact WHERE SystemModstamp >= 2026-03-02T08:04:00Z")
        assert rows == []
        assert await site.rows("SELECT Id FROM Contact WHERE SystemModstamp >= 2026-03-02T07:59:00Z") == [{"Id": made}]

    on_site(scenario)


def test_deleting_an_account_takes_its_people_and_deals_along(on_site):
    async def scenario(site):
        acme = site.org.add_account("Acme")
        site.org.add_contact("Li", account_id=acme)
        site.org.add_opportunity("Deal", account_id=acme)
        site.org.delete(acme)
        records = site.org.statistics()["records"]
        assert (records["Account"], records["Contact"], records["Opportunity"]) == (0, 0, 0)
        assert site.org.empty_recycle_bin() == 0
        await site.world.clock.sleep(16 * 86400)
        assert site.org.empty_recycle_bin() == 4  # the account, the contact, the deal, its first history row

    on_site(scenario)


def test_statistics_count_what_the_client_did_and_the_dump_is_json(on_site):
    async def scenario(site):
        import json

        li = site.org.add_contact("Li")
        await site.create("EmailMessage", Subject="x", ToIds=[li])
        task = await site.create("Task", Subject="y")
        await site.call("PATCH", f"sobjects/Task/{task}", {"Status": "Completed"})
        site.org.create("Task", {"Subject": "by a person"})
        found = site.org.statistics()
        assert found["records"]["Task"] == 3
        assert found["tasks"] == {"Email": 1, "Task": 2}
        assert found["client"]["created"]["Contact"] == 0
        assert found["client"]["created"]["EmailMessage"] == 1
        assert found["client"]["tasks"] == {"Email": 1, "Task": 1}
        assert found["client"]["tasks_closed"] == 1
        dump = json.loads(json.dumps(site.org.dump()))
        assert [row["Subject"] for row in dump["Task"]] == ["x", "y", "by a person"]

    on_site(scenario)


def test_a_refused_act_of_a_person_leaves_nothing(on_site):
    async def scenario(site):
        with pytest.raises(Exception, match="Required fields"):
            site.org.create("Contact", {"FirstName": "X"})
        li, li2 = site.org.add_contact("A"), site.org.add_contact("B")
        with pytest.raises(Exception, match="deleted"):
            site.org.merge(li, [li2, li])
        assert site.org.record(li2)["IsDeleted"] is False
        assert isinstance(site.org.record(li)["CreatedDate"], datetime)

    on_site(scenario)
