"""Where a deal should stand after what its mails show: proposed or moved, forward only, never over a person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connectors.base.model import CreateTask, Deal, MoveDeal, Pipeline, Role, Stage, WriteKind
from mappings.fields import finding_words, stage_task
from mappings.model import Direction, Evidence, FindingKind, Reason
from mappings.reading.participants import is_ours
from mappings.reading.trust import UNPROVEN, poses_as_ours
from mappings.rules import Mode, Sign, StageRule, signs, stage_for
from sync.clocks import Outcome, close_task
from sync.model import Intent, ItemState, ItemView, ThreadMail
from sync.owners import owner_of
from sync.situation import OPEN_STATES, SENT_STATES, Situation

RULE = "stage:"  # and the stage's id: the rule of every item of this module


@dataclass(frozen=True, slots=True)
class _Proof:
    """A mail that shows that a deal has come as far as a stage."""

    mail: ThreadMail
    stage: Stage
    rule: StageRule
    sign: Sign
    findings: tuple[FindingKind, ...]


def stage_moves(situation: Situation) -> Outcome:
    """What the farthest proofs ask for, and the end of what is reached or overtaken.

    A proposal may be declined, so it does not keep the deal from the stage that another rule moves it to.
    """
    deal = situation.deal
    pipeline = situation.pipeline(deal) if deal else None
    if deal is None or pipeline is None or deal.deleted:
        return Outcome()
    here = _stands_at(situation, deal, pipeline)
    forward = [] if here is None or deal.closed or here.closed else _forward(situation, pipeline, here)
    sure = (p for p in forward if p.rule.mode is Mode.APPLY and _is_certain(situation, p.mail))
    best, applied = _farthest(forward), _farthest(sure)
    over = dict(_ended_moves(situation, deal, pipeline, here, applied))
    move = _move(situation, deal, here, applied, over) if applied and here else None
    if move:
        unsent = (i.key for i in _moves(situation, deal) if i.state in OPEN_STATES)
        over |= {key: Reason.OVERTAKEN for key in unsent if key not in over}
    farther = best if best and (applied is None or best.stage.order > applied.stage.order) else None
    proposal = _proposal(situation, deal, here, farther) if farther and here else None
    ended = [*over.items(), *_ended_proposals(situation, deal, pipeline, best)]
    return Outcome(
        tuple([i for i in (move, proposal) if i] + [e for e in ended if isinstance(e, Intent)]),
        tuple(e for e in ended if not isinstance(e, Intent)),
    )


def _stands_at(situation: Situation, deal: Deal, pipeline: Pipeline) -> Stage | None:
    """The deal's stage: the mirror's, or where a move of ours that the mirror cannot know yet has brought it."""
    at = deal.stage
    for item in _moves(situation, deal):
        if isinstance(item.write, MoveDeal) and item.write.expect_stage == at and _unseen(situation, item):
            at = item.write.to_stage
    return _stage(pipeline, at)


def _unseen(situation: Situation, item: ItemView) -> bool:
    """Whether a move was sent, or perhaps, and the mirror is older than it."""
    if item.state is not ItemState.DONE:
        return item.state in SENT_STATES
    as_of = situation.view.directory.as_of
    return item.ended_at is not None and as_of is not None and item.ended_at >= as_of


def _stage(pipeline: Pipeline, ident: str) -> Stage | None:
    return next((s for s in pipeline.stages if s.id == ident), None)


def _moves(situation: Situation, deal: Deal) -> list[ItemView]:
    return [i for i in situation.items.values() if isinstance(i.write, MoveDeal) and i.write.deal == deal.id]


def _proposals(situation: Situation, deal: Deal) -> list[ItemView]:
    held = situation.items.values()
    return [i for i in held if isinstance(i.write, CreateTask) and i.write.deal == deal.id and i.rule.startswith(RULE)]


# -------------------------------------------------------------------------------------------------------------- proofs


def _forward(situation: Situation, pipeline: Pipeline, here: Stage) -> list[_Proof]:
    """The proofs of stages that lie before the deal."""
    return [p for p in _proofs(situation, pipeline) if p.stage.order > here.order]


def _farthest(proofs: Iterable[_Proof]) -> _Proof | None:
    """The proof of the farthest stage; of several, the last mail's."""
    return max(proofs, key=lambda p: (p.stage.order, p.mail.facts.sent_at, p.mail.facts.identity), default=None)


def _proofs(situation: Situation, pipeline: Pipeline) -> Iterator[_Proof]:
    for mail in situation.mails:
        if not mail.live or not situation.logged(mail) or poses_as_ours(mail.facts):
            continue
        for sign, findings in signs(mail.facts):
            for rule in situation.rules.rules.stages:
                if rule.when is sign and (stage := stage_for(rule, situation.target.name, pipeline)):
                    yield _Proof(mail, stage, rule, sign, findings)


def _is_certain(situation: Situation, mail: ThreadMail) -> bool:
    """Whether the mail is ours or comes from the customer's own address, so that it may move his deal by itself.

    Anybody can name him in Cc or Reply-To, and who has seen a Message-ID can join its thread: such mail only proposes.
    """
    facts, found = mail.facts, situation.matches.get(mail.facts.identity)
    if facts.direction is Direction.OUTGOING:
        return True
    several = sum(e.role is Role.FROM for e in facts.externals) > 1  # nobody can tell which of them a server looked at
    if found is None or found.inherited or several or UNPROVEN in facts.defects:
        return False
    through_us = is_ours(facts.from_.email, situation.rules.own)  # a group of ours that puts itself into From
    sender = facts.author.email if through_us else facts.from_.email
    return any(p.role is Role.FROM and p.address == sender for p in found.participants)


# ------------------------------------------------------------------------------------------------------------- intents


def _move(situation: Situation, deal: Deal, here: Stage, proof: _Proof, over: Mapping[str, Reason]) -> Intent | None:
    identity = proof.mail.facts.identity
    key = situation.key(WriteKind.MOVE_DEAL, identity, deal.id, f"{RULE}{proof.stage.id}")
    on_its_way = any(
        i.state in (ItemState.READY, ItemState.SENDING, ItemState.UNKNOWN) and _to(i) == proof.stage.id
        for i in _moves(situation, deal)
        if i.key not in over
    )
    if key in situation.items or on_its_way or not situation.can(WriteKind.MOVE_DEAL):
        return None
    write = MoveDeal(key=key, deal=deal.id, pipeline=deal.pipeline, expect_stage=here.id, to_stage=proof.stage.id)
    return Intent(
        write=write,
        rule=f"{RULE}{proof.stage.id}",
        mail=identity,
        order_key=f"deal:{deal.id}",
        evidence=_evidence(situation, here, proof),
    )


def _proposal(situation: Situation, deal: Deal, here: Stage, proof: _Proof) -> Intent | None:
    """One proposal for a deal and stage: more mails of the same kind do not ask again."""
    rule = f"{RULE}{proof.stage.id}"
    mail, calendar, language = proof.mail, situation.rules.calendar, situation.target.language
    key = situation.key(WriteKind.CREATE_TASK, mail.facts.identity, deal.id, rule)
    asked = any(i.rule == rule and i.state is not ItemState.DROPPED for i in _proposals(situation, deal))
    if asked or key in situation.items or not situation.can(WriteKind.CREATE_TASK):
        return None
    due = calendar.next_working(mail.facts.sent_at)
    text = stage_task(
        language,
        deal=deal.name or deal.id,
        now=here.label or here.id,
        stage=proof.stage.label or proof.stage.id,
        sign=proof.sign.value,
        words=finding_words(mail.facts.findings, proof.findings, language),
        subject=mail.facts.subject,
        sent=calendar.local(mail.facts.sent_at),
    )
    owner, why = owner_of(situation, mail)
    write = CreateTask(
        key=key,
        title=text.title,
        text=text.text,
        due_at=due,
        due_on=calendar.day(due),
        record=situation.person(mail),
        deal=deal.id,
        owner=owner,
    )
    evidence = (*_evidence(situation, here, proof), why)
    return Intent(write=write, rule=rule, mail=mail.facts.identity, order_key=f"task:{key}", evidence=evidence)


def _evidence(situation: Situation, here: Stage, proof: _Proof) -> tuple[Evidence, ...]:
    said = [f for f in proof.mail.facts.findings if f.kind in proof.findings]
    details = [
        ("sign", proof.sign.value),
        ("mail", proof.mail.facts.identity),
        ("from", here.label or here.id),
        ("to", proof.stage.label or proof.stage.id),
    ]
    details += [(f.where, f.word) for f in said]
    return Evidence("stage", tuple(details)), *situation.link.deal_evidence


# -------------------------------------------------------------------------------------------------------- what is over


def _ended_moves(
    situation: Situation, deal: Deal, pipeline: Pipeline, here: Stage | None, best: _Proof | None
) -> Iterator[tuple[str, Reason]]:
    """Unsent moves that must not be sent any more: a person or a later proof has overtaken them."""
    at = _stage(pipeline, deal.stage)
    for item in _moves(situation, deal):
        to = _stage(pipeline, _to(item))
        if item.state not in OPEN_STATES or not isinstance(item.write, MoveDeal):
            continue
        if deal.closed or to is None or at is None or at.order >= to.order:
            yield item.key, Reason.STAGE_NOT_FORWARD
        elif here and item.write.expect_stage != here.id:
            yield item.key, Reason.PERSON_MOVED_DEAL
        elif best and best.stage.order > to.order:
            yield item.key, Reason.OVERTAKEN


def _ended_proposals(
    situation: Situation, deal: Deal, pipeline: Pipeline, best: _Proof | None
) -> Iterator[Intent | tuple[str, Reason]]:
    """Proposals whose stage is reached, or that a later proof has overtaken."""
    at = _stage(pipeline, deal.stage)
    for item in _proposals(situation, deal):
        asked = _stage(pipeline, item.rule.removeprefix(RULE))
        reached = deal.closed or (asked and at and at.order >= asked.order)
        farther = asked and best and best.stage.order > asked.order
        why = "stage_reached" if reached else "overtaken_stage"
        if (reached or farther) and (done := close_task(situation, item.key, why, None)):
            yield done


def _to(item: ItemView) -> str:
    return item.write.to_stage if isinstance(item.write, MoveDeal) else ""
