"""Fuzz the parsers, each in its own process: python -m tests.fuzz [PARSER ...] --minutes 10.

The corpus in tests/fuzz/corpus is read and never written; what a run learns goes to build/fuzz/PARSER, what breaks a
promise to build/fuzz/PARSER.broken. `--keep` copies a small choice of what was learnt into the corpus.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import SEEDS, TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
WORK = ROOT / "build" / "fuzz"
MEGABYTES = 1024  # of memory that a parser's process may take, the fuzzer's own part in it
LONGEST = 20_000  # bytes of an input
KEPT_BYTES = 4_000
KEPT = 40


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz")
    options.add_argument("parsers", nargs="*", metavar="PARSER", help=", ".join(TARGETS))
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--keep", action="store_true")
    given = options.parse_args()
    wrong = [name for name in given.parsers if name not in TARGETS]
    if wrong:
        options.error(f"no such parser: {', '.join(wrong)}; there are {', '.join(TARGETS)}")
    ends = {name: _run(name, given.minutes) for name in given.parsers or TARGETS}
    for name in ends:
        if given.keep:
            _keep(name)
    broken = [name for name, end in ends.items() if end]
    print(f"{len(ends)} parsers, {given.minutes:g} minutes each; broken: {', '.join(broken) or 'none'}")
    return 1 if broken else 0


def _run(name: str, minutes: float) -> int:
    """One parser for so long; 0 when nothing broke."""
    learnt = WORK / name
    learnt.mkdir(parents=True, exist_ok=True)
    for n, seed in enumerate(SEEDS[name]):
        (learnt / f"seed-{n}").write_bytes(seed)
    flags = [f"-max_total_time={round(minutes * 60)}", "-timeout=20", f"-rss_limit_mb={MEGABYTES}"]
    flags += [f"-max_len={LONGEST}", f"-artifact_prefix={WORK / name}.broken-", "-print_final_stats=1", "-verbosity=1"]
    done = _atheris(name, *flags, str(learnt), *_if_any(CORPUS / name))
    executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    peak = re.search(r"peak_rss_mb: *(\d+)", done.stderr)
    found = f"{executed[1] if executed else '?'} inputs, {peak[1] if peak else '?'} MB at most"
    print(f"{name}: {found}, {'sound' if not done.returncode else 'BROKEN'}", flush=True)
    if done.returncode:
        print(done.stderr[-4000:], done.stdout[-4000:], flush=True)
    return done.returncode


def _keep(name: str) -> None:
    """Of what the run learnt, inputs of every size up to four kilobytes: forty at most."""
    small = [path for path in (WORK / name).iterdir() if path.stat().st_size <= KEPT_BYTES]
    by_size = sorted(small, key=lambda path: (path.stat().st_size, path.name))
    home = CORPUS / name
    home.mkdir(parents=True, exist_ok=True)
    for path in by_size[:: 1 + len(by_size) // KEPT]:
        (home / path.name[:12]).write_bytes(path.read_bytes())


def _if_any(folder: Path) -> list[str]:
    return [str(folder)] if folder.is_dir() else []


def _atheris(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = [str(ROOT), str(ROOT / ".venv-fuzz"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    command = [sys.executable, "-m", "tests.fuzz.drive", name, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace", check=False
    )


if __name__ == "__main__":
    sys.exit(main())
