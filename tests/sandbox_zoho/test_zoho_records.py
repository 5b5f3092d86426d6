"""Records over the API: reading, writing, related lists, versions, wrong addresses."""

from collections.abc import Callable

import pytest

from tests.sandbox_zoho.zoho_site import Site, code
from tradepost.sandbox.kernel import Effect, Fault

OnSite = Callable[..., None]


def test_a_record_comes_back_as_it_was_written(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        account = await site.made("Accounts", Account_Name="Adria d.o.o.", Website="https://adria.example")
        contact = await site.made("Contacts", Last_Name="Kovač", First_Name="Ana", Account_Name={"id": account})
        values = {"Amount": 1200.5, "Closing_Date": "2026-06-30", "Contact_Name": {"id": contact}}
        deal = await site.made("Deals", Deal_Name="灯笼", Stage="Qualification", Account_Name=account, **values)
        row = (await site.get(f"Deals/{deal}")).json()["data"][0]
        assert row["Account_Name"] == {"name": "Adria d.o.o.", "id": account}
        assert row["Contact_Name"] == {"name": "Ana Kovač", "id": contact}
        assert row["Owner"]["id"] == site.org.api_user
        assert (row["Pipeline"], row["Probability"], row["Amount"]) == ("Standard (Standard)", 10, 1200.5)
        assert row["Expected_Revenue"] == pytest.approx(120.05)
        assert row["Created_Time"] == "2026-03-02T16:00:00+08:00"
        some = (await site.get(f"Deals/{deal}", fields="Stage,Nonsense,$approval_state")).json()["data"][0]
        assert some == {"Stage": "Qualification", "$approval_state": "approved", "id": deal}

    on_site(scenario)


def test_unknown_and_read_only_names_are_passed_over(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        lead = await site.made("Leads", Last_Name="A", Nonsense=1, Created_Time="2001-01-01T00:00:00+00:00")
        assert (await site.get(f"Leads/{lead}")).json()["data"][0]["Created_Time"].startswith("2026")

    on_site(scenario)


def test_several_faults_of_a_record_are_told_together(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        bad = {"Last_Name": "x" * 81, "Email": "no address", "No_of_Employees": "many"}
        item = (await site.insert("Leads", bad)).json()["data"][0]
        assert item["code"] == "MULTIPLE_OR_MULTI_ERRORS"
        assert [e["details"]["api_name"] for e in item["details"]["errors"]] == list(bad)
        one = (await site.insert("Leads", {"Last_Name": "x"}, {"Last_Name": "y", "Email": "no"})).json()["data"][1]
        assert one["details"]["json_path"] == "$.data[1].Email"

    on_site(scenario)


def test_triggers_are_everything_nothing_or_those_named(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        triggered = site.org.state.triggered
        await site.insert("Leads", {"Last_Name": "A"}, trigger=[])
        assert not triggered
        await site.insert("Leads", {"Last_Name": "A"}, trigger=["workflow"])
        assert dict(triggered) == {("Leads", "create", "workflow"): 1}
        await site.insert("Leads", {"Last_Name": "A"})
        assert triggered["Leads", "create", "workflow"] == 2
        assert triggered["Leads", "create", "blueprint"] == 1

    on_site(scenario)


def test_pages_by_token_give_each_record_once_though_others_change(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        made = [site.org.add_lead(f"L {n}", "A", "") for n in range(50)]
        first = (await site.get("Leads", fields="id", per_page=20, sort_order="asc")).json()
        site.org.delete(made[3])
        site.org.update("Leads", made[7], {"Phone": "1"})
        rest, token = [], first["info"]["next_page_token"]
        while token:
            page = await site.get("Leads", fields="id", per_page=20, sort_order="asc", page_token=token)
            rest += [row["id"] for row in page.json()["data"]]
            token = page.json()["info"]["next_page_token"]
        assert [row["id"] for row in first["data"]] + rest == made
        back = page.json()["info"]["previous_page_token"]
        assert back
        again = await site.get("Leads", fields="id", per_page=20, sort_order="asc", page_token=back)
        assert [row["id"] for row in again.json()["data"]] == rest[:20]

    on_site(scenario)


def test_lists_sort_by_id_and_times_and_take_ids(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        made = []
        for n in range(3):
            made.append(site.org.add_lead(f"L {n}", "A", ""))
            await site.world.clock.sleep(2)
        site.org.update("Leads", made[0], {"Phone": "1"})
        assert await site.ids("Leads") == made[::-1]
        assert await site.ids("Leads", sort_by="Modified_Time", sort_order="asc") == [made[1], made[2], made[0]]
        assert await site.ids("Leads", sort_by="Created_Time", sort_order="asc") == made
        assert await site.ids("Leads", ids=f"{made[1]},999") == [made[1]]
        assert code(await site.get("Leads", fields="id", sort_by="Email")) == "INVALID_DATA"

    on_site(scenario)


def test_converted_leads_show_only_where_asked_for(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        stays, goes = site.org.add_lead("A B", "C", ""), site.org.add_lead("D E", "F", "")
        made = site.org.convert_lead(goes, "A deal")
        assert await site.ids("Leads") == [stays]
        assert await site.ids("Leads", converted="true") == [goes]
        assert set(await site.ids("Leads", converted="both")) == {stays, goes}
        row = (await site.get(f"Leads/{goes}")).json()["data"][0]
        assert (row["Converted__s"], row["$converted"]) == (True, True)
        assert row["$converted_detail"]["deal"] == made["Deals"]["id"]

    on_site(scenario)


def test_deleted_records_are_listed_newest_first_and_grow_old(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        first, second = site.org.add_lead("A B", "C", ""), site.org.add_lead("D E", "F", "")
        site.org.delete(first)
        await site.world.clock.sleep(5)
        moment = site.org.state.stamp()
        await site.world.clock.sleep(5)
        await site.call("DELETE", f"Leads?ids={second}")
        items = (await site.get("Leads/deleted", type="all")).json()["data"]
        assert [(i["id"], i["display_name"], i["type"]) for i in items] == [
            (second, "D E", "recycle"),
            (first, "A B", "recycle"),
        ]
        assert items[0]["deleted_by"] == {"name": "Tradepost", "id": site.org.api_user}
        late = (await site.get("Leads/deleted", since=moment)).json()["data"]
        assert [item["id"] for item in late] == [second]
        assert (await site.get("Leads/deleted", type="permanent")).status_code == 204
        await site.world.clock.sleep(60 * 86400)
        await site.sign_in()
        assert len((await site.get("Leads/deleted", type="permanent")).json()["data"]) == 2

    on_site(scenario)


def test_deletes_answer_each_id(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        lead = site.org.add_lead("A B", "C", "")
        mixed = await site.call("DELETE", f"Leads?ids={lead},12345")
        assert mixed.status_code == 207
        assert [(i["code"], i["message"]) for i in mixed.json()["data"]] == [
            ("SUCCESS", "record deleted"),
            ("INVALID_DATA", "record not deleted"),
        ]

    on_site(scenario)


def test_records_are_named_by_an_external_field(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        site.org.add_field("Contacts", "Erp Id", unique=True, external="org")
        contact = await site.made("Contacts", Last_Name="Kovač", Erp_Id="K-1")
        header = {"X-EXTERNAL": "Contacts.Erp_Id"}
        assert (await site.call("GET", "Contacts/K-1", headers=header)).json()["data"][0]["id"] == contact
        assert (await site.put("Contacts/K-1", {"Phone": "7"}, headers=header)).status_code == 200
        assert (await site.put("Contacts", {"Erp_Id": "K-1", "Fax": "8"}, headers=header)).status_code == 200
        shown = site.org.record("Contacts", contact)
        assert (shown["Phone"], shown["Fax"]) == ("7", "8")
        assert code(await site.call("GET", "Contacts/K-1", headers={"X-EXTERNAL": "Contacts.Email"})) == "INVALID_DATA"

    on_site(scenario)


def test_related_lists_show_what_belongs_to_a_record(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        deal = site.org.add_deal("Lanterns", contact=contact)
        tied = {"What_Id": {"id": deal}, "$se_module": "Deals", "Who_Id": {"id": contact}}
        opened = await site.made("Tasks", Subject="Open", **tied)
        closed = await site.made("Tasks", Subject="Closed", Status="Completed", **tied)
        note = (await site.call("POST", f"Deals/{deal}/Notes", {"data": [{"Note_Content": "x"}]})).json()
        assert note["data"][0]["code"] == "SUCCESS"
        assert await site.ids(f"Deals/{deal}/Tasks") == [opened]
        assert await site.ids(f"Contacts/{contact}/Tasks_History") == [closed]
        assert await site.ids(f"Contacts/{contact}/Deals") == [deal]
        assert await site.ids(f"Deals/{deal}/Contact_Roles") == [contact]
        assert len((await site.get(f"Deals/{deal}/Notes")).json()["data"]) == 1
        assert code(await site.get(f"Deals/{deal}/Nonsense", fields="id")) == "INVALID_DATA"
        names = (await site.get("settings/related_lists", module="Deals")).json()["related_lists"]
        assert {"Stage_History", "Tasks", "Notes", "Contact_Roles"} <= {each["api_name"] for each in names}

    on_site(scenario)


def test_stage_history_and_timeline_say_who_moved_a_deal(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        deal = site.org.add_deal("Lanterns")
        await site.put("Deals", {"id": deal, "Stage": "Needs Analysis"})
        site.org.move_deal(deal, "Closed Won")
        rows = (await site.get(f"Deals/{deal}/Stage_History", fields="Stage,Modified_By,Moved_To__s")).json()["data"]
        assert [(r["Stage"], r["Modified_By"]["id"], r["Moved_To__s"]) for r in rows] == [
            ("Closed Won", site.org.admin, None),
            ("Needs Analysis", site.org.api_user, "Closed Won"),
            ("Qualification", site.org.admin, "Needs Analysis"),
        ]
        entries = (await site.get(f"Deals/{deal}/__timeline")).json()["__timeline"]
        assert [(e["action"], e["source"]) for e in entries] == [
            ("updated", "crm_ui"),
            ("updated", "crm_api"),
            ("added", "crm_ui"),
        ]
        moved = {h["api_name"]: h["_value"] for h in entries[0]["field_history"]}
        assert moved["Stage"] == {"new": "Closed Won", "old": "Needs Analysis"}

    on_site(scenario)


def test_attachments_and_files_come_back(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        await site.sign_in()
        file = {"file": ("offer 报价.pdf", b"%PDF-1", "application/pdf")}
        made = await site.http.post(f"/crm/v8/Contacts/{contact}/Attachments", files=file)
        name = made.json()["data"][0]["details"]["id"]
        listed = (await site.get(f"Contacts/{contact}/Attachments", fields="id,File_Name,Size")).json()["data"][0]
        assert (listed["id"], listed["File_Name"], listed["Size"]) == (name, "offer 报价.pdf", "6")
        assert (await site.get(f"Contacts/{contact}/Attachments/{name}")).content == b"%PDF-1"
        key = (await site.http.post("/crm/v8/files", files=file)).json()["data"][0]["details"]["id"]
        assert (await site.get("files", id=key)).content == b"%PDF-1"
        bad = await site.http.post("/crm/v8/files", files={"file": ("a.exe", b"x")})
        assert bad.status_code == 415

    on_site(scenario)


def test_a_composite_request_uses_what_came_before_or_is_undone(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        make = {"sub_request_id": "1", "method": "POST", "uri": "/crm/v8/Leads", "body": {"data": [{"Last_Name": "Z"}]}}
        look = {"method": "GET", "uri": "/crm/v8/Leads/@{1:$.data[0].details.id}", "params": {"fields": "Last_Name"}}
        done = await site.call("POST", "__composite_requests", {"__composite_requests": [make, look]})
        parts = [each["details"]["response"] for each in done.json()["__composite_requests"]]
        assert (done.status_code, parts[0]["status_code"], parts[1]["body"]["data"][0]["Last_Name"]) == (200, 201, "Z")
        wrong = {"method": "GET", "uri": "/crm/v8/Nonsense", "params": {"fields": "id"}}
        body = {"rollback_on_fail": True, "__composite_requests": [make, wrong]}
        undone = await site.call("POST", "__composite_requests", body)
        codes = [each["code"] for each in undone.json()["__composite_requests"]]
        assert (undone.status_code, codes) == (400, ["ROLLBACK_PERFORMED", "INVALID_MODULE"])
        assert len(site.org.records("Leads")) == 1
        mixed = await site.call("POST", "__composite_requests", {"__composite_requests": [make, wrong]})
        assert mixed.status_code == 207

    on_site(scenario)


@pytest.mark.parametrize("version", ["v2", "v2.1", "v3", "v4", "v5", "v6", "v7", "v8"])
def test_older_versions_answer_too(on_site: OnSite, version: str) -> None:
    async def scenario(site: Site) -> None:
        site.version = version
        lead = await site.made("Leads", Last_Name="A")
        assert await site.ids("Leads") == [lead]
        assert (await site.get("settings/modules")).status_code == 200

    on_site(scenario)


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/crm/v9/org", 404, "INVALID_URL_PATTERN"),
        ("GET", "/crm/v8/settings/nonsense", 404, "INVALID_URL_PATTERN"),
        ("GET", "/hello", 404, "INVALID_URL_PATTERN"),
        ("PATCH", "/crm/v8/org", 400, "INVALID_REQUEST_METHOD"),
        ("GET", "/crm/v8/Nonsense?fields=id", 400, "INVALID_MODULE"),
        ("GET", "/crm/v8/Leads/abc", 400, "INVALID_DATA"),
        ("POST", "/crm/v8/Nonsense/1/actions/associate_email", 404, "INVALID_MODULE"),
    ],
)
def test_wrong_addresses_get_the_vendors_own_answers(
    on_site: OnSite, method: str, path: str, status: int, name: str
) -> None:
    async def scenario(site: Site) -> None:
        await site.sign_in()
        answer = await site.http.request(method, path, json={})
        assert (answer.status_code, code(answer)) == (status, name)
        assert set(answer.json()) == {"code", "details", "message", "status"}

    on_site(scenario)


def test_ordered_faults_look_like_zohos(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        await site.sign_in()
        for status, name in ((429, "TOO_MANY_REQUESTS"), (500, "INTERNAL_ERROR"), (401, "INVALID_TOKEN")):
            site.world.faults.add(Fault(vendor="zoho", operation="get_org", effect=Effect.STATUS, status=status))
            answer = await site.get("org")
            assert (answer.status_code, code(answer)) == (status, name)
        site.world.faults.add(Fault(vendor="zoho", effect=Effect.STATUS, status=502))
        page = await site.get("org")
        assert (page.status_code, page.text[:6]) == (502, "<html>")
        site.world.faults.add(
            Fault(vendor="zoho", operation="get_token", effect=Effect.STATUS, status=200, code="ACCESS_DENIED")
        )
        assert (await site.token()).json()["error"] == "Access Denied"

    on_site(scenario)


def test_a_tag_a_mass_update_and_a_clone(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        lead = site.org.add_lead("A B", "C", "")
        await site.call("POST", f"Leads/{lead}/actions/add_tags", {"tags": [{"name": "hot"}]})
        assert site.org.record("Leads", lead)["Tag"][0]["name"] == "hot"
        done = await site.call("POST", "Leads/actions/mass_update", {"data": [{"Phone": "1"}], "ids": [lead]})
        assert done.json()["data"][0]["code"] == "SUCCESS"
        assert site.org.record("Leads", lead)["Phone"] == "1"
        cloned = await site.call("POST", f"Leads/{lead}/actions/clone", {"data": [{"Last_Name": "B2"}]})
        assert cloned.status_code == 201
        assert (await site.get("Leads/actions/count")).json() == {"count": 2}

    on_site(scenario)
