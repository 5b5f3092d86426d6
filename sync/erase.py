"""What is left of a mail, a write and a CRM's row once a person is erased, and what becomes of each write. Pure.

An erased address is known by its mark only: a keyed hash. `Gone` says whether an address bears one.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256

from connectors.base.model import (
    Address,
    Capability,
    CreateCustomer,
    CreateTask,
    Customer,
    Effect,
    LinkEmail,
    LogEmail,
    RecordKind,
    RecordRef,
    SetFields,
    Write,
    WriteKind,
)
from mappings.model import Erased, Facts, MailKind, Own
from mappings.reading import Reading, Twin
from mappings.reading.participants import is_ours
from sync.model import ItemState
from sync.undo import NOT_OURS, Way, unwritten

MARK = "erased:"  # begins every mark, so that none is taken for an address

Gone = Callable[[str], bool]

_ADDRESS = re.compile(r"[^\s<>,;:()\"']{1,64}@[^\s<>,;:()\"']{1,255}")


def mark(key: bytes, address: str) -> str:
    """The keyed hash of an address: HMAC-SHA256 of its lower-case form."""
    return MARK + hmac.new(key, address.strip().lower().encode("utf-8", "surrogatepass"), sha256).hexdigest()


# ----------------------------------------------------------------------------------------------------------------- mail


def addresses_of(facts: Facts) -> Iterator[str]:
    """Every address that a mail's facts hold; some may come twice."""
    people = (facts.from_, facts.author, *facts.reply_to, *facts.to, *facts.cc, *facts.bcc)
    yield from (person.email for person in people)
    yield from (external.address.email for external in facts.externals)
    yield from facts.bounced


def without(facts: Facts, gone: Gone) -> Facts:
    """Facts without the erased: bare where nobody else outside takes part, else as if they had not been named."""
    if not any(gone(address) for address in addresses_of(facts)):
        return _without_words(facts, gone)
    if not _others(facts, gone):
        return bare(facts)
    return replace(
        _without_words(facts, gone),
        from_=_person(facts.from_, gone),
        author=_person(facts.author, gone),
        reply_to=_people(facts.reply_to, gone),
        to=_people(facts.to, gone),
        cc=_people(facts.cc, gone),
        bcc=_people(facts.bcc, gone),
        externals=tuple(e for e in facts.externals if not gone(e.address.email)),
        bounced=tuple(a for a in facts.bounced if not gone(a)),
        erased=Erased.PERSON,
    )


def bare(facts: Facts, erased: Erased = Erased.MAIL) -> Facts:
    """Facts of which nothing is left but that there was a mail, when, which way and of which kind."""
    return Facts(
        identity=facts.identity,
        reader=facts.reader,
        sent_at=facts.sent_at,
        direction=facts.direction,
        kind=facts.kind,
        erased=erased,
    )


def cleaned(reading: Reading, gone: Gone, marked: Callable[[str], str]) -> Reading:
    """A reading on its way in. Of a mail that concerns the erased alone neither text nor what finds copies stays."""
    facts = without(reading.facts, gone)
    twin = reading.twin
    if facts.erased is Erased.MAIL:
        twin = Twin("", twin.sent_at, "", "")
        return replace(reading, facts=facts, text="", new_text="", html="", twin=twin)
    if gone(twin.from_):
        twin = replace(twin, from_=marked(twin.from_))
    return replace(reading, facts=facts, twin=twin)


def _others(facts: Facts, gone: Gone) -> bool:
    """Whether somebody else outside takes part. Whoever reports that a mail of ours did not arrive is nobody else."""
    if facts.kind is MailKind.BOUNCE and facts.bounced and all(gone(address) for address in facts.bounced):
        return False
    return any(not gone(e.address.email) for e in facts.externals)


def _without_words(facts: Facts, gone: Gone) -> Facts:
    """Addresses that stand in other words of a mail than its participants."""

    def said(text: str) -> str:
        return _without_addresses(text, gone)

    found = replace(
        facts,
        subject=said(facts.subject),
        message_id=said(facts.message_id),
        references=tuple(left for one in facts.references if (left := said(one))),
        attachments=tuple(replace(a, name=said(a.name)) for a in facts.attachments),
    )
    return facts if found == facts else found


def _without_addresses(text: str, gone: Gone) -> str:
    if "@" not in text:
        return text
    return _ADDRESS.sub(lambda found: "" if gone(found[0].strip(".").lower()) else found[0], text)


def _person(person: Address, gone: Gone) -> Address:
    return Address("") if gone(person.email) else person


def _people(people: tuple[Address, ...], gone: Gone) -> tuple[Address, ...]:
    return tuple(person for person in people if not gone(person.email))


# --------------------------------------------------------------------------------------------------------------- writes


def alone_in(write: LogEmail, gone: Gone, own: Own) -> bool:
    """Whether nobody else outside takes part in a logged mail whose facts are forgotten."""
    people = (write.from_, *write.to, *write.cc, *write.bcc)
    return all(gone(p.email) or is_ours(p.email, own) for p in people if p.email)


def names(write: Write, gone: Gone, refs: AbstractSet[RecordRef]) -> bool:
    """Whether a write names an erased address, or concerns one of that person's records."""
    match write:
        case LogEmail():
            people = (write.from_, *write.to, *write.cc, *write.bcc)
            return any(gone(p.email) for p in people) or any(
                gone(p.address) or p.ref in refs for p in write.participants
            )
        case LinkEmail():
            return any(gone(p.address) or p.ref in refs for p in write.participants)
        case CreateTask():
            said = _without_addresses(f"{write.title} {write.text}", gone) != f"{write.title} {write.text}"
            return write.record in refs or said
        case CreateCustomer():
            return gone(write.email)
        case SetFields():
            return write.record in refs
        case _:
            return False


def emptied(write: Write) -> Write:
    """A write that concerned an erased person alone: its key, kind and moment."""
    match write:
        case LogEmail():
            kept = {"key": write.key, "mail": write.mail, "thread": write.thread, "sent_at": write.sent_at}
            return LogEmail(**kept, message_id="", incoming=write.incoming, subject="", from_=Address(""))  # type: ignore[arg-type]
        case LinkEmail():
            return replace(write, participants=())
        case CreateTask():
            return replace(write, title="", text="", record=None)
        case CreateCustomer():
            return replace(write, email="", name="", company_name="")
        case SetFields():
            return replace(write, fields=())
        case _:
            return write


def shortened(write: Write, gone: Gone, refs: AbstractSet[RecordRef]) -> Write:
    """A write that concerns others too, without the erased."""
    match write:
        case LogEmail():
            return replace(
                write,
                subject=_without_addresses(write.subject, gone),
                message_id=_without_addresses(write.message_id, gone),
                from_=_person(write.from_, gone),
                to=_people(write.to, gone),
                cc=_people(write.cc, gone),
                bcc=_people(write.bcc, gone),
                attachments=tuple(replace(a, name=_without_addresses(a.name, gone)) for a in write.attachments),
                participants=tuple(p for p in write.participants if not gone(p.address) and p.ref not in refs),
            )
        case LinkEmail():
            kept = tuple(p for p in write.participants if not gone(p.address) and p.ref not in refs)
            return replace(write, participants=kept)
        case _:
            return emptied(write)


# -------------------------------------------------------------------------------------------------------------- the CRM


def hidden(row: Customer, gone: Gone, marked: Callable[[str], str]) -> Customer:
    """A row of the CRM on its way into the mirror: of an erased person it keeps id, owner, company and marks.

    A company stays who it is; only the address is hidden.
    """
    if not any(gone(email) for email in row.emails):
        return row
    if row.ref.kind is RecordKind.COMPANY:
        return replace(row, emails=tuple(marked(e) if gone(e) else e for e in row.emails))
    return replace(row, name="", emails=tuple(marked(email) for email in row.emails))


# ---------------------------------------------------------------------------------------------------------------- fates


class Kept(StrEnum):
    """Why something stays in the CRM. The sentence is in the message catalogue under `erase_stays`."""

    NO_WAY = "no_way"  # the vendor lets no program delete it
    OTHERS = "others"  # other people take part
    BY_CRM = "by_crm"  # the CRM or a person made it
    ADOPTED = "adopted"  # a lead of ours that people work with
    UNKNOWN = "unknown"  # nobody knows whether it was written
    FIELDS = "fields"
    REFUSED = "refused"  # the vendor refused to delete it


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A write that concerns an erased person. `alone`: nobody else; `adopted`: people work with the lead it made."""

    kind: WriteKind
    state: ItemState
    sent: bool = False
    effect: str = ""
    note: str = ""
    alone: bool = True
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    way: Way
    why: Kept | None = None


def fate_of(held: Held, can: Mapping[WriteKind, Capability]) -> Fate:
    """What an erasure does with one write; `can` is what the target offers."""
    if held.state is ItemState.DONE:
        return _done(held, can)
    way = unwritten(held.state, sent=held.sent)
    return Fate(way, Kept.UNKNOWN if way is Way.STAY else None)


def _done(held: Held, can: Mapping[WriteKind, Capability]) -> Fate:
    notes = held.note.split(",")
    if held.kind is WriteKind.SET_FIELDS:
        return Fate(Way.STAY, Kept.FIELDS)
    if "record_deleted" in notes or held.kind in (WriteKind.COMPLETE_TASK, WriteKind.MOVE_DEAL, WriteKind.REMOVE):
        return Fate(Way.DROP)
    if not held.alone:
        return Fate(Way.STAY, Kept.OTHERS)
    if held.kind is WriteKind.LINK_EMAIL or "address_known" in notes:
        return Fate(Way.DROP)  # it goes with the mail; the record is the CRM's own
    if held.effect == Effect.UNCHANGED or any(note in NOT_OURS for note in notes):
        return Fate(Way.STAY, Kept.BY_CRM)
    own = can.get(held.kind, Capability(removable=False))
    if not can.get(WriteKind.REMOVE, Capability(exists=False)).exists or not own.removable:
        return Fate(Way.STAY, Kept.NO_WAY)
    return Fate(Way.STAY, Kept.ADOPTED) if held.adopted else Fate(Way.REMOVE)
