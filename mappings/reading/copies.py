"""What several copies of one mail say together. Pure."""

from __future__ import annotations

from dataclasses import replace

from connectors.base.model import Role
from mappings.model import Direction, Facts

# A copy in somebody's sent mail knows that it is ours, and to whom it went unseen; one to a colleague does not.
_SUREST = (Direction.OUTGOING, Direction.INCOMING, Direction.INTERNAL)


def joined(known: Facts, copy: Facts) -> Facts:
    """`known` with what only another copy tells: hidden recipients, and so whether anybody outside takes part.

    Who takes part must not depend on which copy was read first.
    """
    direction = min(known.direction, copy.direction, key=_SUREST.index)
    everybody = {person.address.email: person for person in (*copy.externals, *known.externals)}
    order = dict.fromkeys(person.address.email for person in (*known.externals, *copy.externals))
    outside = tuple(everybody[email] for email in order)
    if direction is Direction.OUTGOING:
        outside = tuple(person for person in outside if person.role is not Role.FROM)
    hidden = {person.email for person in known.bcc}
    bcc = (*known.bcc, *(person for person in copy.bcc if person.email not in hidden))
    return replace(known, direction=direction, externals=outside, bcc=bcc)
