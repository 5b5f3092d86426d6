"""A whole company with planted words: synced over faults and a crash, asked by commands, and all it said gathered."""

from __future__ import annotations

import io
import logging
import os
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

import tradepost.log
from connectors.base.errors import ConnectorError
from connectors.http import HttpSession
from sync.lanes import LaneRunner
from tests.box import Box, day
from tests.secrets.marks import Marks
from tests.secrets.overhear import as_it_is, secret_words
from tradepost.cli import main
from tradepost.log import LibraryHandler, open_log
from tradepost.sandbox.company import exporter
from tradepost.sandbox.trade.build import person
from tradepost.sandbox.virtual import START, run

COMMANDS = (["status"], ["status", "--json"], ["explain", "none"], ["retry", "--all"])


@dataclass
class Told:
    """Everything the program said, and the folder of its state."""

    marks: Marks
    folder: Path
    first_wall: list[str] = field(default_factory=list)  # what our code hands to the log
    log: list[str] = field(default_factory=list)  # what the log writes
    errors: list[str] = field(default_factory=list)  # str, repr, attributes and traceback of every connector's error
    output: list[str] = field(default_factory=list)
    activities: int = 0

    @property
    def state(self) -> Path:
        return self.folder / "state" / "state.db"

    def cells(self) -> Iterator[tuple[str, str]]:
        """(table.column, text) of every cell of the state file."""
        with sqlite3.connect(f"file:{self.state}?mode=ro", uri=True) as db:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            for table in tables:
                rows = db.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the schema's own names
                names = [column[0] for column in rows.description]
                for row in rows:
                    for name, value in zip(names, row, strict=True):
                        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                        yield f"{table}.{name}", text

    def files(self) -> Iterator[tuple[str, str]]:
        """(name, bytes as text) of every file of the state folder: pages that were freed and the log of writes too."""
        for path in sorted(self.state.parent.iterdir()):
            if path.is_file():
                yield path.name, path.read_bytes().decode("latin-1")


class _Both:
    """A log that keeps what it is told, and passes it on to the program's own."""

    def __init__(self, told: Told, box: Box) -> None:
        self.stream = io.StringIO()
        self._log = open_log(self.stream, box.clock, "debug")
        self._told = told

    def __getattr__(self, level: str) -> Any:
        def tell(event: str, **ids: object) -> None:
            self._told.first_wall.append(f"{event} { {k: v for k, v in ids.items() if k != 'exc_info'} }")
            getattr(self._log, level)(event, **ids)

        return tell


def play(folder: Path, source: str, target: str, *, seed: int = 1, redaction: bool = True) -> Told:
    """One company of a pair. Without `redaction` the log writes all it is given, libraries and crashes with it."""
    marks = Marks.drawn(seed)
    told = Told(marks, folder)
    with pytest.MonkeyPatch.context() as patch, _errors_of(told, patch):
        box = Box(folder, start=day(START, 20), company=lambda world: exporter(world, mail=(source,), crms=(target,)))
        if not redaction:
            patch.setattr(tradepost.log, "redact", as_it_is)
        log = _Both(told, box)
        box.events = log  # type: ignore[assignment]
        with _wires(log, patch, redaction=redaction):
            run(_life(box, marks, log, patch))
        told.log = log.stream.getvalue().splitlines()
        told.activities = box.activities()
        marks.words["secret"] = secrets_of(box)
        for words in COMMANDS:
            out, err = io.StringIO(), io.StringIO()
            main(["-c", str(box.config), *words], {"PATH": os.defpath}, out, err)
            told.output += [out.getvalue(), err.getvalue()]
    return told


async def _life(box: Box, marks: Marks, log: _Both, patch: pytest.MonkeyPatch) -> None:
    """History, faults of every kind, live mail, a crash in the middle of a write, and peace."""
    for old in box.history()[-8:]:
        box.deliver(replace(old, raw=planted(old.raw, marks)))
    for effect in ("lost_reply", "html", "truncated", "reset", "status"):
        box.fault("*", "*", effect, nth=7)
    await box.once()
    await box.clock.sleep(60)
    with patch.context() as bug:
        bug.setattr(HttpSession, "_request", _careless)
        box.post(_letter(box, marks, 0))
        await box.once()  # the lanes' own guards take it
        for n in (1, 2):
            box.post(_letter(box, marks, n))
        for place in ("sync.push.POISON", "sync.pull.POISON"):
            bug.setattr(place, ())
        bug.setattr(LaneRunner, "_told", _unguarded)
        try:
            await box.once()
        except ValueError as error:
            log.error("daemon.crashed", exc_info=error)  # noqa: TRY400 - as the daemon does
    await box.settle()
    await box.clock.sleep(timedelta(days=8).total_seconds())
    async with box.engine() as engine:
        await engine.keeper_lane.forget()


def _unguarded(_lane: LaneRunner, error: Exception) -> ConnectorError:
    """A lane without its guard, so that the mistake comes to the daemon's last wall."""
    if isinstance(error, ConnectorError):
        return error
    raise error


_request = HttpSession._request


def _careless(self: HttpSession, call: Any, token: str) -> Any:
    """A mistake such as anyone makes: an error that quotes the write, the token and the address."""
    request = _request(self, call, token)
    if not call.safe:
        raise ValueError(
            f"cannot send {call.json} {call.form} {request.content!r} with {request.headers.raw} to {call.url}"
        )
    return request


def _letter(box: Box, marks: Marks, n: int) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = person("klaus")["address"], person("lily")["address"]
    mail["Subject"] = f"Panels {n}"
    mail["Date"], mail["Message-ID"] = format_datetime(box.clock.now()), f"<live-{n}@test.example>"
    mail.set_content("Please quote 500 panels.\n")
    return planted(mail.as_bytes(), marks, n)


def planted(raw: bytes, marks: Marks, n: int = 0) -> bytes:
    """The mail with a word of every kind: in its subject, its text, its HTML, and as one more recipient."""
    mail = message_from_bytes(raw, policy=SMTP)
    body, subject, address = (marks.words[kind][n % 6] for kind in ("body", "subject", "address"))
    said = str(mail["Subject"])
    del mail["Subject"]
    mail["Subject"] = f"{said} {subject}"
    others = str(mail["Cc"] or "")
    del mail["Cc"]
    mail["Cc"] = ", ".join(part for part in (others, f"{address}@{address[:8]}.example") if part)
    for part in mail.walk():
        if part.get_content_maintype() == "text" and not part.is_multipart():
            text = part.get_content()
            kind = part.get_content_subtype()
            mark = f"<p>{body}</p>" if kind == "html" else f"\n{body}\n"
            cut = text.find("\n") + 1 if kind == "plain" else len(text)
            part.set_content(text[:cut] + mark + text[cut:], subtype=kind)
    return mail.as_bytes()


def secrets_of(box: Box) -> tuple[str, ...]:
    """What the configuration's secret files hold, and every token that a vendor has handed out."""
    files = [p.read_text("utf-8") for p in sorted(box.folder.iterdir()) if p.is_file() and p != box.config]
    held = [*files, *(token for token, _ in box.vault._tokens.values())]
    return tuple(sorted({word for text in held for word in secret_words(text)}))


@contextmanager
def _errors_of(told: Told, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every connector's error that is made, told in every way that a program tells errors."""
    made: list[ConnectorError] = []
    whole = ConnectorError.__init__

    def noted(self: ConnectorError, *words: Any, **more: Any) -> None:
        whole(self, *words, **more)
        made.append(self)

    patch.setattr(ConnectorError, "__init__", noted)
    yield
    for error in made:
        told.errors += [str(error), repr(error), repr(error.args), repr(vars(error))]
        told.errors.append("".join(traceback.format_exception(error)))


@contextmanager
def _wires(log: Any, patch: pytest.MonkeyPatch, *, redaction: bool) -> Iterator[None]:
    """Libraries' logging goes where the daemon sends it; without redaction at every level, and all is written."""
    handler: logging.Handler = LibraryHandler(log)
    root, level = logging.getLogger(), logging.getLogger().level
    if not redaction:
        handler = _Loud(log)
        for name in ("httpx", "httpcore"):
            patch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


class _Loud(logging.Handler):
    """Writes messages as they are."""

    def __init__(self, log: Any) -> None:
        super().__init__(logging.DEBUG)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.info("library.log", message=record.getMessage())
