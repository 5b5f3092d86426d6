"""What the text fields of every CRM take and tell: clean texts of a length, names, addresses, hosts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from connectors.base.hosts import ascii_host


def clean(text: str) -> str:
    """Text without control characters and half surrogate pairs, which not every JSON reader takes."""
    text = re.sub(r"[\ud800-\udfff]", "\ufffd", text)
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text)


def units(text: str) -> int:
    """The length in UTF-16 units. Salesforce counts so; where a vendor does not tell what it counts, it is the most."""
    return len(text) + sum(c > "\uffff" for c in text)


def cut(text: str, limit: int) -> tuple[str, bool]:
    """`text`, clean and within `limit` units, and whether it had to be cut; it then ends in an ellipsis."""
    text = clean(text)
    if units(text) <= limit:
        return text, False
    return text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + "…", True


def split_name(name: str) -> tuple[str, str]:
    """(first, last). Only a name in Latin script with a space is split; any other stays whole as the last name."""
    words = clean(name).split()
    if len(words) < 2 or any(c > "\u024f" for c in name):
        return "", " ".join(words)
    return " ".join(words[:-1]), words[-1]


def emails_of(row: Mapping[str, object], fields: Iterable[str]) -> tuple[str, ...]:
    """The addresses in some fields, in lower case and once each."""
    found = (str(row.get(name) or "").strip().lower() for name in fields)
    return tuple(dict.fromkeys(e for e in found if "@" in e))


def domains_of(website: str) -> tuple[str, ...]:
    """Hosts in a free-text website field, without ``www.``, in their ASCII form."""
    found: list[str] = []
    for word in re.split(r"[\s,;|]+", website.strip().lower()):
        try:
            host = urlsplit(word if "//" in word else f"//{word}").hostname or ""
            host = ascii_host(host.removeprefix("www."))
        except (ValueError, UnicodeError):
            continue
        if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) and not host.replace(".", "").isdigit():
            found.append(host)
    return tuple(dict.fromkeys(found))
