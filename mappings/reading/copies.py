"""What several copies of one mail say together. Pure."""

from __future__ import annotations

from dataclasses import replace

from connectors.base.model import Address, Role
from mappings.model import Direction, Facts
from mappings.reading.trust import UNPROVEN

# A copy in somebody's sent mail knows that it is ours, and to whom it went unseen; one to a colleague does not.
_SUREST = (Direction.OUTGOING, Direction.INCOMING, Direction.INTERNAL)


def joined(known: Facts, copy: Facts) -> Facts:
    """`known` with what only another copy tells: hidden recipients, what a gateway or a list took out or put in.

    Who takes part, and what the mail answers, must not depend on which copy was read first.
    """
    direction = min(known.direction, copy.direction, key=_SUREST.index)
    outside = {person.address.email: person for person in (*copy.externals, *known.externals)}
    order = dict.fromkeys(person.address.email for person in (*known.externals, *copy.externals))
    ours = direction is Direction.OUTGOING
    return replace(
        known,
        direction=direction,
        externals=tuple(outside[email] for email in order if not (ours and outside[email].role is Role.FROM)),
        reply_to=_together(known.reply_to, copy.reply_to),
        bcc=_together(known.bcc, copy.bcc),
        references=tuple(dict.fromkeys((*known.references, *copy.references))),
        # One copy that its way has not spoiled proves the sender for all.
        defects=tuple(d for d in known.defects if d != UNPROVEN or d in copy.defects),
    )


def _together(known: tuple[Address, ...], more: tuple[Address, ...]) -> tuple[Address, ...]:
    there = {person.email for person in known}
    return (*known, *(person for person in more if person.email not in there))
