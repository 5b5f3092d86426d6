"""Where a deal should stand: proposed or moved, forward only, never over a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.model import Capability, WriteKind
from mappings.model import MailKind, Reason
from sync.decide import decide
from sync.model import ItemState
from tests.deciding.kit import (
    ANN,
    SPANS,
    STAGES,
    at,
    carried_out,
    deal,
    directory,
    finding,
    mail,
    of_kind,
    only,
    record,
    rules,
    target,
    thread,
    why,
)

BOB = record("contact:bob", "bob@acme.com")
MOVE, TASK, DONE = WriteKind.MOVE_DEAL, WriteKind.CREATE_TASK, WriteKind.COMPLETE_TASK


def staged(mode="apply", **changes):
    stages = [
        {"when": "quotation_sent", "to": "Proposal/Price Quote", "mode": mode},
        {"when": "order_received", "to": "Closed Won", "mode": mode},
    ]
    changes.setdefault("stages", stages)
    return rules(first_response={"enabled": False}, silence={"enabled": False}, **changes)


APPLY, PROPOSE = staged(), staged("propose")


def crm(stage="q", **more):
    return directory(BOB, deals=[deal("d1", "contact:bob", stage=stage, name="Valves 2026")], **more)


def quote(ident="q1", hours=1.0, **more):
    more.setdefault("findings", [finding("quotation", word="quotation")])
    return mail(ident, sender=ANN, to=["bob@acme.com"], when=at(hours), **more)


def order(ident="o1", hours=2.0, **more):
    more.setdefault("findings", [finding("order", word="PO")])
    return mail(ident, sender="bob@acme.com", when=at(hours), **more)


def view_of(*mails, stage="q", **more):
    return thread(*mails, crm=more.pop("crm", crm(stage)), **more)


def moved(view, rule_set=APPLY):
    return [(m.expect_stage, m.to_stage) for m in of_kind(decide(view, rule_set, at(9)), MOVE)]


# -------------------------------------------------------------------------------------------------------------- forward


@pytest.mark.parametrize(
    ("mails", "stage", "moves"),
    [
        ((quote(),), "q", [("q", "p")]),
        ((quote(),), "n", [("n", "p")]),
        ((quote(),), "p", []),
        ((quote(),), "r", []),
        ((quote(),), "w", []),
        ((quote(),), "l", []),
        ((order(),), "q", [("q", "w")]),
        ((quote(), order()), "q", [("q", "w")]),
        ((order(hours=1), quote(hours=2)), "q", [("q", "w")]),
        ((quote(live=False),), "q", []),
        ((quote(findings=[finding("enquiry")]),), "q", []),
        ((quote(kind=MailKind.AUTO_REPLY),), "q", []),
        ((quote(findings=[finding("proforma")]),), "q", [("q", "p")]),
    ],
)
def test_a_deal_is_moved_forward_to_the_farthest_stage_that_live_mail_shows(mails, stage, moves):
    assert moved(view_of(*mails, stage=stage)) == moves


def test_a_move_names_its_mail_and_findings_and_waits_its_turn_at_the_deal():
    decision = decide(view_of(quote()), APPLY, at(9))
    move = only(decision, MOVE)
    (intent,) = [i for i in decision.intents if i.write == move]
    assert (move.deal, move.pipeline) == ("d1", "main")
    assert (intent.order_key, intent.mail, intent.rule) == ("deal:d1", "q1", "stage:p")
    details = dict(intent.evidence[0].details)
    assert (details["sign"], details["mail"], details["attachment"]) == ("quotation_sent", "q1", "quotation")
    assert "only_open_deal" in why(decision, move)


def test_without_one_deal_a_known_pipeline_or_the_stage_nothing_moves():
    two = directory(BOB, deals=[deal("d1", "contact:bob"), deal("d2", "contact:bob")])
    assert moved(view_of(quote(), crm=two)) == []
    assert moved(view_of(quote(), target=target(pipelines=()))) == []
    assert moved(view_of(quote()), staged(stages=[{"when": "quotation_sent", "to": "Nowhere", "mode": "apply"}])) == []
    strange = directory(BOB, deals=[replace(deal("d1", "contact:bob"), stage="gone")])
    assert moved(view_of(quote(), crm=strange)) == []
    unable = target(capabilities={**SPANS, MOVE: Capability(exists=False)})
    assert moved(view_of(quote(), target=unable)) == []


def test_a_closed_deal_or_stage_is_left_alone_even_for_a_stage_behind_it():
    beyond = staged(stages=[{"when": "quotation_sent", "to": "Closed Lost", "mode": "apply"}])
    assert moved(view_of(quote(), stage="r"), beyond) == [("r", "l")]
    assert moved(view_of(quote(), stage="w"), beyond) == []
    for known in ({"stage": "w", "closed": False}, {"stage": "q", "closed": True}):
        held = directory(BOB, deals=[deal("d1", "contact:bob", **known)])
        view = view_of(quote(), crm=held)
        assert moved(replace(view, link=replace(view.link, deal="d1")), beyond) == []


def test_excluded_mail_proves_nothing():
    assert moved(view_of(quote()), staged(exclusions=[{"skip": "mail", "address": ["bob@*"]}])) == []


# ------------------------------------------------------------------------------------------------- moves after each other


def after(view, state, **more):
    decision = decide(view, APPLY, at(9))
    return carried_out(view, decision, state), only(decision, MOVE).key


@pytest.mark.parametrize("state", [ItemState.READY, ItemState.PARKED])
def test_a_later_farther_move_overtakes_an_unsent_one(state):
    view, key = after(view_of(quote()), state)
    decision = decide(replace(view, mails=(quote(), order())), APPLY, at(9))
    assert decision.drops == ((key, Reason.OVERTAKEN),)
    assert [(m.expect_stage, m.to_stage) for m in of_kind(decision, MOVE)] == [("q", "w")]


@pytest.mark.parametrize("state", [ItemState.SENDING, ItemState.UNKNOWN])
def test_a_later_move_expects_what_a_move_on_its_way_will_bring(state):
    view, _ = after(view_of(quote()), state)
    view = replace(view, mails=(quote(), order()))
    assert moved(view) == [("p", "w")]
    assert decide(view, APPLY, at(9)).drops == ()


def test_a_move_that_the_mirror_has_not_seen_yet_counts_and_one_it_has_seen_does_not():
    view, _ = after(view_of(quote()), ItemState.DONE)
    (done,) = [replace(i, ended_at=at(5)) for i in view.items if i.write.kind is MOVE]
    view = replace(view, mails=(quote(), order()), items=(done,))
    assert moved(replace(view, directory=crm("q", as_of=at(4)))) == [("p", "w")]
    assert moved(replace(view, directory=crm("q", as_of=at(6)))) == [("q", "w")]  # a person moved it back


def test_a_parked_move_is_dropped_for_a_new_mail_that_shows_the_same_and_a_ready_one_stays():
    for state, moves in ((ItemState.PARKED, [("q", "p")]), (ItemState.READY, [])):
        view, key = after(view_of(quote()), state)
        decision = decide(replace(view, mails=(quote(), quote("q2", 3))), APPLY, at(9))
        assert [(m.expect_stage, m.to_stage) for m in of_kind(decision, MOVE)] == moves
        assert [k for k, _ in decision.drops] == ([key] if moves else [])


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        ("n", Reason.PERSON_MOVED_DEAL),
        ("p", Reason.STAGE_NOT_FORWARD),
        ("r", Reason.STAGE_NOT_FORWARD),
        ("w", Reason.STAGE_NOT_FORWARD),
    ],
)
def test_a_persons_move_before_ours_was_sent_wins(stage, reason):
    view, key = after(view_of(quote()), ItemState.READY)
    decision = decide(replace(view, directory=crm(stage)), APPLY, at(9))
    assert decision.drops == ((key, reason),)
    assert of_kind(decision, MOVE) == []


def test_new_mail_moves_on_from_where_a_person_put_the_deal_and_is_decided_in_one_go():
    view, key = after(view_of(quote()), ItemState.READY)
    view = replace(view, mails=(quote(), quote("q2", 3)), directory=crm("n"))
    decision = decide(view, APPLY, at(9))
    assert decision.drops == ((key, Reason.PERSON_MOVED_DEAL),)
    assert [(m.expect_stage, m.to_stage) for m in of_kind(decision, MOVE)] == [("n", "p")]
    assert decide(carried_out(view, decision), APPLY, at(9)).intents == ()


@pytest.mark.parametrize("state", [ItemState.DONE, ItemState.DROPPED])
def test_what_a_person_moved_back_is_not_moved_again_by_the_same_mail(state):
    view, _ = after(view_of(quote()), state)
    assert moved(view) == []
    assert moved(replace(view, mails=(quote(), quote("q2", 3)))) == [("q", "p")]


# ------------------------------------------------------------------------------------------------------------- proposals


def test_a_proposal_is_a_task_that_shows_the_evidence():
    decision = decide(view_of(quote(subject="Offer 12"), target=target(language="zh")), PROPOSE, at(9))
    task = only(decision, TASK)
    assert of_kind(decision, MOVE) == []
    assert task.title == "是否将商机“Valves 2026”推进到“Proposal/Price Quote”？"
    assert "附件名中的报价（“quotation”）" in task.text
    assert "Offer 12" in task.text
    assert (task.deal, task.record) == ("d1", BOB.ref)


def test_further_mail_of_the_same_kind_does_not_ask_again():
    view = view_of(quote())
    view = carried_out(view, decide(view, PROPOSE, at(9)), ItemState.DONE)
    assert of_kind(decide(replace(view, mails=(quote(), quote("q2", 3))), PROPOSE, at(9)), TASK) == []


@pytest.mark.parametrize("stage", ["p", "r", "w", "l"])
def test_a_proposal_ends_when_the_deal_is_there_or_closed(stage):
    start = view_of(quote())
    first = decide(start, PROPOSE, at(9))
    sent = decide(replace(carried_out(start, first, ItemState.DONE), directory=crm(stage)), PROPOSE, at(9))
    assert only(sent, DONE).task_key == only(first, TASK).key
    unsent = decide(replace(carried_out(start, first), directory=crm(stage)), PROPOSE, at(9))
    assert unsent.drops == ((only(first, TASK).key, Reason.OVERTAKEN),)


def test_a_farther_proposal_ends_the_nearer_one():
    start = view_of(quote())
    first = decide(start, PROPOSE, at(9))
    later = decide(replace(carried_out(start, first, ItemState.DONE), mails=(quote(), order())), PROPOSE, at(9))
    assert "Closed Won" in only(later, TASK).title
    assert only(later, DONE).task_key == only(first, TASK).key


MIXED = staged(
    stages=[
        {"when": "quotation_sent", "to": "Proposal/Price Quote", "mode": "apply"},
        {"when": "order_received", "to": "Closed Won", "mode": "propose"},
    ]
)


def test_a_proposal_does_not_keep_a_deal_from_the_stage_that_another_rule_moves_it_to():
    together = decide(view_of(quote(), order()), MIXED, at(9))
    assert [m.to_stage for m in of_kind(together, MOVE)] == ["p"]
    assert "Closed Won" in only(together, TASK).title


@pytest.mark.parametrize("state", [ItemState.READY, ItemState.PARKED])
def test_a_move_that_waits_is_not_overtaken_by_a_mere_proposal(state):
    start = view_of(quote())
    waiting = carried_out(start, decide(start, MIXED, at(9)), state)
    later = decide(replace(waiting, mails=(quote(), order())), MIXED, at(9))
    assert later.drops == ()
    assert "Closed Won" in only(later, TASK).title


def test_no_proposal_is_made_for_a_stage_that_another_rule_moves_to_anyway():
    both = [
        {"when": w, "to": "Closed Won", "mode": m}
        for w, m in (("quotation_sent", "apply"), ("order_received", "propose"))
    ]
    decision = decide(view_of(quote(), order()), staged(stages=both), at(9))
    assert [m.to_stage for m in of_kind(decision, MOVE)] == ["w"]
    assert of_kind(decision, TASK) == []


def test_the_shipped_rules_only_propose():
    decision = decide(view_of(quote(), order()), rules(), at(9))
    assert of_kind(decision, MOVE) == []
    assert any("Closed Won" in t.title for t in of_kind(decision, TASK))


# ------------------------------------------------------------------------------------------------------------- property

ORDER = {s.id: s.order for s in STAGES}
MAILS = st.lists(st.tuples(st.sampled_from(["quote", "order"]), st.integers(1, 90), st.booleans()), max_size=5)
PERSON = st.one_of(st.none(), st.sampled_from([s.id for s in STAGES]))


@settings(max_examples=150, deadline=None)
@given(
    MAILS,
    st.lists(st.tuples(PERSON, st.sampled_from(list(ItemState))), min_size=1, max_size=5),
    st.sampled_from("qnpr"),
)
def test_no_run_of_mails_and_people_ever_yields_a_move_backwards_or_out_of_a_closed_stage(mails, rounds, stage):
    made = [
        (quote if kind == "quote" else order)(f"m{n}", hours, live=live) for n, (kind, hours, live) in enumerate(mails)
    ]
    view = view_of(stage=stage)
    for number, (person, state) in enumerate(rounds):
        stage = person or stage
        view = replace(view, mails=tuple(made[: number + 2]), directory=crm(stage, as_of=at(100)))
        decision = decide(view, APPLY, at(100))
        for move in of_kind(decision, MOVE):
            assert ORDER[move.to_stage] > ORDER[move.expect_stage]
            assert stage not in ("w", "l")
            assert any(m.live for m in view.mails)
        view = carried_out(view, decision, state)
        assert of_kind(decide(view, APPLY, at(100)), MOVE) == []
