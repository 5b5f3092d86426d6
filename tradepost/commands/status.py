"""`tradepost status`: reads the state, beside the daemon or without one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sync.coverage import Whereabouts, Window
from sync.model import ItemState
from sync.store import Store
from sync.store.report import CoverageReport
from tradepost.app import looking
from tradepost.commands.common import ask_service, state_begun
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.views.history import Doings, doings_json, doings_view
from tradepost.views.status import Status, status_json, status_view

PARKED_SHOWN = 1000


def run(invocation: Invocation, *, as_json: bool) -> int:
    """0 when all is well; 1 when mail is missing or a lane is paused."""
    settings = invocation.settings()
    status, doings = asyncio.run(_seen(settings))
    if as_json:
        invocation.print_json({**doings_json(doings, invocation.language), **status_json(status, invocation.language)})
    else:
        invocation.print(status_view(status, invocation.language))
        invocation.print(doings_view(doings, invocation.language))
    missing = sum(report.coverage[Whereabouts.MISSING] for report in status.coverage)
    return 1 if missing or any(lane.state == "paused" for lane in status.lanes) else 0


async def _seen(settings: Settings) -> tuple[Status, Doings]:
    running = await ask_service(settings, {"do": "progress", "runs": []}) is not None
    addresses = [mailbox.address for mailbox in settings.mailboxes]
    if not state_begun(settings):
        return Status(coverage=()), Doings(running=running, uncounted=tuple(addresses))
    with looking(settings) as store:
        return await _read(store, settings, addresses, running=running)


async def _read(store: Store, settings: Settings, addresses: list[str], *, running: bool) -> tuple[Status, Doings]:
    """What the state holds of the mailboxes and targets that are configured now."""
    names = {"keeper", "alarms", *(f"mail:{a}" for a in addresses), *(f"target:{name}" for name in settings.crm)}
    coverage = tuple(report for report in await store.report.coverage() if report.mailbox in addresses)
    counted = {report.mailbox for report in coverage}
    status = Status(
        coverage=coverage,
        parked=await store.report.items([ItemState.PARKED], PARKED_SHOWN),
        lanes=tuple(lane for lane in await store.report.lanes() if lane.name in names),
        counts=await store.report.counts(),
    )
    paused = [(target, kind, why) for target in settings.crm for kind, why in (await _paused(store, target)).items()]
    doings = Doings(
        running=running,
        partly=await _partly(store, coverage),
        uncounted=tuple(address for address in addresses if address not in counted),
        runs=tuple(run for run in await store.mailboxes.runs() if not run.done),
        unreadable=await store.mail.unreadable(),
        paused_kinds=tuple(paused),
        missing_days={a: await store.coverage.days(a, missing=True) for a in addresses},
        alarms=await store.alarms.open(),
        untold=await store.alarms.untold(),
    )
    return status, doings


async def _partly(store: Store, coverage: Sequence[CoverageReport]) -> dict[str, tuple[int, int]]:
    """Mailboxes of which not every day is counted yet, with how many are, of how many."""
    found: dict[str, tuple[int, int]] = {}
    for report in coverage:
        days, counted = Window(report.since, report.until).days, await store.coverage.counted(report.mailbox)
        if left := sum(day not in counted for day in days):
            found[report.mailbox] = (len(days) - left, len(days))
    return found


async def _paused(store: Store, target: str) -> dict[str, str]:
    return {kind.value: why for kind, why in (await store.mirror.paused_kinds(target)).items()}
