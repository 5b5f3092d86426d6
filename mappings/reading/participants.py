"""Who wrote a mail, which way it goes, and who outside takes part. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.base.model import Address, MailMessage, Place, Role
from mappings.model import Direction, External, Own
from mappings.reading.identity import address_of
from mappings.reading.words import Words

_LIST_HEADERS = ("list-id", "list-post", "x-beenthere", "mailing-list", "x-mailing-list")
_ADDRESS = re.compile(r"[^\s<>,;:()\"]{1,64}@[^\s<>,;:()\"]{1,255}")
_VIA = re.compile(r"(?<!\s)\s++(?:via|通过|通過|経由|über|por|через)\s+\S.*$", re.IGNORECASE)
_NOBODY = re.compile(
    r"undisclosed[-_ ]?recipients?|unlisted[-_ ]?recipients?|recipient[-_ ]list[-_ ]not[-_ ]shown", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Participants:
    """`author` is the person behind the mail; `externals` are unique, in order of role, then of the headers."""

    direction: Direction
    author: Address
    externals: tuple[External, ...]


def participants(message: MailMessage, own: Own, words: Words) -> Participants:
    """Direction, author and everybody outside."""
    writer = author(message, own, words)
    ours = is_ours(writer.email, own) or (not writer.email and message.place is Place.SENT)
    sender = address_of(message.sender)
    if not ours and (message.place is Place.SENT or (is_ours(sender, own) and not list_addresses(message))):
        ours = True  # sent by one of ours under an address the configuration does not know
    recipients = [(person, role) for people, role in _recipients(message) for person in people]
    first = address_of(message.from_)
    others = [(person, Role.FROM) for person in message.from_ if person.email != first]  # a mail may have many authors
    people = recipients if ours else [(writer, Role.FROM), *others, *recipients]
    through = set() if ours else set(list_addresses(message))
    externals = _outside(people, own, without=through)
    return Participants(_direction(ours, writer, recipients, externals), writer, externals)


def author(message: MailMessage, own: Own, words: Words) -> Address:
    """Who wrote it: From, unless From is a list's or a platform's and another header names the person."""
    first = next((person for person in message.from_ if person.email), None)
    if first is None:
        first = next((p for p in message.sender if p.email), None) or (message.from_ or (Address(""),))[0]
    lists = set(list_addresses(message))
    headers = dict(reversed(message.headers))
    for name in ("x-original-from", "x-original-sender") if lists else ():  # else anybody may have written them
        found = _ADDRESS.search(headers.get(name, ""))
        if found and found[0].lower() not in lists and found[0].lower() != first.email:
            return Address(found[0].lower(), _person(first.name))
    if not _speaks_for_others(message, first, lists, own, words):
        return first
    people = [*message.reply_to, *(message.cc if first.email in lists and not message.reply_to else ())]
    person = next((p for p in people if p.email and p.email != first.email and p.email not in lists), None)
    if person is None:
        return first
    return person if person.name else Address(person.email, _person(first.name))


def _speaks_for_others(message: MailMessage, first: Address, lists: set[str], own: Own, words: Words) -> bool:
    """Whether From is no person: a list that rewrote it, a platform's unattended mailbox, our own web form."""
    if first.email in lists or (_VIA.search(first.name) and (lists or message.reply_to)):
        return True
    if is_unattended(first.email, words):
        return True
    recipients = [p.email for people, _ in _recipients(message) for p in people if p.email]
    return (
        is_ours(first.email, own)
        and message.place is not Place.SENT
        and any(p.email and not is_ours(p.email, own) for p in message.reply_to)
        and bool(recipients)
        and all(is_ours(email, own) for email in recipients)
    )


def list_addresses(message: MailMessage) -> tuple[str, ...]:
    """The addresses under which the lists that carried the mail are known."""
    found: list[str] = []
    for name, value in message.headers:
        if name == "list-id":
            host = value.rpartition("<")[2].strip("<> ").lower()
            found.append(host.replace(".", "@", 1))
        elif name in _LIST_HEADERS:
            found += [m.lower().removeprefix("mailto:") for m in _ADDRESS.findall(value.replace("mailto:", " "))]
    return tuple(dict.fromkeys(found))


def is_ours(email: str, own: Own) -> bool:
    """Whether an address is one of ours: listed (also with a +tag), or in a domain of ours or below it."""
    local, at, domain = email.lower().rpartition("@")
    if not at:
        return False
    if email.lower() in own.addresses or f"{local.partition('+')[0]}@{domain}" in own.addresses:
        return True
    return any(domain == ours or domain.endswith("." + ours) for ours in own.domains)


def is_unattended(email: str, words: Words) -> bool:
    """noreply@ and its kin: nobody reads there, so nobody wrote there."""
    local = email.partition("@")[0].partition("+")[0]
    if local in words.unattended_names:
        return True
    return any(local.startswith((f"{name}-", f"{name}_", f"{name}.")) for name in ("noreply", "no-reply", "donotreply"))


def _recipients(message: MailMessage) -> Iterable[tuple[Sequence[Address], Role]]:
    return ((message.to, Role.TO), (message.cc, Role.CC), (message.bcc, Role.BCC))


def _outside(people: Iterable[tuple[Address, Role]], own: Own, *, without: set[str]) -> tuple[External, ...]:
    found: dict[str, External] = {}
    for person, role in people:
        email = person.email
        if not email or email in without or is_ours(email, own) or _NOBODY.search(email):
            continue
        if email not in found:
            found[email] = External(person, role)
        elif person.name and not found[email].address.name:
            found[email] = External(person, found[email].role)
    return tuple(found.values())


def _direction(
    ours: bool,  # noqa: FBT001
    writer: Address,
    recipients: list[tuple[Address, Role]],
    externals: tuple[External, ...],
) -> Direction:
    """A mail of ours that names no recipient at all went to hidden ones, who may be outside."""
    if not ours:
        return Direction.INCOMING
    named = any(person.email and not _NOBODY.search(person.email) for person, _ in recipients)
    return Direction.INTERNAL if not externals and (named or not writer.email) else Direction.OUTGOING


def _person(name: str) -> str:
    """The name before "via somebody"."""
    return _VIA.sub("", name).strip("'\" ")
