"""Our writes as Salesforce records: golden graphs."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.model import (
    Address,
    Body,
    CreateCustomer,
    CreateTask,
    Effect,
    LinkEmail,
    LogEmail,
    Participant,
    RecordKind,
    RecordRef,
    Role,
)
from connectors.crm import salesforce_writes_map as w
from connectors.crm.salesforce_map import FieldShape, ObjectShape
from connectors.crm.texts import split_name

LI, WANG = RecordRef(RecordKind.CONTACT, "003000000000001AAA"), RecordRef(RecordKind.CONTACT, "003000000000002AAA")
LEAD, LEAD2 = RecordRef(RecordKind.LEAD, "00Q000000000001AAA"), RecordRef(RecordKind.LEAD, "00Q000000000002AAA")
ACME = RecordRef(RecordKind.COMPANY, "001000000000001AAA")
DEAL = "006000000000001AAA"
ANNA = "005000000000001AAA"
TEXT = FieldShape("string", 765, createable=True)
MAIL = ObjectShape(
    "EmailMessage",
    fields={
        "Subject": FieldShape("string", 3000),
        "TextBody": FieldShape("textarea", 131072),
        "HtmlBody": FieldShape("textarea", 131072),
        "ToAddress": FieldShape("string", 4000),
        "MessageIdentifier": TEXT,
        "ThreadIdentifier": TEXT,
    },
)


def around(place=w.KeyPlace.FIELD, users=None, accounts=None, **shapes):
    places = dict.fromkeys(("EmailMessage", "Task", "Lead"), place)
    return w.Surroundings({"EmailMessage": MAIL, **shapes}, places, "Completed", "High", users or {}, accounts or {})


def mail(*participants, **changes):
    fields = {
        "key": "v1:abc",
        "mail": "identity",
        "message_id": "m1@acme.example",
        "thread": "t1",
        "sent_at": datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
        "incoming": True,
        "subject": "Quotation 报价单",
        "from_": Address("li@acme.example", "Li Wei"),
        "to": (Address("anna@ours.example", "Anna"), Address("stranger@else.example")),
        "cc": (Address("wang@acme.example"),),
        "participants": participants,
        "body": Body("Please quote.", "<p>Please quote.</p>"),
    }
    return LogEmail(**fields | changes)


LI_FROM = Participant(LI, Role.FROM, "li@acme.example")
WANG_CC = Participant(WANG, Role.CC, "wang@acme.example")


def bodies(plan):
    return {n.ref: dict(n.body) for n in plan.nodes}


def test_a_mail_becomes_one_message_with_its_people_and_its_deal():
    plan = w.log_plan(mail(LI_FROM, WANG_CC, deal=DEAL), around(users={"anna@ours.example": ANNA}))
    assert w.graph_json("g0", plan) == {
        "graphId": "g0",
        "compositeRequest": [
            {
                "method": "POST",
                "url": "/services/data/v66.0/sobjects/EmailMessage",
                "referenceId": "mail",
                "body": {
                    "Incoming": True,
                    "Status": "3",
                    "MessageDate": "2026-03-02T08:00:00.000Z",
                    "IsClientManaged": True,
                    "Subject": "Quotation 报价单",
                    "FromAddress": "li@acme.example",
                    "FromName": "Li Wei",
                    "TextBody": "Please quote.",
                    "HtmlBody": "<p>Please quote.</p>",
                    "ToIds": [ANNA],
                    "ToAddress": "stranger@else.example",
                    "CcIds": [WANG.id],
                    "MessageIdentifier": "<m1@acme.example>",
                    "ThreadIdentifier": "t1",
                    "RelatedToId": DEAL,
                    "Tradepost_Key__c": "v1:abc",
                },
            },
            {
                "method": "POST",
                "url": "/services/data/v66.0/sobjects/EmailMessageRelation",
                "referenceId": "from0",
                "body": {
                    "EmailMessageId": "@{mail.id}",
                    "RelationType": "FromAddress",
                    "RelationId": LI.id,
                    "RelationAddress": "li@acme.example",
                },
            },
        ],
    }
    assert plan.effect is Effect.CREATED
    assert plan.note == ""


def test_no_task_is_made_beside_the_platforms_own():
    plan = w.log_plan(mail(LI_FROM), around())
    assert {n.sobject for n in plan.nodes} == {"EmailMessage", "EmailMessageRelation"}


def test_on_the_ledger_the_key_commits_with_the_mail_in_one_graph():
    plan = w.log_plan(mail(LI_FROM), around(w.KeyPlace.LEDGER))
    assert "Tradepost_Key__c" not in bodies(plan)["mail"]
    assert bodies(plan)["ledger"] == {"Tradepost_Key__c": "v1:abc", "Record_Id__c": "@{mail.id}"}
    assert plan.nodes[-1].sobject == "Tradepost_Ledger__c"


def test_without_a_deal_the_mail_is_on_the_company_or_the_contacts_account():
    by_company = w.log_plan(mail(LI_FROM, Participant(ACME, Role.CC, "x@acme.example")), around())
    by_account = w.log_plan(mail(LI_FROM), around(accounts={LI.id: ACME.id}))
    nowhere = w.log_plan(mail(LI_FROM), around())
    assert bodies(by_company)["mail"]["RelatedToId"] == ACME.id
    assert bodies(by_account)["mail"]["RelatedToId"] == ACME.id
    assert "RelatedToId" not in bodies(nowhere)["mail"]


def test_a_lead_is_linked_alone_and_never_related():
    plan = w.log_plan(mail(Participant(LEAD, Role.FROM, "li@acme.example")), around())
    assert bodies(plan)["from0"]["RelationId"] == LEAD.id
    assert "RelatedToId" not in bodies(plan)["mail"]
    assert plan.note == ""


@pytest.mark.parametrize(
    ("extra", "deal"), [(LI_FROM, ""), (None, DEAL), (Participant(ACME, Role.TO, "x@acme.example"), "")]
)
def test_a_lead_gives_way_to_contact_company_and_deal_and_says_so(extra, deal):
    lead = Participant(LEAD, Role.CC, "wang@acme.example")
    plan = w.log_plan(mail(*([extra] if extra else []), lead, deal=deal), around())
    assert "CcIds" not in bodies(plan)["mail"]
    assert bodies(plan)["mail"]["CcAddress"] == "wang@acme.example"
    assert plan.note == "lead_not_linked"


def test_of_two_leads_one_is_linked():
    plan = w.log_plan(
        mail(Participant(LEAD, Role.FROM, "li@acme.example"), Participant(LEAD2, Role.CC, "wang@acme.example")),
        around(),
    )
    assert bodies(plan)["mail"]["CcAddress"] == "wang@acme.example"
    assert plan.note == "lead_not_linked"


def test_a_person_is_a_recipient_once_and_none_of_their_addresses_stays_behind():
    both = (Participant(LI, Role.TO, "li@acme.example"), Participant(LI, Role.CC, "li@home.example"))
    write = mail(
        *both, from_=Address("anna@ours.example"), to=(Address("li@acme.example"),), cc=(Address("li@home.example"),)
    )
    body = bodies(w.log_plan(write, around()))["mail"]
    assert body["ToIds"] == [LI.id]
    assert not {"CcIds", "CcAddress", "ToAddress"} & set(body)


def test_what_is_too_long_is_cut_before_it_is_sent_and_the_note_says_what():
    many = tuple(Address(f"person{i:04d}@long-domain.example") for i in range(200))
    write = mail(LI_FROM, subject="s" * 3001, to=many, body=Body("字" * 140_000, "x" * 140_000), message_id="m" * 800)
    plan = w.log_plan(write, around())
    body = bodies(plan)["mail"]
    assert len(body["Subject"]) == 3000
    assert len(body["TextBody"]) == 131072
    assert len(body["ToAddress"]) <= 4000
    assert body["ToAddress"].split("; ")[-1].endswith(".example")
    assert "HtmlBody" not in body
    assert "MessageIdentifier" not in body
    assert plan.note == "subject_cut,text_cut,html_left_out,recipients_cut"


@given(st.text(max_size=40), st.integers(2, 30))
def test_cutting_keeps_within_utf16_units_and_never_splits_a_character(text, limit):
    kept, shorter = w.cut(text, limit)
    assert len(kept.encode("utf-16-le")) // 2 <= limit
    assert shorter == (kept != w.clean(text))
    kept.encode("utf-8")


def test_a_text_that_looks_like_a_reference_to_a_node_is_disarmed_everywhere():
    trap = "pay @{mail.id} now"
    write = mail(
        subject=trap, body=Body(trap, trap), from_=Address("a@{x.id}", trap), to=(Address("b@{y.id}"),), thread=trap
    )
    plan = w.log_plan(write, around())
    assert "@{" not in str(bodies(plan)["mail"])
    assert bodies(plan)["mail"]["Subject"].replace("\u2060", "") == trap
    lead = CreateCustomer(key="k", email="a@{x.id}", name=trap, company_name=trap, source=trap)
    assert "@{" not in str(bodies(w.customer_plan(lead, around())))
    assert "@{" not in str(bodies(w.task_plan(task(title=trap, text=trap), around())))


@pytest.mark.parametrize(
    "sender", ["root@localhost", "a b@x.example", "", "用户@例子.公司", "a,b@x.example", "x" * 65 + "@x.example"]
)
def test_a_sender_that_is_no_address_does_not_cost_the_mail(sender):
    plan = w.log_plan(mail(LI_FROM, from_=Address(sender)), around())
    assert "FromAddress" not in bodies(plan)["mail"]
    assert bodies(plan)["mail"].get("FromName", "") == sender
    assert plan.note == "sender_not_an_address"


def test_control_characters_and_half_pairs_do_not_reach_the_vendor():
    assert w.clean("a\x00b\x1fc\ttab\nline\ud800") == "abc\ttab\nline\ufffd"


# --------------------------------------------------------------------------------------------------------------- links


def link(*participants, deal=""):
    return LinkEmail(key="v1:l", mail="identity", logged_key="v1:abc", participants=participants, deal=deal)


def test_a_link_adds_only_what_is_missing():
    row = {"Id": "02s000000000001AAA", "RelatedToId": None}
    relations = [
        {"Id": "0e3a", "RelationId": LI.id, "RelationType": "FromAddress", "RelationAddress": "li@acme.example"}
    ]
    plan = w.link_plan(link(LI_FROM, WANG_CC, deal=DEAL), row, relations, around())
    assert [(n.method, n.sobject) for n in plan.nodes] == [("POST", "EmailMessageRelation"), ("PATCH", "EmailMessage")]
    assert plan.nodes[0].body["RelationId"] == WANG.id
    assert plan.nodes[1].body == {"RelatedToId": DEAL}
    assert plan.record == row["Id"]
    relations += [{"Id": "0e3b", "RelationId": WANG.id, "RelationType": "CcAddress", "RelationAddress": ""}]
    done = w.link_plan(link(LI_FROM, WANG_CC, deal=DEAL), {**row, "RelatedToId": DEAL}, relations, around())
    assert done.nodes == ()
    assert done.effect is Effect.UNCHANGED


def test_a_link_fills_the_row_of_a_bare_address_instead_of_adding_one():
    relations = [
        {"Id": "0e3a", "RelationId": None, "RelationType": "CcAddress", "RelationAddress": "Wang@acme.example"}
    ]
    plan = w.link_plan(link(WANG_CC), {"Id": "02s1"}, relations, around())
    assert [(n.method, n.record, dict(n.body)) for n in plan.nodes] == [("PATCH", "0e3a", {"RelationId": WANG.id})]


def test_a_link_without_a_deal_does_not_move_a_mail_from_where_it_is():
    plan = w.link_plan(link(LI_FROM), {"Id": "02s1", "RelatedToId": DEAL}, [], around(accounts={LI.id: ACME.id}))
    assert [n.sobject for n in plan.nodes] == ["EmailMessageRelation"]


# --------------------------------------------------------------------------------------------------------- tasks, leads


def task(**changes):
    fields = {
        "key": "v1:t",
        "title": "Answer Li",
        "text": "Quotation asked",
        "due_at": datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
        "due_on": date(2026, 3, 3),
        "record": LI,
        "deal": DEAL,
        "owner": ANNA,
    }
    return CreateTask(**fields | changes)


def test_a_task_hangs_on_person_and_deal_and_is_due_on_the_companys_day():
    plan = w.task_plan(task(), around())
    assert bodies(plan)["task"] == {
        "Subject": "Answer Li",
        "Description": "Quotation asked",
        "ActivityDate": "2026-03-03",
        "OwnerId": ANNA,
        "WhoId": LI.id,
        "WhatId": DEAL,
        "Tradepost_Key__c": "v1:t",
    }


def test_an_urgent_task_reminds_at_the_hour():
    body = bodies(w.task_plan(task(urgent=True), around()))["task"]
    assert body["Priority"] == "High"
    assert body["ReminderDateTime"] == "2026-03-02T10:00:00.000Z"


def test_a_task_on_a_lead_leaves_the_deal_out():
    plan = w.task_plan(task(record=LEAD), around())
    assert bodies(plan)["task"]["WhoId"] == LEAD.id
    assert "WhatId" not in bodies(plan)["task"]
    assert plan.note == "deal_not_linked"


def test_a_task_on_a_company_hangs_on_it_unless_there_is_a_deal():
    assert bodies(w.task_plan(task(record=ACME, deal=""), around()))["task"]["WhatId"] == ACME.id
    assert bodies(w.task_plan(task(record=ACME), around()))["task"]["WhatId"] == DEAL


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Li Wei", ("Li", "Wei")),
        ("Anna Maria de la Cruz", ("Anna Maria de la", "Cruz")),
        ("王伟", ("", "王伟")),
        ("王 伟", ("", "王 伟")),
        ("Cher", ("", "Cher")),
        ("", ("", "")),
    ],
)
def test_only_latin_names_are_split(name, parts):
    assert split_name(name) == parts


def test_a_stranger_becomes_a_lead_even_without_name_and_company():
    write = CreateCustomer(key="v1:c", email="buyer@new.example", name="", company_name="", owner=ANNA, source="Email")
    body = bodies(w.customer_plan(write, around()))["lead"]
    assert body == {
        "Email": "buyer@new.example",
        "LastName": "buyer",
        "Company": "new.example",
        "LeadSource": "Email",
        "OwnerId": ANNA,
        "Tradepost_Key__c": "v1:c",
    }


def test_the_closing_status_is_the_orgs_first_closed_one():
    rows = [
        {"ApiName": "Not Started", "IsClosed": False, "IsDefault": True, "SortOrder": 1},
        {"ApiName": "Abgesagt", "IsClosed": True, "SortOrder": 7},
        {"ApiName": "Erledigt", "IsClosed": True, "SortOrder": 5},
    ]
    assert w.closing_status(rows) == "Erledigt"
    assert w.closing_status(rows[:1]) == ""
