"""Whose mail is it? Facts and the CRM mirror to records and deal, with the evidence for every step. Pure.

An address names a record; a work domain names a company; a reply from an unknown address joins the thread's customer.
Where several records fit and nothing tells them apart, the answer is the list of candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.base.model import Customer, Deal, Participant, RecordKind, RecordRef, Role
from mappings.domains import company_hosts, host, registrable
from mappings.model import (
    Direction,
    Directory,
    Evidence,
    Facts,
    MailMatch,
    Outcome,
    Own,
    ThreadLink,
    ThreadMatch,
)
from mappings.reading.participants import is_ours

NOBODY = Own(frozenset(), frozenset())

_KINDS = (RecordKind.CONTACT, RecordKind.LEAD, RecordKind.COMPANY)
_ROLES = (Role.FROM, Role.TO, Role.CC, Role.BCC)
_MERGES = 10  # a chain of merges is followed no further


@dataclass(frozen=True, slots=True)
class _Seat:
    """One outsider of a mail: who it may be, and how that was found. `exact` when an address named the candidates."""

    role: Role
    address: str
    rule: str
    candidates: tuple[Customer, ...] = ()
    exact: bool = False

    @property
    def customer(self) -> Customer | None:
        return self.candidates[0] if len(self.candidates) == 1 else None

    def evidence(self) -> Evidence:
        details = [("role", self.role.value)]
        if self.customer:
            details.append(("record", word(self.customer.ref)))
        elif self.candidates:
            details.append(("candidates", " ".join(word(c.ref) for c in self.candidates)))
        elif domain := self.address.rpartition("@")[2]:
            details.append(("domain", domain))
        return Evidence(self.rule, tuple(details))


def word(ref: RecordRef) -> str:
    """A record as people and evidence name it, such as ``contact:0031``."""
    return f"{ref.kind.value}:{ref.id}"


# ----------------------------------------------------------------------------------------------------------- questions


def questions(mails: Sequence[Facts], own: Own = NOBODY) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The addresses and the domains that a mirror must be asked about to match these mails; both sorted.

    Domains are those of work addresses, from the whole host down to the registrable part (see `domains.index_hosts`).
    """
    addresses = sorted({a for facts in mails for _, seat in _outsiders(facts, own, frozenset()) for a in seat})
    return tuple(addresses), tuple(sorted({d for address in addresses for d in company_hosts(address)}))


def _outsiders(facts: Facts, own: Own, ignored: frozenset[str]) -> tuple[tuple[Role, tuple[str, ...]], ...]:
    """Each outsider of a mail: the role, and the addresses that may name him, the most telling first.

    The sender of an incoming mail is looked for under the author (Reply-To where From is a platform's), then From, then
    every Reply-To.
    """
    seats: list[tuple[Role, tuple[str, ...]]] = []
    if facts.direction is Direction.INCOMING:
        shown = [e.address.email for e in facts.externals if e.role is Role.FROM]
        named = [facts.author.email, *shown, facts.from_.email, *(a.email for a in facts.reply_to)]
        seats.append((Role.FROM, tuple(named)))
    seats += [(e.role, (e.address.email,)) for e in facts.externals if e.role is not Role.FROM]
    cleaned = ((role, _outside(addresses, own, ignored)) for role, addresses in seats)
    return tuple(sorted((seat for seat in cleaned if seat[1]), key=lambda seat: _ROLES.index(seat[0])))


def _outside(addresses: Iterable[str], own: Own, ignored: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(a for a in addresses if a and a not in ignored and not is_ours(a, own)))


# ------------------------------------------------------------------------------------------------------------ matching


def match(
    mails: Sequence[Facts],
    directory: Directory,
    prior: ThreadLink | None = None,
    *,
    own: Own = NOBODY,
    ignored: Mapping[str, frozenset[str]] | None = None,
) -> ThreadMatch:
    """Where each mail of one thread belongs, and what the thread is linked with now.

    Args:
        mails: the thread's mails in order; those that a rule skips are left out by the caller.
        directory: the part of the mirror that `questions` asked for.
        prior: the link of the last decision.
        own: who we are; whoever is ours matches nothing, whatever the CRM holds.
        ignored: by a mail's identity, addresses that a rule keeps from matching.
    """
    known = _Known(directory, prior or ThreadLink())
    seats = [_seats(facts, directory, own, (ignored or {}).get(facts.identity, frozenset())) for facts in mails]
    sure = [c for row in seats for seat in row if (c := seat.customer)]
    seats = [tuple(_settle(seat, known, sure, directory.deals) for seat in row) for row in seats]
    customers = _unique([c for row in seats for seat in row if (c := seat.customer)] + list(known.customers))
    lender = _Lender(mails, seats, customers, known)
    found = tuple(
        _mail_match(facts, row, lender, skipped=bool((ignored or {}).get(facts.identity)))
        for facts, row in zip(mails, seats, strict=True)
    )
    return ThreadMatch(mails=found, link=_link(found, customers, known, directory))


class _Known:
    """What the thread was linked with, as far as it still lives; a merged record is its winner."""

    def __init__(self, directory: Directory, prior: ThreadLink) -> None:
        rows = (*_all_rows(directory), *directory.records)
        self._rows = {row.ref: row for row in rows}
        self.prior = prior
        self.customers = tuple(_unique(c for ref in prior.customers if (c := self.living(ref))))
        self.primary = self.living(prior.primary) if prior.primary else None

    def living(self, ref: RecordRef) -> Customer | None:
        for _ in range(_MERGES):
            row = self._rows.get(ref)
            if row is None or row.deleted:
                return None
            if row.merged_into is None:
                return row
            ref = row.merged_into
        return None


def _all_rows(directory: Directory) -> tuple[Customer, ...]:
    tables = (directory.by_address, directory.by_domain)
    return tuple(row for table in tables for name in sorted(table) for row in table[name])


def _unique(customers: Iterable[Customer]) -> list[Customer]:
    return list({c.ref: c for c in customers}.values())


def group_of(customer: Customer) -> RecordRef:
    """Whose customer it is: people of one company are one customer."""
    return customer.company or customer.ref


# ---------------------------------------------------------------------------------------------- one outsider of a mail


def _seats(facts: Facts, directory: Directory, own: Own, ignored: frozenset[str]) -> tuple[_Seat, ...]:
    return tuple(_seat(facts, role, names, directory) for role, names in _outsiders(facts, own, ignored))


def _seat(facts: Facts, role: Role, addresses: tuple[str, ...], directory: Directory) -> _Seat:
    for address in addresses:
        if rows := _best(directory.by_address.get(address, ())):
            answered = role is Role.FROM and address != facts.from_.email and address in _answered(facts)
            rule = "reply_to" if answered else "address_exact"
            return _Seat(role, address, rule if len(rows) == 1 else "ambiguous_address", rows, exact=True)
    shown = {facts.author.email, *(e.address.email for e in facts.externals)}  # a Reply-To may be a list's
    for address in addresses:
        if address in shown and (rows := _companies(address, directory)):
            return _Seat(role, address, "domain_company" if len(rows) == 1 else "ambiguous_domain", rows)
    rule = "unknown_address" if company_hosts(addresses[0]) else "freemail_no_company"
    return _Seat(role, addresses[0], rule)


def _answered(facts: Facts) -> set[str]:
    return {person.email for person in facts.reply_to}


def _best(rows: Iterable[Customer]) -> tuple[Customer, ...]:
    """The living rows of the first kind there is: contact before lead before company."""
    living = sorted((r for r in _unique(rows) if not r.deleted and r.merged_into is None), key=lambda r: r.ref)
    for kind in _KINDS:
        if found := tuple(r for r in living if r.ref.kind is kind):
            return found
    return ()


def _companies(address: str, directory: Directory) -> tuple[Customer, ...]:
    """Companies known under an address's domain; those known under the longer part of it win."""
    hosts = company_hosts(address)
    rows = [r for h in hosts for r in directory.by_domain.get(h, ()) if r.ref.kind is RecordKind.COMPANY]
    living = _best(rows)
    for name in hosts:
        if found := tuple(r for r in living if any(host(d) == name for d in r.domains)):
            return found
    # A company's site may stand under a name below (en.acme.com) that its mail does not use.
    return tuple(r for r in living if any(registrable(d) == hosts[-1] for d in r.domains))


def _settle(seat: _Seat, known: _Known, sure: Sequence[Customer], deals: Sequence[Deal]) -> _Seat:
    """Of several candidates the one that other evidence names, where exactly one is named."""
    if len(seat.candidates) < 2:
        return seat
    linked = {c.ref for c in known.customers}
    groups = {group_of(c) for c in sure}
    tests = (
        ("chosen_thread_customer", [c for c in seat.candidates if c.ref in linked]),
        ("chosen_same_company", [c for c in seat.candidates if group_of(c) in groups]),
        ("chosen_open_deal", [c for c in seat.candidates if _has_open_deal(c, deals)]),
    )
    for rule, left in tests:
        if len(left) == 1:
            return replace(seat, rule=rule, candidates=tuple(left))
    return seat


def _has_open_deal(customer: Customer, deals: Sequence[Deal]) -> bool:
    return any(_open(d) and (customer.ref in d.contacts or d.company == group_of(customer)) for d in deals)


def _open(deal: Deal) -> bool:
    return not deal.closed and not deal.deleted


# --------------------------------------------------------------------------------------------------------- inheritance


class _Lender:
    """Lends the thread's customer to a reply from an address that nobody knows.

    Only a reply may borrow (a provider may group unrelated notices of one subject), and not one to or from somebody
    whom we brought in ourselves without the customer, or without his seeing it: a forwarder, a factory, the other
    hidden recipients of a round mail.
    """

    def __init__(
        self, mails: Sequence[Facts], seats: Sequence[tuple[_Seat, ...]], customers: Sequence[Customer], known: _Known
    ) -> None:
        self.groups = sorted({group_of(c) for c in customers})
        self._customers = customers
        self._primary = known.primary if known.primary in customers else None
        self._first = next((c for row in seats for seat in row if (c := seat.customer)), None)
        self._wrote: set[str] = set()
        self._brought: set[str] = set()
        met: set[str] = set()
        for facts, row in zip(mails, seats, strict=True):
            if facts.direction is Direction.OUTGOING:
                unknown = not any(seat.candidates for seat in row)
                self._brought |= {seat.address for seat in row if unknown or seat.role is Role.BCC} - met
            met |= {seat.address for seat in row}
            self._wrote |= {seat.address for seat in row if seat.role is Role.FROM}

    def may_borrow(self, facts: Facts, row: Sequence[_Seat]) -> bool:
        addresses = {seat.address for seat in row}
        if not facts.references or not self.groups or any(seat.candidates for seat in row):
            return False
        if facts.direction is Direction.INCOMING:
            return bool(row) and row[0].address not in self._brought
        return bool((addresses & self._wrote) - self._brought)

    @property
    def customer(self) -> Customer | None:
        """The one to lend; None when the thread has several customers."""
        if len(self.groups) != 1:
            return None
        return self._primary or self._first or self._customers[0]

    @property
    def candidates(self) -> tuple[RecordRef, ...]:
        return tuple(sorted(c.ref for c in self._customers))


# ------------------------------------------------------------------------------------------------------------- results


def _mail_match(facts: Facts, row: tuple[_Seat, ...], lender: _Lender, *, skipped: bool) -> MailMatch:
    evidence = tuple(seat.evidence() for seat in row)
    if not row:
        why = Evidence("rule_skip_match" if skipped else "no_outsider")
        return MailMatch(identity=facts.identity, outcome=Outcome.EXCLUDED, evidence=(why,))
    if any(seat.customer for seat in row):
        return _matched(facts, row, evidence)
    if any(seat.candidates for seat in row):
        refs = sorted({c.ref for seat in row for c in seat.candidates})
        return MailMatch(identity=facts.identity, outcome=Outcome.AMBIGUOUS, candidates=tuple(refs), evidence=evidence)
    if lender.may_borrow(facts, row):
        return _borrowed(facts, row[0], lender, evidence)
    return MailMatch(identity=facts.identity, outcome=Outcome.WAITING, evidence=evidence)


def _matched(facts: Facts, row: tuple[_Seat, ...], evidence: tuple[Evidence, ...]) -> MailMatch:
    participants: dict[RecordRef, Participant] = {}
    exact: dict[RecordRef, None] = {}
    for seat in row:
        if customer := seat.customer:
            participants.setdefault(customer.ref, Participant(customer.ref, seat.role, seat.address))
            if seat.exact:
                exact[customer.ref] = None
    return MailMatch(
        identity=facts.identity,
        outcome=Outcome.MATCHED,
        participants=tuple(participants.values()),
        exact=tuple(exact),
        evidence=evidence,
    )


def _borrowed(facts: Facts, seat: _Seat, lender: _Lender, evidence: tuple[Evidence, ...]) -> MailMatch:
    customer = lender.customer
    if customer is None:
        names = " ".join(word(ref) for ref in lender.candidates)
        return MailMatch(
            identity=facts.identity,
            outcome=Outcome.AMBIGUOUS,
            candidates=lender.candidates,
            evidence=(*evidence, Evidence("several_thread_customers", (("candidates", names),))),
        )
    return MailMatch(
        identity=facts.identity,
        outcome=Outcome.MATCHED,
        participants=(Participant(customer.ref, seat.role, seat.address),),
        inherited=True,
        evidence=(*evidence, Evidence("thread_inherited", (("record", word(customer.ref)),))),
    )


def _link(found: Sequence[MailMatch], customers: Sequence[Customer], known: _Known, directory: Directory) -> ThreadLink:
    first = next((p.ref for m in found for p in m.participants), None)
    deal, evidence = choose_deal(customers, known.prior, directory.deals)
    return ThreadLink(
        customers=tuple(sorted(c.ref for c in customers)),
        primary=known.primary.ref if known.primary else first,
        deal=deal,
        deal_evidence=evidence,
    )


def choose_deal(
    customers: Sequence[Customer], prior: ThreadLink, deals: Sequence[Deal]
) -> tuple[str, tuple[Evidence, ...]]:
    """The thread's deal: its own while open, else the one open deal, else its own though closed, else none.

    Deals of the people themselves go before those of their companies. Several open ones are none, and the evidence
    names them.
    """
    own = next((d for d in deals if prior.deal and d.id == prior.deal and not d.deleted), None)
    if own and _open(own):
        return own.id, (Evidence("deal_of_thread", (("deal", own.id),)),)
    refs = {c.ref for c in customers}
    groups = {group_of(c) for c in customers}
    living = sorted((d for d in deals if _open(d)), key=lambda d: d.id)
    theirs = [d for d in living if refs.intersection(d.contacts)]
    rule = "only_open_deal" if theirs else "only_open_deal_of_company"
    theirs = theirs or [d for d in living if d.company in groups]
    if len(theirs) == 1:
        return theirs[0].id, (Evidence(rule, (("deal", theirs[0].id),)),)
    several = (Evidence("several_open_deals", (("deals", " ".join(d.id for d in theirs)),)),) if theirs else ()
    if own:
        return own.id, (*several, Evidence("closed_deal_of_thread", (("deal", own.id),)))
    return "", several or (Evidence("no_open_deal"),)
