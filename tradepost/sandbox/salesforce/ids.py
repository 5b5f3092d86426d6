"""Record ids: 15 case-sensitive characters and 3 that make them safe where case is lost.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm (ID field type)
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase, digits

_ALPHABET = digits + ascii_uppercase + ascii_lowercase  # ascending in ASCII: ids sort as they were made
_SUFFIX = ascii_uppercase + "012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_POD = "Hs00"


def to_18(id_15: str) -> str:
    """The 18-character form of a 15-character id."""
    suffix = ""
    for start in (0, 5, 10):
        chunk = id_15[start : start + 5]
        suffix += _SUFFIX[sum(1 << i for i, letter in enumerate(chunk) if letter in ascii_uppercase)]
    return id_15 + suffix


def parse_id(text: str) -> str | None:
    """The 18-character form of an id written either way; None when it is no id or its last three letters are wrong."""
    if not _SHAPE.fullmatch(text):
        return None
    full = to_18(text[:15])
    return full if len(text) == 15 or full == text else None


def make_id(prefix: str, number: int) -> str:
    """The `number`-th id for a key prefix."""
    letters = ""
    for _ in range(8):
        number, digit = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[digit] + letters
    return to_18(f"{prefix}{_POD}{letters}")
