"""`make kill-test`: a real daemon in a backfill, killed again and again; three processes that meet over loopback.

`python -m tests.killing [--pair all | SOURCE:TARGET] [--kills 100] [--mails 2000] [--seed 1]`
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

from tests.killing.trial import Outcome, trial
from tradepost.sandbox.company import PAIRS

DEFAULT = "gmail:zoho"  # few tokens, no unique key on mails, one record a call: the pair that is hit hardest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--kills", type=int, default=100, help="kill -9; a fifth as many SIGTERM and SIGHUP come with them"
    )
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pair", default=DEFAULT, metavar="SOURCE:TARGET", help=f"such as graph:*, or all; {DEFAULT}")
    given = parser.parse_args()
    wanted = "*" if given.pair == "all" else given.pair
    pairs = [pair for pair in PAIRS if fnmatchcase(":".join(pair), wanted)]
    return max([one(pair, given.kills, given.mails, given.seed) for pair in pairs], default=2)


def one(pair: tuple[str, str], kills: int, mails: int, seed: int) -> int:
    """One pair's trial, told; 1 when a promise is not kept."""
    print(f"{' -> '.join(pair)}, seed {seed}: {kills} kills in a backfill of {mails} mails", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(trial(Path(folder), pair, kills=kills, mails=mails, seed=seed))
    for line in told(outcome):
        print(f"  {line}")
    faults = outcome.faults()
    for fault in faults:
        print(f"  NOT KEPT: {fault}")
    return 1 if faults else 0


def told(outcome: Outcome) -> list[str]:
    counts, kills = outcome.counts, outcome.kills
    by_moment = ", ".join(f"{n} {moment}" for moment, n in sorted(kills.items()))
    tokens = ", ".join(
        f"{vendor} {total} (at most {most} in ten minutes)" for vendor, (total, most) in outcome.tokens().items()
    )
    again = ", ".join(f"{box.partition('@')[0]} {n}" for box, n in outcome.read_again().items())
    listed = sum(c["listed"] for c in outcome.coverage)
    missing = sum(c["missing"] for c in outcome.coverage)
    slowest = max(outcome.terms, default=0.0)
    return [
        f"kill -9: {kills.total()} ({by_moment}), {outcome.in_backfill} of them before the backfill was written",
        f"SIGTERM: {len(outcome.terms)}, the slowest gone after {slowest:.1f} s; SIGHUP: {outcome.reloads}",
        f"starts: {outcome.starts}; tokens: {tokens}",
        f"mails: {outcome.mails} and {outcome.live} live; in the CRM: {sum(counts['logged'].values())}",
        f"tasks: {sum(counts['tasks'].values())}; listed in the mailboxes: {listed}, missing: {missing}",
        f"writes: {counts['writes']}, in doubt after a death: {outcome.in_doubt}",
        f"mails read again: {again}; pages listed: {counts['lists']}; requests: {counts['requests']}",
        f"{outcome.seconds / 60:.1f} minutes",
    ]


if __name__ == "__main__":
    sys.exit(main())
