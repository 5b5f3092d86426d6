"""`tradepost erase` and `tradepost export` on loopback: shown, asked, done, told in both languages."""

from __future__ import annotations

from datetime import timedelta

from tests.commands.office import mail, opened
from tests.erase.office import traces
from tradepost.clock import SystemClock

LILY = "lily.chen@minghui-lighting.example"
GRETA, HANS = "greta@buyer.example", "hans@buyer.example"


def test_a_person_is_exported_planned_erased_and_kept_out(tmp_path):
    since = (SystemClock().now() - timedelta(days=10)).strftime("%Y-%m-%d")
    with opened(tmp_path, mailboxes=[LILY], start=since) as office:
        for name, address in (("Greta", GRETA), ("Hans", HANS)):
            office.do(lambda company, name=name, address=address: company.crm.add_contact(name, address))
        back = timedelta(days=3)
        at = SystemClock().now() - back
        alone, other = mail(1, GRETA, LILY, at=at - timedelta(hours=1)), mail(2, HANS, LILY, at=at)
        both = mail(3, HANS, f"{LILY}, {GRETA}", at=at)
        office.deliver(alone, other, both, back=back)
        assert office.call("run", "--once")[0] == 0
        assert len(office.logged()) == 3

        held = office.told("export", GRETA)
        assert [m["alone"] for m in held["mails"]] == [True, False]  # the older one first
        assert [row["emails"] for row in held["records"]] == [[GRETA]]
        shared = next(m for m in held["mails"] if not m["alone"])
        assert (shared["from"], shared["to"], shared["text"]) == (HANS, [LILY, GRETA], "")
        assert "evidence" not in shared["verdicts"][0]
        code, out, _ = office.call("export", GRETA)
        assert (code, GRETA in out, "n2@outside" in out) == (0, True, False)
        assert "邮件" in office.call("export", GRETA, "--lang", "zh")[1]
        assert "Nothing is held" in office.call("export", "nobody@buyer.example")[1]

        plan = office.told("erase", GRETA, "--plan")
        assert (plan["mails"], plan["shared_mails"], len(plan["records"])) == (1, 1, 1)
        assert {(one["way"], one["why"]) for one in plan["items"]} == {("remove", None), ("stay", "others")}
        assert "Right to Be Forgotten" in plan["records"][0]["how"]
        assert len(office.logged()) == 3
        assert "保留在 CRM 中" in office.call("erase", GRETA, "--plan", "--lang", "zh")[1]
        code, _, err = office.call("erase", LILY, "--yes")
        assert (code, "your own company" in err) == (2, True)
        assert office.call("erase", "nonsense", "--yes")[0] == 2

        code, out, err = office.call("erase", GRETA.upper(), "--yes")
        assert (code, "Other people take part" in out) == (3, True), out + err
        assert len(office.logged()) == 2
        assert traces(office.folder / "office" / "state", GRETA) == {}
        (counted,) = office.told("status")["coverage"]  # at once, not at the next count
        assert (counted["synced"], counted["reasons"]["excluded"]) == (2, {"erased": 1})
        done = office.told("erase", GRETA, "--plan")
        assert "Erased on" in office.call("erase", GRETA, "--plan")[1]
        assert (done["mails"], done["shared_mails"], bool(done["done_at"])) == (0, 0, True)
        assert {one["way"] for one in done["items"]} == {"drop", "stay"}
        assert office.call("backfill", "--since", since, "--yes")[0] == 0
        assert len(office.logged()) == 2
        assert "person erased" in office.call("status")[1]
        assert "人员已清除" in office.call("status", "--lang", "zh")[1]
        assert office.told("export", GRETA)["mails"] == []
        gone = next(one["mail"] for one in done["items"] if one["way"] == "drop")
        (told,) = office.told("explain", gone)["mails"]
        assert (told["subject"], told["from"], told["verdicts"][0]["reason"]) == ("", "", "erased")
        assert "only its count is kept" in told["verdicts"][0]["reason_text"]
        assert "只保留计数" in office.call("explain", gone, "--lang", "zh")[1]
