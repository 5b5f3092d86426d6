"""`tradepost preview`: what would be written, from the state alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sync.model import ItemState
from sync.store.report import ItemReport
from tradepost.app import looking
from tradepost.commands.common import state_begun
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.views.status import counts_table
from tradepost.views.writes import preview_json, preview_view

Counts = Mapping[tuple[str, str, str], int]


def run(invocation: Invocation, *, limit: int, as_json: bool) -> int:
    """Shows up to `limit` writes that wait to be sent, and how many there are of each kind."""
    settings = invocation.settings()
    begun = state_begun(settings)
    items, counts = asyncio.run(_waiting(settings, limit)) if begun else ((), {})
    if as_json:
        kinds = [{"target": t, "kind": k, "count": n} for (t, k, _), n in sorted(counts.items())]
        invocation.print_json({**preview_json(items), "counts": kinds, "writes_off": _off(settings)})
        return 0
    if not begun:
        invocation.print(invocation.say("preview.not_begun"))
        return 0
    if counts:
        invocation.print(counts_table(counts, invocation.language))
    invocation.print(preview_view(items, invocation.language))
    total = sum(counts.values())
    if total > len(items):
        invocation.print(invocation.say("preview.first", shown=len(items), total=total))
    off = _off(settings)
    invocation.print(invocation.say("preview.off", targets=", ".join(off)) if off else invocation.say("preview.on"))
    return 0


def _off(settings: Settings) -> list[str]:
    return [name for name, account in settings.crm.items() if account.common.writes == "off"]


async def _waiting(settings: Settings, limit: int) -> tuple[tuple[ItemReport, ...], Counts]:
    with looking(settings) as store:
        counts = await store.report.counts()
        ready = {key: number for key, number in counts.items() if key[2] == ItemState.READY}
        return await store.report.items([ItemState.READY], limit), ready
