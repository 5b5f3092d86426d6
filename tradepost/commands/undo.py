"""`tradepost undo`: take back what a run has written, shown before it is done.

The same command again goes on where it was, and tells what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from connectors.base.services import Log
from sync.store.undo import Planned
from sync.undo import Way
from tradepost.app import looking, working
from tradepost.clock import SystemClock
from tradepost.commands.backfill import INTERRUPTED, LOOK_EVERY
from tradepost.commands.common import (
    agreed,
    ask_service,
    command_log,
    error_text,
    first_of,
    require_person,
    require_state,
    tell,
    until_stopped,
)
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.service.control import Answer
from tradepost.service.crew import Crew
from tradepost.service.desk import Desk, Request
from tradepost.terminal import progress
from tradepost.views.undo import manifests_json, manifests_table, outcome_json, outcome_view, plan_view

STAYS = 3  # exit code: done, and something stays that a person must look at

Ask = Callable[[Request], Awaitable[list[Answer]]]


def run(invocation: Invocation, *, runs: tuple[int, ...], plan: bool, yes: bool, as_json: bool) -> int:
    """0 when all is taken back, 1 when it is not finished or not wanted, 3 when something stays, 130 when stopped."""
    settings = invocation.settings()
    require_state(settings)
    with looking(settings) as store:
        found = asyncio.run(store.undo.manifests(runs or None))
        if wrong := sorted(set(runs) - {one.run for one in found}):
            raise UserError(sentence("undo.unknown", run=", ".join(map(str, wrong))))
        planned = asyncio.run(store.undo.plan(runs)) if runs else ()
    if not runs:
        if as_json:
            invocation.print_json(manifests_json(found))
        else:
            invocation.print(manifests_table(found, invocation.language))
        return 0
    if plan:
        _show(invocation, planned, as_json=as_json, done=False)
        return 0
    if not yes:
        require_person(yes=yes)
        invocation.print(plan_view(planned, invocation.language))
        if not agreed(invocation.say("undo.ask"), yes=False):
            invocation.print(invocation.say("undo.left"))
            return 1
    with command_log(invocation, settings) as log:
        return asyncio.run(_Undo(invocation, settings, runs, log).run(as_json=as_json))


def _show(invocation: Invocation, items: Sequence[Planned], *, as_json: bool, done: bool) -> None:
    language = invocation.language
    if as_json:
        invocation.print_json(outcome_json(items, language))
    else:
        invocation.print(outcome_view(items, language) if done else plan_view(items, language))


class _Undo:
    """One call of the command."""

    def __init__(self, invocation: Invocation, settings: Settings, runs: Sequence[int], log: Log) -> None:
        self._invocation = invocation
        self._settings = settings
        self._runs = list(runs)
        self._log = log
        self._clock = SystemClock()
        self._told: dict[str, str] = {}

    async def run(self, *, as_json: bool) -> int:
        served = await ask_service(self._settings, {"do": "progress", "runs": []}) is not None
        with until_stopped() as stop:
            ended = await (self._beside(stop) if served else self._alone(stop))
        if ended is None:
            name = "undo.service_goes_on" if served else "undo.stopped"
            self._invocation.err.print(self._invocation.say(name), soft_wrap=True)
            return INTERRUPTED
        with looking(self._settings) as store:
            items = await store.undo.plan(self._runs, undone=True)
        _show(self._invocation, items, as_json=as_json, done=True)
        if any(one.way in {Way.WAIT, Way.REMOVE, Way.RESTORE} for one in items):
            return 1
        return STAYS if any(one.way is Way.STAY for one in items) else 0

    async def _beside(self, stop: asyncio.Event) -> bool | None:
        async def ask(request: Request) -> list[Answer]:
            answers = await ask_service(self._settings, request)
            if answers is None:
                raise UserError(sentence("service.left"))
            return answers

        return await first_of(self._through(ask), stop.wait())

    async def _alone(self, stop: asyncio.Event) -> bool | None:
        async with working(self._settings, self._log) as engine:
            crew = Crew(engine.crm, self._clock)
            desk = Desk(self._settings, engine)

            async def ask(request: Request) -> list[Answer]:
                return [answer async for answer in desk.ask(request)]

            async def work() -> bool:
                await crew.begun()
                return await self._through(ask)

            try:
                return await first_of(work(), stop.wait(), crew.broken())
            finally:
                await crew.stop()  # raises what broke a lane

    async def _through(self, ask: Ask) -> bool:
        """Have the items taken up and look on until nothing is on its way, or what is stands still for a reason."""
        with progress(self._invocation.err, self._clock, self._invocation.language) as bars:
            while True:
                (standing,) = await ask({"do": "undo", "runs": self._runs})
                done = int(standing["items"]) - int(standing["open"])
                bars.show(self._invocation.say("undo.working"), done, int(standing["items"]))
                lanes = [a for a in await ask({"do": "progress", "runs": []}) if "target" in a]
                for lane in lanes:
                    self._tell(lane)
                if not standing["open"] or all(not a["busy"] or a.get("state") == "paused" for a in lanes):
                    return True
                await self._clock.sleep(LOOK_EVERY)

    def _tell(self, lane: Answer) -> None:
        """Why a lane does not go on; each reason once."""
        name, _, rest = str(lane.get("code", "")).partition(" ")
        text = error_text(name, rest, str(lane.get("hint", "")), self._invocation.language) if name else ""
        if text and self._told.get(str(lane["target"])) != text:
            tell(self._invocation, str(lane["target"]), text)
        self._told[str(lane["target"])] = text
