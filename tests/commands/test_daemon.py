"""The daemon as a service manager, an administrator and other commands meet it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.commands.manager import WITHIN, Manager
from tests.commands.office import Office, mail, opened
from tradepost.sandbox.kernel import Effect, Fault
from tradepost.service.control import ask, control_socket

LILY = "lily.chen@minghui-lighting.example"
TOM = "tom.zhou@minghui-lighting.example"
BACK = timedelta(days=3)


@dataclass
class Service:
    """A daemon that has said that it is ready."""

    office: Office
    manager: Manager
    process: subprocess.Popen[str]

    def until(self, done: Callable[[], bool]) -> None:
        """Wait; the watchdog's messages keep time."""
        self.manager.wait(lambda _: done())

    def stop(self) -> tuple[int, list[dict[str, object]]]:
        """Tell it to stop; the exit code and the log."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WITHIN), self.log()

    def log(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.office.folder / "log").read_text("utf-8").splitlines()]

    def reload(self) -> str:
        self.process.send_signal(signal.SIGHUP)
        said = self.manager.wait("RELOADING=1")
        self.manager.wait("READY=1")
        return said

    def ask(self, **request: object) -> list[dict[str, object]]:
        async def answers() -> list[dict[str, object]]:
            return [answer async for answer in ask(control_socket(self.office.config.parent / "state"), request)]

        return asyncio.run(answers())


@contextmanager
def daemon(office: Office, **environ: str) -> Iterator[Service]:
    with Manager() as manager, (office.folder / "log").open("w") as log:
        around = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "400000", **environ}
        process = office.start("run", log=log, **around)
        try:
            manager.wait("READY=1")
            yield Service(office, manager, process)
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def office(tmp_path):
    with opened(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A daemon that several tests may talk to."""
    with opened(tmp_path_factory.mktemp("running")) as made, daemon(made) as service:
        yield service


def customer(office: Office) -> str:
    """The address of a contact in the CRM."""
    return str(office.rows("SELECT Email FROM Contact")[0]["Email"])


def test_the_service_manager_hears_ready_then_counts_then_petting_then_the_end(office):
    with daemon(office) as service:
        status = service.manager.wait("STATUS=")
        service.manager.wait("WATCHDOG=1")
        service.manager.wait("WATCHDOG=1")
        code, log = service.stop()
        said = service.manager.rest()
    assert code == 0
    assert (
        status == "STATUS=Lanes 6: 6 running, 0 waiting, 0 paused. Items: 0 to be written, 0 parked. Mails missing: 0."
    )
    assert said.index("READY=1") < said.index(status) < said.index("STOPPING=1")
    assert "worker.ready" in [line["event"] for line in log]
    assert "@" not in json.dumps(log)


def test_a_second_daemon_is_refused_and_told_who_works(running):
    second = running.office.start("run")
    out, err = second.communicate(timeout=WITHIN)
    assert (second.returncode, out) == (2, "")
    assert f"process {running.process.pid}" in err
    assert "Traceback" not in err


def test_a_mail_that_arrives_is_in_the_crm_soon(running):
    office = running.office
    office.deliver(mail(1, customer(office), LILY))
    running.until(lambda: "<n1@outside.example>" in office.logged())
    assert office.told("status")["running"] is True


def test_once_beside_a_daemon_does_nothing_itself_and_says_so(running):
    code, out, err = running.office.call("run", "--once")
    assert (code, out) == (2, "")
    assert "works here already" in err


def test_a_backfill_beside_a_daemon_is_its_work(running):
    office = running.office
    office.deliver(mail(2, customer(office), TOM), back=BACK)
    report = office.told("backfill", "--since", "2020-01-01", "--mailbox", TOM, "--yes")
    assert report["well"]
    assert [run["done"] for run in report["runs"]] == [True]
    assert [count["missing"] for count in report["coverage"]] == [0]
    assert "<n2@outside.example>" in office.logged()


def test_a_request_that_fails_harms_nobody(running):
    assert running.ask(do="progress", runs="x") == [{"error": "failed"}]
    assert "request.failed" in [line["event"] for line in running.log()]
    assert running.ask(do="poll") == [{"lanes": 6}]


def test_a_mailbox_is_counted_when_asked(running):
    assert running.ask(do="count", mailboxes=[LILY, "nobody@x.example"]) == [
        {"mailbox": LILY, "counted": True},
        {"mailbox": "nobody@x.example", "counted": False},
    ]


def test_the_write_under_way_is_finished_before_the_end(office):
    slow = Fault(vendor="salesforce", operation="composite.graph", effect=Effect.SLOW, seconds=1.0)
    office.do(lambda company: company.world.faults.add(slow))
    with daemon(office) as service:
        office.deliver(mail(1, customer(office), LILY))
        service.until(lambda: office.writes() > 0)
        code, log = service.stop()
    assert code == 0
    assert [line["event"] for line in log if str(line["event"]).startswith("item.")] == ["item.done"]
    states = {item["kind"]: item["state"] for item in office.told("status")["items"]}
    assert states["log_email"] == "done"
    assert "sending" not in states.values()
    assert office.writes() == 1


def test_a_mailbox_that_cannot_be_read_waits_with_its_reason_and_holds_up_nobody(office):
    office.do(lambda company: company.gmail.set_scopes([]))
    with daemon(office) as service:
        assert "3 paused" in service.manager.wait(lambda said: said.startswith("STATUS="))
        code, out, _ = office.call("status")
        assert code == 1
        assert "Domain-wide delegation is missing" in out


def test_a_reload_takes_a_good_configuration_and_refuses_what_cannot_work(office):
    text = office.config.read_text("utf-8")
    office.change(lambda data: data["mailboxes"].pop(0))
    with daemon(office) as service:
        office.config.write_text("company: {}\n", "utf-8")
        said = service.reload()
        office.config.write_text(text.replace("google-google-key.json", "nowhere.json"), "utf-8")
        service.reload()
        office.config.write_text(text, "utf-8")
        service.reload()
        service.manager.wait(lambda message: "Lanes 6" in message)
        office.deliver(mail(1, customer(office), LILY))
        service.until(lambda: office.logged() == ["<n1@outside.example>"])
        code, log = service.stop()
    assert code == 0
    assert int(said.partition("MONOTONIC_USEC=")[2]) > 0
    first, second = [line["problems"] for line in log if line["event"] == "config.refused"]
    assert any("config.yaml:1:" in problem for problem in first)
    assert "nowhere.json" in second[0]
    assert [line["mailboxes"] for line in log if line["event"] == "config.reloaded"] == [3]


def test_a_mistake_in_a_lane_pauses_it_and_is_logged_without_contents(office):
    office.change(lambda data: data["connections"]["google"].update(type="tests.commands.office:BrokenSource"))
    with daemon(office) as service:
        service.until(lambda: [lane for lane in office.told("status")["lanes"] if lane["state"] == "paused"])
        paused = [lane for lane in office.told("status")["lanes"] if lane["state"] == "paused"]
        code, log = service.stop()
    broken = [line for line in log if line["event"] == "source.broken"]
    assert code == 0
    assert {line["error"] for line in broken} == {"ZeroDivisionError"}
    assert {lane["code"] for lane in paused} == {f"Mistake ZeroDivisionError {broken[0]['number']}"}
    assert "Dear Alice" not in str(log)


def test_requests_go_to_the_runtime_folder_however_long_its_name_is(tmp_path, office):
    runtime = tmp_path / ("r" * 90)
    runtime.mkdir()
    with daemon(office, RUNTIME_DIRECTORY=str(runtime)) as service:
        assert (runtime / "control.sock").is_socket()
        assert office.told("status")["running"] is True
        assert service.stop()[0] == 0
    assert list(runtime.iterdir()) == []
    assert office.told("status")["running"] is False
