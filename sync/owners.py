"""Whose activity it is. Pure, and the same whichever copy of a mail came first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.base.model import User
from mappings.model import Direction, Evidence
from sync.model import ThreadMail
from sync.situation import Situation


def owner_of(situation: Situation, mail: ThreadMail) -> tuple[str, Evidence]:
    """The CRM user who owns what a mail leads to, and why; an empty id when there is none. Never an inactive user.

    The user with the mailbox's address or an alias of it, else the one configured for it, else the record's owner,
    else the deal's, else the default.
    """
    users, target = situation.view.directory.users, situation.target
    addresses = _ours(situation, mail)
    active = {email: u.id for u in users if u.active for email in u.emails}
    configured = (target.owners.get(a, "") for a in addresses)
    records = (c.owner for p in situation.participants(mail) if (c := situation.customers.get(p.ref)))
    deal = (situation.deal.owner,) if situation.deal else ()
    tries: tuple[tuple[str, Iterable[str]], ...] = (
        ("owner_mailbox", (active[a] for a in addresses if a in active)),
        ("owner_configured", configured),
        ("owner_record", (*records, *deal)),
        ("owner_default", (target.default_owner,)),
    )
    for rule, named in tries:
        if user := next((u for n in named if (u := _user(n, users))), ""):
            return user, Evidence(rule, (("user", user),))
    return "", Evidence("owner_none")


def _user(named: str, users: Sequence[User]) -> str:
    """The id of the active user who is named by id or address; an id that cannot be checked is taken as it is."""
    if not named or (not users and "@" in named):
        return ""
    if not users:
        return named
    return next((u.id for u in users if u.active and (u.id == named or named.lower() in u.emails)), "")


def _ours(situation: Situation, mail: ThreadMail) -> tuple[str, ...]:
    """Our addresses of a mail, the most concerned first: the writer, else To and Cc in their order; then the mailboxes.

    An alias is followed by the addresses of its mailbox.
    """
    facts = mail.facts
    outgoing = facts.direction is Direction.OUTGOING
    named = (facts.from_,) if outgoing else (*facts.to, *facts.cc)
    siblings = _siblings(situation)
    boxes = sorted({c.mailbox for c in mail.copies})
    held = [p.address for b in boxes if (p := situation.view.policies.get(b))]
    order = [a for first in (*(n.email for n in named), *sorted(held)) for a in (first, *siblings.get(first, ()))]
    return tuple(dict.fromkeys(a for a in order if a))


def _siblings(situation: Situation) -> Mapping[str, tuple[str, ...]]:
    """Every address of a mailbox to all of that mailbox's."""
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(situation.view.policies):
        policy = situation.view.policies[name]
        every = (policy.address, *policy.aliases)
        found |= dict.fromkeys(every, every)
    return found
