"""All corpora along the whole path: `python -m tests.corpora.run [--seed N] [--most N] [--pair SOURCE:TARGET] [SET...]`.

Some minutes of processor time for 5,500 mails and each pair. Ends with 1 where the engine's count and the script's differ, a mail is
missing, 1 % or more are parked, or anything went wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from tests.corpora.whole_path import COLLEAGUE, OWNER, ROOT, SETS, Outcome, carry, read_sets
from tradepost.sandbox.company import PAIRS

PLACES = ("synced", "excluded", "waiting", "parked", "missing")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.corpora.run", description="All corpora along the whole path."
    )
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET", help="which sets; all by default")
    parser.add_argument("--seed", type=int, default=1, help="draws the contacts (1)")
    parser.add_argument("--most", type=int, default=None, help="mails of each set at most")
    parser.add_argument("--copies", action="store_true", help="a colleague's mailbox gets a copy of everything")
    parser.add_argument("--pair", default="*", metavar="SOURCE:TARGET", help="such as gmail:zoho; all by default")
    asked = parser.parse_args()
    pairs = [pair for pair in PAIRS if fnmatchcase(":".join(pair), asked.pair)]
    if not ROOT.is_dir():
        print(f"There are no corpora at {ROOT}; set TRADEPOST_CORPORA to the directory that holds them.")
        return 1
    mails = read_sets(asked.sets, asked.most)
    print(
        f"{len(mails)} mails of {len(asked.sets)} sets from {ROOT}, contacts drawn by seed {asked.seed}, over "
        f"{len(pairs)} pairs; about {max(1, len(mails) * len(pairs) // 30)} seconds.",
        flush=True,
    )
    mailboxes = (OWNER, COLLEAGUE) if asked.copies else (OWNER,)
    good = True
    for pair in pairs:
        print(f"\n{' -> '.join(pair)}\n")
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            outcome = carry(mails, Path(folder), seed=asked.seed, mailboxes=mailboxes, pair=pair)
        show(outcome, time.perf_counter() - began)
        good = good and outcome.good
    return 0 if good and pairs else 1


def show(outcome: Outcome, seconds: float) -> None:
    print(f"{outcome.contacts} contacts, drawn from {outcome.senders} distinct senders\n")
    print(f"{'set':<22}{'listed':>8}" + "".join(f"{place:>10}" for place in PLACES))
    for name, found in outcome.by_set.items():
        _row(name, sum(found.values()), found)
    _row("all, as listed", outcome.sums["listed"], outcome.sums)
    for title, counts in (("reasons", outcome.reasons), ("notes on activities", outcome.notes)):
        print(f"\n{title}: " + (", ".join(f"{name} {count}" for name, count in counts.items() if count) or "none"))
    for title, lines in (
        ("expected and not there", outcome.unlogged),
        ("there and not expected", outcome.unexpected),
        ("several mails for the count and one for the engine", outcome.taken_for_one),
        ("troubles", outcome.troubles),
    ):
        if lines:
            print(f"\n{title} ({len(lines)}):\n  " + "\n  ".join(lines[:20]))
    path = outcome.seconds["path"]
    print(f"\nrequests for a change in a second run: {outcome.rewrites}")
    cpu = outcome.seconds["cpu"]
    rate = f"{outcome.sums['listed'] / cpu:.0f} mails a second of processor time"
    print(f"whole path {path:.1f} s, of which processor {cpu:.1f} s, vendors' simulators included: {rate}")
    print(f"everything {seconds:.1f} s")
    same = "equal" if outcome.expected == outcome.actual else "DIFFERENT"
    print(f"activities: expected {outcome.expected}, actual {outcome.actual}: {same}")
    print("good" if outcome.good else "NOT GOOD")


def _row(name: str, listed: int, found: Mapping[str, int]) -> None:
    print(f"{name:<22}{listed:>8}" + "".join(f"{found.get(place, 0):>10}" for place in PLACES))


if __name__ == "__main__":
    sys.exit(main())
