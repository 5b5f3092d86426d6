"""What happens on the stage: history is taken in, live mail arrives, two things go wrong on purpose."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import compat32

from connectors.base.model import WriteKind
from sync.lanes import run_once
from sync.model import ItemState
from sync.store.report import ItemReport, MailReport
from tradepost.demo.numbers import Count, read_so_far, totals
from tradepost.demo.stage import GROUP_MEMBER, Stage, arriving, plain_letter
from tradepost.sandbox.kernel import Effect, Fault
from tradepost.sandbox.trade.build import Letter, person

Show = Callable[[str, int, int | None], None]  # label, done, total

PACE = 0.8  # seconds between two live mails
COPIES = "live-copies"  # the story that the proof of the four copies uses
EXPLAINED = "live-stranger"  # the story whose first mail is explained


@dataclass(frozen=True, slots=True)
class Arrival:
    """A live mail, the ids of its copies by mailbox, what Tradepost decided, and the writes that followed."""

    story: str
    copies: Mapping[str, str]
    report: MailReport
    done: tuple[ItemReport, ...]


@dataclass(frozen=True, slots=True)
class LostReply:
    """A write to every CRM whose answer was lost: the items' states right after, and at the end, by CRM."""

    arrival: Arrival
    after: Mapping[str, str]
    end: Mapping[str, str]


async def backfill(stage: Stage, show: Show) -> tuple[Count, ...]:
    """Take in all history, telling how far it is: a label a mailbox, and `""` for the CRM."""
    engine = stage.engine
    for runner in engine.mail:
        await runner.lane.start()
    listed = {}
    for name, puller in engine.pullers.items():
        mailbox = await engine.store.mailboxes.get(name)
        assert mailbox is not None  # noqa: S101 - its lane was started above
        listed[name] = len(await puller.listing(mailbox.covered_from, stage.clock.now()))
    shown: dict[str, int] = {}
    work = asyncio.create_task(run_once(engine.mail, engine.crm))
    try:
        while not work.done():
            await _show(stage, show, listed, shown)
            await asyncio.wait([work], timeout=0.1)
        await work
    finally:
        work.cancel()
    await stage.settle()
    await _show(stage, show, listed, shown)
    await stage.news()
    return (await read_so_far(stage), *await totals(stage))


async def _show(stage: Stage, show: Show, listed: Mapping[str, int], shown: dict[str, int]) -> None:
    """Tell what has changed since."""
    read = {run.mailbox: run.read for run in await stage.engine.store.mailboxes.runs()}
    items = await stage.engine.store.report.counts()
    logs = {state: n for (_, kind, state), n in items.items() if kind == WriteKind.LOG_EMAIL}
    done = {name: (read.get(name, 0), total) for name, total in listed.items()}
    if logs:
        done[""] = logs.get(ItemState.DONE, 0), sum(logs.values())
    for label, (now, total) in done.items():
        if shown.get(label) != now:
            shown[label] = now
            show(label, now, total)


async def live(stage: Stage, pace: float = PACE) -> AsyncIterator[Arrival]:
    """The set's live mails but those of the proofs, one after the other."""
    for letter in arriving(stage.clock.now()):
        if letter.story != COPIES:
            begun = stage.clock.monotonic()
            yield await arrive(stage, letter)
            await stage.clock.sleep(pace - (stage.clock.monotonic() - begun))


async def arrive(stage: Stage, letter: Letter) -> Arrival:
    """Deliver a mail and let Tradepost look."""
    copies = stage.company.deliver(letter)
    await stage.round()
    return await _arrival(stage, letter, copies)


async def _arrival(stage: Stage, letter: Letter, copies: Mapping[str, str]) -> Arrival:
    report = stage.engine.store.report
    (identity, *_) = await report.find(next(iter(copies.values())))
    story = await report.explain(identity)
    assert story is not None  # noqa: S101 - it has just been found
    return Arrival(letter.story, copies, story, await stage.news())


async def second_round(stage: Stage) -> Count:
    """Look again although nothing has arrived."""
    before = stage.writes()
    await stage.round()
    return Count("second_round", 0, stage.writes() - before)


async def four_copies(stage: Stage) -> tuple[Arrival, tuple[Count, ...]]:
    """One mail in all four mailboxes; the copy that a relay carried has another Message-ID."""
    letter = next(one for one in arriving(stage.clock.now()) if one.story == COPIES)
    known = message_id(letter.raw)
    relayed = f"relay.7f3a.{known}"
    stage.rewritten[relayed] = known
    copies = dict(stage.company.deliver(letter))
    raw = re.sub(rb"(?im)^Message-ID:.*$", f"Message-ID: <{relayed}>\r".encode(), letter.raw, count=1)
    wei = person(GROUP_MEMBER)["address"]
    copies[wei] = stage.company.host_of(wei).deliver_to(wei, raw)
    await stage.round()
    arrival = await _arrival(stage, letter, copies)
    logs = Counter(item.target for item in arrival.done if item.kind is WriteKind.LOG_EMAIL)
    return arrival, tuple(Count("four_copies", logs[crm], stage.logged(crm)[known], crm) for crm in stage.crms)


async def lost_reply(stage: Stage) -> tuple[LostReply, tuple[Count, ...]]:
    """The connections break after the CRMs have stored the mail, so that nobody here can know whether they did."""
    letter = plain_letter(
        "petra",
        "lily",
        "Carton marks for the April container",
        "Dear Lily,\n\nplease print the carton marks as attached last time, NOR-2026-04.\n\nPetra\n",
        stage.clock.now(),
    )
    faults = stage.company.world.faults
    for host in stage.company.crms.values():
        faults.add(Fault(vendor=host.name, kind="write", effect=Effect.RESET_AFTER))
    copies = stage.company.deliver(letter)
    await stage.round()
    after = _log_states(await _arrival(stage, letter, copies))
    met = not faults.pending()
    await stage.settle()
    arrival = await _arrival(stage, letter, copies)
    end = _log_states(arrival)
    known = message_id(letter.raw)
    counts = [
        Count(
            "lost_reply",
            int(met and after.get(crm) == ItemState.UNKNOWN and end.get(crm) == ItemState.DONE),
            stage.logged(crm)[known],
            crm,
        )
        for crm in stage.crms
    ]
    return LostReply(arrival, after, end), tuple(counts)


def _log_states(arrival: Arrival) -> dict[str, str]:
    """Where the items that log a mail are, by CRM."""
    return {i.target: str(i.state) for i in arrival.report.items if i.kind is WriteKind.LOG_EMAIL}


def message_id(raw: bytes) -> str:
    """A mail's Message-ID without brackets."""
    return str(message_from_bytes(raw, policy=compat32)["Message-ID"]).strip().strip("<>")
