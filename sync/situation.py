"""What a decision starts from: every mail of a thread matched and judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.base.model import (
    Capability,
    Customer,
    Deal,
    LogEmail,
    Participant,
    Pipeline,
    Place,
    RecordKind,
    RecordRef,
    WriteKind,
)
from mappings.match import match
from mappings.model import (
    Direction,
    Erased,
    Evidence,
    Facts,
    MailKind,
    MailMatch,
    Outcome,
    Reason,
    ThreadLink,
)
from mappings.rules import Logging, RuleSet, logging_of, skipped_addresses, skips_mail
from sync.keys import key
from sync.model import (
    ItemState,
    ItemView,
    NewSender,
    TargetView,
    ThreadMail,
    ThreadView,
    Verdict,
    VerdictState,
)

OPEN_STATES = (ItemState.READY, ItemState.PARKED)  # decided, and not on its way
SENT_STATES = (ItemState.SENDING, ItemState.UNKNOWN, ItemState.DONE)  # sent, or perhaps

_PLACES = {Place.JUNK: Reason.JUNK, Place.TRASH: Reason.TRASH, Place.DRAFT: Reason.DRAFT}
_KINDS = {
    MailKind.LIST: Reason.LIST_MAIL,
    MailKind.AUTOMATIC: Reason.AUTOMATIC_MAIL,
    MailKind.BOUNCE: Reason.BOUNCE_MAIL,
}
_ACTIVITY = (NewSender.WAIT, NewSender.TASK, NewSender.CREATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One thread at one target, judged. `mails` are in order; `matches` lacks those that were left out unmatched."""

    view: ThreadView
    rules: RuleSet
    now: datetime
    mails: tuple[ThreadMail, ...]
    matches: Mapping[str, MailMatch]
    verdicts: Mapping[str, Verdict]
    link: ThreadLink
    items: Mapping[str, ItemView]
    customers: Mapping[RecordRef, Customer]

    @property
    def target(self) -> TargetView:
        return self.view.target

    @property
    def deal(self) -> Deal | None:
        """The thread's deal as the mirror has it."""
        return next((d for d in self.view.directory.deals if self.link.deal and d.id == self.link.deal), None)

    def key(self, kind: WriteKind, identity: str, record: str = "", rule: str = "") -> str:
        return key(self.target.account_id, kind, identity, record, rule)

    def can(self, kind: WriteKind) -> bool:
        """Whether the target has such a write; a target that told nothing has all."""
        told = self.target.capabilities
        return not told or told.get(kind, Capability(exists=False)).exists

    def pipeline(self, deal: Deal) -> Pipeline | None:
        """The deal's pipeline; where the target has one only and the deal names none, that one."""
        held = self.target.pipelines
        named = next((p for p in held if p.id == deal.pipeline), None)
        return named or (held[0] if len(held) == 1 and not deal.pipeline else None)

    def logged(self, mail: ThreadMail) -> bool:
        return self.verdicts[mail.facts.identity].state is VerdictState.LOG

    def participants(self, mail: ThreadMail) -> tuple[Participant, ...]:
        found = self.matches.get(mail.facts.identity)
        return found.participants if found else ()

    def person(self, mail: ThreadMail) -> RecordRef | None:
        """The record a task about a mail hangs on: a contact or lead before a company."""
        refs = [p.ref for p in self.participants(mail)]
        return next((r for r in refs if r.kind is not RecordKind.COMPANY), refs[0] if refs else None)

    def new_sender(self, mail: ThreadMail) -> NewSender:
        """What the mailboxes that hold a mail say of a stranger; the most active word wins."""
        words = [p.new_sender for c in mail.copies if (p := self.view.policies.get(c.mailbox))]
        return max(words, key=_ACTIVITY.index, default=NewSender.TASK)


def assess(view: ThreadView, rules: RuleSet, now: datetime) -> Situation:
    """Match and judge every mail of a thread."""
    mails = tuple(sorted(view.mails, key=lambda m: (m.facts.sent_at, m.facts.identity)))
    logs = _logs(view.items)
    left_out = {m.facts.identity: _left_out(m, rules, logs.get(m.facts.identity, ())) for m in mails}
    kept = [m for m in mails if left_out[m.facts.identity] is None]
    ignored = {m.facts.identity: skipped_addresses(rules.rules, m.facts, m.copies) for m in kept}
    result = match([m.facts for m in kept], view.directory, view.link, own=rules.own, ignored=ignored)
    matches = {m.identity: m for m in result.mails}
    verdicts = {
        m.facts.identity: left_out[m.facts.identity]
        or _judge(m.facts, matches[m.facts.identity], rules, logs.get(m.facts.identity, ()))
        for m in mails
    }
    tables = (view.directory.by_address, view.directory.by_domain)
    rows = [row for table in tables for name in sorted(table) for row in table[name]]
    return Situation(
        view=view,
        rules=rules,
        now=now,
        mails=mails,
        matches=matches,
        verdicts=verdicts,
        link=result.link,
        items={i.key: i for i in view.items},
        customers={row.ref: row for row in (*view.directory.records, *rows)},
    )


def _logs(items: tuple[ItemView, ...]) -> dict[str, tuple[ItemView, ...]]:
    """The items that log each mail and still count."""
    found: dict[str, tuple[ItemView, ...]] = {}
    for item in items:
        if isinstance(item.write, LogEmail) and item.state is not ItemState.DROPPED:
            found[item.write.mail] = (*found.get(item.write.mail, ()), item)
    return found


def _left_out(mail: ThreadMail, rules: RuleSet, logs: tuple[ItemView, ...]) -> Verdict | None:
    """Why a mail is left out before anybody asks whose it is. What was sent already is left out for one reason only."""
    if mail.facts.erased is Erased.MAIL:
        return _excluded(mail.facts, Reason.ERASED, Evidence("erased"))
    if any(i.state in SENT_STATES for i in logs):
        return None
    facts = mail.facts
    if facts.direction is Direction.INTERNAL:
        return _excluded(facts, Reason.INTERNAL, Evidence("internal"))
    if number := skips_mail(rules.rules, facts, mail.copies):
        return _excluded(facts, Reason.RULE_SKIP, Evidence("rule_skip_mail", (("exclusion", str(number)),)))
    if logging_of(rules.rules, facts.kind) is Logging.NEVER:
        return _excluded(facts, _kind_reason(facts), _kind_evidence("kind_left_out", facts))
    places = {c.place for c in mail.copies}
    if not logs and places and all(p in _PLACES for p in places):
        place = min(places, key=list(_PLACES).index)
        return _excluded(facts, _PLACES[place], Evidence("place", (("place", place.value),)))
    return None


def _judge(facts: Facts, found: MailMatch, rules: RuleSet, logs: tuple[ItemView, ...]) -> Verdict:
    """What becomes of a mail now that it is known whose it is."""
    if logs:
        already = () if found.outcome is Outcome.MATCHED else (Evidence("logged_already"),)
        return _verdict(facts, VerdictState.LOG, None, found.evidence + already)
    if logging_of(rules.rules, facts.kind) is Logging.KNOWN and not _known(facts, found):
        evidence = (*found.evidence, _kind_evidence("kind_of_unknown", facts))
        return _verdict(facts, VerdictState.EXCLUDED, _kind_reason(facts), evidence)
    match found.outcome:
        case Outcome.MATCHED:
            return _verdict(facts, VerdictState.LOG, None, found.evidence)
        case Outcome.AMBIGUOUS:
            return _verdict(facts, VerdictState.WAITING, Reason.AMBIGUOUS_CUSTOMER, found.evidence)
        case Outcome.EXCLUDED:
            skipped = any(e.rule == "rule_skip_match" for e in found.evidence)
            reason = Reason.RULE_SKIP if skipped else Reason.NO_OUTSIDER
            return _verdict(facts, VerdictState.EXCLUDED, reason, found.evidence)
        case _:
            return _verdict(facts, VerdictState.WAITING, Reason.NO_CUSTOMER, found.evidence)


def _known(facts: Facts, found: MailMatch) -> bool:
    """Whether the sender's own address, or in mail of ours a recipient's, is in the CRM."""
    incoming = facts.direction is Direction.INCOMING
    senders = {p.ref for p in found.participants if not incoming or p.role == "from"}
    return bool(senders.intersection(found.exact))


def _kind_reason(facts: Facts) -> Reason:
    return _KINDS.get(facts.kind, Reason.RULE_SKIP)


def _kind_evidence(rule: str, facts: Facts) -> Evidence:
    return Evidence(rule, (("kind", facts.kind.value), ("told_by", facts.kind_evidence)))


def _excluded(facts: Facts, reason: Reason, evidence: Evidence) -> Verdict:
    return _verdict(facts, VerdictState.EXCLUDED, reason, (evidence,))


def _verdict(facts: Facts, state: VerdictState, reason: Reason | None, evidence: tuple[Evidence, ...]) -> Verdict:
    return Verdict(mail=facts.identity, state=state, reason=reason, evidence=evidence)
