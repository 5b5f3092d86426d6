"""`tradepost backfill`: historic mail, newest first, while live mail goes first.

The same command again goes on with a run that is open, so that nothing that was read is read again.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base.errors import ConnectorError
from connectors.base.services import Log
from sync.coverage import Whereabouts
from sync.model import ON_ITS_WAY
from sync.store.report import CoverageReport
from tradepost.app import connections, looking, usable, working
from tradepost.clock import SystemClock
from tradepost.commands.common import (
    agreed,
    ask_service,
    chosen_mailboxes,
    close_all,
    command_log,
    error_text,
    first_of,
    patience_text,
    require_person,
    state_begun,
    tell,
    until_stopped,
)
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.daemon import open_sources, open_targets, services_of
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.service.control import Answer
from tradepost.service.crew import Crew
from tradepost.service.desk import Desk, Request, where
from tradepost.service.plan import Window, mails_for, plan_mailbox, plan_target
from tradepost.terminal import Progress, progress
from tradepost.views.history import MailboxPlan, TargetPlan, plan_json, plan_view
from tradepost.views.status import coverage_json, coverage_table

INTERRUPTED = 130  # 128 + SIGINT, as shells do
LOOK_EVERY = 1.0  # seconds between two looks at how far it is

Ask = Callable[[Request], Awaitable[list[Answer]]]
End = Callable[[bool], Mapping[str, object]]


def run(
    invocation: Invocation,
    *,
    plan: bool,
    since: datetime | None,
    until: datetime | None,
    mailboxes: tuple[str, ...],
    yes: bool,
    as_json: bool,
    command: str = "backfill",
    end: End | None = None,
) -> int:
    """0 when the windows are read and nothing is missing, 130 when stopped. Raises `UserError`.

    `command` is what a person has called, and calls again to go on; `end` is told whether all went well when it was not
    stopped, and gives further numbers for scripts.
    """
    settings = invocation.settings()
    windows = windows_of(settings, chosen_mailboxes(settings, mailboxes), since, until, SystemClock().now())
    if not plan:
        require_person(yes=yes)
    with command_log(invocation, settings) as log:
        work = _Backfill(invocation, settings, windows, log, command=command, as_json=as_json)
        code = asyncio.run(work.run(plan=plan, yes=yes))
        if work.outcome is not None:
            work.show(work.outcome, end(work.outcome.well) if end else {})
        return code


def windows_of(
    settings: Settings, mailboxes: Sequence[str], since: datetime | None, until: datetime | None, now: datetime
) -> list[Window]:
    """The window of each mailbox: from `since`, else its `start`; days begin in the company's zone."""
    zone = ZoneInfo(settings.company.calendar.zone)
    starts = {m.address: m.entry.start for m in settings.mailboxes}
    end = min(until.replace(tzinfo=zone).astimezone(UTC), now) if until else now
    windows: list[Window] = []
    for mailbox in mailboxes:
        day = since.date() if since else starts[mailbox]
        if day is None:
            raise UserError(sentence("backfill.no_start", mailbox=mailbox))
        begin = datetime.combine(day, time(), zone).astimezone(UTC)
        if begin >= end:
            raise UserError(sentence("backfill.empty_window", mailbox=mailbox))
        windows.append(Window(mailbox, begin, end))
    return windows


@dataclass(frozen=True, slots=True)
class Planned:
    mailboxes: Sequence[MailboxPlan]
    targets: Sequence[TargetPlan]

    @property
    def well(self) -> bool:
        return not any([*(m.trouble for m in self.mailboxes), *(t.trouble for t in self.targets)])


@dataclass(slots=True)
class Outcome:
    """What came of it; `well` while nothing has gone wrong."""

    well: bool = True
    runs: list[Answer] = field(default_factory=list)
    coverage: list[CoverageReport] = field(default_factory=list)
    open: int = 0


class _Backfill:
    """One call of the command."""

    def __init__(
        self,
        invocation: Invocation,
        settings: Settings,
        windows: Sequence[Window],
        log: Log,
        *,
        command: str = "backfill",
        as_json: bool,
    ) -> None:
        self._invocation = invocation
        self._say = invocation.say
        self._settings = settings
        self._windows = windows
        self._log = log
        self._called = command
        self._as_json = as_json
        self._clock = SystemClock()
        self._told: dict[str, str] = {}
        self.outcome: Outcome | None = None  # when it came to its end

    async def run(self, *, plan: bool, yes: bool) -> int:
        planned = await self._planned()
        if plan:
            self._show_plan(planned)
            return 0 if planned.well else 1
        if not yes:
            self._invocation.print(plan_view(planned.mailboxes, planned.targets, self._invocation.language))
            if not agreed(self._say("backfill.ask"), yes=False):
                self._invocation.print(self._say("backfill.left"))
                return 1
        served = await ask_service(self._settings, {"do": "progress", "runs": []}) is not None
        with until_stopped() as stop:
            outcome = await (self._beside(planned, stop) if served else self._alone(planned, stop))
        if outcome is None:
            name = "backfill.service_goes_on" if served else "backfill.stopped"
            self._invocation.err.print(self._say(name, command=self._command()), soft_wrap=True)
            return INTERRUPTED
        self.outcome = outcome
        return 0 if outcome.well else 1

    # ------------------------------------------------------------------------------------------------------------- plan

    async def _planned(self) -> Planned:
        """Count the windows; reads only."""
        settings = self._settings
        targets_of = {m.address: m.targets for m in settings.mailboxes}
        state = looking(settings) if state_begun(settings) else nullcontext()
        async with connections(settings, self._log, self._clock) as parts:
            with usable():
                services = services_of(parts)
                sources, targets = open_sources(settings, services), open_targets(settings, services)
            try:
                with state as store, self._progress() as bars:

                    def told(mailbox: str, listed: int) -> None:
                        bars.show(self._say("backfill.counting", mailbox=mailbox), listed, None)

                    plans = [
                        await plan_mailbox(w, sources[w.mailbox], store, told, self._explain) for w in self._windows
                    ]
                return Planned(
                    plans,
                    [
                        await plan_target(
                            name,
                            target,
                            mails_for(name, plans, targets_of),
                            self._explain,
                            writes=settings.crm[name].common.writes == "on",
                        )
                        for name, target in targets.items()
                        if any(name in targets_of[w.mailbox] for w in self._windows)
                    ],
                )
            finally:
                await close_all(sources, targets)

    def _explain(self, error: ConnectorError) -> str:
        return error_text(type(error).__name__, where(error), error.hint, self._invocation.language)

    def _show_plan(self, planned: Planned) -> None:
        if self._as_json:
            self._invocation.print_json(plan_json(planned.mailboxes, planned.targets))
        else:
            self._invocation.print(plan_view(planned.mailboxes, planned.targets, self._invocation.language))

    # ------------------------------------------------------------------------------------------------------------- work

    async def _beside(self, planned: Planned, stop: asyncio.Event) -> Outcome | None:
        """Have the daemon do it, and look on."""

        async def ask(request: Request) -> list[Answer]:
            answers = await ask_service(self._settings, request)
            if answers is None:
                raise UserError(sentence("service.left"))
            return answers

        return await first_of(self._through(ask, planned), stop.wait())

    async def _alone(self, planned: Planned, stop: asyncio.Event) -> Outcome | None:
        """Do it here, as the one worker; live mail of these mailboxes goes first as ever."""
        names = {f"mail:{window.mailbox}" for window in self._windows}
        async with working(self._settings, self._log) as engine:
            crew = Crew([*(r for r in engine.mail if r.lane.name in names), *engine.crm], self._clock)
            desk = Desk(self._settings, engine)

            async def ask(request: Request) -> list[Answer]:
                return [answer async for answer in desk.ask(request)]

            async def work() -> Outcome:
                await crew.begun()
                return await self._through(ask, planned)

            try:
                return await first_of(work(), stop.wait(), crew.broken())
            finally:
                await crew.stop()  # raises what broke a lane

    async def _through(self, ask: Ask, planned: Planned) -> Outcome:
        """From the request to the sums. What a first count finds missing is read, and counted once more."""
        outcome = Outcome(well=planned.well)
        runs = await self._begun(ask, outcome)
        for _ in range(2):
            await self._followed(ask, runs, planned, outcome)
            missing = await self._counted(ask, [mailbox for _, mailbox in runs], outcome)
            if not missing:
                break
        outcome.well &= not missing and all(run["done"] for run in outcome.runs)
        return outcome

    async def _begun(self, ask: Ask, outcome: Outcome) -> list[tuple[int, str]]:
        """(run, mailbox) of every window that could be begun or is gone on with."""
        windows = [
            {"mailbox": w.mailbox, "since": w.since.isoformat(), "until": w.until.isoformat()} for w in self._windows
        ]
        runs: list[tuple[int, str]] = []
        for answer in await ask({"do": "backfill", "windows": windows}):
            mailbox = str(answer["mailbox"])
            if "error" in answer:
                outcome.well = False
                self._tell(mailbox, answer, self._say("backfill.not_open"))
            else:
                runs.append((int(answer["run"]), mailbox))
                if answer["resumed"]:
                    tell(self._invocation, mailbox, self._say("backfill.resumed"))
        return runs

    async def _followed(self, ask: Ask, runs: Sequence[tuple[int, str]], planned: Planned, outcome: Outcome) -> None:
        """Look on until all is read and written, or what is left stands still for a reason."""
        ids = [run for run, _ in runs]
        with self._progress() as bars:
            shown = _Shown(bars, planned, self._say)
            while True:
                answers = await ask({"do": "progress", "runs": ids})
                outcome.runs = [a for a in answers if "run" in a]
                targets = [a for a in answers if "target" in a]
                outcome.open = sum(a["ready"] + a["sending"] + a["unknown"] for a in targets)
                for answer in answers:
                    patience = patience_text(answer, self._settings, self._invocation.language)
                    self._tell(str(answer.get("mailbox") or answer["target"]), answer, patience)
                    shown.show(answer)
                read = all((a["done"] and not a["wanted"]) or a.get("state") == "paused" for a in outcome.runs)
                if read and all(not a["busy"] or a.get("state") == "paused" for a in targets):
                    return
                await self._clock.sleep(LOOK_EVERY)

    async def _counted(self, ask: Ask, mailboxes: Sequence[str], outcome: Outcome) -> int:
        """Count the mailboxes; returns how many mails are missing."""
        counted: set[str] = set()
        for answer in await ask({"do": "count", "mailboxes": list(mailboxes)}):
            if "error" in answer:
                outcome.well = False
                self._tell(str(answer["mailbox"]), {**answer, "code": f"{answer['error']} {answer['code']}"})
            else:
                counted.add(str(answer["mailbox"]))
        with looking(self._settings) as store:
            outcome.coverage = [r for r in await store.report.coverage() if r.mailbox in counted]
        return sum(report.coverage[Whereabouts.MISSING] for report in outcome.coverage)

    # ------------------------------------------------------------------------------------------------------------ words

    def _tell(self, subject: str, answer: Answer, otherwise: str = "") -> None:
        """Why something does not go on; each reason once."""
        code, hint = str(answer.get("code", "")), str(answer.get("hint", ""))
        name, _, rest = code.partition(" ")
        text = error_text(name, rest, hint, self._invocation.language) if code else otherwise
        if text and self._told.get(subject) != text:
            tell(self._invocation, subject, text)
        self._told[subject] = text

    def _progress(self) -> Any:
        return progress(self._invocation.err, self._clock, self._invocation.language)

    def _command(self) -> str:
        """The command that goes on."""
        days = {window.since.astimezone(ZoneInfo(self._settings.company.calendar.zone)) for window in self._windows}
        since = [f"--since {min(days):%Y-%m-%d}"] if len(days) == 1 else []
        boxes = [f"--mailbox {shlex.quote(window.mailbox)}" for window in self._windows]
        every = len(boxes) == len(self._settings.mailboxes)
        words = ["tradepost", "-c", shlex.quote(str(self._settings.file)), self._called]
        return " ".join([*words, *since, *([] if every else boxes)])

    def show(self, outcome: Outcome, more: Mapping[str, object]) -> None:
        if self._as_json:
            self._invocation.print_json(
                {
                    "well": outcome.well,
                    "runs": outcome.runs,
                    "coverage": [coverage_json(report) for report in outcome.coverage],
                    "open": outcome.open,
                    **more,
                }
            )
            return
        if outcome.coverage:
            self._invocation.print(coverage_table(outcome.coverage, self._invocation.language))
        if outcome.open:
            self._invocation.print(self._say("backfill.open", open=outcome.open))
        self._invocation.print(self._say("backfill.well" if outcome.well else "backfill.not_well"))


class _Shown:
    """Bars for mailboxes and targets, from answers about them."""

    def __init__(self, bars: Progress, planned: Planned, say: Callable[..., str]) -> None:
        self._bars = bars
        self._say = say
        self._plans = {plan.mailbox: plan for plan in planned.mailboxes}
        self._first: dict[str, int] = {}

    def show(self, answer: Answer) -> None:
        if "run" in answer:
            plan = self._plans[str(answer["mailbox"])]
            since = self._first.setdefault(plan.mailbox, int(answer["read"]))
            done = plan.listed if answer["done"] else min(plan.listed, plan.known + int(answer["read"]) - since)
            self._bars.show(self._say("backfill.reading", mailbox=plan.mailbox), done, plan.listed)
            return
        name, written = str(answer["target"]), int(answer["done"])
        written -= self._first.setdefault(name, written)
        total = written + sum(int(answer[state]) for state in ON_ITS_WAY)
        if total:
            self._bars.show(self._say("backfill.writing", target=name), written, total)
