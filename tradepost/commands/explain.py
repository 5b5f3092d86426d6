"""`tradepost explain`: one mail's story, from the state alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sync.store.report import MailReport
from tradepost.app import looking
from tradepost.commands.common import require_state
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.views.explain import explain_json, explain_view
from tradepost.views.history import hits_json, hits_table, unreadable_json, unreadable_table

MOST_HITS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """Mails that may be meant, and unreadable ones of that id: mailbox, provider id, reason."""

    mails: tuple[MailReport, ...]
    unreadable: tuple[tuple[str, str, str], ...]


def run(invocation: Invocation, *, mail: str, as_json: bool) -> int:
    """0 for one mail, 1 for none or several."""
    settings = invocation.settings()
    require_state(settings)
    found = asyncio.run(_found(settings, mail))
    language = invocation.language
    if as_json:
        invocation.print_json(
            {
                "mails": [explain_json(report, language) for report in found.mails]
                if len(found.mails) == 1
                else hits_json(found.mails),
                "unreadable": unreadable_json(found.unreadable, language),
            }
        )
    else:
        _show(invocation, found, mail)
    return 0 if len(found.mails) + len(found.unreadable) == 1 else 1


def _show(invocation: Invocation, found: Found, mail: str) -> None:
    language = invocation.language
    if found.unreadable:
        invocation.print(unreadable_table(found.unreadable, language))
    if len(found.mails) == 1:
        invocation.print(explain_view(found.mails[0], language))
    elif found.mails:
        invocation.print(hits_table(found.mails, language))
        invocation.print(invocation.say("explain.several", count=len(found.mails)))
    elif not found.unreadable:
        invocation.err.print(invocation.say("explain.unknown", mail=mail), soft_wrap=True)


async def _found(settings: Settings, mail: str) -> Found:
    bare = mail.strip().strip("<>")
    if not bare:
        return Found((), ())
    with looking(settings) as store:
        found = [await store.report.explain(identity) for identity in await store.report.find(bare, MOST_HITS)]
        reports = [report for report in found if report is not None]
        named = [report for report in reports if report.facts.message_id == bare]  # not those that refer to it
        unreadable = tuple(one for one in await store.mail.unreadable(left_out=True) if one[1] == bare)
        return Found(tuple(named or reports), unreadable)
