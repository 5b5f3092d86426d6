"""How the reading tests write a mail down."""

from datetime import UTC, datetime

from connectors.base.model import Address, Attachment, MailMessage, Place
from mappings.model import Own
from mappings.reading import load_words, read

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OURS = Own(frozenset({"alice@ours.com", "box@freemail.com"}), frozenset({"ours.com"}))
WORDS = load_words()


def people(*emails):
    return tuple(a if isinstance(a, Address) else Address(a) for a in emails)


def mail(sender="buyer@customer.de", to=("alice@ours.com",), **fields):
    for name in ("cc", "bcc", "reply_to", "sender"):
        fields[name] = people(*fields.pop(name, ()))
    fields["attachments"] = tuple(Attachment(n, "application/pdf", 9) for n in fields.pop("files", ()))
    fields["headers"] = tuple(fields.pop("headers", {}).items())
    base = {"id": "1", "thread_id": "1", "received_at": AT, "place": Place.INBOX, "date": AT, "message_id": "m1@x"}
    from_ = people(sender) if sender else ()
    return MailMessage(**{**base, "from_": from_, "to": people(*to), **fields})


def reading(message, own=OURS):
    return read(message, mailbox="alice@ours.com", own=own, words=WORDS)
