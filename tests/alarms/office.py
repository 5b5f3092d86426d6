"""A company of one mailbox whose alarms go to every channel, and what arrived on each."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import yaml

from tests.box import Box, day
from tests.paths.test_thick_mailboxes import mail
from tradepost.config import load
from tradepost.sandbox.company import empty
from tradepost.sandbox.virtual import START
from tradepost.service.crew import Crew

LILY, BUYER = "lily@minghui-lighting.example", "klaus@nordlicht.example"
HOOK = "hooks.acme.example"
MINUTE = 60.0

# Keeps each document in a line of its own, unless it is told to refuse.
SCRIPT = '[ -e "$1/refuse" ] && exit 1; cat >> "$1/told" && echo >> "$1/told"'


def one_mailbox(world, source, crm):
    found = empty(world, mail=(source,), crms=(crm,))
    next(iter(found.mail.values())).add_mailbox(LILY, display_name="Lily")
    found.book.users[LILY] = found.crm.add_user(LILY, "Lily")
    found.book.users["boss"] = found.crm.add_user("boss@minghui-lighting.example", "Boss")
    found.book.contacts["klaus"] = found.crm.add_contact("Klaus", BUYER)
    return found


@dataclass
class Receiver:
    """An ASGI app that keeps what is posted to it; `refuse` so many times with `status`."""

    got: list = field(default_factory=list)
    refuse: int = 0
    status: int = 503
    asked: int = 0

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        self.asked += 1
        status = 200
        if self.refuse:
            self.refuse -= 1
            status = self.status
        else:
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.got.append((json.loads(body), headers, body))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Program:
    """Runs a command for real, which a loop on virtual time cannot; with `hangs` it never ends by itself."""

    hangs: int = 0
    started: int = 0
    killed: int = 0

    async def start(self, *argv, env, **_streams):
        self.started += 1
        return _Process(self, argv, env)


class _Process:
    def __init__(self, program, argv, env):
        self._program, self._argv, self._env = program, argv, env
        self.returncode = None

    async def communicate(self, data):
        if self._program.hangs:
            self._program.hangs -= 1
            await asyncio.Event().wait()
        done = subprocess.run(  # noqa: ASYNC221 - nothing else may happen meanwhile
            self._argv, input=data, env=self._env, check=False
        )
        self.returncode = done.returncode

    def kill(self):
        self._program.killed += 1

    async def wait(self):
        self.returncode = self.returncode if self.returncode is not None else -9


class Office(Box):
    """`told` by task (to the boss), command, webhook and metrics file."""

    def __init__(self, folder, monkeypatch, *, source="gmail", crm="salesforce", start=3, settle_seconds=600, **alarms):
        config = {"poll": {"mail_seconds": 240, "crm_seconds": 240}, "new_sender": "wait"}
        config |= {"start": day(START, start), "settle_seconds": settle_seconds}
        super().__init__(folder, company=partial(one_mailbox, source=source, crm=crm), **config)
        self.alarms = alarms
        self.receiver, self.program = Receiver(), Program()
        monkeypatch.setattr(asyncio, "create_subprocess_exec", self.program.start)
        (folder / "hook").write_text("key of the hook")
        self.configure()
        hosts = {**self.company.hosts(), HOOK: self.receiver}
        self.transport = type(self.transport)(hosts, self.clock, latency=lambda: 0.05)

    def configure(self, **changes):
        """Write the section `alarms` and read the configuration anew."""
        self.alarms |= changes
        data = yaml.safe_load(self.config.read_text())
        data["alarms"] = {
            "tasks": {"target": "crm", "user": "boss@minghui-lighting.example"},
            "command": ["/bin/sh", "-c", SCRIPT, "tell", str(self.folder)],
            "webhook": {"url": f"https://{HOOK}/tradepost", "secret": {"file": str(self.folder / "hook")}},
            "metrics_file": str(self.folder / "tradepost.prom"),
            **self.alarms,
        }
        self.config.write_text(yaml.safe_dump({k: v for k, v in data.items() if v}))
        self.settings = load(self.config, environ={})

    @property
    def provider(self):
        return self.company.host_of(LILY)

    def letter(self, number, **more):
        return mail(BUYER, LILY, number, **more)

    @asynccontextmanager
    async def working(self, wrap=lambda _: None):
        """A daemon at work."""
        async with self.engine(wrap=wrap, synchronous="OFF") as engine:  # no power is cut here
            crew = Crew(engine.lanes, self.clock)
            yield engine
            await crew.stop()

    async def work(self, minutes):
        async with self.working():
            await self.clock.sleep(minutes * MINUTE)

    async def until(self, done, minutes):
        """Let time pass by the minute until it is done, at most so long."""
        for _ in range(minutes):
            if done():
                return
            await self.wait(1)

    async def wait(self, minutes):
        await self.clock.sleep(minutes * MINUTE)

    def signature(self, body):
        """What the header of a post with this body must say."""
        return f"sha256={hmac.new(b'key of the hook', body, hashlib.sha256).hexdigest()}"

    # ---------------------------------------------------------------------------------------------------------- arrived

    def by_webhook(self, kind):
        return [(one["event"], one["subject"]) for one, _, _ in self.receiver.got if one["kind"] == kind]

    def documents(self):
        path = self.folder / "told"
        return [json.loads(line) for line in path.read_text().splitlines() if line] if path.exists() else []

    def by_command(self, kind):
        return [(one["event"], one["subject"]) for one in self.documents() if one["kind"] == kind]

    def by_task(self, title):
        """(owner is the boss, closed) of each task that begins so."""
        boss = self.company.book.users["boss"]
        return [
            (_owner(self.company.crm, task.record) == boss, task.closed)
            for task in self.company.crm.tasks()
            if task.title.startswith(title)
        ]

    def by_metrics(self, kind):
        lines = (self.folder / "tradepost.prom").read_text().splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f'tradepost_alarms{{kind="{kind}"}}'))

    def kinds(self):
        return sorted({one["kind"] for one, _, _ in self.receiver.got})


def _owner(crm, task):
    if crm.name == "salesforce":
        return crm.org.record(task)["OwnerId"]
    if crm.name == "hubspot":
        return crm.portal.state.record_by_id(task).get("hubspot_owner_id")
    owner = next(row for row in crm._state.store.rows("Tasks") if row["id"] == task)["Owner"]
    return owner["id"] if isinstance(owner, dict) else owner


def hours(number):
    return timedelta(hours=number)
