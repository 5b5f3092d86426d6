"""What may be asked of a working engine, by a command in the same process or over the control socket.

Requests and answers are plain JSON. Every method is a `tradepost.service.control.Handler`.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.base.errors import ConnectorError
from connectors.base.model import WriteKind
from sync.eraser import Eraser
from sync.keeper import count
from sync.model import ItemState
from sync.store import Store
from sync.store.mailboxes import BACKFILL, Run
from sync.store.report import LaneState
from tradepost.config import Settings
from tradepost.daemon import Engine
from tradepost.service.control import Answer, Handler
from tradepost.service.crew import poll_now, start_again
from tradepost.service.parked import retry

# Who waits for an end waits for writes that are due within this time: longer than any target's settling.
PATIENCE = timedelta(minutes=15)
REQUESTS = ("backfill", "progress", "count", "retry", "poll", "undo", "erase")

Request = Mapping[str, Any]


class Desk:
    """Takes requests for one engine."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store
        self._writing = {name for name, account in settings.crm.items() if account.common.writes == "on"}

    def ask(self, request: Request) -> AsyncIterator[Answer]:
        """The answers to a request, whose `do` is one of `REQUESTS`."""
        handler: Handler = getattr(self, str(request["do"]))
        return handler(request)

    async def backfill(self, request: Request) -> AsyncIterator[Answer]:
        """`windows`: mailbox, since, until (ISO times). Answers each with its run, or with why it cannot begin."""
        lanes = self._lanes()
        for window in request["windows"]:
            mailbox, since = str(window["mailbox"]), datetime.fromisoformat(window["since"])
            if mailbox not in self._engine.pullers or await self._store.mailboxes.get(mailbox) is None:
                yield {"mailbox": mailbox, "error": "not_open", **_why(lanes.get(f"mail:{mailbox}"))}
                continue
            until, now = datetime.fromisoformat(window["until"]), self._engine.clock.now()
            begun = {run.id for run in await self._store.mailboxes.runs() if not run.done and (run.read or run.listed)}
            run = await self._store.mailboxes.add_run(BACKFILL, mailbox, since, until, now)
            yield {"mailbox": mailbox, "run": run, "resumed": run in begun}
        self._engine.bell.ring()

    async def progress(self, request: Request) -> AsyncIterator[Answer]:
        """`runs`: ids. Answers each run and each target with how far it is, and whether it stands still."""
        lanes = self._lanes()
        for run in await self._store.mailboxes.runs([int(i) for i in request["runs"]]):
            wanted = len(await self._store.mail.wanted(run.mailbox))
            yield {**_run(run), "wanted": wanted, **_why(lanes.get(f"mail:{run.mailbox}"))}
        counts = await self._store.report.counts()
        for name in self._engine.targets:
            states = {s: sum(n for (t, _, one), n in counts.items() if (t, one) == (name, s)) for s in ItemState}
            busy = await self._busy(name, states)
            yield {
                "target": name,
                **{str(s): n for s, n in states.items()},
                "busy": busy,
                "looks_at": await self._looks_at(name, states),
                **_why(lanes.get(f"target:{name}")),
            }

    async def count(self, request: Request) -> AsyncIterator[Answer]:
        """`mailboxes`: addresses. Counts each against its provider's listing now, and stores the sums."""
        for mailbox in map(str, request["mailboxes"]):
            puller = self._engine.pullers.get(mailbox)
            try:
                report = await count(self._store, puller, clock=self._engine.clock) if puller else None
            except ConnectorError as error:
                yield {"mailbox": mailbox, "error": type(error).__name__, "code": where(error), "hint": error.hint}
                continue
            self._engine.bell.ring()
            yield {"mailbox": mailbox, "counted": report is not None}

    async def retry(self, request: Request) -> AsyncIterator[Answer]:
        """`words`: keys, provider ids, their beginnings, targets; or `every`. If one is wrong, nothing is done."""
        answer = await retry(
            self._store,
            request["words"],
            every=bool(request["every"]),
            targets=list(self._engine.targets),
            now=self._engine.clock.now(),
        )
        start_again(self._engine.crm, [f"target:{name}" for name in answer.get("resumed", ())])
        self._engine.bell.ring()
        yield answer

    async def undo(self, request: Request) -> AsyncIterator[Answer]:
        """`runs`: ids. Takes up whatever of them has settled, and answers how far the undo is."""
        runs = [int(i) for i in request["runs"]]
        await self._store.undo.begin(runs, self._engine.clock.now())
        async for _ in self._store.undo.advance(runs, self._engine.clock.now()):
            await self._engine.clock.sleep(0)  # the lanes work in between
        self._engine.bell.ring()
        standing = await self._store.undo.standing(runs)
        yield {"items": standing.items, "back": standing.back, "open": standing.open, "stays": standing.stays}

    async def erase(self, request: Request) -> AsyncIterator[Answer]:
        """`address`; with `begin` its erasure begins, otherwise it goes on. Answers how far it is.

        Raises `StateFull` when the state file cannot be written anew.
        """
        address = str(request["address"])
        eraser = Eraser(self._store, self._engine.pullers, clock=self._engine.clock)
        if request["begin"]:
            await eraser.begin(address, secrets.token_bytes(32))
        await eraser.go_on()
        self._engine.bell.ring()
        standing = await self._store.erase.standing(address)
        yield {"items": standing.items, "open": standing.open, "done": standing.done}

    async def poll(self, request: Request) -> AsyncIterator[Answer]:
        """Every lane looks for news now."""
        del request
        poll_now(self._engine.lanes)
        self._engine.bell.ring()
        yield {"lanes": len(self._engine.lanes)}

    def _lanes(self) -> dict[str, LaneState]:
        """How the lanes at work here are; on a full disk the state file cannot tell."""
        return {lane.name: lane for runner in self._engine.lanes if (lane := runner.told) is not None}

    async def _busy(self, target: str, states: Mapping[ItemState, int]) -> bool:
        """Whether something is to be decided or written soon. What is blocked, paused or due much later is not."""
        if await self._store.threads.dirty((target,), 1):
            return True
        if target not in self._writing:
            return False
        if states[ItemState.SENDING] or states[ItemState.UNKNOWN]:
            return True
        now, kinds = self._engine.clock.now(), await usable_kinds(self._store, target)
        due = await self._store.outbox.due(target, now, state=ItemState.READY, kinds=kinds, history=True, limit=200)
        later = await self._store.outbox.next_due(target, kinds, after=now)
        return bool(due) or (later is not None and later - now < PATIENCE)

    async def _looks_at(self, target: str, states: Mapping[ItemState, int]) -> str | None:
        """When the CRM may be asked about what is there perhaps, while there is nothing else to do (ISO time)."""
        if not states[ItemState.UNKNOWN] or states[ItemState.SENDING] or states[ItemState.READY]:
            return None
        at = await self._store.outbox.next_due(target, await usable_kinds(self._store, target))
        return at.isoformat() if at and at > self._engine.clock.now() else None


async def usable_kinds(store: Store, target: str) -> tuple[WriteKind, ...]:
    """The kinds of write that exist at a target and are not paused."""
    account = await store.mirror.account(target)
    paused = await store.mirror.paused_kinds(target)
    return tuple(k for k in WriteKind if account and k in account.capabilities and k not in paused)


def where(error: ConnectorError) -> str:
    """What a support person asks for: operation, status, code."""
    return " ".join(part for part in (error.operation, str(error.status or ""), error.code) if part)


def _run(run: Run) -> Answer:
    return {"run": run.id, "mailbox": run.mailbox, "listed": run.listed, "read": run.read, "done": run.done}


def _why(lane: LaneState | None) -> Answer:
    """Why a lane does not run; nothing when it does."""
    if lane is None or lane.state == "running":
        return {}
    return {"state": lane.state, "code": lane.code, "hint": lane.hint}
