"""A full disk stops everything with a reason; room makes it go on, with nothing lost and nothing doubled."""

from __future__ import annotations

import pytest

from sync.store import StateFull
from tests.box import Box, day
from tradepost.sandbox.virtual import START, run


@pytest.mark.parametrize("spare_pages", [0, 4, 10, 25])
def test_a_full_disk_pauses_and_room_mends_it(tmp_path, spare_pages):
    async def main():
        box = Box(tmp_path, start=day(START, 20))
        old = [letter for letter in box.history() if (START - letter.at).days < 12]
        for letter in old:
            box.deliver(letter)
        async with box.engine() as engine:
            with engine.store.db.read() as c:
                pages = c.exec_driver_sql("PRAGMA page_count").scalar()
                c.exec_driver_sql(f"PRAGMA max_page_count={pages + spare_pages}")
            troubles = await box.once(engine)
            assert troubles
            assert all(isinstance(t.error, StateFull) for t in troubles), troubles
            assert "make room" in troubles[0].error.hint
        await box.clock.sleep(1200)
        await box.settle()
        ids = [r["MessageIdentifier"] for r in box.rows("SELECT MessageIdentifier FROM EmailMessage")]
        assert len(ids) == len(set(ids)) > 15
        for sums in (await box.coverage()).values():
            assert sums["missing"] == sums["parked"] == 0

    run(main())
