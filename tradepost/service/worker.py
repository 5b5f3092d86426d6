"""The daemon: lanes until told to stop, systemd kept informed, requests taken, the configuration read anew on SIGHUP.

Protocol: sd_notify(3) and systemd.service(5) (Type=notify, ExecReload, WatchdogSec),
https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from connectors.base.services import Clock, Log
from sync.coverage import Whereabouts
from sync.model import ItemState
from sync.store import StateFull
from tradepost.app import holding, opened, rehearse
from tradepost.config import Settings
from tradepost.daemon import Engine
from tradepost.errors import NoRoom, UserError, reason
from tradepost.log import open_log, route_libraries
from tradepost.messages import Language, say, sentence
from tradepost.service.control import Answer, ControlServer, control_socket
from tradepost.service.crew import Crew
from tradepost.service.desk import REQUESTS, Desk, Request
from tradepost.service.notify import Notifier

STATUS_EVERY = 30.0  # seconds between two status lines
ROOM_EVERY = 15.0  # seconds between two looks whether a full disk has room again
CUT = 130  # 128 + SIGINT, as shells do
BROKEN = 70  # EX_SOFTWARE of sysexits(3): the service manager starts us again
STOP, RELOAD = "stop", "reload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a daemon is started in. `load` reads the configuration anew and raises `UserError`."""

    load: Callable[[], Settings]
    environ: Mapping[str, str]
    err: TextIO
    language: Language
    clock: Clock


class Daemon:
    """One service process, from its start to its end."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._clock = around.clock
        self._notifier = Notifier(around.environ)
        self._orders: asyncio.Queue[str] = asyncio.Queue()
        self._log: Log
        self._crew: Crew | None = None
        self._desk: Desk | None = None
        self._open = asyncio.Event()  # requests may be taken; without a desk it is to say that there is no room
        self._asked: set[asyncio.Future[Answer | None]] = set()

    async def run(self) -> int:
        """Work until SIGTERM or SIGINT. Returns the exit code; raises `UserError` when the work cannot begin."""
        settings: Settings | None = self._around.load()
        assert settings is not None  # noqa: S101 - narrows the type for the loop below
        self._use_log(settings)
        with holding(settings):
            async with self._signals(), self._listening(settings):
                watch = asyncio.create_task(self._watch())
                try:
                    while settings is not None:
                        settings = await self._serve_or_wait(settings)
                except UserError:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever broke, the service manager starts us again
                    self._log.error("worker.broken", error=type(error).__name__, exc_info=error)
                    return BROKEN
                finally:
                    watch.cancel()
        return 0

    def _use_log(self, settings: Settings) -> None:
        self._log = open_log(self._around.err, self._clock, settings.log.level, settings.log.format)
        route_libraries(self._log)

    # ------------------------------------------------------------------------------------------------------------- work

    async def _serve_or_wait(self, settings: Settings) -> Settings | None:
        """Work, or wait for room on a full disk; returns the next configuration, or None at the end."""
        try:
            return await self._serve(settings)
        except NoRoom as error:
            self._log.error("worker.no_room")
            self._notifier.status(error.say(self._around.language))
            self._notifier.starting(2 * ROOM_EVERY)
        self._desk = None
        self._open.set()
        try:
            async with asyncio.timeout(ROOM_EVERY):
                order = await self._orders.get()
        except TimeoutError:
            return settings
        return None if order == STOP else settings

    async def _serve(self, settings: Settings) -> Settings | None:
        """Work with one configuration; returns the next one, or None at the end."""
        async with opened(settings, self._log, self._clock) as engine:
            self._crew = crew = Crew(engine.lanes, self._clock)
            self._desk = Desk(settings, engine)
            self._open.set()
            tell = asyncio.create_task(self._tell(engine, crew))
            try:
                return await self._until_order(settings, engine, crew, tell)
            finally:
                tell.cancel()
                await self._end_requests()
                await crew.stop()  # raises what broke a lane
                self._crew = None

    async def _until_order(
        self, settings: Settings, engine: Engine, crew: Crew, tell: asyncio.Task[None]
    ) -> Settings | None:
        while True:
            order, broken = asyncio.create_task(self._orders.get()), asyncio.create_task(crew.broken())
            try:
                await asyncio.wait([order, broken, tell], return_when=asyncio.FIRST_COMPLETED)
            finally:
                order.cancel()
                broken.cancel()
            if tell.done():
                tell.result()
            if not order.done() or order.result() == STOP:
                self._notifier.stopping()
                return None
            self._notifier.reloading(self._clock.monotonic())
            if fresh := await self._fresh(settings, engine):
                return fresh
            self._notifier.ready()

    async def _fresh(self, settings: Settings, engine: Engine) -> Settings | None:
        """The configuration read anew, or None when it is refused and the old one goes on."""
        try:
            fresh = self._around.load()
            if fresh.state_directory == settings.state_directory:
                await rehearse(fresh, self._log, self._clock, engine.store)
        except UserError as error:
            self._refused(error, settings)
            return None
        if fresh.state_directory != settings.state_directory:
            self._refused(UserError(sentence("service.other_state")), settings)
            return None
        self._use_log(fresh)
        self._log.info("config.reloaded", mailboxes=len(fresh.mailboxes), targets=len(fresh.crm))
        return fresh

    def _refused(self, error: UserError, settings: Settings) -> None:
        """Log what is wrong, without the folder: the log takes long paths for secrets."""
        told = error.say(self._around.language).replace(f"{settings.file.parent}/", "")
        self._log.error("config.refused", problems=told.splitlines())

    # ---------------------------------------------------------------------------------------------------------- systemd

    async def _tell(self, engine: Engine, crew: Crew) -> None:
        """Ready as soon as every lane has started or said why not; from then on how many are well."""
        await crew.begun()
        self._notifier.ready()
        self._log.info("worker.ready", lanes=len(engine.lanes))
        while True:
            self._notifier.status(await self._status(engine))
            await self._clock.sleep(STATUS_EVERY)

    async def _status(self, engine: Engine) -> str:
        """Counts only: whoever may call systemctl sees it."""
        report = engine.store.report
        states = [runner.state for runner in engine.lanes]
        items = await report.counts()
        missing = sum(r.coverage[Whereabouts.MISSING] for r in await report.coverage() if r.mailbox in engine.pullers)
        return say(
            "service.status",
            self._around.language,
            lanes=len(states),
            **{state: states.count(state) for state in ("running", "waiting", "paused")},
            open=sum(
                n for (_, _, s), n in items.items() if s in (ItemState.READY, ItemState.SENDING, ItemState.UNKNOWN)
            ),
            parked=sum(n for (_, _, s), n in items.items() if s == ItemState.PARKED),
            missing=missing,
        )

    async def _watch(self) -> None:
        """Pet the watchdog while no lane hangs; a loop that hangs does not come here."""
        told = False
        while self._notifier.watchdog_seconds:
            stuck = self._crew.stuck() if self._crew else ()
            if not stuck:
                self._notifier.watchdog()
            elif not told:
                told = True
                self._log.error("worker.stuck", lanes=stuck)
            await self._clock.sleep(self._notifier.watchdog_seconds / 2)

    @asynccontextmanager
    async def _signals(self) -> AsyncIterator[None]:
        """SIGTERM and SIGINT end the work after the steps under way, a second one at once; SIGHUP reads anew."""
        loop, main = asyncio.get_running_loop(), asyncio.current_task()
        assert main is not None  # noqa: S101 - we run in one
        stops = 0

        def stop() -> None:
            nonlocal stops
            stops += 1
            main.cancel() if stops > 1 else self._orders.put_nowait(STOP)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGHUP, self._orders.put_nowait, RELOAD)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    # --------------------------------------------------------------------------------------------------------- requests

    @asynccontextmanager
    async def _listening(self, settings: Settings) -> AsyncIterator[None]:
        """Take requests at the runtime folder's socket, where there is one; the state folder leads there."""
        known = control_socket(settings.state_directory)
        runtime = self._around.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
        place = control_socket(Path(runtime)) if runtime else known
        server = ControlServer(place, dict.fromkeys(REQUESTS, self._answer))
        try:
            await server.open()
            if place != known:
                known.unlink(missing_ok=True)
                known.symlink_to(place)
        except OSError as error:
            raise UserError(sentence("service.no_socket", path=place, error=reason(error))) from None
        try:
            yield
        finally:
            await server.close()
            known.unlink(missing_ok=True)

    async def _answer(self, request: Request) -> AsyncIterator[Answer]:
        """Pass a request on; one that fails harms nobody else."""
        await self._open.wait()
        if self._desk is None:
            yield {"error": "full"}
            return
        answers = self._desk.ask(request)
        while True:
            step = asyncio.ensure_future(anext(answers, None))
            self._asked.add(step)
            await asyncio.wait([step])
            self._asked.discard(step)
            if step.cancelled():
                yield {"error": "restarting"}
            elif isinstance(error := step.exception(), StateFull):
                yield {"error": "full"}
            elif error is not None:
                self._log.error("request.failed", request=str(request.get("do")), exc_info=error)
                yield {"error": "failed"}
            elif answer := step.result():
                yield answer
                continue
            return

    async def _end_requests(self) -> None:
        """No request may use an engine that closes; new ones wait for the next."""
        self._open.clear()
        for step in list(self._asked):
            step.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)


def serve(around: Surroundings) -> int:
    """Run a daemon in this process. Returns the exit code; raises `UserError`."""
    try:
        return asyncio.run(Daemon(around).run())
    except asyncio.CancelledError:  # told to stop twice
        return CUT
