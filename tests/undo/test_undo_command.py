"""`tradepost undo` on loopback: lists, plans, takes back beside a service and without one, and says what stays."""

from __future__ import annotations

from datetime import timedelta

from tests.commands.manager import WITHIN, Manager
from tests.commands.office import mail, opened
from tradepost.clock import SystemClock

LILY, TOM = "lily.chen@minghui-lighting.example", "tom.zhou@minghui-lighting.example"
BUYER = "greta@buyer.example"


def test_a_backfill_is_listed_planned_taken_back_and_told_in_both_languages(tmp_path, monkeypatch):
    monkeypatch.setattr("tradepost.commands.errand.LOOK_EVERY", 0.1)
    monkeypatch.setattr("tradepost.commands.backfill.LOOK_EVERY", 0.1)
    with opened(tmp_path, mailboxes=[LILY, TOM]) as office:
        assert office.do(lambda company: company.crm.add_contact("Greta", BUYER))
        back, at = timedelta(days=3), SystemClock().now() - timedelta(days=3)
        office.deliver(mail(0, BUYER, LILY, at=at), mail(1, BUYER, f"{LILY}, {TOM}", at=at), back=back)
        since = (SystemClock().now() - timedelta(days=10)).strftime("%Y-%m-%d")

        with Manager() as manager, (tmp_path / "log").open("w") as log:
            service = office.start("run", log=log, NOTIFY_SOCKET=str(manager.path))
            try:
                manager.wait("READY=1")
                assert office.call("backfill", "--since", since, "--yes")[0] == 0
                assert len(office.logged()) == 2
                runs = [r for r in office.told("undo")["runs"] if r["kind"] == "backfill"]
                lily, tom = (str(r["run"]) for r in sorted(runs, key=lambda r: str(r["mailbox"])))
                code, out, _ = office.call("undo", lily, "--plan")
                assert (code, "will be deleted" in out, len(office.logged())) == (0, True, 2)
                assert "将被删除" in office.call("undo", lily, "--plan", "--lang", "zh")[1]
                code, _, err = office.call("undo", "999", "--yes")
                assert (code, "999" in err) == (2, True)
                code, out, err = office.call("undo", lily, "--yes")  # one of its mails lies in the other mailbox too
                assert (code, len(office.logged())) == (3, 1), err
                assert "/02s" in out  # the link of what stays
            finally:
                service.terminate()
                service.communicate(timeout=WITHIN)

        code, out, err = office.call("undo", tom, "--yes")  # without a service
        assert (code, office.logged()) == (0, []), err
        counted = {one["mailbox"]: one for one in office.told("status")["coverage"]}
        assert [counted[one]["reasons"]["excluded"] for one in (LILY, TOM)] == [{"undone": 2}, {"undone": 1}]
        (plan,) = office.told("backfill", "--plan", "--since", since)["targets"]
        assert plan["mails_at_most"] == 3  # what was taken back is read and logged anew
        assert office.call("undo", tom, "--yes")[0] == 0  # again: nothing is left to do
        assert office.call("backfill", "--since", since, "--yes")[0] == 0
        assert len(office.logged()) == 2
