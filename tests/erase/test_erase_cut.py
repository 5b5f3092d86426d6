"""An erasure may be cut anywhere, and whoever comes next carries it through; it survives a restore and a rebuild."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from sync import restore
from sync.store import files
from sync.undo import Way
from tests import box as boxes
from tests.box import day
from tests.erase.office import (
    KEY,
    KLAUS,
    MAILBOXES,
    PETRA,
    START,
    Box,
    backfill,
    begin,
    company,
    deliver_history,
    erase,
    letter,
    places,
    subjects,
    through,
)
from tradepost.sandbox.virtual import run

KEPT = {f"To {KLAUS} and Petra", "Position 4"}


class Crash(BaseException):
    """The process is gone."""


CUTS = (
    "erase_begin:commit",
    "erase_begin:committed",
    "erase_advance:commit",
    "erase_advance:committed",
    "erase_finish:commit",
    "erase_finish:committed",  # the address is gone, the file not written anew
    "erase_finished:commit",
)


def crash_at(name):
    """A step function that dies there."""

    def step(here):
        if here == name:
            raise Crash

    return step


async def filled(tmp_path):
    box = Box(tmp_path, company=company("gmail", "hubspot"), start=day(START, 30), mailboxes=MAILBOXES)
    deliver_history(box)
    assert not await box.once()
    assert len(subjects(box)) == 5
    return box


def test_what_was_cut_again_and_again_is_ended_by_the_service_itself(tmp_path):
    async def main():
        box = await filled(tmp_path)
        for name in CUTS:
            await begun_until(box, name)
        assert set(subjects(box)) > KEPT  # nothing was sent yet
        async with box.engine() as engine:
            assert await engine.store.erase.open()
            await engine.keeper_lane.forget()  # nobody has called the command again
            assert not await engine.store.erase.open()
        assert places(box, KLAUS, "Klaus Brandt") == {}
        await box.settle()
        assert set(subjects(box)) == KEPT

    run(main())


async def begun_until(box, name):
    with pytest.raises(Crash):
        await begin(box, KLAUS, step=crash_at(name))


def test_what_is_on_its_way_is_erased_when_it_has_settled(tmp_path):
    """The answer to a write is lost: its wording stays until it was looked up, and its record goes then."""

    async def main():
        box = Box(tmp_path, company=company("gmail", "hubspot"), start=day(START, 30), mailboxes=MAILBOXES)
        deliver_history(box)
        box.fault("hubspot", "*", "lost_reply", kind="write")
        await box.once()
        assert not await begin(box, KLAUS)
        assert places(box, KLAUS)
        left = await through(box, KLAUS)
        assert places(box, KLAUS) == {}
        assert Counter(one.way for one in left.items)[Way.WAIT] == 0
        await box.settle()
        assert set(subjects(box)) == KEPT

    run(main())


def test_an_older_copy_that_is_restored_does_not_bring_the_person_back(tmp_path):
    async def main():
        box = await filled(tmp_path)
        files.snapshot(box.state, tmp_path / "copy.db")
        await erase(box, KLAUS)
        await restore.stage(tmp_path / "copy.db", box.state, boxes.KEY)
        placed = await restore.put_in_place(box.state, boxes.KEY, now=box.clock.now(), mailboxes=())
        placed.aside.unlink()
        assert places(box, KLAUS)
        await box.settle()
        await through(box, KLAUS)
        assert places(box, KLAUS, "Klaus Brandt") == {}
        assert set(subjects(box)) == KEPT

    run(main())


@pytest.mark.skipif(os.environ.get("TRADEPOST_PAIRS") != "all", reason="with make pairs")
def test_a_rebuild_does_not_bring_the_person_back(tmp_path):
    async def main():
        box = await filled(tmp_path)
        await erase(box, KLAUS)
        aside = await restore.put_anew(box.state, boxes.KEY, now=box.clock.now())
        aside.unlink()
        await box.once()
        await backfill(box)
        await box.clock.sleep(4000)
        box.post(letter(box, 9, "klaus", ["lily"]))
        await box.settle()
        assert places(box, KLAUS, "Klaus Brandt") == {}
        assert places(box, PETRA)
        assert set(subjects(box)) == KEPT

    run(main())


def test_a_copy_of_another_file_with_marks_of_its_own_keeps_them(tmp_path):
    async def main():
        box = Box(tmp_path, company=company("gmail", "hubspot"), mailboxes=MAILBOXES)
        await begin(box, KLAUS)
        async with box.engine() as engine:
            other = bytes(reversed(KEY))
            await engine.store.erase.adopt(
                other.hex(), [("erased:1", "erased:1", None, "2026-01-01T00:00:00.000000", None)]
            )
            assert not await engine.store.erase.open()

    run(main())
