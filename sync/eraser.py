"""Carries an erasure through: whoever calls, and however often it was cut, it goes on where it was."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base.services import Clock
from mappings.model import Own
from sync.pull import Puller
from sync.store import Store

NOBODY = Own(frozenset(), frozenset())


class Eraser:
    """Erases people from one state file; what is to be removed from a CRM goes through its outbox."""

    def __init__(self, store: Store, pullers: Mapping[str, Puller], *, clock: Clock) -> None:
        self._store = store
        self._pullers = pullers
        self._clock = clock

    async def begin(self, address: str, fresh_key: bytes) -> None:
        """Nothing of the person is taken in from now on."""
        await self._store.erase.begin(address, await self._own(), self._clock.now(), fresh_key)

    async def go_on(self) -> bool:
        """Do all that has settled of every open erasure; True when none is open any more. Raises `StateFull`."""
        if not await self._store.erase.open():
            return True
        own = await self._own()
        while await self._store.erase.advance(own, self._clock.now()):
            await self._clock.sleep(0)  # the lanes work in between
        return await self._store.erase.finish(self._clock.now())

    async def _own(self) -> Own:
        puller = next(iter(self._pullers.values()), None)
        return await puller.ours() if puller else NOBODY
