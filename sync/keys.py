"""The key of a write: the same for the same intent, for ever. Pure; its values are pinned by a test."""

from __future__ import annotations

import json
from hashlib import sha256

from connectors.base.model import RecordRef, WriteKind

VERSION = "v1"


def key(account_id: str, kind: WriteKind, identity: str, record: str = "", rule: str = "") -> str:
    """The key of one write.

    Args:
        account_id: what the target's `check` answered; never the connection's name, which may change.
        kind: the kind of write.
        identity: what it is about: a mail's identity, a task's key, an address.
        record: the record, where one mail may cause several writes of the kind (see `record_word`).
        rule: the rule's fixed id, for tasks and moves; never a name that a person gave.
    """
    # A JSON array cannot be read in two ways, whatever the parts hold.
    parts = json.dumps([account_id, kind.value, identity, record, rule], ensure_ascii=True, separators=(",", ":"))
    return f"{VERSION}:{sha256(parts.encode('ascii')).hexdigest()}"


def again(key_: str, generation: int) -> str:
    """The key under which a write goes out once more after it was undone `generation` times.

    What was removed may keep its key in the vendor's recycle bin, where it means that a person deleted it.
    """
    return key_ if not generation else f"{VERSION}:{sha256(f'{key_} {generation}'.encode('ascii')).hexdigest()}"


def record_word(ref: RecordRef) -> str:
    """A record as one word of a key."""
    return f"{ref.kind.value}:{ref.id}"
