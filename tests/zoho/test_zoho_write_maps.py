"""Our writes as Zoho takes them, and how a mail is known again: pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.model import (
    Address,
    Body,
    CreateCustomer,
    CreateTask,
    LogEmail,
    Participant,
    RecordKind,
    RecordRef,
    Role,
)
from connectors.crm import zoho_emails_map as e
from connectors.crm import zoho_writes_map as w
from connectors.crm.texts import units
from connectors.crm.zoho_map import KEY_FIELD, FieldShape, ModuleShape

SENT = datetime(2026, 3, 1, 9, 30, 17, tzinfo=UTC)
LI = Participant(RecordRef(RecordKind.CONTACT, "5"), Role.FROM, "li@acme.example")


def mail(**changes):
    fields = {
        "key": "v1:" + "a" * 64,
        "mail": "identity",
        "message_id": "m1@acme.example",
        "thread": "t",
        "sent_at": SENT,
        "incoming": True,
        "subject": "Quotation 报价单",
        "from_": Address("li@acme.example", "Li Wei"),
        "to": (Address("sales@ours.example"),),
        "participants": (LI,),
        "body": Body("Please quote.", "<p>Please quote.</p>"),
    }
    return LogEmail(**fields | changes)


# --------------------------------------------------------------------------------------------------------------- mails


def test_a_mail_has_every_mandatory_key():
    body, notes = w.mail_body(mail(deal="9"), "77")
    assert body == {
        "from": {"user_name": "Li Wei", "email": "li@acme.example"},
        "to": [{"user_name": "sales@ours.example", "email": "sales@ours.example"}],
        "subject": "Quotation 报价单",
        "content": "<p>Please quote.</p>",
        "mail_format": "html",
        "date_time": "2026-03-01T09:30:17+00:00",
        "sent": False,
        "original_message_id": "<m1@acme.example>",
        "linked_record": {"module": {"api_name": "Deals", "id": "77"}, "id": "9"},
    }
    assert notes == ()


def test_a_lead_has_no_deal_and_a_mail_on_its_deal_needs_no_link():
    lead = Participant(RecordRef(RecordKind.LEAD, "6"), Role.FROM, "x@y.example")
    body, notes = w.mail_body(mail(deal="9", participants=(lead,)), "77")
    assert "linked_record" not in body
    assert notes == ("deal_not_linked",)
    assert "linked_record" not in w.mail_body(mail(deal="9", participants=()), "77")[0]


def test_a_mail_without_message_id_or_with_a_long_one_gets_a_hash_that_stays():
    none, again = w.message_ref(mail(message_id="")), w.message_ref(mail(message_id="", subject="other"))
    assert none == again
    assert none.endswith("@tradepost>")
    assert len(w.message_ref(mail(message_id="x" * 300))) <= 255
    assert w.message_ref(mail(message_id="", mail="two")) != none


def test_cuts_are_noted():
    crowd = tuple(Address(f"r{n}@x.example") for n in range(300))
    body, notes = w.mail_body(mail(subject="报" * 400, to=crowd, body=Body("<&>" * 20_000, "x" * 40_000)), "")
    assert notes == ("html_left_out", "text_cut", "subject_cut", "recipients_cut")
    assert len(body["subject"]) == 250
    assert len(body["to"]) == 100
    assert 31_900 < len(body["content"]) <= 32_000


def test_nobody_as_sender_or_recipient_still_makes_a_mail():
    body, notes = w.mail_body(mail(from_=Address("", "Nobody"), to=(), subject=" ", body=None), "")
    assert body["from"] == {"user_name": "Nobody", "email": w.NO_SENDER}
    assert body["to"] == [{"user_name": "Nobody", "email": w.NO_SENDER}]
    assert (body["subject"], body["content"]) == ("(no subject)", "&nbsp;")
    assert notes == ("sender_not_an_address",)


def test_a_hidden_recipient_stands_in_for_none():
    body, _ = w.mail_body(mail(to=(), bcc=(Address("b@x.example"),)), "")
    assert body["to"] == body["bcc"]


def test_text_is_shown_as_text():
    body, _ = w.mail_body(mail(body=Body("a < b\r\n<script>", "")), "")
    assert body["content"] == "a &lt; b<br>&lt;script&gt;"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=400), st.text(max_size=60), st.text(max_size=300))
def test_no_text_breaks_a_limit_or_the_json(subject, text, name, message_id):
    write = mail(
        subject=subject, body=Body(text * 90, ""), from_=Address("li@acme.example", name), message_id=message_id
    )
    body, _ = w.mail_body(write, "")
    assert 1 <= units(body["subject"]) <= 250
    assert 1 <= units(body["content"]) <= 32_000
    assert units(body["original_message_id"]) <= 255
    assert body["from"]["user_name"]
    str(body).encode("utf-8")


# ---------------------------------------------------------------------------------------------------- known again


def row(**changes):
    made = {
        "message_id": "abc",
        "subject": "Quotation 报价单",
        "from": {"email": "Li@Acme.example", "user_name": "x"},
        "sent": False,
        "time": "2026-03-01T17:30:17+08:00",
        "owner": {"id": "me"},
        "source": "crm_api",
    }
    return made | changes


@pytest.mark.parametrize(
    ("changes", "grade"),
    [
        ({}, e.Alike.EXACT),
        ({"time": "2026-03-01T17:30:00+08:00"}, e.Alike.EXACT),
        ({"subject": "Quotation  报价单 "}, e.Alike.EXACT),
        ({"time": "2026-03-01T17:30:19+08:00"}, e.Alike.NEAR),
        ({"time": "2026-03-01T17:32:17+08:00"}, e.Alike.NEAR),
        ({"time": "2026-03-01T17:32:18+08:00"}, e.Alike.NO),
        ({"time": "2026-03-01T17:30:17"}, e.Alike.NO),
        ({"subject": "Re: Quotation 报价单"}, e.Alike.NO),
        ({"from": {"email": "chen@acme.example"}}, e.Alike.NO),
        ({"from": "li@acme.example"}, e.Alike.NO),
        ({"sent": True}, e.Alike.NO),
    ],
)
def test_a_mail_is_known_by_subject_sender_direction_and_time(changes, grade):
    assert e.alike(e.entry_of(row(**changes)), mail()) is grade


def test_a_cut_subject_and_a_missing_sender_are_known_again():
    write = mail(subject="报" * 400, from_=Address("", ""))
    body, _ = w.mail_body(write, "")
    entry = e.entry_of(row(subject=body["subject"], **{"from": body["from"]}))
    assert e.alike(entry, write) is e.Alike.EXACT


def test_an_entry_without_id_is_nobodys():
    assert e.fitting([e.entry_of(row(message_id=None))], mail(), e.Alike.EXACT) == ()


def at(*minutes):
    return [e.entry_of(row(time=(SENT - timedelta(minutes=m)).isoformat())) for m in minutes]


def test_a_list_is_believed_to_be_past_a_mail_only_while_it_falls():
    assert e.past(at(0, 30, 90), SENT)
    assert not e.past(at(0, 30, 50), SENT)
    assert not e.past(at(30, 0, 90), SENT)
    assert not e.past([], SENT)


def test_the_deal_of_an_entry_is_its_linked_record():
    linked = {"module": {"api_name": "Deals", "id": "1"}, "id": "9", "name": "x"}
    assert e.entry_of(row(linked_record=linked)).deal == "9"
    assert e.entry_of(row(linked_record={**linked, "module": {"api_name": "Contacts"}})).deal == ""


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("<p>Please quote 500 pcs.</p>", "<div>Please quote<br>500 pcs.</div>", True),
        ("Please quote.", "<style>p {}</style><p>Please quote.</p>", True),
        ("OK", "OK, and one more thing", False),
        ("x" * 80, "x" * 80 + " and more quoted text below", True),
        ("Please quote.", "", False),
        ("", "", False),
        ("Please quote.", "<script>" + "y" * 50, False),
    ],
)
def test_texts_are_compared_without_markup(ours, theirs, same):
    assert e.same_text(ours, theirs) is same


def test_hostile_markup_costs_no_time():
    assert not e.same_text("Please quote.", "<style" * 20_000 + "<" * 50_000)


@given(
    st.dictionaries(
        st.sampled_from(["from", "time", "subject", "linked_record", "owner", "message_id"]),
        st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    )
)
def test_hostile_entries_are_entries(made):
    e.alike(e.entry_of(made), mail())


# --------------------------------------------------------------------------------------------------------------- tasks

PRIORITY = FieldShape("picklist", choices=("Low", "High"))
KEY = FieldShape("text", 100, unique=True)
TASKS = ModuleShape("Tasks", fields={"Priority": PRIORITY, "Subject": FieldShape("text", 300), KEY_FIELD: KEY})


def task(**changes):
    fields = {
        "key": "v1:" + "0" * 52 + "abcdef012345",
        "title": "Answer Li",
        "text": "Quote.",
        "due_at": SENT,
        "due_on": date(2026, 3, 3),
    }
    return CreateTask(**fields | changes)


def test_a_task_has_its_key_due_day_owner_and_priority():
    body, notes = w.task_body(task(urgent=True, owner="5"), TASKS)
    assert body == {
        "Subject": "Answer Li",
        "Due_Date": "2026-03-03",
        "Description": "Quote.",
        "Owner": {"id": "5"},
        "Priority": "High",
        KEY_FIELD: "v1:" + "0" * 52 + "abcdef012345",
    }
    assert notes == ()


def test_without_a_key_field_the_text_ends_with_a_mark():
    body, _ = w.task_body(task(text="x" * 40_000), ModuleShape("Tasks"))
    assert body["Description"].endswith("…\n[tp:abcdef012345]")
    assert len(body["Description"]) == 32_000
    assert KEY_FIELD not in body


@pytest.mark.parametrize(
    ("kind", "deal", "links", "notes"),
    [
        (RecordKind.CONTACT, "", {"Who_Id": {"id": "5"}}, ()),
        (RecordKind.CONTACT, "9", {"Who_Id": {"id": "5"}, "What_Id": {"id": "9"}, "$se_module": "Deals"}, ()),
        (RecordKind.LEAD, "9", {"What_Id": {"id": "5"}, "$se_module": "Leads"}, ("deal_not_linked",)),
        (RecordKind.COMPANY, "", {"What_Id": {"id": "5"}, "$se_module": "Accounts"}, ()),
        (RecordKind.COMPANY, "9", {"What_Id": {"id": "9"}, "$se_module": "Deals"}, ()),
        (None, "9", {"What_Id": {"id": "9"}, "$se_module": "Deals"}, ()),
        (None, "", {}, ()),
    ],
)
def test_a_task_hangs_on_a_contact_as_who_and_on_all_else_as_what(kind, deal, links, notes):
    record = RecordRef(kind, "5") if kind else None
    body, told = w.task_body(task(record=record, deal=deal), TASKS)
    assert {k: v for k, v in body.items() if k in {"Who_Id", "What_Id", "$se_module"}} == links
    assert told == notes


def test_the_closing_status_is_zohos_own_word_where_it_exists():
    assert (
        w.closing_status(ModuleShape("Tasks", fields={"Status": FieldShape("picklist", choices=("Completed",))}))
        == "Completed"
    )
    assert w.closing_status(ModuleShape("Tasks", fields={"Status": FieldShape("picklist", choices=("Done",))})) == ""


# --------------------------------------------------------------------------------------------------- leads, fields


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Omar Haddad", "Omar", "Haddad"), ("李 伟", None, "李 伟"), ("", None, "omar"), ("Omar", None, "Omar")],
)
def test_a_lead_has_a_last_name_and_a_company(name, first, last):
    write = CreateCustomer(key="k", email="omar@bazaar.example", name=name, company_name="", source="email")
    body = w.lead_body(write, ModuleShape("Leads", fields={KEY_FIELD: KEY}))
    assert (body.get("First_Name"), body["Last_Name"], body["Company"]) == (first, last, "bazaar.example")
    assert body[KEY_FIELD] == "k"
    assert "Lead_Source" not in body


FIELDS = ModuleShape(
    "Contacts",
    fields={
        "Title": FieldShape("text"),
        "Age": FieldShape("integer"),
        "Vip": FieldShape("boolean"),
        "Owner": FieldShape("ownerlookup"),
        "Full_Name": FieldShape("text", read_only=True),
    },
)


def test_only_empty_fields_are_filled_unless_asked_otherwise():
    row = {"Title": "Buyer", "Age": None}
    wanted = (("Title", "Chief"), ("Age", "40"))
    assert w.fields_plan(wanted, row, FIELDS, only_if_empty=True).values == {"Age": 40}
    assert w.fields_plan(wanted, row, FIELDS, only_if_empty=False).values == {"Title": "Chief", "Age": 40}


def test_what_is_so_already_is_not_written():
    row = {"Vip": True, "Owner": {"id": "5", "name": "x"}, "Age": 40}
    wanted = (("Vip", "true"), ("Owner", "5"), ("Age", "40"))
    assert w.fields_plan(wanted, row, FIELDS, only_if_empty=False).values == {}


@pytest.mark.parametrize("wanted", [("Nope", "1"), ("Full_Name", "x"), ("Age", "old"), ("Vip", "maybe")])
def test_a_field_that_cannot_be_set_is_named(wanted):
    assert w.fields_plan((wanted,), {}, FIELDS, only_if_empty=True).refused == wanted[0]
