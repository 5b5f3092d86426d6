"""`python -m tests.undo --records 10000`: a large backfill, its undo, and the same backfill again, with their times."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from sync.undo import Way
from tests.undo.office import PAIRS, Box, backfill, company, letter, seen, undo
from tradepost.sandbox.trade.build import Letter
from tradepost.sandbox.virtual import START, run


async def measured(source: str, target: str, records: int) -> bool:
    """One pair's backfill, undo and backfill; prints what it took and whether the CRM was as before."""
    with tempfile.TemporaryDirectory() as folder:
        box = Box(Path(folder), company=company(source, target))
        for n in range(records):
            ago = timedelta(days=390) * (n + 1) / (records + 1) + timedelta(days=2)
            box.company.deliver(_old(box, n, ago))
        await box.once()
        before, took = seen(box), {}
        runs = await _timed(took, "backfill", backfill(box))
        filled = seen(box)
        standing, left = await _timed(took, "undo", undo(box, runs))
        after = seen(box)
        await _timed(took, "again", backfill(box))
        stays = Counter(str(one.why) for one in left if one.way is Way.STAY)
        kept = len(filled[0]) - len(before[0]) if stays else 0
        good = len(after[0]) == len(before[0]) + kept and after[1:] == before[1:] and seen(box) == filled
        times = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items())
        print(
            f"{source}-{target}: {standing.items} items, {standing.back} back, stays {dict(stays)}; {times}; ", end=""
        )
        print("as before, and the same again" if good else "NOT AS BEFORE", flush=True)
        return good


def _old(box: Box, number: int, ago: timedelta):
    return Letter("", START - ago, letter(box, number, ago=ago), live=False)


async def _timed(took, name, work):
    start = time.monotonic()
    found = await work
    took[name] = time.monotonic() - start
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.undo")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--pair", choices=["-".join(p) for p in PAIRS])
    chosen = parser.parse_args()
    pairs = [p for p in PAIRS if chosen.pair in {None, "-".join(p)}]
    bad = sum(not run(measured(*pair, chosen.records)) for pair in pairs)
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
