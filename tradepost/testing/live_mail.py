"""A mail source on a real mailbox: it is only read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.base.errors import CursorExpired
from connectors.base.mail import MailSource
from connectors.base.model import MailAccount
from connectors.base.services import Clock
from tradepost.testing.expect import expect, same
from tradepost.testing.live import Unsafe
from tradepost.testing.suite import Skip, Suite, Verdict, tried_in_order

WINDOW = timedelta(days=30)
MOST_READ = 10


@dataclass(slots=True)
class LiveMail:
    """One mailbox, one run."""

    connect: Callable[[], MailSource]
    clock: Clock
    unsafe: Unsafe
    source: MailSource = field(init=False)
    account: MailAccount = field(init=False)

    def window(self) -> tuple[datetime, datetime]:
        """The last days, as whole seconds; the last hour is left out, as mail may still come there."""
        until = self.clock.now().replace(microsecond=0) - timedelta(hours=1)
        return until - WINDOW, until

    async def listed(self, since: datetime, until: datetime, most: int = 20) -> list[str]:
        """Ids of a window; skips the check where there are more pages than `most`."""
        ids: list[str] = []
        page: str | None = None
        for _ in range(most):
            told = await self.source.history(since, until, page)
            ids += told.ids
            page = told.next_page
            if page is None:
                return ids
        raise Skip("the mailbox has too much mail for this")


async def judge_mail(live: LiveMail, tell: Callable[[Verdict], None]) -> tuple[Verdict, ...]:
    """Try all of it in order. Raises the `ConnectorError` of a connection that cannot be had at all."""
    live.source = live.connect()
    try:
        live.account = await live.source.check()
        return await tried_in_order(LIVE_MAIL.checks, live, tell)
    finally:
        await live.source.close()


LIVE_MAIL: Suite[LiveMail] = Suite("mail source, live")
asking = LIVE_MAIL.topic("asking")


@asking("same_account")
async def _(live: LiveMail) -> None:
    expect(live.account.account_id, "the account has no id")
    other = live.connect()
    try:
        same((await other.check()).account_id, live.account.account_id, "the id for a new connection")
    finally:
        await other.close()


@asking("cursor_survives")
async def _(live: LiveMail) -> None:
    cursor = await live.source.baseline()
    expect(cursor, "there is no cursor")
    for _ in range(3):
        page = await live.source.changes(cursor)
        cursor = page.cursor
    other = live.connect()
    try:
        await other.changes(cursor)
    finally:
        await other.close()


@asking("no_cursor")
async def _(live: LiveMail) -> None:
    try:
        await live.source.changes("nonsense")
    except CursorExpired:
        return
    expect(False, "a text that is no cursor is answered")  # noqa: FBT003 - there is nothing to compare


@asking("nothing_asked")
async def _(live: LiveMail) -> None:
    fetched = await live.source.fetch(())
    same((fetched.messages, fetched.unreadable, fetched.gone), ((), (), ()), "the answer to no question")
    now = live.clock.now()
    same((await live.source.history(now, now, None)).ids, (), "a window without length")


@asking("halves")
async def _(live: LiveMail) -> None:
    since, until = live.window()
    middle = since + (until - since) / 2
    middle = middle.replace(microsecond=0)
    whole = await live.listed(since, until)
    halves = await live.listed(since, middle) + await live.listed(middle, until)
    same(len(whole), len(set(whole)), "mails listed, against different ones")
    same(len(halves), len(whole), "mails in both halves of a window, against those of the whole")
    expect(set(halves) == set(whole), "the halves of a window list other mails than the whole")


@asking("fates")
async def _(live: LiveMail) -> None:
    since, until = live.window()
    ids = list((await live.source.history(since, until, None)).ids)[:MOST_READ]
    if not ids:
        raise Skip("the mailbox has no mail of the last days")
    first, again = await live.source.fetch(ids), await live.source.fetch(list(reversed(ids)))
    for fetched in (first, again):
        told = [*(m.id for m in fetched.messages), *(u.id for u in fetched.unreadable), *fetched.gone]
        expect(sorted(told) == sorted(ids), f"{len(ids)} mails asked for have {len(told)} fates")
    expect(
        {m.id: m for m in first.messages} == {m.id: m for m in again.messages},
        "a mail that is read again is another",
    )
    zones = [m.received_at.utcoffset() for m in first.messages]
    expect(all(z == timedelta(0) for z in zones), "received_at is not in UTC")


leaving = LIVE_MAIL.topic("leaving")


@leaving("only_asked")
async def _(live: LiveMail) -> None:
    live.unsafe.none_since(0)


@leaving("closing_twice")
async def _(live: LiveMail) -> None:
    other = live.connect()
    await other.baseline()
    await other.close()
    await other.close()
