"""Mail sources that follow and list badly."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.base.errors import CursorExpired, RateLimited
from connectors.base.mail import MailCapabilities, MailSource
from connectors.base.model import (
    Changes,
    Fetched,
    HistoryPage,
    MailAccount,
    Removed,
    Seen,
)
from tradepost.testing.letters import ANN
from tradepost.testing.mail_bench import MailBench
from tradepost.testing.spoiled.model import Spoiled

FEEDS: list[Spoiled[MailBench]] = []


class Whole:
    """A source that passes everything on; each spoiled one does one thing otherwise."""

    def __init__(self, inner: MailSource, bench: MailBench) -> None:
        self.inner = inner
        self.bench = bench

    @property
    def capabilities(self) -> MailCapabilities:
        return self.inner.capabilities

    async def check(self) -> MailAccount:
        return await self.inner.check()

    async def baseline(self) -> str:
        return await self.inner.baseline()

    async def changes(self, cursor: str) -> Changes:
        return await self.inner.changes(cursor)

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        return await self.inner.history(since, until, page)

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        return await self.inner.fetch(ids)

    async def close(self) -> None:
        await self.inner.close()

    def held(self, place: str) -> tuple[str, ...]:
        """What the mailbox has in a place."""
        return tuple(m.id for m in self.bench.host.held(ANN) if m.place == place)


def catches(check: str, into: list[Spoiled[MailBench]] = FEEDS) -> Callable[[type[Whole]], type[Whole]]:
    """Lists a spoiled source under its docstring."""

    def keep(spoiled: type[Whole]) -> type[Whole]:
        into.append(Spoiled((spoiled.__doc__ or "").rstrip("."), spoiled, check))
        return spoiled

    return keep


@catches("The account's id stays the same, also for a new connection")
class _NewId(Whole):
    """Makes a new account id at every check."""

    async def check(self) -> MailAccount:
        return replace(await super().check(), account_id=uuid.uuid4().hex)


@catches("The mailbox is known by all of its addresses, lower-case and without problems")
class _NoAliases(Whole):
    """Forgets the mailbox's other addresses."""

    async def check(self) -> MailAccount:
        account = await super().check()
        return replace(account, addresses=account.addresses[:1])


# ------------------------------------------------------------------------------------------------------------- changes


@catches("A mail that comes between the baseline and a listing is in one of both, and one before in the listing")
class _LateBaseline(Whole):
    """Takes its baseline at the first question."""

    started = False

    async def changes(self, cursor: str) -> Changes:
        if not self.started:
            self.started = True
            return Changes((), await super().baseline(), more=False)
        return await super().changes(cursor)


@catches("A page without events keeps its place")
class _AdvancesOnNothing(Whole):
    """Advances the cursor on an empty page."""

    skips = False

    async def changes(self, cursor: str) -> Changes:
        page = await super().changes(cursor)
        skips, self.skips = self.skips, not page.events
        return replace(page, events=()) if skips else page


@catches("Pages without events are read over")
class _StopsAtNothing(Whole):
    """Takes an empty page for the end."""

    async def changes(self, cursor: str) -> Changes:
        page = await super().changes(cursor)
        return replace(page, more=page.more and bool(page.events))


@catches("Every new mail is told, to the last page")
class _LosesSecondPage(Whole):
    """Loses the second page of changes."""

    following = False

    async def changes(self, cursor: str) -> Changes:
        page = await super().changes(cursor)
        following, self.following = self.following, page.more
        return replace(page, events=()) if following else page


@catches("The same cursor, asked twice, tells at least the same")
class _TellsOnce(Whole):
    """Tells each mail once, whatever cursor it is asked with."""

    def __init__(self, inner: MailSource, bench: MailBench) -> None:
        super().__init__(inner, bench)
        self.told: list[str] = []

    async def changes(self, cursor: str) -> Changes:
        page = await super().changes(cursor)
        new = tuple(e for e in page.events if e.id not in self.told)
        self.told += [e.id for e in new]
        return replace(page, events=new)


@catches("A cursor survives a restart, also in the middle of the pages")
class _RemembersCursors(Whole):
    """Keeps its cursors in memory."""

    def __init__(self, inner: MailSource, bench: MailBench) -> None:
        super().__init__(inner, bench)
        self.kept: list[str] = []

    def _keep(self, cursor: str) -> str:
        self.kept.append(cursor)
        return str(len(self.kept) - 1)

    async def baseline(self) -> str:
        return self._keep(await super().baseline())

    async def changes(self, cursor: str) -> Changes:
        if not cursor.isdigit() or int(cursor) >= len(self.kept):
            raise CursorExpired("The position is not known.")
        page = await super().changes(self.kept[int(cursor)])
        return replace(page, cursor=self._keep(page.cursor))


@catches("A position that the provider has forgotten is told as expired")
class _HidesExpiry(Whole):
    """Hides an expired cursor and goes on from now."""

    async def changes(self, cursor: str) -> Changes:
        try:
            return await super().changes(cursor)
        except CursorExpired:
            return Changes((), await super().baseline(), more=False)


@catches("A mail that a person moves within the mailbox is not told as gone")
class _MovedIsGone(Whole):
    """Tells a mail that left the inbox as gone."""

    async def changes(self, cursor: str) -> Changes:
        page = await super().changes(cursor)
        inbox = self.held("inbox")
        gone = tuple(Removed(e.id) for e in page.events if e.id not in inbox)
        return replace(page, events=(*page.events, *gone))


@catches("A mail that is deleted for ever is told as gone")
class _NothingGone(Whole):
    """Never tells that a mail is gone."""

    async def changes(self, cursor: str) -> Changes:
        page = await super().changes(cursor)
        return replace(page, events=tuple(e for e in page.events if isinstance(e, Seen)))


class _TellsPlace(Whole):
    place = ""

    async def changes(self, cursor: str) -> Changes:
        page = await super().changes(cursor)
        return replace(page, events=(*page.events, *(Seen(i) for i in self.held(self.place))))


@catches("Drafts are not told; the mail is, once it is sent")
class _TellsDrafts(_TellsPlace):
    """Tells drafts."""

    place = "draft"


@catches("Junk is told only where that is asked for")
class _TellsJunk(_TellsPlace):
    """Tells junk that nobody asked for."""

    place = "junk"


@catches("A mail that a person takes out of junk is told")
class _OnlyArrivals(Whole):
    """Tells arrivals and overlooks mails that were moved."""

    def __init__(self, inner: MailSource, bench: MailBench) -> None:
        super().__init__(inner, bench)
        self.there: list[str] = []

    async def baseline(self) -> str:
        self.there = [m.id for m in self.bench.host.held(ANN)]
        return await super().baseline()

    async def changes(self, cursor: str) -> Changes:
        page = await super().changes(cursor)
        return replace(page, events=tuple(e for e in page.events if e.id not in self.there))


@catches("What lies under an excluded label is neither told nor listed")
class _ListsPrivate(Whole):
    """Lists mails under excluded labels."""

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        told = await super().history(since, until, page)
        return replace(told, ids=tuple(dict.fromkeys((*told.ids, *self.held("archive")))))


# ------------------------------------------------------------------------------------------------------------- listing


@catches("Every mail of a window is listed, to the last page, each once")
class _FirstPageOnly(Whole):
    """Ends a listing after its first page."""

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        return replace(await super().history(since, until, page), next_page=None)


@catches("The ends of a window are exact: the first moment belongs to it, the last one does not")
class _LooseEnds(Whole):
    """Lists what lies a second beside the window."""

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        second = timedelta(seconds=1)
        return await super().history(since - second, until + second, page)


@catches("Two windows that touch list every mail, and none twice")
class _TightEnds(Whole):
    """Leaves the first second of a window out."""

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        return await super().history(since + timedelta(seconds=1), until, page)


@catches("Mails of one moment are all listed, also where a page ends between them")
class _OneAMoment(Whole):
    """Takes mails of one moment for one mail."""

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        told = await super().history(since, until, page)
        return replace(told, ids=told.ids[:1])


@catches("A page's token is small, and survives a restart")
class _RemembersPages(Whole):
    """Keeps the tokens of pages in memory."""

    def __init__(self, inner: MailSource, bench: MailBench) -> None:
        super().__init__(inner, bench)
        self.kept: list[str] = []

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        if page is not None and int(page) >= len(self.kept):
            raise CursorExpired("The page is not known.")
        told = await super().history(since, until, None if page is None else self.kept[int(page)])
        if told.next_page is None:
            return told
        self.kept.append(told.next_page)
        return replace(told, next_page=str(len(self.kept) - 1))


@catches("A failing listing raises, and never tells an empty page")
class _EmptyListing(Whole):
    """Tells an empty listing where there is no quota."""

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        try:
            return await super().history(since, until, page)
        except RateLimited:
            return HistoryPage((), None)
