"""A short life of one small company, cut anywhere: history, new mail, a task and its end, a stage move.

One run is one plan: crash at the n-th step, or a fault at the n-th call, in a whole or a broken engine. What is left
behind must equal what an undisturbed run leaves.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from connectors.base.model import Absent
from sync.coverage import Whereabouts
from sync.keeper import count
from sync.model import ItemState
from sync.store.outbox import SECOND_LOOK
from tests.box import Box, day
from tradepost.sandbox.company import Company, empty
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.virtual import START, run

EFFECTS = {
    # what goes wrong at a call, with how long or which status
    "lost_request": {},
    "lost_reply": {},
    "late_commit": {"seconds": 240},
    "slow": {"seconds": 20},
    "status_503": {"effect": Effect.STATUS, "status": 503},
    "status_after_500": {"effect": Effect.STATUS_AFTER, "status": 500},
    "status_401": {"effect": Effect.STATUS, "status": 401},
    "status_429": {"effect": Effect.STATUS, "status": 429},
    "html": {"status": 502},
    "truncated": {},
    "duplicate": {},
    "reset": {},
    "reset_after": {},
}
MOVES = {"quotation_sent": "apply"}
MAX_ROUNDS = 40


class Crash(BaseException):
    """The process dies here: nothing after this line runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done to one run of a pair. `mode` is one of the CRM's modes of set-up; the first has our unique keys.

    `broken` names the part of the engine that is taken out. `power` cuts the power at the crash: what was not synced to
    the disk is gone.
    """

    source: str = "gmail"
    target: str = "salesforce"
    mode: str = ""
    crash_at: int = 0
    effect: str = ""
    call: int = 0
    broken: str = ""
    power: bool = False

    def __str__(self) -> str:
        where = f"crash at step {self.crash_at}" if self.crash_at else f"{self.effect} at call {self.call}"
        pair = f"{self.source} -> {self.target}"
        parts = [pair, self.mode, where, "power cut" if self.power else "", self.broken]
        return ", ".join(p for p in parts if p)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind a day later, and how many points it passed.

    `mended` counts the doubled records that the engine found by itself, `unkeyed` names the kinds of write that the
    target has no unique key for, `operations` every call, as (its name at the vendor, read or write).
    """

    steps: int
    calls: int
    mails: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    stage: str = ""
    moves: int = 0
    missing: int = 0
    parked: tuple[str, ...] = ()
    mended: int = 0
    unkeyed: frozenset[str] = frozenset()
    stuck: str = ""
    labels: tuple[str, ...] = ()
    operations: tuple[tuple[str, str], ...] = ()

    def against(self, whole: Outcome) -> tuple[int, int]:
        """(lost, doubled) compared with an undisturbed run."""
        pairs = [*self._kinds(whole).values(), ({"move": self.moves}, {"move": whole.moves})]
        return _lost(pairs) + self.missing, _doubled(pairs)

    def _kinds(self, whole: Outcome) -> dict[str, tuple[Counts, Counts]]:
        return {"log_email": (self.mails, whole.mails), "create_task": (self.tasks, whole.tasks)}

    def in_gap(self, whole: Outcome) -> bool:
        """Whether all that differs lies inside what the target declares, and waits for a person.

        Only kinds of write without a unique key have a gap; `parked` must hold as many items as there are differences.
        """
        if self.missing or self.moves != whole.moves or self.stuck:
            return False
        waiting = Counter(kind.partition(":")[0] for kind in self.parked)
        return all(
            not _lost([pair]) + _doubled([pair])
            or (kind in self.unkeyed and _lost([pair]) + _doubled([pair]) <= waiting[kind] + waiting["remove"])
            for kind, pair in self._kinds(whole).items()
        )


Counts = Mapping[str, int]


def _lost(pairs: Sequence[tuple[Counts, Counts]]) -> int:
    return sum(max(0, n - mine.get(k, 0)) for mine, theirs in pairs for k, n in theirs.items())


def _doubled(pairs: Sequence[tuple[Counts, Counts]]) -> int:
    return sum(max(0, n - theirs.get(k, 0)) for mine, theirs in pairs for k, n in mine.items())


# ------------------------------------------------------------------------------------------------------------ the world


def company(world: World, plan: Plan) -> Company:
    """Two mailboxes, one customer with a deal."""
    found = empty(world, mail=(plan.source,), crms=(plan.target,), mode=plan.mode)
    (host,), crm = found.mail.values(), found.crm
    for name in ("ann", "bob"):
        address = f"{name}@{found.domain}"
        host.add_mailbox(address)
        crm.add_user(address, name)
    acme = crm.add_company("Acme", "acme.example")
    carl = crm.add_contact("Carl", "carl@acme.example", company=acme)
    found.book.deals["lamps"] = crm.add_deal("Lamps", company=acme, contact=carl, stage=crm.stages.open)
    return found


def mail(number: int, box: Box, sender: str, to: list[str], subject: str, *, ago: timedelta = timedelta()) -> bytes:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = sender, ", ".join(to), subject
    made["Date"] = format_datetime(box.clock.now() - ago)
    made["Message-ID"] = f"<{number}@sweep.example>"
    if number > 10:
        made["In-Reply-To"] = made["References"] = "<10@sweep.example>"
    made.set_content(f"Mail number {number}: {subject}.\n")
    return made.as_bytes()


def phases(box: Box) -> list[Callable[[], Any]]:
    """What happens, one after the other; each is worked off before the next."""
    domain = box.company.domain
    ann, bob, carl = f"ann@{domain}", f"bob@{domain}", "carl@acme.example"

    def past() -> None:
        for n in range(3):
            ago = timedelta(days=9 - n)
            raw = mail(n, box, carl, [ann, bob] if n else [ann], f"Old mail {n}", ago=ago)
            box.post(raw, at=box.clock.now() - ago)

    return [
        past,
        lambda: box.post(mail(10, box, carl, [ann, bob], "How much are lamps")),
        lambda: box.post(mail(11, box, ann, [carl], "Our quotation for lamps")),
    ]


# -------------------------------------------------------------------------------------------------------------- one run


class Life:
    """One run of the scenario under a plan."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.steps = 0
        self.labels: list[str] = []
        self.dead = False
        self.engine: Any = None
        self.stack = AsyncExitStack()
        self.box = Box(
            folder,
            company=lambda world: company(world, plan),
            start=day(START, 30),
            moves=MOVES,
            native_logging="ignore",
            settle_seconds=0 if plan.broken == "no wait for settling" else 600,
        )
        self.box.transport.on_step = self.step

    def step(self, label: str) -> None:
        """Every commit, before and after, and every network step passes here."""
        if self.dead:
            raise Crash
        if label.endswith(":begin"):
            return
        self.steps += 1
        self.labels.append(label)
        if self.steps == self.plan.crash_at:
            self.dead = True
            self._save()
            raise Crash

    def _save(self) -> None:
        """Keep the files as the crash leaves them; closing the connection in this process would tidy them up."""
        state = self.box.state
        for file in (state, state.with_name("state.db-wal")):
            if file.exists():
                shutil.copyfile(file, file.with_name(f"{file.name}.saved"))

    def _restore(self, synchronous: str) -> None:
        state = self.box.state
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            state.with_name(name).unlink(missing_ok=True)
        for name in ("state.db", "state.db-wal"):
            saved = state.with_name(f"{name}.saved")
            # Below FULL nothing syncs the log at a commit: https://www.sqlite.org/pragma.html#pragma_synchronous
            durable = name == "state.db" or not self.plan.power or synchronous == "FULL"
            if saved.exists() and durable:
                shutil.copyfile(saved, state.with_name(name))
            saved.unlink(missing_ok=True)

    async def process(self) -> tuple:
        """The program works until it is idle or dies; it is started if it does not run. Returns what is still amiss."""
        synchronous = "NORMAL" if self.plan.broken == "lower synchronous" else "FULL"
        try:
            if self.engine is None:
                self.stack = AsyncExitStack()
                opened = self.box.engine(step=self.step, synchronous=synchronous, wrap=self._break)
                self.engine = await self.stack.enter_async_context(opened)
            return await self._work(self.engine)
        except Crash:
            self.engine = None
            await self.stack.aclose()
            self.dead = False
            self._restore(synchronous)
            return ("crashed",)

    async def _work(self, engine: Any) -> tuple:
        done: list[Any] = []
        for lanes in (engine.mail, engine.crm):
            for runner in lanes:
                runner.lane.poll_now()
            done += await asyncio.gather(*(runner.once() for runner in lanes), return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException):
                raise one
        counts = await engine.store.report.counts()
        open_ = [key for key, n in counts.items() if key[2] in ("ready", "sending", "unknown") and n]
        return tuple(t for t in done if t is not None) + tuple(open_)

    def _break(self, engine: Any) -> None:
        """Take out the part that the plan names."""
        match self.plan.broken:
            case "no row before the call":

                async def unwritten(keys: Sequence[str], _: Any) -> frozenset[str]:
                    return frozenset(keys)

                engine.store.outbox.sending = unwritten
            case "no look-up":
                for target in engine.targets.values():

                    async def absent(attempts: Any) -> Any:
                        return tuple(Absent() for _ in attempts)

                    target.find_written = absent
            case "cursor in another transaction":
                for puller in engine.pullers.values():
                    puller.live_page = _cursor_first(puller)

    async def settle(self) -> str:
        for _ in range(MAX_ROUNDS):
            troubles = await self.process()
            await self.box.transport.drain()
            if not troubles:
                return ""
            await self.box.clock.sleep(660)
        return repr(troubles)

    async def live(self) -> Outcome:
        """The whole scenario."""
        if self.plan.effect:
            extra = dict(EFFECTS[self.plan.effect])
            effect = extra.pop("effect", None) or Effect(self.plan.effect)
            self.box.world.faults.add(Fault(vendor="*", nth=self.plan.call, effect=effect, **extra))
        stuck = ""
        for phase in phases(self.box):
            phase()
            stuck = stuck or await self.settle()
            await self.box.clock.sleep(60)
        await self.box.clock.sleep(86_400)
        stuck = stuck or await self.settle()
        steps, self.plan = self.steps, replace(self.plan, crash_at=0)
        calls = len(self.box.world.requests.records)
        self.box.world.faults.clear()
        self.box.transport.on_step = None
        return await self._outcome(steps, calls, stuck)

    async def _outcome(self, steps: int, calls: int, stuck: str) -> Outcome:
        crm, connection = self.box.company.crm, next(iter(self.box.company.crms))
        missing, parked, mended = 0, [], 0
        account = await self.engine.store.mirror.account(connection) if self.engine else None
        unkeyed = {str(k) for k, c in account.capabilities.items() if not c.unique_key} if account else set()
        if not stuck:
            await self.box.clock.sleep(660)
            missing = sum([await self._missing(puller) for puller in self.engine.pullers.values()])
            items = await self.engine.store.report.items(tuple(ItemState))
            parked = [f"{i.kind}:{i.reason}" for i in items if i.state is ItemState.PARKED]
            mended = sum(i.rule == SECOND_LOOK and i.state is ItemState.DONE for i in items)
        await self.stack.aclose()
        mails = Counter(message_id for message_id, _ in self.box.company.logged(connection))
        tasks = Counter(f"{task.title} {'closed' if task.closed else 'open'}" for task in crm.tasks())
        deal = crm.deal(self.box.company.book.deals["lamps"])
        return Outcome(
            steps=steps,
            calls=calls,
            mails=dict(mails),
            tasks=dict(tasks),
            stage=deal.stage,
            moves=sum(ours for _, ours in deal.moves[1:]),
            missing=missing,
            parked=tuple(parked),
            mended=mended,
            unkeyed=frozenset(unkeyed),
            stuck=stuck,
            labels=tuple(self.labels),
            operations=tuple((f"{r.vendor}:{r.operation}", r.kind) for r in self.box.world.requests.records),
        )

    async def _missing(self, puller: Any) -> int:
        report = await count(self.engine.store, puller, clock=self.box.clock, repair=False)
        return report.coverage[Whereabouts.MISSING] if report else 0


def _cursor_first(puller: Any) -> Callable[[], Any]:
    """A careless reader: the position is stored before the page's mails are."""

    async def live_page() -> bool:
        mailbox = await puller._store.mailboxes.get(puller.name)
        page = await puller._source.changes(mailbox.cursor)
        await puller._store.mailboxes.advance(puller.name, page.cursor, (), puller._clock.now())
        ids = [e.id for e in page.events]
        await puller._take(await puller._store.mail.unknown(puller.name, ids))
        return page.more

    return live_page


def live(folder: Path, plan: Plan) -> Outcome:
    """Run the scenario under a plan, in a folder of its own."""
    return run(Life(folder, plan).live())
