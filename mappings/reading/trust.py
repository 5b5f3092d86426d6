"""Whether the sender of a mail is who the mail says. Pure.

The receiving server's own finding stands first among the headers Authentication-Results; those below it came with the
mail and may be anybody's: https://www.rfc-editor.org/rfc/rfc8601#section-5
"""

from __future__ import annotations

import re

from connectors.base.model import MailMessage, Place
from mappings.model import Direction, Facts

UNPROVEN = "sender_unproven"
"""The word in `Facts.defects`. Such a mail is shown as any other; by itself it answers nothing and moves nothing."""

_FAILED = re.compile(r"\bdmarc\s{0,5}=\s{0,5}fail\b", re.IGNORECASE)


def is_unproven(message: MailMessage) -> bool:
    """Whether the domain in From has not sent this, as far as DMARC can tell. What lies in sent mail is proven."""
    first = next((value for name, value in message.headers if name == "authentication-results"), "")
    return message.place is not Place.SENT and _FAILED.search(first) is not None


def poses_as_ours(facts: Facts) -> bool:
    """Whether it says that we wrote it, and no copy of it proves that."""
    return facts.direction is Direction.OUTGOING and UNPROVEN in facts.defects
