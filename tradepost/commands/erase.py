"""`tradepost erase`: erase a person from the CRM and from our state, shown before it is done.

The same command again goes on where it was, and tells what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from connectors.base.services import Log
from mappings.model import Own
from mappings.reading.participants import is_ours
from sync.store import Store
from sync.store.erasure import Erasure
from sync.undo import Way
from tradepost.app import looking
from tradepost.commands.common import agreed, command_log, require_person, require_state
from tradepost.commands.errand import STAYS, Errand
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.service.desk import Request
from tradepost.views.erase import erasure_json, outcome_view, plan_view

COPIES = ("state.*.bak", "state-replaced-*.db*")  # what migrations, restore and rebuild leave beside the state


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
        return asyncio.run(_erase(invocation, settings, person, own, log, as_json=as_json))


async def own_of(settings: Settings, store: Store) -> Own:
    """Who we are: the configuration's addresses and domains, and what the providers have told of our mailboxes."""
    told = await store.mailboxes.addresses()
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


async def _erase(invocation: Invocation, settings: Settings, address: str, own: Own, log: Log, *, as_json: bool) -> int:
    again: Request = {"do": "erase", "address": address, "begin": False}
    with looking(settings) as store:
        mailboxes = await store.erase.mailboxes(address, own)
    errand = Errand(invocation, settings, log, "erase")
    stopped = await errand.carry({**again, "begin": True}, again, recount=mailboxes)
    if stopped is not None:
        return stopped
    with looking(settings) as store:
        found = await store.erase.look(address, own)
    _show(invocation, settings, found, as_json=as_json, done=True)
    ways = {one.way for one in found.items}
    if found.done_at is None or ways & {Way.WAIT, Way.REMOVE}:
        return 1
    return STAYS if found.records or Way.STAY in ways else 0
