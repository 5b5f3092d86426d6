"""Our writes as activities, whose an activity is, and what the history of a deal tells."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.model import (
    Address,
    Body,
    CreateTask,
    LogEmail,
    MoveDeal,
    Participant,
    RecordKind,
    RecordRef,
    Role,
)
from connectors.crm.hubspot_map import (
    Site,
)
from connectors.crm.hubspot_native import windows
from connectors.crm.hubspot_setup_map import is_native, shape_of
from connectors.crm.hubspot_stage_map import Entry, Fate, Verdict, history_of, judge
from connectors.crm.hubspot_writes_map import (
    Activity,
    Author,
    KeyMode,
    Sending,
    Shape,
    as_html,
    batches,
    headers_of,
    is_mail,
    mail_activity,
    task_activity,
)
from connectors.crm.texts import cut, units

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LAG = timedelta(minutes=5)
SITE = Site("77", "app-eu1.hubspot.com")


def row(record="1", **properties):
    return {"id": record, "properties": properties}


# ----------------------------------------------------------------------------------------------------------- activities


def mail(**changes):
    fields = {
        "key": f"v1:{1:064x}",
        "mail": "m",
        "message_id": "m1@acme.example",
        "thread": "t",
        "sent_at": NOW,
        "incoming": False,
        "subject": "Hello",
        "from_": Address("anna@ours.example", "Anna Ode"),
        "to": (Address("li@acme.example", "李伟"),),
        "participants": (Participant(RecordRef(RecordKind.CONTACT, "7"), Role.TO, "li@acme.example"),),
        "deal": "9",
        "body": Body("text"),
    }
    return LogEmail(**fields | changes)


def test_an_upsert_has_no_links_and_a_create_has_them_all():
    activity = mail_activity(mail(), Shape())
    upsert = activity.input(KeyMode.UNIQUE)
    assert upsert["idProperty"] == "tradepost_key"
    assert upsert["id"] == upsert["properties"]["tradepost_key"] == mail().key
    assert "associations" not in upsert
    for mode in (KeyMode.PLAIN, KeyMode.NONE):
        create = activity.input(mode)
        assert [(a["to"]["id"], a["types"][0]["associationTypeId"]) for a in create["associations"]] == [
            ("7", 198),
            ("9", 210),
        ]
        assert ("tradepost_key" in create["properties"]) is (mode is KeyMode.PLAIN)
    assert activity.linked(KeyMode.UNIQUE) == ()
    assert activity.linked(KeyMode.NONE) == activity.targets


def test_a_record_named_twice_is_linked_once_and_a_lead_in_a_step_of_its_own():
    lead = Participant(RecordRef(RecordKind.LEAD, "3"), Role.TO, "li@acme.example")
    activity = mail_activity(mail(participants=(*mail().participants, lead, lead)), Shape())
    assert activity.targets == (("contacts", "7"), ("leads", "3"), ("deals", "9"))
    assert activity.linked(KeyMode.NONE) == (("contacts", "7"), ("deals", "9"))


def test_an_outgoing_mail_names_its_people_in_hubspots_own_json():
    properties = mail_activity(mail(), Shape()).properties
    assert properties["hs_email_direction"] == "EMAIL"
    assert properties["hs_timestamp"] == "2026-03-02T08:00:00.000Z"
    headers = json.loads(properties["hs_email_headers"])
    assert headers["from"] == {"email": "anna@ours.example", "firstName": "Anna", "lastName": "Ode"}
    assert headers["to"] == [{"email": "li@acme.example", "lastName": "李伟"}]
    assert (headers["cc"], headers["bcc"]) == ([], [])


def test_the_message_id_is_written_only_where_the_account_lets_a_program_do_it():
    assert "hs_email_message_id" not in mail_activity(mail(), Shape()).properties
    definition = {"name": "hs_email_message_id", "modificationMetadata": {"readOnlyValue": False}}
    shape = shape_of([definition])
    assert mail_activity(mail(), shape).properties["hs_email_message_id"] == "<m1@acme.example>"
    locked = shape_of([{**definition, "modificationMetadata": {"readOnlyValue": True}}])
    assert "hs_email_message_id" not in mail_activity(mail(), locked).properties


@given(st.text(max_size=300), st.integers(2, 40))
def test_a_cut_text_fits_and_holds_no_half_characters(text, limit):
    kept, shorter = cut(text, limit)
    assert units(kept) <= limit
    kept.encode("utf-8")
    assert shorter is kept.endswith("…") or not shorter


def test_recipients_that_do_not_fit_are_left_out_whole():
    many = tuple(Address(f"p{n}@{'x' * 50}.example", "文" * 20) for n in range(900))
    text, shorter = headers_of(mail(cc=many))
    body = json.loads(text)
    assert shorter
    assert units(text) <= 65_536
    assert body["to"]
    assert 0 < len(body["cc"]) < 900


def test_a_tasks_text_is_shown_as_it_was_written():
    assert as_html("a <b>\r\n& c") == "a &lt;b&gt;<br>&amp; c"
    write = CreateTask(key="v1:" + "f" * 64, title="T", text="<" * 20_000, due_at=NOW, due_on=date(2026, 3, 2))
    for mode in KeyMode:
        made = task_activity(write, Shape(mode=mode))
        assert units(made.properties["hs_task_body"]) <= 65_536
        assert made.note == "text_cut"
        assert made.properties["hs_task_body"].endswith("[tp:ffffffffffff]") is (mode is KeyMode.NONE)


def test_a_mail_without_a_key_is_recognised_by_all_that_it_shows():
    ours = Author("5")
    there = row(
        hs_timestamp="2026-03-02T08:00:00Z",
        hs_email_subject="Hello",
        hs_email_direction="EMAIL",
        hs_email_from_email="Anna@ours.example",
        hs_email_to_email="li@acme.example;x@y.example",
        hs_object_source="INTEGRATION",
        hs_object_source_id="5",
    )

    def told(write=None, author=ours, hidden=False, **changes):
        shown = {**there["properties"], **changes}
        return is_mail(write or mail(), {"id": "1", "properties": shown}, author, hidden=hidden)

    assert told() is True
    assert told(author=Author()) is True
    assert told(author=Author("6")) is False
    assert told(hs_object_source="EMAIL", hs_object_source_id="") is False
    assert told(hs_timestamp="2026-03-02T08:00:01Z") is False
    assert told(hs_email_direction="INCOMING_EMAIL") is False
    assert told(hs_email_subject="Hello!") is False
    assert told(hs_email_from_email="other@ours.example") is False
    assert told(hs_email_to_email="other@acme.example") is False
    assert told(hs_email_message_id="<other@x>") is False
    assert told(hs_email_subject="") is None
    assert told(hidden=True) is None
    assert told(hidden=True, hs_timestamp="2026-03-02T08:00:01Z") is False


def test_whose_mail_an_activity_is_is_told_by_key_then_by_source():
    ours, native = row(tradepost_key="v1:1", hs_object_source="EMAIL"), row(hs_object_source="EMAIL")
    other = row(hs_object_source="INTEGRATION", hs_object_source_id="6")
    for keyed in (True, False):
        assert not is_native(ours, Author("5"), keyed=keyed)
        assert is_native(native, Author("5"), keyed=keyed)
        assert is_native(other, Author("5"), keyed=keyed)
    assert not is_native(other, Author(), keyed=False)
    assert not is_native(row(), Author("5"), keyed=False)


def test_windows_around_mails_are_joined_where_they_touch():
    at = [mail(sent_at=NOW + timedelta(minutes=m)) for m in (0, 3, 60)]
    spans = windows(at)
    assert [(b - a) // 60_000 for a, b in spans] == [7, 4]


def test_batches_keep_to_rows_and_bytes_and_leave_the_doubtful_alone():
    def sending(at, size=10, alone=False):
        return Sending(at, Activity("emails", str(at), {}, ()), alone=alone, size=size)

    assert [len(b) for b in batches([sending(n) for n in range(250)], 100)] == [100, 100, 50]
    assert [len(b) for b in batches([sending(n, 1_000_000) for n in range(5)], 100)] == [2, 2, 1]
    mixed = [sending(0), sending(1, alone=True), sending(2, alone=True), sending(3), sending(4)]
    assert [len(b) for b in batches(mixed, 100)] == [1, 1, 1, 2]
    assert batches([], 100) == []


# -------------------------------------------------------------------------------------------------------------- history

MOVE = MoveDeal(key="k", deal="9", pipeline="p", expect_stage="A", to_stage="B")


def entries(text):
    """`A b c B`: upper case letters are ours, each a second after the other."""
    return [Entry(w.upper(), NOW + timedelta(seconds=n), w.isupper()) for n, w in enumerate(text.split())]


@pytest.mark.parametrize(
    ("history", "fate", "stage"),
    [
        ("a", Fate.NOT_MOVED, ""),
        ("a c", Fate.NOT_MOVED, ""),
        ("a b", Fate.NOT_MOVED, ""),  # somebody else's
        ("a B", Fate.MOVED, ""),
        ("B", Fate.MOVED, ""),
        ("a c a B", Fate.MOVED, ""),
        ("a B c", Fate.MOVED_ON, ""),
        ("a B C", Fate.MOVED_ON, ""),  # a later move of ours
        ("a c B", Fate.OVERRODE, "C"),
        ("a c B d", Fate.MOVED_ON, ""),
        ("a c B C", Fate.PUT_BACK, ""),
        ("a c B d C", Fate.OVERRODE, "D"),
        ("a c B d C D", Fate.PUT_BACK, ""),
        ("a c B C e", Fate.MOVED_ON, ""),
        ("a b B", Fate.MOVED, ""),  # both meant the same
    ],
)
def test_the_history_tells_what_became_of_a_move(history, fate, stage):
    assert judge(entries(history), MOVE, since=NOW) == Verdict(fate, stage)


def test_older_moves_and_those_known_before_are_not_this_one():
    old = entries("a B c a")
    assert judge(old, MOVE, since=NOW + timedelta(minutes=5)).fate is Fate.NOT_MOVED
    assert judge(old, MOVE, since=NOW, known=old).fate is Fate.NOT_MOVED
    again = [*old, Entry("B", NOW + timedelta(seconds=9), ours=True)]
    assert judge(again, MOVE, since=NOW, known=old).fate is Fate.MOVED


def test_a_history_is_read_newest_first_and_odd_entries_are_left_out():
    listed_ = [
        {"value": "B", "timestamp": "2026-03-02T08:00:01Z", "sourceType": "INTEGRATION", "sourceId": "5"},
        {"value": "c", "timestamp": "2026-03-02T08:00:00Z", "sourceType": "CRM_UI", "sourceId": "userId:1"},
        {"value": "a", "timestamp": "2026-03-02T08:00:00Z", "sourceType": "INTEGRATION", "sourceId": "6"},
        7,
        {"value": "x"},
    ]
    told = history_of({"propertiesWithHistory": {"dealstage": listed_}}, Author("5"))
    assert [(e.stage, e.ours) for e in told] == [("a", False), ("c", False), ("B", True)]
    for odd in ({}, {"propertiesWithHistory": None}, {"propertiesWithHistory": {"dealstage": {}}}):
        assert history_of(odd, Author("5")) == ()
