"""Undo and erase while the service reads and writes: two at once, a backfill of the same mailbox, a person who writes."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from sync.eraser import Eraser
from sync.model import ItemState
from sync.undo import Way
from tests.cut.lives import THOROUGH
from tests.erase.office import places
from tests.sweep.scenario import mail
from tests.undo.office import backfill, old_mail, people, seen, small
from tradepost.sandbox.virtual import START, run
from tradepost.service.crew import Crew
from tradepost.service.desk import Desk

CARL = "carl@acme.example"
WHILE = 120.0  # seconds in which lanes that have nothing in their way are done
WAITS = (0.0, 2.0, 15.0) if THOROUGH else (2.0,)  # until somebody asks for a backfill


class Service:
    """The lanes of a daemon at work, and its desk."""

    def __init__(self, box):
        self.box = box

    async def __aenter__(self):
        self.opened = self.box.engine()
        self.engine = await self.opened.__aenter__()
        self.crew = Crew([*self.engine.mail, *self.engine.crm, self.engine.keeper], self.box.clock)
        self.desk = Desk(self.box.settings, self.engine)
        await self.crew.begun()
        return self

    async def __aexit__(self, *error):
        await self.crew.stop()
        await self.opened.__aexit__(*error)

    async def ask(self, **request):
        return [answer async for answer in self.desk.ask(request)]

    async def carried(self, first, again):
        """A command that looks on until its errand is over; its last answer."""
        request = first
        for _ in range(4000):
            (standing,) = await self.ask(**request)
            if not standing["open"] and standing.get("done", True):
                return standing
            request = again
            await self.box.clock.sleep(1.0)
        raise AssertionError(f"it never ends: {standing}")

    async def undo(self, runs):
        return await self.carried({"do": "undo", "runs": runs}, {"do": "undo", "runs": runs})

    async def erase(self, address):
        again = {"do": "erase", "address": address, "begin": False}
        return await self.carried({**again, "begin": True}, again)

    async def backfill(self):
        now, since = self.box.clock.now(), START - timedelta(days=400)
        windows = [
            {"mailbox": name, "since": since.isoformat(), "until": now.isoformat()} for name in self.engine.pullers
        ]
        return [answer["run"] for answer in await self.ask(do="backfill", windows=windows)]


def twice(box):
    """Mails that are in the CRM more than once."""
    return [subject for subject, n in Counter(one.subject for one in box.company.crm.mails()).items() if n > 1]


def subjects(box):
    return {one.subject for one in box.company.crm.mails()}


@pytest.mark.skipif(not THOROUGH, reason="with TRADEPOST_PAIRS=all")
def test_an_undo_given_twice_at_once_while_live_mail_comes_takes_back_once_and_nothing_else(tmp_path):
    async def main():
        box = small(tmp_path, "graph", "hubspot")
        ann, bob, carl = people(box)
        await old_mail(box, 4)
        runs = await backfill(box)
        async with Service(box) as service:

            async def write():
                for number in range(20, 23):
                    box.post(mail(number, box, carl, [ann, bob], f"Live {number}"))
                    await box.clock.sleep(7.0)

            first, second, _ = await asyncio.gather(service.undo(runs), service.undo(list(reversed(runs))), write())
            assert first == second
            assert (first["items"], first["stays"]) == (4, 0)
            await box.clock.sleep(WHILE)
            assert subjects(box) == {f"Live {number}" for number in range(20, 23)}
            assert await service.undo(runs) == first
        await box.settle()
        assert twice(box) == []
        assert {one for one, sums in (await box.coverage()).items() if sums["missing"]} == set()

    run(main())


def test_an_undo_given_twice_while_a_backfill_of_the_same_mailbox_goes_on_ends_with_each_mail_there_once_or_left_out(
    tmp_path,
):
    """Whichever comes first: what the backfill has read belongs to it; a later one brings the rest again."""

    async def main():
        for wait in WAITS:
            box = small(tmp_path / str(wait), "graph", "hubspot")
            await old_mail(box, 4)
            runs = await backfill(box)
            there = seen(box)
            async with Service(box) as service:

                async def meanwhile(box=box, service=service, wait=wait):
                    await box.clock.sleep(wait)
                    return await service.backfill()

                ended, again, later = await asyncio.gather(service.undo(runs), service.undo(runs[::-1]), meanwhile())
                assert (ended["open"], again["open"]) == (0, 0)
                await box.clock.sleep(WHILE)
                reports = await service.engine.store.undo.manifests(later)
                assert all(one.done for one in reports)
                theirs = Counter(one.way for one in await service.engine.store.undo.plan(later))
                items = await service.engine.store.report.items((ItemState.DONE,))
                logged = {one.mail for one in items if one.kind == "log_email"}
                assert len(logged) == box.activities() == theirs[Way.REMOVE], wait
                assert twice(box) == []
                await service.backfill()
                await box.clock.sleep(WHILE)
            await box.settle()
            assert seen(box) == there
            assert {one for one, sums in (await box.coverage()).items() if sums["missing"]} == set()
            async with box.engine() as engine:  # and all of it may be taken back again
                every = [one.run for one in await engine.store.undo.manifests() if one.kind == "backfill"]
                plan = await engine.store.undo.plan(every)
            assert Counter(one.way for one in plan) == {Way.REMOVE: 4}

    run(main())


@pytest.mark.skipif(not THOROUGH, reason="with TRADEPOST_PAIRS=all")
def test_who_writes_again_while_being_erased_is_not_brought_back_and_the_others_are_served(tmp_path):
    async def main():
        box = small(tmp_path, "graph", "hubspot")
        ann, bob, carl = people(box)
        box.company.crm.add_contact("Dora", "dora@acme.example")
        await old_mail(box, 4)
        await backfill(box)
        async with Service(box) as service:

            async def write():
                for number in range(30, 33):
                    box.post(mail(number, box, carl, [ann, bob], f"Of Carl {number}"))
                    box.post(mail(number + 100, box, "dora@acme.example", [ann, carl], f"Of Dora {number}"))
                    await box.clock.sleep(9.0)

            standing, _ = await asyncio.gather(service.erase(carl), write())
            assert standing["done"]
            await box.clock.sleep(WHILE)
            assert (await service.erase(carl))["done"]  # once more: nothing is left to do
        await box.settle()
        assert subjects(box) == {f"Of Dora {number}" for number in range(30, 33)}
        assert twice(box) == []
        assert places(box, CARL) == {}
        assert {one for one, sums in (await box.coverage()).items() if sums["missing"]} == set()
        async with box.engine() as engine:
            assert await Eraser(engine.store, engine.pullers, clock=box.clock).go_on()

    run(main())
