"""A mail may have several authors, and headers that scripts wrote; everybody named takes part."""

import logging
from datetime import UTC, datetime

import pytest
from reading_cases import WORDS, mail, reading

from connectors.base.model import Address, Place, Role
from connectors.mail import headers, mime
from mappings.model import Direction
from mappings.reading.bounce import bounce
from mappings.reading.copies import joined

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def parsed(head):
    return mime.parse(head + b"\n\nbody", id="1", thread_id="1", received_at=AT, place=Place.INBOX)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("tim@acme.com concierge@acme.com", ["tim@acme.com", "concierge@acme.com"]),
        ("a@acme.com\tb@acme.com, c@acme.com", ["a@acme.com", "b@acme.com", "c@acme.com"]),
        ("call me@home a@acme.com", ["me@home"]),  # words of a name among them: as before, the first address
        ("Tim Acme <tim@acme.com>", ["tim@acme.com"]),
        ("tim@acme.com <desk@acme.com>", ["desk@acme.com"]),
    ],
)
def test_bare_addresses_with_blanks_between_them_are_several(value, found):
    assert [address.email for address in headers.addresses(value)] == found


def test_the_limit_holds_for_addresses_without_commas_too():
    assert len(headers.addresses("a@b.co " * 50, 7)) == 7


def test_the_authors_of_two_from_headers_are_all_there_and_the_first_comes_first():
    message = parsed(b"From: <one@acme.com>\nFrom: two@acme.com, three@acme.com\nTo: alice@ours.com")
    assert [a.email for a in message.from_] == ["one@acme.com", "two@acme.com", "three@acme.com"]


def test_every_author_takes_part_except_our_own_people():
    facts = reading(mail("x", from_=(Address("a@acme.com"), Address("alice@ours.com"), Address("b@acme.com")))).facts
    assert facts.direction is Direction.INCOMING
    assert [(e.address.email, e.role) for e in facts.externals] == [
        ("a@acme.com", Role.FROM),
        ("b@acme.com", Role.FROM),
    ]


def test_a_mail_of_ours_with_a_second_author_is_no_mail_from_him():
    facts = reading(mail("x", from_=(Address("alice@ours.com"), Address("b@acme.com")), to=("c@acme.com",))).facts
    assert facts.direction is Direction.OUTGOING
    assert [e.address.email for e in facts.externals] == ["c@acme.com"]


def test_a_report_without_a_sender_is_looked_at_by_every_detector_and_nothing_is_printed(caplog):
    """flufl.bounce's detector for Yale stumbles over an empty From, and those behind it were never asked."""
    text = "The following recipients could not be reached:\n\n550 nobody@acme.com... User unknown\n"
    report = mail(sender="", subject="Returned mail: User unknown", text=text, headers={"return-path": "<>"})
    with caplog.at_level(logging.ERROR):
        found = bounce(report, WORDS)
    assert found is not None
    assert "nobody@acme.com" in found.addresses
    assert not caplog.records


def test_copies_of_a_mail_say_together_who_takes_part_in_whatever_order():
    known = reading(mail("alice@ours.com", to=("box@freemail.com",))).facts
    sent = reading(mail("alice@ours.com", to=("box@freemail.com",), bcc=("buyer@acme.com",), place=Place.SENT)).facts
    assert (known.direction, sent.direction) == (Direction.INTERNAL, Direction.OUTGOING)
    for both in (joined(known, sent), joined(sent, known)):
        assert both.direction is Direction.OUTGOING
        assert [(e.address.email, e.role) for e in both.externals] == [("buyer@acme.com", Role.BCC)]
        assert [a.email for a in both.bcc] == ["buyer@acme.com"]
    assert joined(sent, sent) == sent


def test_a_copy_in_our_sent_mail_knows_that_an_unknown_sender_is_one_of_ours():
    seen = reading(mail("new.alias@elsewhere.com", to=("buyer@acme.com", "alice@ours.com"))).facts
    sent = reading(mail("new.alias@elsewhere.com", to=("buyer@acme.com", "alice@ours.com"), place=Place.SENT)).facts
    for both in (joined(seen, sent), joined(sent, seen)):
        assert both.direction is Direction.OUTGOING
        assert [e.address.email for e in both.externals] == ["buyer@acme.com"]
