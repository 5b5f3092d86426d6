"""One mail, one identity: golden values, because a change would log every mail a second time."""

from dataclasses import replace
from datetime import timedelta

import pytest
from reading_cases import AT, mail, reading

from connectors.base.model import Address, Place
from mappings.reading.identity import normal_subject, text_hash

FIRST = mail(subject="Re: 报价 PI-7", text="Dear Alice,\n\nplease quote.\n", cc=("b@c.de",))


def identity(message):
    return reading(message).facts.identity


def test_identities_are_the_golden_ones():
    assert identity(FIRST) == "cf63e22055da1d77397f080af421baadc41d9cf45e92cc4de7ba4b763ac219b9"
    assert identity(replace(FIRST, message_id="")) == "0a63000dcbfb48f8e4cb6cc1a8df4598f5919389f642718864157bb270518a43"
    assert (
        identity(replace(FIRST, message_id="", date=None))
        == "b647037723efd4ea3deab0075f41bc647d4d5bc66cff456735cd1cc5f7dbd2d6"
    )


def test_body_folder_and_labels_are_no_part_of_it():
    other = replace(
        FIRST, text="changed", place=Place.ARCHIVE, labels=("x",), id="9", received_at=AT + timedelta(days=9)
    )
    assert identity(other) == identity(FIRST)


@pytest.mark.parametrize(
    "change",
    [{"message_id": "m2@x"}, {"date": AT + timedelta(seconds=1)}, {"from_": (Address("z@customer.de"),)}],
    ids=lambda c: next(iter(c)),
)
def test_id_sender_and_date_are_part_of_it(change):
    assert identity(replace(FIRST, **change)) != identity(FIRST)


def test_without_an_id_people_subject_and_text_tell_mails_apart():
    bare = replace(FIRST, message_id="")
    assert identity(replace(bare, to=tuple(reversed(bare.to)), subject="AW: 报价 PI-7")) == identity(bare)
    assert identity(replace(bare, text="Dear Alice, \nplease  quote.")) == identity(bare)  # wrapped anew
    for change in ({"text": "other"}, {"subject": "other"}, {"cc": ()}):
        assert identity(replace(bare, **change)) != identity(bare)


def test_a_copy_with_a_rewritten_id_has_the_same_twin():
    copy = replace(FIRST, message_id="relay@gw", subject="[EXTERNAL] Re: 报价  PI-7", text="Dear Alice,\nplease quote.")
    assert reading(copy).twin == reading(FIRST).twin
    assert identity(copy) != identity(FIRST)


@pytest.mark.parametrize(
    "subject",
    [
        "Order 7", "Re: Order 7", "RE: FW: Order 7", "AW: WG: order 7", "回复: Order 7", "答复：转发：Order  7", "Re[2]: Order 7",
        "SV: VS: Order 7", "RE: [EXTERNAL] Order 7", "Ｒｅ： Order 7", "Fwd:Order\u200b 7", "返信: Order 7", "R: I: Order 7",
    ],
)  # fmt: skip
def test_reply_and_forward_marks_do_not_count(subject):
    assert normal_subject(subject) == "order 7"


@pytest.mark.parametrize("subject", ["Re: ", "Report: Q1", "Fwd", "Refund: 7", "", "ISO: 9001"])
def test_what_is_no_mark_stays(subject):
    assert normal_subject(subject) == subject.strip().lower()


def test_line_breaks_do_not_change_a_text_hash():
    assert text_hash("您好，\r\n请 报价") == text_hash("您好，请报价\n") != text_hash("您好，请报价！")
