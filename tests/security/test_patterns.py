"""No pattern of ours takes the square of what a stranger writes.

Whatever grows with the text is done with it in a small part of the limit; the square of it would take ten times the limit.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
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
LENGTH = 200_000
PATIENCE = 5.0  # seconds of the processor


class Endless(Exception):
    """Patience is at its end."""


@contextmanager
def patience(seconds: float = PATIENCE) -> Iterator[None]:
    """Raises `Endless` in what takes more of the processor than that, a pattern at work included."""

    def over(*_: object) -> None:
        raise Endless

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def mail(**fields) -> MailMessage:
    return MailMessage(id="1", thread_id="1", received_at=AT, place=Place.INBOX, **fields)


def returned(text):
    return bounce(mail(from_=(Address("mailer-daemon@mx.example"),), subject="Undelivered mail", text=text), WORDS)


def named(name):
    message = mail(from_=(Address("a@b.example", name),), reply_to=(Address("c@d.example"),))
    return author(message, Own(frozenset(), frozenset()), WORDS)


HOSTILE = {
    "a bounce of blank lines": lambda n: returned("\n" * n),
    "a bounce of blanks": lambda n: returned(" " * n),
    "a bounce of rules": lambda n: returned("-=" * n),
    "a tag without an end": lambda n: plain_text("<body><" + "a" * n),
    "tags without an end": lambda n: plain_text("<body>" + "<a" * n),
    "a name of blanks": lambda n: named("x" + " " * n),
    "a logged word without an end": lambda n: mask("a" * n),
    "logged pieces of tokens": lambda n: mask("-eyJaaaaaaaa" * n),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_in_time_by_its_length(name):
    with patience():
        HOSTILE[name](LENGTH)


def test_a_pattern_that_takes_the_square_ends_the_patience():
    blanks = re.compile(r"\s+via")
    with pytest.raises(Endless), patience(PATIENCE / 50):
        blanks.search(" " * (LENGTH // 4))  # the alarm is heard when the search has ended: half a minute for them all


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
