"""Who wrote, which way, and who outside takes part."""

import pytest
from reading_cases import mail, reading

from connectors.base.model import Address, Place, Role
from mappings.model import Direction, Own


def facts(**fields):
    return reading(mail(**fields)).facts


@pytest.mark.parametrize(
    ("fields", "direction"),
    [
        ({}, Direction.INCOMING),
        ({"sender": "alice@ours.com", "to": ("buyer@customer.de",)}, Direction.OUTGOING),
        ({"sender": "alice+promo@ours.com", "to": ("buyer@customer.de",)}, Direction.OUTGOING),
        ({"sender": "box+x@freemail.com", "to": ("buyer@customer.de",)}, Direction.OUTGOING),
        ({"sender": "stranger@freemail.com"}, Direction.INCOMING),
        ({"sender": "bob@ours.com"}, Direction.INTERNAL),
        ({"sender": "bob@cn.ours.com"}, Direction.INTERNAL),
        ({"sender": "bob@notours.com"}, Direction.INCOMING),
        ({"sender": "alice@ours.com", "to": (), "bcc": ("buyer@customer.de",)}, Direction.OUTGOING),
        ({"sender": "alice@ours.com", "to": ()}, Direction.OUTGOING),  # hidden recipients
        ({"sender": "old-alias@trade.hk", "to": ("buyer@customer.de",), "place": Place.SENT}, Direction.OUTGOING),
        ({"sender": "", "to": ("buyer@customer.de",), "place": Place.SENT}, Direction.OUTGOING),
        ({"sender": ""}, Direction.INCOMING),
        ({"sender": "", "to": ()}, Direction.INCOMING),
    ],
)
def test_direction_is_told_by_who_wrote(fields, direction):
    assert facts(**fields).direction is direction


def test_outsiders_are_named_once_in_order_without_ours():
    found = facts(
        to=("alice@ours.com", "agent@ship.cn", "buyer@customer.de"),
        cc=(Address("agent@ship.cn", "Agent Li"), "boss@customer.de", "bob@ours.com"),
    ).externals
    assert [(e.address.email, e.address.name, e.role) for e in found] == [
        ("buyer@customer.de", "", Role.FROM),
        ("agent@ship.cn", "Agent Li", Role.TO),
        ("boss@customer.de", "", Role.CC),
    ]


def test_hidden_and_empty_recipients_are_nobody():
    found = facts(to=("undisclosed-recipients@mx.customer.de", Address("", "Undisclosed recipients")))
    assert [e.address.email for e in found.externals] == ["buyer@customer.de"]


@pytest.mark.parametrize(
    ("fields", "author"),
    [
        ({"reply_to": ("me@private.de",)}, Address("buyer@customer.de")),  # a person may have answers sent elsewhere
        ({"sender": "noreply@market.com", "reply_to": ("buyer@customer.de",)}, Address("buyer@customer.de")),
        ({"sender": "noreply@market.com"}, Address("noreply@market.com")),
        (
            {
                "sender": Address("sales@ours.com", "'Joe Buyer' via Sales"),
                "reply_to": ("joe@customer.de",),
                "headers": {"list-id": "<sales.ours.com>"},
            },
            Address("joe@customer.de", "Joe Buyer"),
        ),
        (
            {
                "sender": Address("list@lists.org", "Joe via List"),
                "reply_to": ("list@lists.org", "joe@customer.de"),
                "headers": {"list-post": "<mailto:list@lists.org>"},
            },
            Address("joe@customer.de", "Joe"),
        ),
        (
            {"reply_to": ("list@lists.org",), "headers": {"list-post": "<mailto:list@lists.org>"}},
            Address("buyer@customer.de"),
        ),
        ({"sender": "website@ours.com", "reply_to": ("visitor@new.fr",)}, Address("visitor@new.fr")),
        (
            {
                "sender": "x@y.z",
                "headers": {"x-original-from": "Joe <joe@customer.de>", "list-id": "<sales.ours.com>"},
            },
            Address("joe@customer.de"),
        ),
        ({"sender": "x@y.z", "headers": {"x-original-from": "Joe <joe@customer.de>"}}, Address("x@y.z")),
        ({"sender": ""}, Address("")),
    ],
)
def test_the_author_is_the_person_behind_lists_platforms_and_forms(fields, author):
    assert facts(**fields).author == author


def test_a_customer_who_writes_through_our_own_group_is_incoming():
    found = facts(
        sender=Address("sales@ours.com", "Joe via Sales"),
        to=("sales@ours.com",),
        reply_to=("joe@customer.de",),
        headers={"list-id": "<sales.ours.com>"},
    )
    assert found.direction is Direction.INCOMING
    assert [e.address.email for e in found.externals] == ["joe@customer.de"]


def test_our_mail_with_answers_to_a_partner_stays_outgoing():
    found = facts(sender="alice@ours.com", to=("buyer@customer.de",), reply_to=("agent@ship.cn",))
    assert found.direction is Direction.OUTGOING
    assert found.author.email == "alice@ours.com"


def test_nobody_is_ours_when_nothing_is_configured():
    found = reading(mail(sender="a@b.c", to=("d@e.f",)), own=Own(frozenset(), frozenset())).facts
    assert found.direction is Direction.INCOMING
    assert len(found.externals) == 2
