"""Keeps the copy of a CRM's users, customers and deals fresh: the full list once, then what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from connectors.base.crm import CrmTarget
from connectors.base.errors import BadReply, CursorExpired
from connectors.base.model import Capability, Page, TargetAccount, WriteKind
from connectors.base.services import Clock, Log
from sync.outbox import weaker
from sync.store import Store
from sync.store.mirror import Feed

T = TypeVar("T")

# What rules ask for: a right that is granted, or one answer that was wrong, changes what they decide.
WANTED = (WriteKind.LOG_EMAIL, WriteKind.CREATE_TASK, WriteKind.COMPLETE_TASK, WriteKind.MOVE_DEAL)
RECONSIDERED = timedelta(days=1)  # further back a reminder would be stale


class Mirror:
    """Reads one target. Every method may be cut anywhere and called again."""

    def __init__(self, name: str, target: CrmTarget, store: Store, *, clock: Clock, log: Log) -> None:
        self.name = name
        self._target = target
        self._store = store
        self._clock = clock
        self._log = log
        self.lacking = False  # whether the account may yet be able to do more, so that asking again is worth it

    async def start(self) -> TargetAccount:
        """Ask what the account can do; the answer says of kinds that are paused what they could do before.

        A kind of write that got weaker is paused until it is as strong again, or a person has seen it. What was decided
        lately without a kind that is there now is decided again.
        """
        now = await self._target.check()
        before = await self._store.mirror.account(self.name)
        known = before.capabilities if before is not None and before.account_id == now.account_id else {}
        weaker = _weakened(known, now.capabilities)
        paused = await self._store.mirror.paused_kinds(self.name)
        for kind in sorted(weaker.keys() - paused.keys()):
            self._log.warning("target.weaker", target=self.name, kind=kind.value, what=weaker[kind])
        for kind in sorted(paused.keys() - weaker.keys()):
            self._log.info("target.strong_again", target=self.name, kind=kind.value)
        agreed = replace(now, capabilities=now.capabilities | {kind: known[kind] for kind in weaker})
        if before is not None and _wanting(before) - _wanting(agreed):
            await self._store.threads.reconsider(self.name, since=self._clock.now() - RECONSIDERED)
        await self._store.mirror.put_account(self.name, agreed, weaker, self._clock.now())
        self.lacking = bool(weaker or _wanting(agreed))
        return agreed

    async def refresh(self) -> None:
        """Read every feed to its end."""
        await self._store.mirror.put_users(self.name, await self._target.users(), self._clock.now())
        while await self._customers():
            pass
        while await self._deals():
            pass

    async def _customers(self) -> bool:
        asked_at = self._clock.now()
        cursor = await self._store.mirror.cursor(self.name, Feed.CUSTOMERS)
        try:
            page = await self._target.customers(cursor)
        except CursorExpired:
            await self._store.mirror.expire(self.name, Feed.CUSTOMERS)
            return True
        _goes_on(page, cursor)
        await self._store.mirror.put_customers(
            self.name, page.rows, cursor=page.cursor, complete=not page.more, now=asked_at
        )
        return page.more

    async def _deals(self) -> bool:
        asked_at = self._clock.now()
        cursor = await self._store.mirror.cursor(self.name, Feed.DEALS)
        try:
            page = await self._target.deals(cursor)
        except CursorExpired:
            await self._store.mirror.expire(self.name, Feed.DEALS)
            return True
        _goes_on(page, cursor)
        await self._store.mirror.put_deals(
            self.name, page.rows, cursor=page.cursor, complete=not page.more, now=asked_at
        )
        return page.more


def _goes_on(page: Page[T], cursor: str | None) -> None:
    """A page that leads back to where it was asked for would be read for ever."""
    if page.more and page.cursor == cursor:
        raise BadReply("The page leads back to itself.")


def _wanting(account: TargetAccount) -> frozenset[str]:
    """What the account does not offer of that which is wanted."""
    told = account.capabilities
    kinds = frozenset(kind.value for kind in WANTED if not told.get(kind, Capability(exists=False)).exists)
    return kinds if account.pipelines else kinds | {"pipelines"}


def _weakened(before: Mapping[WriteKind, Capability], now: Mapping[WriteKind, Capability]) -> dict[WriteKind, str]:
    nothing = Capability(exists=False)
    found = {kind: weaker(before[kind], now.get(kind, nothing)) for kind in WriteKind if kind in before}
    return {kind: why for kind, why in found.items() if why}
