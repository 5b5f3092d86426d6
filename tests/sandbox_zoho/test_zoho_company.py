"""The organisation as people and the rest of the sandbox see it: `CrmHost`, acts, set-up, control over loopback."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import pytest

from tests.sandbox_zoho.test_zoho_mail import RAW
from tests.sandbox_zoho.zoho_site import Site, code, mail, play
from tradepost.sandbox.hosts import CrmHost, SeenDeal
from tradepost.sandbox.kernel import World
from tradepost.sandbox.serve import serve
from tradepost.sandbox.virtual import VirtualClock
from tradepost.sandbox.zoho import Strictness, ZohoHost, ZohoVendor

OnSite = Callable[..., None]


def test_the_host_shows_mails_tasks_and_deals_with_who_made_them(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        host: CrmHost = site.host
        host.set_up(host.modes[0])
        firm = host.add_company("Adria", "adria.example")
        contact = host.add_contact("Ana Kovač", "ana@adria.example", company=firm)
        deal = host.add_deal("Lanterns", company=firm, contact=contact)
        linked = {"module": {"api_name": "Deals"}, "id": deal}
        made = await site.associate("Contacts", contact, mail(linked_record=linked))
        host.log_by_hand(RAW, contact)
        ours, native = host.mails()
        assert made.json()["Emails"][0]["details"]["message_id"] == ours.record
        assert (ours.by_us, ours.records, ours.deal, ours.incoming) == (True, (contact,), deal, True)
        assert (ours.message_id, ours.sender) == ("inquiry-1@adria.example", "ana@adria.example")
        assert ours.sent_at == datetime(2026, 2, 27, 1, 30, tzinfo=UTC)
        assert (native.by_us, native.subject, native.sender) == (False, "灯笼", "ana@adria.example")
        tied = {"What_Id": {"id": deal}, "$se_module": "Deals", "Who_Id": {"id": contact}}
        task = await site.made("Tasks", Subject="Quote", Tradepost_Key="k", **tied)
        host.close_task(task)
        seen = host.tasks()[0]
        assert (seen.record, seen.closed, seen.records, seen.deal, seen.by_us) == (task, True, (contact,), deal, True)
        await site.put("Deals", {"id": deal, "Stage": host.stages.quoted})
        host.move_deal(deal, host.stages.won)
        moves = ((host.stages.open, False), (host.stages.quoted, True), (host.stages.won, False))
        assert host.deal(deal) == SeenDeal(deal, "Lanterns", host.stages.won, moves)
        host.delete_record(native.record)
        assert host.mails() == (ours,)
        host.delete_record(contact)
        assert host.mails() == ()

    on_site(scenario)


@pytest.mark.parametrize("website", ["adria.example", "www.adria.example", "https://www.adria.example/about", ""])
def test_a_companys_website_is_kept_as_people_write_it(website: str) -> None:
    host = ZohoHost(World(clock=VirtualClock(), random=Random(1)))
    firm = host.add_company("Adria", website)
    assert host.org.record("Accounts", firm)["Website"] == (website or None)


def test_a_merge_moves_what_hung_on_the_loser(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        winner = site.host.add_contact("Ana Kovač", "ana@adria.example")
        loser = site.host.add_contact("A. Kovac", "ana@home.example")
        deal = site.host.add_deal("Lanterns", contact=loser)
        await site.associate("Contacts", loser)
        await site.call("POST", f"Contacts/{loser}/Notes", {"data": [{"Note_Content": "x"}]})
        assert site.host.merge_contacts(winner, loser) == winner
        assert (await site.get(f"Contacts/{loser}")).status_code == 204
        assert (await site.get(f"Deals/{deal}")).json()["data"][0]["Contact_Name"]["id"] == winner
        assert await site.ids(f"Contacts/{winner}/Notes")
        assert site.host.mails()[0].records == (winner,)
        gone = (await site.get("Contacts/deleted")).json()["data"]
        assert [(item["id"], item["type"]) for item in gone] == [(loser, "permanent")]

    on_site(scenario)


def test_the_api_merges_and_converts_as_people_do(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        first, second = site.host.add_contact("A B", "a@b.example"), site.host.add_contact("C D", "c@d.example")
        body = {"merge": [{"data": [{"id": second, "_fields": [{"api_name": "Email"}]}]}]}
        assert (await site.call("POST", f"Contacts/{first}/actions/merge", body)).status_code == 201
        assert site.org.record("Contacts", first)["Email"] == "c@d.example"
        lead = site.host.add_lead("Ana Kovač", "Adria", "ana@adria.example")
        await site.associate("Leads", lead)
        stage = {"Deal_Name": "Lanterns", "Stage": "Nonsense"}
        path = f"Leads/{lead}/actions/convert"
        assert code(await site.call("POST", path, {"data": [{"Deals": stage}]})) == "INVALID_DATA"
        assert site.org.records("Accounts") == []
        stage["Stage"] = "Qualification"
        made = (await site.call("POST", path, {"data": [{"Deals": stage}]})).json()["data"][0]["details"]
        assert made["Accounts"]["name"] == "Adria"
        assert site.host.mails()[0].records == (made["Contacts"]["id"],)

    on_site(scenario)


def test_fields_are_made_over_the_api_and_are_unique_at_once(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        field = {
            "field_label": "Tradepost Key",
            "data_type": "text",
            "length": 100,
            "unique": {"case_sensitive": False},
        }
        path = "settings/fields?module=Tasks"
        assert (await site.call("POST", path, {"fields": [field]})).status_code == 201
        meta = {f["api_name"]: f for f in (await site.get("settings/fields", module="Tasks")).json()["fields"]}
        made = meta["Tradepost_Key"]
        assert (made["unique"], made["length"], made["custom_field"]) == ({"casesensitive": "false"}, 100, True)
        assert meta["Subject"]["unique"] == {}
        assert meta["Subject"]["system_mandatory"] is True
        again = await site.call("POST", path, {"fields": [field]})
        assert (again.status_code, code(again)) == (400, "DUPLICATE_DATA")
        long = {**field, "field_label": "B", "data_type": "textarea"}
        assert code(await site.call("POST", path, {"fields": [long]})) == "DEPENDENT_MISMATCH"
        await site.made("Tasks", Subject="A", Tradepost_Key="k")
        assert code(await site.insert("Tasks", {"Subject": "A", "Tradepost_Key": "K"})) == "DUPLICATE_DATA"

    on_site(scenario)


def test_a_duplicate_check_preference_keeps_out_a_lead_that_is_a_contact(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        assert (await site.get("settings/duplicate_check_preference", module="Leads")).status_code == 204
        site.org.add_field("Leads", "Work Mail", "email", unique=True)
        contact = site.host.add_contact("Ana Kovač", "ana@adria.example")
        pair = {"current_field": {"api_name": "Work_Mail"}, "mapped_field": {"api_name": "Email"}}
        mapped = {"mapped_module": {"api_name": "Contacts"}, "field_mappings": [pair]}
        wish = {"type": "mapped_module_records", "type_configurations": [mapped]}
        path = "settings/duplicate_check_preference?module=Leads"
        await site.call("POST", path, {"duplicate_check_preference": wish})
        refused = await site.insert("Leads", {"Last_Name": "K", "Work_Mail": "ana@adria.example"})
        assert code(refused) == "DUPLICATE_DATA"
        record = refused.json()["data"][0]["details"]["duplicate_record"]
        assert (record["id"], record["module"]["api_name"]) == (contact, "Contacts")

    on_site(scenario)


def test_users_are_listed_by_kind(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        off = site.org.add_user("old@lantern.example", "Old Hand")
        site.org.deactivate_user(off)
        counts = {kind: (await site.get("users/actions/count", type=kind)).json()["count"]
                  for kind in ("AllUsers", "ActiveUsers", "DeactiveUsers", "AdminUsers")}  # fmt: skip
        assert counts == {"AllUsers": 3, "ActiveUsers": 2, "DeactiveUsers": 1, "AdminUsers": 2}
        page = (await site.get("users", type="AllUsers", per_page=2, page=2)).json()
        assert [user["id"] for user in page["users"]] == [off]
        assert page["users"][0]["status"] == "disabled"
        me = (await site.get("users", type="CurrentUser")).json()["users"]
        assert [user["id"] for user in me] == [site.org.api_user]

    on_site(scenario)


def test_credits_cost_what_the_vendor_says(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        await site.sign_in()
        lead = site.host.add_lead("A B", "C", "")

        async def price(call: Any) -> int:
            before = site.org.statistics()["credits_used"]
            await call
            return int(site.org.statistics()["credits_used"] - before)

        assert await price(site.get("org")) == 1
        assert await price(site.insert("Leads", *[{"Last_Name": "x"}] * 11)) == 2
        assert await price(site.coql("select id from Leads where id is not null limit 200")) == 1
        assert await price(site.coql("select id from Leads where id is not null limit 2000")) == 3
        assert await price(site.call("POST", f"Leads/{lead}/actions/convert", {"data": [{}]})) == 5

    on_site(scenario)


def test_the_same_seed_gives_the_same_ids_and_answers() -> None:
    seen: list[str] = []

    async def scenario(site: Site) -> None:
        contact = site.host.add_contact("Ana Kovač", "ana@adria.example")
        seen.append((await site.associate("Contacts", contact)).text + contact + site.org.token)

    play(scenario)
    play(scenario)
    assert seen[0] == seen[1]


def test_lax_vendors_are_built_as_easily() -> None:
    vendor = ZohoVendor(World(clock=VirtualClock(), random=Random(1)), Strictness(credits=False))
    assert not vendor.strictness.credits


class RealClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, 8, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def test_a_client_with_what_serve_tells_reaches_it_over_loopback() -> None:
    async def scenario() -> None:
        host = ZohoHost(World(clock=RealClock(), random=Random(1)))
        async with serve(host.vendor.world, [host.vendor]) as served, httpx.AsyncClient() as http:
            signs = served.credentials["zoho"]
            form = {key: signs[key] for key in ("client_id", "client_secret", "refresh_token")}
            token = f"{signs['accounts_url']}/oauth/v2/token"
            reply = (await http.post(token, data={**form, "grant_type": "refresh_token"})).json()
            assert reply["api_domain"] == served.urls["zoho"]
            headers = {"Authorization": f"Zoho-oauthtoken {reply['access_token']}"}
            made = await http.post(
                f"{served.control}/zoho/add_lead",
                json={"name": "Ana Kovač", "company": "Adria", "email": "a@b.example"},
            )
            listed = await http.get(f"{reply['api_domain']}/crm/v8/Leads?fields=Last_Name", headers=headers)
            assert listed.json()["data"][0] == {"Last_Name": "Kovač", "id": made.json()["result"]}
            counted = (await http.get(f"{served.control}/statistics")).json()
            assert counted["zoho"]["records"] == {"Leads": 1}
            assert (await http.get(f"{served.control}/dump")).json()["zoho"]["Leads"]

    asyncio.run(scenario())


@pytest.mark.parametrize("base", ["", "http://127.0.0.1:8000"])
def test_a_connection_says_where_and_with_which_secrets(base: str) -> None:
    host = ZohoHost(World(clock=VirtualClock(), random=Random(1)))
    found = host.connection(base)
    assert found.section["type"] == "zoho"
    assert found.section["data_centre"] == "cn"
    assert found.secrets[found.section["refresh_token"]["file"]] == host.org.token
    assert ("base_url" in found.section) == bool(base)
