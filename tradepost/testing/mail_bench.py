"""A mail source on its bench: one mailbox, Ann's, and whoever writes to her."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.base.mail import MailboxScope, MailSource
from connectors.base.model import MailAccount, MailMessage, Removed, Seen
from tradepost.sandbox.kernel import World
from tradepost.testing.bench import MOST_PAGES, Bench, Spoil, opened
from tradepost.testing.expect import Broken
from tradepost.testing.letters import ANN, letter
from tradepost.testing.rig import MailRig
from tradepost.testing.suite import Suite

ALIAS = "sales@ours.example"
Event = Seen | Removed


class MailBench(Bench[MailRig]):
    """What a check of a mail source is handed. `account` is what `check` answered."""

    source: MailSource
    account: MailAccount

    async def start(self) -> None:
        self.host.add_mailbox(ANN, aliases=(ALIAS,), display_name="Ann")
        await self.later(3600)  # the mailbox is older than the connection
        self.source = self.connect()
        self.account = await self.source.check()

    def connect(self, **scope: Any) -> MailSource:
        """One more connection, as after a restart; `scope` changes what of the mailbox is read."""
        wanted = replace(MailboxScope(ANN), **scope)
        source: MailSource = self.spoiled(self.rig.open(self.services(), wanted))
        return source

    @property
    def host(self) -> Any:
        return self.rig.host

    @asynccontextmanager
    async def twin(self) -> AsyncIterator[MailBench]:
        """The same bench once more, from the beginning."""
        other = MailBench(self.make, self.spoil, self.seed)
        async with opened(other, other.start):
            yield other

    # --------------------------------------------------------------------------------------------------------- acts

    def deliver(self, n: int, place: str = "inbox", *, at: datetime | None = None, **headers: str) -> str:
        return str(self.host.deliver_to(ANN, letter(n, draft=place == "draft", **headers), place=place, at=at))

    def deliver_many(self, count: int, first: int = 0) -> list[str]:
        return [self.deliver(n) for n in range(first, first + count)]

    def deliver_raw(self, raw: bytes, **more: Any) -> str:
        return str(self.host.deliver_to(ANN, raw, **more))

    # ------------------------------------------------------------------------------------------------------- asking

    async def news(self, cursor: str, source: MailSource | None = None) -> tuple[list[Event], str]:
        """Every event since a cursor, and the cursor there."""
        events: list[Event] = []
        for _ in range(MOST_PAGES):
            page = await (source or self.source).changes(cursor)
            if page.more and page.cursor == cursor:
                raise Broken("there is more, and the cursor has not advanced")
            events += page.events
            cursor = page.cursor
            if not page.more:
                return events, cursor
        raise Broken("the feed does not end")

    async def listed(
        self, since: datetime, until: datetime, source: MailSource | None = None, page: str | None = None
    ) -> list[str]:
        """Every id of a window."""
        ids: list[str] = []
        for _ in range(MOST_PAGES):
            told = await (source or self.source).history(since, until, page)
            ids += told.ids
            page = told.next_page
            if page is None:
                return ids
        raise Broken("the listing does not end")

    async def read(self, *ids: str) -> list[MailMessage]:
        """The mails behind ids, in the order asked; insists that all can be read."""
        fetched = await self.source.fetch(ids)
        found = {m.id: m for m in fetched.messages}
        missing = [i for i in ids if i not in found]
        if missing:
            raise Broken(f"{len(missing)} of {len(ids)} mails cannot be read: {fetched.unreadable or 'gone'}")
        return [found[i] for i in ids]


def seen(events: Sequence[Event]) -> list[str]:
    return [e.id for e in events if isinstance(e, Seen)]


def removed(events: Sequence[Event]) -> list[str]:
    """Ids whose last word is that they are gone."""
    last = {e.id: e for e in events}
    return [i for i, e in last.items() if isinstance(e, Removed)]


def mail_bench(
    make: Callable[[World], MailRig], spoil: Spoil | None = None
) -> Callable[[], AbstractAsyncContextManager[MailBench]]:
    """Opens fresh benches for `suite.judge`."""

    def fresh() -> AbstractAsyncContextManager[MailBench]:
        bench = MailBench(make, spoil)
        return opened(bench, bench.start)

    return fresh


MAIL: Suite[MailBench] = Suite("mail source")
"""The promises of `MailSource`."""
