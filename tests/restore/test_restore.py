"""After a loss each record is there once: with a copy that is older than the loss, and without any."""

from __future__ import annotations

import os

import pytest

from sync import restore
from sync.model import ItemState
from tests.restore.show import (
    LATER,
    PAIRS,
    begin_anew,
    box_of,
    destroy,
    live,
    logged,
    put_back,
    states,
    tasks,
)
from tradepost.sandbox.virtual import run

MAILS = int(os.environ.get("TRADEPOST_RESTORE_MAILS", "12"))  # the show has 500
every_pair = pytest.mark.parametrize("pair", PAIRS, ids=["-".join(p) for p in PAIRS])


@every_pair
def test_each_record_is_there_once_after_a_restore(tmp_path, pair):
    async def main():
        box = box_of(tmp_path, pair)
        for old in box.history()[-8:]:
            box.deliver(old)
        await box.settle()
        restore.snapshot(box.state, tmp_path / "copy.db")
        await live(box, MAILS)
        before, asked, sent = logged(box), tasks(box), box.writes()
        assert len(before) > MAILS // 2
        await box.clock.sleep(LATER)
        destroy(box)
        await put_back(box, tmp_path / "copy.db")
        await box.clock.sleep(LATER)
        await box.settle()
        assert logged(box) == before
        assert tasks(box) == asked
        assert box.writes() == sent
        left = await states(box)
        assert left[ItemState.PARKED] == 0
        assert all(sums["missing"] == 0 for sums in (await box.coverage()).values())

    run(main())


@every_pair
def test_each_record_is_there_once_after_a_rebuild(tmp_path, pair):
    async def main():
        box = box_of(tmp_path, pair)
        for old in box.history()[-8:]:
            box.deliver(old)
        await box.settle()
        await live(box, MAILS // 2)
        before, asked, sent = logged(box), tasks(box), box.writes()
        destroy(box)
        await begin_anew(box)
        await box.clock.sleep(LATER)
        await box.settle()
        assert logged(box) == before
        assert tasks(box) == asked
        assert box.writes() == sent
        left = await states(box)
        assert left[ItemState.PARKED] == 0
        assert left[ItemState.DONE] >= MAILS // 2

    run(main())
