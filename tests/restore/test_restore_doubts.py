"""What may have happened in the time that was lost: looked up without keys too, parked where nobody can tell."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from connectors.base.model import CannotTell, Found
from sync import restore
from sync.model import ItemState
from sync.store import StateFull, Store, files
from sync.store.doubt import put_meta
from tests.box import KEY
from tests.paths.test_main_path import letter
from tests.restore.show import (
    LATER,
    THOROUGH,
    begin_anew,
    box_of,
    destroy,
    live,
    logged,
    mail,
    put_back,
    states,
    tasks,
)
from tests.undo.office import backfill, old_mail, small, undo
from tradepost.sandbox.virtual import run

UNKEYED = {("graph", "hubspot"): "c", ("gmail", "salesforce"): "unkeyed", ("gmail", "zoho"): "unkeyed"}
some_pair = pytest.mark.parametrize("pair", list(UNKEYED) if THOROUGH else list(UNKEYED)[:1], ids="-".join)


@pytest.mark.skipif(not THOROUGH, reason="half a minute; TRADEPOST_PAIRS=all has it, and tests.restore.run")
@some_pair
def test_without_keys_what_the_lost_time_wrote_is_recognised_twins_too(tmp_path, pair):
    async def main():
        box = box_of(tmp_path, pair, mode=UNKEYED[pair])
        await box.settle()
        files.snapshot(box.state, tmp_path / "copy.db")
        await live(box, 1)
        twin = mail(box, 90)  # two mails of one sender, subject and second
        for raw in (twin, twin.replace(b"show90@", b"show91@")):
            box.post(raw)
        await box.settle()
        await box.clock.sleep(LATER)
        await box.settle()
        before, asked, sent = logged(box), tasks(box), box.writes()
        assert sum(before.values()) >= 2
        destroy(box)
        await put_back(box, tmp_path / "copy.db")
        await box.settle()
        await box.clock.sleep(LATER)
        await box.settle()
        assert (logged(box), tasks(box), box.writes()) == (before, asked, sent)
        assert (await states(box))[ItemState.PARKED] == 0
        destroy(box)
        await begin_anew(box)
        await box.settle()
        assert (logged(box), tasks(box), box.writes()) == (before, asked, sent)

    run(main())


def test_two_mails_that_look_the_same_are_never_recognised_in_one_record(tmp_path):
    """A look-up without keys shows both of a pair of twins for either; each answers for a record of its own."""

    async def main():
        box = box_of(tmp_path, ("graph", "hubspot"), mode="c")
        await box.settle()
        twin = mail(box, 90)
        for raw in (twin, twin.replace(b"show90@", b"show91@")):
            box.post(raw)
        await box.settle()
        records = tuple(sorted(one.record for one in box.company.crm.mails()))
        destroy(box)
        await begin_anew(box)
        async with box.engine(wrap=look_alike) as engine:
            await box.clock.sleep(LATER)
            await box.once(engine)
            logs = [i for i in await engine.store.report.items(tuple(ItemState)) if i.kind == "log_email"]
        async with box.engine() as engine:
            held = [await engine.store.outbox.record_of(item.key) for item in logs]
        return records, held

    def look_alike(engine):
        (target,) = engine.targets.values()
        find = target.find_written

        async def both(attempts):
            found = await find(attempts)
            seen = sorted({r for f in found if isinstance(f, Found) for r in (f.receipt.record, *f.extras)})
            return tuple(
                Found(replace(f.receipt, record=seen[0]), tuple(seen[1:])) if isinstance(f, Found) else f for f in found
            )

        target.find_written = both

    records, held = run(main())
    assert len(records) == 2
    assert tuple(sorted(held)) == records


@pytest.mark.parametrize("loss", ["restore", "rebuild"] if THOROUGH else ["rebuild"])
def test_what_was_undone_and_written_again_is_recognised_under_its_later_key(tmp_path, loss):
    """The lost memory alone knew that the first record was removed; the vendor has forgotten it too."""

    async def main():
        box = small(tmp_path, "graph", "hubspot")
        await old_mail(box, 2)
        runs = await backfill(box)
        files.snapshot(box.state, tmp_path / "copy.db")
        await undo(box, runs)
        assert box.activities() == 0
        await backfill(box)
        assert box.activities() == 2
        await box.clock.sleep(LATER)
        sent = box.writes()
        destroy(box)
        await (put_back(box, tmp_path / "copy.db") if loss == "restore" else begin_anew(box))
        await backfill(box)
        assert (box.activities(), box.writes()) == (2, sent)
        async with box.engine() as engine:  # and it may be undone once more
            runs = [one.run for one in await engine.store.undo.manifests() if one.kind == "backfill"]
        await undo(box, runs)
        assert box.activities() == 0

    run(main())


def test_where_nobody_can_tell_all_is_counted_and_parked_and_a_persons_again_writes_it(tmp_path):
    """Although `on_unknown: resend` is set: after a loss it would double all there is."""

    async def main():
        box = box_of(tmp_path, ("graph", "hubspot"), mode="c", more={"crm": {"on_unknown": "resend"}})
        await box.settle()
        box.post(mail(box, 1))
        await box.settle()
        before = logged(box)
        hide(box)
        destroy(box)
        await begin_anew(box)
        await box.settle()
        return box, before

    def hide(box):
        async def cannot(attempts):
            return tuple(CannotTell("mail_hidden") for _ in attempts)

        engine = box.engine

        def hidden(**more):
            def wrap(made):
                for target in made.targets.values():
                    target.find_written = cannot

            return engine(wrap=wrap, **more)

        box.engine = hidden

    async def shown():
        box, before = await main()
        assert logged(box) == before
        left = await states(box)
        assert (left[ItemState.PARKED], left[ItemState.READY]) == (sum(before.values()), 0)
        async with box.engine() as engine:
            (item,) = await engine.store.report.items((ItemState.PARKED,))
            assert item.reason == "outcome_unknown"
            await engine.store.outbox.retry([item.key], box.clock.now())
        await box.settle()
        assert sum(logged(box).values()) == 2  # that person knew better

    run(shown())


@some_pair
def test_a_move_of_the_lost_time_that_a_person_took_back_is_not_repeated(tmp_path, pair):
    async def main():
        box = box_of(tmp_path, pair, moves={"quotation_sent": "apply"})
        crm, deal = box.company.crm, box.company.book.deals["nordlicht-panels"]
        await box.settle()
        was = crm.deal(deal).stage
        files.snapshot(box.state, tmp_path / "copy.db")
        await box.clock.sleep(60)
        box.post(letter(box, "lily", ["klaus"], "Our quotation for 1,200 panels", "Our quotation is attached.\n"))
        await box.settle()
        assert crm.deal(deal).stage == crm.stages.quoted
        await box.clock.sleep(3600)
        crm.move_deal(deal, was)
        moves = crm.deal(deal).moves
        await box.clock.sleep(3600)
        destroy(box)
        await put_back(box, tmp_path / "copy.db")
        await box.settle()
        assert crm.deal(deal).moves == moves
        assert (await states(box))[ItemState.PARKED] == 0

    run(main())


def test_what_comes_after_the_restore_is_sent_at_once(tmp_path):
    async def main():
        box = box_of(tmp_path, ("gmail", "salesforce"))
        await box.settle()
        files.snapshot(box.state, tmp_path / "copy.db")
        await put_back(box, tmp_path / "copy.db")
        await box.once()
        await box.clock.sleep(LATER)
        box.post(mail(box, 7))
        assert not await box.once()
        assert sum(logged(box).values()) == 1

    run(main())


def test_what_was_ready_sending_or_parked_in_the_copy_is_looked_up_first(tmp_path):
    async def main():
        box = box_of(tmp_path, ("gmail", "salesforce"))
        await box.settle()
        box.post(mail(box, 1))
        box.post(mail(box, 2))
        box.fault("salesforce", "*", "status", kind="write", status=400, code="FIELD_CUSTOM_VALIDATION_EXCEPTION")
        async with box.engine(wrap=lambda made: cut(made.crm[0].lane._pusher)) as engine:
            await box.once(engine)
        files.snapshot(box.state, tmp_path / "copy.db")
        await box.settle()
        before, sent = logged(box), box.writes()
        await put_back(box, tmp_path / "copy.db")
        assert set(await states(box)) <= {ItemState.DONE, ItemState.UNKNOWN, ItemState.PARKED}
        await box.clock.sleep(LATER)
        await box.settle()
        assert (logged(box), box.writes()) == (before, sent)

    def cut(pusher):
        async def nothing():
            return False

        pusher.step = nothing

    run(main())


def test_a_restore_broken_off_anywhere_leaves_the_old_or_the_new_state(tmp_path, monkeypatch):
    async def main():
        box = box_of(tmp_path, ("gmail", "salesforce"))
        await box.settle()
        files.snapshot(box.state, tmp_path / "copy.db")
        monkeypatch.setattr(restore, "put_aside", stop)
        with pytest.raises(KeyboardInterrupt):
            await put_back(box, tmp_path / "copy.db")
        restore.unstage(box.state)
        store = Store.open(box.state, key=KEY)
        assert await store.restore.doubt() is None
        store.close()
        monkeypatch.undo()
        placed = await put_back(box, tmp_path / "copy.db")
        assert files.examine(placed.aside) == files.examine(box.state)
        store = Store.open(box.state, key=KEY)
        assert await store.restore.doubt() is not None
        store.close()

    def stop(*_):
        raise KeyboardInterrupt

    run(main())


def test_a_copy_made_while_the_service_writes_is_whole_and_of_one_moment(tmp_path, monkeypatch):
    """Between two steps of copying another connection commits: the copy has all of a transaction, or nothing."""
    state, copy = tmp_path / "state.db", tmp_path / "copy.db"
    store = Store.open(state, key=KEY)
    monkeypatch.setattr(files, "LOOK_EVERY", 50)
    written = 0

    def write(_):
        nonlocal written
        written += 1
        with store.db.tx("both") as c:
            for name in ("one", "other"):
                put_meta(c, name, f"{written} {'x' * 5000}")

    write(0)
    files.snapshot(state, copy, write)
    store.close()
    assert written > 3
    assert files.examine(copy) == files.examine(state)
    with closing(sqlite3.connect(copy)) as raw:
        held = dict(raw.execute("SELECT name, value FROM meta WHERE name IN ('one', 'other')"))
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert held["one"] == held["other"]
    assert int(held["one"].split()[0]) < written


def test_a_copy_that_is_stopped_or_finds_no_room_leaves_nothing(tmp_path, monkeypatch):
    Store.open(tmp_path / "state.db", key=KEY).close()
    monkeypatch.setattr(files, "LOOK_EVERY", 1)

    def stop(_):
        raise KeyboardInterrupt

    for error, told in ((KeyboardInterrupt, stop), (StateFull, lambda _: (_ for _ in ()).throw(OSError(28, "full")))):
        with pytest.raises(error):
            files.snapshot(tmp_path / "state.db", tmp_path / "copy.db", told)
        assert sorted(f.name for f in tmp_path.iterdir() if "copy" in f.name) == []
