"""Who poses as somebody else: what his mail may show on a customer's record, and what it never does by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.base.model import Address, MailMessage, Place, Role, WriteKind
from connectors.crm import texts
from connectors.mail.headers import addresses
from connectors.mail.mime import parse
from mappings import domains
from mappings.model import Direction, External, Own
from mappings.reading import load_words, read
from mappings.reading.copies import joined
from mappings.reading.trust import UNPROVEN
from sync.decide import decide
from tests.deciding.kit import ANN, at, deal, directory, fate, finding, mail, of_kind, record, rules, thread

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OURS = Own(frozenset(), frozenset({"ours.example"}))
WORDS = load_words()
BOB, EVE = "bob@acme.com", "eve@evil.example"
CRM = directory(record("contact:bob", BOB, name="Bob"), deals=[deal("d1", "contact:bob", stage="q")])
MOVE, TASK, DONE = WriteKind.MOVE_DEAL, WriteKind.CREATE_TASK, WriteKind.COMPLETE_TASK


def stages(mode="apply"):
    moves = [
        {"when": "quotation_sent", "to": "Proposal/Price Quote", "mode": mode},
        {"when": "order_received", "to": "Closed Won", "mode": mode},
    ]
    return rules(first_response={"enabled": False}, silence={"enabled": False}, stages=moves)


def decided(*mails, by=None):
    return decide(thread(*mails, crm=CRM), by or stages(), at(9))


def order(sender, **more):
    return mail("o1", sender=sender, when=at(1), findings=[finding("order", word="PO")], **more)


# --------------------------------------------------------------------------------------------------- deals and strangers


@pytest.mark.parametrize(
    ("found", "moves"),
    [
        (order(BOB), 1),
        (order(EVE, cc=[BOB]), 0),
        (order(EVE, reply_to=BOB), 0),
        (order("noreply@evil.example", reply_to=BOB), 0),
    ],
)
def test_no_stranger_moves_a_customers_deal_by_naming_him(found, moves):
    decision = decided(found)
    assert fate(decision, "o1") == ("log", None)
    assert len(of_kind(decision, MOVE)) == moves
    assert len(of_kind(decision, TASK)) == 1 - moves  # a person decides instead


def test_nobody_moves_a_deal_by_knowing_a_message_id():
    known = mail("m1", sender=BOB, when=at(0))
    decision = decided(known, order(EVE, answers=["m1"]))
    assert fate(decision, "o1") == ("log", None)  # it is shown, for it may be a colleague
    assert of_kind(decision, MOVE) == []
    assert len(of_kind(decision, TASK)) == 1


def test_one_of_two_senders_moves_nothing():
    found = order(BOB)
    second = External(Address(EVE), Role.FROM)
    found = replace(found, facts=replace(found.facts, externals=(*found.facts.externals, second)))
    decision = decided(found)
    assert (len(of_kind(decision, MOVE)), len(of_kind(decision, TASK))) == (0, 1)


def test_an_order_whose_sender_did_not_pass_is_only_proposed():
    forged = order(BOB)
    forged = replace(forged, facts=replace(forged.facts, defects=(UNPROVEN,)))
    decision = decided(forged)
    assert of_kind(decision, MOVE) == []
    assert len(of_kind(decision, TASK)) == 1


# ------------------------------------------------------------------------------------------------- mail that poses as ours


def forged_answer(*defects):
    found = mail("a1", sender=ANN, to=[BOB], when=at(2), answers=["m1"], findings=[finding("quotation")])
    return replace(found, facts=replace(found.facts, defects=defects))


def test_a_mail_that_poses_as_ours_answers_nobody_and_moves_nothing():
    by = rules(
        silence={"enabled": True}, stages=[{"when": "quotation_sent", "to": "Proposal/Price Quote", "mode": "apply"}]
    )
    asked = mail("m1", sender=BOB, when=at(0))
    real, false = (decide(thread(asked, forged_answer(*d), crm=CRM), by, at(3)) for d in ((), (UNPROVEN,)))
    assert (len(of_kind(real, TASK)), len(of_kind(real, MOVE))) == (0, 1)
    assert (len(of_kind(false, TASK)), len(of_kind(false, MOVE))) == (1, 0)  # Bob still waits for us
    assert fate(false, "a1") == ("log", None)


FAILED = "mx.google.com; spf=softfail smtp.mailfrom=x@evil.example; dmarc=fail (p=NONE sp=NONE dis=NONE) header.from=ours.example"
PASSED = "mx.google.com; dkim=pass header.i=@ours.example; dmarc=pass (p=REJECT) header.from=ours.example"


def reading(*results, place=Place.INBOX, **fields):
    headers = tuple(("authentication-results", value) for value in results)
    message = MailMessage(
        id="1", thread_id="1", received_at=AT, place=place, date=AT, message_id="m1@x", headers=headers, **fields
    )
    return read(message, mailbox=ANN, own=OURS, words=WORDS).facts


@pytest.mark.parametrize(
    ("results", "place", "unproven"),
    [
        ((), Place.INBOX, False),
        ((PASSED,), Place.INBOX, False),
        ((FAILED,), Place.INBOX, True),
        ((FAILED,), Place.SENT, False),
        ((FAILED, PASSED), Place.INBOX, True),  # only the first is the receiver's own; others may be the sender's
        ((PASSED, FAILED), Place.INBOX, False),
        (("mx.example; DMARC = Fail action=none",), Place.INBOX, True),
        (("mx.example; dmarc=none",), Place.INBOX, False),
    ],
)
def test_the_receivers_own_finding_tells_a_forged_sender(results, place, unproven):
    facts = reading(*results, place=place, from_=(Address(ANN),), to=(Address(BOB),))
    assert (UNPROVEN in facts.defects) is unproven
    assert facts.direction is Direction.OUTGOING


def test_the_copy_in_our_sent_mail_proves_the_one_that_came_back():
    people = {"from_": (Address(ANN),), "to": (Address(BOB),)}
    back, sent = reading(FAILED, **people), reading(place=Place.SENT, **people)
    assert UNPROVEN not in joined(back, sent).defects
    assert UNPROVEN not in joined(sent, back).defects
    assert UNPROVEN in joined(back, back).defects


# ------------------------------------------------------------------------------------------------------ whose mail is it


@pytest.mark.parametrize("header", ["x-original-from", "x-original-sender"])
def test_a_header_that_lists_write_names_nobody_where_no_list_carried_the_mail(header):
    message = MailMessage(
        id="1", thread_id="1", received_at=AT, place=Place.INBOX, from_=(Address(EVE),), to=(Address(ANN),),
        headers=((header, BOB),),
    )  # fmt: skip
    listed = replace(message, headers=(*message.headers, ("list-id", "<sales.ours.example>")))
    alone, carried = (read(m, mailbox=ANN, own=OURS, words=WORDS).facts for m in (message, listed))
    assert (alone.author.email, [e.address.email for e in alone.externals]) == (EVE, [EVE])
    assert carried.author.email == BOB


def test_who_was_hidden_in_our_mail_borrows_nothing_from_those_it_went_to():
    sent = mail("m1", sender=ANN, to=[BOB], when=at(0))
    hidden = replace(sent.facts.externals[0], address=Address(EVE), role=Role.BCC)
    sent = replace(sent, facts=replace(sent.facts, bcc=(Address(EVE),), externals=(*sent.facts.externals, hidden)))
    answer = mail("a1", sender=EVE, when=at(1), answers=["m1"])
    assert fate(decided(sent, answer), "a1")[0] == "waiting"
    shown = mail("m1", sender=ANN, to=[BOB], cc=[EVE], when=at(0))
    assert fate(decided(shown, answer), "a1")[0] == "log"  # the customer sees him: he belongs there


@pytest.mark.parametrize(
    ("domain", "same"),
    [
        ("ａcme.com", "acme.com"),  # one name, written wide
        ("acme。com", "acme.com"),
        ("groß-handel.de", "xn--gro-handel-73a.de"),  # another owner's than gross-handel.de
        ("faß.de", "xn--fa-hia.de"),
        ("σοφός.gr", "xn--0xagbn4a.gr"),
        ("\u0430cme.com", "xn--cme-5cd.com"),  # a Cyrillic letter
        ("ac\u200dme.com", "xn--acme-676a.com"),
        ("acme.com.", "acme.com"),
    ],
)
def test_a_domain_that_looks_alike_and_has_another_owner_is_another(domain, same):
    found = addresses(f"x@{domain}")[0].email
    assert found == f"x@{same}"
    assert domains.host(domain) == same
    assert texts.domains_of(f"https://{domain}/") == (same,)


def test_no_stranger_joins_a_customers_thread_without_its_message_ids():
    known = mail("m1", sender=BOB, when=at(0))
    stranger = mail("x1", sender=EVE, when=at(1), subject="Re: Valves")
    assert fate(decided(known, stranger), "x1")[0] == "waiting"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('"bob@acme.com" <eve@evil.example>', [EVE]),
        ("bob@acme.com <eve@evil.example>", [EVE]),
        ("<bob@acme.com> <eve@evil.example>", [EVE]),
        ("acme.com: eve@evil.example;", [EVE]),
        ("=?utf-8?q?bob=40acme=2Ecom?= <eve@evil.example>", [EVE]),
        ("eve@evil.example (bob@acme.com)", [EVE]),
        ("<=?utf-8?q?bob=40acme=2Ecom?=@evil.example>", ["bob@acme.com@evil.example"]),
        ("bob@acme.com\x00 <eve@evil.example>", [EVE]),
        ('"x\\" <bob@acme.com>" <eve@evil.example>', [EVE]),
        ("<@acme.com,@b.example:eve@evil.example>", [EVE]),
        ("\u202emoc.emca@bob\u202c <eve@evil.example>", [EVE]),
    ],
)
def test_what_looks_like_an_address_beside_the_senders_own_is_a_name(written, shown):
    raw = f"From: {written}\nTo: {ANN}\nSubject: x\n\nx\n".encode()
    message = parse(raw, id="1", thread_id="1", received_at=AT, place=Place.INBOX)
    assert [a.email for a in message.from_] == shown
