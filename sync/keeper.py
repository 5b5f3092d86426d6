"""Housekeeping: count every mailbox against its provider's listing, ask for what is missing, forget what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connectors.base.errors import ConnectorError
from connectors.base.services import Clock, Log
from sync.coverage import FRESH, Whereabouts, Window, by_day, due, total
from sync.eraser import Eraser
from sync.lanes import Bell
from sync.pull import Puller
from sync.store import StateFull, Store
from sync.store.coverage import Kind, joined
from sync.store.report import CoverageReport

# Mail younger than this may still be on its way through the provider's own listing.
SETTLING = timedelta(minutes=10)
EDGE = timedelta(minutes=2)

MOST_LISTINGS = 40  # further ones of a window in which mail is missing, to find its days
REMEMBERED = timedelta(days=90)  # differences that were mended, alarms that cleared


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept; the defaults of docs/data.md."""

    bodies: timedelta = timedelta(days=7)
    waiting: timedelta = timedelta(days=90)
    facts: timedelta = timedelta(days=730)


async def count(
    store: Store, puller: Puller, *, clock: Clock, repair: bool = True, settling: timedelta = SETTLING
) -> CoverageReport | None:
    """Count all of one mailbox now and store the sums; what is missing is asked for. None before the first start.

    Mail younger than `settling` is left out; zero counts all of it, for listings that are never late.
    """
    mailbox = await store.mailboxes.get(puller.name)
    if mailbox is None:
        return None
    now = clock.now()
    covered = Window(mailbox.covered_from, now - settling)
    if covered.since < covered.until:
        await count_window(store, puller, covered, now, repair=repair)
    return await _report(store, puller.name, covered, now)


async def count_due(store: Store, puller: Puller, *, clock: Clock) -> CoverageReport | None:
    """Count the days of one mailbox whose turn it is. None where there is nothing to count now.

    What a run is still to read is not counted yet: it is not lost, only on its way.
    """
    mailbox = await store.mailboxes.get(puller.name)
    if mailbox is None:
        return None
    now = clock.now()
    covered = Window(mailbox.covered_from, now - SETTLING)
    await store.coverage.mend(puller.name, now)
    runs = [
        Window(run.since, run.until) for run in await store.mailboxes.open_runs(puller.name) if not puller.aside(run.id)
    ]
    windows = [
        window
        for window in due(covered, await store.coverage.counted(puller.name), now)
        if not any(window.overlaps(run) for run in runs)
    ]
    for window in windows:
        await count_window(store, puller, window, now, repair=True)
    return await _report(store, puller.name, covered, now) if windows else None


async def count_window(store: Store, puller: Puller, window: Window, now: datetime, *, repair: bool) -> None:
    """List a window, hold it against the ledger, name and repair every difference, and store each day's sums."""
    listed = await puller.listing(window.since, window.until)
    fates = await store.report.fates(puller.name, listed)
    days = by_day(window, await store.coverage.received(puller.name, [i for i in listed if i in fates]))
    lost = [i for i in listed if i not in fates]
    for day, ids in (await _placed(puller, window, lost, [MOST_LISTINGS])).items():
        days[day].extend(ids)
    if repair:
        await _repair(store, puller.name, window, listed, lost, days, now)
    await store.coverage.put_days(puller.name, {day: total(ids, fates) for day, ids in days.items()}, now)


async def _placed(puller: Puller, window: Window, ids: Sequence[str], left: list[int]) -> dict[date, list[str]]:
    """The days of ids of which only the listing knows, by halving the window as often as `left` allows."""
    halves = window.halves()
    if not ids or halves is None or left[0] <= 0:
        return {window.days[0]: list(ids)}
    left[0] -= 1
    early, late = halves
    listed = set(await puller.listing(early.since, early.until))
    return {
        **await _placed(puller, early, [i for i in ids if i in listed], left),
        **await _placed(puller, late, [i for i in ids if i not in listed], left),
    }


async def _repair(
    store: Store,
    mailbox: str,
    window: Window,
    listed: Sequence[str],
    lost: Sequence[str],
    days: Mapping[date, Sequence[str]],
    now: datetime,
) -> None:
    """Have what is missing read, and what is no longer listed asked for once: it may be gone without a word."""
    day_of = {one: day for day, ids in days.items() for one in ids}
    await store.coverage.differ(mailbox, Kind.MISSING, {one: day_of[one] for one in lost}, now)
    shown = set(listed)
    # The edges of a listing are the provider's; what lies near them is left to another count.
    inner = Window(window.since + EDGE, window.until - EDGE)
    held = await store.coverage.held(mailbox, inner) if inner.since < inner.until else {}
    unlisted = {one: moment.date() for one, moment in held.items() if one not in shown}
    news = await store.coverage.differ(mailbox, Kind.UNLISTED, unlisted, now)
    if lost or news:
        await store.mail.want(mailbox, [*lost, *news], now)


async def _report(store: Store, mailbox: str, covered: Window, now: datetime) -> CoverageReport:
    """What the days together make of the mailbox; stored for `status`."""
    days = await store.coverage.days(mailbox)
    report = CoverageReport(
        mailbox=mailbox, counted_at=now, since=covered.since, until=covered.until, coverage=joined(days)
    )
    await store.report.put_coverage(report)
    return report


class KeeperLane:
    """The lane that counts, a mailbox a step, and forgets every few hours."""

    name = label = "keeper"

    def __init__(
        self,
        store: Store,
        pullers: Mapping[str, Puller],
        *,
        clock: Clock,
        log: Log,
        bell: Bell,
        retention: Retention,
        every: float,
    ) -> None:
        self._store = store
        self._pullers = pullers
        self._eraser = Eraser(store, pullers, clock=clock)
        self._clock = clock
        self._log = log
        self._bell = bell
        self._retention = retention
        self._every = every
        self._queue: list[str] = []
        self._next_count: float | None = None
        self._next_forget = float("inf")

    async def start(self) -> None:
        if self._next_count is None:
            self._next_count = self._clock.monotonic() + FRESH.total_seconds()
            self._next_forget = self._clock.monotonic() + self._every

    async def step(self) -> float:
        """Count one mailbox, or forget once a round."""
        if self._queue:
            await self._count(self._queue.pop(0))
            return 0.0
        now = self._clock.monotonic()
        if now >= self._next_forget:
            self._next_forget = now + self._every
            await self.forget()
            return 0.0
        assert self._next_count is not None  # noqa: S101 - `start` has run
        if now >= self._next_count:
            self._next_count = now + FRESH.total_seconds()
            self._queue = sorted(self._pullers)
            await self._eraser.go_on()  # what a command has begun and not seen to its end
            return 0.0
        return min(self._next_count, self._next_forget) - now

    async def _count(self, mailbox: str) -> None:
        """Count what is due; a mailbox that cannot be asked must not keep the others from their turn."""
        label = self._pullers[mailbox].label
        try:
            report = await count_due(self._store, self._pullers[mailbox], clock=self._clock)
        except StateFull:
            raise
        except ConnectorError as error:
            self._log.warning("coverage.uncounted", mailbox=label, error=type(error).__name__, code=error.code)
            return
        if report is None:
            return
        missing = report.coverage[Whereabouts.MISSING]
        # Also for what is read and no longer listed, which is asked for again.
        self._bell.ring()
        log = self._log.warning if missing else self._log.info
        log("coverage.counted", mailbox=label, listed=report.coverage.listed, missing=missing)

    async def forget(self) -> None:
        """Delete bodies, waiting mail, facts, mended differences and cleared alarms whose time is over."""
        await self._eraser.go_on()
        now = self._clock.now()
        bodies = await self._store.bodies.drop(now - self._retention.bodies)
        waiting = await self._store.mail.drop_waiting(now - self._retention.waiting, now)
        facts = await self._store.mail.drop_facts(now - self._retention.facts)
        await self._store.coverage.forget(now - REMEMBERED)
        await self._store.alarms.forget(now - REMEMBERED)
        if bodies or waiting or facts:
            self._log.info("store.forgot", bodies=bodies, waiting=waiting, facts=facts)
