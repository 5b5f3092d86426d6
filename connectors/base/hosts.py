"""Names of hosts as DNS has them. Pure."""

from __future__ import annotations

import re
import unicodedata

# What IDNA 2003, which Python's codec speaks, takes for other letters or for none (groß is gross there) and IDNA 2008,
# by which registries hand out names, takes as it is: https://www.rfc-editor.org/rfc/rfc5894#section-7.2
_DEVIATES = re.compile("[ßς\u200c\u200d]")


def ascii_host(name: str) -> str:
    """A host with internationalised labels as ``xn--``. Two names that may belong to two owners stay two.

    Raises `UnicodeError` for what is no host.
    """
    labels = (label for label in re.split("[.。．｡]", name.lower()) if label)  # the dots of RFC 3490 3.1
    return ".".join(_deviating(label) if _DEVIATES.search(label) else label.encode("idna").decode() for label in labels)


def _deviating(label: str) -> str:
    return "xn--" + unicodedata.normalize("NFKC", label).encode("punycode").decode()
