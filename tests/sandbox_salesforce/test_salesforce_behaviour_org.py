"""What Salesforce does with values, people and rights, and a kinder sandbox would not. Each test is named for the rule
that it needs (`Strictness`); test_salesforce_lax.py proves that it fails where the sandbox is lax in that rule.
"""
# ruff: noqa: S608 - SOQL for a simulated org, made of its own ids

import httpx
import pytest

from tradepost.sandbox.kernel import Effect, Fault


def test_restricted_picklists_refuse_a_foreign_stage(on_site):
    async def scenario(site):
        deal = site.org.add_opportunity("Deal")
        path = f"sobjects/Opportunity/{deal}"
        assert (await site.call("PATCH", path, {"StageName": "Invented"})).status_code == 204
        site.org.restrict_picklist("Opportunity", "StageName")
        refused = await site.refusal("PATCH", path, {"StageName": "Invented too"})
        assert refused[1] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        assert (await site.call("PATCH", path, {"StageName": "Prospecting"})).status_code == 204

    on_site(scenario)


def test_duplicate_rules_block_or_warn_as_the_org_is_set(on_site):
    async def scenario(site):
        known = site.org.add_contact("X", "x@x.example")
        body = {"LastName": "Y", "Email": "X@x.example"}
        site.org.settings.duplicate_rules = "block"
        answer = await site.call("POST", "sobjects/Contact", body)
        assert answer.status_code == 400
        error = answer.json()[0]
        assert error["errorCode"] == "DUPLICATES_DETECTED"
        match = error["duplicateResult"]["matchResults"][0]["matchRecords"][0]
        assert match["record"]["Id"] == known
        allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
        assert (await site.call("POST", "sobjects/Contact", body, headers=allow)).status_code == 400
        site.org.settings.duplicate_rules = "alert"
        assert (await site.call("POST", "sobjects/Contact", body)).status_code == 400
        assert (await site.call("POST", "sobjects/Contact", body, headers=allow)).status_code == 201

    on_site(scenario)


def test_unmodified_since_guards_what_a_person_wrote(on_site):
    async def scenario(site):
        deal = site.org.add_opportunity("Deal")
        path = f"sobjects/Opportunity/{deal}"
        seen = {"If-Unmodified-Since": (await site.call("GET", path)).headers["Last-Modified"]}
        assert (await site.call("PATCH", path, {"NextStep": "a"}, headers=seen)).status_code == 204
        await site.world.clock.sleep(1)
        site.org.update(deal, {"NextStep": "by a person"})
        answer = await site.call("PATCH", path, {"NextStep": "b"}, headers=seen)
        assert answer.status_code == 412
        assert site.org.record(deal)["NextStep"] == "by a person"
        wrong = await site.call("PATCH", path, {"NextStep": "b"}, headers={"If-Unmodified-Since": "yesterday"})
        assert wrong.status_code == 400

    on_site(scenario)


def test_merge_moves_relations_to_the_master(on_site):
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


def test_stage_history_names_its_author(on_site):
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


def test_cascading_delete_takes_people_and_deals_along(on_site):
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


def test_session_expiry_after_two_hours_of_inactivity(on_site):
    async def scenario(site):
        for _ in range(3):
            await site.world.clock.sleep(119 * 60)
            assert (await site.call("GET", "limits")).status_code == 200
        await site.world.clock.sleep(120 * 60)
        answer = await site.call("GET", "limits")
        assert answer.status_code == 401
        assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
        assert (await site.sign_in())["status"] == 200
        assert (await site.call("GET", "limits")).status_code == 200

    on_site(scenario)


def test_late_commit_lands_after_the_client_gave_up_and_meets_the_retry(on_site):
    async def scenario(site):
        late = Fault(vendor="salesforce", operation="composite.graph", effect=Effect.LATE_COMMIT, seconds=120)
        site.world.faults.add(late)
        part = {"method": "POST", "url": "/services/data/v66.0/sobjects/EmailMessage", "referenceId": "m"}
        graph = {"graphs": [{"graphId": "g", "compositeRequest": [{**part, "body": {"Tradepost_Key__c": "k"}}]}]}
        with pytest.raises(httpx.ReadTimeout):
            await site.call("POST", "composite/graph", graph)
        assert await site.rows("SELECT Id FROM EmailMessage") == []
        await site.world.clock.sleep(120)
        assert len(await site.rows("SELECT Id FROM EmailMessage WHERE Tradepost_Key__c = 'k'")) == 1
        again = (await site.call("POST", "composite/graph", graph)).json()["graphs"][0]
        assert again["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] == "DUPLICATE_VALUE"
        assert site.org.statistics()["records"]["EmailMessage"] == 1

    on_site(scenario)


def test_object_rights_decide_whether_there_are_tasks(on_site):
    async def scenario(site):
        site.org.revoke(site.user, "EditTask")
        assert (await site.refusal("POST", "sobjects/Task", {"Subject": "x"}))[0] == 400
        assert (await site.call("GET", "sobjects/Task/describe")).json()["createable"] is False
        site.org.revoke(site.user, "ActivitiesAccess")
        assert (await site.refusal("GET", "sobjects/Task/describe"))[0] == 404

    on_site(scenario)


def test_api_enabled_is_needed(on_site):
    async def scenario(site):
        site.org.revoke(site.user, "ApiEnabled")
        assert (await site.refusal("GET", "limits"))[:2] == (403, "API_DISABLED_FOR_ORG")
        site.org.grant(site.user, "ApiEnabled")
        assert (await site.call("GET", "limits")).status_code == 200

    on_site(scenario)


def test_deactivated_user_ends_session_and_gets_no_other(on_site):
    async def scenario(site):
        site.org.deactivate_user(site.user)
        assert (await site.call("GET", "limits")).status_code == 401
        assert (await site.sign_in())["error"] == "inactive_user"

    on_site(scenario)


def test_retired_versions_are_gone(on_site):
    async def scenario(site):
        for version, status in (("31.0", 200), ("68.0", 200), ("30.0", 410), ("21.0", 410), ("69.0", 404), ("66", 404)):
            site.version = version
            assert (await site.call("GET", "limits")).status_code == status

    on_site(scenario)


def test_required_fields(on_site):
    async def scenario(site):
        for body in ({"FirstName": "X"}, {"LastName": ""}):
            answer = await site.call("POST", "sobjects/Contact", body)
            assert answer.status_code == 400
            assert answer.json() == [
                {
                    "message": "Required fields are missing: [LastName]",
                    "errorCode": "REQUIRED_FIELD_MISSING",
                    "fields": ["LastName"],
                }
            ]

    on_site(scenario)


def test_lengths_checked(on_site):
    async def scenario(site):
        refused = await site.refusal("POST", "sobjects/Contact", {"LastName": "x" * 81})
        assert refused[:2] == (400, "STRING_TOO_LONG")
        assert "Last Name: data value too large" in refused[2]
        await site.create("Contact", LastName="中" * 80)

    on_site(scenario)


def test_inactive_owner_refused(on_site):
    async def scenario(site):
        left = site.org.add_user("left@example.com", active=False)
        refused = await site.refusal("POST", "sobjects/Contact", {"LastName": "X", "OwnerId": left})
        assert refused[:2] == (400, "INACTIVE_OWNER_OR_USER")
        site.org.update(left, {"IsActive": True})
        await site.create("Contact", LastName="X", OwnerId=left)

    on_site(scenario)


def test_audit_fields_need_permission(on_site):
    async def scenario(site):
        old = {"Subject": "old", "CreatedDate": "2020-01-01T00:00:00Z"}
        assert (await site.refusal("POST", "sobjects/Task", old))[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        site.org.grant(site.user, "CreateAuditFields")
        row = site.org.record(await site.create("Task", **old))
        assert (row["CreatedDate"].year, row["LastModifiedDate"].year, row["SystemModstamp"].year) == (2020, 2020, 2026)

    on_site(scenario)


def test_validation_rules(on_site):
    async def scenario(site):
        site.org.add_validation_rule("Contact", lambda row: row.get("Title") == "x", "No x, please.")
        refused = await site.refusal("POST", "sobjects/Contact", {"LastName": "X", "Title": "x"})
        assert refused == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "No x, please.")
        await site.create("Contact", LastName="X", Title="y")

    on_site(scenario)


def test_row_locks(on_site):
    async def scenario(site):
        acme = site.org.add_account("Acme")
        site.org.lock(acme, 10)
        child = {"LastName": "X", "AccountId": acme}
        assert (await site.refusal("POST", "sobjects/Contact", child))[1] == "UNABLE_TO_LOCK_ROW"
        assert (await site.refusal("PATCH", f"sobjects/Account/{acme}", {"Phone": "1"}))[1] == "UNABLE_TO_LOCK_ROW"
        await site.create("Contact", LastName="Elsewhere")
        await site.world.clock.sleep(11)
        await site.create("Contact", **child)

    on_site(scenario)


def test_conversion_moves_relations_to_the_contact(on_site):
    async def scenario(site):
        lead = site.org.add_lead("Lee", "Lee Ltd", "lee@lee.example")
        task = await site.create("Task", Subject="x", WhoId=lead)
        await site.create("EmailMessage", Subject="y", ToIds=[lead])
        made = site.org.convert_lead(lead, opportunity_name="Deal")
        assert site.org.record(task)["WhoId"] == made.contact_id
        relations = await site.rows("SELECT RelationId, RelationObjectType FROM EmailMessageRelation")
        assert relations == [{"RelationId": made.contact_id, "RelationObjectType": "Contact"}]

    on_site(scenario)


def test_converted_leads_closed(on_site):
    async def scenario(site):
        lead = site.org.add_lead("Lee", "Lee Ltd", "lee@lee.example")
        made = site.org.convert_lead(lead, opportunity_name="Deal")
        names = ("IsConverted", "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId")
        assert [site.org.record(lead)[n] for n in names] == [
            True,
            made.contact_id,
            made.account_id,
            made.opportunity_id,
        ]
        contact = site.org.record(made.contact_id)
        assert (contact["Email"], contact["AccountId"]) == ("lee@lee.example", made.account_id)
        assert site.org.record(made.account_id)["Name"] == "Lee Ltd"
        refused = await site.refusal("PATCH", f"sobjects/Lead/{lead}", {"Title": "x"})
        assert refused[1] == "CANNOT_UPDATE_CONVERTED_LEAD"

    on_site(scenario)


async def _described(site, field):
    fields = (await site.call("GET", "sobjects/Contact/describe")).json()["fields"]
    return next((f for f in fields if f["name"] == field), None)


def test_field_security(on_site):
    async def scenario(site):
        for field in ("Title", "Tradepost_Key__c"):
            site.org.hide_field(site.user, "Contact", field)
            assert await _described(site, field) is None
        made = site.org.add_contact("X", Title="T")
        assert "Title" not in (await site.call("GET", f"sobjects/Contact/{made}")).json()
        assert (await site.refusal("PATCH", f"sobjects/Contact/{made}", {"Title": "U"}))[1] == "INVALID_FIELD"
        assert (await site.query("SELECT Title FROM Contact"))[0]["errorCode"] == "INVALID_FIELD"

    on_site(scenario)


def test_field_edit_rights(on_site):
    async def scenario(site):
        site.org.lock_field(site.user, "Contact", "Phone")
        assert (await _described(site, "Phone"))["updateable"] is False
        made = site.org.add_contact("X", Phone="1")
        assert (await site.call("GET", f"sobjects/Contact/{made}")).json()["Phone"] == "1"
        refused = await site.refusal("PATCH", f"sobjects/Contact/{made}", {"Phone": "2"})
        assert refused[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"

    on_site(scenario)


def test_sharing(on_site):
    async def scenario(site):
        made = site.org.add_contact("X")
        site.org.hide_record(made)
        assert (await site.refusal("GET", f"sobjects/Contact/{made}"))[:2] == (404, "NOT_FOUND")
        assert await site.rows("SELECT Id FROM Contact") == []
        site.org.show_record(made)
        assert await site.rows("SELECT Id FROM Contact") == [{"Id": made}]

    on_site(scenario)


def test_unseen_duplicate_unnamed(on_site):
    async def scenario(site):
        site.org.hide_record(await site.create("EmailMessage", Tradepost_Key__c="k"))
        words = (await site.refusal("POST", "sobjects/EmailMessage", {"Tradepost_Key__c": "k"}))[2]
        assert words == "duplicate value found: <unknown> duplicates value on record with id: <unknown>"

    on_site(scenario)


@pytest.mark.parametrize("minutes", [-1, 6])
def test_assertion_times(on_site, minutes):
    async def scenario(site):
        answer = await site.sign_in_jwt(minutes=minutes)
        assert answer["status"] == 400
        assert (answer["error"], answer["error_description"]) == ("invalid_grant", "expired authorization code")

    on_site(scenario, signed_in=False)


def test_preauthorised_users(on_site):
    async def scenario(site):
        site.org.client.approved.clear()
        answer = await site.sign_in_jwt()
        assert answer["status"] == 400
        words = ("invalid_grant", "user hasn't approved this consumer")
        assert (answer["error"], answer["error_description"]) == words

    on_site(scenario, signed_in=False)


def test_client_credentials_at_my_domain(on_site):
    async def scenario(site):
        form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret"}
        common = await site.http.post("https://login.salesforce.com/services/oauth2/token", data=form)
        assert common.status_code == 400
        assert common.json()["error_description"] == "request not supported on this domain"

    on_site(scenario, signed_in=False)
