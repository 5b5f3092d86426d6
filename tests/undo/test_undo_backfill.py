"""A backfill that is undone leaves the CRM as it was, and may be done again."""

from __future__ import annotations

import pytest

from sync.undo import Stay, Way
from tests.undo.office import PAIRS, Box, backfill, company, seen, undo
from tradepost.sandbox.virtual import run


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=["-".join(p) for p in PAIRS])
def test_what_a_backfill_wrote_goes_and_comes_again(tmp_path, source, target):
    async def main():
        box = Box(tmp_path, company=company(source, target))
        for old in box.history()[:12]:
            box.deliver(old)
        assert not await box.once()
        before = seen(box)
        runs = await backfill(box)
        filled = seen(box)
        assert len(filled[0]) > len(before[0]) + 3
        standing, left = await undo(box, runs)
        if target == "zoho":
            stays = [one for one in left if one.way is Way.STAY]
            assert {one.why for one in stays} == {Stay.NO_WAY}
            assert len(stays) == standing.stays == len(filled[0]) - len(before[0])
            assert all(one.url for one in stays)
            assert seen(box) == filled
        else:
            assert standing.stays == 0
            assert seen(box) == before
            for sums in (await box.coverage()).values():
                assert sums["missing"] == sums["synced"] == sums["waiting"] == 0
        await box.clock.sleep(7200)
        assert not await box.once()
        assert seen(box) == (filled if target == "zoho" else before)  # nothing comes back by itself
        await backfill(box)
        assert seen(box) == filled

    run(main())


@pytest.mark.parametrize(("source", "target"), PAIRS[:2], ids=["salesforce", "hubspot"])
def test_a_removed_record_in_the_recycle_bin_is_not_taken_for_the_new_one(tmp_path, source, target):
    """The second writing never arrives, and nobody knows: a look-up under the old key would find the deleted one."""

    async def main():
        box = Box(tmp_path, company=company(source, target))
        for old in box.history()[:12]:
            box.deliver(old)
        assert not await box.once()
        runs = await backfill(box)
        filled = seen(box)
        await undo(box, runs)
        box.fault(target, "*", "lost_request", kind="write")
        await backfill(box)
        assert not box.world.faults.pending()
        assert seen(box) == filled

    run(main())


def test_what_another_run_has_read_too_stays_until_that_one_is_undone(tmp_path):
    """Each mailbox has a run of its own, and one mail may lie in several."""

    async def main():
        box = Box(tmp_path, company=company("gmail", "salesforce"))
        for old in box.history():
            if len(box.deliver(old)) > 1:
                break
        assert not await box.once()
        first, *others = await backfill(box)
        assert box.activities() > 0
        filled, shared = box.activities(), 0
        for run_ in (first, *others[:-1]):
            _, left = await undo(box, [run_])
            shared += sum(one.why is Stay.SHARED for one in left)
        assert shared
        await undo(box, [others[-1]])
        assert (filled > 0, box.activities()) == (True, 0)

    run(main())
