"""The text of a mail when it is needed: from the store, or read again from any mailbox that still has it."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base.errors import Transient
from connectors.base.services import Clock
from sync.pull import Puller
from sync.push import BodyGone
from sync.store import Store


class Bodies:
    """Loads bodies for delivery."""

    def __init__(self, store: Store, pullers: Mapping[str, Puller], *, clock: Clock) -> None:
        self._store = store
        self._pullers = pullers
        self._clock = clock

    async def load(self, mail: str) -> tuple[str, str] | BodyGone:
        """(text, html), or `BodyGone` when no mailbox has the mail any more. Raises `ConnectorError`."""
        if (kept := await self._store.bodies.get(mail)) is not None:
            return kept
        unasked = False
        for mailbox, provider_id in await self._store.mail.copies_of(mail):
            puller = self._pullers.get(mailbox)
            if puller is None:
                unasked = True
                continue
            body = await puller.fetch_body(provider_id)
            if body is not None:
                await self._store.bodies.put(mail, *body, self._clock.now())
                return body
            await self._store.mail.mark_gone(mailbox, [provider_id])
        if unasked:
            raise Transient("A copy lies in a mailbox that is not configured any more; add it again or skip the mail.")
        return BodyGone()
