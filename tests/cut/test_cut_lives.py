"""Undo, erase, restore and rebuild whose process dies at every step in turn: nothing lost, nothing doubled, an end.

One pair and every thirteenth step of undo by default; `make cut-short` takes every step of all, over three pairs.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from sync.eraser import Eraser
from sync.lanes import run_once
from sync.model import ItemState
from sync.store import files
from sync.undo import Way
from tests.cut.lives import THOROUGH, Lives, on_larger_disks, open_items
from tests.erase.office import KEY, places
from tests.restore.show import LATER, begin_anew, destroy, put_back
from tests.sweep.scenario import mail
from tests.undo.office import PAIRS, backfill, old_mail, people, seen, small
from tests.undo.test_undo_edges import quoted, runs_of
from tradepost.sandbox.virtual import START, run

CHOSEN = PAIRS if THOROUGH else PAIRS[:1]
each_pair = pytest.mark.parametrize(("source", "target"), CHOSEN, ids=["-".join(pair) for pair in CHOSEN])
CARL = "carl@acme.example"


async def parked(box):
    async with box.engine() as engine:
        return [one.kind for one in await engine.store.report.items((ItemState.PARKED,))]


def undoing(box, runs):
    """What a life does for an undo of these runs; whether nothing is left to do."""

    async def undone(engine):
        undo, now = engine.store.undo, box.clock.now()
        await undo.begin(runs, now)
        async for _ in undo.advance(runs, now):
            pass
        await run_once((), engine.crm)
        return not (await undo.standing(runs)).open

    return undone


@each_pair
def test_an_undo_that_dies_at_every_step_takes_everything_back_and_a_backfill_brings_it_again(tmp_path, source, target):
    async def main():
        box = small(tmp_path, source, target)
        await old_mail(box, 2)
        before = seen(box)
        runs = await backfill(box)
        there = seen(box)

        lives = Lives(box)
        assert await lives.carry(undoing(box, runs)) > 3
        assert "undo_advance:commit" in lives.labels or not THOROUGH
        async with box.engine() as engine:
            left = await engine.store.undo.plan(runs, undone=True)
        assert {one.way for one in left} == ({Way.STAY} if target == "zoho" else {Way.DROP})
        assert (seen(box), await parked(box)) == (there if target == "zoho" else before, [])
        await backfill(box)
        assert seen(box) == there

    run(main())


@pytest.mark.skipif(not THOROUGH, reason="with TRADEPOST_PAIRS=all")
@each_pair
def test_an_erasure_that_dies_at_every_step_erases_all_and_nobody_else(tmp_path, source, target):
    async def main():
        box = small(tmp_path, source, target)
        crm = box.company.crm
        crm.add_contact("Dora", "dora@acme.example")
        ann, _, carl = people(box)
        await old_mail(box, 2)
        ago = timedelta(days=5)
        box.post(mail(7, box, "dora@acme.example", [ann], "Of Dora", ago=ago), at=START - ago)
        await backfill(box)
        assert {one.subject for one in crm.mails()} == {"Position 0", "Position 1", "Of Dora"}

        async def erased(engine):
            eraser = Eraser(engine.store, engine.pullers, clock=box.clock)
            standing = await engine.store.erase.standing(carl)
            if standing.done:  # nobody has begun it yet
                await eraser.begin(carl, KEY)
            await eraser.go_on()
            await run_once((), engine.crm)
            done = await eraser.go_on()
            return done and not (await engine.store.erase.standing(carl)).open

        lives = Lives(box)
        assert await lives.carry(erased) > 3
        assert places(box, CARL) == {}
        stay = {"Position 0", "Position 1"} if target == "zoho" else set()
        assert {one.subject for one in crm.mails()} == {"Of Dora"} | stay
        assert await parked(box) == []
        await backfill(box)
        assert places(box, CARL) == {}
        assert {one.subject for one in crm.mails()} == {"Of Dora"} | stay

    run(main())


@pytest.mark.skipif(not THOROUGH, reason="with TRADEPOST_PAIRS=all")
@pytest.mark.parametrize("errand", ["erase", "undo"])
def test_on_a_disk_that_is_full_again_and_again_it_comes_to_its_end(tmp_path, errand):
    async def main():
        box = small(tmp_path)
        _, _, carl = people(box)
        await old_mail(box, 8)
        runs = await backfill(box)

        async def worked(engine):
            now = box.clock.now()
            if errand == "undo":
                await engine.store.undo.begin(runs, now)
                async for _ in engine.store.undo.advance(runs, now):
                    pass
            else:
                eraser = Eraser(engine.store, engine.pullers, clock=box.clock)
                await eraser.begin(carl, KEY)
                await eraser.go_on()
            await run_once((), engine.crm)
            open_ = await (engine.store.undo.standing(runs) if errand == "undo" else engine.store.erase.standing(carl))
            return not open_.open and (errand == "undo" or open_.done)

        full = await on_larger_disks(box, worked)
        assert full > 1
        assert (box.activities(), await parked(box)) == (0, [])
        assert places(box, CARL) == {} or errand == "undo"

    run(main())


@pytest.mark.skipif(not THOROUGH, reason="with TRADEPOST_PAIRS=all")
@each_pair
def test_an_undo_of_live_work_that_dies_at_every_step_puts_the_stage_back_once(tmp_path, source, target):
    async def main():
        box = small(tmp_path, source, target, moves={"quotation_sent": "apply"})
        crm, deal = box.company.crm, box.company.book.deals["lamps"]
        assert not await box.once()
        before, stood = seen(box), crm.deal(deal).stage
        await quoted(box)
        runs = [one.run for one in await runs_of(box, "run")]
        moved = len(crm.deal(deal).moves)

        assert await Lives(box).carry(undoing(box, runs)) > 3
        assert (crm.deal(deal).stage, len(crm.deal(deal).moves)) == (stood, moved + 1)
        assert (seen(box)[1:], await parked(box)) == (before[1:], [])

    run(main())


@pytest.mark.skipif(not THOROUGH, reason="with TRADEPOST_PAIRS=all")
@each_pair
@pytest.mark.parametrize("loss", ["restore", "rebuild"])
def test_what_begins_after_a_loss_may_die_at_every_step_and_each_record_is_there_once(tmp_path, source, target, loss):
    async def main():
        box = small(tmp_path, source, target)
        assert not await box.once()
        files.snapshot(box.state, tmp_path / "copy.db")
        ann, bob, carl = people(box)
        for number in (10, 11):
            await box.clock.sleep(60)
            box.post(mail(number, box, carl, [ann, bob], f"How much is number {number}"))
        await box.settle()
        await box.clock.sleep(LATER)
        before, sent = seen(box), box.writes()
        assert len(before[0]) == 2
        destroy(box)
        await (put_back(box, tmp_path / "copy.db") if loss == "restore" else begin_anew(box))

        async def gone_on(engine):
            await run_once(engine.mail, engine.crm)
            if loss == "rebuild":
                for name in engine.pullers:
                    await engine.store.mailboxes.add_run("backfill", name, START, box.clock.now(), box.clock.now())
                await run_once(engine.mail, engine.crm)
            open_runs = [one for name in engine.pullers for one in await engine.store.mailboxes.open_runs(name)]
            return not open_runs and not await open_items(engine.store)

        assert await Lives(box).carry(gone_on) > 3
        await box.settle()
        assert (seen(box), box.writes(), await parked(box)) == (before, sent, [])
        assert Counter(sums["missing"] for sums in (await box.coverage()).values()) == {0: 2}

    run(main())
