"""What extraction and automation tools rely on at Zoho."""

from collections.abc import Callable

from tests.sandbox_zoho.zoho_site import Site, code

OnSite = Callable[..., None]
TYPES = {"string", "integer", "double", "boolean", "jsonarray", "jsonobject"}


def test_modules_are_named_in_any_case(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        site.version = "v2"
        made = await site.made("leads", Last_Name="Kovač", Company="Adria")
        assert (await site.get(f"LEADS/{made}")).json()["data"][0]["Last_Name"] == "Kovač"
        assert (await site.get("settings/fields", module="leads")).json()["fields"]
        assert code(await site.get("lead", fields="id")) == "INVALID_MODULE"
        await site.sign_in(refresh_token=site.org.new_refresh_token(("ZohoCRM.modules.contacts.ALL",)))
        assert code(await site.get(f"leads/{made}")) == "OAUTH_SCOPE_MISMATCH"
        assert code(await site.get("contacts", fields="id")) != "OAUTH_SCOPE_MISMATCH"

    on_site(scenario)


def test_types_of_fields_are_those_that_clients_map(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        for module in ("Accounts", "Contacts", "Deals", "Tasks", "users"):
            for each in (await site.get("settings/fields", module=module)).json()["fields"]:
                assert each["json_type"] in TYPES, each["api_name"]

    on_site(scenario)


def test_currencies_are_none_but_the_own(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        assert (await site.get("org/currencies")).status_code == 204

    on_site(scenario)


def test_the_api_answers_without_www(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        assert (await site.call("GET", "org")).status_code == 200
        assert (await site.http.get("https://zohoapis.com.cn/crm/v8/org")).json()["org"]

    on_site(scenario)


def test_an_export_has_a_name(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        await site.made("Leads", Last_Name="Kovač", Company="Adria")
        site.http.headers["Content-Type"] = "application/json"
        query = {"query": {"module": {"api_name": "Leads"}, "fields": ["Last_Name"]}}
        job = (await site.http.post("/crm/bulk/v8/read", json=query)).json()["data"][0]["details"]["id"]
        await site.world.clock.sleep(120)
        told = (await site.http.get(f"/crm/bulk/v8/read/{job}")).json()["data"][0]
        assert (told["query"]["module"]["api_name"], told["query"]["page"], told["result"]["count"]) == ("Leads", 1, 1)
        result = await site.http.get(f"/crm/bulk/v8/read/{job}/result")
        assert result.content.startswith(b"PK")
        assert result.headers["Content-Disposition"] == f'attachment; filename="{job}.zip"'

    on_site(scenario)
