"""What several commands do alike: tell errors, ask back, reach the service, keep libraries quiet."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import sys
import warnings
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, TextIO, TypeVar, cast
from zoneinfo import ZoneInfo

import click

from connectors.base.crm import CrmTarget
from connectors.base.errors import ConnectorError
from connectors.base.mail import MailSource
from connectors.base.services import Log
from tradepost.clock import SystemClock
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.daemon import state_file
from tradepost.errors import NoRoom, UserError, reason
from tradepost.log import open_log, route_libraries
from tradepost.messages import Language, known, say, sentence
from tradepost.service.control import Answer, ask, control_socket
from tradepost.service.desk import Request, where
from tradepost.terminal import plain
from tradepost.views.words import moment, words

T = TypeVar("T")


@contextmanager
def command_log(invocation: Invocation, settings: Settings) -> Iterator[Log]:
    """A log for a command beside the daemon: mistakes only, since a person's terminal is no log."""
    level = "debug" if settings.log.level == "debug" else "error"
    form: Literal["console", "json"] = "console" if invocation.err.is_terminal else "json"
    log = open_log(cast("TextIO", invocation.err.file), SystemClock(), level, form)
    root = logging.getLogger()
    handlers, old_level = root.handlers[:], root.level
    with warnings.catch_warnings():
        route_libraries(log)
        try:
            yield log
        finally:
            logging.captureWarnings(capture=False)
            root.handlers[:] = handlers
            root.setLevel(old_level)


def error_text(name: str, code: str, hint: str, language: Language) -> str:
    """An error in one line: what it means, what the vendor said, and what to do."""
    what = say(f"error.{name}", language) if known(f"error.{name}") else plain(name)
    told = say("check.failed", language, what=what, where=plain(code)) if code else what
    return f"{told} {words(hint, language)}".strip()


def tell_error(invocation: Invocation, subject: str, error: ConnectorError) -> None:
    """One line on standard error."""
    text = error_text(type(error).__name__, where(error), error.hint, invocation.language)
    tell(invocation, subject, text)


def tell(invocation: Invocation, subject: str, text: str) -> None:
    """A line about something, on standard error."""
    invocation.err.print(f"{plain(subject)}{invocation.say('view.colon')}{text}", soft_wrap=True)


def patience_text(answer: Answer, settings: Settings, language: Language) -> str:
    """Until when a CRM that stands still has a reason to, from what the desk tells of its progress."""
    if not answer.get("looks_at"):
        return ""
    at = moment(datetime.fromisoformat(answer["looks_at"]), ZoneInfo(settings.company.calendar.zone))
    return say("progress.looks_at", language, at=at)


async def close_all(sources: Mapping[str, MailSource], targets: Mapping[str, CrmTarget]) -> None:
    """Close every connection that a command opened."""
    for source in sources.values():
        await source.close()
    for target in targets.values():
        await target.close()


def agreed(question: str, *, yes: bool) -> bool:
    """Whether the person wants it. Raises `UserError` where there is nobody to ask."""
    if yes:
        return True
    require_person(yes=yes)
    return click.confirm(question, err=True)


def require_person(*, yes: bool) -> None:
    """Raises `UserError` unless it was said beforehand, or somebody sits there who can say it."""
    if not yes and not sys.stdin.isatty():
        raise UserError(sentence("ask.say_yes"))


def chosen_mailboxes(settings: Settings, wanted: Iterable[str], among: Iterable[str] | None = None) -> list[str]:
    """The configured mailboxes, or those of them that were named. Raises `UserError` for one that is none."""
    known_ones = list(among) if among is not None else [m.address for m in settings.mailboxes]
    names = [address.strip().lower() for address in wanted]
    if wrong := [name for name in names if name not in known_ones]:
        raise UserError(sentence("ask.no_mailbox", mailbox=", ".join(wrong), choices=", ".join(known_ones)))
    return [name for name in known_ones if name in names] if names else known_ones


async def ask_service(settings: Settings, request: Request) -> list[Answer] | None:
    """The daemon's answers, or None when none runs. Raises `UserError` when it stops midway."""
    path = control_socket(settings.state_directory)
    answers: list[Answer] = []
    try:
        async for answer in ask(path, request):
            refuse_failure(answer)
            answers.append(answer)
    except ConnectionResetError:
        raise UserError(sentence("service.left")) from None
    except ConnectionError:
        return None
    return answers


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C ends what is done inside at once; in a loop it would wait for the next thing that is awaited."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C and SIGTERM come too late for what is done inside: it takes a moment, and has an end that is told."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def until_stopped() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set instead of ending the program; a second one raises `KeyboardInterrupt`."""
    loop, main, stop = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    assert main is not None  # noqa: S101 - we run in one

    def asked() -> None:
        if stop.is_set():
            main.cancel()
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, asked)
    try:
        yield stop
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        raise KeyboardInterrupt from None
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def refuse_failure(answer: Answer) -> None:
    """Raises `UserError` for an answer that says that the service could not answer."""
    if answer.get("error") == "full":
        raise NoRoom(sentence("service.full"))
    if answer.get("error") in ("restarting", "failed", "unknown_request", "not_owner"):
        raise UserError(sentence(f"service.{answer['error']}"))


def require_state(settings: Settings) -> None:
    """Raises `UserError` before the first run, when there is nothing yet to ask about, and where one may not ask."""
    if not state_begun(settings):
        raise UserError(sentence("ask.not_begun"))


def state_begun(settings: Settings) -> bool:
    """Whether there is a state file. Raises `UserError` where this user may not look."""
    state = state_file(settings)
    try:
        there = state.exists()
        if there and not os.access(state, os.R_OK):
            raise PermissionError(errno.EACCES, "")
    except OSError as error:
        raise UserError(sentence("state.not_yours", file=state, error=reason(error))) from None
    return there


async def first_of(work: Coroutine[Any, Any, T], *others: Coroutine[Any, Any, object]) -> T | None:
    """What `work` returns, or None when one of the others ended before it."""
    task, *rest = (asyncio.ensure_future(one) for one in (work, *others))
    try:
        await asyncio.wait([task, *rest], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None  # type: ignore[return-value]
    finally:
        for one in (task, *rest):
            one.cancel()
        await asyncio.gather(task, *rest, return_exceptions=True)
