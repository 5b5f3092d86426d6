"""`make documents`: the demo, the clients that are installed here and the suite, recorded and judged.

python -m tests.documents [pytest argument ...]
"""

from __future__ import annotations

import io
import subprocess
import sys

from tests.documents.court import Court
from tests.documents.specs import HERE, specs
from tests.judges.judge import ROLL, hold
from tradepost import cli
from tradepost.sandbox.recorder import Recorder, recording

# What goes through the simulators; what orders nonsense on purpose is left out.
SUITE = (
    "tests/gmail",
    "tests/graph",
    "tests/salesforce",
    "tests/hubspot",
    "tests/zoho",
    "tests/paths",
    "tests/sandbox_gmail",
    "tests/sandbox_graph",
    "tests/sandbox_salesforce",
    "tests/sandbox_hubspot",
    "tests/sandbox_zoho",
)
STRICT = ("-k", "not lax")  # a sandbox with a rule switched off is no vendor


def main(more: list[str]) -> int:
    if specs() is None:
        print("The vendors' documents are not here (TRADEPOST_SPECS); Gmail's comes with its client.")
    court = Court()
    _clients(court)
    shown = _demo(court)
    print("\n".join(court.report()), flush=True)
    suite = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.documents.plugin", "-n", "2", *STRICT, *(more or _there())],
        check=False,
    )
    return 0 if shown and court.content and suite.returncode == 0 else 1


def _there() -> list[str]:
    return [folder for folder in SUITE if (HERE / folder).exists()]


def _clients(court: Court) -> None:
    for seat in ROLL:
        if missing := seat.missing():
            print(f"{seat.vendor}: its clients are heard by `make fidelity` (not here: {', '.join(missing)})")
        else:
            hold(seat, Recorder(look=court.hear))


def _demo(court: Court) -> bool:
    with recording(Recorder(most=0, look=court.hear)):
        ended = cli.main(["demo"], {}, io.StringIO(), io.StringIO())
    print(f"demo: exit {ended}, {sum(court.heard.values())} exchanges so far")
    return ended == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
