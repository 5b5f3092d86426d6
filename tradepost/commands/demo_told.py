"""The demo as a person sees it, act by act."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.text import Text

from tradepost.commands.invocation import Invocation
from tradepost.demo import acts
from tradepost.demo.numbers import Count, differing, numbers
from tradepost.demo.stage import DAYS, SETTLE_SECONDS, Stage, at_work, company_name, open_house
from tradepost.demo.views import (
    arrival_view,
    counts_view,
    coverage_view,
    demo_json,
    heading,
    indented,
    local_part,
    verdict_view,
)
from tradepost.sandbox.trade.build import people
from tradepost.terminal import progress
from tradepost.views.explain import explain_view
from tradepost.views.words import word


class Teller:
    """Says what happens, in the person's language; when `quiet`, only the numbers, as JSON, at the end."""

    def __init__(self, invocation: Invocation, program: Sequence[str], *, quiet: bool) -> None:
        self.invocation = invocation
        self.language = invocation.language
        self.quiet = quiet
        self._program = program
        self._part = 0

    def part(self, name: str) -> None:
        """Begin the next act."""
        self._part += 1
        self.print(heading(self._part, name, self.language))

    def say(self, name: str, **values: object) -> None:
        """A sentence of the catalogue."""
        self.print(Text(self.invocation.say(name, **values)), indent=3)

    def print(self, what: RenderableType, *, indent: int = 0) -> None:
        """In a pipe without the blanks that fill a terminal's lines."""
        if self.quiet:
            return
        out = self.invocation.out
        shown = indented(what, indent)
        if out.is_terminal:
            out.print(shown)
            return
        with out.capture() as captured:
            out.print(shown)
        out.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
        out.file.flush()

    def command(self, *words: str) -> str:
        """A call of this program, as one types it."""
        return shlex.join([*self._program, *words])


async def show(teller: Teller, folder: Path, *, keep: bool) -> int:
    """Play all acts; with `keep`, go on until Ctrl-C. Returns 0, or 1 when numbers differ."""
    teller.print(Text(teller.invocation.say("demo.title"), style="bold"))
    async with open_house(folder, teller.language) as house:
        async with at_work(house) as stage:
            _world(teller, stage)
            history = await _backfill(teller, stage)
            explained = await _live(teller, stage)
            proofs = await _proofs(teller, stage, explained)
            code = await _numbers(teller, stage, history, proofs)
            _next(teller, stage, explained, keep=keep)
        if keep:
            await house.keep()
            teller.say("demo.ended", folder=folder)
    return code


def _world(teller: Teller, stage: Stage) -> None:
    company = stage.company
    boxes = {name: company.connection_of(name) for name in company.mailboxes}
    teller.part("world")
    teller.say(
        "demo.world",
        company=company_name(),
        mailboxes=", ".join(f"{local_part(name)} ({provider})" for name, provider in boxes.items()),
        mails=sum(len(company.host_of(name).held(name)) for name in boxes),
        days=DAYS,
        crms=", ".join(company.crms),
        contacts=len(company.book.contacts),
        leads=len(company.book.leads),
        deals=len(company.book.deals),
    )
    teller.say("demo.config", file=stage.config, days=DAYS)


async def _backfill(teller: Teller, stage: Stage) -> tuple[Count, ...]:
    teller.part("backfill")
    teller.say("demo.backfill")
    if teller.quiet:
        return await acts.backfill(stage, lambda _label, _done, _total: None)
    with progress(teller.invocation.out, stage.clock, teller.language) as bars:
        crm = teller.invocation.say("demo.backfill_crm")
        found = await acts.backfill(
            stage, lambda label, done, total: bars.show(local_part(label) if label else crm, done, total)
        )
    sums: Counter[str] = Counter()
    for one in found:
        sums[one.name] += one.ours
    teller.say("demo.backfill_done", **sums)
    return found


async def _live(teller: Teller, stage: Stage) -> str:
    """Tell of every live mail; returns the Message-ID of the one that is explained later."""
    teller.part("live")
    teller.say("demo.live")
    explained = ""
    async for arrival in acts.live(stage):
        _tell(teller, stage, arrival)
        if arrival.story == acts.EXPLAINED:
            explained = explained or arrival.report.facts.message_id
    return explained


def _tell(teller: Teller, stage: Stage, arrival: acts.Arrival) -> None:
    zone = ZoneInfo(people()["company"]["zone"])

    def name_of(record: str) -> str:
        return stage.company.names.get(record, record)

    teller.print(arrival_view(arrival, name_of, zone, teller.language), indent=3)


async def _proofs(teller: Teller, stage: Stage, explained: str) -> tuple[Count, ...]:
    teller.part("proofs")
    again = await acts.second_round(stage)
    teller.say("demo.second_round", writes=again.sandbox)
    arrival, copies = await acts.four_copies(stage)
    teller.say("demo.four_copies", copies=len(arrival.copies), activities=_each(copies))
    _tell(teller, stage, arrival)
    lost, reply = await acts.lost_reply(stage)
    states = {
        name: ", ".join(word("item_state", state, teller.language) for state in sorted(set(found.values())))
        for name, found in (("after", lost.after), ("end", lost.end))
    }
    teller.say("demo.lost_reply", seconds=f"{SETTLE_SECONDS:g}", activities=_each(reply), **states)
    (identity, *_) = await stage.engine.store.report.find(explained)
    report = await stage.engine.store.report.explain(identity)
    if report is not None:
        teller.say("demo.explain", mail=explained)
        teller.print(explain_view(report, teller.language), indent=5)
    return (again, *copies, *reply)


def _each(counts: Sequence[Count]) -> str:
    """What each CRM counts."""
    return ", ".join(f"{one.sandbox} ({one.of})" for one in counts)


async def _numbers(teller: Teller, stage: Stage, history: Sequence[Count], proofs: Sequence[Count]) -> int:
    teller.part("numbers")
    await stage.settle()
    found = await numbers(stage)
    everything = (*history, *proofs, *found.counts)
    teller.say("demo.settling")
    teller.say("demo.beside")
    teller.print(coverage_view(found.mailboxes, teller.language), indent=3)
    teller.print(counts_view((*found.totals, *proofs), teller.language), indent=3)
    teller.print(verdict_view(everything, teller.language), indent=3)
    if teller.quiet:
        teller.invocation.print_json(demo_json(found, history, proofs))
        teller.invocation.out.file.flush()
    return 1 if differing(everything) else 0


def _next(teller: Teller, stage: Stage, explained: str, *, keep: bool) -> None:
    teller.part("next")
    if keep:
        _kept(teller, stage, explained)
    else:
        teller.say("demo.next_keep", command=teller.command("demo", "--keep"))
    teller.say("demo.next_own", command=teller.command("sandbox", "--mail", "mail.mbox"))
    teller.say("demo.next_docs")
    teller.say("demo.next_real")


def _kept(teller: Teller, stage: Stage, explained: str) -> None:
    teller.say("demo.kept")
    mail = f"From: klaus.brandt@nordlicht.example\nTo: {stage.mailboxes[0]}\nSubject: One more question\n\nHello?"
    url = f"{stage.served.control}/gmail/deliver_to_recipients"
    config = ("-c", str(stage.config))
    commands = (
        teller.command(*config, "status"),
        teller.command(*config, "explain", explained),
        shlex.join(["curl", "-s", f"{stage.served.control}/statistics"]),
        shlex.join(["curl", "-s", url, "-d", json.dumps({"raw": mail})]),
    )
    for command in commands:
        teller.print(Text(command, style="bold"), indent=5)
    teller.say("demo.kept_control", url=stage.served.control)
    teller.say("demo.kept_log", file=stage.config.parent / "tradepost.log")
