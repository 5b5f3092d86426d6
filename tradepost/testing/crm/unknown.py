"""Writes whose answer was lost: told as unknown, sent once, and found again when they have settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from connectors.base.errors import BadReply, ConnectorError, OutcomeUnknown, RateLimited, Transient
from connectors.base.model import Absent, CannotTell, Effect, Found, Lookup, Partial, Receipt, WriteKind
from tradepost.sandbox.kernel import Effect as Trouble
from tradepost.testing.crm_bench import (
    CREATING,
    CRM,
    DOING,
    CrmBench,
    Ready,
    does,
    in_steps,
    keyed,
    looks_up,
)
from tradepost.testing.expect import expect, is_a, same

unknown = CRM.topic("Unknown outcomes")
UNKNOWN = (OutcomeUnknown, BadReply)


def _last(bench: CrmBench, kind: WriteKind) -> str:
    return bench.rig.calls[kind][-1]


def _calls(bench: CrmBench, operation: str) -> int:
    return bench.world.requests.count(bench.rig.vendor.name, operation)


async def _found(bench: CrmBench, ready: Ready, sent_at: datetime) -> None:
    """Settle, look up, and see that the vendor shows it once under the record that was found."""
    await bench.settle(ready.attempt.write.kind)
    (finding,) = await bench.find(replace(ready.attempt, first_sent_at=sent_at))
    found = is_a(finding, Found, "the look-up")
    same(found.receipt.key, ready.attempt.write.key, "the receipt's key")
    expect(found.receipt.record, "the receipt names no record")
    same(ready.shown(), 1, "shown")


def _lost_reply(kind: WriteKind) -> None:
    async def lose(bench: CrmBench) -> tuple[Ready, datetime]:
        ready = await bench.ready(kind)
        operation, sent_at = _last(bench, kind), bench.clock.now()
        before = _calls(bench, operation)
        steps = bench.rig.calls[kind].count(operation)
        bench.fault(Trouble.LOST_REPLY, operation, nth=steps)
        is_a(await bench.only(ready.attempt), UNKNOWN, "the answer")
        same(_calls(bench, operation) - before, steps, f"requests called {operation}")
        return ready, sent_at

    @unknown(f"A lost answer to {DOING[kind]} is an unknown outcome, and is not sent again", does(kind))
    async def _(bench: CrmBench) -> None:
        await lose(bench)

    @unknown(f"What was done of {DOING[kind]} is found when it has settled", does(kind), looks_up(kind))
    async def _(bench: CrmBench) -> None:
        await _found(bench, *await lose(bench))


def _lost_request(kind: WriteKind) -> None:
    @unknown(
        f"A lost request for {DOING[kind]} is an unknown outcome, then absent, and can be sent again",
        does(kind),
        looks_up(kind),
    )
    async def _(bench: CrmBench) -> None:
        ready = await bench.ready(kind)
        sent_at = bench.clock.now()
        bench.fault(Trouble.LOST_REQUEST, bench.rig.calls[kind][0])
        is_a(await bench.only(ready.attempt), UNKNOWN, "the answer")
        await bench.settle(kind)
        (finding,) = await bench.find(replace(ready.attempt, first_sent_at=sent_at))
        is_a(finding, Absent, "the look-up")
        same(ready.shown(), 0, "shown")
        await bench.done(replace(ready.attempt, first_sent_at=sent_at))
        same(ready.shown(), 1, "shown after another try")


for _kind in WriteKind:
    _lost_reply(_kind)
for _kind in WriteKind:
    _lost_request(_kind)


def _late(kind: WriteKind) -> None:
    @unknown(f"A late effect of {DOING[kind]} is not told as absent once it has settled", does(kind), looks_up(kind))
    async def _(bench: CrmBench) -> None:
        ready = await bench.ready(kind)
        operation, sent_at = _last(bench, kind), bench.clock.now()
        steps = bench.rig.calls[kind].count(operation)
        bench.fault(Trouble.LATE_COMMIT, operation, nth=steps, seconds=bench.rig.late_commit)
        is_a(await bench.only(ready.attempt), UNKNOWN, "the answer")
        await _found(bench, ready, sent_at)


for _kind in CREATING:
    _late(_kind)


def _cut_off(name: str, order: Callable[[CrmBench, str], None]) -> None:
    @unknown(f"{name} after a write is an unknown outcome", does(WriteKind.CREATE_TASK))
    async def _(bench: CrmBench) -> None:
        ready = await bench.ready(WriteKind.CREATE_TASK)
        operation = bench.rig.calls[WriteKind.CREATE_TASK][0]
        before = _calls(bench, operation)
        order(bench, operation)
        is_a(await bench.only(ready.attempt), UNKNOWN, "the answer")
        same(_calls(bench, operation) - before, 1, f"requests called {operation}")


_cut_off("A broken connection", lambda bench, call: bench.fault(Trouble.RESET_AFTER, call))
_cut_off("A server's failure", lambda bench, call: bench.fault(Trouble.STATUS_AFTER, call, status=500))
_cut_off("A proxy's page", lambda bench, call: bench.fault(Trouble.HTML, call, status=502))
_cut_off("A page of HTML with status 200", lambda bench, call: bench.fault(Trouble.HTML, call, status=200))


@unknown("An answer that is cut in half is no refusal", does(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    ready = await bench.ready(WriteKind.CREATE_TASK)
    bench.fault(Trouble.TRUNCATED, bench.rig.calls[WriteKind.CREATE_TASK][0])
    # Where the vendor's answer has no body there is nothing to cut.
    is_a(await bench.only(ready.attempt), (*UNKNOWN, Receipt), "the answer")
    same(ready.shown(), 1, "shown")


@unknown("A connection that cannot be made is no unknown outcome", does(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    ready = await bench.ready(WriteKind.CREATE_TASK)
    bench.fault(Trouble.RESET, bench.rig.calls[WriteKind.CREATE_TASK][0])
    is_a(await bench.only(ready.attempt), Transient, "the answer")
    same(ready.shown(), 0, "shown")


@unknown("A write that a proxy delivers twice is made once", does(WriteKind.CREATE_TASK), keyed(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    ready = await bench.ready(WriteKind.CREATE_TASK)
    bench.fault(Trouble.DUPLICATE, bench.rig.calls[WriteKind.CREATE_TASK][0])
    receipt = await bench.done(ready.attempt)
    same(ready.shown(), 1, "shown")
    expect(receipt.effect in (Effect.EXISTING, Effect.CREATED), f"the effect is {receipt.effect}")


def _half_done(kind: WriteKind) -> None:
    @unknown(
        f"What is half done of {DOING[kind]} is told as partial, and finished without repeating",
        does(kind),
        looks_up(kind),
        in_steps(kind),
    )
    async def _(bench: CrmBench) -> None:
        ready = await bench.ready(kind)
        first, last = bench.rig.calls[kind][0], bench.rig.calls[kind][-1]
        sent_at = bench.clock.now()
        bench.fault(Trouble.LOST_REQUEST, last, nth=bench.rig.calls[kind].count(last))
        is_a(await bench.only(ready.attempt), UNKNOWN, "the answer")
        await bench.settle(kind)
        (finding,) = await bench.find(replace(ready.attempt, first_sent_at=sent_at))
        half = is_a(finding, Partial, "the look-up")
        expect(half.record and half.done and half.missing, f"the finding tells too little: {half}")
        before = _calls(bench, first)
        rest = replace(ready.attempt, first_sent_at=sent_at, record=half.record, done_steps=half.done)
        receipt = await bench.done(rest)
        same(receipt.record, half.record, "the finished record")
        if first != last:
            same(_calls(bench, first) - before, 0, f"requests called {first} while finishing")
        same(ready.shown(), 1, "shown")
        (after,) = await bench.find(replace(ready.attempt, first_sent_at=sent_at))
        is_a(after, Found, "the look-up afterwards")


for _kind in (WriteKind.LOG_EMAIL, WriteKind.CREATE_TASK):
    _half_done(_kind)


@unknown("Kinds without a dependable look-up say that they cannot tell")
async def _(bench: CrmBench) -> None:
    for kind in WriteKind:
        can = bench.can(kind)
        if not can.exists or can.lookup is not Lookup.NONE:
            continue
        ready = await bench.ready(kind)
        (finding,) = await bench.find(replace(ready.attempt, first_sent_at=bench.clock.now()))
        said = is_a(finding, CannotTell, f"the look-up of {kind}")
        expect(said.why, "it is not told why")


lookups = CRM.topic("Look-ups")


@lookups("Findings come in the order asked", does(WriteKind.LOG_EMAIL), looks_up(WriteKind.LOG_EMAIL))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    sent = [bench.mail(n, contact) for n in (72, 75)]
    never = [bench.mail(n, contact) for n in (71, 74)]
    at = bench.clock.now()
    records = [(await bench.done(a)).record for a in sent]
    await bench.settle(WriteKind.LOG_EMAIL)
    asked = [never[0], sent[1], never[1], sent[0]]
    findings = await bench.find(*(replace(a, first_sent_at=at) for a in asked))
    for n in (0, 2):
        is_a(findings[n], Absent, "the look-up of a mail that was never sent")
    told = [is_a(findings[n], Found, "the look-up of a logged mail").receipt.record for n in (1, 3)]
    same(told, [records[1], records[0]], "the records found")


@lookups("Looking up writes nothing", does(WriteKind.LOG_EMAIL))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    since = bench.mark()
    await bench.find(replace(bench.mail(1, contact), first_sent_at=bench.clock.now()))
    same([r.operation for r in bench.writes(since)], [], "writes")


@lookups("A look-up that fails is an error, never an answer", looks_up(WriteKind.LOG_EMAIL))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    attempt = bench.mail(1, contact)
    at = bench.clock.now()
    await bench.done(attempt)
    bench.refuse(Transient, "*")
    is_a(await bench.error_of(bench.find(replace(attempt, first_sent_at=at))), ConnectorError, "the look-up")


refused = CRM.topic("Refused writes")


@refused("A used-up quota on a write is told, sent once, and nothing is written", does(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    ready = await bench.ready(WriteKind.CREATE_TASK)
    operation = bench.rig.calls[WriteKind.CREATE_TASK][0]
    before = _calls(bench, operation)
    bench.refuse(RateLimited, operation)
    error = is_a(await bench.only(ready.attempt), RateLimited, "the answer")
    same(_calls(bench, operation) - before, 1, f"requests called {operation}")
    if bench.rig.tells_when:
        expect(error.retry_at and error.retry_at > bench.clock.now(), f"retry_at is {error.retry_at}")
    bench.at_ease()
    same(ready.shown(), 0, "shown")
    await bench.later(3600)
    await bench.done(ready.attempt)
    same(ready.shown(), 1, "shown after another try")
