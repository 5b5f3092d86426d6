"""Queries: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm ."""
# ruff: noqa: S608 - SOQL for a simulated org, made of its own ids

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.soql import parse


async def _people(site):
    acme = site.org.add_account("Acme")
    site.org.add_contact("Zhang", "li@acme.example", account_id=acme, FirstName="Li")
    site.org.add_contact("Adams", "a@acme.example", account_id=acme, Title="Buyer")
    site.org.add_contact("O'Neil", "o_neil@other.example")
    site.org.add_contact("Nomail")
    return acme


def test_conditions_select_what_they_say(on_site):
    async def scenario(site):
        await _people(site)

        async def names(where):
            return [
                r["LastName"] for r in await site.rows(f"SELECT LastName FROM Contact WHERE {where} ORDER BY LastName")
            ]

        assert await names("Email = 'LI@acme.EXAMPLE'") == ["Zhang"], "text compares without case"
        assert await names("Email != 'li@acme.example'") == ["Adams", "Nomail", "O'Neil"], "null is unequal"
        assert await names("Email IN ('li@acme.example', 'a@acme.example')") == ["Adams", "Zhang"]
        assert await names("Email NOT IN ('li@acme.example','a@acme.example') AND Email != null") == ["O'Neil"]
        assert await names("Email = null") == ["Nomail"]
        assert await names("Email LIKE '%@acme%'") == ["Adams", "Zhang"]
        assert await names(r"Email LIKE 'o\_neil%'") == ["O'Neil"]
        assert await names("Email LIKE '_@acme.example'") == ["Adams"]
        assert await names(r"LastName = 'O\'Neil'") == ["O'Neil"]
        assert await names("LastName < 'B' OR (LastName > 'Y' AND NOT Title = 'x')") == ["Adams", "Zhang"]
        assert await names("NOT (Account.Name = 'acme')") == ["Nomail", "O'Neil"]
        assert await names("HasOptedOutOfEmail = false AND Title <> null") == ["Adams"]
        assert await names("AccountId IN (SELECT Id FROM Account WHERE Name = 'Acme')") == ["Adams", "Zhang"]

    on_site(scenario)


def test_ids_match_in_both_lengths_and_only_in_their_own_case(on_site):
    async def scenario(site):
        acme = await _people(site)
        for form in (acme, acme[:15]):
            assert len(await site.rows(f"SELECT Id FROM Contact WHERE AccountId = '{form}'")) == 2
        wrong = await site.query("SELECT Id FROM Contact WHERE AccountId = '001nonsense'")
        assert wrong[0]["errorCode"] == "INVALID_QUERY_FILTER_OPERATOR"

    on_site(scenario)


def test_related_fields_come_nested_and_null_where_the_link_is(on_site):
    async def scenario(site):
        await _people(site)
        found = await site.query("SELECT Account.Name, Owner.Name, LastName FROM Contact ORDER BY LastName")
        adams, nomail = found["records"][0], found["records"][1]
        assert adams["Account"]["Name"] == "Acme"
        assert adams["Account"]["attributes"]["type"] == "Account"
        assert adams["attributes"]["url"].startswith("/services/data/v66.0/sobjects/Contact/003")
        assert list(adams) == ["attributes", "Account", "Owner", "LastName"]
        assert nomail["Account"] is None

    on_site(scenario)


def test_a_task_tells_who_and_what_whatever_they_are(on_site):
    async def scenario(site):
        deal = site.org.add_opportunity("Deal")
        lead = site.org.add_lead("Lee", "Lee Ltd", "lee@lee.example")
        site.org.create("Task", {"Subject": "a", "WhatId": deal})
        site.org.create("Task", {"Subject": "b", "WhoId": lead})
        rows = await site.rows("SELECT What.Name, What.Type, Who.Name, Who.Type FROM Task ORDER BY Subject")
        assert (rows[0]["What"]["Name"], rows[0]["What"]["Type"], rows[0]["Who"]) == ("Deal", "Opportunity", None)
        assert (rows[1]["Who"]["Name"], rows[1]["Who"]["Type"]) == ("Lee", "Lead")
        assert len(await site.rows("SELECT Id FROM Task WHERE What.Type = 'Opportunity'")) == 1

    on_site(scenario)


def test_rows_are_ordered_by_several_fields_with_nulls_where_asked(on_site):
    async def scenario(site):
        for title, name in (("b", "1"), ("a", "2"), (None, "3"), ("b", "0")):
            site.org.add_contact(name, Title=title)

        async def order(by):
            return "".join([r["LastName"] for r in await site.rows(f"SELECT LastName FROM Contact ORDER BY {by}")])

        assert await order("Title, LastName") == "3201"
        assert await order("Title DESC NULLS LAST, LastName DESC") == "1023"
        assert await order("Title ASC NULLS LAST, LastName") == "2013"
        rows = await site.rows("SELECT LastName FROM Contact ORDER BY LastName LIMIT 2 OFFSET 1")
        assert [r["LastName"] for r in rows] == ["1", "2"]

    on_site(scenario)


def test_dates_and_date_literals_bound_what_they_name(on_site):
    async def scenario(site):
        old = site.org.add_contact("Old")
        await site.world.clock.sleep(3 * 86400)
        await site.sign_in()
        new = site.org.add_contact("New")

        async def ids(where):
            return [r["Id"] for r in await site.rows(f"SELECT Id FROM Contact WHERE {where}")]

        assert await ids("SystemModstamp >= 2026-03-05T08:00:00Z") == [new]
        assert await ids("SystemModstamp > 2026-03-02T08:00:00.000+0000") == [new]
        assert await ids("CreatedDate = TODAY") == [new]
        assert await ids("CreatedDate < TODAY") == [old]
        assert await ids("CreatedDate = LAST_N_DAYS:7") == [old, new]
        assert await ids("CreatedDate >= YESTERDAY") == [new]
        site.org.add_opportunity("Soon", CloseDate="2026-03-20")
        assert len(await site.rows("SELECT Id FROM Opportunity WHERE CloseDate = 2026-03-20")) == 1
        assert len(await site.rows("SELECT Id FROM Opportunity WHERE CloseDate = NEXT_MONTH")) == 0
        assert len(await site.rows("SELECT Id FROM Opportunity WHERE CloseDate = THIS_MONTH")) == 1

    on_site(scenario)


def test_counting_and_grouping(on_site):
    async def scenario(site):
        await _people(site)
        assert await site.query("SELECT COUNT() FROM Contact") == {"totalSize": 4, "done": True, "records": []}
        grouped = await site.rows("SELECT Account.Name, COUNT(Id) n, MAX(LastName) FROM Contact GROUP BY Account.Name")
        assert grouped == [{"Name": None, "n": 2, "expr0": "O'Neil"}, {"Name": "Acme", "n": 2, "expr0": "Zhang"}]

    on_site(scenario)


def test_children_come_as_a_nested_result_or_null(on_site):
    async def scenario(site):
        await _people(site)
        site.org.add_account("Beta")
        rows = await site.rows(
            "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account ORDER BY Name"
        )
        assert [r["LastName"] for r in rows[0]["Contacts"]["records"]] == ["Adams", "Zhang"]
        assert rows[0]["Contacts"]["totalSize"] == 2
        assert rows[1]["Contacts"] is None

    on_site(scenario)


def test_all_fields_can_be_asked_for_with_a_limit(on_site):
    async def scenario(site):
        await _people(site)
        rows = await site.rows("SELECT FIELDS(ALL) FROM Contact LIMIT 1")
        assert {"Id", "LastName", "Tradepost_Key__c", "SystemModstamp"} <= set(rows[0])
        assert (await site.query("SELECT FIELDS(ALL) FROM Contact"))[0]["errorCode"] == "MALFORMED_QUERY"

    on_site(scenario)


def test_times_have_the_rest_form_and_whole_seconds(on_site):
    async def scenario(site):
        await site.world.clock.sleep(0.7)
        site.org.add_contact("X", EmailBouncedDate="2026-01-01T00:00:00.999Z")
        row = (await site.rows("SELECT SystemModstamp, EmailBouncedDate FROM Contact"))[0]
        assert row == {
            "SystemModstamp": "2026-03-02T08:00:00.000+0000",
            "EmailBouncedDate": "2026-01-01T00:00:00.000+0000",
        }

    on_site(scenario)


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT Nope__c FROM Contact", "INVALID_FIELD", "No such column 'Nope__c' on entity 'Contact'"),
        ("SELECT Id FROM Nope__c", "INVALID_TYPE", "sObject type 'Nope__c' is not supported"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Contact WHERE a = 1 AND b = 2 OR c = 3", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Contact WHERE LastName = 5", "INVALID_FIELD", "should be enclosed in quotes"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Contact ORDER BY Description", "INVALID_FIELD", "can not be sorted"),
        ("SELECT COUNT(Id) FROM Contact GROUP BY Description", "INVALID_FIELD", "can not be grouped"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        (r"SELECT Id FROM Contact WHERE LastName = 'a\q'", "MALFORMED_QUERY", "Illegal character sequence"),
        (f"SELECT Id FROM Contact WHERE LastName = '{'x' * 4001}'", "MALFORMED_QUERY", "4000 characters"),
        ("SELECT Id FROM FieldPermissions", "INVALID_TYPE", "not supported"),
    ],
)
def test_wrong_queries_are_refused_with_their_code(on_site, soql, code, words):
    async def scenario(site):
        site.org.revoke(site.user, "ViewSetup")
        answer = await site.query(soql)
        assert answer[0]["errorCode"] == code
        assert words in answer[0]["message"]

    on_site(scenario)


def test_a_statement_has_a_length_limit():
    with pytest.raises(Refused, match="100000"):
        parse("SELECT Id FROM Contact WHERE " + " " * 100_000 + "Id = null")


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text):
    for soql in (text, f"SELECT Id FROM Contact WHERE {text}"):
        with contextlib.suppress(Refused):
            parse(soql)


@given(st.text(max_size=40))
def test_a_quoted_literal_means_the_text_it_was_made_of(text):
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    assert parse(f"SELECT Id FROM Contact WHERE LastName = '{quoted}'").where.value == text


def test_pages_follow_each_other_without_loss_and_hold_still(on_site):
    async def scenario(site):
        for n in range(25):
            site.org.add_contact(f"{n:02d}")
        site.org.settings.page_size = 10
        page = await site.query("SELECT LastName FROM Contact ORDER BY LastName")
        seen = []
        for n in range(3):
            seen += [r["LastName"] for r in page["records"]]
            assert page["totalSize"] == 25
            assert page["done"] == (n == 2)
            if n == 0:
                site.org.add_contact("05b")
            if not page["done"]:
                page = (await site.http.get(page["nextRecordsUrl"])).json()
        assert seen == [f"{n:02d}" for n in range(25)]

    on_site(scenario)
