"""A mistake of ours, or one poisonous mail, pauses or parks what it touches: told, bounded, and never in its words."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from itertools import pairwise
from random import Random
from types import SimpleNamespace

import pytest
from rich.console import Console

from connectors.base.errors import BadReply, Transient
from connectors.base.model import Absent, Partial
from mappings.model import Reason
from sync import outbox
from sync.lanes import Bell, LaneRunner
from sync.mirror import Mirror
from sync.model import ItemState
from sync.outbox import MOST_TRIES, OnUnknown, after_failed_lookup, after_lookup, together
from tests.alarms.office import LILY, Office
from tests.box import Events
from tests.commands.test_crew import Lane
from tradepost.messages import Language
from tradepost.sandbox.virtual import START, VirtualClock, run
from tradepost.views.history import Doings, doings_view
from tradepost.views.status import Status, status_view

WORDS = "Dear Klaus, the price is 12"


def shown(view) -> str:
    console = Console(width=400)
    with console.capture() as caught:
        console.print(view)
    return caught.get()


def test_a_lane_that_breaks_pauses_longer_each_time_and_works_again_when_it_is_mended():
    async def main():
        clock, states, tries, log = VirtualClock(), [], [], Events()
        mended = START + timedelta(hours=20)

        async def broken():
            if clock.now() < mended:
                tries.append(clock.now())
                raise KeyError(WORDS)

        async def put_lane(state):
            states.append(state)

        store = SimpleNamespace(report=SimpleNamespace(put_lane=put_lane))
        runner = LaneRunner(Lane("a", step=broken), store, clock=clock, random=Random(1), log=log, bell=Bell())
        stop = asyncio.Event()
        working = asyncio.create_task(runner.run(stop))
        await clock.sleep(timedelta(hours=23).total_seconds())
        stop.set()
        await working
        return states, tries, log.lines

    states, tries, lines = run(main())
    waits = [b - a for a, b in pairwise(tries)]
    assert timedelta(minutes=2) <= waits[0] <= timedelta(minutes=3)
    assert waits[4] > 8 * waits[0]
    assert max(waits) <= timedelta(hours=2.5)
    assert len(tries) < 20
    assert {(s.state, s.code.split()[:2] == ["Mistake", "KeyError"]) for s in states[: len(tries)]} == {
        ("paused", True)
    }
    assert len({s.code for s in states[: len(tries)]}) == 1  # one mistake, one number
    assert states[-1].state == "running"
    assert WORDS not in repr((states, lines))
    assert "test_mistakes.py" in repr(lines)


def test_a_state_that_cannot_even_be_told_does_not_end_the_lane():
    async def main():
        clock, tries = VirtualClock(), []

        async def broken():
            tries.append(1)
            raise KeyError(WORDS)

        async def put_lane(_):
            raise OSError("no")

        store = SimpleNamespace(report=SimpleNamespace(put_lane=put_lane))
        runner = LaneRunner(Lane("a", step=broken), store, clock=clock, random=Random(1), log=Events(), bell=Bell())
        stop = asyncio.Event()
        working = asyncio.create_task(runner.run(stop))
        await clock.sleep(3600)
        assert not working.done()
        stop.set()
        await working
        return len(tries)

    assert run(main()) > 2


def test_a_broken_lane_is_told_shown_in_both_languages_and_cleared(tmp_path, monkeypatch):
    async def main():
        office = Office(tmp_path, monkeypatch)
        office.forgives = True

        async def broken(self):
            raise KeyError(WORDS)

        with monkeypatch.context() as bug:
            bug.setattr(Mirror, "refresh", broken)
            async with office.working() as engine:
                await office.wait(6)
                status = Status(coverage=(), lanes=await engine.store.report.lanes())
                doings = Doings(alarms=await engine.store.alarms.open())
        assert office.by_webhook("lane_paused") == [("raised", "target:crm")]
        text = "\n".join(shown(view) for view in (status_view(status, Language.EN), doings_view(doings, Language.EN)))
        assert text.count("A mistake in Tradepost itself") == 2
        assert "KeyError" in text
        assert "Tradepost 自身出错" in shown(status_view(status, Language.ZH))
        await office.work(12)
        assert office.by_webhook("lane_paused")[1:] == [("cleared", "target:crm")]
        assert WORDS not in repr((office.events.lines, office.documents(), text))

    run(main())


# ------------------------------------------------------------------------------------------------------------- poison


def test_a_mail_on_which_writing_breaks_is_parked_after_bounded_tries_and_the_others_are_written(tmp_path, monkeypatch):
    async def main():
        office = Office(tmp_path, monkeypatch, settle_seconds=60)
        monkeypatch.setattr(outbox, "LONGEST_WAIT", timedelta(minutes=1))
        office.forgives, calls = True, []

        def spoil(engine):
            target = engine.targets["crm"]
            real = target.write_many

            async def write_many(attempts):
                calls.append([getattr(one.write, "subject", "") for one in attempts])
                if "Number 1" in calls[-1]:
                    raise KeyError(WORDS)
                return await real(attempts)

            target.write_many = write_many

        for n in range(5):
            office.post(office.letter(n, ago=timedelta(0)))
        async with office.working(spoil):
            await office.wait(40)
        assert office.activities() == 4
        assert len([call for call in calls if "Number 1" in call]) == MOST_TRIES
        assert calls[-1] == ["Number 1"] or "Number 1" not in calls[-1]
        async with office.engine() as engine:
            (item,) = await engine.store.report.items([ItemState.PARKED])
        assert (item.reason, item.tries) == (Reason.TRIES_EXHAUSTED, MOST_TRIES)
        assert WORDS not in repr((office.events.lines, item))

    run(main())


EVERY = os.environ.get("TRADEPOST_PAIRS") == "all"


@pytest.mark.parametrize(
    "error", [Transient("down"), KeyError(WORDS)][not EVERY :], ids=["refused", "mistake"][not EVERY :]
)
def test_a_mail_that_can_never_be_fetched_is_parked_although_new_mail_keeps_coming(tmp_path, monkeypatch, error):
    async def main():
        office = Office(tmp_path, monkeypatch)
        office.forgives, asked = True, []
        await office.work(1)

        def spoil(engine):
            source = engine.sources[LILY]
            real = source.fetch

            async def fetch(ids):
                if poison in ids:
                    asked.append(tuple(ids))
                    raise error
                return await real(ids)

            source.fetch = fetch

        (poison,) = office.post(office.letter("poison", ago=timedelta(0))).values()
        async with office.working(spoil):
            for n in range(5):
                office.post(office.letter(n, ago=timedelta(0)))
                await office.wait(9 if EVERY else 3)
            await office.wait(6)
        assert office.activities() == 5
        assert len(asked) <= 7
        assert asked[-1] == (poison,)
        async with office.engine() as engine:
            ((_, held, reason),) = await engine.store.mail.unreadable()
        assert (held, reason) == (poison, Reason.MAIL_UNREADABLE)

    run(main())


def test_what_is_never_found_is_not_sent_for_ever():
    sends = [
        after_lookup(finding, now=START, on_unknown=OnUnknown.PARK, tries=tries)
        for finding in (Absent(), Partial("1", (), ("link",)))
        for tries in (0, MOST_TRIES - 2, MOST_TRIES - 1)
    ]
    assert [one.state for one in sends] == [ItemState.READY, ItemState.READY, ItemState.PARKED] * 2
    assert all(one.count_try for one in sends)
    assert sends[-1].reason is Reason.TRIES_EXHAUSTED


def test_a_crm_that_takes_nothing_for_hours_is_outlasted():
    waits = [
        after_lookup(Absent(), now=START, on_unknown=OnUnknown.PARK, tries=tries).due_at - START
        for tries in range(MOST_TRIES - 1)
    ]
    assert waits[0] == timedelta()
    assert waits == sorted(waits)
    assert sum(waits, timedelta()) > timedelta(hours=4)


def test_a_look_up_that_only_breaks_is_bounded_and_an_absent_crm_leaves_tries_for_sending():
    def failed(error, tries):
        return after_failed_lookup(error, tries=tries, now=START, random=Random(1))

    assert failed(BadReply("nonsense"), MOST_TRIES - 1).reason is Reason.OUTCOME_UNKNOWN
    assert failed(BadReply("nonsense"), 3).count_try
    assert failed(Transient("down"), 50).state is ItemState.UNKNOWN
    assert failed(Transient("down"), 1).count_try
    assert not failed(Transient("down"), MOST_TRIES // 2).count_try


def test_poison_in_a_batch_is_alone_before_its_tries_are_used_up():
    assert [together(tries, 200) for tries in (0, 2, 3, 4)] == [200, 200, 100, 50]
    assert together(MOST_TRIES - 2, 200) == 1
    assert together(0, 1) == together(50, 1) == 1


# ----------------------------------------------------------------------------------------------------------- channels


def test_channels_that_refuse_are_tried_a_bounded_number_of_times_and_status_says_so(tmp_path, monkeypatch):
    async def main():
        ends = [{"connection": "crm", "ends": START.date() + timedelta(days=3)}]
        patient = {"cursor_hours": 720, "waiting_hours": 720}
        office = Office(tmp_path, monkeypatch, credentials=ends, limits=patient)
        (tmp_path / "refuse").touch()
        office.receiver.refuse, office.receiver.status, office.program.hangs = 1000, 500, 1
        office.fault("salesforce", "*", "status", status=503, times=1_000_000)
        await office.work(6)
        async with office.engine() as engine:
            untold = await engine.store.alarms.untold()
            told = shown(doings_view(Doings(untold=untold), Language.EN))
            assert {one.channel for one in untold} == {"command", "task", "webhook"}
            assert all(one.again is not None and 1 < one.tries < 8 for one in untold)
            assert told.count("could not be told on the channel") == 3
            for _ in range(20):
                await office.clock.sleep(7200)
                await engine.alarm_lane.look()
            untold = await engine.store.alarms.untold()
        assert [(one.channel, one.tries, one.again) for one in untold] == [
            (name, MOST_TRIES, None) for name in ("command", "task", "webhook")
        ]
        assert (office.receiver.asked, office.program.started, office.program.killed) == (MOST_TRIES, MOST_TRIES, 1)
        assert shown(doings_view(Doings(untold=untold), Language.EN)).count("was given up on the channel") == 3
        assert shown(doings_view(Doings(untold=untold), Language.ZH)).count("已放弃") == 3

    run(main())


def test_channels_that_are_mended_in_time_get_the_alarm_once_and_signed(tmp_path, monkeypatch):
    async def main():
        ends = [{"connection": "crm", "ends": START.date() + timedelta(days=3)}]
        office = Office(tmp_path, monkeypatch, credentials=ends)
        office.receiver.refuse, office.program.hangs = 3, 1
        await office.work(12)
        assert office.by_webhook("credential") == office.by_command("credential") == [("raised", "crm")]
        ((document, headers, body),) = office.receiver.got
        assert document["title"] == "Tradepost: the sign-in of crm ends soon"
        assert headers["x-tradepost-signature"] == office.signature(body)

    run(main())


def test_what_leaves_by_webhook_command_and_metrics_names_no_mail_and_no_secret(tmp_path, monkeypatch):
    async def main():
        office = Office(tmp_path, monkeypatch, limits={"parked_a_day": 1})
        crm = office.company.crm
        crm.org.add_validation_rule("EmailMessage", lambda row: True, WORDS)
        office.post(office.letter("secret", ago=timedelta(0)))
        await office.work(8)
        assert office.by_webhook("parked") == [("raised", "crm")]
        left = repr((office.receiver.got, office.documents()))
        assert not [word for word in ("klaus", "Number", WORDS, "key of the hook", "secret@mails") if word in left]
        metrics = (tmp_path / "tradepost.prom").read_text()
        assert "@" not in metrics
        assert not list(tmp_path.glob(".tradepost*"))

    run(main())
