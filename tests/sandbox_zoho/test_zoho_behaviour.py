"""Each rule of the simulator holds; and the last test proves that each of these would notice if it did not."""

import asyncio
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from functools import partial

import pytest

from tests.sandbox_zoho.zoho_site import Site, code, mail, play
from tradepost.sandbox.zoho import Strictness

OnSite = Callable[..., None]


async def wait(site: Site, **span: float) -> None:
    await site.world.clock.sleep(timedelta(**span).total_seconds())


# --------------------------------------------------------------------------------------------------------------- tokens


def test_token_error_is_200(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.token(client_secret="wrong")
        assert (answer.status_code, answer.json()) == (200, {"error": "invalid_client_secret"})

    on_site(scenario)


def test_ten_tokens_in_ten_minutes(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        for _ in range(10):
            assert "access_token" in (await site.token()).json()
        denied = await site.token()
        assert denied.status_code == 200
        assert denied.json().get("error") == "Access Denied"
        await wait(site, minutes=10)
        assert "access_token" in (await site.token()).json()

    on_site(scenario)


def test_live_tokens_capped(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        await site.sign_in()
        for n in range(15):
            if n == 9:
                await wait(site, minutes=10)
            assert "access_token" in (await site.token()).json()
        answer = await site.get("org")
        assert (answer.status_code, code(answer)) == (401, "INVALID_OAUTHTOKEN")

    on_site(scenario)


def test_tokens_expire(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        assert (await site.get("org")).status_code == 200
        await wait(site, minutes=60)
        answer = await site.get("org")
        assert answer.status_code == 401
        assert code(answer) == "INVALID_TOKEN"

    on_site(scenario)


def test_grant_code_once(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        form = {"grant_type": "authorization_code", "code": site.org.new_grant_code()}
        first = (await site.token(**form)).json()
        assert "refresh_token" in first
        again = await site.token(**form)
        assert (again.status_code, again.json()) == (200, {"error": "invalid_code"})
        late = {"grant_type": "authorization_code", "code": site.org.new_grant_code()}
        await wait(site, minutes=4)
        assert (await site.token(**late)).json() == {"error": "invalid_code"}

    on_site(scenario)


def test_scopes_checked(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        narrow = site.org.new_refresh_token(["ZohoCRM.modules.leads.READ", "ZohoCRM.modules.emails.ALL"])
        await site.sign_in(refresh_token=narrow)
        assert (await site.get("Leads", fields="id")).status_code == 204
        for method, path in (("GET", "Deals"), ("POST", "Leads"), ("GET", "org"), ("POST", "coql")):
            answer = await site.call(method, path, {} if method == "POST" else None)
            assert (answer.status_code, code(answer)) == (401, "OAUTH_SCOPE_MISMATCH"), path

    on_site(scenario)


# -------------------------------------------------------------------------------------------------------------- answers


def test_empty_is_204(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        query = "select id from Leads where Email = 'a@b.example'"
        for answer in (
            await site.get("Leads", fields="id"),
            await site.get("Leads/search", email="nobody@b.example"),
            await site.get("Leads/deleted"),
            await site.get("Leads/1234567000000000999"),
            await site.coql(query),
        ):
            assert (answer.status_code, answer.content) == (204, b"")

    on_site(scenario)


def test_not_modified_is_304(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        old, new = site.org.add_lead("Old One", "A", ""), site.org.add_lead("New One", "B", "")
        moment = site.org.state.stamp()
        await wait(site, seconds=5)
        for path in ("Leads", f"Leads/{old}", "users", "Leads/deleted"):
            answer = await site.get(path, fields="id", since=moment)
            assert (answer.status_code, answer.content) == (304, b""), path
        site.org.update("Leads", new, {"Phone": "1"})
        listed = await site.get("Leads", fields="id", since=moment)
        assert [row["id"] for row in listed.json()["data"]] == [new]

    on_site(scenario)


def test_partial_is_207(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        mixed = await site.insert("Leads", {"Last_Name": "A"}, {"First_Name": "nameless"}, {"Last_Name": "C"})
        assert mixed.status_code == 207
        assert [item["code"] for item in mixed.json()["data"]] == ["SUCCESS", "MANDATORY_NOT_FOUND", "SUCCESS"]
        assert (await site.insert("Leads", {"First_Name": "nameless"})).status_code == 400
        assert (await site.insert("Leads", {"Last_Name": "D"})).status_code == 201

    on_site(scenario)


def test_credits(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        site.org.set_edition("free")
        quiet = await site.get("org")
        assert "X-API-CREDITS-REMAINING" not in quiet.headers
        site.org.set_credits_used(4_998)
        told = await site.get("org")
        assert told.headers["X-API-CREDITS-REMAINING"] == "1"
        dear = await site.coql("select id from Leads where Last_Name = 'x' limit 1000")
        assert dear.status_code == 429
        assert (await site.get("org")).status_code == 200
        spent = await site.get("org")
        assert (spent.status_code, code(spent)) == (429, "TOO_MANY_REQUESTS")
        assert "Retry-After" not in spent.headers
        await wait(site, hours=24)
        await site.sign_in()
        assert (await site.get("org")).status_code == 200

    on_site(scenario)


def test_concurrency(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        site.org.set_edition("free")
        site.org.set_service_seconds(0.3)
        await site.sign_in()
        answers = await asyncio.gather(*(site.get("org") for _ in range(7)))
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 2
        assert (await site.get("org")).status_code == 200

    on_site(scenario)


def test_sub_concurrency(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        site.org.set_edition("ultimate")
        site.org.set_service_seconds(0.3)
        await site.sign_in()
        many = [{"Last_Name": f"L{n}"} for n in range(11)]
        heavy = [site.insert("Leads", *many) for _ in range(12)]
        light = [site.get("org") for _ in range(8)]
        answers = await asyncio.gather(*heavy, *light)
        assert sorted(answer.status_code for answer in answers[:12]) == [201] * 10 + [429] * 2
        assert {answer.status_code for answer in answers[12:]} == {200}

    on_site(scenario)


# ---------------------------------------------------------------------------------------------------- what stops a write


def test_blueprint(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        deal = site.org.add_deal("Lanterns")
        site.org.put_in_blueprint(deal, needs={"Lose": ["Reason_For_Loss__s"]})
        refused = await site.put("Deals", {"id": deal, "Stage": "Needs Analysis"})
        assert (refused.status_code, code(refused)) == (400, "RECORD_IN_BLUEPRINT")
        assert (await site.put("Deals", {"id": deal, "Amount": 5})).status_code == 200
        path = f"Deals/{deal}/actions/blueprint"
        steps = {t["next_field_value"]: t["id"] for t in (await site.get(path)).json()["blueprint"]["transitions"]}
        assert set(steps) == {"Needs Analysis", "Closed Lost"}
        half = await site.call("PUT", path, {"blueprint": [{"transition_id": steps["Closed Lost"], "data": {}}]})
        assert half.json()["message"] == "transition saved partially"
        assert site.org.record("Deals", deal)["Stage"] == "Qualification"
        done = await site.call("PUT", path, {"blueprint": [{"transition_id": steps["Needs Analysis"], "data": {}}]})
        assert done.json()["message"] == "transition updated successfully"
        assert site.org.record("Deals", deal)["Stage"] == "Needs Analysis"
        stale = await site.call("PUT", path, {"blueprint": [{"transition_id": steps["Needs Analysis"], "data": {}}]})
        assert (stale.status_code, stale.json()["message"]) == (400, "invalid transition")

    on_site(scenario)


def test_locked_records(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        deal = site.org.add_deal("Lanterns")
        site.org.lock(deal)
        for answer in (await site.put("Deals", {"id": deal, "Amount": 5}), await site.call("DELETE", f"Deals/{deal}")):
            assert (answer.status_code, code(answer)) == (403, "RECORD_LOCKED")
        site.org.unlock(deal)
        assert (await site.put("Deals", {"id": deal, "Amount": 5})).status_code == 200

    on_site(scenario)


def test_approval_awaited(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        deal = site.org.add_deal("Lanterns")
        site.org.await_approval(deal)
        assert code(await site.put("Deals", {"id": deal, "Amount": 5})) == "NOT_APPROVED"
        site.org.approve(deal)
        site.org.await_review(deal)
        assert code(await site.put("Deals", {"id": deal, "Amount": 5})) == "NOT_REVIEWED"

    on_site(scenario)


def test_converted_leads_closed(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        lead = site.org.add_lead("Ana Kovač", "Adria", "ana@adria.example")
        made = (await site.call("POST", f"Leads/{lead}/actions/convert", {"data": [{}]})).json()["data"][0]
        assert made["code"] == "SUCCESS"
        refused = await site.put("Leads", {"id": lead, "Phone": "1"})
        assert (refused.status_code, code(refused)) == (400, "CONVERTED_RECORD")
        shown = (await site.get(f"Leads/{lead}")).json()["data"][0]
        assert shown["$converted_detail"]["contact"] == made["details"]["Contacts"]["id"]
        again = await site.call("POST", f"Leads/{lead}/actions/convert", {"data": [{}]})
        assert code(again) == "ID_ALREADY_CONVERTED"

    on_site(scenario)


def test_unmodified_since(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        deal = site.org.add_deal("Lanterns")
        before = site.org.state.stamp()
        await wait(site, seconds=2)
        site.org.move_deal(deal, "Needs Analysis")
        guard = {"If-Unmodified-Since": before}
        refused = await site.put("Deals", {"id": deal, "Stage": "Value Proposition"}, headers=guard)
        assert (refused.status_code, code(refused)) == (412, "ALREADY_MODIFIED")
        assert site.org.record("Deals", deal)["Stage"] == "Needs Analysis"
        now = {"If-Unmodified-Since": site.org.state.stamp()}
        assert (await site.put(f"Deals/{deal}", {"Stage": "Value Proposition"}, headers=now)).status_code == 200

    on_site(scenario)


# --------------------------------------------------------------------------------------------------------------- paging


def many_leads(site: Site, number: int) -> None:
    for n in range(number):
        site.org.add_lead(f"Lead {n}", "A", "")


def test_page_tokens_needed(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        many_leads(site, 2_001)
        last = await site.get("Leads", fields="id", page=10)
        assert last.json()["info"]["more_records"] is True
        over = await site.get("Leads", fields="id", page=11)
        assert (over.status_code, code(over)) == (400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED")
        further = await site.get("Leads", fields="id", page_token=last.json()["info"]["next_page_token"])
        assert len(further.json()["data"]) == 1
        assert len(set(await site.ids("Leads"))) == 2_001

    on_site(scenario)


def test_page_token_expires(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        many_leads(site, 3)
        token = (await site.get("Leads", fields="id", per_page=2)).json()["info"]["next_page_token"]
        await wait(site, hours=24)
        await site.sign_in()
        late = await site.get("Leads", fields="id", per_page=2, page_token=token)
        assert late.status_code == 400
        assert code(late) == "EXPIRED_VALUE"

    on_site(scenario)


def test_page_token_bound(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        many_leads(site, 3)
        token = (await site.get("Leads", fields="id", per_page=2)).json()["info"]["next_page_token"]
        other = await site.get("Leads", fields="id", per_page=2, page_token=token, sort_order="asc")
        assert other.status_code == 400
        assert code(other) == "TOKEN_BOUND_DATA_MISMATCH"
        both = await site.get("Leads", fields="id", per_page=2, page_token=token, page=2)
        assert code(both) == "AMBIGUITY_DURING_PROCESSING"

    on_site(scenario)


def test_fields_required(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        many_leads(site, 1)
        refused = await site.get("Leads")
        assert (refused.status_code, refused.json().get("code")) == (400, "REQUIRED_PARAM_MISSING")
        assert refused.json()["details"]["param_name"] == "fields"
        site.version = "v2"
        assert (await site.get("Leads")).status_code == 200

    on_site(scenario)


def test_fifty_fields(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        many_leads(site, 1)
        assert (await site.get("Leads", fields=",".join(f"F{n}" for n in range(50)))).status_code == 200
        refused = await site.get("Leads", fields=",".join(f"F{n}" for n in range(51)))
        assert (refused.status_code, refused.json().get("code")) == (400, "LIMIT_EXCEEDED")

    on_site(scenario)


# -------------------------------------------------------------------------------------------------------------- e-mails


def test_one_email_per_call(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        two = await site.associate("Contacts", contact, mail(), mail(original_message_id="<2@adria.example>"))
        assert (two.status_code, two.json().get("code")) == (400, "INVALID_DATA")
        assert two.json()["details"] == {"maximum_length": 1, "api_name": "Emails", "json_path": "$.Emails"}
        assert site.org.mails(contact) == []
        assert (await site.associate("Contacts", contact)).status_code == 201

    on_site(scenario)


@pytest.mark.parametrize("key", ["from", "to", "subject", "content", "date_time", "sent", "original_message_id"])
def test_email_mandatory_keys(on_site: OnSite, key: str) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        answer = await site.associate("Contacts", contact, mail(**{key: None}))
        assert (answer.status_code, code(answer)) == (400, "MANDATORY_NOT_FOUND")
        assert answer.json()["Emails"][0]["details"]["api_name"] == key

    on_site(scenario)


def test_email_caps(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        for key, most in (("subject", 250), ("content", 32_000), ("original_message_id", 255)):
            assert (await site.associate("Contacts", contact, mail(**{key: "灯" * most}))).status_code == 201
            answer = await site.associate("Contacts", contact, mail(**{key: "灯" * (most + 1)}))
            assert (answer.status_code, code(answer)) == (400, "INVALID_DATA")
            assert answer.json()["Emails"][0]["details"]["maximum_length"] == most

    on_site(scenario)


def test_email_on_its_record_only(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        firm = site.org.add_account("Adria")
        ana = site.org.add_contact("Ana Kovač", "ana@adria.example", firm)
        bo = site.org.add_contact("Bo Novak", "bo@adria.example", firm)
        deal = site.org.add_deal("Lanterns", firm, ana)
        linked = {"module": {"api_name": "Deals"}, "id": deal}
        assert (await site.associate("Contacts", ana, mail(linked_record=linked))).status_code == 201
        shown = {path: (await site.get(f"{path}/Emails")).status_code
                 for path in (f"Contacts/{ana}", f"Deals/{deal}", f"Contacts/{bo}", f"Accounts/{firm}")}  # fmt: skip
        assert list(shown.values()) == [200, 200, 204, 204]

    on_site(scenario)


def test_ten_emails_a_page(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        for n in range(23):
            await site.associate("Contacts", contact, mail(subject=f"{n}", original_message_id=f"<{n}@x.example>",
                                                           date_time=f"2026-02-{n + 1:02d}T09:00:00+08:00"))  # fmt: skip
        seen, index, pages = [], "", 0
        while True:
            found = (await site.get(f"Contacts/{contact}/Emails", **({"index": index} if index else {}))).json()
            seen += [item["subject"] for item in found["Emails"]]
            pages += 1
            assert len(found["Emails"]) <= 10
            if not found["info"]["more_records"]:
                break
            index = found["info"]["next_index"]
        assert pages == 3
        assert seen == [f"{n}" for n in reversed(range(23))]

    on_site(scenario)


def test_linked_record_one_deal(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        deals = [site.org.add_deal(f"Deal {n}", contact=contact) for n in range(2)]
        made = (await site.associate("Contacts", contact)).json()["Emails"][0]["details"]["message_id"]
        path = f"Contacts/{contact}/Emails/{made}/actions/link_record"
        for deal in deals:
            tie = {"owner": {"id": site.org.api_user}, "linked_record": {"module": {"api_name": "Deals"}, "id": deal}}
            assert (await site.call("POST", path, {"Emails": [tie]})).status_code == 200
        assert (await site.get(f"Deals/{deals[1]}/Emails")).status_code == 200
        assert (await site.get(f"Deals/{deals[0]}/Emails")).status_code == 204
        gone = await site.call("DELETE", path, params={"owner_id": site.org.api_user})
        assert gone.status_code == 200
        assert (await site.get(f"Deals/{deals[1]}/Emails")).status_code == 204

    on_site(scenario)


# --------------------------------------------------------------------------------------------------------------- writes


def test_unique_fields_enforced(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        site.host.set_up("keyed")
        first = await site.made("Tasks", Subject="Quote", Tradepost_Key="v1:abc")
        twice = await site.insert("Tasks", {"Subject": "Quote", "Tradepost_Key": "V1:ABC"})
        assert (twice.status_code, code(twice)) == (400, "DUPLICATE_DATA")
        details = twice.json()["data"][0]["details"]
        assert details["api_name"] == "Tradepost_Key"
        assert details["json_path"] == "$.data[0].Tradepost_Key"
        assert details["duplicate_record"]["id"] == first
        other = await site.made("Tasks", Subject="Other", Tradepost_Key="v1:other")
        assert code(await site.put("Tasks", {"id": other, "Tradepost_Key": "v1:abc"})) == "DUPLICATE_DATA"
        assert (await site.put("Tasks", {"id": first, "Tradepost_Key": "v1:abc"})).status_code == 200

    on_site(scenario)


def test_upsert_needs_unique_field(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        first = await site.upsert("Leads", {"Last_Name": "A", "Phone": "1"}, duplicate_check_fields=["Phone"])
        assert (first.status_code, code(first)) == (400, "INVALID_DATA")
        assert first.json()["details"]["json_path"] == "$.duplicate_check_fields[0]"
        email = {"Last_Name": "A", "Email": "a@b.example"}
        assert (await site.upsert("Leads", email, duplicate_check_fields=["Email"])).status_code == 200

    on_site(scenario)


def test_deal_name_upsert_default(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        deal = site.org.add_deal("Lanterns")
        values = {"Deal_Name": "lanterns", "Stage": "Needs Analysis"}
        found = (await site.upsert("Deals", values)).json()["data"][0]
        assert (found["action"], found["duplicate_field"], found["details"]["id"]) == ("update", "Deal_Name", deal)
        assert len(site.org.records("Deals")) == 1

    on_site(scenario)


def test_hundred_records_a_call(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        names = [{"Last_Name": f"L{n}"} for n in range(101)]
        refused = await site.insert("Leads", *names)
        assert (refused.status_code, refused.json().get("code")) == (400, "LIMIT_EXCEEDED")
        assert refused.json()["details"]["maximum_length"] == 100
        assert (await site.insert("Leads", *names[:100])).status_code == 201

    on_site(scenario)


def test_mandatory_fields(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        for module, values, name in (
            ("Leads", {"First_Name": "A"}, "Last_Name"),
            ("Deals", {"Deal_Name": "A"}, "Stage"),
            ("Tasks", {"Due_Date": "2026-03-09"}, "Subject"),
        ):
            answer = await site.insert(module, values)
            assert (answer.status_code, code(answer)) == (400, "MANDATORY_NOT_FOUND")
            assert answer.json()["data"][0]["details"] == {"api_name": name, "json_path": f"$.data[0].{name}"}

    on_site(scenario)


def test_lengths_checked(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        assert (await site.insert("Deals", {"Deal_Name": "x" * 120, "Stage": "Qualification"})).status_code == 201
        answer = await site.insert("Deals", {"Deal_Name": "x" * 121, "Stage": "Qualification"})
        assert (answer.status_code, code(answer)) == (400, "INVALID_DATA")
        assert answer.json()["data"][0]["details"]["maximum_length"] == 120

    on_site(scenario)


@pytest.mark.parametrize("time", ["2026-03-09T10:00:00", "2026-03-09T10:00:00.123+08:00", "2026-03-09T10:00+08:00"])
def test_offsets_needed(on_site: OnSite, time: str) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        meeting = {"Event_Title": "Call", "Start_DateTime": time, "End_DateTime": "2026-03-09T11:00:00+08:00"}
        for answer in (
            await site.insert("Events", meeting),
            await site.associate("Contacts", contact, mail(date_time=time)),
        ):
            assert answer.status_code == 400
            assert code(answer) == "INVALID_DATA"

    on_site(scenario)


def test_picklist_stage_checked(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        site.org.add_pipeline("Repeat orders", ["Reorder", "Closed Won", "Closed Lost"])
        site.org.rename_stage("Qualification", "Erste Prüfung")
        deal = site.org.add_deal("Lanterns")
        foreign = await site.put("Deals", {"id": deal, "Stage": "Reorder"})
        assert (foreign.status_code, code(foreign)) == (400, "MAPPING_MISMATCH")
        assert foreign.json()["data"][0]["details"]["mapped_field"] == "Pipeline"
        assert code(await site.put("Deals", {"id": deal, "Stage": "Erste Prüfung"})) == "INVALID_DATA"
        both = await site.put("Deals", {"id": deal, "Stage": "Reorder", "Pipeline": "Repeat orders"})
        assert both.status_code == 200

    on_site(scenario)


def test_inactive_owner_refused(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        user = site.org.add_user("li@lantern.example", "Li Hua")
        assert (await site.insert("Tasks", {"Subject": "A", "Owner": {"id": user}})).status_code == 201
        site.org.deactivate_user(user)
        refused = await site.insert("Tasks", {"Subject": "A", "Owner": {"id": user}})
        assert (refused.status_code, code(refused)) == (400, "INVALID_DATA")
        assert refused.json()["data"][0]["details"]["api_name"] == "Owner"

    on_site(scenario)


def test_who_is_a_contact(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        lead = site.org.add_lead("Ana Kovač", "Adria", "ana@adria.example")
        refused = await site.insert("Tasks", {"Subject": "A", "Who_Id": {"id": lead}})
        assert (refused.status_code, code(refused)) == (400, "INVALID_DATA")
        bare = await site.insert("Tasks", {"Subject": "A", "What_Id": {"id": lead}})
        assert code(bare) == "DEPENDENT_FIELD_MISSING"
        task = await site.made("Tasks", Subject="A", What_Id={"id": lead}, **{"$se_module": "Leads"})
        shown = (await site.get(f"Leads/{lead}/Tasks", fields="Subject")).json()["data"]
        assert [row["id"] for row in shown] == [task]

    on_site(scenario)


# ------------------------------------------------------------------------------------------------------------ searching


def test_search_lag(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        lead = await site.made("Leads", Last_Name="Kovač", Email="ana@adria.example")
        assert (await site.get("Leads/search", email="ana@adria.example")).status_code == 204
        query = "select id from Leads where Email = 'ana@adria.example'"
        assert (await site.coql(query)).json()["data"] == [{"id": lead}]
        await wait(site, seconds=31)
        assert (await site.get("Leads/search", email="ANA@adria.example")).json()["data"][0]["id"] == lead
        await site.put("Leads", {"id": lead, "Email": "new@adria.example"})
        assert (await site.get("Leads/search", email="ana@adria.example")).status_code == 200
        assert (await site.get("Leads/search", email="new@adria.example")).status_code == 204
        await site.call("DELETE", f"Leads/{lead}")
        assert (await site.get("Leads/search", email="ana@adria.example")).status_code == 204

    on_site(scenario)


def test_search_capped(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.get("Leads/search", word="lead", page=11)
        assert (answer.status_code, code(answer)) == (400, "LIMIT_REACHED")
        assert (await site.get("Leads/search", word="lead", page=10)).status_code == 204

    on_site(scenario)


def test_search_conditions_capped(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        parts = [f"(Last_Name:equals:L{n})" for n in range(16)]
        fine = await site.get("Leads/search", criteria=f"({'or'.join(parts[:15])})")
        assert fine.status_code == 204
        answer = await site.get("Leads/search", criteria=f"({'or'.join(parts)})")
        assert (answer.status_code, code(answer)) == (400, "CRITERIA_LIMIT_EXCEEDED")

    on_site(scenario)


def test_coql_needs_where(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.coql("select id from Leads")
        assert (answer.status_code, code(answer)) == (400, "SYNTAX_ERROR")
        assert (await site.coql("select id from Leads where id is not null")).status_code == 204

    on_site(scenario)


def test_coql_capped(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        where = "select id from Leads where id is not null limit"
        assert (await site.coql(f"{where} 2000")).status_code == 204
        answer = await site.coql(f"{where} 2001")
        assert (answer.status_code, code(answer)) == (400, "LIMIT_EXCEEDED")

    on_site(scenario)


# ------------------------------------------------------------------------------------------------------------- the proof


@pytest.mark.parametrize("rule", [field.name for field in fields(Strictness)])
def test_every_rule_has_a_test_that_notices_a_lax_sandbox(rule: str) -> None:
    test = globals()[f"test_{rule}"]
    marks = {mark.args[0]: mark.args[1] for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"}
    lax = partial(play, strictness=Strictness(**{rule: False}))
    cases = [{name: value} for name, values in marks.items() for value in values] or [{}]
    for case in cases:
        with pytest.raises(AssertionError):
            test(lax, **case)
