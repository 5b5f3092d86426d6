"""Rows, cursors and SOQL: pure promises of the Salesforce maps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.errors import CursorExpired
from connectors.base.model import RecordKind, RecordRef
from connectors.crm import salesforce_map as m
from connectors.crm.texts import domains_of

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CONTACT = m.ObjectShape(
    "Contact",
    fields={n: m.FieldShape("email") for n in ("Email", "Second_Email__c")} | {"AccountId": m.FieldShape("id")},
)


def test_the_pinned_api_version_is_in_one_place_and_still_alive():
    # v66.0 (Spring '26, February 2026) lives at least three years:
    # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/api_rest_eol.htm
    assert m.API_VERSION == "66.0"
    assert m.API_VERSION_ENDS.date() == date(2029, 2, 1)
    assert datetime.now(UTC) + timedelta(days=90) < m.API_VERSION_ENDS, "raise API_VERSION"  # noqa: TID251
    sources = sorted(Path(m.__file__).parent.glob("salesforce*.py"))
    assert [p.name for p in sources if "66.0" in p.read_text(encoding="utf-8")] == ["salesforce_map.py"]


@given(st.text(max_size=60))
def test_a_literal_cannot_be_left_by_what_it_holds(text):
    literal = m.soql_text(text)
    inside = literal[1:-1]
    unescaped = inside.replace("\\\\", "")
    assert literal[0] == literal[-1] == "'"
    assert "'" not in unescaped.replace("\\'", "")
    assert "\n" not in literal


def test_quotes_backslashes_and_wildcards_are_escaped():
    assert m.soql_text("o'brien\\") == r"'o\'brien\\'"
    assert m.soql_like("a_b%c'd") == r"a\_b\%c\'d"


def test_ids_of_15_characters_get_their_checksum():
    assert m.id18("001000000000001") == "001000000000001AAA"
    assert m.id18("003A0000005Qdrz") == "003A0000005QdrzIAC"
    assert m.id18("001000000000001AAA") == "001000000000001AAA"
    assert m.id18("") == ""


def test_both_spellings_of_a_time_are_read():
    assert m.parse_time("2026-11-21T10:00:00.000+0000") == m.parse_time("2026-11-21T10:00:00.000Z")
    assert m.soql_time(m.parse_time("2026-11-21T12:00:00.120+0200")) == "2026-11-21T10:00:00.120Z"
    assert m.http_date(datetime(2026, 3, 2, 8, 0, 5, 900_000, tzinfo=UTC)) == "Mon, 02 Mar 2026 08:00:05 GMT"


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=80), max_size=400))
def test_every_query_fits_a_uri_and_no_item_is_lost(items):
    def soql(some):
        return m.select(("Id",), "Contact", f"Email IN {m.soql_in(some)}")

    texts = m.in_chunks(items, soql)
    assert all(len(quote(t)) <= m.URI_ROOM for t in texts)
    assert sum(t.count("SELECT Id FROM Contact") for t in texts) == len(texts)
    whole = soql(items).removeprefix("SELECT Id FROM Contact WHERE Email IN (").removesuffix(")")
    parts = [t.removeprefix("SELECT Id FROM Contact WHERE Email IN (").removesuffix(")") for t in texts]
    assert ",".join(parts) == (whole if items else "")


@pytest.mark.parametrize(
    ("website", "domains"),
    [
        ("https://www.Acme.com/en?x=1", ("acme.com",)),
        ("acme.com, http://acme.de:8080 ; www.acme.co.uk", ("acme.com", "acme.de", "acme.co.uk")),
        ("http://münchen.example", ("xn--mnchen-3ya.example",)),
        ("ask sales", ()),
        ("http://10.1.2.3/", ()),
        ("http://[broken", ()),
        ("", ()),
    ],
)
def test_a_website_names_its_domains(website, domains):
    assert domains_of(website) == domains


def test_a_contact_bears_all_its_addresses_also_those_of_the_orgs_own_fields():
    row = {"Id": "003000000000001AAA", "Name": "Li", "Email": "Li@Acme.com", "Second_Email__c": "li@home.example"}
    got = m.customer_of({**row, "AccountId": "001000000000001AAA", "OwnerId": "005x"}, CONTACT, "https://x.example")
    assert got.emails == ("li@acme.com", "li@home.example")
    assert got.company == RecordRef(RecordKind.COMPANY, "001000000000001AAA")
    assert got.url == "https://x.example/003000000000001AAA"
    assert not got.deleted


def test_a_merged_record_and_a_converted_lead_name_their_successors():
    lead = m.ObjectShape("Lead")
    merged = m.customer_of({"Id": "1", "IsDeleted": True, "MasterRecordId": "2"}, CONTACT, "")
    converted = m.customer_of({"Id": "1", "IsConverted": True, "ConvertedContactId": "9"}, lead, "")
    assert merged.merged_into == RecordRef(RecordKind.CONTACT, "2")
    assert converted.merged_into == RecordRef(RecordKind.CONTACT, "9")


def test_a_person_account_matches_through_its_contact_row_only():
    account = m.ObjectShape("Account", fields={"PersonEmail": m.FieldShape("email")})
    row = {"Id": "1", "IsPersonAccount": True, "PersonEmail": "p@x.example", "Website": "x.example"}
    got = m.customer_of(row, account, "")
    assert got.emails == ()
    assert got.domains == ()


def test_the_primary_contact_of_a_deal_comes_first_and_deleted_roles_do_not_count():
    roles = [
        {"OpportunityId": "d", "ContactId": "b", "IsPrimary": False},
        {"OpportunityId": "d", "ContactId": "c", "IsPrimary": True},
        {"OpportunityId": "d", "ContactId": "a", "IsPrimary": False, "IsDeleted": True},
        {"OpportunityId": "d", "ContactId": "c", "IsPrimary": False},
    ]
    assert m.contacts_by_deal(roles) == {"d": ["c", "b"]}


# -------------------------------------------------------------------------------------------------------------- cursor


def test_equal_stamps_are_told_apart_by_id():
    position = m.Position(since=("2026-03-02T08:00:00.000Z", "003B"), began="x")
    assert m.page_soql("Contact", ("Id",), position, "", 10) == (
        "SELECT Id FROM Contact WHERE (SystemModstamp > 2026-03-02T08:00:00.000Z OR "
        "(SystemModstamp = 2026-03-02T08:00:00.000Z AND Id > '003B')) ORDER BY SystemModstamp, Id LIMIT 10"
    )


def test_a_new_round_begins_before_the_last_one_began():
    position = m.Position(since=("2026-03-02T07:59:59.000Z", "z"), began=m.soql_time(NOW), whole=True, open=False)
    cursor = m.encode_cursor({"Contact": position})
    again = m.decode_cursor(cursor, ("Contact",), NOW)["Contact"]
    assert again == m.Position(since=("2026-03-02T07:45:00.000Z", ""), began="", whole=False, open=True)
    assert timedelta(minutes=12) <= m.OVERLAP


def test_an_unfinished_round_goes_on_where_it_was():
    positions = {
        "Contact": m.Position(since=("2026-03-02T07:00:00.000Z", "a"), began=m.soql_time(NOW), open=False),
        "Lead": m.Position(since=("2026-03-02T07:10:00.000Z", "b"), began=m.soql_time(NOW), open=True),
    }
    assert m.decode_cursor(m.encode_cursor(positions), ("Contact", "Lead"), NOW) == positions


def test_the_first_listing_may_leave_rows_out_that_changes_must_bring():
    first = m.page_soql("Lead", ("Id",), m.Position(), "IsConverted = false", 10)
    later = m.page_soql("Lead", ("Id",), m.next_round(m.Position(began=m.soql_time(NOW))), "IsConverted = false", 10)
    assert "WHERE IsConverted = false ORDER" in first
    assert "IsConverted" not in later
    assert "WHERE SystemModstamp >= 2026-03-02T07:45:00.000Z ORDER" in later


@pytest.mark.parametrize(
    "cursor", ["", "[]", "{}", '{"v":1,"at":{"Lead":[null,"",true,true]}}', '{"at":{"Contact":[1]}}']
)
def test_a_cursor_of_another_make_is_expired(cursor):
    with pytest.raises(CursorExpired):
        m.decode_cursor(cursor, ("Contact",), NOW)


def test_a_cursor_older_than_the_recycle_bin_is_expired():
    old = m.encode_cursor({"Contact": m.Position(began=m.soql_time(NOW - timedelta(days=14, seconds=1)), open=False)})
    young = m.encode_cursor({"Contact": m.Position(began=m.soql_time(NOW - timedelta(days=13)), open=False)})
    with pytest.raises(CursorExpired):
        m.decode_cursor(old, ("Contact",), NOW)
    assert m.decode_cursor(young, ("Contact",), NOW)["Contact"].open
