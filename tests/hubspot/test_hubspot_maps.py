"""HubSpot's rows as our values, positions of the feeds, activities, and what a deal's history tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.errors import BadReply, CursorExpired
from connectors.crm.hubspot_feed_map import (
    SEARCH_PAGE,
    Phase,
    Track,
    decode_cursor,
    encode_cursor,
    listed,
    next_round,
    question,
    searched,
    started,
)
from connectors.crm.hubspot_map import (
    API_VERSION,
    API_VERSION_ENDS,
    DealLinks,
    Filter,
    Search,
    Site,
    customers_of,
    deal_of,
    deals_of,
    domains_of,
    iso,
    listed_links,
    millis,
    named,
    parse_time,
    stages_of,
    user_of,
)
from connectors.crm.texts import split_name

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LAG = timedelta(minutes=5)
SITE = Site("77", "app-eu1.hubspot.com")


def row(record="1", **properties):
    return {"id": record, "properties": properties}


def test_the_api_version_is_one_whose_end_is_known_and_far():
    assert API_VERSION == "2026-09"
    # 18 months from its release on 8 September 2026.
    assert datetime(2028, 3, 8, tzinfo=UTC) == API_VERSION_ENDS


# --------------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("text", ["2026-03-02T08:00:00.123Z", "2026-03-02T08:00:00.123+00:00", "1772438400123"])
def test_all_spellings_of_a_time_are_read(text):
    assert parse_time(text) == NOW + timedelta(milliseconds=123)
    assert iso(parse_time(text)) == "2026-03-02T08:00:00.123Z"
    assert millis(parse_time(text)) == 1772438400123


@pytest.mark.parametrize("text", [None, "", "soon", [], {}, "9" * 15, "2026-13-01"])
def test_what_is_no_time_is_none(text):
    assert parse_time(text) is None


def test_names_are_said_in_the_order_of_their_script():
    assert named("Ana", "Ruiz") == "Ana Ruiz"
    assert named("小明", "陈") == "陈小明"
    assert named("", "Ruiz") == "Ruiz"
    assert split_name("Ana María Ruiz") == ("Ana María", "Ruiz")
    assert split_name("陈 小明") == ("", "陈 小明")


@pytest.mark.parametrize(
    ("domain", "more", "hosts"),
    [
        ("Acme.example", "", ("acme.example",)),
        ("https://www.acme.example/en?x=1", "b.example; acme.example", ("acme.example", "b.example")),
        ("müller.example", "", ("xn--mller-kva.example",)),
        ("not a host", "", ()),
        ("", ";;", ()),
    ],
)
def test_domains_are_bare_hosts(domain, more, hosts):
    assert domains_of(row(domain=domain, hs_additional_domains=more)) == hosts


def test_owners_without_a_user_or_of_a_queue_are_inactive():
    owner = {"id": "5", "email": "A@ours.example", "firstName": "A", "userId": 7, "type": "PERSON"}
    assert user_of(owner).active
    assert user_of(owner).emails == ("a@ours.example",)
    for change in ({"archived": True}, {"userId": None}, {"type": "QUEUE"}):
        assert not user_of({**owner, **change}).active


def test_a_merged_record_brings_those_it_swallowed_and_an_archived_one_nothing_but_its_end():
    rows = customers_of("contacts", row("9", hs_merged_object_ids="7;8; 9;x", email="a@b.example"), SITE)
    assert [(c.ref.id, c.merged_into.id if c.merged_into else "") for c in rows] == [("9", ""), ("7", "9"), ("8", "9")]
    (gone,) = customers_of(
        "contacts", {**row("9", email="a@b.example", hs_merged_object_ids="7"), "archived": True}, SITE
    )
    assert (gone.deleted, gone.emails) == (True, ())
    assert rows[0].url == "https://app-eu1.hubspot.com/contacts/77/record/0-1/9"


def test_nulls_and_odd_values_of_properties_are_empty():
    (customer,) = customers_of("contacts", row(email=None, firstname=None, associatedcompanyid="0"), SITE)
    assert (customer.emails, customer.name, customer.company) == ((), "", None)


# ---------------------------------------------------------------------------------------------------------------- deals


STAGES = stages_of(
    [
        {"id": "late", "label": "B", "displayOrder": 2, "stages": []},
        {"id": "gone", "archived": True, "stages": [{"id": "g", "label": "G", "metadata": {"isClosed": "true"}}]},
        {
            "id": "main",
            "label": "A",
            "displayOrder": 1,
            "stages": [
                {"id": "3", "label": "Won", "displayOrder": 3, "metadata": {"isClosed": "true", "probability": "1.0"}},
                {"id": "4", "label": "Lost", "displayOrder": 4, "metadata": {"isClosed": "true", "probability": "0.0"}},
                {
                    "id": "1",
                    "label": "Open",
                    "displayOrder": 0,
                    "metadata": {"isClosed": "false", "probability": "0.2"},
                },
                {
                    "id": "2",
                    "label": "Set by HubSpot",
                    "displayOrder": 1,
                    "writePermissions": "READ_ONLY",
                    "metadata": {},
                },
                {"id": "5", "label": "Old", "displayOrder": 5, "archived": True, "metadata": {}},
            ],
        },
    ]
)


def test_pipelines_and_stages_are_in_their_order_without_archived_ones():
    assert [p.id for p in STAGES.pipelines] == ["main", "late"]
    stages = STAGES.pipelines[0].stages
    assert [(s.id, s.closed, s.won) for s in stages] == [
        ("1", False, False),
        ("2", False, False),
        ("3", True, True),
        ("4", True, False),
    ]
    assert STAGES.locked == {"2"}
    assert (STAGES.pipeline_of("3"), STAGES.pipeline_of("x")) == ("main", "")


def test_a_deal_of_an_archived_pipeline_is_closed_by_its_own_word():
    deal = deal_of(row(dealstage="g", hs_is_closed="true", hs_is_closed_won="true"), DealLinks(), STAGES, SITE)
    assert (deal.closed, deal.won) == (True, True)
    open_ = deal_of(row(dealstage="1"), DealLinks(), STAGES, SITE)
    assert (open_.closed, open_.pipeline) == (False, "main")


def test_deals_that_were_merged_into_another_are_gone():
    rows = deals_of(row("9", dealstage="1", hs_merged_object_ids="7;8"), DealLinks(), STAGES, SITE)
    assert [(d.id, d.deleted) for d in rows] == [("9", False), ("7", True), ("8", True)]


def test_a_listings_links_are_used_only_when_they_are_all_there():
    def with_(companies, **paging):
        return {**row(), "associations": {"companies": {"results": companies, **paging}}}

    plain, primary = {"id": "3", "type": "deal_to_company_unlabeled"}, {"id": "5", "type": "deal_to_company"}
    assert listed_links(with_([plain, primary])).companies == ("5", "3")
    assert listed_links(with_([plain], paging={"next": {"after": "1"}})) is None
    assert listed_links({**row(), "associations": {}}) == DealLinks()
    assert listed_links({**row(), "associations": {"companies": "x"}}) is None


def test_a_search_asks_in_the_form_that_works():
    body = Search(((Filter("email", "IN", values=("a", "b")),),), ("email",), "hs_object_id").json("200")
    assert body["filterGroups"] == [{"filters": [{"propertyName": "email", "operator": "IN", "values": ["a", "b"]}]}]
    assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    assert (body["after"], body["limit"]) == ("200", 200)


# ------------------------------------------------------------------------------------------------------ reading in order


class Index:
    """A search index: rows by (clock, id), shown as HubSpot would, a page at a time and in any order within a clock."""

    def __init__(self, clocks, seed):
        self.rows = [
            {"id": str(n + 1), "properties": {"lastmodifieddate": iso(NOW + timedelta(milliseconds=c))}}
            for n, c in enumerate(clocks)
        ]
        self.random = Random(seed)

    def ask(self, search):
        def fits(one):
            at, record = millis(parse_time(one["properties"]["lastmodifieddate"])), int(one["id"])
            tests = {"GTE": lambda v: at >= v, "LTE": lambda v: at <= v, "GT": lambda v: record > v}
            return all(tests[f.operator](int(f.value)) for f in search.groups[0])

        rows = [r for r in self.rows if fits(r)]
        self.random.shuffle(rows)
        by_id = search.sort == "hs_object_id"
        rows.sort(key=lambda r: int(r["id"]) if by_id else r["properties"]["lastmodifieddate"])
        return rows[: search.limit]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 450)), max_size=6),
    st.integers(0, 5),
)
def test_every_row_is_read_whatever_clocks_they_share(groups, seed):
    clocks = [clock for clock, many in groups for _ in range(many)]
    index = Index(clocks, seed)
    track = Track(phase=Phase.SEARCH, since=millis(NOW), began=millis(NOW))
    seen = set()
    for _ in range(len(clocks) // 50 + 40):
        rows = index.ask(question("contacts", track))
        seen |= {r["id"] for r in rows}
        track = searched("contacts", track, rows)
        if track.phase is not Phase.SEARCH:
            break
    else:
        raise AssertionError("the search does not end")
    assert seen == {r["id"] for r in index.rows}


def test_rows_without_a_clock_are_no_page_to_go_on_from():
    with pytest.raises(BadReply):
        searched("contacts", Track(phase=Phase.SEARCH), [row(str(n)) for n in range(SEARCH_PAGE)])


def test_a_position_survives_being_written_down_and_a_new_round_looks_back():
    tracks = {
        "contacts": Track(Phase.DONE, "", 5, "", millis(NOW), 7, 2),
        "companies": Track(Phase.DONE, began=millis(NOW)),
    }
    again = decode_cursor(encode_cursor(tracks), ("contacts", "companies"), NOW, LAG)
    assert again["contacts"] == Track(Phase.SEARCH, "", millis(NOW) - 300_000, "", 0, 7, 2)
    half = {**tracks, "contacts": Track(Phase.LIST, "abc", 0, "", millis(NOW))}
    assert decode_cursor(encode_cursor(half), ("contacts", "companies"), NOW, LAG) == half
    assert started(next_round(tracks["contacts"], LAG), NOW).began == millis(NOW)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '{"v":1}', '{"v":1,"at":{"deals":["z","",0,"",0,0,0]}}', '{"v":9,"at":{}}']
)
def test_a_position_that_cannot_be_read_is_expired(text):
    with pytest.raises(CursorExpired):
        decode_cursor(text, ("deals",), NOW, LAG)


def test_a_position_of_other_objects_or_too_old_is_expired():
    done = encode_cursor({"contacts": Track(Phase.DONE, began=millis(NOW))})
    with pytest.raises(CursorExpired):
        decode_cursor(done, ("contacts", "leads"), NOW, LAG)
    with pytest.raises(CursorExpired):
        decode_cursor(done, ("contacts",), NOW + timedelta(days=86), LAG)
    assert decode_cursor(done, ("contacts",), NOW + timedelta(days=84), LAG)


def test_the_archive_follows_a_search_at_once_while_it_is_small():
    def after(pages, minutes):
        track = Track(Phase.SEARCH, "", 0, "", millis(NOW), millis(NOW) - minutes * 60_000, pages)
        return searched("contacts", track, []).phase

    assert after(3, 0) is Phase.ARCHIVE
    assert after(30, 29) is Phase.DONE
    assert after(30, 30) is Phase.ARCHIVE
    track = listed(listed(Track(Phase.ARCHIVE, began=9), "next"), "")
    assert (track.phase, track.archived_at, track.archived_pages) == (Phase.DONE, 9, 2)
