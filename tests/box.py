"""A whole company in one process on virtual time: vendors, transport, configuration, store and engine.

`Box` survives crashes of the engine: the vendors and the clock go on, the state file is opened again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from cryptography.fernet import Fernet

from connectors.http import Sender
from sync.coverage import Whereabouts
from sync.keeper import count
from sync.lanes import run_once
from sync.store import Store
from tradepost.config import load
from tradepost.cpu import InlineCpu
from tradepost.daemon import Engine, Parts, assemble
from tradepost.sandbox.company import Company, exporter, stage_rules, write_config
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.trade.build import Letter, letters
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import START, VirtualClock
from tradepost.vault import MemoryVault

KEY = Fernet.generate_key()


@dataclass
class Events:
    """A log that keeps what it is told, in order."""

    lines: list = field(default_factory=list)

    def _tell(self, level):
        def tell(event, **ids):
            self.lines.append((level, event, tuple(sorted((k, str(v)) for k, v in ids.items()))))

        return tell

    def __getattr__(self, level):
        if level in ("info", "warning", "error", "debug"):
            return self._tell(level)
        raise AttributeError(level)


class Box:
    """One company and the engine that works for it."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 1,
        company: Callable[[World], Company] = exporter,
        moves: Mapping[str, str] | None = None,
        **config,
    ):
        self.clock = VirtualClock(START)
        self.seed = seed
        self.world = World(clock=self.clock, random=Random(f"world-{seed}"))
        self.company = company(self.world)
        self.folder = folder
        self.start_given = config
        config.setdefault("settle_seconds", 600)
        if moves:
            config["rules"] = stage_rules(self.company, moves)
        self.config = write_config(self.company, folder, **config)
        self.settings = load(self.config, environ={"PATH": os.defpath})
        self.events = Events()
        self.vault = MemoryVault()
        self.starts = 0
        self.forgives = False  # a lane that breaks by a mistake pauses; here it is an error, unless a test means it
        self.transport = self._transport()

    def _transport(self, on_step=None):
        chance = Random(f"latency-{self.seed}")
        return InProcessTransport(
            self.company.hosts(), self.clock, latency=lambda: chance.uniform(0.01, 0.08), on_step=on_step
        )

    # ------------------------------------------------------------------------------------------------------- the engine

    @asynccontextmanager
    async def engine(self, *, synchronous="FULL", step=lambda _: None, wrap: Callable[[Engine], None] = lambda _: None):
        """A started process: opened state file, fresh engine. Leaves the state file closed."""
        self.starts += 1
        chance = Random(f"engine-{self.seed}-{self.starts}")
        store = Store.open(self.state, key=KEY, synchronous=synchronous, step=step)
        sender = Sender(clock=self.clock, random=chance, log=self.events, transport=self.transport)
        parts = Parts(
            sender=sender, clock=self.clock, random=chance, cpu=InlineCpu(), log=self.events, vault=self.vault
        )
        engine = assemble(self.settings, parts, store)
        wrap(engine)
        try:
            yield engine
        finally:
            await engine.close()
            await sender.close()
            store.close()
            if not self.forgives and isinstance(self.events, Events):
                broken = [
                    line
                    for line in self.events.lines
                    if line[1].endswith(".broken") and ("error", "OperationalError") not in line[2]
                ]
                assert not broken, broken

    @property
    def state(self) -> Path:
        (self.folder / "state").mkdir(exist_ok=True)
        return self.folder / "state" / "state.db"

    async def once(self, engine: Engine | None = None):
        """`tradepost run --once`; returns the lanes' troubles."""
        if engine is not None:
            return await run_once(engine.mail, engine.crm)
        async with self.engine() as fresh:
            return await run_once(fresh.mail, fresh.crm)

    async def settle(self, *, rounds: int = 40, every: timedelta = timedelta(minutes=11)):
        """Run again and again with time in between until nothing is open; raises AssertionError when it never ends."""
        for _ in range(rounds):
            await self.transport.drain()
            async with self.engine() as engine:
                troubles = await run_once(engine.mail, engine.crm)
                open_ = await engine.store.report.counts()
                busy = [n for (_, _, state), n in open_.items() if state in ("ready", "sending", "unknown")]
                if not troubles and not busy:
                    return
            await self.clock.sleep(every.total_seconds())
        raise AssertionError(f"still open: {open_} {troubles}")

    async def coverage(self) -> Mapping[str, dict[Whereabouts, int]]:
        """Every mailbox's sums, counted now (ten minutes are let pass first)."""
        await self.clock.sleep(660)
        found = {}
        async with self.engine() as engine:
            for name, puller in engine.pullers.items():
                report = await count(engine.store, puller, clock=self.clock, repair=False)
                found[name] = dict(report.coverage.sums) | {"listed": report.coverage.listed}
        return found

    # --------------------------------------------------------------------------------------------------------- the world

    def deliver(self, letter: Letter) -> Mapping[str, str]:
        return self.company.deliver(letter)

    def post(self, raw: bytes, *, at: datetime | None = None) -> Mapping[str, str]:
        """Carry any mail, now or at its time; the answer maps mailboxes to ids."""
        return self.company.deliver(Letter("", at or self.clock.now(), raw, live=at is None))

    def history(self) -> list[Letter]:
        return [x for x in letters(self.clock.now()) if not x.live]

    def live(self) -> list[Letter]:
        return [x for x in letters(self.clock.now()) if x.live]

    def fault(self, vendor: str, operation: str, effect: str, **more):
        self.world.faults.add(Fault(vendor=vendor, operation=operation, effect=Effect(effect), **more))

    def writes(self) -> int:
        """Requests that asked a CRM for a change."""
        return sum(len(self.world.requests.writes(crm.name)) for crm in self.company.crms.values())

    def rows(self, soql: str):
        return self.company.org.query(soql)

    def activities(self) -> int:
        """Mail activities in all CRMs."""
        return sum(len(crm.mails()) for crm in self.company.crms.values())


def day(moment: datetime, back: int = 0) -> str:
    return (moment - timedelta(days=back)).date().isoformat()
