"""One seed, one order of events: the whole path leaves the same log, byte for byte."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.determinism import log_of
from tradepost.sandbox.company import PAIRS

RUNS = 3  # `make determinism` does fifty of every pair


def test_all_runs_of_one_seed_leave_the_same_log(tmp_path):
    first = log_of(tmp_path / "0", seed=7)
    assert len(first) > 10_000
    for number in range(1, RUNS):
        assert log_of(tmp_path / str(number), seed=7) == first, f"run {number} differs"


@pytest.mark.parametrize("pair", PAIRS[1:], ids=["-".join(p) for p in PAIRS[1:]])
def test_every_pair_leaves_the_same_log_twice(tmp_path, pair):
    assert log_of(tmp_path / "a", 7, pair) == log_of(tmp_path / "b", 7, pair)


def test_another_seed_leaves_another(tmp_path):
    assert log_of(tmp_path / "a", seed=7) != log_of(tmp_path / "b", seed=8)


def test_hashing_has_no_say(tmp_path):
    """Two processes with different string hashing."""
    code = (
        "import sys, hashlib, pathlib; from tests.determinism import log_of;"
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
