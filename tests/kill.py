"""`kill -9` in the middle of a backfill, again and again, over each pair:
`python -m tests.kill [--kills 20] [--mails 600] [--seed 1] [--pair SOURCE:TARGET]`.

A sandbox on loopback, the real command in a process of its own, killed at drawn moments, the same command again each
time. At the end every mail is in the CRM exactly once, and the sandbox's own request log tells what was read twice.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random

from tests.killing.company import READS, configured, made
from tests.killing.process import left_of
from tradepost.clock import SystemClock
from tradepost.sandbox.company import PAIRS
from tradepost.sandbox.kernel import Effect, Fault, RequestLog, RequestRecord, World
from tradepost.sandbox.serve import serve

PAGE = 500  # ids that a provider lists at once: what may be read again in a mailbox
RUN_WITHIN = 300.0
ANSWER_AFTER = 0.3  # seconds between a write and its answer


class Tripwire(RequestLog):
    """A request log that tells when so many more requests (of a kind) have come."""

    def __init__(self) -> None:
        super().__init__()
        self.tripped = asyncio.Event()
        self._left = 0
        self._kind = ""

    def set(self, more: int, kind: str = "") -> None:
        self.tripped = asyncio.Event()
        self._left, self._kind = more, kind

    def add(self, record: RequestRecord) -> int:
        if self._kind in ("", record.kind):
            self._left -= 1
        if self._left <= 0:
            self.tripped.set()
        return super().add(record)


@dataclass
class Outcome:
    """What the sandbox counts at the end."""

    asked: int  # kills that were asked for
    kills: int
    code: int
    said: str
    mails: int
    logged: Counter[str]
    gets: dict[str, Counter[str]]  # mailbox -> id -> times asked for
    lists: int
    writes: int
    orphans: int
    in_doubt: int  # writes that were on their way at a kill, and were looked up instead of sent again

    def read_again(self) -> dict[str, int]:
        """How many mails of each mailbox were asked for more than once, every further time counted."""
        return {box: sum(n - 1 for n in times.values()) for box, times in self.gets.items()}

    def faults(self) -> list[str]:
        """Promises that are not kept."""
        found = [f"exit code {self.code}: {self.said}"] if self.code else []
        if self.kills < self.asked:
            found.append(f"it was done after {self.kills} of {self.asked} kills: give it more --mails")
        if len(self.logged) != self.mails:
            found.append(f"{self.mails - len(self.logged)} mails are not in the CRM")
        found += [f"{id_} is there {n} times" for id_, n in sorted(self.logged.items()) if n != 1]
        found += [f"{box}: {n} mails read again" for box, n in self.read_again().items() if n > PAGE]
        unread = {box: n for box, times in self.gets.items() if (n := sum(not t for t in times.values()))}
        found += [f"{box}: {n} mails never read" for box, n in unread.items()]
        return found + ([f"{self.orphans} processes outlived their killed parent"] if self.orphans else [])


async def trial(
    folder: Path, *, kills: int, mails: int, seed: int, most: int, pair: tuple[str, str] = PAIRS[0]
) -> Outcome:
    """Kill the command `kills` times, a drawn part of a second after a drawn request.

    That is one of the first `most` after its start, or, every third time on average, a write to the CRM, whose answer
    takes longer than the client has left to live: it has happened, and the client does not know.
    """
    chance, wire = Random(seed), Tripwire()
    world = World(clock=SystemClock(), random=Random(seed), requests=wire)
    company = made(world, mails, *pair)
    slow = Fault(vendor=company.crm.name, kind="write", effect=Effect.SLOW, seconds=ANSWER_AFTER, times=10**6)
    world.faults.add(slow)
    read, list_ = READS[pair[0]]
    orphans = killed = 0
    async with serve(world, company.vendors) as served:
        config = configured(company, folder, dict(served.urls))
        for _ in range(kills):
            in_writing = chance.random() < 1 / 3
            wire.set(1, "write") if in_writing else wire.set(chance.randint(1, most))
            process = await _start(config)
            end = asyncio.create_task(process.wait())
            await asyncio.wait({end, asyncio.create_task(wire.tripped.wait())}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(chance.uniform(0, ANSWER_AFTER / 2))
            if end.done():
                break
            os.kill(process.pid, signal.SIGKILL)
            await end
            killed += 1
            orphans += await left_of(process.pid)
        process = await _start(config)
        out, err = await asyncio.wait_for(process.communicate(), RUN_WITHIN)
    (host,), (connection,) = company.mail.values(), company.crms
    asked = Counter(r.path.rpartition("/")[2] for r in wire.records if r.operation == read)
    return Outcome(
        asked=kills,
        kills=killed,
        code=process.returncode or 0,
        said=(out + err).decode(),
        mails=mails,
        logged=Counter(mail for mail, _ in company.logged(connection)),
        gets={name: Counter({m.id: asked[m.id] for m in host.held(name)}) for name in host.addresses},
        lists=wire.count(host.name, list_),
        writes=len(wire.writes(company.crm.name)),
        orphans=orphans,
        in_doubt=_in_doubt(config.parent / "state" / "state.db"),
    )


def _in_doubt(state: Path) -> int:
    with closing(sqlite3.connect(state)) as db:
        return int(db.execute("SELECT count(*) FROM journal WHERE event = 'item.unknown'").fetchone()[0])


async def _start(config: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tradepost", "-c", str(config), "backfill", "--yes"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())},
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--mails", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=110, help="most requests after a start until the kill")
    parser.add_argument("--pair", default="*", metavar="SOURCE:TARGET", help="such as gmail:zoho; all by default")
    given = parser.parse_args()
    pairs = [pair for pair in PAIRS if fnmatchcase(":".join(pair), given.pair)]
    return max([_one(pair, given) for pair in pairs], default=2)


def _one(pair: tuple[str, str], given: argparse.Namespace) -> int:
    print(f"{' -> '.join(pair)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(
            trial(Path(folder), kills=given.kills, mails=given.mails, seed=given.seed, most=given.most, pair=pair)
        )
    again = outcome.read_again()
    print(
        f"seed {given.seed}: killed {outcome.kills} times; mails {outcome.mails}, in the CRM {outcome.logged.total()}"
    )
    for box, times in outcome.gets.items():
        print(f"{box}: {len(times)} mails, asked for {times.total()} times, read again {again[box]} (at most {PAGE})")
    print(f"pages listed: {outcome.lists}; write requests: {outcome.writes}; in doubt at a kill: {outcome.in_doubt}")
    for fault in outcome.faults():
        print(f"NOT KEPT: {fault}")
    return 1 if outcome.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
