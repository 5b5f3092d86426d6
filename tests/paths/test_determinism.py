"""One seed, one order of events: the whole path leaves the same log, byte for byte."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

from tests.box import Box, day
from tradepost.sandbox.virtual import START, run

RUNS = 50


def log_of(folder, seed):
    """Every event of the engine and every request at the vendors, with its virtual time."""

    async def main():
        box = Box(folder, seed=seed, start=day(START, 14))
        for letter in [x for x in box.history() if x.at > START - timedelta(days=4)]:
            box.deliver(letter)
        await box.once()
        await box.clock.sleep(60)
        box.fault("salesforce", "composite.graph", "lost_reply")
        for letter in box.live()[:2]:
            box.company.gmail.deliver_to_recipients(letter.raw)
            await box.once()
        await box.settle()
        requests = [
            (r.n, r.at.isoformat(), r.vendor, r.operation, r.status, r.fault) for r in box.world.requests.records
        ]
        return json.dumps([box.events.lines, requests, box.company.org.dump()["EmailMessage"]], default=str).encode()

    return run(main())


def test_fifty_runs_of_one_seed_leave_the_same_log(tmp_path):
    first = log_of(tmp_path / "0", seed=7)
    assert len(first) > 20_000
    for number in range(1, RUNS):
        assert log_of(tmp_path / str(number), seed=7) == first, f"run {number} differs"


def test_another_seed_leaves_another(tmp_path):
    assert log_of(tmp_path / "a", seed=7) != log_of(tmp_path / "b", seed=8)


def test_hashing_has_no_say(tmp_path):
    """Two processes with different string hashing."""
    code = (
        "import sys, hashlib, pathlib; from tests.paths.test_determinism import log_of;"
        "print(hashlib.sha256(log_of(pathlib.Path(sys.argv[1]), 7)).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ".", "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
