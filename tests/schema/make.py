"""Write a small state file of today's schema into this folder: `python -m tests.schema.make`, at each release.

The file is the SQL of a company at work: history and live mail, items done and under way, an open run, a mirror. It is kept as text, so that it can be read in a review; a file that is there is never written again.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from sync.model import ItemState
from sync.store import Store
from sync.store.files import examine, snapshot
from tests.box import KEY, Box, day
from tests.paths.test_main_path import letter
from tradepost.sandbox.virtual import START, run

HERE = Path(__file__).parent


async def company(folder: Path) -> Path:
    """A state file in which much has happened."""
    box = Box(folder, start=day(START, 20), moves={"quotation_sent": "apply"})
    for old in box.history()[-5:]:
        box.deliver(old)
    await box.settle()
    await box.clock.sleep(60)
    box.post(letter(box, "lily", ["klaus"], "Our quotation for 1,200 panels", "Our quotation is attached.\n"))
    await box.once()
    box.fault("salesforce", "*", "lost_reply", kind="write")
    box.post(letter(box, "klaus", ["lily"], "Many thanks"))
    box.post(letter(box, "jin", ["sales"], "Modules from Korea"))
    await box.once()
    async with box.engine() as engine:
        until = box.clock.now() + timedelta(days=1)
        (name, *_) = engine.pullers
        await engine.store.mailboxes.add_run("backfill", name, START - timedelta(days=200), until, box.clock.now())
        items = await engine.store.report.items((ItemState.UNKNOWN, ItemState.SENDING))
    assert items, "nothing is under way"
    return box.state


def dumped(state: Path) -> str:
    """The file as SQL; sealed bodies are left out, since their key is."""
    raw = sqlite3.connect(state)
    try:
        raw.execute("DELETE FROM bodies")
        return "\n".join(raw.iterdump()) + "\n"
    finally:
        raw.close()


def loaded(sql: str, state: Path) -> Path:
    raw = sqlite3.connect(state)
    try:
        raw.executescript(sql)
    finally:
        raw.close()
    return state


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        state = run(company(Path(folder)))
        Store.open(state, key=KEY).close()
        copy = Path(folder) / "copy.db"
        snapshot(state, copy)
        to = HERE / f"{examine(copy)}.sql"
        if to.exists():
            print(f"{to} is there already and stays as it was released.")
            return 1
        to.write_text(dumped(copy), encoding="utf-8")
    print(f"{to} written; commit it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
