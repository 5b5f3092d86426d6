"""A person's own mail as a simulated company: a mailbox for each path, and a CRM that knows whom they wrote to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from mappings.domains import is_freemail
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.sandbox.company import Company, empty
from tradepost.sandbox.gmail.content import decode_value
from tradepost.sandbox.kernel import World
from tradepost.sandbox.load import Report, load, read_mail, received_at

_OWNERS_HEADERS = ("Delivered-To", "X-Original-To")
_PARTIES = ("From", "To", "Cc")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LONGEST_EMAIL = 80  # what a contact's field takes


@dataclass(frozen=True, slots=True)
class OwnMail:
    """What was loaded, the first day of it, and the section `company` of a configuration for it."""

    report: Report
    start: str
    section: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Box:
    path: Path
    owner: str
    heads: tuple[Message, ...]
    first: datetime


def own_company(world: World, paths: Sequence[Path], *, key_fields: bool) -> tuple[Company, OwnMail]:
    """A company of the mailboxes under the paths. Raises `UserError` for a path without mail.

    Whose mailbox it is, is told by the address that most of its mails were delivered to, else by the one that most of
    them name. Everybody outside whom the owners wrote to is a contact.
    """
    now = world.clock.now()
    boxes = [_box(path, now) for path in paths]
    owners = list(dict.fromkeys(box.owner for box in boxes))
    domains = sorted({_domain(owner) for owner in owners if not is_freemail(_domain(owner))})
    company = empty(world, domain=_domain(owners[0]), mode="" if key_fields else None)
    for owner in owners:
        company.gmail.add_mailbox(owner)
        company.book.users[owner] = company.crm.add_user(owner, owner.partition("@")[0])
    for name, address in _written_to(boxes, owners, domains):
        company.book.contacts[address] = company.crm.add_contact(name, address)
    report = Report()
    for box in boxes:
        part = load(company.gmail, [box.path], now, box.owner)
        report.delivered[box.owner] = report.delivered.get(box.owner, 0) + sum(part.delivered.values())
        report.skipped += part.skipped
    section = {
        "name": domains[0] if domains else owners[0],
        "domains": domains,
        "extra_addresses": owners,
        "calendar": {},
    }
    return company, OwnMail(report, min(box.first for box in boxes).date().isoformat(), section)


def _box(path: Path, now: datetime) -> _Box:
    heads: list[Message] = []
    first = now
    for mail in read_mail([path]):
        heads.append(_head(mail.raw))
        first = min(first, received_at(mail.raw, now))
    if not heads:
        raise UserError(sentence("sandbox.no_mail", paths=path))
    owner = _most(heads, _OWNERS_HEADERS) or _most(heads, _PARTIES)
    if not owner:
        raise UserError(sentence("sandbox.no_owner", path=path))
    return _Box(path, owner, tuple(heads), first)


def _head(raw: bytes) -> Message:
    end = min((at for blank in (b"\r\n\r\n", b"\n\n") if (at := raw.find(blank)) >= 0), default=len(raw))
    return message_from_bytes(raw[:end] + b"\n\n", policy=compat32)


def _most(heads: Sequence[Message], names: Sequence[str]) -> str:
    """The address that most mails bear in these headers; of several, the first in the alphabet."""
    found = Counter(address for head in heads for address in sorted({a for a, _ in _people(head, names)}))
    return min(found, key=lambda address: (-found[address], address), default="")


def _people(head: Message, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(address, name) pairs of these headers, as far as they can be read."""
    for name in names:
        try:
            pairs = getaddresses([str(value) for value in head.get_all(name, [])])
        except (
            ValueError,
            IndexError,
            TypeError,
            AttributeError,
        ):  # what the standard library makes of hostile headers
            continue
        for shown, address in pairs:
            if _ADDRESS.fullmatch(address):
                yield address.lower(), " ".join(decode_value(shown).split())


def _written_to(boxes: Sequence[_Box], owners: Sequence[str], domains: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, address) of everybody outside whom an owner has written to, once each."""
    seen = set(owners)
    for box in boxes:
        for head in box.heads:
            if any(address in owners for address, _ in _people(head, ("From",))):
                for address, shown in _people(head, ("To", "Cc")):
                    if address not in seen and _domain(address) not in domains and len(address) <= _LONGEST_EMAIL:
                        seen.add(address)
                        yield (shown or address.partition("@")[0])[:80], address


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
