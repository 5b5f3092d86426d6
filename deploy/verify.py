"""Checks the unit file with systemd's own tools, where the machine has them: syntax, and exposure at most 1.5."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

UNIT = Path(__file__).parent / "systemd" / "tradepost@.service"
MOST_EXPOSED = 1.5


def verify(analyze: str) -> str:
    """What `systemd-analyze verify` says of the unit, with a program that exists on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / "tradepost@check.service"
        text = UNIT.read_text(encoding="utf-8")
        unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE), encoding="utf-8")
        done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)  # noqa: S603
    said = [line for line in done.stderr.splitlines() if "tradepost@" in line]
    return "\n".join(said) if done.returncode or said else ""


def exposure(analyze: str) -> float:
    """The exposure level by `systemd-analyze security`, 0 (best) to 10."""
    command = [analyze, "security", "--offline=true", "--no-pager", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    if found is None:
        raise SystemExit(f"systemd-analyze security said nothing usable: {done.stderr.strip()}")
    return float(found[1])


def main() -> int:
    """Exit code 0 when all is well or nothing can be asked."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        sys.stdout.write("unit file: systemd-analyze is not on this machine, not checked\n")
        return 0
    if complaints := verify(analyze):
        sys.stdout.write(f"unit file: {complaints}\n")
        return 1
    level = exposure(analyze)
    sys.stdout.write(f"unit file: verified, exposure {level} (at most {MOST_EXPOSED})\n")
    return 0 if level <= MOST_EXPOSED else 1


if __name__ == "__main__":
    sys.exit(main())
