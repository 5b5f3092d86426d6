"""`tradepost erase`: erase a person from the CRM and from our state, shown before it is done.

The same command again goes on where it was, and tells what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from connectors.base.services import Log
from mappings.model import Own
from mappings.reading.participants import is_ours
from sync.store import Store
from sync.store.erasure import Erasure
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
from tradepost.views.erase import erasure_json, outcome_view, plan_view

STAYS = 3  # exit code: done, and something stays that a person must look at
COPIES = ("state.*.bak", "state-replaced-*.db*")  # what migrations, restore and rebuild leave beside the state

Ask = Callable[[Request], Awaitable[list[Answer]]]


def run(invocation: Invocation, *, address: str, plan: bool, yes: bool, as_json: bool) -> int:
    """0 when all is erased, 1 when it is not finished or not wanted, 3 when something stays, 130 when stopped."""
    settings = invocation.settings()
    require_state(settings)
    person = address.strip().lower()
    with looking(settings) as store:
        own = asyncio.run(own_of(settings, store))
        require_outsider(person, own)
        found = asyncio.run(store.erase.look(person, own))
    if plan:
        _show(invocation, settings, found, as_json=as_json, done=False)
        return 0
    if not yes:
        require_person(yes=yes)
        _show(invocation, settings, found, as_json=False, done=False)
        if not agreed(invocation.say("erase.ask"), yes=False):
            invocation.print(invocation.say("erase.left"))
            return 1
    with command_log(invocation, settings) as log:
        return asyncio.run(_Erase(invocation, settings, person, own, log).run(as_json=as_json))


async def own_of(settings: Settings, store: Store) -> Own:
    """Who we are: the configuration's addresses and domains, and what the providers have told of our mailboxes."""
    told = {address for mailbox in await store.mail.mailboxes() for address in mailbox.addresses}
    named = {*settings.company.extra_addresses, *(mailbox.address for mailbox in settings.mailboxes)}
    return Own(frozenset(told | named), frozenset(settings.company.domains))


def require_outsider(address: str, own: Own) -> None:
    """Raises `UserError` for what is no address, or one of ours."""
    local, _, domain = address.rpartition("@")
    if not local or not domain or any(c.isspace() or c in "<>,;\"'" for c in address):
        raise UserError(sentence("erase.no_address", address=address))
    if is_ours(address, own):
        raise UserError(sentence("erase.ours", address=address))


def copies_of(settings: Settings) -> list[Path]:
    """Older copies of the state in its folder."""
    return sorted(path for pattern in COPIES for path in settings.state_directory.glob(pattern))


def vendors(settings: Settings) -> Mapping[str, str]:
    """Each CRM connection's type."""
    return {name: account.common.type for name, account in settings.crm.items()}


def _show(invocation: Invocation, settings: Settings, found: Erasure, *, as_json: bool, done: bool) -> None:
    copies, kinds, language = copies_of(settings), vendors(settings), invocation.language
    if as_json:
        invocation.print_json(erasure_json(found, kinds, copies, language))
    else:
        view = outcome_view if done else plan_view
        invocation.print(view(found, kinds, copies, language))


class _Erase:
    """One call of the command."""

    def __init__(self, invocation: Invocation, settings: Settings, address: str, own: Own, log: Log) -> None:
        self._invocation = invocation
        self._settings = settings
        self._address = address
        self._own = own
        self._log = log
        self._clock = SystemClock()
        self._told: dict[str, str] = {}

    async def run(self, *, as_json: bool) -> int:
        served = await ask_service(self._settings, {"do": "progress", "runs": []}) is not None
        with until_stopped() as stop:
            ended = await (self._beside(stop) if served else self._alone(stop))
        if ended is None:
            name = "erase.service_goes_on" if served else "erase.stopped"
            self._invocation.err.print(self._invocation.say(name), soft_wrap=True)
            return INTERRUPTED
        with looking(self._settings) as store:
            found = await store.erase.look(self._address, self._own)
        _show(self._invocation, self._settings, found, as_json=as_json, done=True)
        ways = {one.way for one in found.items}
        if found.done_at is None or ways & {Way.WAIT, Way.REMOVE}:
            return 1
        return STAYS if found.records or Way.STAY in ways else 0

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
        """Have it begun, and look on until nothing is on its way, or what is stands still for a reason."""
        begin = True
        with progress(self._invocation.err, self._clock, self._invocation.language) as bars:
            while True:
                (standing,) = await ask({"do": "erase", "address": self._address, "begin": begin})
                begin = False
                done = int(standing["items"]) - int(standing["open"])
                bars.show(self._invocation.say("erase.working"), done, int(standing["items"]))
                lanes = [a for a in await ask({"do": "progress", "runs": []}) if "target" in a]
                for lane in lanes:
                    self._tell(lane)
                over = standing["done"] and not standing["open"]
                if over or all(not a["busy"] or a.get("state") == "paused" for a in lanes):
                    return True
                await self._clock.sleep(LOOK_EVERY)

    def _tell(self, lane: Answer) -> None:
        """Why a lane does not go on; each reason once."""
        name, _, rest = str(lane.get("code", "")).partition(" ")
        text = error_text(name, rest, str(lane.get("hint", "")), self._invocation.language) if name else ""
        if text and self._told.get(str(lane["target"])) != text:
            tell(self._invocation, str(lane["target"]), text)
        self._told[str(lane["target"])] = text
