"""What an account can do may get less: that kind of write pauses, until it is back or a person has seen it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.base.model import Capability, WriteKind
from sync.lanes import ASK_AGAIN
from sync.model import ItemState
from tests.box import Box, day
from tests.sweep.scenario import Plan, company, mail
from tradepost.sandbox.virtual import START, run


class Account:
    """Makes every engine's target answer `check` with less than there is, as long as `less` says so."""

    def __init__(self, less):
        self.less = less

    def __call__(self, engine):
        (target,) = engine.targets.values()
        check = target.check

        async def checked():
            found = await check()
            return replace(found, capabilities=found.capabilities | self.less)

        target.check = checked


def box_of(tmp_path):
    return Box(tmp_path, company=lambda world: company(world, Plan()), start=day(START, 30))


def enquiry(box, number=1):
    return mail(number, box, "carl@acme.example", [f"ann@{box.company.domain}"], "How much are lamps")


async def paused(engine):
    return await engine.store.mirror.paused_kinds(next(iter(engine.targets)))


@pytest.mark.parametrize("gone", [Capability(exists=False), Capability()], ids=["the kind", "its key"])
def test_what_one_wrong_answer_took_away_is_given_back_by_the_next(tmp_path, gone):
    async def main():
        box, account = box_of(tmp_path), Account({})
        await box.settle()
        account.less = {WriteKind.LOG_EMAIL: gone}
        box.post(enquiry(box))
        async with box.engine(wrap=account) as engine:
            await box.once(engine)
            while_less = await paused(engine), len(box.company.crm.mails())
            account.less = {}
            await box.clock.sleep(ASK_AGAIN.total_seconds())
            await box.once(engine)
            return while_less, (await paused(engine), len(box.company.crm.mails()))

    (kinds, before), after = run(main())
    assert (list(kinds), before) == ([WriteKind.LOG_EMAIL], 0)
    assert after == ({}, 1)


def test_what_stays_away_is_paused_through_restarts_until_a_person_says_so(tmp_path):
    async def main():
        box, account = box_of(tmp_path), Account({WriteKind.LOG_EMAIL: Capability()})
        await box.settle()
        box.post(enquiry(box))
        seen = []
        for _ in range(3):
            async with box.engine(wrap=account) as engine:
                await box.once(engine)
                seen.append((dict(await paused(engine)), len(box.company.crm.mails())))
            await box.clock.sleep(timedelta(hours=1).total_seconds())
        async with box.engine(wrap=account) as engine:
            await engine.store.mirror.resume_kinds(next(iter(engine.targets)))
            await box.once(engine)
            ready = [i for i in await engine.store.report.items((ItemState.READY,)) if i.kind == "log_email"]
            return seen, await paused(engine), len(box.company.crm.mails()), ready

    seen, kinds, mails, ready = run(main())
    assert seen == [({WriteKind.LOG_EMAIL: "unique_key"}, 0)] * 3
    assert (kinds, mails, ready) == ({}, 1, [])


def test_a_right_that_was_forgotten_is_noticed_when_it_is_granted_and_the_reminder_is_made(tmp_path):
    async def main():
        box, account = box_of(tmp_path), Account({WriteKind.CREATE_TASK: Capability(exists=False)})
        async with box.engine(wrap=account) as engine:
            await box.once(engine)
            box.post(enquiry(box))
            await box.clock.sleep(timedelta(minutes=6).total_seconds())
            await box.once(engine)
            before = len(box.company.crm.mails()), len(box.company.crm.tasks()), await paused(engine)
            account.less = {}
            for _ in range(8):
                await box.clock.sleep(timedelta(minutes=10).total_seconds())
                await box.once(engine)
            return before, (len(box.company.crm.mails()), len(box.company.crm.tasks()))

    before, after = run(main())
    assert before == (1, 0, {})
    assert after == (1, 1)


def test_while_nothing_changes_the_account_is_asked_once_an_hour(tmp_path):
    async def main():
        box, account = box_of(tmp_path), Account({WriteKind.CREATE_TASK: Capability(exists=False)})
        async with box.engine(wrap=account) as engine:
            (target,) = engine.targets.values()
            asked, check = [], target.check

            async def counted():
                asked.append(box.clock.now())
                return await check()

            target.check = counted
            for _ in range(4 * 6):
                await box.once(engine)
                await box.clock.sleep(600)
            return asked

    assert 5 <= len(run(main())) <= 8
