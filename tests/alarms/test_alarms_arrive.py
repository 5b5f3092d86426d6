"""Each alarm, provoked, arrives within fifteen simulated minutes, once, and clears; restarts do not repeat it."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from functools import partial

import pytest
import yaml

from sync.alarms import AlarmKind
from sync.coverage import Whereabouts
from tests.box import Box, day
from tests.paths.test_thick_mailboxes import mail
from tradepost.config import load
from tradepost.sandbox.company import CRMS, exporter
from tradepost.sandbox.virtual import START, run
from tradepost.service.crew import Crew

MINUTE = 60.0
HOOK = "hooks.acme.example"
LILY = "lily.chen@minghui-lighting.example"


class Receiver:
    """An ASGI app that keeps what is posted to it."""

    def __init__(self):
        self.got = []
        self.refuse = 0

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        if self.refuse:
            self.refuse -= 1
            status = 503
        else:
            status = 200
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.got.append((json.loads(body), headers, body))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def told(self):
        return [(one["event"], one["kind"], one["subject"]) for one, _, _ in self.got]


def office(tmp_path, *, crm="salesforce", source="gmail", limits=None, tasks=True, dates=(), **config):
    """A company that is told by task, webhook and metrics file."""
    config = {"poll": {"mail_seconds": 240, "crm_seconds": 240}, "mailboxes": [LILY], **config}
    box = Box(tmp_path, company=partial(exporter, mail=(source,), crms=(crm,)), start=day(START, 3), **config)
    (tmp_path / "hook").write_text("key of the hook")
    lily = box.company.mailboxes[0]
    data = yaml.safe_load(box.config.read_text())
    data["alarms"] = {
        "webhook": {"url": f"https://{HOOK}/tradepost", "secret": {"file": str(tmp_path / "hook")}},
        "metrics_file": str(tmp_path / "tradepost.prom"),
        "limits": limits or {},
        "credentials": list(dates),
    }
    if tasks:
        data["alarms"]["tasks"] = {"target": "crm", "user": lily}
    box.config.write_text(yaml.safe_dump(data))
    box.settings = load(box.config, environ={})
    box.receiver = Receiver()
    hosts = {**box.company.hosts(), HOOK: box.receiver}
    box.transport = type(box.transport)(hosts, box.clock, latency=lambda: 0.05)
    return box


async def work(box, minutes):
    """The daemon works for a while."""
    async with box.engine() as engine:
        crew = Crew(engine.lanes, box.clock)
        await box.clock.sleep(minutes * MINUTE)
        await crew.stop()


def tasks(box):
    return sorted((t.title, t.closed) for t in box.company.crm.tasks() if t.title.startswith("Tradepost"))


async def forget_one(box):
    """A mail that the provider has and our memory has lost."""
    async with box.engine() as engine:
        mailbox = box.company.mailboxes[0]
        ids = await engine.pullers[mailbox].listing(START - timedelta(days=3), box.clock.now())
        with engine.store.db.tx("lose") as c:
            c.exec_driver_sql("DELETE FROM copies WHERE provider_id = ?", (ids[0],))
    return mailbox


@pytest.mark.parametrize("crm", sorted(CRMS))
def test_missing_mail_is_told_once_by_task_and_webhook_and_both_clear(tmp_path, crm):
    async def main():
        box = office(tmp_path, crm=crm)
        box.post(mail("klaus@nordlicht.example", box.company.mailboxes[0], 1), at=START - timedelta(hours=5))
        await box.settle()
        lily = await forget_one(box)
        await work(box, 15)
        assert box.receiver.told()[:1] == [("raised", "missing", lily)]
        assert [title for title, _ in tasks(box)] == [f"Tradepost: mail is missing in {lily}"]
        await work(box, 45)
        assert box.receiver.told() == [("raised", "missing", lily), ("cleared", "missing", lily)]
        assert tasks(box) == [(f"Tradepost: mail is missing in {lily}", True)]
        async with box.engine() as engine:
            (found,) = await engine.store.coverage.differences()
            assert (found.mailbox, found.kind, found.mended_at is not None) == (lily, "missing", True)
            assert sum(r.coverage[Whereabouts.MISSING] for r in await engine.store.report.coverage()) == 0

    run(main())


def test_a_paused_lane_is_told_once_over_restarts_and_clears_when_mended(tmp_path):
    async def main():
        box = office(tmp_path, tasks=False)
        await box.settle()
        lane = f"mail:{box.company.mailboxes[0]}"
        box.fault("gmail", "*", "status", status=403, times=10_000)
        await work(box, 15)
        raised = [one for one in box.receiver.told() if one[2] == lane]
        assert raised == [("raised", "lane_paused", lane)]
        for _ in range(3):
            await work(box, 10)
        assert len([one for one in box.receiver.told() if one[2] == lane]) == 1
        box.world.faults.clear()
        await work(box, 20)
        assert [one for one in box.receiver.told() if one[2] == lane][1:] == [("cleared", "lane_paused", lane)]

    run(main())


def test_a_webhook_that_is_down_gets_the_alarm_later_once_and_signed(tmp_path):
    async def main():
        box = office(tmp_path, tasks=False, dates=[{"connection": "crm", "ends": START.date() + timedelta(days=3)}])
        box.receiver.refuse = 3
        await work(box, 15)
        ((document, headers, body),) = box.receiver.got
        assert (document["kind"], document["subject"], document["event"]) == ("credential", "crm", "raised")
        assert document["title"] == "Tradepost: the sign-in of crm ends soon"
        signed = hmac.new(b"key of the hook", body, hashlib.sha256).hexdigest()
        assert headers["x-tradepost-signature"] == f"sha256={signed}"
        await work(box, 30)
        assert len(box.receiver.got) == 1

    run(main())


def test_a_cursor_that_gets_old_and_a_lane_that_waits_are_told(tmp_path):
    async def main():
        box = office(tmp_path, tasks=False, limits={"cursor_hours": 1, "waiting_hours": 0.5})
        await box.settle()
        box.fault("gmail", "*", "status", status=503, times=10_000)
        await work(box, 55)
        mailbox = box.company.mailboxes[0]
        assert ("raised", "lane_waiting", f"mail:{mailbox}") in box.receiver.told()
        assert ("raised", "cursor_old", mailbox) not in box.receiver.told()
        await work(box, 20)
        assert ("raised", "cursor_old", mailbox) in box.receiver.told()
        assert len(set(box.receiver.told())) == len(box.receiver.told())

    run(main())


def test_the_metrics_file_has_the_numbers_and_no_address(tmp_path):
    async def main():
        box = office(tmp_path)
        box.post(mail("klaus@nordlicht.example", box.company.mailboxes[0], 1), at=START - timedelta(hours=5))
        await work(box, 15)
        text = (tmp_path / "tradepost.prom").read_text()
        assert "@" not in text
        assert 'state="synced"} 1\n' in text
        assert f'tradepost_alarms{{kind="{AlarmKind.MISSING}"}} 0\n' in text
        assert not list(tmp_path.glob(".tradepost*"))

    run(main())
