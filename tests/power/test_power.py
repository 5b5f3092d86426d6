"""A power cut takes nothing that was answered; a few of the places that `make power` cuts at."""

from __future__ import annotations

import pytest

from tests.power.cuts import commits_kept, cuts, go_on, kept, look
from tests.power.disk import HALF, WAYS
from tests.sweep.scenario import Plan

PLAN = Plan(target="zoho", mode="unkeyed")  # where only the engine's own care protects


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    return look(tmp_path_factory.mktemp("life"), PLAN, every=120)


def test_what_a_power_cut_leaves_is_whole_and_holds_every_commit_that_was_answered(life):
    assert life.faults == []
    assert life.syncs > life.commits > 50
    assert set(life.ways) == set(WAYS)


def test_work_goes_on_from_a_log_that_was_cut_in_the_middle_of_a_frame(life, tmp_path):
    plans = cuts(PLAN, life.outcome)
    settle = [n for n, plan in enumerate(plans) if life.outcome.labels[plan.crash_at - 1] == "settle:committed"]
    torn = []

    def pick(found):
        torn.extend(image for image in found if image.how == HALF)
        return torn[len(torn) // 2]

    assert kept(go_on(tmp_path, plans[settle[0]], pick), life.outcome)
    assert torn


def test_a_state_file_that_does_not_sync_its_commits_is_found_out(tmp_path):
    (tmp_path / "full").mkdir()
    assert commits_kept(tmp_path / "full", "FULL") == []
    (tmp_path / "normal").mkdir()
    assert "a commit is lost, or there in part" in commits_kept(tmp_path / "normal", "NORMAL")
