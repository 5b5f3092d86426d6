"""A backfill that is undone leaves the CRM as it was, and may be done again.

One pair by default; all six with `TRADEPOST_PAIRS=all`.
"""

from __future__ import annotations

import os

import pytest

from sync.undo import Stay, Way
from tests.undo.looks import alike, differences, looks
from tests.undo.office import backfill, old_mail, seen, small, undo
from tradepost.sandbox.company import PAIRS
from tradepost.sandbox.virtual import run

CHOSEN = PAIRS if os.environ.get("TRADEPOST_PAIRS") == "all" else [("gmail", "salesforce")]
each_pair = pytest.mark.parametrize(("source", "target"), CHOSEN, ids=["-".join(p) for p in CHOSEN])
INDEXED = 300.0  # seconds after which every search shows what was written


@each_pair
def test_what_a_backfill_wrote_goes_and_comes_again(tmp_path, source, target):
    async def main():
        box = small(tmp_path, source, target)
        await old_mail(box, 3)
        await box.clock.sleep(INDEXED)
        before = await looks(box)
        runs = await backfill(box)
        await box.clock.sleep(INDEXED)
        full, there = await looks(box, reads=False), seen(box)
        assert len(there[0]) == 3
        assert any("search position" in line for line in differences(before, full)) or target == "zoho"
        standing, left = await undo(box, runs)
        await box.clock.sleep(INDEXED)
        if target == "zoho":
            stays = [one for one in left if one.way is Way.STAY]
            assert {one.why for one in stays} == {Stay.NO_WAY}
            assert len(stays) == standing.stays == 3
            assert all(one.url for one in stays)
            assert seen(box) == there
        else:
            assert standing.stays == 0
            assert list(differences(before, await looks(box))) == []
            for sums in (await box.coverage()).values():
                assert sums["missing"] == sums["synced"] == sums["waiting"] == 0
        now = seen(box)
        await box.clock.sleep(7200)
        assert not await box.once()
        assert seen(box) == now  # nothing comes back by itself
        await backfill(box)
        await box.clock.sleep(INDEXED)
        assert list(differences(alike(full, before), alike(await looks(box, reads=False), before))) == []

    run(main())


@each_pair
def test_a_removed_record_in_the_recycle_bin_is_not_taken_for_the_new_one(tmp_path, source, target):
    """The second writing never arrives, and nobody knows: a look-up under the old key would find the deleted one."""

    async def main():
        box = small(tmp_path, source, target)
        await old_mail(box, 2)
        runs = await backfill(box)
        there = seen(box)
        await undo(box, runs)
        if target != "zoho":  # where nothing goes, nothing is written again
            box.fault(target, "*", "lost_request", kind="write")
        await backfill(box)
        assert not box.world.faults.pending()
        assert seen(box) == there

    run(main())


def test_what_another_run_has_read_too_stays_until_that_one_is_undone(tmp_path):
    """Each mailbox has a run of its own, and one mail may lie in several."""

    async def main():
        box = small(tmp_path)
        await old_mail(box, 2)
        one, other = await backfill(box)
        assert box.activities() == 2
        _, left = await undo(box, [one])
        assert [item.why for item in left if item.way is Way.STAY] == [Stay.SHARED]
        assert box.activities() == 1
        await undo(box, [other])
        assert box.activities() == 0

    run(main())
