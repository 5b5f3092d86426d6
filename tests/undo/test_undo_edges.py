"""Undo of live runs and changed rules, after a person's change, twice, and cut anywhere.

One pair by default; with `TRADEPOST_PAIRS=all` every pair, and a crash at every point (see tests/cut too).
"""

from __future__ import annotations

import os
import shutil
from datetime import timedelta

import pytest

from sync.model import ItemState
from sync.undo import Stay, Way
from tests.sweep.scenario import Crash, mail
from tests.undo.office import backfill, old_mail, people, seen, small, undo
from tradepost.config import load
from tradepost.sandbox.company import PAIRS, stage_rules, write_config
from tradepost.sandbox.virtual import run

ALL = os.environ.get("TRADEPOST_PAIRS") == "all"
CHOSEN = PAIRS if ALL else [("gmail", "salesforce")]
each_pair = pytest.mark.parametrize(("source", "target"), CHOSEN, ids=["-".join(p) for p in CHOSEN])


async def quoted(box):
    """A customer asks, and is sent a quotation: mails, a task that is closed again, a deal that moves."""
    ann, bob, carl = people(box)
    await box.clock.sleep(60)
    box.post(mail(10, box, carl, [ann, bob], "How much are lamps"))
    assert not await box.once()
    await box.clock.sleep(60)
    box.post(mail(11, box, ann, [carl], "Our quotation for lamps"))
    await box.settle()


async def runs_of(box, *kinds):
    async with box.engine() as engine:
        return [one for one in await engine.store.undo.manifests() if one.kind in kinds]


@each_pair
def test_what_live_mail_caused_is_taken_back_and_stays_away(tmp_path, source, target):
    async def main():
        box = small(tmp_path, source, target, moves={"quotation_sent": "apply"})
        crm, deal = box.company.crm, box.company.book.deals["lamps"]
        assert not await box.once()
        before, stood = seen(box), crm.deal(deal).stage
        await quoted(box)
        full = seen(box)
        assert crm.deal(deal).stage == crm.stages.quoted
        made = await runs_of(box, "run")
        standing, left = await undo(box, [one.run for one in made])
        assert sum(one.items for one in made) >= 4
        async with box.engine() as engine:  # where the sums of a count are no longer true
            assert await engine.store.undo.mailboxes([one.run for one in made])
        assert standing.open == 0
        assert {one.why for one in left if one.way is Way.STAY} <= {Stay.NO_WAY}
        assert crm.deal(deal).stage == stood
        now = seen(box)
        assert now[1:] == before[1:]
        assert now[0] == (full[0] if target == "zoho" else before[0])
        await box.clock.sleep(60)
        ann, _, carl = people(box)
        box.post(mail(12, box, carl, [ann], "Thanks"))
        await box.settle()
        mails, tasks, deals = seen(box)
        assert {one[0] for one in mails if one not in now[0]} == {"Thanks"}
        assert all("Thanks" in one[0] for one in tasks if one not in now[1])
        assert deals == before[2]  # the new mail shows nothing, and the old one no longer counts

    run(main())


def test_a_change_of_rules_has_a_manifest_of_its_own(tmp_path):
    async def main():
        box = small(tmp_path)
        ann, _, carl = people(box)
        assert not await box.once()
        await box.clock.sleep(60)
        box.post(mail(10, box, carl, [ann], "How much are lamps"))
        assert not await box.once()
        before = seen(box)
        rules = stage_rules(box.company, {"quotation_sent": "apply"})
        config = write_config(box.company, tmp_path, rules=rules, native_logging="ignore", settle_seconds=600)
        box.settings = load(config, environ={"PATH": os.defpath})
        await box.clock.sleep(60)
        box.post(mail(11, box, carl, [ann], "And how much are shades"))
        assert not await box.once()
        (first,), (second,) = await runs_of(box, "run"), await runs_of(box, "rules")
        assert (first.items > 0, second.items > 0) == (True, True)
        await undo(box, [second.run])
        assert seen(box) == before

    run(main())


def test_a_deal_that_a_person_moved_since_stays_and_is_listed(tmp_path):
    async def main():
        box = small(tmp_path, moves={"quotation_sent": "apply"})
        crm, deal = box.company.crm, box.company.book.deals["lamps"]
        assert not await box.once()
        await quoted(box)
        crm.move_deal(deal, crm.stages.late)
        moves = crm.deal(deal).moves
        runs = [one.run for one in await runs_of(box, "run")]
        standing, left = await undo(box, runs)
        (stays,) = [one for one in left if one.way is Way.STAY]
        assert (stays.why, standing.stays) == (Stay.CHANGED, 1)
        assert stays.url
        assert crm.deal(deal).moves == moves

        sent = box.writes()  # once more: the same is told, and nothing is sent
        assert (await undo(box, runs))[0] == standing
        assert box.writes() == sent

    run(main())


def test_a_run_under_way_reads_no_further_once_it_is_undone(tmp_path):
    async def main():
        box = small(tmp_path)
        await old_mail(box, 3)
        async with box.engine() as engine:
            store, now = engine.store, box.clock.now()
            (puller, *_) = engine.pullers.values()
            number = await store.mailboxes.add_run("backfill", puller.name, now - timedelta(days=30), now, now)
            keep = store.mail.keep

            async def keep_and_undo(*args, **kwargs):  # the person speaks while a page is on its way
                await store.undo.begin([number], now)
                await keep(*args, **kwargs)
                await store.mailboxes.turn_page(number, "next", 1, now)

            store.mail.keep = keep_and_undo
            await puller.history_chunk()
            store.mail.keep = keep
            (one,) = await store.mailboxes.runs([number])
            assert (one.done, one.read) == (True, 0)
        await box.settle()
        assert box.activities() == 0

    run(main())


async def undone_with_a_crash(folder, source, target, at):
    """A backfill of two mails whose undo dies at its n-th step; how many steps it has, and what is left."""
    box = small(folder, source, target)
    await old_mail(box, 2)
    before = seen(box)
    runs = await backfill(box)
    there = seen(box)
    steps, dead = 0, False

    def step(label):
        nonlocal steps, dead
        if dead:
            raise Crash
        if label.endswith(":begin"):
            return
        steps += 1
        if steps == at:
            dead = True
            for name in ("state.db", "state.db-wal"):  # as they are now; the closing connection would tidy up
                if (file := box.state.with_name(name)).exists():
                    shutil.copyfile(file, file.with_name(f"{name}.saved"))
            raise Crash

    box.transport.on_step, box.forgives = step, True  # other lanes run on against a closed file
    try:
        await undo(box, runs, step=step)
    except Crash:
        dead, at = False, 0
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            box.state.with_name(name).unlink(missing_ok=True)
        for name in ("state.db", "state.db-wal"):
            if (saved := box.state.with_name(f"{name}.saved")).exists():
                saved.rename(box.state.with_name(name))
    box.transport.on_step = None
    total = steps
    _, left = await undo(box, runs)
    gone = seen(box)
    async with box.engine() as engine:
        parked = [i for i in await engine.store.report.items((ItemState.PARKED,)) if i.kind == "remove"]
    await backfill(box)
    return total, before, there, gone, seen(box), [one for one in left if one.way is Way.STAY], parked


@pytest.mark.skipif(not ALL, reason="with TRADEPOST_PAIRS=all")
@each_pair
def test_a_crash_anywhere_in_an_undo_leaves_nothing_half_undone(tmp_path, source, target):
    async def main():
        total = (await undone_with_a_crash(tmp_path / "0", source, target, 0))[0]
        for at in range(1, total + 1):
            steps, before, there, gone, again, stays, parked = await undone_with_a_crash(
                tmp_path / str(at), source, target, at
            )
            assert steps >= at
            assert gone == (there if target == "zoho" else before), at
            assert (bool(stays), parked) == (target == "zoho", []), at
            assert again == there, at

    run(main())
