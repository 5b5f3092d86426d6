"""Show: each alarm, provoked, arrives within fifteen simulated minutes on every channel, once, and clears.

By default some kinds meet one pair each, so that every CRM and both providers are met; TRADEPOST_PAIRS=all takes every
kind over all pairs.
"""

from __future__ import annotations

import os

import pytest

from sync.alarms import AlarmKind
from tests.alarms.office import Office
from tests.alarms.provoked import CASES, NAMES, Case, choking
from tradepost.sandbox.company import PAIRS
from tradepost.sandbox.virtual import run

WITHIN = 15  # minutes
EVERY = os.environ.get("TRADEPOST_PAIRS") == "all"
CHOSEN = [
    pytest.param(case, *pair, id=f"{name}-{'-'.join(pair)}")
    for n, (case, name) in enumerate(zip(CASES, NAMES, strict=True))
    if EVERY or case.ordinary
    for pair in (PAIRS if EVERY else [PAIRS[n % len(PAIRS)]])
    if pair[0] in case.sources
]


def test_every_kind_of_alarm_is_provoked():
    assert {case.kind for case in CASES} == set(AlarmKind)


def arrived(office: Office, case: Case) -> tuple:
    """What each channel has: webhook, command, tasks, number in the metrics file."""
    return (
        office.by_webhook(case.kind),
        office.by_command(case.kind),
        office.by_task(case.title),
        office.by_metrics(case.kind),
    )


@pytest.mark.parametrize(("case", "source", "crm"), CHOSEN)
def test_an_alarm_arrives_on_every_channel_once_over_restarts_and_clears(tmp_path, monkeypatch, case, source, crm):
    raised, cleared = ("raised", case.subject), ("cleared", case.subject)
    # A task cannot tell that its own CRM is away; it is made, and closed, when the CRM is back.
    told = ([raised], [raised], [(True, False)] if case.task else [], 1)
    over = ([raised, cleared], [raised, cleared], [(True, True)], 0)

    async def main():
        office = Office(tmp_path, monkeypatch, source=source, crm=crm, start=case.start, **case.alarms)
        await case.before(office)
        if case.at_start:
            await office.work(3)
            await case.wrong(office)
        with monkeypatch.context() as reader:
            choking(reader)
            async with office.working():
                if not case.at_start:
                    await office.wait(3)
                    await case.wrong(office)
                await office.wait(case.after)
                assert not case.after or office.kinds() == []
                await office.until(lambda: arrived(office, case) == told, WITHIN)
                assert arrived(office, case) == told
        async with office.working() as engine:
            await office.wait(4)
            assert arrived(office, case) == told
            if case.stopped is None:
                await case.mend(office, engine)
                await office.until(lambda: arrived(office, case) == over, case.fine + WITHIN)
                await office.wait(1)
        if case.stopped is not None:
            await case.stopped(office)
            async with office.working():
                await office.until(lambda: arrived(office, case) == over, WITHIN)
        assert arrived(office, case) == over
        assert office.kinds() == [case.kind]

    run(main())
