"""Search and COQL find what they should, and say so when they cannot."""

# ruff: noqa: S608 - COQL, to a sandbox

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox_zoho.zoho_site import Site, code, play
from tradepost.sandbox.zoho import Unknowns

OnSite = Callable[..., None]

PEOPLE = (
    ("Ana Kovač", "ana@adria.example", "Croatia", 10),
    ("Bo Novak", "bo@adria.example", "Croatia", 200),
    ("Li (Lily) Hua", "li@lantern.example", "China", None),
    ("O'Neil, Sean", "sean@clover.example", "", 40),
)


async def people(site: Site) -> dict[str, str]:
    """Ids by e-mail."""
    found = {}
    for name, email, country, staff in PEOPLE:
        values: dict[str, Any] = {"Country": country or None, "No_of_Employees": staff}
        found[email] = await site.made("Leads", Last_Name=name, Email=email, **values)
    return found


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ("(Email:equals:ANA@adria.example)", "ana"),
        ("((Country:equals:Croatia)and(No_of_Employees:greater_than:50))", "bo"),
        ("((Country:equals:Croatia)or(Country:equals:China))", "ana bo li"),
        ("(((Country:equals:Croatia)and(No_of_Employees:less_than:50))or(Email:starts_with:sean))", "ana sean"),
        ("(Email:in:ana@adria.example,li@lantern.example)", "ana li"),
        ("(No_of_Employees:between:10,40)", "ana sean"),
        (r"(Last_Name:equals:Li \(Lily\) Hua)", "li"),
        (r"(Last_Name:starts_with:O'Neil\,)", "sean"),
        ("(Country:not_equal:Croatia)", "li sean"),
        ("Country:equals:China", "li"),
    ],
)
def test_criteria_find(on_site: OnSite, criteria: str, found: str) -> None:
    async def scenario(site: Site) -> None:
        ids = await people(site)
        answer = await site.get("Leads/search", criteria=criteria, sort_order="asc", fields="Email")
        names = [row["Email"].partition("@")[0] for row in answer.json()["data"]]
        assert names == found.split()
        assert len(ids) == 4

    on_site(scenario, unknowns=Unknowns(search_lag_seconds=0))


@pytest.mark.parametrize(
    "criteria",
    ["(Nonsense:equals:1)", "(Email:resembles:x)", "(Email)", "((Email:equals:x)", "(No_of_Employees:equals:many)"],
)
def test_criteria_that_make_no_sense_are_invalid_queries(on_site: OnSite, criteria: str) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.get("Leads/search", criteria=criteria)
        assert (answer.status_code, code(answer)) == (400, "INVALID_QUERY")

    on_site(scenario)


def test_search_by_email_phone_and_word_looks_everywhere(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        lead = await site.made("Leads", Last_Name="Kovač", Secondary_Email="ana@home.example", Mobile="+385 1 234")
        for query in ({"email": "ana@home.example"}, {"phone": "3851234"}, {"word": "kov"}):
            assert [r["id"] for r in (await site.get("Leads/search", **query)).json()["data"]] == [lead]
        assert code(await site.get("Leads/search")) == "EXPECTED_PARAM_MISSING"

    on_site(scenario, unknowns=Unknowns(search_lag_seconds=0))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("where Email = 'ana@adria.example'", "ana"),
        ("where Email in ('ana@adria.example', 'bo@adria.example') and No_of_Employees > 100", "bo"),
        ("where (Country = 'China' or No_of_Employees is null) and Email like '%lantern%'", "li"),
        ("where Country is not null order by No_of_Employees desc limit 1", "bo"),
        ("where id is not null order by id asc limit 1, 2", "bo li"),
        ("where id is not null order by id asc limit 2 offset 1", "bo li"),
        ("where No_of_Employees between 10 and 40 order by id asc", "ana sean"),
        (r"where Last_Name = 'O\'Neil, Sean'", "sean"),
        ("where Country not in ('Croatia') and Country is not null", "li"),
        ("where Created_Time > '2026-01-01T00:00:00+08:00' order by id desc limit 1", "sean"),
    ],
)
def test_coql_finds(on_site: OnSite, query: str, found: str) -> None:
    async def scenario(site: Site) -> None:
        await people(site)
        rows = (await site.coql(f"select Email from Leads {query}")).json()["data"]
        assert [row["Email"].partition("@")[0] for row in rows] == found.split()

    on_site(scenario)


def test_coql_follows_lookups_and_counts(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        account = site.org.add_account("Adria")
        site.org.add_contact("Ana Kovač", "ana@adria.example", account)
        for _ in range(3):
            site.org.add_deal("Lanterns", account)
        where = "where Account_Name.Account_Name = 'adria'"
        body = (await site.coql(f"select Last_Name, Account_Name.Account_Name from Contacts {where}")).json()
        assert body["data"][0]["Account_Name.Account_Name"] == "Adria"
        counted = await site.coql("select Stage, count(id) as n from Deals where id is not null group by Stage")
        assert counted.json()["data"] == [{"Stage": "Qualification", "n": 3}]
        paged = (await site.coql("select id from Deals where id is not null limit 2")).json()
        assert paged["info"] == {"count": 2, "more_records": True}

    on_site(scenario)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("selec id from Leads", "SYNTAX_ERROR"),
        ("select id from Leads where", "SYNTAX_ERROR"),
        ("select Nonsense from Leads where id is not null", "INVALID_QUERY"),
        ("select id from Nonsense where id is not null", "INVALID_QUERY"),
        ("select id from Leads where No_of_Employees = 'many'", "INVALID_QUERY"),
        ("select id from Leads where Email in (" + ",".join(["'x'"] * 51) + ")", "LIMIT_EXCEEDED"),
    ],
)
def test_coql_says_what_is_wrong(on_site: OnSite, query: str, name: str) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.coql(query)
        assert (answer.status_code, code(answer)) == (400, name)

    on_site(scenario)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.integers(0, 6))
def test_a_query_by_index_finds_what_a_look_at_every_record_finds(staff: list[int], wanted: int) -> None:
    async def scenario(site: Site) -> None:
        for number in staff:
            await site.made("Leads", Last_Name=f"L{number}", No_of_Employees=number)
        exact = await site.coql(f"select id from Leads where No_of_Employees = {wanted} order by id asc")
        range_ = await site.coql(
            f"select id from Leads where No_of_Employees >= {wanted} and No_of_Employees <= {wanted} order by id asc"
        )
        assert (exact.status_code, exact.content) == (range_.status_code, range_.content)
        assert (exact.status_code == 200) == (wanted in staff)

    play(scenario)
