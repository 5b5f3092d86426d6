"""A small, even choice of the points that `make sweep` visits; all of them take hours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.sweep.run import BROKEN, WEAKEST, broken, crashes, faults, pairs, quick
from tests.sweep.scenario import Plan, live
from tradepost.sandbox.salesforce.host import SalesforceHost

SOME = [plan for plan in pairs() if (plan.source == "gmail") == (plan.target != "hubspot")]  # every mode once


@pytest.fixture(scope="module", params=SOME, ids=lambda p: f"{p.source}-{p.target}-{p.mode}")
def whole(request, tmp_path_factory):
    return request.param, live(tmp_path_factory.mktemp("whole"), request.param)


def test_an_undisturbed_run_logs_each_mail_once_and_moves_the_deal(whole):
    _, outcome = whole
    assert outcome.mails == {f"{n}@sweep.example": 1 for n in (0, 1, 2, 10, 11)}
    assert (outcome.moves, outcome.missing, outcome.parked, outcome.stuck) == (1, 0, (), "")


def test_no_crash_and_no_fault_loses_or_doubles_anything(whole, tmp_path_factory):
    pair, outcome = whole
    for plan in [*quick(crashes(pair, outcome), 1), *quick(faults(pair, outcome), 1)]:
        found = live(tmp_path_factory.mktemp("run"), plan)
        assert found.in_gap(outcome) or (found.against(outcome), found.stuck) == ((0, 0), ""), str(plan)


def test_the_quotation_moves_the_deal_to_the_stage_of_the_rule(tmp_path):
    assert live(tmp_path, Plan()).stage == SalesforceHost.stages.quoted


@pytest.fixture(scope="module")
def weakest(tmp_path_factory):
    return live(tmp_path_factory.mktemp("whole"), WEAKEST)


@pytest.mark.parametrize("name", BROKEN)
def test_an_engine_with_a_part_taken_out_is_found_out(name, weakest, tmp_path_factory):
    outcome = weakest
    for plan in _likely(name, outcome):
        found = live(tmp_path_factory.mktemp("run"), plan)
        if found.against(outcome) != (0, 0) or found.mended:  # the second look mends what the first care missed
            return
    pytest.fail(f"{name}: no run went wrong")


def _likely(name, outcome):
    """Points near the first write of a mail, where a missing part shows soon."""
    plans = broken(name, WEAKEST, outcome)
    if plans[0].crash_at:
        first = _after(outcome.labels, "sending", "request.sent")
        if name == "cursor in another transaction":
            first = _after(outcome.labels, "sending", "keep:commit")
        return sorted(plans, key=lambda p: abs(p.crash_at - first))[:12]
    effect = "late_commit" if "settling" in name else "lost_reply"
    writes = [n for n, (_, kind) in enumerate(outcome.operations, start=1) if kind == "write"]
    return [replace(WEAKEST, effect=effect, call=n, broken=name) for n in writes[:8]]


def _after(labels, start, label):
    """The first step of that label after one whose label begins with `start`, counted from 1."""
    begin = next(n for n, name in enumerate(labels) if name.startswith(start))
    return labels.index(label, begin) + 1
