"""What HubSpot does and a kinder sandbox would not. Each test is named for the rule that it needs (`Strictness`), and
the last test here runs it with that rule switched off: it must fail then.
"""

import json
from dataclasses import fields

import pytest

from tests.sandbox_hubspot.account import AT, VERSION, email, on_account, runner, utc, where
from tradepost.sandbox.hubspot import Strictness

RULES = tuple(each.name for each in fields(Strictness))


@on_account()
async def test_search_lag_hides_a_new_record_for_a_while(site):
    made = await site.create("contacts", email="new@buyer.example")
    assert await site.found("contacts", where("email", "EQ", "new@buyer.example")) == []
    assert (await site.objects("GET", f"contacts/{made}")).status_code == 200, "reading is not behind"
    await site.sleep(10)
    assert await site.found("contacts", where("email", "EQ", "new@buyer.example")) == [made]


@on_account()
async def test_search_cap_ends_paging_at_ten_thousand(site):
    assert (await site.search("contacts", after="9800", limit=200)).status_code == 200
    answer = await site.search("contacts", after="9900", limit=200)
    assert (answer.status_code, answer.json().get("category")) == (400, "VALIDATION_ERROR")


@on_account()
async def test_search_page_cap_is_two_hundred(site):
    assert (await site.search("contacts", limit=200)).status_code == 200
    assert (await site.search("contacts", limit=201)).status_code == 400


@on_account()
async def test_search_body_cap_is_three_thousand_characters(site):
    many = [f"{n:030d}@x.example" for n in range(80)]
    assert (await site.search("contacts", where("email", "IN", *many))).status_code == 400
    assert (await site.search("contacts", where("email", "IN", *many[:40]))).status_code == 200
    wanted = [f"property_{n:030d}" for n in range(1_000)]
    assert (await site.search("contacts", where("email", "IN", *many[:40]), properties=wanted)).status_code == 200


@on_account()
async def test_search_filter_cap_counts_groups_and_filters(site):
    one = where("email", "EQ", "a@b.example")
    assert (await site.search("contacts", *[one] * 7)).status_code == 400
    for groups, status in (([[one]] * 5, 200), ([[one]] * 6, 400), ([[one] * 5] * 4, 400)):
        body = {"filterGroups": [{"filters": group} for group in groups]}
        assert (await site.objects("POST", "contacts/search", body)).status_code == status


@on_account()
async def test_search_pool_holds_five_a_second(site):
    codes = [(await site.search("deals")).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]
    body = (await site.search("deals")).json()
    assert body["message"] == "You have reached your secondly limit."
    assert (body["errorType"], body["policyName"]) == ("RATE_LIMIT", "SECONDLY")
    await site.sleep(1)
    assert (await site.search("deals")).status_code == 200


@on_account()
async def test_search_without_rate_headers_unlike_all_else(site):
    listed = await site.objects("GET", "contacts")
    assert listed.headers["X-HubSpot-RateLimit-Max"] == "190"
    assert listed.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert not [name for name in (await site.search("contacts")).headers if "ratelimit" in name]


@on_account()
async def test_archived_not_in_search(site):
    made = await site.create("companies", name="Nordlicht")
    await site.sleep(10)
    await site.objects("DELETE", f"companies/{made}")
    await site.sleep(10)
    assert await site.found("companies") == []
    listed = (await site.objects("GET", "companies?archived=true")).json()["results"]
    assert [row["id"] for row in listed] == [made]


@on_account()
async def test_in_values_lower_case_only(site):
    made = await site.create("companies", name="Nordlicht GmbH")
    await site.sleep(10)
    assert await site.found("companies", where("name", "IN", "Nordlicht GmbH")) == []
    assert await site.found("companies", where("name", "IN", "nordlicht gmbh")) == [made]
    assert await site.found("companies", where("name", "EQ", "NORDLICHT GmbH")) == [made]


@on_account()
async def test_additional_emails_apart_from_email(site):
    made = site.portal.add_contact("one@buyer.example")
    site.portal.add_address(made, "two@buyer.example")
    await site.sleep(10)
    assert await site.found("contacts", where("email", "EQ", "two@buyer.example")) == []
    assert await site.found("contacts", where("hs_additional_emails", "EQ", "two@buyer.example")) == [made]
    assert await site.found("contacts", query="two@buyer") == [made]


@on_account()
async def test_ten_second_pool_rolls(site):
    site.portal.set_limits(ten_seconds=3)
    codes = [(await site.objects("GET", "contacts")).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    answer = await site.objects("GET", "contacts")
    assert answer.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert (answer.headers["X-HubSpot-RateLimit-Remaining"], "Retry-After" in answer.headers) == ("0", False)
    assert (await site.search("contacts")).status_code == 200, "searches have a pool of their own"
    await site.sleep(10)
    assert (await site.objects("GET", "contacts")).status_code == 200


@on_account()
async def test_daily_pool_is_shared_by_the_accounts_keys(site):
    site.portal.set_daily_used(624_999)
    assert (await site.objects("GET", "contacts")).headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"
    answer = await site.objects("GET", "contacts")
    assert (answer.status_code, answer.json().get("policyName")) == (429, "DAILY")
    token = (await site.token()).json()["access_token"]
    by_app = await site.objects("GET", "contacts", headers={"Authorization": f"Bearer {token}"})
    assert (by_app.status_code, "X-HubSpot-RateLimit-Daily" in by_app.headers) == (200, False)


@on_account(start=utc(2026, 3, 2, 15), time_zone="Asia/Shanghai")
async def test_daily_pool_resets_at_account_midnight(site):
    site.portal.set_daily_used(625_000)
    await site.sleep(3599)
    assert (await site.objects("GET", "contacts")).status_code == 429
    await site.sleep(2)
    assert (await site.objects("GET", "contacts")).status_code == 200


@on_account()
async def test_batch_cap_is_a_hundred(site):
    for verb in ("create", "read", "update", "upsert", "archive"):
        body = {"inputs": [{"id": str(n), "properties": {}} for n in range(101)]}
        answer = await site.objects("POST", f"contacts/batch/{verb}", body)
        assert answer.status_code == 400, verb
        assert "maximum number of inputs supported in a batch is 100" in answer.json()["message"]


@on_account()
async def test_history_cap_is_fifty(site):
    body = {"inputs": [{"id": str(n)} for n in range(51)], "propertiesWithHistory": ["dealstage"], "properties": []}
    answer = await site.objects("POST", "deals/batch/read", body)
    assert (answer.status_code, "property histories is 50" in answer.text) == (400, True)
    assert (await site.objects("GET", "deals?limit=100&propertiesWithHistory=dealstage")).status_code == 400
    assert (await site.objects("GET", "deals?limit=50&propertiesWithHistory=dealstage")).status_code == 200


@on_account()
async def test_page_cap_of_listings_is_a_hundred(site):
    assert (await site.objects("GET", "contacts?limit=101")).status_code == 400
    assert (await site.objects("GET", "contacts?limit=100")).status_code == 200


@on_account()
async def test_trace_ids_needed_for_207_else_all_or_none(site):
    good, bad = {"properties": email(hs_email_subject="a")}, {"properties": email(nope="1")}
    answer = await site.objects("POST", "emails/batch/create", {"inputs": [good, bad]})
    assert answer.status_code == 400
    assert site.portal.records("emails") == []
    half = [good | {"objectWriteTraceId": "1"}, bad]
    assert (await site.objects("POST", "emails/batch/create", {"inputs": half})).status_code == 400
    traced = [good | {"objectWriteTraceId": "1"}, bad | {"objectWriteTraceId": "2"}]
    answer = await site.objects("POST", "emails/batch/create", {"inputs": traced})
    body = answer.json()
    assert (answer.status_code, body["status"], body["numErrors"]) == (207, "COMPLETE", 1)
    assert [row["objectWriteTraceId"] for row in body["results"]] == ["1"]
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["2"]
    assert len(site.portal.records("emails")) == 1


@on_account()
async def test_missing_ids_are_207(site):
    made = await site.create("contacts", email="a@b.example")
    body = {"inputs": [{"id": made}, {"id": "1"}, {"id": "2"}], "properties": ["email"]}
    answer = await site.objects("POST", "contacts/batch/read", body)
    assert answer.status_code == 207
    errors = answer.json()["errors"]
    assert (answer.json()["numErrors"], errors[0]["context"], errors[0]["category"]) == (
        1,
        {"ids": ["1", "2"]},
        "OBJECT_NOT_FOUND",
    )
    assert [row["id"] for row in answer.json()["results"]] == [made]


@on_account()
async def test_upsert_refuses_associations(site):
    site.portal.add_property("emails", "own_key", unique=True)
    row = {"id": "k1", "idProperty": "own_key", "properties": email()}
    answer = await site.objects("POST", "emails/batch/upsert", {"inputs": [row | {"associations": []}]})
    assert answer.status_code == 400
    first = await site.objects("POST", "emails/batch/upsert", {"inputs": [row]})
    again = await site.objects("POST", "emails/batch/upsert", {"inputs": [row]})
    assert [a.json()["results"][0]["new"] for a in (first, again)] == [True, False]
    assert first.json()["results"][0]["id"] == again.json()["results"][0]["id"]


@on_account()
async def test_unique_property_needed_to_write_by_a_property(site):
    made = await site.create("contacts", email="a@b.example", firstname="Ann")
    row = {"id": made, "idProperty": "hs_object_id", "properties": {"firstname": "Bea"}}
    answer = await site.objects("POST", "contacts/batch/update", {"inputs": [row]})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Unable to perform update/upsert by non-unique 0-1 property")
    by_email = {"id": "a@b.example", "idProperty": "email", "properties": {"firstname": "Bea"}}
    assert (await site.objects("POST", "contacts/batch/update", {"inputs": [by_email]})).status_code == 400
    single = await site.objects("PATCH", "contacts/a@b.example?idProperty=email", {"properties": {"firstname": "B"}})
    assert single.status_code == 200


@on_account()
async def test_ids_are_strings(site):
    made = site.portal.add_deal("Panels", amount="1200")
    body = (await site.objects("GET", f"deals/{made}?properties=amount,hs_object_id")).json()
    assert body["id"] == made
    assert body["properties"]["amount"] == "1200"
    assert body["properties"]["hs_object_id"] == made


def problem(answer):
    """The first row of `Property values were not valid`."""
    assert answer.status_code == 400, answer.text
    return json.loads(answer.json()["message"].partition(": ")[2])[0]


@on_account()
async def test_unknown_property_refused(site):
    answer = await site.objects("POST", "contacts", {"properties": {"email": "a@b.example", "nope": "1"}})
    assert problem(answer)["error"] == "PROPERTY_DOESNT_EXIST"
    assert site.portal.records("contacts") == []


@on_account()
async def test_read_only_refused(site):
    made = await site.create("deals", dealname="Panels", dealstage="appointmentscheduled")
    answer = await site.objects("PATCH", f"deals/{made}", {"properties": {"hs_is_closed": "true"}})
    assert (problem(answer)["error"], problem(answer)["name"]) == ("READ_ONLY_VALUE", "hs_is_closed")


@on_account()
async def test_enumeration_values_checked(site):
    made = await site.create("deals", dealname="Panels", dealstage="appointmentscheduled")
    answer = await site.objects("PATCH", f"deals/{made}", {"properties": {"dealstage": "Closed Won"}})
    assert problem(answer)["error"] == "INVALID_OPTION"
    assert site.portal.record(made)["values"]["dealstage"] == "appointmentscheduled"
    task = {"hs_timestamp": AT, "hs_task_status": "completed"}
    assert problem(await site.objects("POST", "tasks", {"properties": task}))["name"] == "hs_task_status"


@on_account()
async def test_dates_checked(site):
    answer = await site.objects("POST", "notes", {"properties": {"hs_timestamp": "yesterday"}})
    assert problem(answer)["error"] == "INVALID_DATE"
    made = await site.create("notes", hs_timestamp="1769940000000")
    assert site.portal.record(made)["values"]["hs_timestamp"] == "2026-02-01T10:00:00Z"


@on_account()
async def test_required_on_create(site):
    for kind, given, missing in (
        ("tasks", {}, ["hs_timestamp"]),
        ("emails", {"hs_timestamp": AT}, ["hs_email_direction"]),
        ("deals", {"dealname": "x"}, ["dealstage"]),
        ("contacts", {"phone": "1"}, ["email"]),
    ):
        answer = await site.objects("POST", kind, {"properties": given})
        assert answer.status_code == 400, kind
        assert answer.json()["context"] == {"properties": missing}
        assert answer.json()["message"].startswith("Error creating ")


@on_account()
async def test_write_validation_by_administrators(site):
    made = await site.create("deals", dealname="Panels", dealstage="appointmentscheduled")
    site.portal.add_validation_rule("deals", "dealtype")
    site.portal.add_validation_rule("deals", "closed_won_reason", when="dealstage", values=["closedwon"])
    new = {"dealname": "x", "dealstage": "appointmentscheduled"}
    answer = await site.objects("POST", "deals", {"properties": new})
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert (error["code"], error["context"]) == ("MISSING_REQUIRED_PROPERTY", {"propertyName": ["dealtype"]})
    answer = await site.objects("PATCH", f"deals/{made}", {"properties": {"dealstage": "closedwon"}})
    assert answer.json()["errors"][0]["code"] == "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
    assert site.portal.record(made)["values"]["dealstage"] == "appointmentscheduled"
    site.portal.move_deal(made, "closedwon")


@on_account()
async def test_unique_values_enforced(site):
    made = await site.create("contacts", email="A@b.example")
    again = await site.objects("POST", "contacts", {"properties": {"email": "a@B.example"}})
    assert (again.status_code, again.json().get("category")) == (409, "CONFLICT")
    assert again.json()["message"] == f"Contact already exists. Existing ID: {made}"
    site.portal.add_property("tasks", "own_key", unique=True)
    task = await site.create("tasks", hs_timestamp=AT, own_key="k1")
    row = problem(await site.objects("POST", "tasks", {"properties": {"hs_timestamp": AT, "own_key": "k1"}}))
    assert row["error"] == "CONFLICTING_UNIQUE_VALUE"
    assert row["message"].endswith(f" {task} already has that value.")
    twins = [{"properties": {"email": "c@d.example"}}] * 2
    assert (await site.objects("POST", "contacts/batch/create", {"inputs": twins})).status_code == 409


@on_account()
async def test_lifecycle_only_forward(site):
    made = await site.create("contacts", email="a@b.example", lifecyclestage="customer")
    for value, held in (("lead", "customer"), ("", None), ("lead", "lead"), ("opportunity", "opportunity")):
        await site.objects("PATCH", f"contacts/{made}", {"properties": {"lifecyclestage": value}})
        assert site.portal.record(made)["values"].get("lifecyclestage") == held


@on_account()
async def test_headers_fill_read_only_properties(site):
    people = {"from": {"email": "Lily@us.example", "firstName": "Lily", "lastName": "Chen"}}
    people |= {"to": [{"email": "a@b.example", "firstName": "Ann"}, {"email": "c@d.example"}]}
    made = await site.create("emails", **email(hs_email_headers=json.dumps(people)))
    values = site.portal.record(made)["values"]
    assert values.get("hs_email_from_email") == "Lily@us.example"
    assert (values["hs_email_to_email"], values["hs_email_to_firstname"]) == ("a@b.example;c@d.example", "Ann;")
    answer = await site.objects("POST", "emails", {"properties": email(hs_email_from_email="x@y.example")})
    assert problem(answer)["error"] == "READ_ONLY_VALUE"
    assert (await site.objects("POST", "emails", {"properties": email(hs_email_headers="{")})).status_code == 400


@on_account()
async def test_property_history_kept_with_who_did_it(site):
    made = await site.create("deals", dealname="Panels", dealstage="appointmentscheduled")
    await site.sleep(60)
    site.portal.move_deal(made, "contractsent")
    body = (await site.objects("GET", f"deals/{made}?propertiesWithHistory=dealstage")).json()
    steps = body["propertiesWithHistory"]["dealstage"]
    assert [(step["value"], step["sourceType"]) for step in steps] == [
        ("contractsent", "CRM_UI"),
        ("appointmentscheduled", "INTEGRATION"),
    ]
    assert (steps[0]["sourceId"], steps[0]["updatedByUserId"]) == ("userId:10000001", 10_000_001)
    assert (steps[1]["sourceId"], steps[0]["timestamp"]) == (site.portal.key.id, "2026-03-02T08:01:00Z")


@on_account()
async def test_merge_makes_new_id(site):
    one = await site.create("contacts", email="one@b.example", firstname="One", phone="1")
    two = await site.create("contacts", email="two@b.example", firstname="Two", jobtitle="Buyer")
    answer = await site.objects("POST", "contacts/merge", {"primaryObjectId": one, "objectIdToMerge": two})
    new = answer.json()["id"]
    assert answer.status_code == 200
    assert new not in (one, two)
    values = site.portal.record(new)["values"]
    assert (values["firstname"], values["jobtitle"], values["email"]) == ("One", "Buyer", "one@b.example")
    assert values["hs_additional_emails"] == "two@b.example"
    assert values["hs_merged_object_ids"].split(";") == [one, two]
    assert [row["id"] for row in site.portal.records("contacts")] == [new]


@on_account()
async def test_old_ids_resolve_to_the_merged_record(site):
    one, two = site.portal.add_contact("one@b.example"), site.portal.add_contact("two@b.example")
    new = site.portal.merge(one, two)
    for old in (one, two):
        answer = await site.objects("GET", f"contacts/{old}")
        assert (answer.status_code, answer.json().get("id")) == (200, new)
    row = {"id": one, "properties": {"phone": "1"}}
    assert (await site.objects("POST", "contacts/batch/update", {"inputs": [row]})).status_code == 207


@on_account()
async def test_archived_owner_hidden(site):
    gone, stays = site.portal.add_owner("gone@us.example"), site.portal.add_owner("stays@us.example")
    site.portal.deactivate_owner(gone)
    path = f"/crm/owners/{VERSION}"
    assert [row["id"] for row in (await site.call("GET", path)).json()["results"]] == [site.portal.admin, stays]
    archived = (await site.call("GET", f"{path}?archived=true")).json()["results"]
    assert [(row["id"], row["userId"]) for row in archived] == [(gone, None)]
    answer = await site.objects("POST", "notes", {"properties": {"hs_timestamp": AT, "hubspot_owner_id": gone}})
    assert problem(answer)["error"] == "INVALID_OPTION"


@on_account()
async def test_association_types_checked(site):
    contact = site.portal.add_contact("a@b.example")

    def made(target, type_id):
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
        return {"properties": email(), "associations": [{"to": {"id": target}, "types": types}]}

    for target, type_id in ((contact, 197), (contact, 186), ("123", 198)):
        answer = await site.objects("POST", "emails", made(target, type_id))
        assert answer.status_code == 400
        assert answer.json()["message"] == "One or more associations are not valid"
    answer = await site.objects("POST", "emails", made(contact, 198))
    assert site.portal.linked(answer.json()["id"], "contacts") == {contact: [198]}
    assert list(site.portal.linked(contact, "emails").values()) == [[197]]


@on_account()
async def test_primary_company_replaced(site):
    first, second = site.portal.add_company("First"), site.portal.add_company("Second")
    contact = site.portal.add_contact("a@b.example", company=first)
    path = f"contacts/{contact}/associations/companies/{second}"
    body = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    assert (await site.objects("PUT", path, body)).status_code == 201
    assert site.portal.linked(contact, "companies") == {first: [279], second: [1, 279]}
    assert site.portal.record(contact)["values"]["associatedcompanyid"] == second


@on_account()
async def test_unlinked_ids_are_errors(site):
    deal = site.portal.add_deal("Panels", contact=(contact := site.portal.add_contact("a@b.example")))
    lone = site.portal.add_deal("Alone")
    path = f"/crm/associations/{VERSION}/deals/contacts/batch/read"
    answer = await site.call("POST", path, {"inputs": [{"id": lone}, {"id": deal}]})
    assert answer.status_code == 207
    body = answer.json()
    assert body["results"] == [
        {
            "from": {"id": deal},
            "to": [
                {
                    "toObjectId": contact,
                    "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 3, "label": None}],
                }
            ],
        }
    ]
    assert body["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert body["errors"][0]["context"]["fromObjectId"] == [lone]


@on_account()
async def test_scopes_checked(site):
    site.portal.revoke("crm.objects.deals.write")
    new = {"dealname": "x", "dealstage": "appointmentscheduled"}
    answer = await site.objects("POST", "deals", {"properties": new})
    assert (answer.status_code, answer.json().get("category")) == (403, "MISSING_SCOPES")
    named = answer.json()["errors"][0]["context"]["requiredGranularScopes"]
    assert named == ["crm.objects.deals.write"]
    assert (await site.objects("GET", "deals")).status_code == 200


@on_account()
async def test_redacted_without_scope(site):
    made = await site.create("emails", **email(hs_email_subject="Offer", hs_email_text="secret", hs_email_html="<b>"))
    site.portal.revoke("sales-email-read")
    asked = "hs_email_subject,hs_email_text,hs_email_html,hs_body_preview"
    shown = (await site.objects("GET", f"emails/{made}?properties={asked}")).json()["properties"]
    assert {shown[name] for name in ("hs_email_text", "hs_email_html", "hs_body_preview")} == {None}
    assert shown["hs_email_subject"] == "Offer"


@on_account()
async def test_access_tokens_expire(site):
    body = (await site.token()).json()
    assert body["expires_in"] == 1800
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert (await site.objects("GET", "contacts", headers=headers)).status_code == 200
    await site.sleep(1800)
    answer = await site.objects("GET", "contacts", headers=headers)
    assert (answer.status_code, answer.json().get("category")) == (401, "EXPIRED_AUTHENTICATION")


@on_account()
async def test_refresh_tokens_checked(site):
    site.portal.revoke_refresh_tokens()
    answer = await site.token()
    assert (answer.status_code, answer.json().get("status")) == (400, "BAD_REFRESH_TOKEN")
    assert answer.json()["error"] == "invalid_grant"


@on_account()
async def test_oauth_secrets_in_form_only(site):
    app = site.portal.app
    secrets = {"client_id": app.client_id, "client_secret": app.client_secret}
    form = {"grant_type": "refresh_token", "refresh_token": site.portal.refresh_token}
    dated = await site.http.post(f"/oauth/{VERSION}/token", params=secrets, data=form)
    assert (dated.status_code, dated.json().get("status")) == (400, "BAD_CLIENT_ID")
    assert (await site.http.post("/oauth/v1/token", params=secrets, data=form)).status_code == 200


def by_rule():
    """Rule -> its tests, by their names."""
    found = {rule: [] for rule in RULES}
    for name, test in globals().items():
        rules = [rule for rule in RULES if name.startswith(f"test_{rule}")]
        if rules:
            found[max(rules, key=len)].append(test)
    return found


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_test_that_a_lax_sandbox_fails(rule):
    tests = by_rule()[rule]
    assert tests, f"no test is named for {rule}"
    for test in tests:
        with pytest.raises(AssertionError):
            test(runner(Strictness(**{rule: False})))
