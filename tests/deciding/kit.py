"""Short ways to say what a mail, a customer and a thread are; and what it means that a decision was carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import yaml

from connectors.base.model import (
    Address,
    Attachment,
    Capability,
    Customer,
    Deal,
    Pipeline,
    Place,
    RecordKind,
    RecordRef,
    Role,
    Stage,
    User,
    Write,
    WriteKind,
)
from mappings.calendar import Calendar
from mappings.domains import index_hosts
from mappings.model import (
    CopyFacts,
    Direction,
    Directory,
    External,
    Facts,
    FindingKind,
    MailKind,
    Own,
    Reason,
    TextFinding,
    ThreadLink,
)
from mappings.rules import Rules, RuleSet, overlay
from sync.model import (
    Decision,
    Intent,
    ItemState,
    ItemView,
    MailboxPolicy,
    NewSender,
    TargetView,
    ThreadMail,
    ThreadView,
    Verdict,
)

OWN = Own(frozenset({"owner.private@gmail.com"}), frozenset({"ours.example"}))
ANN = "ann@ours.example"
BEN = "ben@ours.example"
MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a working day, an hour before work begins

STAGES = (
    Stage("q", "Qualification", 1),
    Stage("n", "Needs Analysis", 2),
    Stage("p", "Proposal/Price Quote", 3),
    Stage("r", "Negotiation/Review", 4),
    Stage("w", "Closed Won", 5, closed=True, won=True),
    Stage("l", "Closed Lost", 6, closed=True),
)
PIPELINE = Pipeline("main", "Sales", STAGES)


def at(hours: float = 0.0, days: float = 0.0) -> datetime:
    """A moment after that Monday morning."""
    return MONDAY + timedelta(hours=hours, days=days)


def shipped() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(files("mappings").joinpath("defaults", "rules.yaml").read_text("utf-8"))
    return loaded


def rules(calendar: Calendar | None = None, own: Own = OWN, **changes: Any) -> RuleSet:
    """The shipped rules with changes."""
    checked = Rules.model_validate(overlay(shipped(), changes))
    return RuleSet(rules=checked, calendar=calendar or Calendar(), own=own)


# ------------------------------------------------------------------------------------------------------------------ CRM


def ref(word: str) -> RecordRef:
    """``contact:1`` and so on."""
    kind, _, ident = word.partition(":")
    return RecordRef(RecordKind(kind), ident)


def record(word: str, /, *emails: str, company: str = "", domains: Sequence[str] = (), **more: Any) -> Customer:
    return Customer(
        ref=ref(word),
        name=more.pop("name", word),
        emails=emails,
        domains=tuple(domains),
        company=ref(company) if company else None,
        **more,
    )


def deal(ident: str, *contacts: str, company: str = "", stage: str = "q", **more: Any) -> Deal:
    held = next(s for s in STAGES if s.id == stage)
    more.setdefault("closed", held.closed)
    return Deal(
        id=ident,
        name=more.pop("name", f"Deal {ident}"),
        pipeline="main",
        stage=stage,
        contacts=tuple(ref(c) for c in contacts),
        company=ref(company) if company else None,
        **more,
    )


def directory(*rows: Customer, deals: Sequence[Deal] = (), users: Sequence[User] = (), **more: Any) -> Directory:
    """A mirror that holds these rows, asked for everything."""
    by_address: dict[str, tuple[Customer, ...]] = {}
    by_domain: dict[str, tuple[Customer, ...]] = {}
    for row in rows:
        for email in row.emails:
            by_address[email] = (*by_address.get(email, ()), row)
        for host in {h for d in row.domains for h in index_hosts(d)}:
            by_domain[host] = (*by_domain.get(host, ()), row)
    return Directory(by_address=by_address, by_domain=by_domain, deals=tuple(deals), users=tuple(users), **more)


# ----------------------------------------------------------------------------------------------------------------- mail


def finding(kind: str, where: str = "attachment", word: str = "") -> TextFinding:
    return TextFinding(FindingKind(kind), where, word or kind)


def facts(
    ident: str,
    *,
    sender: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    when: datetime = MONDAY,
    answers: Sequence[str] = (),
    kind: MailKind = MailKind.HUMAN,
    subject: str = "Valves",
    findings: Sequence[TextFinding] = (),
    reply_to: str = "",
    name: str = "",
    attachments: Sequence[Attachment] = (),
) -> Facts:
    """A mail whose Message-ID is ``<ident>@mail``. Direction and outsiders follow from who is ours."""

    def ours(email: str) -> bool:
        return email.rpartition("@")[2] in OWN.domains or email in OWN.addresses

    author = reply_to or sender
    people = [(author, Role.FROM), *((t, Role.TO) for t in to), *((c, Role.CC) for c in cc)]
    externals = tuple(External(Address(e, name if r is Role.FROM else ""), r) for e, r in people if not ours(e))
    incoming = not ours(sender)
    return Facts(
        identity=ident,
        reader=1,
        sent_at=when,
        direction=Direction.INCOMING if incoming else Direction.OUTGOING if externals else Direction.INTERNAL,
        kind=kind,
        subject=subject,
        message_id=f"{ident}@mail",
        references=tuple(f"{a}@mail" for a in answers),
        from_=Address(sender, name),
        reply_to=(Address(reply_to),) if reply_to else (),
        to=tuple(Address(t) for t in to),
        cc=tuple(Address(c) for c in cc),
        author=Address(author, name),
        externals=externals,
        findings=tuple(findings),
        attachments=tuple(attachments),
        kind_evidence="test",
    )


def copy(mailbox: str = ANN, place: Place = Place.INBOX, *labels: str) -> CopyFacts:
    return CopyFacts(mailbox, place, labels)


def mail(ident: str, *, live: bool = True, copies: Sequence[CopyFacts] | None = None, **more: Any) -> ThreadMail:
    more.setdefault("to", (ANN,) if not more["sender"].endswith("ours.example") else ())
    return ThreadMail(facts=facts(ident, **more), copies=tuple(copies or (copy(),)), live=live)


# --------------------------------------------------------------------------------------------------------------- threads

SPANS = {kind: Capability(spans_records=True) for kind in WriteKind}


def target(**more: Any) -> TargetView:
    defaults: dict[str, Any] = {"account_id": "org1", "pipelines": (PIPELINE,), "capabilities": SPANS}
    return TargetView(**{**defaults, **more})


def thread(
    *mails: ThreadMail,
    crm: Directory | None = None,
    link: ThreadLink | None = None,
    items: Sequence[ItemView] = (),
    new_sender: NewSender = NewSender.WAIT,
    **more: Any,
) -> ThreadView:
    policies = {a: MailboxPolicy(mailbox=a, address=a, new_sender=new_sender) for a in (ANN, BEN)}
    return ThreadView(
        thread="7",
        mails=tuple(mails),
        link=link or ThreadLink(),
        items=tuple(items),
        directory=crm or Directory(),
        target=more.pop("target", target()),
        policies=more.pop("policies", policies),
    )


def item(intent: Intent, state: ItemState = ItemState.READY, **more: Any) -> ItemView:
    return ItemView(key=intent.write.key, state=state, write=intent.write, rule=intent.rule, mail=intent.mail, **more)


def carried_out(view: ThreadView, decision: Decision, state: ItemState = ItemState.READY) -> ThreadView:
    """The view after transaction 2: the link, the new items in a state, the drops."""
    dropped = {key for key, _ in decision.drops}
    new = {i.write.key: item(i, state) for i in decision.intents}
    kept = [replace(i, state=ItemState.DROPPED) if i.key in dropped else i for i in view.items if i.key not in new]
    return replace(view, link=decision.link, items=(*kept, *new.values()))


def of_kind(decision: Decision, kind: WriteKind) -> list[Any]:
    """The writes of one kind, in order."""
    return [i.write for i in decision.intents if i.write.kind is kind]


def only(decision: Decision, kind: WriteKind) -> Any:
    (write,) = of_kind(decision, kind)
    return write


def why(decision: Decision, write: Write) -> set[str]:
    return {e.rule for i in decision.intents if i.write == write for e in i.evidence}


def verdict(decision: Decision, ident: str) -> Verdict:
    return next(v for v in decision.verdicts if v.mail == ident)


def fate(decision: Decision, ident: str) -> tuple[str, Reason | None]:
    found = verdict(decision, ident)
    return found.state.value, found.reason
