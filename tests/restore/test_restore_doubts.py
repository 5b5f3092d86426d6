"""What may have happened in the time that was lost: looked up without keys too, parked where nobody can tell."""

from __future__ import annotations

import pytest

from connectors.base.model import CannotTell
from sync import restore
from sync.model import ItemState
from sync.store import Store
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
from tradepost.sandbox.virtual import run

UNKEYED = {("graph", "hubspot"): "c", ("gmail", "salesforce"): "unkeyed", ("gmail", "zoho"): "unkeyed"}
some_pair = pytest.mark.parametrize("pair", list(UNKEYED) if THOROUGH else list(UNKEYED)[:1], ids="-".join)


@some_pair
def test_without_keys_what_the_lost_time_wrote_is_recognised_twins_too(tmp_path, pair):
    async def main():
        box = box_of(tmp_path, pair, mode=UNKEYED[pair])
        await box.settle()
        restore.snapshot(box.state, tmp_path / "copy.db")
        await live(box, 4)
        twin = mail(box, 90)  # two mails of one sender, subject and second
        for raw in (twin, twin.replace(b"show90@", b"show91@")):
            box.post(raw)
        await box.settle()
        await box.clock.sleep(LATER)
        await box.settle()
        before, asked, sent = logged(box), tasks(box), box.writes()
        assert sum(before.values()) >= 4
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
        restore.snapshot(box.state, tmp_path / "copy.db")
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
        restore.snapshot(box.state, tmp_path / "copy.db")
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
        restore.snapshot(box.state, tmp_path / "copy.db")
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
        restore.snapshot(box.state, tmp_path / "copy.db")
        monkeypatch.setattr(restore, "put_aside", stop)
        with pytest.raises(KeyboardInterrupt):
            await put_back(box, tmp_path / "copy.db")
        restore.unstage(box.state)
        store = Store.open(box.state, key=KEY)
        assert await store.restore.doubt() is None
        store.close()
        monkeypatch.undo()
        placed = await put_back(box, tmp_path / "copy.db")
        assert restore.examine(placed.aside) == restore.examine(box.state)
        store = Store.open(box.state, key=KEY)
        assert await store.restore.doubt() is not None
        store.close()

    def stop(*_):
        raise KeyboardInterrupt

    run(main())


def test_a_copy_that_is_stopped_or_finds_no_room_leaves_nothing(tmp_path, monkeypatch):
    Store.open(tmp_path / "state.db", key=KEY).close()
    monkeypatch.setattr(restore, "LOOK_EVERY", 1)

    def stop(_):
        raise KeyboardInterrupt

    for error, told in ((KeyboardInterrupt, stop), (OSError, lambda _: (_ for _ in ()).throw(OSError(28, "full")))):
        with pytest.raises(error):
            restore.snapshot(tmp_path / "state.db", tmp_path / "copy.db", told)
        assert sorted(f.name for f in tmp_path.iterdir() if "copy" in f.name) == []
