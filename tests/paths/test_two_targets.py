"""One mailbox goes to two CRMs: what one of them suffers is nothing to the other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.box import Box
from tests.paths.test_main_path import letter
from tradepost.sandbox.company import CRMS, exporter
from tradepost.sandbox.virtual import run

WEEK = timedelta(days=7)
EVERY = timedelta(hours=12)


@pytest.mark.skipif(len(CRMS) < 2, reason="There is one simulated CRM only.")
@pytest.mark.parametrize("down", list(CRMS))
def test_a_crm_that_is_down_for_a_week_delays_no_other_and_catches_up(tmp_path, down):
    other = next(name for name in CRMS if name != down)

    async def main():
        box = Box(tmp_path, company=lambda world: exporter(world, crms=(down, other)))
        await box.settle()
        begun, number, late = box.clock.now(), 0, []
        box.fault(down, "*", "status", status=503, times=10**6)
        async with box.engine() as engine:
            while box.clock.now() - begun < WEEK:
                number += 1
                box.post(letter(box, "klaus", ["lily"], f"While one is down {number}"))
                for runner in (*engine.mail, *engine.crm):
                    runner.lane.poll_now()
                await box.once(engine)
                late.append(number - len(box.company.crms[other].mails()))
                await box.clock.sleep(EVERY.total_seconds())
        assert box.company.crms[down].mails() == ()
        box.world.faults.clear()
        await box.settle()
        return number, late, {name: [m for m, _ in box.company.logged(name)] for name in box.company.crms}

    number, late, logged = run(main())
    assert number == 14
    assert set(late) == {0}
    for mails in logged.values():
        assert len(mails) == len(set(mails)) == number
