"""Clients nobody here wrote are content with the sandbox. Those in .venv-judges only are heard by `make fidelity`."""

from __future__ import annotations

import pytest

from tests.judges.judge import ROLL, Seat, hold, seen
from tradepost.sandbox.fidelity import TABLES


@pytest.mark.parametrize("seat", ROLL, ids=lambda seat: seat.vendor)
@pytest.mark.filterwarnings("default")  # other people's code
def test_clients_are_content_and_see_enough_of_the_vendor(seat: Seat) -> None:
    if missing := seat.missing():
        pytest.skip(f"`make fidelity` hears these clients; not installed here: {', '.join(missing)}")
    session = hold(seat)
    assert not session.failures
    table = TABLES[seat.vendor]
    assert len(seen(session.exchanges, table)) >= seat.at_least
    answered = {(e.method, e.path) for e in session.exchanges if e.status < 400}
    assert [call for call in sorted(answered) if table.find(*call) is None] == []


def test_a_client_that_is_not_content_is_heard() -> None:
    seat = next(seat for seat in ROLL if seat.vendor == "gmail")
    bench = seat.bench()
    (judge,) = bench.judges
    whole = list(judge.calls)
    try:
        judge.calls[:] = [("asks for the impossible", lambda desk: desk.gmail.users().getProfile(userId="x").execute())]
        (verdict,) = hold(seat).verdicts
    finally:
        judge.calls[:] = whole
    assert "HttpError" in verdict.why
    assert "403" in verdict.why
