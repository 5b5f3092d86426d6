"""Who is erased stays erased: in the state file to the last byte, in the CRM, and through every further backfill."""

from __future__ import annotations

import pytest

from sync.coverage import Whereabouts
from sync.erase import Kept
from sync.undo import Way
from tests.erase.office import (
    CHOSEN,
    IDS,
    KLAUS,
    MAILBOXES,
    PETRA,
    Box,
    backfill,
    company,
    deliver_history,
    erase,
    letter,
    places,
    subjects,
)
from tradepost.sandbox.virtual import run

SHARED = f"To {KLAUS} and Petra"


async def counted(box):
    """Every mailbox adds up, and nothing is missing; how many mails are left out because of whom they concern."""
    for name, sums in (await box.coverage()).items():
        assert sums["missing"] == 0, name
        assert sums["listed"] == sum(sums[where] for where in Whereabouts), name
    async with box.engine() as engine:
        reports = await engine.store.report.coverage()
    return sum(r.coverage.reasons.get(Whereabouts.EXCLUDED, {}).get("erased", 0) for r in reports)


@pytest.mark.parametrize(("source", "target"), CHOSEN, ids=IDS)
def test_an_erased_person_does_not_come_back_with_mail_or_backfill(tmp_path, source, target):
    async def main():
        box = Box(tmp_path, company=company(source, target), mailboxes=MAILBOXES)
        deliver_history(box)
        await box.once()
        await backfill(box)
        everything = {"Position 1", "Position 2", SHARED, "Position 4", "Position 5"}
        assert set(subjects(box)) == everything
        assert places(box, KLAUS)

        left = await erase(box, KLAUS)
        assert places(box, KLAUS, "Klaus Brandt") == {}
        assert places(box, PETRA)
        stays = [one for one in left.items if one.way is Way.STAY]
        assert all(one.url for one in stays)
        reasons = {one.why for one in stays}
        if target == "zoho":
            assert set(subjects(box)) == everything
            assert reasons == {Kept.OTHERS, Kept.NO_WAY}
        else:
            assert set(subjects(box)) == {SHARED, "Position 4"}
            assert reasons == {Kept.OTHERS}
        assert [bool(one.url) for one in left.records] == [True]
        assert await counted(box) == 3

        kept = subjects(box)
        await backfill(box)
        await box.clock.sleep(60)
        box.post(letter(box, 6, "klaus", ["lily"], answers="<m4@mails.example>"))
        box.post(letter(box, 7, "lily", ["klaus", "petra"], cc=["tom"]))
        box.post(letter(box, 8, "klaus", ["tom"], cc=["petra"]))
        await box.settle()
        await box.clock.sleep(4000)
        await box.settle()
        assert subjects(box) == sorted({*kept, "Position 7", "Position 8"})
        shown = {m.subject: m for m in box.company.crm.mails()}
        klaus = box.company.book.contacts["klaus"]
        assert klaus not in {*shown["Position 7"].records, *shown["Position 8"].records}
        assert [t for t in box.company.crm.tasks() if not t.closed and klaus in t.records] == []
        assert await counted(box) == 4
        assert places(box, KLAUS, "Klaus Brandt") == {}

    run(main())
