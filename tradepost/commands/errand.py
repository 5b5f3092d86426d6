"""What a command has done at the desk of the service, or here where none runs, watched until nothing is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from connectors.base.services import Log
from tradepost.app import working
from tradepost.clock import SystemClock
from tradepost.commands.backfill import INTERRUPTED, LOOK_EVERY
from tradepost.commands.common import ask_service, error_text, first_of, patience_text, tell, until_stopped
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.service.control import Answer
from tradepost.service.crew import Crew
from tradepost.service.desk import Desk, Request
from tradepost.terminal import progress

STAYS = 3  # exit code: done, and something stays that a person must look at

Ask = Callable[[Request], Awaitable[list[Answer]]]


class Errand:
    """One request to the desk, asked again until its answer has nothing open.

    `words`: whose messages tell of it (`working`, `stopped`, `service_goes_on`). Its answer holds `items`, `open` and,
    where more than items must end, `done`.
    """

    def __init__(self, invocation: Invocation, settings: Settings, log: Log, words: str) -> None:
        self._invocation = invocation
        self._settings = settings
        self._log = log
        self._words = words
        self._clock = SystemClock()
        self._told: dict[str, str] = {}
        self._recount: list[str] = []

    async def carry(self, first: Request, again: Request, *, recount: Sequence[str] = ()) -> int | None:
        """None when it ended, with all or what stands still for a reason; the exit code when a person stopped it.

        `recount`: mailboxes in which mails are elsewhere now than the last count says.
        """
        self._recount = list(recount)
        served = await ask_service(self._settings, {"do": "progress", "runs": []}) is not None
        with until_stopped() as stop:
            ended = await (self._beside if served else self._alone)(stop, first, again)
        if ended is not None:
            return None
        name = f"{self._words}.service_goes_on" if served else f"{self._words}.stopped"
        self._invocation.err.print(self._invocation.say(name), soft_wrap=True)
        return INTERRUPTED

    async def _beside(self, stop: asyncio.Event, first: Request, again: Request) -> bool | None:
        async def ask(request: Request) -> list[Answer]:
            answers = await ask_service(self._settings, request)
            if answers is None:
                raise UserError(sentence("service.left"))
            return answers

        return await first_of(self._through(ask, first, again), stop.wait())

    async def _alone(self, stop: asyncio.Event, first: Request, again: Request) -> bool | None:
        async with working(self._settings, self._log) as engine:
            crew = Crew(engine.crm, self._clock)
            desk = Desk(self._settings, engine)

            async def ask(request: Request) -> list[Answer]:
                return [answer async for answer in desk.ask(request)]

            async def work() -> bool:
                await crew.begun()
                return await self._through(ask, first, again)

            try:
                return await first_of(work(), stop.wait(), crew.broken())
            finally:
                await crew.stop()  # raises what broke a lane

    async def _through(self, ask: Ask, first: Request, again: Request) -> bool:
        """Have it begun, and look on until nothing is on its way, or what is stands still for a reason."""
        request = first
        with progress(self._invocation.err, self._clock, self._invocation.language) as bars:
            while True:
                (standing,) = await ask(request)
                request = again
                items, left = int(standing["items"]), int(standing["open"])
                bars.show(self._invocation.say(f"{self._words}.working"), items - left, items)
                lanes = [a for a in await ask({"do": "progress", "runs": []}) if "target" in a]
                for lane in lanes:
                    self._tell(lane)
                over = not left and standing.get("done", True)
                if over or all(not a["busy"] or a.get("state") == "paused" for a in lanes):
                    break
                await self._clock.sleep(LOOK_EVERY)
        if self._recount:
            await ask({"do": "count", "mailboxes": self._recount})  # one that cannot be asked now is counted later
        return True

    def _tell(self, lane: Answer) -> None:
        """Why a lane does not go on; each reason once."""
        name, _, rest = str(lane.get("code", "")).partition(" ")
        language = self._invocation.language
        patience = patience_text(lane, self._settings, language)
        text = error_text(name, rest, str(lane.get("hint", "")), language) if name else patience
        if text and self._told.get(str(lane["target"])) != text:
            tell(self._invocation, str(lane["target"]), text)
        self._told[str(lane["target"])] = text
