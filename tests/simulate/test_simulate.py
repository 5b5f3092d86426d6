"""A handful of small weeks, the same twice, and proof that the simulation can fail; `make simulate` runs many."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace

import pytest

from tests.simulate.case import Case, Found, run_case, run_seed, shrink, story
from tests.simulate.judge import Verdict, Wrong, _overwritten, judge
from tests.simulate.looks import Ending
from tests.simulate.ruin import EFFECTS, RUINS, Ruin, Seen, draw, kind_of
from tests.simulate.script import ACTS, MAILS, SMALL, Fate, fates, write_script
from tests.sweep.run import BROKEN, pairs
from tradepost.sandbox.company import CRMS, MAIL

WEAKEST = 1  # a seed of a pair whose target has no unique keys: only the engine's own care protects
# What shows that a part is missing: a crash at a step, again and again, or a fault at the calls that write.
SHOWS = {
    "no row before the call": "settle:commit",
    "no wait for settling": "late_commit",
    "no look-up": "lost_reply",
    "cursor in another transaction": "keep:commit",
    "lower synchronous": "settle:committed",
}
ENOUGH = 120  # seeds that together show every kind of act and trouble

everything = os.environ.get("TRADEPOST_SIMULATE") == "all"
long_proof = pytest.mark.skipif(not everything, reason="takes a minute; TRADEPOST_SIMULATE=all runs it")


def aimed(name):
    """Ruin at every third place where the missing part would have been needed."""

    def draw(seen):
        what = SHOWS[name]
        if what in EFFECTS:
            return tuple(Ruin(what=what, at=at, nth=n) for at in sorted(seen.writes) for n in range(1, 30, 3))
        return tuple(Ruin(what="crash", at=what, nth=n) for n in range(2, 14, 3))

    return draw


def told(found: Found) -> str:
    return story(found) if found.bad else ""


def test_a_small_ruined_week_keeps_every_promise():
    found = run_seed(12, SMALL)
    assert told(found) == ""
    assert found.struck
    assert found.writes > 10


@long_proof
def test_a_ruined_week_is_the_same_again():
    assert run_seed(12, SMALL) == run_seed(12, SMALL)


def test_a_script_is_its_seeds_and_no_others():
    first, again = write_script(7), write_script(7)
    assert first == again
    assert first != write_script(8)
    assert set(fates(first).values()) == set(Fate)


@pytest.mark.parametrize("name", [n if n == "no look-up" else pytest.param(n, marks=long_proof) for n in BROKEN])
def test_an_engine_with_a_part_taken_out_is_found_out(name):
    broken = run_case(Case(script=write_script(WEAKEST, SMALL), ruin=(), broken=name), aimed(name))
    assert broken.struck
    assert broken.bad


@long_proof
@pytest.mark.parametrize("name", BROKEN)
def test_the_whole_engine_survives_what_finds_the_broken_one_out(name):
    assert told(run_case(Case(script=write_script(WEAKEST, SMALL), ruin=()), aimed(name))) == ""


@long_proof
@pytest.mark.parametrize("seed", range(len(pairs())))
def test_a_small_week_of_every_pair_and_mode_keeps_every_promise(seed):
    assert told(run_seed(seed, SMALL)) == ""


def test_a_row_of_seeds_has_every_kind_of_act_and_trouble_in_it():
    seen = Seen(
        labels={"keep:begin": 9, "keep:commit": 9},
        calls={f"{vendor}:call": 9 for vendor in (*MAIL, *CRMS)},
        writes=frozenset(),
    )
    scripts = [write_script(seed) for seed in range(ENOUGH)]
    ruins = [r for script in scripts for r in draw(script, seen)]
    struck = {kind_of(r.what, "trouble") if r.moment else kind_of(r.at, r.what) for r in ruins}
    assert struck == RUINS
    assert frozenset().union(*(script.kinds for script in scripts)) == MAILS | ACTS


def test_a_week_has_about_a_hundred_and_fifty_mails_in_four_mailboxes():
    """A copy in a mailbox counts as a mail, as it does for the providers and for coverage."""
    for seed in range(4):
        script = write_script(seed)
        ours = set(script.mailboxes)
        copies = sum(len(ours & {m.sender, *m.to, *m.cc}) for m in script.mails)
        assert len(ours) == 4
        assert 120 <= copies <= 190


def test_mail_that_is_overtaken_on_its_way_is_written_earlier_than_it_comes():
    script = write_script(5)
    (late, *_) = [e for e in script.events if e.mail is not None and e.mail.late]
    after = [
        e for e in script.events if e.mail and e.mail.thread == late.mail.thread and e.mail.number > late.mail.number
    ]
    assert after[0].at < late.at
    assert "h on its way" in str(late)


def test_a_failing_case_is_told_without_what_it_does_not_need():
    """Here a run is said to lose a mail as long as one crash and one mail are in it."""
    script = write_script(3, SMALL)
    guilty = Ruin(what="crash", at="keep:commit", nth=4)
    ruin = (*(Ruin(what="slow", at="salesforce:query", nth=n) for n in range(1, 20)), guilty)
    number = script.mails[5].number

    def run(case):
        lost = guilty in case.ruin and number in {m.number for m in case.script.mails}
        wrong = [Wrong(what="lost", why=f"mail {number} is not in the CRM")] if lost else []
        return Found(case=case, before=Verdict(), verdict=Verdict(wrong=wrong), struck=Counter())

    short = shrink(run(Case(script=script, ruin=ruin)), again=run)
    assert short.case.ruin == (guilty,)
    assert [e.mail.number for e in short.case.script.events] == [number]
    assert "the program dies at the 4. keep:commit" in story(short)
    assert f"In the end: lost: mail {number}" in story(short)


SCRIPT = write_script(0, SMALL)
NEVER, ONCE = (
    next(m.message_id for m in SCRIPT.mails if fates(SCRIPT)[m.number] is f) for f in (Fate.NEVER, Fate.ONCE)
)
OPEN, QUOTED, LATE, WON = "open", "quoted", "late", "won"
ORDER = ("early", OPEN, QUOTED, LATE, WON)


@pytest.mark.parametrize(
    ("moves", "wrong"),
    [
        (((OPEN, False), (QUOTED, True)), 0),
        (((OPEN, False), (QUOTED, True), (OPEN, False), (QUOTED, True)), 0),
        (((OPEN, False), (LATE, False), (QUOTED, True)), 1),
        (((OPEN, False), (LATE, False), (QUOTED, True), (LATE, True)), 0),
        (((OPEN, False), (WON, False), (LATE, True)), 1),
        (((OPEN, False), ("lost", False), (QUOTED, True)), 1),
    ],
)
def test_a_persons_stage_counts_as_overwritten_unless_it_was_put_back(moves, wrong):
    assert len(_overwritten(moves, ORDER)) == wrong


@pytest.mark.parametrize(
    ("what", "ending"),
    [
        ("while_off", Ending(written_while_off=1)),
        ("bodies", Ending(bodies_left=1)),
        ("stuck", Ending(stuck="a lane waits for ever")),
        ("late", Ending(late=("log_email doubled after 30 h",))),
        ("disorder", Ending(disorder=("complete_task 4 went out after 5",))),
        ("mistake", Ending(mistakes=("lane.broken: KeyError",))),
        (
            "missing",
            Ending(held={"ann@acme.example": 3}, listed={"ann@acme.example": 2}, missing={"ann@acme.example": 0}),
        ),
        (
            "missing",
            Ending(held={"ann@acme.example": 3}, listed={"ann@acme.example": 3}, missing={"ann@acme.example": 1}),
        ),
        ("invented", Ending(logged=Counter({("nobody@sent.example", ""): 1}))),
        ("excluded", Ending(logged=Counter({(NEVER, ""): 1}))),
        ("lost", Ending()),
        ("doubled", Ending(logged=Counter({(ONCE, ""): 2}), entries={(ONCE, ""): ["a", "b"]})),
    ],
)
def test_every_broken_promise_has_its_name(what, ending):
    quiet = replace(SCRIPT, companies={})
    assert what in {wrong.what for wrong in judge(quiet, Ending(), ending).wrong}
