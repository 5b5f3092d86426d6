"""Single records: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_retrieve.htm ."""

import pytest

from tradepost.sandbox.salesforce.ids import make_id, parse_id, to_18


def test_ids_have_a_checksum_that_survives_lost_case():
    assert to_18("001A0000006Vm9u") == "001A0000006Vm9uIAC"  # from the vendor's documents
    assert parse_id("001A0000006Vm9r") == to_18("001A0000006Vm9r")
    assert parse_id("001A0000006Vm9rAAA") is None
    assert parse_id("short") is None
    assert make_id("003", 5) < make_id("003", 61) < make_id("003", 62)


@pytest.mark.parametrize(
    ("sobject", "fields", "prefix"),
    [
        ("Contact", {"LastName": "X"}, "003"),
        ("Lead", {"LastName": "X", "Company": "Y"}, "00Q"),
        ("Account", {"Name": "X"}, "001"),
        ("Opportunity", {"Name": "X", "StageName": "Prospecting", "CloseDate": "2026-05-01"}, "006"),
        ("Task", {"Subject": "X"}, "00T"),
        ("EmailMessage", {"Subject": "X"}, "02s"),
    ],
)
def test_create_answers_201_with_id_location_and_the_right_prefix(on_site, sobject, fields, prefix):
    async def scenario(site):
        answer = await site.call("POST", f"sobjects/{sobject}/", fields)
        body = answer.json()
        assert (answer.status_code, body["success"], body["errors"]) == (201, True, [])
        assert parse_id(body["id"]) == body["id"]
        assert body["id"].startswith(prefix)
        assert answer.headers["Location"] == f"/services/data/v66.0/sobjects/{sobject}/{body['id']}"
        row = (await site.call("GET", f"sobjects/{sobject}/{body['id'][:15]}")).json()
        assert row["Id"] == body["id"]
        assert row["CreatedById"] == site.user
        assert row["IsDeleted"] is False

    on_site(scenario)


def test_names_of_objects_and_fields_are_read_in_any_case(on_site):
    async def scenario(site):
        made = (await site.call("POST", "sobjects/contact", {"lastname": "X", "firstNAME": "Y"})).json()["id"]
        row = (await site.call("GET", f"sobjects/CONTACT/{made}?fields=name,EMAIL")).json()
        assert row == {
            "attributes": {"type": "Contact", "url": f"/services/data/v66.0/sobjects/Contact/{made}"},
            "Name": "Y X",
            "Email": None,
            "Id": made,
        }

    on_site(scenario)


def test_update_and_delete_answer_204_and_move_the_stamp(on_site):
    async def scenario(site):
        made = await site.create("Contact", LastName="X")
        await site.world.clock.sleep(5)
        assert (await site.call("PATCH", f"sobjects/Contact/{made}", {"Title": "T"})).status_code == 204
        row = site.org.record(made)
        assert row["Title"] == "T"
        assert (row["SystemModstamp"] - row["CreatedDate"]).total_seconds() == 5
        assert (await site.call("DELETE", f"sobjects/Contact/{made}")).status_code == 204
        assert (await site.refusal("GET", f"sobjects/Contact/{made}"))[:2] == (404, "NOT_FOUND")
        assert (await site.refusal("PATCH", f"sobjects/Contact/{made}", {"Title": "U"}))[:2] == (
            404,
            "ENTITY_IS_DELETED",
        )
        assert (await site.refusal("DELETE", f"sobjects/Contact/{made}"))[:2] == (404, "ENTITY_IS_DELETED")

    on_site(scenario)


@pytest.mark.parametrize(
    ("fields", "code", "words", "named"),
    [
        ({"LastName": "X", "Email": "no"}, "INVALID_EMAIL_ADDRESS", "invalid email address: no", ["Email"]),
        ({"LastName": "X", "Nope": 1}, "INVALID_FIELD", "No such column 'Nope' on sobject of type Contact", None),
        (
            {"LastName": "X", "AccountId": "001x"},
            "MALFORMED_ID",
            "Account ID: id value of incorrect type: 001x",
            ["AccountId"],
        ),
        ({"LastName": "X", "AccountId": "USER"}, "MALFORMED_ID", "id value of incorrect type", ["AccountId"]),
        (
            {"LastName": "X", "AccountId": "ABSENT"},
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            ["AccountId"],
        ),
        ({"LastName": "X", "AccountId": "GONE"}, "ENTITY_IS_DELETED", "entity is deleted", ["AccountId"]),
        (
            {"LastName": "X", "Name": "Y"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: Name",
            ["Name"],
        ),
        ({"LastName": "X", "EmailBouncedDate": "soon"}, "JSON_PARSER_ERROR", "datetime", None),
        ({"LastName": "X", "DoNotCall": 3}, "JSON_PARSER_ERROR", "boolean", None),
        ({"LastName": "X", "Id": "003000000000001"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id", ["Id"]),
    ],
)
def test_a_create_that_breaks_a_rule_is_refused_with_its_code(on_site, fields, code, words, named):
    async def scenario(site):
        gone = site.org.add_account("Gone")
        site.org.delete(gone)
        stands_for = {"USER": site.user, "ABSENT": make_id("001", 999), "GONE": gone}
        body = {name: stands_for.get(value, value) for name, value in fields.items()}
        answer = await site.call("POST", "sobjects/Contact", body)
        error = answer.json()[0]
        assert (answer.status_code, error["errorCode"]) == (400, code)
        assert words in error["message"]
        assert error.get("fields") == named
        assert site.org.statistics()["records"]["Contact"] == 0

    on_site(scenario)


def test_what_does_not_exist_is_not_found(on_site):
    async def scenario(site):
        absent = make_id("003", 999)
        assert (await site.refusal("GET", f"sobjects/Contact/{absent}"))[:2] == (404, "NOT_FOUND")
        assert (await site.refusal("PATCH", f"sobjects/Contact/{absent}", {}))[:2] == (
            404,
            "INVALID_CROSS_REFERENCE_KEY",
        )
        assert (await site.refusal("GET", "sobjects/Contact/nonsense"))[:2] == (404, "NOT_FOUND")
        assert (await site.refusal("PATCH", "sobjects/Contact/nonsense", {}))[:2] == (400, "MALFORMED_ID")
        assert (await site.refusal("POST", "sobjects/Nope", {}))[:2] == (404, "NOT_FOUND")
        assert (await site.refusal("PUT", "sobjects/Contact", {}))[:2] == (405, "METHOD_NOT_ALLOWED")
        refused = await site.refusal("POST", "sobjects/OpportunityStage", {"MasterLabel": "x"})
        assert refused[1] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"

    on_site(scenario)


def test_upsert_creates_once_and_then_updates(on_site):
    async def scenario(site):
        path = "sobjects/Contact/Tradepost_Key__c/k1"
        first = await site.call("PATCH", path, {"LastName": "X"})
        again = await site.call("PATCH", path, {"LastName": "Y"})
        assert (first.status_code, first.json()["created"]) == (201, True)
        assert (again.status_code, again.json()["created"]) == (200, False)
        assert first.json()["id"] == again.json()["id"]
        row = site.org.record(first.json()["id"])
        assert (row["LastName"], row["Tradepost_Key__c"]) == ("Y", "k1")
        site.version = "45.0"
        assert (await site.call("PATCH", path, {"LastName": "Z"})).status_code == 204

    on_site(scenario)


def test_a_key_with_reserved_signs_is_read_when_encoded(on_site):
    async def scenario(site):
        await site.call("PATCH", "sobjects/Contact/Tradepost_Key__c/a%2Fb%3Fc", {"LastName": "X"})
        row = (await site.call("GET", "sobjects/Contact/Tradepost_Key__c/a%2Fb%3Fc")).json()
        assert row["Tradepost_Key__c"] == "a/b?c"
        assert (await site.call("DELETE", "sobjects/Contact/Tradepost_Key__c/a%2Fb%3Fc")).status_code == 204

    on_site(scenario)


def test_without_case_sensitivity_a_key_differs_by_more_than_case(on_site):
    async def scenario(site):
        site.org.add_custom_field("Lead", "K__c", grant_to=[site.user], externalId=True, unique=True)
        await site.create("Lead", LastName="X", Company="Y", K__c="a")
        refused = await site.refusal("POST", "sobjects/Lead", {"LastName": "X", "Company": "Y", "K__c": "A"})
        assert refused[1] == "DUPLICATE_VALUE"

    on_site(scenario)


def test_a_parent_may_be_named_by_its_external_id(on_site):
    async def scenario(site):
        site.org.add_custom_field("Account", "Erp__c", grant_to=[site.user], externalId=True, unique=True)
        acme = site.org.add_account("Acme", Erp__c="E1")
        made = await site.create("Contact", LastName="X", Account={"Erp__c": "E1"})
        assert site.org.record(made)["AccountId"] == acme
        refused = await site.refusal("POST", "sobjects/Contact", {"LastName": "X", "Account": {"Erp__c": "E2"}})
        assert refused[1] == "INVALID_FIELD"

    on_site(scenario)


def test_the_dates_of_conditions_know_no_fractions_of_a_second(on_site):
    async def scenario(site):
        deal = site.org.add_opportunity("Deal")
        path = f"sobjects/Opportunity/{deal}"
        seen = {"If-Unmodified-Since": (await site.call("GET", path)).headers["Last-Modified"]}
        await site.world.clock.sleep(0.4)
        site.org.update(deal, {"NextStep": "by a person"})
        assert (await site.call("PATCH", path, {"NextStep": "b"}, headers=seen)).status_code == 204

    on_site(scenario)


def test_reading_can_be_conditional_too(on_site):
    async def scenario(site):
        acme = site.org.add_account("Acme")
        first = await site.call("GET", f"sobjects/Account/{acme}")
        since = {"If-Modified-Since": first.headers["Last-Modified"]}
        assert (await site.call("GET", f"sobjects/Account/{acme}", headers=since)).status_code == 304
        await site.world.clock.sleep(2)
        site.org.update(acme, {"Phone": "1"})
        assert (await site.call("GET", f"sobjects/Account/{acme}", headers=since)).status_code == 200

    on_site(scenario)


def test_entity_tags_guard_accounts_only(on_site):
    async def scenario(site):
        acme, person = site.org.add_account("Acme"), site.org.add_contact("X")
        tag = {"If-Match": (await site.call("GET", f"sobjects/Account/{acme}")).headers["ETag"]}
        assert (await site.call("PATCH", f"sobjects/Account/{acme}", {"Phone": "1"}, headers=tag)).status_code == 204
        assert (await site.call("PATCH", f"sobjects/Account/{acme}", {"Phone": "2"}, headers=tag)).status_code == 412
        assert "ETag" not in (await site.call("GET", f"sobjects/Contact/{person}")).headers
        assert (await site.call("PATCH", f"sobjects/Contact/{person}", {"Phone": "2"}, headers=tag)).status_code == 204

    on_site(scenario)


def test_changed_and_deleted_ids_are_listed_by_minute(on_site):
    async def scenario(site):
        span = "start=2026-03-02T08:00:00Z&end=2026-03-02T08:10:00Z"
        kept, gone = site.org.add_contact("Kept"), site.org.add_contact("Gone")
        await site.world.clock.sleep(120)
        site.org.delete(gone)
        await site.world.clock.sleep(3600)
        updated = (await site.call("GET", f"sobjects/Contact/updated?{span}")).json()
        assert updated == {"ids": [kept], "latestDateCovered": "2026-03-02T08:10:00.000+0000"}
        deleted = (await site.call("GET", f"sobjects/Contact/deleted/?{span}")).json()
        assert deleted["deletedRecords"] == [{"id": gone, "deletedDate": "2026-03-02T08:02:00.000+0000"}]
        assert set(deleted) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}
        ahead = "start=2026-03-02T08:00:00Z&end=2027-03-02T08:10:00Z"
        covered = (await site.call("GET", f"sobjects/Contact/updated?{ahead}")).json()["latestDateCovered"]
        assert covered == "2026-03-02T09:02:00.000+0000", "never ahead of now"

    on_site(scenario)


def test_triggers_of_the_org_refuse_saves(on_site):
    async def scenario(site):
        site.org.fail_next("Contact", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger says no")
        assert (await site.refusal("POST", "sobjects/Contact", {"LastName": "X"}))[2] == "trigger says no"
        await site.create("Contact", LastName="X")

    on_site(scenario)
