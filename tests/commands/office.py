"""The invented exporter's sandbox on real loopback, a configuration for it, and the program, in this process or another."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from random import Random
from typing import Any

import yaml

from connectors.mail.gmail import GmailSource
from tradepost.cli import main
from tradepost.clock import SystemClock
from tradepost.sandbox.company import Company, exporter, write_config
from tradepost.sandbox.kernel import World
from tradepost.sandbox.serve import serve

QUICK = {"mail_seconds": 1, "crm_seconds": 1}


@dataclass
class Office:
    """A company whose vendors answer on loopback from a thread of their own."""

    company: Company
    folder: Path
    config: Path
    loop: asyncio.AbstractEventLoop
    environ: dict[str, str] = field(default_factory=dict)

    def do(self, act: Callable[[Company], Any]) -> Any:
        """Something a person or the vendor does, in the vendors' own thread."""

        async def acted() -> Any:
            return act(self.company)

        return asyncio.run_coroutine_threadsafe(acted(), self.loop).result(20)

    def wait(self, done: Callable[[Company], bool], within: float = 30.0) -> None:
        """Until something is so at the vendors. Raises TimeoutError."""

        async def waited() -> None:
            async with asyncio.timeout(within):
                while not done(self.company):  # noqa: ASYNC110 - the vendors know nothing of tests
                    await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(waited(), self.loop).result()

    def call(self, *arguments: str) -> tuple[int, str, str]:
        """The program in this process: exit code, output, errors."""
        out, err = io.StringIO(), io.StringIO()
        environ = {"PATH": os.environ["PATH"], "TRADEPOST_TRACEBACK": "1", **self.environ}
        code = main(["-c", str(self.config), *arguments], environ, out, err)
        return code, out.getvalue(), err.getvalue()

    def told(self, *arguments: str) -> Any:
        """What `--json` prints."""
        _, out, err = self.call(*arguments, "--json")
        assert out, err
        return json.loads(out)

    def start(self, *arguments: str, log: Any = subprocess.PIPE, **environ: str) -> subprocess.Popen[str]:
        """The program in a process of its own; `log` takes its standard error."""
        return subprocess.Popen(
            [sys.executable, "-m", "tradepost", "-c", str(self.config), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), **self.environ, **environ},
        )

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit the configuration."""
        data = yaml.safe_load(self.config.read_text("utf-8"))
        change(data)
        self.config.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")

    def rows(self, soql: str) -> list[Any]:
        return self.do(lambda company: company.org.query(soql))

    def logged(self) -> list[str]:
        """The Message-ID of every mail in the CRM."""
        return sorted(str(row["MessageIdentifier"]) for row in self.rows("SELECT MessageIdentifier FROM EmailMessage"))

    def writes(self) -> int:
        return self.do(lambda company: len(company.world.requests.writes("salesforce")))

    def deliver(self, *raws: bytes, back: timedelta | None = None) -> None:
        """Mails that arrive now, or arrived some time ago."""
        at = SystemClock().now() - back if back else None
        self.do(lambda company: [company.gmail.deliver_to_recipients(raw, at=at) for raw in raws])


@contextmanager
def opened(folder: Path, *, company: Callable[..., Company] = exporter, **config: Any) -> Iterator[Office]:
    """An office; `config` goes to `write_config`."""
    config = {"settle_seconds": 1, "poll": QUICK, "mailboxes": None} | config
    ready: list[Office] = []
    started, ended = threading.Event(), threading.Event()

    async def run() -> None:
        world = World(clock=SystemClock(), random=Random(1))
        made = company(world)
        async with serve(world, made.vendors) as served:
            path = write_config(made, folder / "office", served.urls, **config)
            made.gmail.set_quota(user_per_minute=1_000_000)
            office = Office(made, folder, path, asyncio.get_running_loop())
            office.change(lambda data: data["connections"]["google"].update(units_per_minute=1_000_000))
            ready.append(office)
            started.set()
            while not ended.is_set():  # noqa: ASYNC110 - set from another thread
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        assert started.wait(30)
        yield ready[0]
    finally:
        ended.set()
        thread.join(20)


def mail(
    number: int, sender: str, recipient: str, *, subject: str = "", text: str = "", at: datetime | None = None
) -> bytes:
    """A simple mail."""
    made = EmailMessage()
    made["From"], made["To"] = sender, recipient
    made["Subject"] = subject or f"Offer {number}"
    made["Message-ID"] = f"<n{number}@outside.example>"
    made["Date"] = format_datetime(at or SystemClock().now())
    made.set_content(text or f"Good day, about position {number}. Regards")
    return made.as_bytes()


class BrokenSource(GmailSource):
    """A connector with a mistake in it."""

    async def changes(self, cursor: str) -> Any:
        del cursor
        return len("Dear Alice") / 0
