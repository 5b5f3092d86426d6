"""`make fidelity`: every judge whose packages are installed is heard; prints what they called and what was seen.

python -m tests.judges [VENDOR ...]
"""

from __future__ import annotations

import sys
from collections import Counter

from tests.documents.court import Court
from tests.judges.judge import ROLL, Seat, Session, hold, seen
from tradepost.sandbox.fidelity import TABLES
from tradepost.sandbox.recorder import Recorder


def main(wanted: list[str]) -> int:
    seats = [seat for seat in ROLL if not wanted or seat.vendor in wanted]
    return 1 if [seat.vendor for seat in seats if not judged(seat)] else 0


def judged(seat: Seat) -> bool:
    """Hear one vendor's clients and print it; whether all is well."""
    if missing := seat.missing():
        print(f"\n{seat.vendor}: not judged, these packages are missing: {', '.join(missing)}")
        return False
    court = Court()
    session = hold(seat, Recorder(look=court.hear))
    rows = seen(session.exchanges, TABLES[seat.vendor])
    good = len(rows) >= seat.at_least and not session.failures and court.content
    print(f"\n{seat.vendor}: {len(session.verdicts)} calls, {len(session.exchanges)} requests")
    tell(session)
    print(f"  distinct (method, path, outcome): {len(rows)}, at least {seat.at_least}: {'ok' if good else 'FAILED'}")
    print("  and the documents say:")
    for line in court.report():
        print(f"    {line}")
    for method, path, outcome in sorted(rows, key=lambda row: (row[1], row[0], row[2])):
        print(f"    {method:<6} {outcome:<8} {path}")
    return good


def tell(session: Session) -> None:
    for client, number in Counter(verdict.client for verdict in session.verdicts).items():
        print(f"  {client}: {number} calls")
    for verdict in session.verdicts:
        print(
            f"    {'FAILED' if verdict.why else 'ok':<6} {verdict.call}"
            + (f"\n           {verdict.why}" * bool(verdict.why))
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
