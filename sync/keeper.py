"""Housekeeping: count every mailbox against its provider's listing, ask for what is missing, forget what is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from connectors.base.services import Clock, Log
from sync.coverage import Whereabouts, total
from sync.lanes import Bell
from sync.pull import Puller
from sync.store import Store
from sync.store.report import CoverageReport

# Mail younger than this may still be on its way through the provider's own listing.
SETTLING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept; the defaults of docs/data.md."""

    bodies: timedelta = timedelta(days=7)
    waiting: timedelta = timedelta(days=90)
    facts: timedelta = timedelta(days=730)


async def count(
    store: Store, puller: Puller, *, clock: Clock, repair: bool = True, settling: timedelta = SETTLING
) -> CoverageReport | None:
    """Count one mailbox now and store the sums; what is missing is asked for. None before the first start.

    Mail younger than `settling` is left out; zero counts all of it, for listings that are never late.
    """
    mailbox = await store.mail.mailbox(puller.name)
    if mailbox is None:
        return None
    now = clock.now()
    until = now - settling
    listed = await puller.listing(mailbox.covered_from, until) if until > mailbox.covered_from else ()
    fates = await store.report.fates(puller.name, listed)
    report = CoverageReport(
        mailbox=puller.name,
        counted_at=now,
        since=mailbox.covered_from,
        until=until,
        coverage=total(listed, fates),
    )
    await store.report.put_coverage(report)
    if repair and report.coverage[Whereabouts.MISSING]:
        await store.mail.want(puller.name, [i for i in listed if i not in fates], now)
    return report


class KeeperLane:
    """The lane that counts and forgets."""

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
        self._clock = clock
        self._log = log
        self._bell = bell
        self._retention = retention
        self._every = every
        self._queue: list[str] = []
        self._next: float | None = None

    async def start(self) -> None:
        if self._next is None:
            self._next = self._clock.monotonic() + self._every

    async def step(self) -> float:
        """Count one mailbox, or forget once a round."""
        if self._queue:
            await self._count(self._queue.pop(0))
            return 0.0
        assert self._next is not None  # noqa: S101 - `start` has run
        wait = self._next - self._clock.monotonic()
        if wait > 0:
            return wait
        self._next = self._clock.monotonic() + self._every
        await self.forget()
        self._queue = sorted(self._pullers)
        return 0.0

    async def _count(self, mailbox: str) -> None:
        report = await count(self._store, self._pullers[mailbox], clock=self._clock)
        if report is None:
            return
        missing = report.coverage[Whereabouts.MISSING]
        if missing:
            self._bell.ring()
        log = self._log.warning if missing else self._log.info
        log("coverage.counted", mailbox=self._pullers[mailbox].label, listed=report.coverage.listed, missing=missing)

    async def forget(self) -> None:
        """Delete bodies, waiting mail and facts whose time is over."""
        now = self._clock.now()
        bodies = await self._store.mail.drop_bodies(now - self._retention.bodies)
        waiting = await self._store.mail.drop_waiting(now - self._retention.waiting, now)
        facts = await self._store.mail.drop_facts(now - self._retention.facts)
        if bodies or waiting or facts:
            self._log.info("store.forgot", bodies=bodies, waiting=waiting, facts=facts)
