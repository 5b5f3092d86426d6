"""No pattern of ours takes the square of what a stranger writes: eight times the text is eight times the work."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest

from connectors.base.model import Address, MailMessage, Place
from connectors.mail.graph_map import plain_text
from mappings.model import Own
from mappings.reading import load_words
from mappings.reading.bounce import bounce
from mappings.reading.participants import author
from tradepost.log import mask

AT = datetime(2026, 3, 2, tzinfo=UTC)
WORDS = load_words()
NOISE = 0.001  # seconds of the processor below which nothing can be told


def growth(work, size) -> float:
    """How many times as long eight times the size takes; the square would be sixty-four."""
    return spent(lambda: work(8 * size)) / max(NOISE, spent(lambda: work(size)))


def spent(work) -> float:
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def mail(**fields) -> MailMessage:
    return MailMessage(id="1", thread_id="1", received_at=AT, place=Place.INBOX, **fields)


def returned(text):
    return bounce(mail(from_=(Address("mailer-daemon@mx.example"),), subject="Undelivered mail", text=text), WORDS)


def named(name):
    message = mail(from_=(Address("a@b.example", name),), reply_to=(Address("c@d.example"),))
    return author(message, Own(frozenset(), frozenset()), WORDS)


HOSTILE = {
    "a bounce of blank lines": (lambda n: returned("\n" * n), 100),
    "a bounce of blanks": (lambda n: returned(" " * n), 1_000),
    "a bounce of rules": (lambda n: returned("-=" * n), 1_000),
    "a tag without an end": (lambda n: plain_text("<body><" + "a" * n), 2_000),
    "tags without an end": (lambda n: plain_text("<body>" + "<a" * n), 2_000),
    "a name of blanks": (lambda n: named("x" + " " * n), 2_000),
    "a logged word without an end": (lambda n: mask("a" * n), 4_000),
    "logged pieces of tokens": (lambda n: mask("-eyJaaaaaaaa" * n), 500),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_no_faster_than_the_text(name):
    work, size = HOSTILE[name]
    assert growth(work, size) < 24


def test_the_measure_notices_a_pattern_that_takes_the_square():
    blanks = re.compile(r"\s+via")
    assert growth(lambda n: blanks.search(" " * n), 600) > 24


def test_what_the_patterns_find_stays_what_it_was():
    assert named("Joe   via  Sales").name == "Joe"
    assert plain_text("<body>a &lt; b<br><b x='1'>c</b><d").rstrip() == "a < b\nc<d"
    found = returned(
        "The address a@customer.example is unknown.\n\n\n  ---- Original message ----\nTo: b@customer.example"
    )
    assert found is not None
    assert found.addresses == ("a@customer.example",)


def test_an_address_that_the_measure_of_a_line_cuts_is_not_shown_by_half():
    text = "x " * 980 + "y" * 30 + "somebody.at.a.customer@customer.example"
    assert "somebody" not in mask(text)
