"""`tradepost run`: the daemon, or with `--once` what there is to do and an end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TextIO, cast

from connectors.base.errors import ConnectorError
from connectors.base.services import Log
from sync.coverage import Whereabouts
from sync.keeper import count
from sync.lanes import Trouble, run_once
from sync.model import ItemState
from sync.store import Store
from tradepost.app import working
from tradepost.clock import SystemClock
from tradepost.commands.common import ask_service, command_log, tell_error
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.daemon import COUNT_EVERY, Engine
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.service.worker import Surroundings, serve


def run(invocation: Invocation, *, once: bool) -> int:
    """The daemon ends with 0 when told to, 70 when it broke; `--once` with 1 when something was in the way."""
    if once:
        settings = invocation.settings()
        with command_log(invocation, settings) as log:
            return asyncio.run(_once(invocation, settings, log))
    return serve(
        Surroundings(
            load=invocation.settings,
            environ=invocation.environ,
            err=cast("TextIO", invocation.err.file),
            language=invocation.language,
            clock=SystemClock(),
        )
    )


async def _once(invocation: Invocation, settings: Settings, log: Log) -> int:
    # Beside a daemon this cannot say when all is done, so it only asks it to look now, and ends as a mistake.
    if await ask_service(settings, {"do": "poll"}) is not None:
        raise UserError(sentence("run.beside"))
    async with working(settings, log) as engine:
        before = await _sums(engine.store)
        troubles = [*await run_once(engine.mail, engine.crm), *await _keep_house(engine)]
        after = await _sums(engine.store)
    for trouble in troubles:
        tell_error(invocation, trouble.lane, trouble.error)
    done = {name: after[name] - before[name] for name in ("mails", "done")}
    invocation.print(invocation.say("run.summary", **done, open=after["open"], parked=after["parked"]))
    return 1 if troubles else 0


async def _keep_house(engine: Engine) -> list[Trouble]:
    """What the daemon does every few hours, when it is due: forget, count every mailbox, read what is missing."""
    now = engine.clock.now()
    recent = {
        report.mailbox
        for report in await engine.store.report.coverage()
        if now - report.counted_at < timedelta(seconds=COUNT_EVERY)
    }
    due = [name for name in engine.pullers if name not in recent]
    if not due:
        return []
    await engine.keeper_lane.forget()
    troubles: list[Trouble] = []
    missing = 0
    for name in due:
        try:
            report = await count(engine.store, engine.pullers[name], clock=engine.clock)
        except ConnectorError as error:
            troubles.append(Trouble(f"mail:{name}", error))
        else:
            missing += report.coverage[Whereabouts.MISSING] if report else 0
    return [*troubles, *(await run_once(engine.mail, engine.crm) if missing else ())]


async def _sums(store: Store) -> dict[str, int]:
    """Mails read, and items written, still open, parked."""
    items = await store.report.counts()

    def total(*states: ItemState) -> int:
        return sum(n for (_, _, state), n in items.items() if state in states)

    return {
        "mails": await store.report.mails_read(),
        "done": total(ItemState.DONE),
        "open": total(ItemState.READY, ItemState.SENDING, ItemState.UNKNOWN),
        "parked": total(ItemState.PARKED),
    }
