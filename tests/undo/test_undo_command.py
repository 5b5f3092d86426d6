"""`tradepost undo` on loopback: lists, plans, takes back, and says what a mistake is."""

from __future__ import annotations

from datetime import timedelta

from tests.commands.office import mail, opened
from tradepost.clock import SystemClock

LILY = "lily.chen@minghui-lighting.example"


def test_a_backfill_is_listed_planned_taken_back_and_told_in_both_languages(tmp_path):
    with opened(tmp_path, mailboxes=[LILY]) as office:
        buyer = office.do(lambda company: company.crm.add_contact("Greta", "greta@buyer.example"))
        assert buyer
        back = timedelta(days=3)
        at = SystemClock().now() - back
        office.deliver(*(mail(n, "greta@buyer.example", LILY, at=at) for n in range(4)), back=back)
        assert office.call("run", "--once")[0] == 0
        since = (SystemClock().now() - timedelta(days=10)).strftime("%Y-%m-%d")
        assert office.call("backfill", "--since", since, "--yes")[0] == 0
        assert len(office.logged()) == 4
        (one,) = [r for r in office.told("undo")["runs"] if r["kind"] == "backfill"]
        number = str(one["run"])
        code, out, _ = office.call("undo", number, "--plan")
        assert (code, "will be deleted" in out, len(office.logged())) == (0, True, 4)
        assert "将被删除" in office.call("undo", number, "--plan", "--lang", "zh")[1]
        code, _, err = office.call("undo", "999", "--yes")
        assert (code, "999" in err) == (2, True)
        code, out, _ = office.call("undo", number, "--yes")
        assert (code, "taken back" in out, office.logged()) == (0, True, [])
        assert office.call("undo", number, "--yes")[0] == 0  # again: nothing is left to do
        assert office.call("backfill", "--since", since, "--yes")[0] == 0
        assert len(office.logged()) == 4
