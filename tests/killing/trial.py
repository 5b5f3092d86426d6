"""A daemon's many lives during one backfill, and what must be so at the end, by the sandbox's own count."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO, Any

import yaml

from tests.killing.company import BOXES
from tests.killing.process import Daemon, Vendors, daemon, left_of, vendors
from tests.killing.vendors import ANSWER_AFTER
from tests.power.ledger import broken
from tradepost.clock import SystemClock
from tradepost.service.control import ask, control_socket

FETCH = 25  # most mails of one fetch: what a death may cost a mailbox in reading again
TOKENS_IN_TEN_MINUTES = 10  # https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html
BEGINNING = 2.0  # seconds in which a daemon starts, opens its state and signs in
AT_START = 15  # requests that a start takes
FIRST_SHARE = 25  # requests of a life, before anyone knows how many the work takes
LIFE_WITHIN = 120.0
WRITE_WITHIN = 6.0  # where a target takes many records in one write, there are few
RELOAD_WITHIN = 60.0
LEAVES_WITHIN = 30.0  # one call's answer and the end; a service manager gives 150 s
END_WITHIN = 600.0


@dataclass(frozen=True, slots=True)
class Life:
    """How one life ends: `kill` (-9) or `term`, at its `start`, at a request (`read`) or with a `write` on its way."""

    end: str
    moment: str
    reload: bool = False


def lives(kills: int, chance: Random) -> list[Life]:
    """So many kills, a fifth of them after a SIGHUP, and among them a fifth as many SIGTERMs, in a drawn order."""
    moments = chance.choices(("start", "read", "write"), (3, 9, 8), k=kills)
    killed = [Life("kill", "read" if n % 5 == 0 else moment, reload=n % 5 == 0) for n, moment in enumerate(moments)]
    found = killed + [Life("term", chance.choice(("read", "write"))) for _ in range(-(-kills // 5))]
    chance.shuffle(found)
    return found


@dataclass
class Outcome:
    """What came of it. `mails` are those of the backfill, `live` those that came meanwhile."""

    mails: int
    live: int = 0
    kills: Counter[str] = field(default_factory=Counter)  # by moment
    in_backfill: int = 0  # kills while mail of the backfill was still to be written
    terms: list[float] = field(default_factory=list)  # seconds from SIGTERM to the end
    reloads: int = 0
    starts: int = 0
    wrong: list[str] = field(default_factory=list)  # what was not kept on the way
    seconds: float = 0.0
    counts: Mapping[str, Any] = field(default_factory=dict)  # the sandbox's report
    coverage: Sequence[Mapping[str, Any]] = ()
    in_doubt: int = 0  # writes whose outcome nobody knew after a death

    def read_again(self) -> dict[str, int]:
        """Of each mailbox, how often a mail was asked for once more."""
        return {box: sum(n - 1 for n in times.values() if n) for box, times in self.counts["gets"].items()}

    def tokens(self) -> dict[str, tuple[int, int]]:
        """Of each vendor, how many tokens were asked for: in all, and at most in any ten minutes."""
        return {
            vendor: (len(at), max(sum(0 <= later - one < 600 for later in at) for one in at))
            for vendor, at in self.counts["tokens"].items()
        }

    def faults(self) -> list[str]:
        """Promises that are not kept."""
        logged, most = self.counts["logged"], FETCH * self.kills.total()
        found = list(self.wrong)
        if len(logged) != self.mails + self.live:
            found.append(f"{self.mails + self.live - len(logged)} mails are not in the CRM")
        found += [f"{id_} is there {n} times" for id_, n in sorted(logged.items()) if n != 1]
        found += [f"task {title!r} is there {n} times" for title, n in sorted(self.counts["tasks"].items()) if n != 1]
        found += [f"{box}: {n} mails read again" for box, n in self.read_again().items() if n > most]
        unread = {box: sum(not n for n in times.values()) for box, times in self.counts["gets"].items()}
        found += [f"{box}: {n} mails never read" for box, n in unread.items() if n]
        found += [f"{c['mailbox']}: {c}" for c in self.coverage if c["missing"] or c["parked"]]
        found += [
            f"{vendor}: {total} tokens, {most} of them in ten minutes"
            for vendor, (total, most) in self.tokens().items()
            if most > TOKENS_IN_TEN_MINUTES or total > 2 * len(BOXES) + self.starts // 10
        ]
        return found


class Trial:
    """One backfill and its deaths."""

    def __init__(self, sandbox: Vendors, log: IO[str], *, mails: int, seed: int) -> None:
        self.outcome = Outcome(mails)
        self._sandbox = sandbox
        self._state = sandbox.config.parent / "state"
        self._log = log
        self._chance = Random(seed)
        self._clock = SystemClock()

    async def run(self, kills: int) -> Outcome:
        began = self._clock.monotonic()
        plan = lives(kills, self._chance)
        for number, life in enumerate(plan):
            await self._sandbox.arrive(number)
            self.outcome.live += 1
            await self._live(life, await self._requests(len(plan) - number))
        await self._last()
        self.outcome.counts = await self._sandbox.ask("report")
        self.outcome.in_doubt = self._count("SELECT count(*) FROM journal WHERE event = 'item.unknown'")
        self.outcome.wrong += broken(self._state / "state.db")
        self.outcome.seconds = self._clock.monotonic() - began
        return self.outcome

    async def _requests(self, left: int) -> int:
        """After how many requests to strike, so that the work lasts about as long as the lives do."""
        done = await self._sandbox.ask("progress")
        whole = self.outcome.mails * (1 + (len(BOXES) - 1) / 10) + self.outcome.mails
        part = min(0.99, (done["read"] + done["logged"]) / whole)
        worked = max(0, done["requests"] - AT_START * self.outcome.starts)
        share = worked * (1 / part - 1) / left if part > 0.05 else FIRST_SHARE
        return self._chance.randint(1, AT_START + max(2, int(2 * share)))

    async def _live(self, life: Life, after: int) -> None:
        """One life, from its start to the end that is planned for it."""
        self.outcome.starts += 1
        async with daemon(self._sandbox.config, self._log) as process:
            if life.moment == "start":
                await asyncio.wait({process.end}, timeout=self._chance.uniform(0, BEGINNING))
            else:
                await self._until(process, after, life.moment)
            if life.reload:
                await self._reload(process)
                await self._until(process, self._chance.randint(1, AT_START), life.moment)
            await asyncio.wait({process.end}, timeout=self._chance.uniform(0, ANSWER_AFTER / 4))
            if process.end.done():
                self.outcome.wrong.append(f"start {self.outcome.starts} ended by itself: {process.end.result()}")
            elif life.end == "term":
                await self._leave(process)
            else:
                await self._kill(process, life)
        if orphans := await left_of(process.pid):
            self.outcome.wrong.append(f"{orphans} processes outlived start {self.outcome.starts}")

    async def _until(self, process: Daemon, after: int, kind: str) -> None:
        """Until so many more requests have come, or nothing of the kind comes any more."""
        tripped = asyncio.create_task((await self._sandbox.arm(after, kind)).wait())
        wait = LIFE_WITHIN if kind == "read" else WRITE_WITHIN
        await asyncio.wait({tripped, process.end}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        tripped.cancel()

    async def _kill(self, process: Daemon, life: Life) -> None:
        done = await self._sandbox.ask("progress")
        process.signal(signal.SIGKILL)
        await process.end
        self.outcome.kills[life.moment] += 1
        self.outcome.in_backfill += done["logged"] < self.outcome.mails

    async def _leave(self, process: Daemon) -> None:
        """SIGTERM: the steps under way are finished, in time, and nothing is left in doubt."""
        began = self._clock.monotonic()
        process.signal(signal.SIGTERM)
        code = await process.ended(LEAVES_WITHIN)
        self.outcome.terms.append(self._clock.monotonic() - began)
        if code != 0:
            self.outcome.wrong.append(f"SIGTERM: {'still there' if code is None else f'exit code {code}'}")
        if code == 0 and (left := self._count("SELECT count(*) FROM items WHERE state = 'sending'")):
            self.outcome.wrong.append(f"SIGTERM: {left} writes left in doubt")

    async def _reload(self, process: Daemon) -> None:
        """SIGHUP with another configuration: it is taken, and the work goes on."""
        text = yaml.safe_load(self._sandbox.config.read_text("utf-8"))
        text["poll"]["crm_seconds"] = 11 - text["poll"]["crm_seconds"]
        self._sandbox.config.write_text(yaml.safe_dump(text, allow_unicode=True), "utf-8")
        process.signal(signal.SIGHUP)
        heard = await process.heard("RELOADING=1", RELOAD_WITHIN) and await process.heard("READY=1", RELOAD_WITHIN)
        if not heard:
            self.outcome.wrong.append(f"SIGHUP: start {self.outcome.starts} did not come back")
        self.outcome.reloads += 1

    async def _last(self) -> None:
        """A last life, which ends its work."""
        self.outcome.starts += 1
        async with daemon(self._sandbox.config, self._log) as process:
            await process.heard("READY=1", RELOAD_WITHIN)
            try:
                async with asyncio.timeout(END_WITHIN):
                    await self._idle()
                    self.outcome.coverage = await self._coverage()
            except TimeoutError:
                self.outcome.wrong.append("the work never ended")
            await self._leave(process)
        await left_of(process.pid)

    async def _idle(self) -> None:
        runs = range(1, 1 + self._count("SELECT coalesce(max(id), 0) FROM runs"))
        while True:
            answers = await self._ask(do="progress", runs=[*runs])
            read = all(a["done"] and not a["wanted"] for a in answers if "run" in a)
            done = await self._sandbox.ask("progress")
            written = done["logged"] >= self.outcome.mails + self.outcome.live
            if read and written and not any(a["busy"] for a in answers if "target" in a):
                return
            await asyncio.sleep(0.5)

    async def _coverage(self) -> list[Mapping[str, Any]]:
        """Every mailbox counted against its provider's listing, now."""
        with closing(self._look()) as db:
            boxes = [name for (name,) in db.execute("SELECT name FROM mailboxes ORDER BY name")]
        await self._ask(do="count", mailboxes=boxes)
        with closing(self._look()) as db:
            rows = db.execute("SELECT mailbox, sums FROM coverage ORDER BY mailbox").fetchall()
        return [{"mailbox": box, **_sums(text)} for box, text in rows]

    async def _ask(self, **request: object) -> list[dict[str, Any]]:
        return [answer async for answer in ask(control_socket(self._state), request)]

    def _count(self, query: str) -> int:
        with closing(self._look()) as db:
            return int(db.execute(query).fetchone()[0])

    def _look(self) -> sqlite3.Connection:
        return sqlite3.connect(self._state / "state.db", timeout=30)


def _sums(text: str) -> dict[str, int]:
    sums = json.loads(text)["sums"]
    return {"listed": sum(sums.values()), "missing": sums["missing"], "parked": sums["parked"]}


async def trial(folder: Path, pair: tuple[str, str], *, kills: int, mails: int, seed: int) -> Outcome:
    """Kill a daemon in a backfill again and again; everything it leaves lies in `folder`."""
    with (folder / "log").open("w", encoding="utf-8") as log:
        async with vendors(folder, pair, mails, seed) as sandbox:
            return await Trial(sandbox, log, mails=mails, seed=seed).run(kills)
