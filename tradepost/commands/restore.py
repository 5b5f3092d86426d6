"""`tradepost restore`: put a copy in the place of the state, and have looked up whatever may have happened since.

The state file is replaced in one step at the end; until then Ctrl-C leaves all as it was.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from connectors.base.errors import ConnectorError
from connectors.base.services import Log
from sync import restore
from sync.model import ItemState
from sync.store import NewerSchema, StateError, files
from sync.store.codec import Seal
from sync.store.restore import Survey
from tradepost.app import connections, holding, roomy, state_directory, state_key, usable
from tradepost.clock import SystemClock
from tradepost.commands.common import (
    agreed,
    close_all,
    command_log,
    error_text,
    interruptible,
    require_person,
    undisturbed,
)
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.daemon import open_targets, services_of, state_file
from tradepost.errors import UserError, reason
from tradepost.messages import sentence
from tradepost.service.desk import where

UNSENT = (ItemState.READY, ItemState.SENDING, ItemState.UNKNOWN)


def run(invocation: Invocation, *, file: Path, yes: bool, as_json: bool) -> int:
    """0 when the copy is in place, 1 when the person said no. Raises `UserError` for a copy that does not fit."""
    settings = invocation.settings()
    require_person(yes=yes)
    _require_file(file)
    with holding(settings), roomy(), interruptible():
        state, key = state_file(settings), state_key(settings, state_directory(settings))
        try:
            survey = asyncio.run(_staged(invocation, settings, file, key))
            if not yes:
                _tell_copy(invocation, survey)
                if not agreed(invocation.say("restore.ask"), yes=False):
                    invocation.print(invocation.say("restore.left"))
                    return 1
            names = [m.address for m in settings.mailboxes]
            placed = asyncio.run(
                restore.put_in_place(state, key, now=SystemClock().now(), mailboxes=names, swapping=undisturbed)
            )
        except files.InUse:
            raise UserError(sentence("restore.in_use", file=state)) from None
        except OSError as error:
            raise UserError(sentence("restore.failed", file=file, error=reason(error))) from None
        finally:
            restore.unstage(state)
    _tell(invocation, survey, placed, opens=_opens(survey, key), as_json=as_json)
    return 0


def _require_file(file: Path) -> None:
    try:
        there = file.is_file()
    except OSError as error:
        raise UserError(sentence("restore.failed", file=file, error=reason(error))) from None
    if not there:
        raise UserError(sentence("restore.no_file", file=file))


async def _staged(invocation: Invocation, settings: Settings, file: Path, key: bytes) -> Survey:
    """What is in the copy, when it is ours and can be used."""
    try:
        survey = await restore.stage(file, state_file(settings), key)
    except files.NotState as error:
        raise UserError(sentence("restore.no_state", file=file, error=error)) from None
    except NewerSchema as error:
        raise UserError(sentence("restore.newer", file=file, schema=error.schema)) from None
    except StateError as error:
        raise UserError(sentence("state.unusable", error=error)) from None
    if survey.mailboxes and not {m.address for m in settings.mailboxes}.intersection(survey.mailboxes):
        raise UserError(sentence("restore.other_company", file=file, mailbox=survey.mailboxes[0]))
    if survey.accounts and not survey.accounts.keys() & settings.crm.keys():
        raise UserError(
            sentence(
                "restore.other_crms", file=file, copy=", ".join(sorted(survey.accounts)), now=", ".join(settings.crm)
            )
        )
    with command_log(invocation, settings) as log:
        await _same_accounts(invocation, settings, survey, log)
    return survey


async def _same_accounts(invocation: Invocation, settings: Settings, survey: Survey, log: Log) -> None:
    """Every CRM must be the account that the copy was made of: its keys and record ids mean nothing elsewhere."""
    async with connections(settings, log, SystemClock()) as parts:
        with usable():
            targets = open_targets(settings, services_of(parts))
        try:
            for name in sorted(survey.accounts.keys() & targets.keys()):
                now = (await targets[name].check()).account_id
                if now and now != survey.accounts[name]:
                    raise UserError(sentence("restore.other_account", target=name, copy=survey.accounts[name], now=now))
        except ConnectorError as error:
            told = error_text(type(error).__name__, where(error), error.hint, invocation.language)
            raise UserError(sentence("restore.not_asked", target=name, error=told)) from None
        finally:
            await close_all({}, targets)


def _opens(survey: Survey, key: bytes) -> bool:
    return survey.sealed is None or Seal(key).open(survey.sealed) is not None


def _tell_copy(invocation: Invocation, survey: Survey) -> None:
    moment = f"{survey.last_known:%Y-%m-%d %H:%M} UTC" if survey.last_known else "-"
    done = survey.items.get(ItemState.DONE, 0)
    invocation.print(invocation.say("restore.copy", moment=moment, mails=survey.mails, done=done))


def _tell(invocation: Invocation, survey: Survey, placed: restore.Placed, *, opens: bool, as_json: bool) -> None:
    unsure = sum(survey.items.get(state, 0) for state in UNSENT)
    if as_json:
        invocation.print_json(
            {
                "copy_until": survey.last_known.isoformat() if survey.last_known else None,
                "mails": survey.mails,
                "items": {str(state): n for state, n in sorted(survey.items.items())},
                "to_look_up": unsure,
                "key_fits": opens,
                "replaced": str(placed.aside) if placed.aside else None,
            }
        )
        return
    _tell_copy(invocation, survey)
    invocation.print(invocation.say("restore.done", unsure=unsure, mailboxes=len(survey.mailboxes)))
    if not opens:
        invocation.print(invocation.say("restore.other_key"))
    if placed.aside:
        invocation.print(invocation.say("restore.aside", file=placed.aside))
    invocation.print(invocation.say("restore.next"))
