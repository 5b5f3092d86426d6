"""What every parser owes for any input: no error of another kind, texts that can be stored, bounded results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from connectors.base.model import MailMessage
from connectors.mail.mime import Limits

LIMITS = Limits()
SECONDS = 1.0  # of processor time for one input, however hostile


class Broken(AssertionError):
    """A promise that an input broke."""


def storable(texts: Iterable[str]) -> None:
    """No half pairs and no NUL: neither SQLite nor any vendor takes them."""
    for text in texts:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise Broken("half a surrogate pair") from None
        if "\x00" in text:
            raise Broken("a NUL")


def bounded(message: MailMessage) -> None:
    """A mail within `Limits`, every text of it storable."""
    people = (*message.from_, *message.sender, *message.reply_to, *message.to, *message.cc, *message.bcc)
    storable([message.subject, message.text, message.html, message.message_id, *message.in_reply_to])
    storable([*message.references, *(p.email for p in people), *(p.name for p in people)])
    storable([a.name for a in message.attachments])
    storable(value for header in message.headers for value in header)
    within = (
        len(message.text) <= LIMITS.text
        and len(message.html) <= LIMITS.html
        and len(message.subject) <= LIMITS.subject
        and len(message.attachments) <= LIMITS.parts
        and len(message.to) <= LIMITS.addresses
        and len(message.references) <= LIMITS.references
        and all(len(a.name) <= LIMITS.name for a in message.attachments)
    )
    if not within:
        raise Broken("beyond its limits")


def timed(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The target, raising `Broken` for an input that takes more than a second of processor time twice."""

    def run(data: bytes) -> None:
        for _ in range(2):
            began = time.process_time()
            target(data)
            if time.process_time() - began <= SECONDS:
                return
        raise Broken("more than a second")

    return run
