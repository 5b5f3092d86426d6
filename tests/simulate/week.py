"""One run of a script: the world's events, the program at its ticks, and what goes wrong. Ends with looks at the vendors."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from connectors.base.model import Remove
from mappings.model import Reason
from sync.model import ItemState
from sync.schema import tables as t
from sync.store import StateFull
from tests.box import Box, day
from tests.simulate.acts import Acts, furnish
from tests.simulate.looks import Ending, Parked, look
from tests.simulate.ruin import CRASH, EFFECTS, LOCKED, Ruin, Seen
from tests.simulate.script import DAY, HISTORY_DAYS, HOUR, Event, Script
from tests.simulate.troubles import Troubles
from tests.sweep.scenario import Crash, Life, Plan
from tradepost.config import load
from tradepost.sandbox.company import write_config
from tradepost.sandbox.kernel import Effect
from tradepost.sandbox.virtual import START, VirtualClock, run
from tradepost.service.parked import retry

Doing = Callable[[Any], Awaitable[object]]
MOVES = {"quotation_sent": "apply", "order_received": "propose"}
# Day 8, 21:00 at the company: no timer of ours falls due within hours.
END = 8 * DAY + 5 * HOUR
CALM = END - DAY  # what went wrong until then must be found within a day
RETRY = CALM + 10 * HOUR
LAST_LOOKS = (CALM, CALM + 3 * HOUR, RETRY, END)
WAITS_FOR_LOCK = 30_000  # ms, as the product sets it
BODIES_KEPT = timedelta(days=7)


class Skewed:
    """The program's own clock, which somebody may set wrong; the vendors' stays right."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.skew = timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self.skew

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


class Office(Box):
    """A box whose program has a clock of its own."""

    def __init__(self, folder: Path, **more: Any) -> None:
        super().__init__(folder, **more)
        self.right = self.clock
        self.own = Skewed(self.clock)
        self.forgives = True  # what breaks is judged in the end

    def engine(self, **more: Any) -> Any:
        self.clock = self.own  # type: ignore[assignment]
        return super().engine(**more)


class Week(Troubles, Life):
    """The life of one company under a script and its ruin. Inherits death and the files it leaves from the sweep."""

    def __init__(self, folder: Path, script: Script, ruin: Sequence[Ruin] = (), *, broken: str = "") -> None:
        self.script, self.ruin = script, ruin
        self.plan = Plan(broken=broken, power=True)
        self.dead = False
        self.engine: Any = None
        self.stack = AsyncExitStack()
        self.labels_seen: Counter[str] = Counter()
        self.crashes = 0
        self.struck: Counter[tuple[str, str]] = Counter()
        self.deaths = {(r.at, r.nth) for r in ruin if r.what == CRASH}
        self.locks = {(r.at, r.nth) for r in ruin if r.what == LOCKED}
        self.troubles_left: list[tuple[float, Ruin, bool]] = sorted(
            (
                (when, r, begins)
                for r in ruin
                if r.moment
                for when, begins in ((r.moment, True), (r.moment + r.length, False))
            ),
            key=lambda x: x[0],
        )
        self.untidy = True  # no housekeeping yet at this tick
        self.disorder: list[str] = []
        self.sent_last: dict[str, int] = {}
        self.off_since: int | None = None
        self.while_off = 0
        self.retried = 0
        self.doing: Doing | None = None
        self.locker: sqlite3.Connection | None = None
        self.box = self._box(folder)
        self.acts = Acts(script, self.box, self.ids)
        self.box.transport.on_step = self.step

    def _box(self, folder: Path) -> Office:
        self.ids: dict[str, str] = {}

        def company(world: Any) -> Any:
            made, ids = furnish(world, self.script)
            self.ids |= ids
            return made

        return Office(
            folder,
            seed=self.script.seed,
            company=company,
            start=day(START, HISTORY_DAYS),
            moves=MOVES,
            native_logging="ignore",
            settle_seconds=0 if self.plan.broken == "no wait for settling" else 600,
        )

    # ------------------------------------------------------------------------------------------------------- the program

    def step(self, label: str) -> None:
        if self.dead:
            raise Crash
        self.labels_seen[label] += 1
        if label.endswith(":begin"):
            if (label, self.labels_seen[label]) in self.locks:
                self._lock(label)
            return
        if (label, self.labels_seen[label]) in self.deaths:
            self.dead = True
            self.crashes += 1
            self.struck[label, CRASH] += 1
            self._save()
            raise Crash

    async def process(self) -> tuple:
        try:
            return await super().process()
        except OperationalError:
            # A process that cannot even start over a locked file ends, and its supervisor starts it anew.
            if self.locker is None:
                raise
            self.crashes += 1
            await self.restart()
            return ("locked out",)
        finally:
            self._unlock()

    def _lock(self, label: str) -> None:
        """Somebody else (a backup, an indexer) holds the file's write lock for longer than we wait."""
        if self.engine is not None and self.locker is None:
            self.struck[label, LOCKED] += 1
            self.locker = sqlite3.connect(self.box.state, timeout=0, isolation_level=None)
            self.locker.execute("BEGIN IMMEDIATE")
            self._wait_for_lock(0)

    def _unlock(self) -> None:
        if self.locker is not None:
            self.locker.close()
            self.locker = None
            self._wait_for_lock(WAITS_FOR_LOCK)

    def _wait_for_lock(self, milliseconds: int) -> None:
        if self.engine is not None:
            raw = self.engine.store.db._connection.connection.driver_connection
            raw.execute(f"PRAGMA busy_timeout={milliseconds}")

    def _break(self, engine: Any) -> None:
        super()._break(engine)
        told = engine.store.outbox.sending

        async def sending(keys: Sequence[str], now: datetime) -> Any:
            marked = await told(keys, now)
            self._in_order(engine.store, keys)
            return marked

        engine.store.outbox.sending = sending

    def _in_order(self, store: Any, keys: Sequence[str]) -> None:
        """What has one order key goes out one by one, in the order of its decisions."""
        query = select(t.items.c.seq, t.items.c.order_key, t.items.c.kind).where(t.items.c.key.in_(keys))
        with store.db.read() as c:
            rows = c.execute(query.where(t.items.c.order_key != "")).all()
        for row in rows:
            if self.sent_last.get(row.order_key, 0) > row.seq:
                self.disorder.append(f"{row.kind} {row.seq} went out after {self.sent_last[row.order_key]}")
            self.sent_last[row.order_key] = row.seq
        if len({row.order_key for row in rows}) < len(rows):
            self.disorder.append(f"{len(rows)} items shared a batch and an order key")

    async def restart(self) -> None:
        """SIGTERM and a new start."""
        self.engine = None
        await self.stack.aclose()

    async def ask(self, doing: Doing) -> None:
        """Have the program do something beside its rounds; it may die of that too."""
        self.doing = doing
        try:
            await self.process()
        finally:
            self.doing = None

    async def _work(self, engine: Any) -> tuple:
        if self.doing is not None:
            with suppress(StateFull):
                await self.doing(engine.store)
            return ()
        return await self._round(engine)

    async def _round(self, engine: Any) -> tuple:
        """Every lane at once, then the targets again for what the mailboxes brought.

        Housekeeping once a tick is enough. A broken engine gets none: what a count heals later was lost all the same.
        """
        self._disk(engine)
        lanes = [*engine.mail, *engine.crm]
        for runner in lanes:
            runner.lane.poll_now()
        tidy = self.ruin and not self.plan.broken and self.untidy
        troubles = await self._run(*lanes, *([engine.keeper] if tidy else []))
        self.untidy = False
        troubles += await self._run(*engine.crm)
        counts = await engine.store.report.counts()
        states = ("ready", "sending", "unknown") if self.off_since is None else ("sending", "unknown")
        return tuple(troubles) + tuple(key for key, n in counts.items() if key[2] in states and n)

    async def _run(self, *lanes: Any) -> list[Any]:
        done = await asyncio.gather(*(runner.once() for runner in lanes), return_exceptions=True)
        worst = [d for d in done if isinstance(d, BaseException)]
        if worst:
            raise next((d for d in worst if isinstance(d, Crash)), worst[0])
        return [d for d in done if d is not None]

    async def work(self, until: float) -> tuple:
        """The program at one tick: as often as needed, as far as time allows."""
        self.untidy = True
        for _ in range(3):
            amiss = await self.process()
            if not amiss:
                break
            crashed = amiss == ("crashed",)
            if not crashed:
                if self.now() + 900 > until:
                    break
                await self.box.right.sleep(660)
        return amiss

    def now(self) -> float:
        return (self.box.right.now() - START).total_seconds()

    async def until(self, moment: float) -> None:
        await self.box.right.sleep(moment - self.now())

    # --------------------------------------------------------------------------------------------------------- the week

    async def live(self) -> Ending:
        for one in self.ruin:
            if one.what in EFFECTS:
                self.box.world.faults.add(one.fault())
        events = list(self.script.events)
        for event in [e for e in events if e.at < 0]:
            await self.happen(event)
        await self.work(HOUR)
        ticks = [*self.script.ticks, *LAST_LOOKS]
        ahead = [e for e in events if e.at >= 0]
        for tick, after in zip(ticks, [*ticks[1:], END + DAY], strict=True):
            due, ahead = [e for e in ahead if e.at <= tick], [e for e in ahead if e.at > tick]
            for event in due:
                await self.until(event.at)
                await self.happen(event)
            await self.until(tick)
            await self._troubles(tick)
            if tick == CALM:
                await self._calm()
            if tick == RETRY:
                await self.ask(self._person_retries)
            amiss = await self.work(after)
        return await self._finish(amiss)

    async def happen(self, event: Event) -> None:
        own = getattr(self, f"do_{event.what}", None)
        if own is None:
            self.acts.carry_out(event)
        else:
            await own(event)

    async def _finish(self, amiss: tuple) -> Ending:
        for _ in range(20):
            if not amiss:
                break
            await self.box.right.sleep(660)
            amiss = await self.process()
        await self.box.transport.drain()
        self.box.transport.on_step = None
        self._count_strikes()
        ending = await look(self, stuck=repr(amiss) if amiss else "")
        if self.ruin and not self.plan.broken:
            ending = await self._bodies(ending)
        await self.stack.aclose()
        return ending

    async def _bodies(self, ending: Ending) -> Ending:
        """Eight more days, one round of housekeeping: no body may be older than its time."""
        await self.until(END + 8 * DAY)
        self.untidy = True
        await self.process()
        if self.engine is None:
            await self.process()
        oldest = self.box.right.now() - BODIES_KEPT
        with self.engine.store.db.read() as c:
            kept = c.execute(select(func.count()).select_from(t.bodies).where(t.bodies.c.kept_since < oldest))
            ending.bodies_left = int(kept.scalar_one())
        return ending

    def _count_strikes(self) -> None:
        by_effect = {
            (r.at, Effect(EFFECTS[r.what].get("effect", r.what)).value): r.what for r in self.ruin if r.what in EFFECTS
        }
        for record in self.box.world.requests.records:
            if record.fault:
                at = f"{record.vendor}:{record.operation}"
                self.struck[at, by_effect.get((at, record.fault), record.fault)] += 1

    def seen(self) -> Seen:
        """What an undisturbed run consisted of."""
        records = self.box.world.requests.records
        calls = Counter(f"{r.vendor}:{r.operation}" for r in records)
        writes = frozenset(f"{r.vendor}:{r.operation}" for r in records if r.kind == "write")
        return Seen(dict(self.labels_seen), dict(calls), writes)

    # ------------------------------------------------------------------------------------------------- the program's acts

    async def do_restart(self, _: Event) -> None:
        await self.restart()

    async def do_reload(self, _: Event) -> None:
        await self._configured()

    async def do_exclude(self, event: Event) -> None:
        who = self.script.people[event.who].address
        rules = dict(self.box.start_given["rules"])
        rules["exclusions"] = [{"skip": "mail", "address": [who]}]
        await self._configured(rules=rules)

    async def do_writes_off(self, _: Event) -> None:
        if self.off_since is None:
            await self.box.transport.drain()
            await self._configured(writes="off")
            self.off_since = self.crm_writes()

    async def do_writes_on(self, _: Event) -> None:
        if self.off_since is not None:
            self.while_off += self.crm_writes() - self.off_since
            self.off_since = None
            await self._configured(writes="on")

    async def _configured(self, **changes: Any) -> None:
        """A changed configuration, read anew."""
        await self.restart()
        self.box.start_given |= changes
        write_config(self.box.company, self.box.folder, **self.box.start_given)
        self.box.settings = load(self.box.config, environ={"PATH": "/usr/bin:/bin"})

    async def do_backfill(self, event: Event) -> None:
        mailbox, now = f"{event.who}@{self.box.company.domain}", self.box.own.now()
        await self.ask(lambda store: store.mailboxes.add_run("backfill", mailbox, now - timedelta(days=20), now, now))

    def crm_writes(self) -> int:
        return self.box.writes()

    # ---------------------------------------------------------------------------------------------------------- troubles

    async def _troubles(self, now: float) -> None:
        while self.troubles_left and self.troubles_left[0][0] <= now:
            _, one, begins = self.troubles_left.pop(0)
            self.struck[one.what, "trouble"] += begins
            getattr(self, f"trouble_{one.what}")(one, begins=begins)

    async def _calm(self) -> None:
        """Whatever still goes wrong ends now; what was ordered and never met is forgotten."""
        await self._troubles(float("inf"))
        self.box.world.faults.clear()
        self.deaths.clear()
        self.locks.clear()
        await self.do_writes_on(Event(at=CALM, what="writes_on"))

    # --------------------------------------------------------------------------------------------------------- a person

    async def _person_retries(self, store: Any) -> None:
        """`tradepost retry` for what a vendor refused; what may be there twice is left to a careful person."""
        items = await store.report.items((ItemState.PARKED,))
        words = [i.key for i in items if i.reason not in (Reason.OUTCOME_UNKNOWN, Reason.DOUBLED)]
        words += [provider_id for _, provider_id, _ in await store.mail.unreadable()]
        if words:
            self.retried += len(words)
            await retry(store, words, every=False, targets=(), now=self.box.own.now())

    async def parked(self) -> tuple[Parked, ...]:
        """What waits for a person: items, and mails that could not be read."""
        store = self.engine.store
        items = await store.report.items((ItemState.PARKED,))
        mails = {i.mail: await store.report.explain(i.mail) for i in items}
        found = [
            Parked(
                kind=i.kind.value,
                reason=i.reason,
                message_id=told.facts.message_id if (told := mails[i.mail]) else "",
                title=getattr(i.write, "title", ""),
                record=i.write.record if isinstance(i.write, Remove) else "",
            )
            for i in items
        ]
        called = {held.id: held.message_id for m in self.box.company.mailboxes for held in self._held(m)}
        for _, provider_id, reason in await store.mail.unreadable():
            found.append(Parked(kind="mail", reason=reason, message_id=called.get(provider_id, "")))
        return tuple(found)

    def _held(self, mailbox: str) -> Any:
        return self.box.company.host_of(mailbox).held(mailbox)

    async def unkeyed(self) -> frozenset[str]:
        account = await self.engine.store.mirror.account(next(iter(self.box.company.crms)))
        return (
            frozenset(str(k) for k, c in account.capabilities.items() if not c.unique_key) if account else frozenset()
        )


def live(folder: Path, script: Script, ruin: Sequence[Ruin] = (), *, broken: str = "") -> tuple[Ending, Week]:
    """Run one week in a folder of its own."""
    week = Week(folder, script, ruin, broken=broken)
    return run(week.live()), week
