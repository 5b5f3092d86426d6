"""`tradepost export`: all that is held about one person, for whoever asks for it."""

from __future__ import annotations

import asyncio

from tradepost.app import looking, state_directory, state_key
from tradepost.commands.common import require_state
from tradepost.commands.erase import own_of, require_outsider
from tradepost.commands.invocation import Invocation
from tradepost.views.export import export_json, export_view


def run(invocation: Invocation, *, address: str, as_json: bool) -> int:
    """0; what is held about nobody is told too. Raises `UserError`."""
    settings = invocation.settings()
    require_state(settings)
    person = address.strip().lower()
    with looking(settings) as store:
        own = asyncio.run(own_of(settings, store))
    require_outsider(person, own)
    with looking(settings, key=state_key(settings, state_directory(settings))) as store:
        held = asyncio.run(store.export.held(person, own))
    if as_json:
        invocation.print_json(export_json(held, invocation.language))
    else:
        invocation.print(export_view(held, invocation.language))
    return 0
