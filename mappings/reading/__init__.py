"""What one mail says, read once: facts, text, its new part, safe markup, and what its copies are known by. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.base.model import Address, MailMessage
from mappings.model import CopyFacts, Facts, Own
from mappings.reading.findings import findings
from mappings.reading.html import sanitised, to_text
from mappings.reading.identity import address_of, identity, normal_subject, text_hash
from mappings.reading.kind import kind_of
from mappings.reading.newtext import new_text, new_text_of_html, without_signature
from mappings.reading.participants import participants
from mappings.reading.trust import UNPROVEN, is_unproven
from mappings.reading.words import Words, load_words

__all__ = ["READER", "Reading", "Twin", "Words", "load_words", "read"]

READER = 1  # raised when reading learns something that stored facts should be read again for

_OLDEST = timedelta(days=3653)
_AHEAD = timedelta(days=1)
_STUB = 200  # a plain part this short beside a long HTML part says "your program cannot show this"


@dataclass(frozen=True, slots=True)
class Twin:
    """What a copy is known by whose Message-ID a relay rewrote: all equal, and `sent_at` within two minutes."""

    from_: str
    sent_at: datetime
    subject: str  # a digest, as of the text: it is stored where no content stands
    text_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`text` is the whole readable text, `new_text` what its author added, `html` sanitised or empty."""

    facts: Facts
    copy: CopyFacts
    text: str
    new_text: str
    html: str
    twin: Twin


def read(message: MailMessage, *, mailbox: str, own: Own, words: Words) -> Reading:
    """Read one copy of a mail as it lies in `mailbox`. Never raises; time grows with the length of the mail only."""
    text, new = _texts(message)
    said = without_signature(new)
    digest = text_hash(text)
    people = participants(message, own, words)
    kind = kind_of(message, own, words, new_text=new, author=people.author.email)
    sent_at = _sent_at(message)
    facts = Facts(
        identity=identity(message, digest),
        reader=READER,
        sent_at=sent_at,
        direction=people.direction,
        kind=kind.kind,
        subject=message.subject,
        message_id=message.message_id,
        references=tuple(dict.fromkeys((*message.references, *message.in_reply_to))),
        from_=next((a for a in message.from_ if a.email), (message.from_ or (Address(""),))[0]),
        reply_to=message.reply_to,
        to=message.to,
        cc=message.cc,
        bcc=message.bcc,
        author=people.author,
        externals=people.externals,
        findings=findings(message, said, words),
        attachments=message.attachments,
        bounced=kind.bounced,
        kind_evidence=kind.evidence,
        defects=(*message.defects, *([UNPROVEN] if is_unproven(message) else ())),
    )
    twin = Twin(address_of(message.from_), sent_at, text_hash(normal_subject(message.subject)), digest)
    copy = CopyFacts(mailbox, message.place, message.labels)
    return Reading(facts=facts, copy=copy, text=text, new_text=new, html=sanitised(message.html), twin=twin)


def _texts(message: MailMessage) -> tuple[str, str]:
    """The whole readable text and the new part of it: of the plain part, or of HTML where that is missing or a stub."""
    length = len(message.text.strip())
    if message.html.strip() and length < _STUB:
        from_html = to_text(message.html)
        if not length or len(from_html) > 5 * length:
            return from_html, new_text_of_html(message.html)
    return message.text, new_text(message.text)


def _sent_at(message: MailMessage) -> datetime:
    """The Date header where it is believable."""
    date, received = message.date, message.received_at
    return date if date and received - _OLDEST <= date <= received + _AHEAD else received
