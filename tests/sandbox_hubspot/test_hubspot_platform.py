"""Associations, properties, tokens, files, quotas of the account, people's acts, faults, and the company's host."""

import json
from random import Random

import httpx

from tests.sandbox_hubspot.account import AT, VERSION, email, on_account, utc, where
from tradepost.sandbox.control import control, controls
from tradepost.sandbox.hubspot import HubSpotVendor
from tradepost.sandbox.hubspot.host import HubSpotHost
from tradepost.sandbox.hubspot.routes import find
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.virtual import VirtualClock

MAIL = b"""From: Klaus Brandt <klaus@nordlicht.example>
To: Lily Chen <lily@us.example>
Date: Mon, 02 Mar 2026 09:00:00 +0100
Subject: Offer
Message-ID: <1@nordlicht.example>
Content-Type: text/plain; charset=utf-8

Please quote.
"""


@on_account()
async def test_associations_look_different_in_each_version(site):
    company = site.portal.add_company("N")
    contact = site.portal.add_contact("a@b.example", company=company)
    tail = f"contacts/{contact}/associations/companies"
    v3 = (await site.call("GET", f"/crm/v3/objects/{tail}")).json()["results"]
    assert v3 == [
        {"id": company, "type": "contact_to_company_unlabeled"},
        {"id": company, "type": "contact_to_company"},
    ]
    v4 = (await site.call("GET", f"/crm/v4/objects/{tail}")).json()["results"]
    assert (v4[0]["toObjectId"], [t["typeId"] for t in v4[0]["associationTypes"]]) == (int(company), [279, 1])
    dated = (await site.objects("GET", tail)).json()["results"]
    assert dated[0]["toObjectId"] == company
    body = {"inputs": [{"id": contact}]}
    old = (await site.call("POST", "/crm/v3/associations/contact/company/batch/read", body)).json()
    assert old["results"][0]["to"][0]["id"] == company


@on_account()
async def test_default_links_are_told_in_both_directions_and_may_be_repeated(site):
    deal, contact = site.portal.add_deal("x"), site.portal.add_contact("a@b.example")
    for _ in range(2):
        answer = await site.objects("PUT", f"deals/{deal}/associations/default/contacts/{contact}")
        types = [row["associationSpec"]["associationTypeId"] for row in answer.json()["results"]]
        assert (answer.status_code, types) == (200, [3, 4])
    assert site.portal.linked(deal, "contacts") == {contact: [3]}
    assert (await site.objects("PUT", f"deals/{deal}/associations/contacts/{contact}")).status_code == 400
    assert (await site.objects("DELETE", f"deals/{deal}/associations/contacts/{contact}")).status_code == 204
    assert site.portal.linked(deal, "contacts") == {}


@on_account()
async def test_a_batch_of_links_tells_unknown_ids_and_makes_the_rest(site):
    contact, mail = site.portal.add_contact("a@b.example"), await site.create("emails", **email())
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 198}]
    rows = [{"from": {"id": mail}, "to": {"id": end}, "types": types} for end in (contact, "99")]
    answer = await site.call("POST", f"/crm/associations/{VERSION}/emails/contacts/batch/create", {"inputs": rows})
    assert answer.status_code == 207
    assert answer.json()["errors"][0]["subCategory"] == "crm.associations.INVALID_OBJECT_IDS"
    assert site.portal.linked(mail, "contacts") == {contact: [198]}
    rows[0]["types"] = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 186}]
    answer = await site.call("POST", f"/crm/associations/{VERSION}/emails/contacts/batch/create", {"inputs": rows})
    assert answer.status_code == 400


@on_account()
async def test_labels_of_the_account_are_types_like_any_other(site):
    path = f"/crm/associations/{VERSION}/contacts/companies/labels"
    made = (await site.call("POST", path, {"label": "Boss", "name": "boss", "inverseLabel": "Run by"})).json()
    type_id = made["results"][0]["typeId"]
    company, contact = site.portal.add_company("N"), site.portal.add_contact("a@b.example")
    body = [{"associationCategory": "USER_DEFINED", "associationTypeId": type_id}]
    answer = await site.objects("PUT", f"contacts/{contact}/associations/companies/{company}", body)
    assert answer.json()["labels"] == ["Boss"]
    listed = (await site.call("GET", path)).json()["results"]
    assert {"category": "USER_DEFINED", "typeId": type_id, "label": "Boss"} in listed


# ----------------------------------------------------------------------------------------------------------- properties


@on_account()
async def test_a_property_of_an_activity_is_unique_plain_or_refused_by_mode(site):
    path = f"/crm/properties/{VERSION}/tasks"
    body = {"label": "K", "groupName": "task", "type": "string", "fieldType": "text", "hasUniqueValue": True}
    for mode, status, unique in (("a", 201, True), ("b", 201, False), ("c", 400, None)):
        site.portal.set_mode(mode)
        answer = await site.call("POST", path, body | {"name": f"key_{mode}"})
        assert (answer.status_code, answer.json().get("hasUniqueValue")) == (status, unique)
    again = await site.call("POST", path, body | {"name": "key_a"})
    assert again.status_code == 400, "mode c refuses before it looks"
    site.portal.set_mode("a")
    again = await site.call("POST", path, body | {"name": "key_a"})
    assert (again.status_code, again.json()["subCategory"]) == (409, "Properties.PROPERTY_WITH_NAME_EXISTS")
    contacts = f"/crm/properties/{VERSION}/contacts"
    site.portal.set_mode("c")
    made = await site.call("POST", contacts, body | {"name": "key", "groupName": "contactinformation"})
    assert made.json()["hasUniqueValue"] is True


@on_account()
async def test_an_archived_property_is_revived_by_its_name(site):
    site.portal.add_property("emails", "own_key")
    path = f"/crm/properties/{VERSION}/emails"
    assert (await site.call("DELETE", f"{path}/own_key")).status_code == 204
    assert (await site.call("GET", f"{path}/own_key")).status_code == 404
    assert (await site.call("GET", f"{path}/own_key?archived=true")).json()["archived"] is True
    site.portal.add_property("emails", "own_key", unique=True)
    assert (await site.call("GET", f"{path}/own_key")).json()["hasUniqueValue"] is True
    assert (await site.call("DELETE", f"{path}/hs_email_text")).status_code == 400


@on_account()
async def test_stages_are_the_options_of_dealstage_and_older_paths_list_them_too(site):
    shown = (await site.call("GET", "/crm/v3/properties/deals/dealstage")).json()
    assert {"contractsent", "closedwon"} <= {option["value"] for option in shown["options"]}
    older = (await site.call("GET", "/properties/v2/deals/properties")).json()
    assert next(row for row in older if row["name"] == "dealstage")["options"] == shown["options"]
    for kind in ("calls", "emails", "meetings", "notes", "tasks"):
        names = {row["name"] for row in (await site.call("GET", f"/properties/v2/{kind}/properties")).json()}
        assert {"hs_timestamp", "hs_lastmodifieddate", "hubspot_owner_id"} <= names


@on_account()
async def test_reading_properties_of_emails_needs_a_scope_of_its_own(site):
    site.portal.revoke("connected-email-data-access")
    assert (await site.call("GET", f"/crm/properties/{VERSION}/emails")).status_code == 403
    assert (await site.call("GET", f"/crm/properties/{VERSION}/tasks")).status_code == 200


# ------------------------------------------------------------------------------------------------- the account's own


@on_account()
async def test_tokens_are_looked_at_revoked_and_needed(site):
    for header in ("", "Bearer ", "Bearer nope", "Basic x"):
        answer = await site.objects("GET", "contacts", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    token = (await site.token()).json()["access_token"]
    app = site.portal.app
    form = {"token": token, "client_id": app.client_id, "client_secret": app.client_secret}
    path = f"/oauth/{VERSION}/token"
    seen = (await site.http.post(f"{path}/introspect", data=form)).json()
    assert (seen["active"], seen["hub_id"], seen["app_id"]) == (True, 7_654_321, int(app.id))
    assert (await site.call("GET", f"/oauth/v1/access-tokens/{token}")).json()["hub_id"] == 7_654_321
    assert (await site.http.post(f"{path}/revoke", data=form)).status_code == 200
    assert (await site.http.post(f"{path}/introspect", data=form)).json()["active"] is False
    info = await site.call("POST", "/oauth/v2/private-apps/get/access-token-info", {"tokenKey": site.portal.key.key})
    assert info.json()["appId"] == int(site.portal.key.id)


@on_account()
async def test_a_person_lets_the_app_in_and_the_code_works_once(site):
    app = site.portal.app
    asked = {"client_id": app.client_id, "redirect_uri": app.redirect_uri, "scope": "oauth", "state": "s"}
    back = await site.http.get("https://app.hubspot.com/oauth/authorize", params=asked)
    found = httpx.URL(back.headers["location"]).params
    assert (back.status_code, found["state"]) == (302, "s")
    form = {"grant_type": "authorization_code", "code": found["code"], "redirect_uri": app.redirect_uri}
    assert (await site.token(**form)).status_code == 200
    assert (await site.token(**form)).json()["status"] == "BAD_AUTH_CODE"


@on_account(start=utc(2026, 3, 2, 8))
async def test_the_account_tells_itself_and_its_usage(site):
    details = (await site.call("GET", f"/account-info/{VERSION}/details")).json()
    assert (details["portalId"], details["timeZone"], details["utcOffset"]) == (7_654_321, "Asia/Shanghai", "+08:00")
    assert (await site.call("GET", "/integrations/v1/me")).json()["portalId"] == 7_654_321
    usage = (await site.call("GET", f"/account-info/{VERSION}/api-usage/daily/private-apps")).json()["results"][0]
    assert (usage["currentUsage"], usage["usageLimit"]) == (3, 625_000)
    assert usage["resetsAt"] == "2026-03-02T16:00:00Z"
    site.portal.set_tier("starter")
    assert (await site.objects("GET", "contacts")).headers["X-HubSpot-RateLimit-Max"] == "100"


@on_account()
async def test_owners_page_and_are_found_by_address_and_by_user(site):
    made = site.portal.add_owner("Lily@us.example", "Lily", "Chen")
    for path in ("/crm/v3/owners/", "/crm/v3/owners", f"/crm/owners/{VERSION}"):
        body = (await site.call("GET", f"{path}?limit=1")).json()
        following = (await site.call("GET", f"{path}?limit=1&after={body['paging']['next']['after']}")).json()
        assert [row["id"] for row in (*body["results"], *following["results"])] == [site.portal.admin, made]
        assert (await site.call("GET", f"{path}?email=lily@us.example")).json()["results"][0]["id"] == made
    user = (await site.call("GET", f"/crm/owners/{VERSION}/{made}")).json()["userId"]
    assert user != int(made)
    assert (await site.call("GET", f"/crm/owners/{VERSION}/{user}?idProperty=userId")).json()["id"] == made


@on_account()
async def test_the_same_file_is_returned_instead_of_stored_twice(site):
    options = {"access": "PRIVATE", "duplicateValidationStrategy": "RETURN_EXISTING"}
    data = {"folderPath": "/tradepost", "options": json.dumps(options | {"duplicateValidationScope": "EXACT_FOLDER"})}
    first, again = [
        (await site.http.post(f"/files/{VERSION}/files", data=data, files={"file": ("报价.pdf", b"%PDF")})).json()
        for _ in range(2)
    ]
    assert first["id"] == again["id"]
    assert (first["access"], first["extension"], first["size"]) == ("PRIVATE", "pdf", 4)
    found = (await site.call("GET", f"/files/{VERSION}/files/search?fileMd5={first['fileMd5']}")).json()["results"]
    assert [row["id"] for row in found] == [first["id"]]
    bad = await site.http.post(f"/files/{VERSION}/files", data={"folderPath": "/x"}, files={"file": ("a", b"")})
    assert bad.status_code == 400


@on_account()
async def test_an_opt_out_is_told_by_address(site):
    site.portal.add_contact("a@b.example")
    site.portal.opt_out("A@b.example")
    path = f"/communication-preferences/{VERSION}/statuses"
    told = (await site.call("GET", f"{path}/a@b.example/unsubscribe-all")).json()["results"]
    assert told[0]["status"] == "UNSUBSCRIBED"
    assert (await site.call("GET", f"{path}/c@d.example/unsubscribe-all")).json()["results"] == []


# ------------------------------------------------------------------------------------------------- faults and controls


@on_account()
async def test_faults_are_worded_as_documented(site):
    for status, code, field, value in (
        (429, "DAILY", "policyName", "DAILY"),
        (429, "", "policyName", "TEN_SECONDLY_ROLLING"),
        (401, "EXPIRED_AUTHENTICATION", "category", "EXPIRED_AUTHENTICATION"),
        (403, "", "category", "MISSING_SCOPES"),
        (423, "", "category", "LOCKED"),
        (500, "", "category", "INTERNAL_ERROR"),
    ):
        site.world.faults.add(
            Fault(vendor="hubspot", operation="contacts.*", effect=Effect.STATUS, status=status, code=code)
        )
        answer = await site.objects("GET", "contacts")
        assert (answer.status_code, answer.json()[field]) == (status, value)
    site.world.faults.add(Fault(vendor="hubspot", effect=Effect.STATUS, status=477, seconds=30))
    assert (await site.objects("GET", "contacts")).headers["retry-after"] == "30"
    site.world.faults.add(Fault(vendor="hubspot", effect=Effect.STATUS, status=502))
    assert "text/html" in (await site.objects("GET", "contacts")).headers["content-type"]


def test_calls_are_named_for_faults_and_the_log():
    for method, path, name in (
        ("POST", "/crm/objects/2026-09/emails/batch/upsert", "emails.batch.upsert"),
        ("POST", "/crm/v3/objects/contact/search", "contacts.search"),
        ("GET", "/crm/objects/2026-09/0-3/5", "deals.get"),
        ("PUT", "/crm/v4/objects/deal/1/associations/default/contact/2", "associations.default"),
        ("POST", "/crm/associations/2026-09/emails/contacts/batch/create", "associations.batch.create"),
        ("POST", "/oauth/2026-09/token", "oauth.token"),
        ("GET", "/crm/v3/owners/", "owners.list"),
        ("GET", "/crm-object-schemas/v3/schemas", "schemas.list"),
    ):
        assert find(method, path).operation == name


def test_every_control_is_there_and_explained():
    vendor = HubSpotVendor(World(clock=VirtualClock(), random=Random(1)))
    assert all(control(vendor, name).__doc__ or name.startswith("add_") for name in controls(vendor))


@on_account()
async def test_a_lost_reply_leaves_the_record_and_one_world_gives_one_set_of_ids(site):
    site.world.faults.add(Fault(vendor="hubspot", operation="notes.create", effect=Effect.RESET_AFTER))
    try:
        await site.create("notes", hs_timestamp=AT)
    except httpx.ReadError:
        pass
    else:
        raise AssertionError("the reply was not lost")
    twin = HubSpotVendor(World(clock=VirtualClock(), random=Random(1))).portal
    made = twin.create("notes", {"hs_timestamp": AT})
    assert [row["id"] for row in site.portal.records("notes")] == [made]


# ----------------------------------------------------------------------------------------------------- the company's host


@on_account()
async def test_the_connected_inbox_logs_a_mail_once_more_than_we_do(site):
    contact = site.portal.add_contact("klaus@nordlicht.example")
    made = site.portal.log_mail(MAIL, contact)
    values = site.portal.record(made)["values"]
    assert (values["hs_engagement_source"], values["hs_object_source_label"]) == ("EMAIL", "EMAIL_INTEGRATION")
    assert (values["hs_email_direction"], values["hs_email_from_email"]) == (
        "INCOMING_EMAIL",
        "klaus@nordlicht.example",
    )
    assert values["hs_timestamp"] == "2026-03-02T08:00:00Z"
    await site.sleep(10)
    assert await site.found("emails", where("associations.contact", "EQ", contact)) == [made]


def test_the_host_speaks_the_words_of_every_crm():
    host = HubSpotHost(World(clock=VirtualClock(), random=Random(1)))
    host.set_up("a")
    lily = host.add_user("lily@us.example", "Lily Chen 陈丽")
    company = host.add_company("Nordlicht GmbH", "https://www.nordlicht.example")
    klaus = host.add_contact("Klaus Brandt", "klaus@nordlicht.example", company=company, owner=lily)
    assert host.add_contact("Klaus again", "KLAUS@nordlicht.example") == klaus
    deal = host.add_deal("Panels", company=company, contact=klaus, stage=host.stages.open, owner=lily)
    host.move_deal(deal, host.stages.quoted)
    assert host.deal(deal).moves == ((host.stages.open, False), (host.stages.quoted, False))
    lead = host.add_lead("Ivan", "Balkan Lux", "ivan@balkanlux.example")
    assert host.portal.record(lead)["kind"] == "contacts"
    mail = host.log_by_hand(MAIL, klaus)
    (seen,) = host.mails()
    assert (seen.record, seen.records, seen.by_us, seen.incoming) == (mail, (klaus,), False, True)
    merged = host.merge_contacts(lead, klaus)
    assert host.mails()[0].records == (merged,)
    host.delete_record(mail)
    assert host.mails() == ()
    task = host.portal.create("tasks", {"hs_task_subject": "Call", "hs_timestamp": AT})
    host.close_task(task)
    assert [(row.title, row.closed) for row in host.tasks()] == [("Call", True)]
    assert host.portal.property("emails", "tradepost_key").unique
    section = host.connection("http://127.0.0.1:1").section
    assert section["auth"] == {"method": "service_key", "key": {"file": "hubspot-key"}}
