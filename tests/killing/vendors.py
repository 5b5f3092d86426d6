"""The sandbox as a process of its own: `python -m tests.killing.vendors FOLDER SOURCE TARGET MAILS SEED`.

Lines of JSON come in on standard input and go out on standard output. First `{"config": FILE}` is told; `{"do": "arm",
"id": N, "after": M, "kind": "read" | "write"}` is answered with `{"tripped": N}` as soon as the M-th request from now on
has come, and with "write" a write behind it, whose answer is then slow: it has happened, and the client does not know.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from tests.killing.company import HISTORY, READS, arrive, configured, made
from tradepost.clock import SystemClock
from tradepost.sandbox.company import Company
from tradepost.sandbox.kernel import Effect, Fault, RequestLog, RequestRecord, World
from tradepost.sandbox.serve import serve

ANSWER_AFTER = 1.0  # seconds until the answer to a write that a kill shall meet
POLL = {"mail_seconds": 2, "crm_seconds": 5}


class Watch(RequestLog):
    """A request log that tells when so many more requests have come."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        self.mails_read: set[str] = set()
        self._armed: tuple[int, int, str] | None = None

    def arm(self, number: int, after: int, kind: str) -> None:
        self._armed = number, after, kind

    def add(self, record: RequestRecord) -> int:
        n = super().add(record)
        if record.operation in {read for read, _ in READS.values()}:
            self.mails_read.add(record.path)
        if self._armed is not None:
            number, left, kind = self._armed
            self._armed = number, left - 1, kind
            if left <= 1 and kind in ("read", record.kind):
                self._trip(number, record)
        return n

    def _trip(self, number: int, record: RequestRecord) -> None:
        self._armed = None
        if record.kind == "write" and self.world is not None:
            slow = Effect.SLOW
            self.world.faults.add(
                Fault(vendor=record.vendor, operation=record.operation, effect=slow, seconds=ANSWER_AFTER)
            )
        tell({"tripped": number, "operation": record.operation, "kind": record.kind})


def tell(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def progress(company: Company, watch: Watch) -> dict[str, int]:
    """How much of the work is done, and what it has taken."""
    logged = {mail for mail, _ in company.logged(next(iter(company.crms)))}
    return {"read": len(watch.mails_read), "logged": len(logged), "requests": len(watch.records)}


def report(company: Company, watch: Watch) -> dict[str, Any]:
    """What the sandbox itself counts at the end."""
    (host,), (connection,) = company.mail.values(), company.crms
    read, list_ = READS[host.name]
    asked = Counter(r.path.rpartition("/")[2] for r in watch.records if r.operation == read)
    return {
        "logged": Counter(mail for mail, _ in company.logged(connection)),
        "tasks": Counter(task.title for task in company.crm.tasks()),
        # Live mail may come whole with the change feed, and need not be asked for.
        "gets": {
            name: {m.id: asked[m.id] for m in host.held(name) if m.message_id.startswith(HISTORY)}
            for name in host.addresses
        },
        "lists": watch.count(host.name, list_),
        "requests": len(watch.records),
        "writes": len(watch.writes(company.crm.name)),
        "tokens": tokens(watch.records),
    }


def tokens(records: list[RequestRecord]) -> dict[str, list[float]]:
    """When each vendor was asked for tokens: requests to its token endpoint, as POSIX times."""
    found: dict[str, list[float]] = {}
    for r in records:
        if r.method == "POST" and r.path.rstrip("/").endswith("/token"):
            found.setdefault(r.vendor, []).append(r.at.timestamp())
    return found


async def run(folder: Path, source: str, target: str, mails: int, seed: int) -> None:
    watch = Watch()
    watch.world = world = World(clock=SystemClock(), random=Random(seed), requests=watch)
    company = made(world, mails, source, target)
    async with serve(world, company.vendors) as served:
        config = configured(company, folder, dict(served.urls), poll=POLL)
        tell({"config": str(config)})
        async for order in _orders():
            match order["do"]:
                case "arm":
                    watch.arm(order["id"], order["after"], order["kind"])
                case "arrive":
                    arrive(company, order["number"])
                case "progress":
                    tell(progress(company, watch))
                case "report":
                    tell(report(company, watch))


async def _orders():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
