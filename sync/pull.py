"""One mailbox's way in: live mail by the change feed, history by runs, both through transaction 1."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeVar

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    CursorExpired,
    NotPermitted,
    RateLimited,
    Rejected,
)
from connectors.base.mail import MailSource
from connectors.base.model import Changes, Fetched, HistoryPage, MailMessage, Removed, Seen, Severity, Unreadable
from connectors.base.services import Clock, Cpu, Log
from mappings.model import Own, Reason
from mappings.reading import Reading, Words, read
from sync.mistakes import POISON, Mistake, mistake
from sync.patience import next_resync
from sync.store import StateFull, Store
from sync.store.mail import Kept
from sync.store.mailboxes import BACKFILL, Mailbox, Run

# A feed that fails so often at one position, while the mailbox answers otherwise, is given up like an expired one.
FEED_TRIES = 8

# A listing that fails so often is put aside for a while: live mail and other runs go first.
RUN_TRIES = 6
RUN_ASIDE = timedelta(hours=6)

# While the feed may not be taken up anew, the lane says so this often, and reads what is asked for in between.
HELD_SAYS = timedelta(minutes=10)

# A chunk that has failed so often is taken apart; a mail that has failed alone so often is given up.
CHUNK_TRIES = 3
MAIL_TRIES = 4

# A mistake of ours comes again each time, and each time the lane pauses longer, so fewer tries are enough.
MISTAKE_TRIES = 2

T = TypeVar("T")

# A listing after an expired cursor starts this long before the last good moment.
OVERLAP = timedelta(days=1)


def label(mailbox: str) -> str:
    """A mailbox's name in logs, where addresses do not belong; `tradepost status` shows both."""
    return f"m{hashlib.sha256(mailbox.encode()).hexdigest()[:8]}"


class EndlessResync(RateLimited):
    """The change feed keeps expiring although the window was listed again; `retry_at` says when it may be once more."""


# Of these the whole lane or mailbox is the cause, never the one thing that was asked for.
_OTHERS = (RateLimited, AuthFailed, NotPermitted, StateFull)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """What the configuration says of one mailbox. `start` asks for history from that moment on."""

    name: str
    targets: tuple[str, ...]
    own_domains: frozenset[str]
    own_addresses: frozenset[str]
    start: datetime | None = None


class Puller:
    """Reads one mailbox. Every method may be cut anywhere and called again."""

    def __init__(
        self,
        source: MailSource,
        store: Store,
        settings: MailboxSettings,
        *,
        clock: Clock,
        cpu: Cpu,
        log: Log,
        words: Words,
    ) -> None:
        self.name = settings.name
        self.label = label(settings.name)
        self._source = source
        self._store = store
        self._settings = settings
        self._clock = clock
        self._cpu = cpu
        self._log = log
        self._words = words
        self._failed: dict[str, int] = {}  # a mail's id, and how often a fetch with it has failed
        self._feed_failed: tuple[str, int] = ("", 0)  # a position, and how often it has failed
        self._run_failed: dict[int, int] = {}
        self._aside: dict[int, datetime] = {}
        self._turned: dict[int, set[str]] = {}  # a run, and the pages it has behind it
        self.held_until: datetime | None = None  # the feed has expired too often; live mail waits for that moment
        self._listed: tuple[tuple[int, str | None], HistoryPage] | None = None

    async def start(self) -> None:
        """Ask who we are; on the first start take the baseline before anything is listed."""
        account = await self._source.check()
        if not account.account_id:
            worst = next((p for p in account.problems if p.severity is Severity.ERROR), None)
            raise NotPermitted(f"{worst.what} {worst.mend}" if worst else "The mailbox cannot be read.")
        known = await self._store.mailboxes.get(self.name)
        if known is not None and known.account != account.account_id:
            raise NotPermitted("The connection now leads to another account than before; give it a mailbox of its own.")
        cursor = known.cursor if known and known.cursor else await self._source.baseline()
        await self._store.mailboxes.open(
            self.name,
            account=account.account_id,
            addresses=account.addresses,
            cursor=cursor,
            now=self._clock.now(),
            start=self._settings.start,
        )

    # ------------------------------------------------------------------------------------------------------------- live

    async def live_page(self) -> bool:
        """One page of the change feed; True when more is waiting."""
        mailbox = await self._store.mailboxes.get(self.name)
        assert mailbox is not None  # noqa: S101 - `start` has run
        page = await self._feed_page(mailbox)
        if page is None:
            return self.held_until is None
        seen = [e.id for e in page.events if isinstance(e, Seen)]
        await self._take(await self._store.mail.unknown(self.name, seen, again=True), _messages(page.events))
        removed = [e.id for e in page.events if isinstance(e, Removed)]
        await self._store.mailboxes.advance(self.name, page.cursor, removed, self._clock.now())
        return page.more

    async def _feed_page(self, mailbox: Mailbox) -> Changes | None:
        """The page at the mailbox's position; None when the position was given up, or must not be yet."""
        cursor = mailbox.cursor or ""
        try:
            page = await self._asked(self._source.changes(cursor))
            if page.more and page.cursor == cursor:
                raise BadReply("The page leads back to itself.")
        except CursorExpired:
            await self._resync(mailbox)
            return None
        except _OTHERS:
            raise
        except ConnectorError as error:
            known, tries = self._feed_failed
            self._feed_failed = (cursor, tries + 1 if known == cursor else 1)
            if self._feed_failed[1] < _most(error, FEED_TRIES):
                raise
            self._log.warning("mailbox.feed_poisoned", mailbox=self.label, tries=tries + 1)
            await self._resync(mailbox)
            return None
        self.held_until = None
        return page

    async def _resync(self, mailbox: Mailbox) -> None:
        """Take a new position and list the gap, but not again and again: each time of a day waits longer."""
        now = self._clock.now()
        wait_until = next_resync(mailbox.resynced, now)
        if wait_until is not None and wait_until > now:
            self.held_until = wait_until
            return
        cursor = await self._source.baseline()
        last_good = mailbox.cursor_at or mailbox.live_from
        await self._store.mailboxes.restart(self.name, cursor, last_good - OVERLAP, now)
        self.held_until = None
        self._feed_failed = ("", 0)
        self._log.warning("mailbox.resync", mailbox=self.label, today=len(mailbox.resynced) + 1)

    def say_held(self) -> None:
        """Raise `EndlessResync` while the feed must not be taken up anew."""
        now = self._clock.now()
        if self.held_until is not None and self.held_until > now:
            raise EndlessResync(
                "The mailbox's change feed expires again right after a new start; ask the provider.",
                retry_at=min(self.held_until, now + HELD_SAYS),
            )

    # ---------------------------------------------------------------------------------------------------------- history

    async def history_chunk(self) -> bool:
        """Read a bounded part of the oldest open run; True while a run is open."""
        run = next((r for r in await self._store.mailboxes.open_runs(self.name) if not self.aside(r.id)), None)
        if run is None:
            return False
        try:
            page = await self._page(run)
        except (Rejected, CursorExpired) as error:
            if run.page is None:
                self._count_failure(run, error)
                raise
            await self._store.mailboxes.restart_run(run.id)
            self._turned.pop(run.id, None)
            self._count_failure(run, error)
            return True
        except _OTHERS:
            raise
        except ConnectorError as error:
            self._count_failure(run, error)
            raise
        if await self._take_bounded(page.ids, run):
            if page.next_page is None:
                self._turned.pop(run.id, None)
            else:
                self._turned.setdefault(run.id, set()).add(run.page or "")
            await self._store.mailboxes.turn_page(run.id, page.next_page, len(page.ids), self._clock.now())
            self._run_failed.pop(run.id, None)
        return True

    def _count_failure(self, run: Run, error: ConnectorError) -> None:
        """A listing that fails too often is put aside; counts of coverage find what it would have."""
        tries = self._run_failed[run.id] = self._run_failed.get(run.id, 0) + 1
        if tries >= _most(error, RUN_TRIES):
            self._run_failed.pop(run.id)
            self._aside[run.id] = self._clock.now() + RUN_ASIDE
            self._log.warning("run.aside", mailbox=self.label, run=run.id, tries=tries)

    def aside(self, run: int) -> bool:
        """Whether a run is put aside for now."""
        until = self._aside.get(run)
        return until is not None and self._clock.now() < until

    async def _page(self, run: Run) -> HistoryPage:
        """The run's page, listed once for all its chunks."""
        if self._listed is None or self._listed[0] != (run.id, run.page):
            page = await self._asked(self._source.history(run.since, run.until, run.page))
            if page.next_page is not None and page.next_page in {run.page, *self._turned.get(run.id, ())}:
                raise BadReply("The listing does not end.")
            self._listed = (run.id, run.page), page
        return self._listed[1]

    async def _take_bounded(self, ids: Sequence[str], run: Run) -> bool:
        """Read up to one fetch of what is unknown; True when the page holds nothing more to read."""
        unknown = await self._store.mail.unknown(self.name, ids, undone=run.kind == BACKFILL)
        size = self._source.capabilities.fetch_size
        await self._take(unknown[:size], run=run.id)
        return len(unknown) <= size

    async def wanted_chunk(self) -> bool:
        """Read mails that a count found missing or a person asked for again; True while there are some."""
        wanted = await self._store.mail.wanted(self.name)
        size = self._source.capabilities.fetch_size
        await self._take(wanted[:size])
        return len(wanted) > size

    # ------------------------------------------------------------------------------------------------------------- both

    async def _take(
        self, ids: Sequence[str], at_hand: Mapping[str, MailMessage] = MappingProxyType({}), run: int | None = None
    ) -> None:
        """Fetch, read and keep mails, one fetch's worth at a time."""
        size = self._source.capabilities.fetch_size
        for start in range(0, len(ids), size):
            chunk = ids[start : start + size]
            missing = [i for i in chunk if i not in at_hand]
            fetched = await self._fetch(missing) if missing else Fetched()
            messages = [*fetched.messages, *(at_hand[i] for i in chunk if i in at_hand)]
            kept, slow = await self._read(messages)
            await self._store.mail.keep(
                self.name,
                kept,
                unreadable=(*fetched.unreadable, *slow),
                gone=fetched.gone,
                targets=self._settings.targets,
                now=self._clock.now(),
                run=run,
            )

    async def _fetch(self, ids: Sequence[str]) -> Fetched:
        """Fetch a chunk; one with a mail that keeps failing is asked for mail by mail, until the poison is alone."""
        if max(self._failed.get(i, 0) for i in ids) >= CHUNK_TRIES:
            return _joined([await self._fetch_alone(i) for i in ids])
        try:
            fetched = await self._asked(self._source.fetch(ids))
        except _OTHERS:
            raise
        except ConnectorError as error:
            for i in ids:
                self._failed[i] = CHUNK_TRIES if isinstance(error, Mistake) else self._failed.get(i, 0) + 1
            raise
        for i in ids:
            self._failed.pop(i, None)
        return fetched

    async def _fetch_alone(self, provider_id: str) -> Fetched:
        """One mail. When it has failed too often, it is unreadable."""
        try:
            fetched = await self._asked(self._source.fetch([provider_id]))
        except _OTHERS:
            raise
        except ConnectorError as error:
            tries = self._failed[provider_id] = self._failed.get(provider_id, 0) + 1
            if tries < CHUNK_TRIES + _most(error, MAIL_TRIES):
                raise
            self._failed.pop(provider_id)
            self._log.warning("mail.poisonous", mailbox=self.label, tries=tries)
            return Fetched(unreadable=(Unreadable(provider_id, Reason.MAIL_UNREADABLE),))
        self._failed.pop(provider_id, None)
        return fetched

    async def _asked(self, answer: Awaitable[T]) -> T:
        """The source's answer; a mistake in the source, or in what it reads, is one of its errors."""
        try:
            return await answer
        except POISON as error:
            raise mistake(error, self._log, "source.broken", mailbox=self.label) from None

    async def ours(self) -> Own:
        """Who we are, with every address that any mailbox of ours was told to have."""
        told = await self._store.mailboxes.addresses()
        return Own(self._settings.own_addresses | told, self._settings.own_domains)

    async def _read(self, messages: Sequence[MailMessage]) -> tuple[list[Kept], list[Unreadable]]:
        own = await self.ours()
        kept: list[Kept] = []
        slow: list[Unreadable] = []
        for message in messages:
            try:
                kept.append(Kept(message, await self._cpu(read_one, message, self.name, own, self._words)))
            except TimeoutError:
                slow.append(Unreadable(message.id, Reason.MAIL_TOO_SLOW, message.received_at))
                self._log.warning("mail.too_slow", mailbox=self.label)
            except POISON as error:
                # A mistake of ours on one mail must not stop the others; the mail is parked with that reason.
                slow.append(Unreadable(message.id, Reason.MAIL_UNREADABLE, message.received_at))
                self._log.error("mail.poisonous", mailbox=self.label, error=type(error).__name__)
        return kept, slow

    async def fetch_body(self, provider_id: str) -> tuple[str, str] | None:
        """(text, html) of one mail, asked for again; None when it is gone or can no longer be read."""
        fetched = await self._source.fetch([provider_id])
        if not fetched.messages:
            return None
        reading = await self._cpu(read_one, fetched.messages[0], self.name, await self.ours(), self._words)
        return reading.text, reading.html

    async def listing(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Every id in scope, from the provider's own listing."""
        ids: dict[str, None] = {}
        seen: set[str] = set()
        token: str | None = None
        while True:
            page = await self._source.history(since, until, token)
            ids.update(dict.fromkeys(page.ids))
            token = page.next_page
            if token is None:
                return tuple(ids)
            if token in seen:
                raise BadReply("The listing does not end.")
            seen.add(token)

    async def close(self) -> None:
        await self._source.close()


def _most(error: ConnectorError, usual: int) -> int:
    """How many tries an error is worth."""
    return MISTAKE_TRIES if isinstance(error, Mistake) else usual


def read_one(message: MailMessage, mailbox: str, own: Own, words: Words) -> Reading:
    """`read` with positional arguments, so that it can run in another process."""
    return read(message, mailbox=mailbox, own=own, words=words)


def _joined(parts: Sequence[Fetched]) -> Fetched:
    return Fetched(
        tuple(m for p in parts for m in p.messages),
        tuple(u for p in parts for u in p.unreadable),
        tuple(g for p in parts for g in p.gone),
    )


def _messages(events: Sequence[object]) -> dict[str, MailMessage]:
    return {e.id: e.message for e in events if isinstance(e, Seen) and e.message is not None}
