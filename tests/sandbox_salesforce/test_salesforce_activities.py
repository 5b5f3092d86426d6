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


def test_a_probability_set_by_hand_stays(on_site):
    async def scenario(site):
        deal = site.org.add_opportunity("Deal")
        await site.call("PATCH", f"sobjects/Opportunity/{deal}", {"StageName": "Value Proposition", "Probability": 33})
        assert site.org.record(deal)["Probability"] == 33

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


def test_the_task_of_an_old_mail_is_archived_and_the_mail_is_not(on_site):
    async def scenario(site):
        await site.create("EmailMessage", Subject="old", MessageDate="2020-01-01T00:00:00Z")
        assert site.org.run_archiver() == 1
        assert await site.rows("SELECT Id FROM Task") == []
        assert len(await site.rows("SELECT Id FROM EmailMessage")) == 1
        assert site.org.statistics()["records"]["Task"] == 1

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
