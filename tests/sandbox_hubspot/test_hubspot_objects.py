"""Objects, paths and bodies as clients meet them."""

import pytest

from tests.sandbox_hubspot.account import AT, VERSION, email, on_account, utc, where
from tradepost.sandbox.hubspot.times import millis, of_millis, stamp


@on_account()
async def test_a_kind_answers_to_all_its_names_and_versions(site):
    made = await site.create("companies", name="Nordlicht")
    for name in ("companies", "company", "0-2", "COMPANY"):
        for base in ("/crm/v3/objects", f"/crm/objects/{VERSION}", "/crm/objects/2026-03"):
            for slash in ("", "/"):
                answer = await site.call("GET", f"{base}/{name}{slash}")
                assert [row["id"] for row in answer.json()["results"]] == [made]


@on_account()
async def test_unknown_kinds_paths_and_methods_are_refused_in_the_vendors_words(site):
    answer = await site.objects("GET", "widgets")
    assert (answer.status_code, answer.json()["message"]) == (400, "Unable to infer object type from: widgets")
    assert "category" not in answer.json()
    answer = await site.objects("GET", "0-9999")
    assert answer.json()["message"] == "Invalid object or event type id: 0-9999"
    for path in ("/nowhere", "/crm/v3/nothing/x", "/crm/v1/objects/contacts", "/crm/objects/2020-01/contacts"):
        answer = await site.call("GET", path)
        assert (answer.status_code, answer.json()["category"]) == (404, "OBJECT_NOT_FOUND")
    answer = await site.call("PUT", "/crm/v3/owners")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert (await site.objects("GET", "contacts/1")).json()["message"] == "resource not found"


@on_account()
async def test_a_listing_pages_to_its_end_with_links_to_v3(site):
    made = [await site.create("notes", hs_timestamp=AT) for _ in range(5)]
    found, after = [], ""
    while True:
        body = (await site.objects("GET", f"notes?limit=2{after}")).json()
        found += [row["id"] for row in body["results"]]
        if "paging" not in body:
            break
        following = body["paging"]["next"]
        assert following["link"].startswith("https://api.hubapi.com/crm/v3/objects/notes?")
        after = f"&after={following['after']}"
    assert found == made
    assert (await site.objects("GET", "notes?after=x")).status_code == 400


@on_account()
async def test_asked_properties_come_with_null_and_undefined_ones_not_at_all(site):
    made = await site.create("contacts", email="a@b.example")
    shown = (await site.objects("GET", f"contacts/{made}?properties=email,phone&properties=nope")).json()["properties"]
    assert set(shown) == {"email", "phone", "createdate", "lastmodifieddate", "hs_object_id"}
    assert shown["phone"] is None
    plain = (await site.objects("GET", f"contacts/{made}")).json()["properties"]
    assert set(plain) == {"email", "firstname", "lastname", "createdate", "lastmodifieddate", "hs_object_id"}


@on_account()
async def test_a_record_is_found_by_its_unique_values(site):
    made = site.portal.add_contact("One@b.example")
    site.portal.add_address(made, "two@b.example")
    for address in ("one@B.example", "two@b.example"):
        assert (await site.objects("GET", f"contacts/{address}?idProperty=email")).json()["id"] == made
    assert (await site.objects("GET", "contacts/three@b.example?idProperty=email")).status_code == 404
    assert (await site.objects("GET", "contacts/x?idProperty=phone")).status_code == 400
    body = {"idProperty": "email", "inputs": [{"id": "ONE@b.example"}], "properties": ["email"]}
    assert (await site.objects("POST", "contacts/batch/read", body)).json()["results"][0]["id"] == made


@on_account()
async def test_archived_records_are_apart_until_they_are_restored(site):
    made = await site.create("deals", dealname="x", dealstage="closedwon")
    assert (await site.objects("DELETE", f"deals/{made}")).status_code == 204
    assert (await site.objects("DELETE", f"deals/{made}")).status_code == 204
    assert (await site.objects("GET", f"deals/{made}")).status_code == 404
    shown = (await site.objects("GET", f"deals/{made}?archived=true")).json()
    assert (shown["archived"], "archivedAt" in shown) == (True, True)
    assert (await site.objects("PATCH", f"deals/{made}", {"properties": {"amount": "1"}})).status_code == 404
    site.portal.restore(made)
    assert (await site.objects("GET", f"deals/{made}")).status_code == 200
    assert (await site.objects("DELETE", "deals/1")).status_code == 404


@on_account()
async def test_an_archived_contacts_address_is_free_again(site):
    first = await site.create("contacts", email="a@b.example")
    await site.objects("POST", "contacts/batch/archive", {"inputs": [{"id": first}]})
    assert await site.create("contacts", email="a@b.example") != first


@on_account()
async def test_values_are_cleared_with_empty_text_and_dates_may_be_milliseconds(site):
    made = await site.create("deals", dealname="x", dealstage="contractsent", amount=12, closedate=1769940000000)
    values = site.portal.record(made)["values"]
    assert (values["amount"], values["closedate"]) == ("12", "2026-02-01T10:00:00Z")
    await site.objects("PATCH", f"deals/{made}", {"properties": {"amount": "", "dealtype": None}})
    assert "amount" not in site.portal.record(made)["values"]


@on_account()
async def test_a_stage_must_be_of_the_deals_pipeline(site):
    body = {"label": "Second", "displayOrder": 1, "pipelineId": "second", "stages": []}
    body["stages"] = [{"label": "Only", "stageId": "only", "displayOrder": 0, "metadata": {"probability": "0.5"}}]
    assert (await site.call("POST", f"/crm/pipelines/{VERSION}/deals", body)).status_code == 201
    made = await site.create("deals", dealname="x", dealstage="contractsent")
    assert (await site.objects("PATCH", f"deals/{made}", {"properties": {"dealstage": "only"}})).status_code == 400
    both = {"dealstage": "only", "pipeline": "second"}
    assert (await site.objects("PATCH", f"deals/{made}", {"properties": both})).status_code == 200


@on_account()
async def test_a_closed_stage_says_so_and_dates_the_deal(site):
    made = await site.create("deals", dealname="x", dealstage="contractsent")
    await site.objects("PATCH", f"deals/{made}", {"properties": {"dealstage": "closedwon"}})
    values = site.portal.record(made)["values"]
    assert (values["hs_is_closed_won"], values["hs_deal_stage_probability"]) == ("true", "1.0")
    assert values["closedate"] == stamp(site.portal.now())


@on_account()
async def test_a_merge_takes_over_links_and_search_learns_of_it_late(site):
    one, two = site.portal.add_contact("one@b.example"), site.portal.add_contact("two@b.example")
    deal = site.portal.add_deal("Panels", contact=two)
    mail = await site.create("emails", **email())
    site.portal.associate(mail, one)
    await site.sleep(10)
    new = site.portal.merge(one, two)
    assert site.portal.linked(deal, "contacts") == {new: [3]}
    assert site.portal.linked(mail, "contacts") == {new: [198]}
    await site.sleep(10)
    assert await site.found("contacts") == [new]
    assert (await site.objects("GET", "contacts/two@b.example?idProperty=email")).json()["id"] == new


@on_account()
async def test_an_activity_is_the_records_latest_and_moves_their_clocks(site):
    contact = site.portal.add_contact("a@b.example")
    await site.sleep(60)
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 198}]
    body = {"properties": email(), "associations": [{"to": {"id": contact}, "types": types}]}
    await site.objects("POST", "emails", body)
    values = site.portal.record(contact)["values"]
    assert (values["notes_last_contacted"], values["num_notes"]) == (AT, "1")
    assert values["lastmodifieddate"] == "2026-03-02T08:01:00Z"


@on_account()
async def test_a_gdpr_deletion_leaves_nothing(site):
    made = site.portal.add_contact("a@b.example")
    body = {"objectId": "a@b.example", "idProperty": "email"}
    assert (await site.objects("POST", "contacts/gdpr-delete", body)).status_code == 204
    assert (await site.objects("GET", f"contacts/{made}?archived=true")).status_code == 404


@on_account()
async def test_search_orders_and_pages_inside_one_instant(site):
    made = [site.portal.add_company(f"Company {n}") for n in range(7)]
    await site.sleep(10)
    at = str(millis(site.portal.record(made[0])["updated_at"]))
    instant = where("hs_lastmodifieddate", "BETWEEN", at, at)
    order = {"sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}], "limit": 3}
    found, last = [], "0"
    while page := await site.found("companies", instant, where("hs_object_id", "GT", last), **order):
        found, last = found + page, page[-1]
    assert found == made
    await site.sleep(1)
    back = await site.found("companies", sorts=["-name"], limit=2)
    as_text = ['{"propertyName":"name","direction":"DESCENDING"}']
    assert await site.found("companies", sorts=as_text, limit=2) == back
    assert back == [made[6], made[5]]
    body = (await site.search("companies", limit=3, after="3")).json()
    assert (body["total"], body["paging"]["next"]["after"]) == (7, "6")


@on_account()
async def test_search_understands_every_operator(site):
    one = site.portal.add_deal("LED panels", amount="100", dealtype="newbusiness")
    two = site.portal.add_deal("Flood lights", amount="20", stage="closedwon")
    await site.sleep(10)
    for condition, wanted in (
        (where("amount", "GT", "99"), [one]),
        (where("amount", "LTE", "20"), [two]),
        (where("amount", "BETWEEN", "10", "30"), [two]),
        (where("amount", "EQ", "100.0"), [one]),
        (where("dealname", "CONTAINS_TOKEN", "panels"), [one]),
        (where("dealname", "CONTAINS_TOKEN", "flo*"), [two]),
        (where("dealname", "NOT_CONTAINS_TOKEN", "panels"), [two]),
        (where("dealtype", "HAS_PROPERTY"), [one]),
        (where("dealtype", "NOT_HAS_PROPERTY"), [two]),
        (where("dealstage", "IN", "closedwon", "closedlost"), [two]),
        (where("dealstage", "NOT_IN", "closedwon"), [one]),
        (where("dealstage", "NEQ", "closedwon"), [one]),
        (where("createdate", "LT", "2026-03-02T08:00:00Z"), []),
        (where("createdate", "GTE", "1772438400000"), [one, two]),
    ):
        await site.sleep(1)
        assert await site.found("deals", condition) == wanted, condition
    for bad in (where("amount", "LIKE", "1"), where("nope", "EQ", "1"), where("amount", "EQ")):
        assert (await site.search("deals", bad)).status_code == 400


@on_account()
async def test_search_finds_activities_by_their_records(site):
    contact = site.portal.add_contact("a@b.example")
    mail = await site.create("emails", **email())
    await site.sleep(10)
    site.portal.associate(mail, contact)
    assert await site.found("emails", where("associations.contact", "EQ", contact)) == []
    await site.sleep(10)
    assert await site.found("emails", where("associations.contact", "EQ", contact)) == [mail]


@on_account()
async def test_custom_kinds_are_kinds_like_any_other(site):
    body = {
        "name": "machine",
        "labels": {"singular": "Machine", "plural": "Machines"},
        "primaryDisplayProperty": "serial",
        "requiredProperties": ["serial"],
        "properties": [{"name": "serial", "label": "Serial", "hasUniqueValue": True}],
        "associatedObjects": ["CONTACT"],
    }
    schema = (await site.call("POST", "/crm/v3/schemas", body)).json()
    assert schema["fullyQualifiedName"] == "p7654321_machine"
    made = await site.create("machine", serial="A1")
    assert (await site.objects("GET", f"{schema['objectTypeId']}/A1?idProperty=serial")).json()["id"] == made
    assert (await site.objects("POST", "machine", {"properties": {}})).status_code == 400
    listed = (await site.call("GET", "/crm/v3/schemas")).json()["results"]
    assert [row["name"] for row in listed] == ["machine"]
    contact = site.portal.add_contact("a@b.example")
    site.portal.associate(made, contact)
    linked = (await site.objects("GET", f"machine/{made}?associations=contacts")).json()["associations"]
    assert linked["contacts"]["results"][0]["id"] == contact


@on_account(auto_companies=True)
async def test_a_contacts_company_is_found_or_made_by_its_domain_where_that_is_on(site):
    known = site.portal.add_company("Nordlicht", "nordlicht.example")
    first = await site.create("contacts", email="a@nordlicht.example")
    second = await site.create("contacts", email="b@other.example")
    await site.create("contacts", email="c@gmail.com")
    assert site.portal.record(first)["values"]["associatedcompanyid"] == known
    assert list(site.portal.linked(second, "companies").values()) == [[1, 279]]
    assert len(site.portal.records("companies")) == 2


@on_account(start=utc(2026, 3, 2, 8))
async def test_bodies_that_cannot_be_read_are_refused(site):
    for content, kind, status in (
        (b"{nope", "application/json", 400),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"[]", "application/json", 400),
        (b'{"properties": {"email": ["a@b.example"]}}', "application/json", 400),
    ):
        answer = await site.http.post("/crm/v3/objects/contacts", content=content, headers={"content-type": kind})
        assert answer.status_code == status, content
    assert site.portal.records("contacts") == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-03-02", "2026-03-02T00:00:00Z"),
        ("2026-03-02T08:00:00.250+08:00", "2026-03-02T00:00:00.250Z"),
        ("0", "1970-01-01T00:00:00Z"),
    ],
)
def test_times_are_read_in_every_form_and_written_in_one(text, wanted):
    assert of_millis(millis(text)) == wanted
    assert millis("soon") is None
