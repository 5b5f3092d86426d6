"""Show 5: after a loss each record is there once: with a copy that is older than the loss, and then without any.

With 500 mails: `TRADEPOST_RESTORE_MAILS=500 pytest tests/restore`.
"""

from __future__ import annotations

import pytest

from sync import restore
from sync.model import ItemState
from tests.restore.show import (
    LATER,
    MAILS,
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


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_each_record_is_there_once_after_a_restore_and_after_a_rebuild(tmp_path, pair):
    async def main():
        box = box_of(tmp_path, pair)
        for old in box.history()[-4:]:
            box.deliver(old)
        await box.settle()
        restore.snapshot(box.state, tmp_path / "copy.db")
        await live(box, MAILS)
        before, asked, sent = logged(box), tasks(box), box.writes()
        assert sum(before.values()) > MAILS // 2

        async def whole():
            assert (logged(box), tasks(box)) == (before, asked)
            assert box.writes() == sent  # all was looked up, and nothing sent
            left = await states(box)
            assert left[ItemState.PARKED] == 0
            assert left[ItemState.DONE] >= sum(before.values())

        await box.clock.sleep(LATER)
        destroy(box)
        await put_back(box, tmp_path / "copy.db")
        await box.settle()
        await whole()
        assert all(sums["missing"] == 0 for sums in (await box.coverage()).values())
        destroy(box)
        await begin_anew(box)
        await box.settle()
        await whole()

    run(main())
