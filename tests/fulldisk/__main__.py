"""`make full-disk`: a disk that is full at any size of the state, and later has room again.

`python -m tests.fulldisk [--pair all | SOURCE:TARGET] [--step 1] [--sizes 12]`

First SQLite's own limit (`PRAGMA max_page_count`), page by page, for the lanes of a daemon in one process; then the
system's (RLIMIT_FSIZE), for a real daemon and all its files. The program stands still and says why; with room it goes on
by itself, and nothing is lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from tests.fulldisk.trial import Outcome, limited, pages
from tradepost.sandbox.company import PAIRS

DEFAULT = "gmail:zoho"
SPARE = 60  # pages that the small company's state does not need beyond its beginning
LARGEST = 800_000  # bytes that none of a small daemon's files needs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", default=DEFAULT, metavar="SOURCE:TARGET", help=f"such as graph:*, or all; {DEFAULT}")
    parser.add_argument("--step", type=int, default=2, help="pages from one size to the next")
    parser.add_argument("--sizes", type=int, default=12, help="sizes for a real daemon")
    given = parser.parse_args()
    wanted = "*" if given.pair == "all" else given.pair
    started, well = time.monotonic(), True
    for pair in [pair for pair in PAIRS if fnmatchcase(":".join(pair), wanted)]:
        print(f"{' -> '.join(pair)}", flush=True)
        for spare in range(0, SPARE, given.step):
            well &= told("pages", lambda folder: pages(folder, spare, mail=pair[0], crm=pair[1]))  # noqa: B023
        for n in range(given.sizes):
            largest = n * LARGEST // given.sizes
            well &= told("bytes", lambda folder: asyncio.run(limited(folder, pair, largest)))  # noqa: B023
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")
    return 0 if well else 1


def told(unit: str, tried: Callable[[Path], Outcome]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        found = tried(Path(folder))
    print(
        f"  {found.size} {unit}: said why {found.paused} times; mails in the CRM {found.before}, with room {found.after}",
        flush=True,
    )
    for fault in found.faults:
        print(f"  NOT KEPT: {fault}")
    return not found.faults


if __name__ == "__main__":
    sys.exit(main())
