"""`tradepost rebuild`: after a total loss, read all mail again and recognise in the CRM what was written.

Stopped with Ctrl-C, the same command goes on; so does the service.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from sync import restore
from sync.model import ItemState
from sync.store import NewerSchema, StateError, StateFull, Store
from sync.store.files import InUse
from sync.store.restore import Survey
from tradepost.app import holding, looking, open_store, roomy, state_directory, state_key
from tradepost.clock import SystemClock
from tradepost.commands import backfill
from tradepost.commands.common import agreed, chosen_mailboxes, interruptible, require_person, undisturbed
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.daemon import state_file
from tradepost.errors import NoRoom, UserError, reason
from tradepost.messages import sentence


def run(invocation: Invocation, *, since: datetime | None, yes: bool, as_json: bool) -> int:
    """0 when all is read again and nothing is missing or parked, 130 when stopped. Raises `UserError`."""
    settings = invocation.settings()
    require_person(yes=yes)
    backfill.windows_of(settings, chosen_mailboxes(settings, ()), since, None, SystemClock().now())  # or a mistake
    with holding(settings), roomy():
        if not _begun(invocation, settings, yes=yes):
            invocation.print(invocation.say("rebuild.left"))
            return 1
    told: dict[str, int] = {}

    def end(well: bool) -> dict[str, int]:  # noqa: FBT001 - `backfill.End`
        told.update(_numbers(_end(settings, well=well)))
        return told

    chosen: dict[str, Any] = {"since": since, "until": None, "mailboxes": (), "command": "rebuild", "end": end}
    code = backfill.run(invocation, plan=False, yes=True, as_json=as_json, **chosen)
    if told and not as_json:
        invocation.print(invocation.say("rebuild.done", **told))
        if told["parked"]:
            invocation.print(invocation.say("rebuild.parked"))
    return 1 if told.get("parked") else code


def _numbers(survey: Survey) -> dict[str, int]:
    written = survey.items.get(ItemState.DONE, 0) - survey.recognised
    parked = survey.items.get(ItemState.PARKED, 0)
    return {"recognised": survey.recognised, "written": written, "parked": parked}


def _begun(invocation: Invocation, settings: Settings, *, yes: bool) -> bool:
    """Begin with an empty state, unless a rebuild is open already. False when the person does not want it."""
    state = state_file(settings)
    _require_no_newer(state)
    if state.exists() and asyncio.run(_open(settings)):
        invocation.err.print(invocation.say("rebuild.goes_on"), soft_wrap=True)
        return True
    if state.exists() and not yes:
        invocation.print(invocation.say("rebuild.there", file=state))
    if not agreed(invocation.say("rebuild.ask"), yes=yes):
        return False
    now = SystemClock().now()
    try:
        key = state_key(settings, state_directory(settings))
        with interruptible():
            aside = asyncio.run(restore.put_anew(state, key, now=now, swapping=undisturbed))
    except InUse:
        raise UserError(sentence("restore.in_use", file=state)) from None
    except OSError as error:
        raise UserError(sentence("restore.failed", file=state, error=reason(error))) from None
    if aside:
        invocation.err.print(invocation.say("restore.aside", file=aside), soft_wrap=True)
    return True


def _require_no_newer(state: Path) -> None:
    """A state that only a newer Tradepost can read is no loss."""
    if not state.exists():
        return
    try:
        Store.look(state).close()
    except NewerSchema as error:
        raise UserError(sentence("rebuild.newer", file=state, schema=error.schema)) from None
    except (StateError, StateFull):  # a loss indeed, or told in a moment
        return


async def _open(settings: Settings) -> bool:
    """Whether a rebuild has begun here; a file that cannot even be read is none."""
    try:
        with looking(settings) as store:
            return await store.restore.rebuilding()
    except UserError:
        return False


def _end(settings: Settings, *, well: bool) -> Survey:
    """What came of it; a rebuild that went well is over."""
    with looking(settings) as store:
        survey = asyncio.run(store.restore.survey())
    if well:
        try:
            with holding(settings), open_store(settings) as store:
                asyncio.run(store.restore.rebuilt())
        except NoRoom:
            raise
        except UserError:  # a service that was started meanwhile; the same command later finds nothing to do
            pass
    return survey
