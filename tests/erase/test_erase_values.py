"""What is left of mails, writes and rows, and what becomes of a write: pure values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.base.model import (
    Address,
    Capability,
    CreateCustomer,
    CreateTask,
    Customer,
    LogEmail,
    Participant,
    RecordKind,
    RecordRef,
    Role,
    WriteKind,
)
from mappings.model import Direction, Erased, External, Facts, MailKind
from sync.erase import (
    Fate,
    Held,
    Kept,
    alone_in,
    emptied,
    fate_of,
    hidden,
    mark,
    names,
    shortened,
    without,
)
from sync.model import ItemState
from sync.store.erasure import Own
from sync.undo import Way

AT = datetime(2026, 3, 2, tzinfo=UTC)
ANN, BO, US = Address("ann@a.example", "Ann"), Address("bo@b.example", "Bo"), Address("us@ours.example")
OWN = Own(frozenset(), frozenset({"ours.example"}))
CONTACT, OTHER = RecordRef(RecordKind.CONTACT, "1"), RecordRef(RecordKind.CONTACT, "2")
ALL = {kind: Capability() for kind in WriteKind}


def gone(address: str) -> bool:
    return address == ANN.email


def facts(*outside: Address, **more) -> Facts:
    externals = tuple(External(one, Role.FROM if not n else Role.CC) for n, one in enumerate(outside))
    values = {"from_": outside[0], "author": outside[0], "to": (US,), "cc": outside[1:]} | more
    return Facts(
        identity="m",
        reader=1,
        sent_at=AT,
        direction=Direction.INCOMING,
        kind=MailKind.HUMAN,
        externals=externals,
        **({"subject": "Hello"} | values),
    )


def log(*people: Address) -> LogEmail:
    participants = tuple(Participant(CONTACT if p == ANN else OTHER, Role.TO, p.email) for p in people)
    return LogEmail(
        key="k",
        mail="m",
        message_id="x@a.example",
        thread="1",
        sent_at=AT,
        incoming=False,
        subject="Hello",
        from_=US,
        to=people,
        participants=participants,
    )


def test_a_mail_of_the_person_alone_says_nothing_any_more():
    left = without(facts(ANN), gone)
    assert left == Facts(
        identity="m",
        reader=1,
        sent_at=AT,
        direction=Direction.INCOMING,
        kind=MailKind.HUMAN,
        erased=Erased.MAIL,
    )


def test_of_a_mail_with_others_the_person_is_taken_out_wherever_the_address_stands():
    mail = facts(ANN, BO, subject="for ann@a.example, not joann@a.example", reply_to=(ANN,), references=(ANN.email,))
    left = without(mail, gone)
    assert (left.erased, left.from_, left.author, left.cc) == (Erased.PERSON, Address(""), Address(""), (BO,))
    assert [e.address for e in left.externals] == [BO]
    assert (left.subject, left.reply_to, left.references) == ("for , not joann@a.example", (), ())
    assert without(left, gone) == left


def test_a_mail_that_does_not_name_the_person_stays_as_it_is():
    assert without(facts(BO), gone) == facts(BO)


def test_the_report_that_a_mail_did_not_arrive_concerns_whom_it_did_not_reach():
    report = replace(facts(Address("mailer-daemon@relay.example")), kind=MailKind.BOUNCE, bounced=(ANN.email,))
    assert without(report, gone).erased is Erased.MAIL
    assert without(replace(report, bounced=(ANN.email, BO.email)), gone).bounced == (BO.email,)


def test_writes_lose_the_person_and_nobody_else():
    left = shortened(log(ANN, BO), gone, {CONTACT})
    assert (left.to, [p.ref for p in left.participants], left.subject) == ((BO,), [OTHER], "Hello")
    assert emptied(log(ANN)) == replace(log(ANN), message_id="", subject="", from_=Address(""), to=(), participants=())
    task = CreateTask(key="t", title="Answer Ann", text="", due_at=AT, due_on=AT.date(), record=CONTACT)
    assert names(task, gone, {CONTACT})
    assert not names(replace(task, record=OTHER), gone, {CONTACT})
    assert names(replace(task, record=None, text="New: ann@a.example."), gone, {CONTACT})
    assert (emptied(task).title, emptied(task).record) == ("", None)
    lead = CreateCustomer(key="c", email=ANN.email, name="Ann", company_name="A")
    assert emptied(lead) == CreateCustomer(key="c", email="", name="", company_name="")


def test_whose_mail_it_was_is_told_by_its_log_where_the_facts_are_forgotten():
    assert alone_in(log(ANN), gone, OWN)
    assert not alone_in(log(ANN, BO), gone, OWN)


def test_a_row_of_the_crm_keeps_who_it_is_only_by_marks():
    row = Customer(ref=CONTACT, name="Ann", emails=(ANN.email, "ann@home.example"), owner="u", url="https://crm/1")
    left = hidden(row, gone, lambda address: f"erased:{len(address)}")
    assert (left.name, left.emails, left.url) == ("", ("erased:13", "erased:16"), "https://crm/1")
    firm = replace(row, ref=RecordRef(RecordKind.COMPANY, "9"), name="A")
    assert hidden(firm, gone, lambda _: "erased:x").emails == ("erased:x", "ann@home.example")
    assert hidden(replace(row, emails=(BO.email,)), gone, str).name == "Ann"


def test_marks_depend_on_the_key_and_not_on_case():
    key = bytes(32)
    assert mark(key, "Ann@A.example ") == mark(key, "ann@a.example") != mark(bytes([1]) * 32, "ann@a.example")
    # Pinned: a change would bring everybody back.
    assert mark(key, "ann@a.example") == "erased:d8ba92a9cafb3730cbb7b705b6b67c278551787318b353afbb4037c2494aa935"


LOGGED = Held(kind=WriteKind.LOG_EMAIL, state=ItemState.DONE, sent=True, effect="created")


@pytest.mark.parametrize(
    ("held", "fate"),
    [
        (LOGGED, Fate(Way.REMOVE)),
        (replace(LOGGED, alone=False), Fate(Way.STAY, Kept.OTHERS)),
        (replace(LOGGED, note="already_logged"), Fate(Way.STAY, Kept.BY_CRM)),
        (replace(LOGGED, note="text_cut,already_logged"), Fate(Way.STAY, Kept.BY_CRM)),
        (replace(LOGGED, note="record_deleted"), Fate(Way.DROP)),
        (replace(LOGGED, state=ItemState.UNKNOWN), Fate(Way.WAIT)),
        (replace(LOGGED, state=ItemState.READY), Fate(Way.WAIT)),
        (replace(LOGGED, state=ItemState.READY, sent=False), Fate(Way.DROP)),
        (replace(LOGGED, state=ItemState.PARKED), Fate(Way.STAY, Kept.UNKNOWN)),
        (replace(LOGGED, kind=WriteKind.CREATE_CUSTOMER, adopted=True), Fate(Way.STAY, Kept.ADOPTED)),
        (replace(LOGGED, kind=WriteKind.CREATE_CUSTOMER, note="address_known"), Fate(Way.DROP)),
        (replace(LOGGED, kind=WriteKind.SET_FIELDS), Fate(Way.STAY, Kept.FIELDS)),
        (replace(LOGGED, kind=WriteKind.MOVE_DEAL), Fate(Way.DROP)),
    ],
)
def test_what_becomes_of_a_write(held, fate):
    assert fate_of(held, ALL) == fate


def test_what_the_vendor_lets_no_program_delete_stays():
    assert fate_of(LOGGED, ALL | {WriteKind.LOG_EMAIL: Capability(removable=False)}) == Fate(Way.STAY, Kept.NO_WAY)
    assert fate_of(LOGGED, {WriteKind.LOG_EMAIL: Capability()}) == Fate(Way.STAY, Kept.NO_WAY)
