"""What a backfill would cost, from the providers' own listings. Reads only; works beside a daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from connectors.base.crm import CrmTarget
from connectors.base.errors import ConnectorError, CursorExpired
from connectors.base.mail import MailCapabilities, MailSource
from connectors.base.model import WriteKind
from sync.store import Store
from tradepost.views.history import MailboxPlan, TargetPlan

MOST_STARTS = 3  # of one listing whose pages expire while it is read

Told = Callable[[str, int], object]
Explain = Callable[[ConnectorError], str]


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a mailbox's history that is asked for: [since, until)."""

    mailbox: str
    since: datetime
    until: datetime


async def plan_mailbox(
    window: Window, source: MailSource, store: Store | None, told: Told, explain: Explain
) -> MailboxPlan:
    """Count one window. `told` hears how many are listed so far; without a `store` nothing is known yet."""
    try:
        ids, pages = await _listed(window, source, told)
    except ConnectorError as error:
        return MailboxPlan(mailbox=window.mailbox, trouble=explain(error))
    unread = await store.mail.unknown(window.mailbox, ids, undone=True) if store else ids
    return costs(window.mailbox, len(ids), len(ids) - len(unread), pages, source.capabilities)


def costs(mailbox: str, listed: int, known: int, pages: int, capabilities: MailCapabilities) -> MailboxPlan:
    """Calls, units and hours for reading what is not known yet."""
    to_read = listed - known
    units = to_read * capabilities.units_per_mail
    return MailboxPlan(
        mailbox=mailbox,
        listed=listed,
        known=known,
        pages=pages,
        fetches=ceil(to_read / capabilities.fetch_size),
        units=units,
        hours=units / capabilities.units_per_minute / 60,
    )


async def _listed(window: Window, source: MailSource, told: Told) -> tuple[list[str], int]:
    """Every id of the window once, and the pages it took. A listing whose pages expire is begun again."""
    for start in range(MOST_STARTS):
        ids: dict[str, None] = {}
        pages, token = 0, None
        try:
            while pages == 0 or token is not None:
                page = await source.history(window.since, window.until, token)
                ids.update(dict.fromkeys(page.ids))
                pages, token = pages + 1, page.next_page
                told(window.mailbox, len(ids))
        except CursorExpired:
            if start == MOST_STARTS - 1:
                raise
        else:
            return list(ids), pages
    raise AssertionError  # the last start returns or raises


async def plan_target(name: str, target: CrmTarget, mails: int, explain: Explain, *, writes: bool) -> TargetPlan:
    """The most calls that logging `mails` mails takes: copies in several mailboxes are logged once."""
    try:
        account = await target.check()
    except ConnectorError as error:
        return TargetPlan(target=name, trouble=explain(error))
    capability = account.capabilities.get(WriteKind.LOG_EMAIL)
    batch = capability.batch if capability else 1
    return TargetPlan(
        target=name, mails=mails, batch=batch, calls=ceil(mails / batch), usage=target.usage, writes=writes
    )


def mails_for(target: str, plans: Sequence[MailboxPlan], targets_of: Mapping[str, Sequence[str]]) -> int:
    """How many of the mails to be read go to one target."""
    return sum(plan.to_read for plan in plans if target in targets_of[plan.mailbox])
