"""Moving deals on the simulator: never over a person, by the blueprint where there is one, and whole after a crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base.errors import Conflict, Gone, OutcomeUnknown, RateLimited, Rejected, Transient
from connectors.base.model import Absent, Found, Partial
from connectors.base.model import Effect as Done
from tradepost.sandbox.zoho.strictness import Strictness

QUOTED, OPEN, REVIEW = "Proposal/Price Quote", "Qualification", "Negotiation/Review"


def big(lab, stage=OPEN):
    account, li = lab.acme()
    return lab.org.add_deal("Big", account, li, stage)


def stage(lab, deal):
    return lab.host.deal(deal).stage


def ours(lab, deal):
    return [s for s, by_us in lab.host.deal(deal).moves if by_us]


def test_a_deal_is_moved_from_where_we_expect_it(lab):
    async def scenario(lab):
        deal = big(lab)
        write = lab.move(deal)
        assert await lab.find(write) == (Absent(),)
        receipt = await lab.only(write)
        assert (receipt.effect, receipt.note, stage(lab, deal)) == (Done.CHANGED, "", QUOTED)
        assert isinstance((await lab.find(write))[0], Found)
        assert (await lab.only(write)).effect is Done.UNCHANGED
        assert ours(lab, deal) == [QUOTED]

    lab(scenario)


def test_a_persons_move_wins(lab):
    async def scenario(lab):
        deal = big(lab)
        write = lab.move(deal)
        lab.org.move_deal(deal, REVIEW)
        error = await lab.only(write)
        assert (type(error), error.code) == (Conflict, "PERSON_MOVED_DEAL")
        assert (stage(lab, deal), lab.calls(kind="write")) == (REVIEW, 0)

    lab(scenario)


def test_with_a_guard_a_move_in_between_is_refused_by_zoho(lab):
    async def scenario(lab):
        deal = big(lab)
        await lab.target.check()
        await lab.later(10)
        lab.between("update_records", lambda: lab.org.move_deal(deal, REVIEW))
        assert type(await lab.only(lab.move(deal))) is Conflict
        assert (stage(lab, deal), ours(lab, deal)) == (REVIEW, [])

    lab(scenario)


def test_with_a_guard_an_edit_in_between_is_tried_again(lab):
    async def scenario(lab):
        deal = big(lab)
        await lab.target.check()
        await lab.later(10)
        lab.between("update_records", lambda: lab.org.update("Deals", deal, {"Amount": 5}))
        write = lab.move(deal)
        assert type(await lab.only(write)) is Transient
        assert (await lab.only(write)).effect is Done.CHANGED

    lab(scenario)


def test_without_a_guard_a_persons_stage_is_put_back(lab):
    async def scenario(lab):
        deal = big(lab)
        await lab.target.check()
        await lab.later(10)
        lab.between("update_records", lambda: lab.org.move_deal(deal, REVIEW))
        error = await lab.only(lab.move(deal))
        assert (type(error), error.code) == (Conflict, "PERSON_MOVED_DEAL")
        assert (stage(lab, deal), ours(lab, deal)) == (REVIEW, [QUOTED, REVIEW])

    lab(scenario, rules=Strictness(unmodified_since=False))


@pytest.mark.parametrize("effect", ["lost_reply", "reset_after", "truncated", "status_after", "lost_request"])
def test_a_lost_answer_to_a_move_is_looked_up(lab, effect):
    async def scenario(lab):
        deal = big(lab)
        await lab.target.check()
        write = lab.move(deal)
        lab.fault("update_records", effect)
        assert type(await lab.only(write)) is OutcomeUnknown
        (finding,) = await lab.find(write)
        assert type(finding) is (Absent if effect == "lost_request" else Found)

    lab(scenario)


@pytest.mark.parametrize("operation", ["get_record", "get_related_records"])
@pytest.mark.parametrize(("status", "code"), [(503, ""), (429, ""), (401, "OAUTH_SCOPE_MISMATCH")])
def test_a_move_that_cannot_be_read_back_is_unknown_and_then_found(lab, operation, status, code):
    async def scenario(lab):
        deal = big(lab)
        await lab.target.check()
        lab.fault(operation, "status", status=status, code=code, nth=2 if operation == "get_record" else 1, times=4)
        write = lab.move(deal)
        assert type(await lab.only(write)) is OutcomeUnknown
        await lab.later(3600)
        lab.world.faults.__init__()
        assert isinstance((await lab.find(write))[0], Found)

    lab(scenario)


@pytest.mark.parametrize("effect", ["lost_request", "lost_reply", "html", "status"])
def test_a_crash_between_the_move_and_the_putting_back_is_finished(lab, effect):
    async def scenario(lab):
        deal = big(lab)
        await lab.target.check()
        await lab.later(10)
        lab.between("update_records", lambda: lab.org.move_deal(deal, REVIEW))
        write = lab.move(deal)
        lab.fault("update_records", effect, nth=2, status=429 if effect == "status" else 502)
        assert type(await lab.only(write)) is OutcomeUnknown
        await lab.later(900)
        (finding,) = await lab.find(write)
        if effect == "lost_reply":
            assert finding.receipt.note == "stage_put_back"
        else:
            assert finding == Partial(deal, ("moved",), ("put_back",))
            again = replace(write, record=finding.record, done_steps=finding.done)
            assert type(await lab.only(again)) is Conflict
        assert (stage(lab, deal), ours(lab, deal)) == (REVIEW, [QUOTED, REVIEW])
        (finding,) = await lab.find(write)
        assert finding.receipt.note == "stage_put_back"

    lab(scenario, rules=Strictness(unmodified_since=False))


def test_a_stage_that_cannot_be_put_back_is_told_to_a_person(lab):
    async def scenario(lab):
        deal = big(lab)
        await lab.target.check()
        await lab.later(10)
        lab.between("update_records", lambda: lab.org.move_deal(deal, REVIEW))
        lab.fault("update_records", "status", status=403, code="RECORD_LOCKED", nth=2)
        error = await lab.only(lab.move(deal))
        assert (type(error), error.code) == (Rejected, "STAGE_NOT_PUT_BACK")

    lab(scenario, rules=Strictness(unmodified_since=False))


def test_a_deal_a_person_moved_on_after_us_is_found_as_moved(lab):
    async def scenario(lab):
        deal = big(lab)
        write = lab.move(deal)
        await lab.only(write)
        await lab.later(60)
        lab.org.move_deal(deal, REVIEW)
        (finding,) = await lab.find(write)
        assert finding.receipt.note == "moved_on_by_person"

    lab(scenario)


def test_without_a_stage_history_a_move_is_still_made(lab):
    async def scenario(lab):
        deal = big(lab)
        lab.fault("get_related_records", "status", status=400, code="INVALID_DATA", times=9)
        assert (await lab.only(lab.move(deal))).effect is Done.CHANGED

    lab(scenario)


# -------------------------------------------------------------------------------------------------------------- stops


def test_a_stage_of_no_or_another_pipeline_is_refused_without_a_write(lab):
    async def scenario(lab):
        lab.org.add_pipeline("Service", ["Ticket", "Done"])
        deal = big(lab)
        for to in ("Nowhere", "Ticket"):
            error = await lab.only(lab.move(deal, to=to))
            assert (type(error), error.code) == (Rejected, "UNKNOWN_STAGE")
        assert lab.calls(kind="write") == 0

    lab(scenario)


@pytest.mark.parametrize("code", ["MAPPING_MISMATCH", "INVALID_DATA"])
def test_a_stage_that_zoho_refuses_is_parked(lab, code):
    async def scenario(lab):
        deal = big(lab)
        lab.fault("update_records", "status", status=400, code=code)
        assert type(await lab.only(lab.move(deal))) is Rejected
        assert stage(lab, deal) == OPEN

    lab(scenario)


@pytest.mark.parametrize(
    ("stop", "code", "said"),
    [
        ("lock", "RECORD_LOCKED", "unlock"),
        ("await_approval", "NOT_APPROVED", "approve"),
        ("await_review", "NOT_REVIEWED", "review"),
    ],
)
def test_what_stops_a_change_is_told_to_a_person(lab, stop, code, said):
    async def scenario(lab):
        deal = big(lab)
        getattr(lab.org, stop)(deal)
        error = await lab.only(lab.move(deal))
        assert (type(error), error.code, said in error.hint) == (Rejected, code, True)
        assert stage(lab, deal) == OPEN

    lab(scenario)


def test_a_deleted_deal_is_gone(lab):
    async def scenario(lab):
        deal = big(lab)
        write = lab.move(deal)
        lab.org.delete(deal)
        assert type(await lab.only(write)) is Gone
        assert await lab.find(write) == (Absent(),)

    lab(scenario)


def test_a_limit_before_the_move_is_told_and_nothing_is_moved(lab):
    async def scenario(lab):
        deal = big(lab)
        await lab.target.check()
        lab.fault("update_records", "status", status=429, times=2)
        assert type(await lab.only(lab.move(deal))) is RateLimited
        assert stage(lab, deal) == OPEN

    lab(scenario)


# ---------------------------------------------------------------------------------------------------------- blueprints


def test_a_blueprint_is_followed_where_its_transition_asks_for_nothing(lab):
    async def scenario(lab):
        deal = big(lab)
        lab.org.put_in_blueprint(deal, [("Quote", OPEN, QUOTED), ("Lose", OPEN, "Closed Lost")])
        write = lab.move(deal)
        assert (await lab.only(write)).effect is Done.CHANGED
        assert stage(lab, deal) == QUOTED
        assert isinstance((await lab.find(write))[0], Found)

    lab(scenario)


def test_a_transition_that_asks_for_data_is_left_to_a_person_and_named(lab):
    async def scenario(lab):
        deal = big(lab)
        lab.org.put_in_blueprint(deal, [("Quote", OPEN, QUOTED)], {"Quote": ["Amount"]})
        error = await lab.only(lab.move(deal))
        assert (type(error), error.code, "Amount" in error.hint) == (Rejected, "RECORD_IN_BLUEPRINT", True)
        lab.org.update("Deals", deal, {"Amount": 5})
        assert (await lab.only(lab.move(deal, 2))).effect is Done.CHANGED

    lab(scenario)


def test_a_blueprint_without_a_way_there_is_left_to_a_person(lab):
    async def scenario(lab):
        deal = big(lab)
        lab.org.put_in_blueprint(deal, [("Lose", OPEN, "Closed Lost")])
        error = await lab.only(lab.move(deal))
        assert (type(error), error.code) == (Rejected, "RECORD_IN_BLUEPRINT")
        assert stage(lab, deal) == OPEN

    lab(scenario)


@pytest.mark.parametrize("effect", ["lost_reply", "lost_request", "truncated"])
def test_a_lost_answer_to_a_transition_is_looked_up(lab, effect):
    async def scenario(lab):
        deal = big(lab)
        lab.org.put_in_blueprint(deal, [("Quote", OPEN, QUOTED)])
        await lab.target.check()
        lab.fault("update_blueprint", effect)
        write = lab.move(deal)
        assert type(await lab.only(write)) is OutcomeUnknown
        (finding,) = await lab.find(write)
        assert type(finding) is (Absent if effect == "lost_request" else Found)

    lab(scenario)
