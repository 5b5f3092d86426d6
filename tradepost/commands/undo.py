"""`tradepost undo`: take back what a run has written, shown before it is done.

The same command again goes on where it was, and tells what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connectors.base.services import Log
from sync.store.undo import Planned
from sync.undo import Way
from tradepost.app import looking
from tradepost.commands.common import agreed, command_log, require_person, require_state
from tradepost.commands.errand import STAYS, Errand
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.service.desk import Request
from tradepost.views.undo import manifests_json, manifests_table, outcome_json, outcome_view, plan_view


def run(invocation: Invocation, *, runs: tuple[int, ...], plan: bool, yes: bool, as_json: bool) -> int:
    """0 when all is taken back, 1 when it is not finished or not wanted, 3 when something stays, 130 when stopped."""
    settings = invocation.settings()
    require_state(settings)
    with looking(settings) as store:
        found = asyncio.run(store.undo.manifests(runs or None))
        if wrong := sorted(set(runs) - {one.run for one in found}):
            raise UserError(sentence("undo.unknown", run=", ".join(map(str, wrong))))
        planned = asyncio.run(store.undo.plan(runs)) if runs else ()
        mailboxes = asyncio.run(store.undo.mailboxes(runs))
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
        return asyncio.run(_undo(invocation, settings, runs, mailboxes, log, as_json=as_json))


def _show(invocation: Invocation, items: Sequence[Planned], *, as_json: bool, done: bool) -> None:
    language = invocation.language
    if as_json:
        invocation.print_json(outcome_json(items, language))
    else:
        invocation.print(outcome_view(items, language) if done else plan_view(items, language))


async def _undo(
    invocation: Invocation,
    settings: Settings,
    runs: Sequence[int],
    mailboxes: Sequence[str],
    log: Log,
    *,
    as_json: bool,
) -> int:
    request: Request = {"do": "undo", "runs": list(runs)}
    stopped = await Errand(invocation, settings, log, "undo").carry(request, request, recount=mailboxes)
    if stopped is not None:
        return stopped
    with looking(settings) as store:
        items = await store.undo.plan(runs, undone=True)
    _show(invocation, items, as_json=as_json, done=True)
    if any(one.way in {Way.WAIT, Way.REMOVE, Way.RESTORE} for one in items):
        return 1
    return STAYS if any(one.way is Way.STAY for one in items) else 0
