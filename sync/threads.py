"""Which mails are one thread: the provider's grouping and the chain of Message-IDs, never the subject alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from mappings.model import Facts

# A chain grows with every answer and a hostile one without end. The first reference names the thread, the last ones
# the mails just answered; https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4
FIRST_REFERENCES = 2
LAST_REFERENCES = 10

_LONGEST_ID = 998  # no line of a header is longer, https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1
_LONGEST_PLAIN = 120


def keys_of(facts: Facts, mailbox: str, provider_thread: str) -> tuple[str, ...]:
    """The keys of a mail's thread: mails that share any of them are one thread.

    ``p:<mailbox>:<thread>`` is the provider's grouping, which holds in that mailbox only; ``m:<message-id>`` stands for
    the mail itself and for each mail it refers to. A mail that has neither is known by its identity, ``i:<identity>``.
    """
    keys = [f"p:{mailbox.replace('%', '%25').replace(':', '%3A')}:{provider_thread}"] if provider_thread else []
    keys += [f"m:{_bounded(i)}" for i in (facts.message_id, *_references(facts)) if _usable(i)]
    return tuple(dict.fromkeys(keys)) or (f"i:{facts.identity}",)


def merge(existing_thread_ids: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """Of threads that turn out to be one: the survivor, which is the oldest, and those that join it, in order.

    Raises ValueError when there is none.
    """
    first, *rest = sorted(set(existing_thread_ids))
    return first, tuple(rest)


def _references(facts: Facts) -> tuple[str, ...]:
    usable = tuple(dict.fromkeys(r for r in facts.references if _usable(r)))
    if len(usable) <= FIRST_REFERENCES + LAST_REFERENCES:
        return usable
    return usable[:FIRST_REFERENCES] + usable[-LAST_REFERENCES:]


def _usable(message_id: str) -> bool:
    """Whether an id can be anybody's alone: broken senders write none, a bare word, or the same for every mail."""
    left, at, right = message_id.rpartition("@")
    return bool(at and left and right) and len(message_id) <= _LONGEST_ID and not any(c.isspace() for c in message_id)


def _bounded(message_id: str) -> str:
    if len(message_id) <= _LONGEST_PLAIN:
        return message_id
    return "sha256:" + sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()
