"""`tradepost setup`: what a CRM lacks, shown, then made."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

from connectors.base.crm import CrmTarget, Provisioning
from connectors.base.errors import ConnectorError
from connectors.base.services import Log
from tradepost.app import connections, usable
from tradepost.clock import SystemClock
from tradepost.commands.common import agreed, close_all, command_log, require_person, tell, tell_error
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.daemon import open_targets, services_of
from tradepost.views.words import words


def run(invocation: Invocation, *, yes: bool) -> int:
    """0 when every CRM has what it needs, 1 when something could not be made, or the person said no."""
    settings = invocation.settings()
    with command_log(invocation, settings) as log:
        return asyncio.run(_set_up(invocation, settings, log, yes=yes))


async def _set_up(invocation: Invocation, settings: Settings, log: Log, *, yes: bool) -> int:
    async with connections(settings, log, SystemClock()) as parts:
        with usable():
            targets = open_targets(settings, services_of(parts))
        try:
            return await _each(invocation, targets, yes=yes)
        finally:
            await close_all({}, targets)


async def _each(invocation: Invocation, targets: Mapping[str, CrmTarget], *, yes: bool) -> int:
    well = True
    for name, target in targets.items():
        if not hasattr(target, "plan_setup"):
            invocation.print(invocation.say("setup.none_needed", target=name))
            continue
        try:
            well = await _one(invocation, name, cast("Provisioning", target), yes=yes) and well
        except ConnectorError as error:
            tell_error(invocation, name, error)
            well = False
    return 0 if well else 1


async def _one(invocation: Invocation, name: str, target: Provisioning, *, yes: bool) -> bool:
    """Whether one CRM has what it needs now."""
    steps = await target.plan_setup()
    if not steps:
        invocation.print(invocation.say("setup.nothing", target=name))
        return True
    invocation.print(invocation.say("setup.plan", target=name))
    for step in steps:
        invocation.print(f"  - {words(step, invocation.language)}")
    require_person(yes=yes)
    if not agreed(invocation.say("setup.ask", target=name), yes=yes):
        invocation.print(invocation.say("setup.left"))
        return False
    problems = await target.apply_setup()
    for problem in problems:
        told = (words(part, invocation.language) for part in (problem.what, problem.mend))
        tell(invocation, name, " ".join(told))
    if not problems:
        invocation.print(invocation.say("setup.done", target=name))
    return not problems
