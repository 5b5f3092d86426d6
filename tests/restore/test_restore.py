"""Show 5: after a loss each record is there once: with a copy that is older than the loss, and then without any.

One pair by default, three with `TRADEPOST_PAIRS=all`; every pair and mode with 500 mails: `python -m tests.restore.run`.
"""

from __future__ import annotations

import pytest

from sync.model import ItemState
from sync.store import files
from tests.restore.show import (
    LATER,
    MAILS,
    PAIRS,
    THOROUGH,
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


@pytest.mark.parametrize("pair", PAIRS if THOROUGH else PAIRS[:1], ids="-".join)
def test_each_record_is_there_once_after_a_restore_and_after_a_rebuild(tmp_path, pair):
    async def main():
        box = box_of(tmp_path, pair)
        for old in box.history()[-1:]:
            box.deliver(old)
        await box.settle()
        files.snapshot(box.state, tmp_path / "copy.db")
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
