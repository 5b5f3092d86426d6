"""Runs that were undone, never came to the disk, or are asked for again; and who looks on while the disk is full."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from sync.store import StateFull, Store
from tests.box import KEY
from tests.sweep.scenario import mail
from tests.undo.office import people, small
from tradepost.sandbox.virtual import START, run
from tradepost.service.desk import Desk


async def ask(box, number):
    """A customer asks: a mail to be logged, and a task."""
    ann, _, carl = people(box)
    await box.clock.sleep(60)
    box.post(mail(number, box, carl, [ann], f"How much is position {number}"))


async def poll(box, engine):
    for runner in engine.lanes:
        with suppress(AttributeError):
            runner.lane.poll_now()
    return await box.once(engine)


def subjects(box):
    return {one.subject for one in box.company.crm.mails()}


def test_what_comes_after_an_undo_of_todays_work_is_not_taken_back_with_it(tmp_path):
    async def main():
        box = small(tmp_path)
        async with box.engine() as engine:
            assert not await poll(box, engine)
            await ask(box, 1)
            assert not await poll(box, engine)
            (first,) = [r.run for r in await engine.store.undo.manifests() if r.kind == "run"]
            await taken_back(box, engine, first)
            assert subjects(box) == set()
            await ask(box, 2)
            assert not await poll(box, engine)
            (second,) = [r for r in await engine.store.undo.manifests() if r.kind == "run" and r.run != first]
            assert second.items > 0
            await taken_back(box, engine, first)  # once more: what came since is not its own
            assert subjects(box) == {"How much is position 2"}

    run(main())


async def taken_back(box, engine, number):
    undo, now = engine.store.undo, box.clock.now()
    await undo.begin([number], now)
    async for _ in undo.advance([number], now):
        pass
    assert not await box.once(engine)
    assert (await undo.standing([number])).open == 0


def test_a_run_that_found_no_room_gives_its_number_to_no_backfill(tmp_path):
    """The row of live work is rolled back with the decision; the next run has its number, and is not its run."""

    disk = set()

    def step(name):
        if name in disk:
            raise StateFull(tmp_path)

    async def main():
        box = small(tmp_path)
        async with box.engine(step=step) as engine:
            assert not await poll(box, engine)
            await ask(box, 1)
            disk.add("decided:commit")
            assert [type(one.error) for one in await poll(box, engine)] == [StateFull]
            disk.clear()
            now = box.clock.now()
            number = await engine.store.mailboxes.add_run("backfill", next(iter(engine.pullers)), now, now, now)
            await box.clock.sleep(3600)
            assert not await poll(box, engine)
            (live,) = [r for r in await engine.store.undo.manifests() if r.kind == "run"]
            assert (live.run != number, live.items > 0) == (True, True)
            assert await engine.store.undo.plan([number]) == ()

    run(main())


def test_a_backfill_goes_on_with_its_own_window_only(tmp_path):
    """The same command a day later goes on; one that asks for more than the open run does not take it for its own."""

    async def asked():
        store = Store.open(tmp_path / "state.db", key=KEY)
        boxes, day = store.mailboxes, timedelta(days=1)
        since = START - 90 * day
        first = await boxes.add_run("backfill", "ann", since, START, START)
        assert await boxes.add_run("backfill", "ann", since, START + day, START + day) == first
        await boxes.turn_page(first, None, 0, START)
        part = await boxes.add_run("backfill", "ann", since, since + day, START)
        assert await boxes.add_run("backfill", "ann", since, since + day, START + day) == part
        assert await boxes.add_run("backfill", "ann", since, START, START) not in (first, part)
        store.close()

    run(asked())


def test_who_looks_on_is_told_of_a_full_disk_although_the_state_file_cannot_be(tmp_path):
    async def main():
        box = small(tmp_path)
        room = [True]

        def step(name):
            if name.endswith(":commit") and not room[0]:
                raise StateFull(tmp_path)

        async with box.engine(step=step) as engine:
            desk = Desk(box.settings, engine)
            assert not await poll(box, engine)
            await ask(box, 1)
            number = await engine.store.mailboxes.add_run("backfill", next(iter(engine.pullers)), START, START, START)
            room[0] = False
            await poll(box, engine)
            for answer in [answer async for answer in desk.progress({"runs": [number]})]:
                assert (answer["state"], answer["code"]) == ("paused", "StateFull"), answer
            room[0] = True
            assert not await poll(box, engine)
            assert not any("state" in answer for answer in [a async for a in desk.progress({"runs": [number]})])

    run(main())
