"""A poisonous mail, feed or listing stops nothing else; a mailbox that was down for a month comes back by itself."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial

import pytest

from connectors.base.errors import BadReply, CursorExpired
from mappings.model import Reason
from sync import pull
from sync.coverage import Whereabouts
from sync.lanes import run_once
from sync.patience import WAITS
from sync.store.coverage import Kind
from tests.box import Box, day
from tests.paths.test_thick_mailboxes import mail
from tradepost.sandbox.company import empty
from tradepost.sandbox.virtual import START, run
from tradepost.service.crew import Crew

EVERY = os.environ.get("TRADEPOST_PAIRS") == "all"
LILY, BUYER = "lily@minghui-lighting.example", "klaus@nordlicht.example"


def one_mailbox(world, source):
    found = empty(world, mail=(source,))
    next(iter(found.mail.values())).add_mailbox(LILY, display_name="Lily")
    found.book.users[LILY] = found.crm.add_user(LILY, "Lily")
    found.crm.add_contact("Klaus", BUYER)
    return found


def box_of(folder, source="gmail"):
    poll = {"mail_seconds": 600, "crm_seconds": 600}
    return Box(folder, company=partial(one_mailbox, source=source), start=day(START, 5), poll=poll)


def expire(box, source):
    if source == "gmail":
        box.company.gmail.expire_history(LILY)
    else:
        box.company.host_of(LILY).vendor.expire_sync_state(LILY)


async def work(box, hours, wrap=lambda _: None):
    async with box.engine(wrap=wrap, synchronous="OFF") as engine:
        crew = Crew(engine.lanes, box.clock)
        await box.clock.sleep(hours * 3600)
        await crew.stop()


@pytest.mark.parametrize("source", ["gmail", "graph"][: 2 if EVERY else 1])
def test_a_mailbox_that_was_down_for_a_month_comes_back_without_a_person(tmp_path, source):
    async def main():
        box = box_of(tmp_path, source)
        box.post(mail(BUYER, LILY, 0), at=START - timedelta(days=2))
        await box.settle()
        for n in range(1, 11):
            await box.clock.sleep(3 * 86400)
            box.post(mail(BUYER, LILY, n, ago=-timedelta(days=3 * n)))
        expire(box, source)
        await work(box, 0.6)
        assert box.activities() == 11
        (sums,) = (await box.coverage()).values()
        assert (sums["listed"], sums[Whereabouts.SYNCED], sums[Whereabouts.MISSING]) == (11, 11, 0)
        async with box.engine() as engine:
            assert await engine.store.alarms.open() == ()
            assert await engine.store.coverage.differences(unmended=True) == ()

    run(main())


@pytest.mark.skipif(not EVERY, reason="with TRADEPOST_PAIRS=all; the rule itself is in test_alarm_rules.py")
def test_a_feed_that_expires_for_ever_is_taken_up_anew_a_bounded_number_of_times_and_told(tmp_path):
    async def main():
        box = box_of(tmp_path)
        await box.settle()
        baselines = []

        def spoil(engine):
            source = engine.sources[LILY]
            first = source.baseline

            async def baseline():
                baselines.append(box.clock.now())
                return await first()

            async def changes(cursor):
                raise CursorExpired("again")

            source.baseline, source.changes = baseline, changes

        box.post(mail(BUYER, LILY, 1))
        for hours in (0.3, 1, 4, 3):  # the daemon is up for moments only; what it did it remembers
            await work(box, 0.2, wrap=spoil)
            await box.clock.sleep(hours * 3600)
        await work(box, 0.2, wrap=spoil)
        assert len(baselines) == len(WAITS)
        async with box.engine() as engine:
            assert ("resyncs", LILY) in [(one.kind, one.subject) for one in await engine.store.alarms.open()]
        assert box.activities() == 1  # the listings have found it meanwhile
        await box.clock.sleep(25 * 3600)
        await work(box, 0.3)
        async with box.engine() as engine:
            assert await engine.store.alarms.open() == ()

    run(main())


@pytest.mark.parametrize("error", [KeyError("Dear Klaus"), BadReply("nonsense")][: 2 if EVERY else 1], ids=repr)
def test_a_page_of_changes_that_nobody_can_read_is_left_behind_and_its_gap_listed(tmp_path, error):
    async def main():
        box = box_of(tmp_path)
        box.forgives = True
        await box.settle()
        async with box.engine() as engine:
            poisoned = (await engine.store.mailboxes.get(LILY)).cursor

        def spoil(engine):
            source = engine.sources[LILY]
            real = source.changes

            async def changes(cursor):
                if cursor == poisoned:
                    raise error
                return await real(cursor)

            source.changes = changes

        box.post(mail(BUYER, LILY, 1))
        await work(box, 1, wrap=spoil)
        assert box.activities() == 1
        assert "Dear Klaus" not in repr(box.events.lines)

    run(main())


def test_a_mail_on_which_reading_breaks_is_parked_and_the_others_go_on(tmp_path, monkeypatch):
    real = pull.read

    def broken(message, **more):
        if "Number 1" in message.subject:
            raise KeyError(message.subject)
        return real(message, **more)

    monkeypatch.setattr(pull, "read", broken)

    async def main():
        box = box_of(tmp_path)
        await box.settle()
        for n in (1, 2):
            box.post(mail(BUYER, LILY, n))
        await work(box, 0.3)
        assert box.activities() == 1
        async with box.engine() as engine:
            ((_, _, reason),) = await engine.store.mail.unreadable()
        assert reason == Reason.MAIL_UNREADABLE
        assert "Number 1" not in repr(box.events.lines)

    run(main())


def test_a_listing_that_fails_for_ever_is_put_aside_and_counts_find_its_mail(tmp_path):
    async def main():
        box = box_of(tmp_path)
        box.post(mail(BUYER, LILY, 1), at=START - timedelta(days=2))

        def spoil(engine):
            source = engine.sources[LILY]
            real = source.history

            async def history(since, until, page):
                if until - since > timedelta(days=3):
                    raise BadReply("nonsense")
                return await real(since, until, page)

            source.history = history

        async def more(engine):
            crew = Crew(engine.lanes, box.clock)
            await box.clock.sleep(1200)
            box.post(mail(BUYER, LILY, 2))
            await box.clock.sleep(1200)
            await crew.stop()

        async with box.engine(wrap=spoil) as engine:
            await more(engine)
        assert box.activities() >= 1  # live mail is not held up
        assert "run.aside" in [event for _, event, _ in box.events.lines]

    run(main())


def test_what_is_deleted_without_a_word_is_found_by_a_count_and_asked_for_once(tmp_path):
    async def main():
        box = box_of(tmp_path)
        held = box.post(mail(BUYER, LILY, 1), at=START - timedelta(days=2))[LILY]
        await box.settle()
        box.company.host_of(LILY).delete_forever(LILY, held)

        def deaf(engine):
            source = engine.sources[LILY]

            async def changes(cursor):
                return pull.Changes((), cursor, more=False)

            source.changes = changes

        await work(box, 0.7, wrap=deaf)
        async with box.engine() as engine:
            (found,) = await engine.store.coverage.differences()
            assert (found.kind, found.provider_id, found.mended_at is not None) == (Kind.UNLISTED, held, True)
            assert await engine.store.mail.copies_of((await engine.store.report.find("1@mails.example"))[0]) == ()
            assert not await run_once(engine.mail, engine.crm)

    run(main())
