"""Which mail is logged where, what is added to a logged one, and which stranger becomes a customer. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from connectors.base.model import (
    Capability,
    CreateCustomer,
    Customer,
    LinkEmail,
    LogEmail,
    Participant,
    RecordKind,
    RecordRef,
    WriteKind,
)
from mappings.domains import work_domain
from mappings.fields import NAME_LIMIT, plain
from mappings.model import Direction, Evidence, MailKind, Reason
from sync.keys import record_word
from sync.model import Intent, ItemState, NewSender, ThreadMail, VerdictState
from sync.owners import owner_of
from sync.situation import OPEN_STATES, Situation

_MERGES = 10


def log_intents(situation: Situation) -> Iterator[Intent]:
    """A log entry for every mail that has none, and a link for every record that a logged one lacks."""
    spans = situation.target.capabilities.get(WriteKind.LOG_EMAIL, Capability(spans_records=True)).spans_records
    records = _records(situation)
    for mail in situation.mails:
        if not situation.logged(mail) or not situation.participants(mail):
            continue
        there: AbstractSet[RecordRef] = records.get(mail.facts.identity, frozenset())
        yield from _once(situation, mail, there) if spans else _per_record(situation, mail, there)


def overtaken_logs(situation: Situation) -> Iterator[tuple[str, Reason]]:
    """Unsent entries of mail that a rule has come to leave out."""
    for item in situation.items.values():
        if isinstance(item.write, LogEmail | LinkEmail) and item.state in OPEN_STATES:
            verdict = situation.verdicts.get(item.write.mail)
            if verdict and verdict.state is VerdictState.EXCLUDED:
                yield item.key, Reason.RULE_SKIP


def _once(situation: Situation, mail: ThreadMail, there: AbstractSet[RecordRef]) -> Iterator[Intent]:
    """One entry that spans all records; later records are linked to it."""
    identity = mail.facts.identity
    log_key = situation.key(WriteKind.LOG_EMAIL, identity)
    participants = situation.participants(mail)
    item = situation.items.get(log_key)
    if item is None or item.state is ItemState.DROPPED:
        yield _log(situation, mail, log_key, participants, situation.link.deal)
    elif not situation.matches[identity].inherited and situation.can(WriteKind.LINK_EMAIL):
        for participant in participants:
            if participant.ref not in there:
                yield _link(situation, mail, log_key, participant)


def _per_record(situation: Situation, mail: ThreadMail, there: AbstractSet[RecordRef]) -> Iterator[Intent]:
    """An entry for each record where none can span several. The deal goes with the first, to stand there once.

    A company is left to its own people: their mail shows on its page.
    """
    identity = mail.facts.identity
    if there and situation.matches[identity].inherited:
        return
    participants = [p for p in situation.participants(mail) if not _stands_for_people(situation, mail, p)]
    for number, participant in enumerate(participants):
        if participant.ref in there:
            continue
        key = situation.key(WriteKind.LOG_EMAIL, identity, record_word(participant.ref))
        deal = situation.link.deal if number == 0 and not there else ""
        yield _log(situation, mail, key, (participant,), deal)


def _stands_for_people(situation: Situation, mail: ThreadMail, participant: Participant) -> bool:
    if participant.ref.kind is not RecordKind.COMPANY:
        return False
    people = (situation.customers.get(p.ref) for p in situation.participants(mail))
    return any(c and c.company == participant.ref for c in people)


def _records(situation: Situation) -> dict[str, set[RecordRef]]:
    """The records each mail is logged on or about to be; a merged one counts as its winner too."""
    found: dict[str, set[RecordRef]] = {}
    for item in situation.items.values():
        if isinstance(item.write, LogEmail | LinkEmail) and item.state is not ItemState.DROPPED:
            refs = {p.ref for p in item.write.participants}
            found.setdefault(item.write.mail, set()).update(refs, (_winner(situation, ref) for ref in refs))
    return found


def _winner(situation: Situation, ref: RecordRef) -> RecordRef:
    for _ in range(_MERGES):
        row: Customer | None = situation.customers.get(ref)
        if row is None or row.merged_into is None:
            break
        ref = row.merged_into
    return ref


def _log(situation: Situation, mail: ThreadMail, key: str, participants: tuple[Participant, ...], deal: str) -> Intent:
    facts = mail.facts
    owner, why = owner_of(situation, mail)
    write = LogEmail(
        key=key,
        mail=facts.identity,
        message_id=facts.message_id,
        thread=situation.view.thread,
        sent_at=facts.sent_at,
        incoming=facts.direction is Direction.INCOMING,
        subject=facts.subject,
        from_=facts.from_,
        to=facts.to,
        cc=facts.cc,
        bcc=facts.bcc,
        attachments=facts.attachments,
        participants=participants,
        deal=deal,
        owner=owner,
    )
    evidence = (*situation.matches[facts.identity].evidence, *situation.link.deal_evidence, why)
    return Intent(write=write, rule="log", mail=facts.identity, evidence=evidence)


def _link(situation: Situation, mail: ThreadMail, log_key: str, participant: Participant) -> Intent:
    identity = mail.facts.identity
    word = record_word(participant.ref)
    write = LinkEmail(
        key=situation.key(WriteKind.LINK_EMAIL, identity, word),
        mail=identity,
        logged_key=log_key,
        participants=(participant,),
    )
    evidence = (Evidence("record_added", (("record", word),)), *situation.matches[identity].evidence)
    return Intent(write=write, rule="link", mail=identity, needs=(log_key,), evidence=evidence)


# ------------------------------------------------------------------------------------------------------- new customers


def customer_intents(situation: Situation) -> Iterator[Intent]:
    """A new customer for every stranger who wrote in person, where the mailbox's rule says so; one for each address."""
    if not situation.can(WriteKind.CREATE_CUSTOMER):
        return
    made: set[str] = set()
    for mail in situation.mails:
        email = mail.facts.author.email or mail.facts.from_.email
        if not is_stranger(situation, mail) or situation.new_sender(mail) is not NewSender.CREATE:
            continue
        key = situation.key(WriteKind.CREATE_CUSTOMER, email)
        if key not in situation.items and key not in made:
            made.add(key)
            yield _create(situation, mail, email, key)


def is_stranger(situation: Situation, mail: ThreadMail) -> bool:
    """Whether a live mail comes from a person outside of whom the CRM knows nothing."""
    facts, verdict = mail.facts, situation.verdicts[mail.facts.identity]
    return (
        mail.live
        and facts.direction is Direction.INCOMING
        and facts.kind is MailKind.HUMAN
        and verdict.state is VerdictState.WAITING
        and verdict.reason is Reason.NO_CUSTOMER
        and bool(facts.author.email or facts.from_.email)
    )


def _create(situation: Situation, mail: ThreadMail, email: str, key: str) -> Intent:
    facts = mail.facts
    author = facts.author if facts.author.email else facts.from_
    name = plain(author.name, NAME_LIMIT) or email.partition("@")[0]
    owner, why = owner_of(situation, mail)
    write = CreateCustomer(
        key=key, email=email, name=name, company_name=work_domain(email) or name, owner=owner, source="email"
    )
    return Intent(
        write=write,
        rule="new_sender",
        mail=facts.identity,
        order_key=f"address:{email}",
        evidence=(Evidence("new_sender_create"), *situation.matches[facts.identity].evidence, why),
    )
