"""A disk that is full in the middle of the work, and later has room again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sync.coverage import Whereabouts
from sync.keeper import count
from tests.box import Box, day
from tests.killing.process import Vendors, daemon, left_of, vendors
from tests.power.ledger import broken
from tradepost.sandbox.company import exporter
from tradepost.sandbox.virtual import START, run
from tradepost.service.crew import Crew

FULL_FOR, ROOM_FOR = timedelta(hours=1), timedelta(minutes=40)
FULL = ("worker.no_room", "StateFull")  # how the log names the reason
LOOKED = 6.0  # seconds for which a daemon is left without room
WITHIN = 120.0
BEGUN = 40.0  # seconds in which a daemon on a busy machine has come to the end of its room, or can say so no more


@dataclass
class Outcome:
    """What became of one disk. `paused` counts the words in which the program said why it stood still."""

    size: int
    paused: int = 0
    before: int = 0  # mails in the CRM while the disk was full
    after: int = 0
    faults: list[str] = field(default_factory=list)


# -------------------------------------------------------------------------------------------------- SQLite's own limit


def pages(folder: Path, spare: int, *, mail: str = "gmail", crm: str = "zoho") -> Outcome:
    """The lanes of a daemon while the state file may grow by `spare` pages only, then with room."""
    return run(_pages(folder, spare, mail, crm))


async def _pages(folder: Path, spare: int, mail: str, crm: str) -> Outcome:
    found = Outcome(spare)
    box = Box(folder, company=lambda world: exporter(world, mail=(mail,), crms=(crm,)), start=day(START, 20))
    letters = [letter for letter in box.history() if (START - letter.at).days < 12]
    for letter in letters:
        box.deliver(letter)
    async with box.engine() as engine:
        with engine.store.db.read() as c:
            here = c.exec_driver_sql("PRAGMA page_count").scalar()
            c.exec_driver_sql(f"PRAGMA max_page_count={here + spare}")
        crew = Crew([*engine.mail, *engine.crm], box.clock)
        await box.clock.sleep(FULL_FOR.total_seconds())
        found.before = box.activities()
        found.paused = sum(("error", "StateFull") in ids for _, _, ids in box.events.lines)
        states = {runner.state for runner in (*engine.mail, *engine.crm)}
        with engine.store.db.read() as c:
            c.exec_driver_sql("PRAGMA max_page_count=1000000")
        await box.clock.sleep(ROOM_FOR.total_seconds())
        await crew.stop()
        if found.paused and "paused" not in states:
            found.faults.append("no lane is shown as paused")
        found.faults += await _left(box, engine)
    found.after = box.activities()
    twice = Counter((one.message_id or (one.sender, one.sent_at), one.records) for one in box.company.crm.mails())
    found.faults += [f"{who} is there {n} times" for who, n in twice.items() if n > 1]
    return Outcome(found.size, found.paused, found.before, found.after, found.faults + broken(box.state))


async def _left(box: Box, engine: object) -> list[str]:
    """What a count finds missing, and what is still to be written."""
    found = []
    for name, puller in engine.pullers.items():  # type: ignore[attr-defined]
        report = await count(engine.store, puller, clock=box.clock, repair=False)  # type: ignore[attr-defined]
        for where in (Whereabouts.MISSING, Whereabouts.PARKED):
            if report is None or report.coverage[where]:
                found.append(f"{name}: {where} {report and report.coverage[where]}")
    counts = await engine.store.report.counts()  # type: ignore[attr-defined]
    return found + [f"{key}: {n} left" for key, n in counts.items() if key[2] in ("ready", "sending", "unknown") and n]


# ---------------------------------------------------------------------------------------------- the system's own limit


async def limited(folder: Path, pair: tuple[str, str], largest: int, *, mails: int = 40, seed: int = 1) -> Outcome:
    """A real daemon none of whose files may grow beyond `largest` bytes, its log included; then it is given room."""
    found = Outcome(largest)
    async with vendors(folder, pair, mails, seed) as sandbox:
        with (folder / "log").open("w", encoding="utf-8") as log:
            async with daemon(sandbox.config, log, largest=largest) as process:
                await _until_full(sandbox, mails, process.end, folder / "log")
                found.before = (await sandbox.ask("progress"))["logged"]
                found.paused = _said(folder / "log")
                process.make_room()
                found.faults += await _ends(sandbox, mails, process.end)
                process.signal(15)
                if (code := await process.ended(WITHIN)) != 0:
                    found.faults.append(f"the end: exit code {code}")
            await left_of(process.pid)
        report = await sandbox.ask("report")
    found.after = sum(report["logged"].values())
    found.faults += [f"{id_} is there {n} times" for id_, n in report["logged"].items() if n > 1]
    return Outcome(
        found.size, found.paused, found.before, found.after, found.faults + broken(folder / "state" / "state.db")
    )


async def _until_full(sandbox: Vendors, mails: int, end: asyncio.Task[int], log: Path) -> None:
    """Wait until the daemon says that there is no room, or needs none, or its log has none either; and a while more."""
    for _ in range(int(BEGUN * 2)):
        await asyncio.wait({end}, timeout=0.5)
        if end.done() or _said(log) or (await sandbox.ask("progress"))["logged"] >= mails:
            break
    await asyncio.wait({end}, timeout=LOOKED / 2)


async def _ends(sandbox: Vendors, mails: int, end: asyncio.Task[int]) -> list[str]:
    """Wait until all is in the CRM."""
    for _ in range(int(WITHIN * 2)):
        await asyncio.wait({end}, timeout=0.5)
        if end.done():
            return [f"ended by itself: {end.result()}"]
        if (await sandbox.ask("progress"))["logged"] >= mails:
            return []
    return ["not all mails are in the CRM"]


def _said(log: Path) -> int:
    """How often the log says that there is no room. A log that was cut by the limit ends with half a line."""
    found = 0
    for line in log.read_text("utf-8", errors="replace").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        found += told["event"] in FULL or told.get("error") in FULL
    return found
