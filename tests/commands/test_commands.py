"""Each command against real vendors on loopback: what it says, what it changes, how it ends."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import urllib.request
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from sync.coverage import Coverage, Whereabouts
from sync.store import Store
from sync.store.report import CoverageReport
from tests.box import Events
from tests.commands.office import Office, mail, opened
from tradepost.clock import SystemClock
from tradepost.commands import backfill, check
from tradepost.commands.backfill import windows_of
from tradepost.commands.invocation import Invocation
from tradepost.config import load
from tradepost.messages import Language
from tradepost.sandbox.company import exporter
from tradepost.sandbox.kernel import Effect, Fault
from tradepost.terminal import open_console
from tradepost.views.history import MailboxPlan

LILY = "lily.chen@minghui-lighting.example"
TOM = "tom.zhou@minghui-lighting.example"
SALES = "sales@minghui-lighting.example"
STRANGER = "nobody.knows@elsewhere.example"
BACK = timedelta(days=3)
START = (SystemClock().now() - timedelta(days=30)).date().isoformat()
GET = "gmail.users.messages.get"
INSTALLED = cache(packages_distributions)


@pytest.fixture
def office(tmp_path):
    with opened(tmp_path) as made:
        yield made


@pytest.fixture
def started(tmp_path):
    """An office whose history is taken in from a month ago on."""
    with opened(tmp_path, start=START) as made:
        yield made


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """An office whose history is in the CRM, for questions only."""
    with opened(tmp_path_factory.mktemp("settled"), start=START) as made:
        history(made)
        assert made.call("run", "--once")[0] == 0
        yield made


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Nobody sits at the terminal, unless a test says so; what is installed is looked through once."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("tradepost.packaging.packages_distributions", INSTALLED)
    monkeypatch.setattr("tradepost.commands.backfill.LOOK_EVERY", 0.1)


def customer(office: Office) -> str:
    return str(office.rows("SELECT Email FROM Contact ORDER BY Id")[0]["Email"])


def gets(office: Office) -> int:
    return int(office.do(lambda company: company.world.requests.count("gmail", GET)))


def order(office: Office, **fault: object) -> None:
    office.do(lambda company: company.world.faults.add(Fault(**fault)))


def history(office: Office, count: int = 3) -> None:
    """Mails of a known customer to two mailboxes, some days old, and one of a stranger."""
    who = customer(office)
    office.deliver(*(mail(n, who, LILY if n % 2 else TOM) for n in range(count)), back=BACK)
    office.deliver(mail(99, STRANGER, SALES), back=BACK)


# --------------------------------------------------------------------------------------------------------------- check


def test_check_is_green_when_all_is_well_and_changes_nothing(office):
    told = office.told("check")
    assert told["ready"] is True
    assert [row["subject"] for row in told["checked"]] == ["tradepost", LILY, TOM, SALES, "crm"]
    assert office.call("check")[0] == 0
    assert office.writes() == 0


def test_check_names_the_missing_scope(office):
    office.do(lambda company: company.gmail.set_scopes([]))
    code, out, _ = office.call("check")
    assert code == 1
    assert "https://www.googleapis.com/auth/gmail.readonly" in out
    assert "Not ready" in out


def test_check_tells_a_clock_that_is_wrong(office, monkeypatch):
    class Slow(SystemClock):
        def now(self) -> datetime:
            return super().now() - timedelta(seconds=100)

    monkeypatch.setattr(check, "SystemClock", Slow)
    code, out, _ = office.call("check")
    assert code == 0
    (seconds,) = re.findall(r"clock is (\d+) seconds behind", out)
    assert 95 <= int(seconds) <= 100  # the servers' dates are whole seconds, and up to some seconds old


def test_check_names_what_the_configuration_names_and_is_not_there(office, tmp_path):
    def spoil(data):
        data["rules"] = {"stages": [{"when": "order_received", "to": "No such stage"}]}
        data["connections"]["crm"] |= {"default_owner": "gone@minghui-lighting.example", "writes": "off"}
        data["alarms"] = {
            "tasks": {"target": "crm", "user": "left@minghui-lighting.example"},
            "command": [str(tmp_path / "no-program")],
            "metrics_file": str(tmp_path / "no-folder" / "tradepost.prom"),
        }

    office.change(spoil)
    code, out, err = office.call("check")
    assert code == 0, err
    assert "gone@minghui-lighting.example" in out
    assert "The rule for order_received names no stage" in out
    assert "no active user left@minghui-lighting.example, whom alarms.tasks.user names" in out
    assert "Alarms are to become tasks in crm, where writes are off" in out
    assert f"The program {tmp_path / 'no-program'} of alarms.command" in out
    assert f"The folder {tmp_path / 'no-folder'} of alarms.metrics_file" in out


# --------------------------------------------------------------------------------------------------------------- setup


def test_setup_shows_asks_makes_and_then_has_nothing_to_do(tmp_path, monkeypatch):
    with opened(tmp_path, company=lambda world: exporter(world, mode=None)) as office:
        assert "Tradepost_Key__c" in office.call("check")[1]
        code, out, err = office.call("setup")
        assert code == 2
        assert "Tradepost_Key__c" in out
        assert "--yes" in err
        monkeypatch.setattr("sys.stdin", Terminal("n\n"))
        assert office.call("setup")[0] == 1
        assert office.writes() == 0
        code, out, err = office.call("setup", "--yes")
        assert code == 0, out + err
        assert office.call("check")[0] == 0
        before = office.writes()
        assert "everything that is needed is there" in office.call("setup", "--yes")[1]
        assert office.writes() == before > 0


# ------------------------------------------------------------------------------------------------------------ run once


def test_once_takes_in_everything_and_a_second_time_nothing(started):
    history(started)
    code, out, err = started.call("run", "--once")
    assert (code, err) == (0, "")
    assert out == "Mails read: 4. Written: 3. Still to be written: 0. Parked: 0.\n"
    assert len(started.logged()) == 3
    written = started.writes()
    assert started.call("run", "--once")[1].startswith("Mails read: 0. Written: 0.")
    assert started.writes() == written
    started.deliver(mail(50, customer(started), LILY))
    assert started.call("run", "--once")[0] == 0
    assert sorted(set(started.logged())) == started.logged()
    assert len(started.logged()) == 4


def test_once_tells_each_trouble_in_one_line_and_does_the_rest(office):
    office.call("run", "--once")
    office.deliver(mail(1, customer(office), LILY))
    office.do(lambda company: company.gmail.set_mail_service(TOM, on=False))
    code, _, err = office.call("run", "--once")
    assert code == 1
    assert [line.partition(": ")[0] for line in err.splitlines()] == [f"mail:{TOM}"]
    assert len(office.logged()) == 1


def test_once_counts_what_was_not_counted_lately(settled):
    status = settled.told("status")
    assert status["uncounted"] == []
    assert {row["mailbox"]: (row["listed"], row["missing"]) for row in status["coverage"]} == {
        LILY: (1, 0),
        TOM: (2, 0),
        SALES: (1, 0),
    }


# ------------------------------------------------------------------------------------------------------------- preview


def test_preview_shows_what_would_be_written_while_writes_are_off(tmp_path):
    with opened(tmp_path, start=START, writes="off") as office:
        assert "run --once" in office.call("preview")[1]
        history(office)
        office.call("run", "--once")
        told = office.told("preview", "--limit", "2")
        assert told["counts"] == [{"target": "crm", "kind": "log_email", "count": 3}]
        assert len(told["writes"]) == 2
        assert told["writes_off"] == ["crm"]
        text = office.call("preview", "--limit", "2")[1]
        assert "the first 2 of 3" in text
        assert "Offer" in text
        assert (office.writes(), office.logged()) == (0, [])
        office.change(lambda data: data["connections"]["crm"].update(writes="on"))
        office.call("run", "--once")
        assert len(office.logged()) == 3
        assert office.told("preview")["writes"] == []


# ------------------------------------------------------------------------------------------------------------ backfill


def test_a_plan_counts_and_reads_no_mail(started):
    history(started, 5)
    told = started.told("backfill", "--plan")
    assert {row["mailbox"]: row["to_read"] for row in told["mailboxes"]} == {LILY: 2, TOM: 3, SALES: 1}
    assert [(row["units"], row["calls"]) for row in told["mailboxes"]] == [(40, 2), (60, 2), (20, 2)]
    assert told["targets"][0]["mails_at_most"] == 6
    assert (gets(started), started.writes()) == (0, 0)
    assert started.told("status")["coverage"] == []


def test_a_plan_leaves_out_what_was_read_before(settled):
    told = settled.told("backfill", "--plan")
    assert [(row["known"], row["to_read"], row["units"]) for row in told["mailboxes"]] == [
        (1, 0, 0),
        (2, 0, 0),
        (1, 0, 0),
    ]


def test_a_backfill_is_not_well_while_mail_is_missing(started):
    started.call("run", "--once")
    lose_one(started)
    asked = []

    async def ask(request):
        asked.append(request["do"])
        run = {"mailbox": LILY, "run": 1}
        answers = {
            "backfill": {**run, "resumed": True},
            "progress": {**run, "listed": 0, "read": 0, "done": True, "wanted": 0},
            "count": {"mailbox": LILY, "counted": True},
        }
        return [answers[request["do"]]]

    settings = load(started.config, {})
    out = open_console(io.StringIO(), {})
    invocation = Invocation(language=Language.EN, out=out, err=out, environ={})
    job = backfill._Backfill(invocation, settings, [], Events(), as_json=True)
    outcome = asyncio.run(job._through(ask, backfill.Planned([MailboxPlan(mailbox=LILY)], [])))
    assert not outcome.well
    assert asked == ["backfill", "progress", "count", "progress", "count"]


@pytest.mark.parametrize("name", ["backfill", "rebuild"])
def test_who_stops_it_is_told_the_command_he_called(started, name):
    settings = load(started.config, {})
    out = open_console(io.StringIO(), {})
    invocation = Invocation(language=Language.EN, out=out, err=out, environ={})
    windows = windows_of(settings, [LILY, TOM], datetime(2026, 3, 2, tzinfo=UTC), None, SystemClock().now())
    job = backfill._Backfill(invocation, settings, windows, Events(), command=name, as_json=False)
    beginning = f"tradepost -c {started.config} {name} --since 2026-03-02 --mailbox {LILY}"
    assert job._command().startswith(beginning)


def test_a_plan_tells_a_mailbox_that_cannot_be_listed(started):
    started.do(lambda company: company.gmail.set_mail_service(TOM, on=False))
    code, out, _ = started.call("backfill", "--plan")
    assert code == 1
    assert "A permission is missing" in out


def test_nothing_begins_without_a_yes(started, monkeypatch):
    history(started)
    code, _, err = started.call("backfill")
    assert (code, err) == (2, "Nobody can be asked here: say --yes when it shall be done.\n")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    code, out, _ = started.call("backfill")
    assert code == 1
    assert "What it costs" in out
    assert "Nothing was begun." in out
    assert gets(started) == 0
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert started.call("backfill")[0] == 0
    assert len(started.logged()) == 3


def test_a_backfill_ends_with_sums_and_the_same_command_again_reads_nothing_twice(office):
    history(office, 30)
    code, out, err = office.call("backfill", "--since", START, "--yes")
    assert code == 0, err
    assert "listed = synced + excluded + waiting + parked + missing" in out
    assert f"{LILY}: reading: 15 of 15" in err
    assert "nothing is missing" in out
    assert len(office.logged()) == 30
    assert office.rows("SELECT Id FROM Task WHERE TaskSubtype = 'Task'") == []
    once, written = gets(office), office.writes()
    report = office.told("backfill", "--since", START, "--yes")
    assert [(row["listed"], row["synced"], row["missing"]) for row in report["coverage"]] == [
        (15, 15, 0),
        (1, 0, 0),
        (15, 15, 0),
    ]
    assert (gets(office), office.writes()) == (once, written)


def test_the_days_of_a_backfill_come_first_and_no_gap_is_left_behind_them(office):
    office.deliver(mail(1, customer(office), LILY), back=timedelta(days=20))
    office.deliver(mail(2, customer(office), LILY), mail(3, customer(office), TOM), back=timedelta(days=9))
    day = (SystemClock().now() - timedelta(days=14)).date().isoformat()
    report = office.told("backfill", "--since", START, "--until", day, "--mailbox", LILY.upper(), "--yes")
    assert report["well"]
    assert [run["listed"] for run in report["runs"]] == [1]
    assert office.logged() == ["<n1@outside.example>", "<n2@outside.example>"]


def test_days_begin_in_the_companys_zone_and_a_window_never_ends_in_the_future(office):
    settings = load(office.config, {"PATH": ""})
    now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    (window,) = windows_of(settings, [LILY], datetime(2026, 3, 1), datetime(2026, 4, 1), now)  # noqa: DTZ001
    assert window.since == datetime(2026, 2, 28, 16, tzinfo=UTC)  # Asia/Shanghai
    assert window.until == now


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", START, "--mailbox", "who@x.example"), "No such mailbox here: who@x.example"),
        ((), "--since"),
        (("--since", "2020-01-02", "--until", "2020-01-01"), "first day lies after the last"),
    ],
)
def test_a_window_that_cannot_be_is_a_mistake_of_the_person(office, arguments, said):
    code, _, err = office.call("backfill", "--yes", *arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_ctrl_c_keeps_what_was_read_and_says_how_to_go_on(office):
    history(office, 60)
    office.do(lambda company: company.gmail.set_quota(service_seconds=0.1))
    process = office.start("backfill", "--since", START, "--mailbox", LILY, "--yes")
    office.wait(lambda company: company.world.requests.count("gmail", GET) > 0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert f"backfill --since {START} --mailbox {LILY}" in err
    assert "Traceback" not in err
    read = gets(office)
    assert read < 30
    office.do(lambda company: company.gmail.set_quota(service_seconds=0))
    assert office.call("backfill", "--since", START, "--mailbox", LILY, "--yes")[0] == 0
    assert (gets(office), len(office.logged())) == (30, 30)


# -------------------------------------------------------------------------------------------------- status and explain


def in_state(office: Office, work):
    """Something done to the state file while nobody works with it."""
    state = office.config.parent / "state"
    store = Store.open(state / "state.db", key=(state / "key").read_bytes().strip())
    try:
        return asyncio.run(work(store))
    finally:
        store.close()


def lose_one(office: Office) -> None:
    """A count that found a mail of Lily's missing."""
    now = SystemClock().now()
    sums = Coverage(listed=1, sums={Whereabouts.MISSING: 1})
    report = CoverageReport(mailbox=LILY, counted_at=now, since=now, until=now, coverage=sums)
    in_state(office, lambda store: store.report.put_coverage(report))


def test_status_before_the_first_run_says_so(office):
    code, out, _ = office.call("status")
    assert code == 0
    assert "Nothing has happened yet" in out
    assert "Not counted yet" in out


def test_status_is_not_well_while_mail_is_missing(started):
    history(started)
    started.call("run", "--once")
    assert started.call("status")[0] == 0
    lose_one(started)
    assert started.call("status")[0] == 1
    started.change(lambda data: data["mailboxes"].pop(0))  # a mailbox that is no longer ours to answer for
    assert started.call("status")[0] == 0


def test_explain_finds_a_mail_by_every_name_it_has(settled):
    told = settled.told("explain", "<n1@outside.example>")["mails"][0]
    names = ["n1@outside.example", told["mail"][:10], told["copies"][0]["provider_id"], told["items"][0]["item"]]
    for name in names:
        code, out, _ = settled.call("explain", name)
        assert code == 0
        assert told["mail"] in out
        assert "the address is a record's own" in out


def test_explain_tells_why_a_mail_waits(settled):
    code, out, _ = settled.call("explain", "n99@outside.example")
    assert code == 0
    assert "The CRM knows none of those who take part" in out


def test_explain_lists_several_and_owns_up_to_none(settled):
    code, out, _ = settled.call("explain", customer(settled))
    assert code == 1
    assert "Mails that fit: 3" in out
    code, out, err = settled.call("explain", "never-heard-of")
    assert (code, out) == (1, "")
    assert "No mail is known as never-heard-of" in err


# --------------------------------------------------------------------------------------------------------------- retry


def test_a_parked_write_is_tried_again_when_a_person_says_so(started):
    history(started, 1)
    started.do(lambda company: company.org.fail_next("EmailMessage", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "No."))
    started.call("run", "--once")
    status = started.told("status")
    assert [item["reason"] for item in status["parked"]] == ["rejected"]
    assert started.logged() == []
    key = status["parked"][0]["item"]
    assert started.call("retry", "v1:0000")[0] == 2
    assert started.told("retry", key[:14])["items"] == 1
    started.call("run", "--once")
    assert len(started.logged()) == 1
    assert started.told("status")["parked"] == []


def test_an_unreadable_mail_is_told_and_read_again(started):
    history(started, 1)
    order(started, vendor="gmail", operation=GET, effect=Effect.STATUS, status=400, code="invalidArgument")
    started.call("run", "--once")
    (lost,) = started.told("status")["unreadable"]
    code, out, _ = started.call("explain", lost["provider_id"])
    assert (code, "The mail cannot be read." in out) == (0, True)
    assert "No service is at work" in started.call("retry", "--all")[1]
    started.call("run", "--once")
    assert started.told("status")["unreadable"] == []
    assert len(started.logged()) == 1


def test_retry_wants_to_be_told_what(settled):
    assert settled.call("retry")[0] == 2
    assert settled.call("retry", "x", "--all")[0] == 2
    assert "Nothing that is parked is known as x" in settled.call("retry", "x")[2]


def test_kinds_of_write_that_pause_are_told_and_go_on_when_a_person_says_so(started):
    started.call("run", "--once")
    started.do(lambda c: c.org.hide_field(c.org.integration_user_id, "EmailMessage", "Tradepost_Key__c"))
    started.call("run", "--once")
    out = started.call("status")[1]
    assert '"log mail" is paused' in out
    assert "tradepost retry crm" in out
    started.deliver(mail(1, customer(started), LILY))
    started.call("run", "--once")
    assert started.logged() == []
    assert started.told("retry", "crm")["resumed"] == ["crm"]
    started.call("run", "--once")
    assert started.logged() == ["<n1@outside.example>"]


# ------------------------------------------------------------------------------------------------------- person's slips


@pytest.mark.parametrize("command", [("run", "--once"), ("check",), ("run",), ("backfill", "--plan"), ("setup",)])
def test_a_secret_that_is_not_there_ends_with_one_sentence(started, command):
    (started.config.parent / "google-google-key.json").unlink()
    (started.config.parent / "crm-salesforce-secret").unlink()
    code, _, err = started.call(*command)
    assert code == 2
    assert "cannot be read" in err
    assert "Traceback" not in err


def test_everything_is_said_in_chinese_too(settled):
    def told(*arguments: str) -> str:
        return settled.call("--lang", "zh", *arguments)[1]

    assert told("run", "--once") == "读取邮件：0。已写入：0。待写入：0。已搁置：0。\n"
    assert "没有服务在运行" in told("status")
    assert "最多记录" in told("backfill", "--plan")
    assert "一切就绪" in told("check")


# --------------------------------------------------------------------------------------------------------------- login


def with_sign_in(office: Office) -> None:
    """The mailboxes sign in one by one, as people do."""
    url = load(office.config, {}).mail["google"].config.base_url
    client = office.do(lambda company: company.gmail.client_file(url))["installed"]
    (office.config.parent / "client-secret").write_text(client["client_secret"], "utf-8")
    auth = {
        "method": "installed_app",
        "client_id": client["client_id"],
        "client_secret": {"file": str(office.config.parent / "client-secret")},
    }
    addresses = {"auth": auth, "authorization_url": f"{url}/o/oauth2/v2/auth"}
    office.change(lambda data: data["connections"]["google"].update(addresses))


def test_login_shows_an_address_waits_for_the_browser_and_checks_whose_mailbox_it_is(office):
    with_sign_in(office)
    assert "Sign this account in" in office.call("check")[1]
    for user, expected in ((TOM, 1), (LILY, 0)):
        office.do(lambda company, user=user: company.gmail.set_consent(user=user))
        process = office.start("login", "google", "--mailbox", LILY)
        url = next(line.strip() for line in process.stdout if line.startswith("http"))
        with urllib.request.urlopen(url) as page:  # noqa: S310 - the sandbox's consent page, then the landing page
            assert "Tradepost" in page.read().decode()
        out, err = process.communicate(timeout=30)
        assert process.returncode == expected, out + err
    assert f"{LILY}: signed in." in out
    rows = {row["subject"]: row["verdict"] for row in office.told("check")["checked"]}
    assert (rows[LILY], rows[TOM]) == ("ok", "error")


def test_login_is_needless_for_accounts_that_sign_in_by_themselves(settled):
    assert settled.call("login", "google")[:2] == (
        0,
        "google: nobody needs to sign in here; the connection does it by itself.\n",
    )
    assert settled.call("login", "crm")[0] == 0
    code, _, err = settled.call("login", "nope")
    assert (code, err) == (2, "There is no connection nope. Configured: google, crm.\n")
