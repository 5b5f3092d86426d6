"""Rows, stages, history, cursors: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.errors import CursorExpired
from connectors.base.model import RecordKind, RecordRef
from connectors.crm import zoho_map as m
from connectors.crm.texts import domains_of
from connectors.crm.zoho_cursor_map import (
    CURSOR_LIFE,
    Position,
    advance,
    decode_cursor,
    encode_cursor,
    feeds_of,
    next_round,
)
from connectors.crm.zoho_moves_map import transition_to
from connectors.crm.zoho_parse import Listed

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_the_version_of_the_api_is_in_one_place():
    assert m.API_VERSION == "v8"
    assert m.ROOT == "/crm/v8"


def test_times_are_sent_with_an_offset_and_without_fractions():
    at = datetime(2026, 3, 1, 17, 30, 15, 999999, tzinfo=timezone(timedelta(hours=8)))
    assert m.zoho_time(at) == "2026-03-01T09:30:15+00:00"


@given(st.text(max_size=40))
def test_no_text_ends_a_coql_literal_early(text):
    quoted = m.coql_text(text)
    inside = quoted[1:-1].replace("\\\\", "").replace("\\'", "")
    assert "'" not in inside
    assert "\n" not in quoted
    assert not inside.endswith("\\")


def test_conditions_nest_two_by_two():
    assert m.any_of(["a = '1'"]) == "a = '1'"
    assert m.any_of(["a", "b", "c"]) == "((a or b) or c)"


def test_all_fields_of_type_email_are_addresses():
    fields = [
        {"api_name": "Email", "data_type": "email"},
        {"api_name": "Secondary_Email", "data_type": "email"},
        {"api_name": "Billing_Mail", "data_type": "email"},
        {"api_name": "Title", "data_type": "text"},
    ]
    shape = m.module_shape({"api_name": "Contacts", "id": "7"}, fields)
    row = {
        "id": "1",
        "Email": " Li@Acme.example",
        "Secondary_Email": "li@acme.example",
        "Billing_Mail": "b@acme.example",
    }
    customer = m.customer_of(
        {**row, "Account_Name": {"id": "9", "name": "Acme"}, "Owner": {"id": "5"}}, shape, "https://x"
    )
    assert customer.emails == ("b@acme.example", "li@acme.example")
    assert (customer.company, customer.owner) == (RecordRef(RecordKind.COMPANY, "9"), "5")
    assert customer.url == "https://x/tab/Contacts/1"


@pytest.mark.parametrize(
    ("website", "domains"),
    [
        ("https://www.acme.example/shop", ("acme.example",)),
        ("Acme.example; beta.example", ("acme.example", "beta.example")),
        ("http://例子.example", ("xn--fsqu00a.example",)),
        ("10.0.0.1", ()),
        ("not a site", ()),
        ("https://[broken", ()),
        ("", ()),
    ],
)
def test_a_website_gives_its_hosts(website, domains):
    assert domains_of(website) == domains


@pytest.mark.parametrize(
    ("extra", "into"),
    [
        ({"$converted_detail": {"contact": "5", "account": "6"}}, RecordRef(RecordKind.CONTACT, "5")),
        ({"Converted_Contact": {"id": "5", "name": "x"}}, RecordRef(RecordKind.CONTACT, "5")),
        ({"$converted_detail": {"account": {"id": "6"}}}, RecordRef(RecordKind.COMPANY, "6")),
        ({"$converted_detail": {}}, None),
        ({"$converted_detail": "?"}, None),
    ],
)
def test_a_converted_lead_points_to_what_it_became(extra, into):
    assert m.customer_of({"id": "1", **extra}, m.ModuleShape("Leads"), "").merged_into == into


def field(**more):
    return m.field_shape({"api_name": "Tradepost_Key", "data_type": "text", "length": 100, **more})


def test_only_a_unique_writable_text_field_is_a_key():
    assert field(unique={"casesensitive": "false"}).is_key
    assert not field(unique={}).is_key
    assert not field(unique={"casesensitive": ""}, length=50).is_key
    assert not field(unique={"casesensitive": ""}, field_read_only=True).is_key
    assert not field(unique={"casesensitive": ""}, data_type="textarea").is_key


def stage(name, kind, order, **more):
    return {
        "actual_value": name,
        "display_value": f"{name} 阶段",
        "forecast_type": kind,
        "sequence_number": order,
        **more,
    }


def test_stages_go_by_actual_value_in_their_order_and_forecast_type():
    maps = [stage("Won", "Closed Won", 3), stage("New", "Open", 1), stage("Lost", "Closed Lost", 4)]
    (pipeline,) = m.pipelines_of([{"actual_value": "P", "display_value": "Pipe", "maps": maps}])
    assert [(s.id, s.label, s.closed, s.won) for s in pipeline.stages] == [
        ("New", "New 阶段", False, False),
        ("Won", "Won 阶段", True, True),
        ("Lost", "Lost 阶段", True, False),
    ]


def test_a_pipeline_of_several_layouts_is_one_and_rubbish_is_none():
    one = {"actual_value": "P", "maps": [stage("A", "Open", 1)]}
    two = {"actual_value": "P", "maps": [stage("A", "Open", 1), stage("B", "Open", 2), "?"]}
    (pipeline,) = m.pipelines_of([one, two, {"maps": []}, {"actual_value": "Q", "maps": None}])
    assert [s.id for s in pipeline.stages] == ["A", "B"]


def test_without_pipelines_the_picklist_gives_the_stages():
    pipeline = m.stages_of_picklist([stage("A", "Open", 1), stage("Z", "Open", 2, type="unused")])
    assert (pipeline.id, [s.id for s in pipeline.stages]) == ("default", ["A"])
    deal = m.deal_of({"id": "1", "Stage": "A", "Pipeline": None}, {}, "")
    assert deal.pipeline == pipeline.id


# ------------------------------------------------------------------------------------------------------ stage history


def entries(*steps):
    rows = [
        {"Stage": s, "Modified_By": {"id": by}, "Modified_Time": m.zoho_time(NOW + timedelta(seconds=n))}
        for n, (s, by) in enumerate(steps)
    ]
    return m.stage_entries(reversed(rows))


def seen(*steps, since=NOW):
    return m.move_seen(entries(*steps), me="me", since=since, expect="A", to="B")


def test_our_move_from_where_we_expected_it_went_over_nobody():
    assert seen(("A", "li"), ("B", "me")) == m.MoveSeen(ours=True)


def test_a_persons_stage_between_our_looking_and_writing_is_found():
    assert seen(("A", "li"), ("X", "li"), ("B", "me")) == m.MoveSeen(ours=True, over="X")


def test_a_person_who_came_back_to_the_expected_stage_was_not_overruled():
    assert seen(("X", "li"), ("A", "li"), ("B", "me")) == m.MoveSeen(ours=True)


def test_an_older_move_of_ours_is_not_this_one():
    assert seen(("A", "li"), ("B", "me"), since=NOW + timedelta(hours=1)) == m.MoveSeen()


def test_somebody_elses_move_is_not_ours():
    assert seen(("A", "li"), ("B", "li")) == m.MoveSeen()


def test_history_without_times_or_stages_tells_nothing():
    assert m.stage_entries([{"Stage": "A"}, {"Modified_Time": "2026-01-01"}, {"Stage": {}, "Modified_Time": "x"}]) == ()


# ---------------------------------------------------------------------------------------------------------- blueprints


def blueprint(*transitions, field_name="Stage"):
    return {"blueprint": {"process_info": {"api_name": field_name}, "transitions": list(transitions)}}


def step(n, to, **more):
    return {"id": n, "next_field_value": to, "criteria_matched": True, "fields": [], "data": {}, **more}


def test_the_transition_to_the_stage_that_asks_for_nothing_is_run():
    asks = {"fields": [{"api_name": "Amount", "mandatory": True}], "data": {"Amount": None}}
    found = transition_to(blueprint(step("1", "B", **asks), step("2", "B"), step("3", "C")), "B")
    assert (found.id, found.needs) == ("2", ())


def test_a_field_that_is_filled_is_not_asked_for():
    body = blueprint(step(7, "B", fields=[{"api_name": "Amount", "mandatory": True}], data={"Amount": 5}))
    assert transition_to(body, "B").needs == ()


def test_what_a_transition_asks_for_is_named():
    body = blueprint(step(7, "B", fields=[{"api_name": "Amount", "system_mandatory": True}, {"api_name": "Note"}]))
    assert transition_to(body, "B").needs == ("Amount",)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"blueprint": None},
        blueprint(step("1", "C")),
        blueprint(step("1", "B", criteria_matched=False)),
        blueprint(step("1", "B", type="automatic")),
        blueprint(step("", "B")),
        blueprint(step("1", "B"), field_name="Type"),
        {"blueprint": {"process_info": {"api_name": "Stage"}, "transitions": "?"}},
    ],
)
def test_no_usable_transition_is_none(body):
    assert transition_to(body, "B") is None


# ------------------------------------------------------------------------------------------------------------- cursors


def test_a_cursor_keeps_every_position():
    feeds = feeds_of(("Contacts", "Leads"))
    assert feeds == ("Contacts", "Leads", "Leads:converted", "Contacts:deleted", "Leads:deleted")
    positions = {f: Position("s", m.zoho_time(NOW), "t", "9", by_id=True) for f in feeds}
    assert decode_cursor(encode_cursor(positions), feeds, NOW) == positions


def test_a_finished_round_begins_anew_ten_minutes_before_its_start():
    done = Position(began=m.zoho_time(NOW), last="9", open=False)
    cursor = encode_cursor({"Deals": done})
    assert decode_cursor(cursor, ["Deals"], NOW) == {"Deals": Position(since="2026-03-02T07:50:00+00:00")}


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"v":1,"at":{"Deals":[1]}}', '{"at":{"Deals":null}}', "null"])
def test_a_cursor_that_is_none_is_expired(text):
    with pytest.raises(CursorExpired):
        decode_cursor(text, ["Deals"], NOW)


def test_a_cursor_of_other_modules_or_too_old_is_expired():
    cursor = encode_cursor({"Deals": Position(began=m.zoho_time(NOW), open=False)})
    for feeds, now in ((["Deals", "Leads"], NOW), (["Deals"], NOW + CURSOR_LIFE + timedelta(days=1))):
        with pytest.raises(CursorExpired):
            decode_cursor(cursor, feeds, now)
    with pytest.raises(CursorExpired):
        next_round(Position(began="yesterday"))


def test_ids_are_compared_as_numbers():
    page = Listed(({"id": "99"}, {"id": "1000"}, {"id": "998"}), token="t", more=True)
    assert advance(Position(), page, NOW).last == "1000"


def test_a_list_that_has_more_and_no_token_goes_on_by_id():
    assert advance(Position(), Listed(({"id": "9"},), more=True), NOW).by_id
    assert not advance(Position(), Listed(({"id": "9"},), token="t", more=True), NOW).by_id


def test_numbered_pages_are_counted():
    first = advance(Position(since="s"), Listed(({"id": "9"},), more=True), NOW, numbered=True)
    assert (first.token, first.by_id, first.open) == ("2", False, True)
    assert advance(first, Listed(({"id": "9"},)), NOW, numbered=True).open is False
