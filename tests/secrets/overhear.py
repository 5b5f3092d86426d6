"""Listens to everything that a test run's program says, and knows every secret and every mail of its sandboxes.

Three walls say something: `log` (log lines, warnings of libraries, errors of connectors with their tracebacks), `screen`
(what commands print to standard error) and `output` (their standard output, which a person asked for).
"""

from __future__ import annotations

import io
import json
import logging
import re
import sqlite3
import subprocess
import threading
import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest
import structlog

LOG, SCREEN, OUTPUT = "log", "screen", "output"
SECRET, BODY, SUBJECT, ADDRESS = "secret", "body", "subject", "address"
OWN = "own address"

# What a wall must not say. A person's terminal may name the company's own mailboxes, and shows what was asked for.
FORBIDDEN = {LOG: (SECRET, BODY, SUBJECT, ADDRESS), SCREEN: (SECRET, BODY, SUBJECT, ADDRESS), OUTPUT: (SECRET,)}

SHORTEST_SUBJECT, SHORTEST_LINE, SHORTEST_SECRET = 12, 24, 12  # characters; anything shorter is anybody's word
MOST_LINES = 6  # of one mail
LONGEST_FILE = 32 << 20

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
COLUMNS = re.compile(r"\| (texts|subjects|addresses|mailboxes|records) \| (.+?) \|")
SAYS = ("msg", "log", "debug", "info", "warn", "warning", "fatal", "failure", "err", "error", "critical", "exception")


@dataclass(frozen=True)
class Found:
    """A known word where it must not be."""

    test: str
    where: str
    kind: str
    word: str
    line: str

    def __str__(self) -> str:
        return f"{self.test}: {self.kind} {self.word!r} in {self.where}: {self.line[:200]!r}"


@dataclass
class Ear:
    """What was said since the last search, and the words known since the last module began."""

    said: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    words: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    own: set[str] = field(default_factory=set)
    errors: list[BaseException] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    states: dict[Path, None] = field(default_factory=dict)
    lines: int = 0
    cells: int = 0
    known: int = 0
    found: list[Found] = field(default_factory=list)
    lock: Any = field(default_factory=threading.RLock)

    # --------------------------------------------------------------------------------------------------------- hearing

    def hear(self, wall: str, text: str) -> None:
        with self.lock:
            for line in text.splitlines():
                self.said[wall][line] = None

    def hear_program(self, text: str) -> None:
        """Standard error of a program: its log where a line is one, else its screen."""
        for line in text.splitlines():
            self.hear(LOG if line.startswith('{"at"') else SCREEN, line)

    # --------------------------------------------------------------------------------------------------------- knowing

    def know(self, kind: str, words: Iterable[str]) -> None:
        with self.lock:
            self.words[kind].update(words)

    def know_mail(self, raw: bytes) -> None:
        """A mail's subject, addresses and lines of text, as far as they are nobody else's words."""
        with suppress(Exception):  # hostile mails are in the sandbox too; what cannot be read cannot be quoted
            mail = message_from_bytes(raw[:200_000], policy=default)
            subject = " ".join(str(mail["Subject"] or "").split())
            if len(subject) >= SHORTEST_SUBJECT and " " in subject:
                self.know(SUBJECT, [subject])
            heads = [str(v) for name in ("From", "To", "Cc", "Bcc", "Reply-To") for v in mail.get_all(name, [])]
            self.know(ADDRESS, (a.lower() for _, a in getaddresses(heads) if "@" in a and len(a) > 6))
            self.know(BODY, _lines(mail))

    def know_secrets(self, texts: Iterable[str]) -> None:
        self.know(SECRET, (word for text in texts for word in secret_words(text)))

    def forget(self) -> None:
        """A new module has other worlds."""
        with self.lock:
            self.known += sum(len(words) for words in self.words.values())
            self.words.clear()
            self.own.clear()

    # -------------------------------------------------------------------------------------------------------- searching

    def search(self, test: str) -> None:
        """Look for every known word in what was said since the last search, and in the states that were left."""
        with self.lock:
            self._gather()
            for wall, lines in self.said.items():
                self.lines += len(lines)
                text = "\n".join(lines)
                for kind in FORBIDDEN[wall]:
                    allowed = self.own if wall is SCREEN else ()
                    self._in_text(test, wall, kind, text, (w for w in sorted(self.words[kind]) if w not in allowed))
            self.said.clear()
            for state in list(self.states):
                self._in_state(test, state)
            self.states.clear()

    def _gather(self) -> None:
        for error in self.errors:
            told = (str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error)))
            self.hear(LOG, "\n".join(told))
        self.errors.clear()
        for file in self.files:
            with suppress(OSError):
                self.hear_program(file.read_text("utf-8", "replace"))
        self.files.clear()

    def _in_text(self, test: str, where: str, kind: str, text: str, words: Iterable[str]) -> None:
        lowered = text.lower() if kind == ADDRESS else text
        for word in words:
            if (at := lowered.find(word)) >= 0:
                line = text[text.rfind("\n", 0, at) + 1 : text.find("\n", at) if "\n" in text[at:] else None]
                self.found.append(Found(test, where, kind, word, line))

    def _in_state(self, test: str, path: Path) -> None:
        """Subjects, texts and addresses in columns that docs/security.md does not name for them, secrets anywhere."""
        may = columns()
        for place, text in cells(path):
            self.cells += text.count("\n") + 1
            for kind in (SECRET, BODY, SUBJECT, ADDRESS):
                if place not in may[kind]:
                    words = self.words[kind] - (self.own if place in may[OWN] else set())
                    self._in_text(test, f"state {place}", kind, text, sorted(words))


def columns() -> dict[str, set[str]]:
    """Where the state file may hold what; the company's own mailboxes and the CRM's rows are addresses too."""
    kinds = {"texts": BODY, "subjects": SUBJECT, "addresses": ADDRESS, "records": ADDRESS, "mailboxes": OWN}
    found: dict[str, set[str]] = defaultdict(set)
    for name, cells_ in COLUMNS.findall(PAGE.read_text("utf-8")):
        found[kinds[name]] |= set(re.findall(r"`([a-z_]+\.[a-z_]+)`", cells_))
    return found


def cells(path: Path) -> Iterator[tuple[str, str]]:
    """(table.column, all its texts) of a state file; nothing of one that is gone, damaged or too large to be a test's."""
    if not path.is_file() or path.stat().st_size > LONGEST_FILE:
        return
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            rows = db.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the schema's own names
            names = [column[0] for column in rows.description]
            for name, values in zip(names, zip(*rows.fetchall(), strict=True), strict=False):
                texts = {
                    v.decode("latin-1") if isinstance(v, bytes) else v for v in values if isinstance(v, bytes | str)
                }
                if texts:
                    yield f"{table}.{name}", "\n".join(sorted(texts))


def secret_words(text: str) -> Iterator[str]:
    """A key's longest lines, a token, or a bare secret."""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = text
    if isinstance(parsed, dict):
        known = ("private_key", "client_secret", "access_token", "refresh_token")
        parts = [str(parsed[name]) for name in known if parsed.get(name)]
    else:
        parts = [parsed] if isinstance(parsed, str) else []
    lines = (line.strip() for part in parts for line in part.splitlines())
    yield from (line for line in lines if len(line) >= SHORTEST_SECRET and not line.startswith("-----"))


def _lines(mail: Any) -> Iterator[str]:
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            lines = [line.strip() for line in part.get_content().splitlines()]
            yield from [line for line in lines if len(line) >= SHORTEST_LINE and line.count(" ") >= 3][:MOST_LINES]


# ------------------------------------------------------------------------------------------------------------- wiring


def wire(ear: Ear, patch: pytest.MonkeyPatch, *, loud: bool = False) -> None:
    """Put the ear everywhere. `loud` switches redaction off, for the proof that the ear can hear."""
    import tradepost.cli
    import tradepost.log
    from connectors.base.errors import ConnectorError
    from connectors.http import HttpSession
    from sync.store import Store
    from tradepost import vault
    from tradepost.sandbox import company
    from tradepost.sandbox.gmail.mailbox import Mailbox as GmailMailbox
    from tradepost.sandbox.graph.mailbox import Mailbox as GraphMailbox

    if loud:
        patch.setattr(tradepost.log, "redact", as_it_is)
    _after(patch, structlog.WriteLogger, SAYS, lambda _self, message: ear.hear(LOG, message))
    _after(patch, logging.Logger, ["callHandlers"], lambda _self, record: _hear_record(ear, record))
    _after(patch, ConnectorError, ["__init__"], lambda self, *_, **__: ear.errors.append(self))
    _after(patch, GmailMailbox, ["add"], lambda _self, raw, *_, **__: ear.know_mail(raw))
    _after(patch, GraphMailbox, ["add"], lambda _self, raw, *_, **__: ear.know_mail(raw))
    for kind in (vault.MemoryVault, vault.FileVault):
        _after(patch, kind, ["put"], lambda _self, _name, token, _until: ear.know_secrets([token]))
    _after(patch, HttpSession, ["_request"], lambda _self, _call, token: ear.know_secrets([token]))
    _after(patch, company, ["_section"], lambda _folder, _name, told: ear.know_secrets(told.secrets.values()))
    _after(patch, company, ["write_config"], lambda made, *_, **__: ear.own.update(made.mailboxes))
    _after(patch, Store, ["__init__"], lambda self, db, *_, **__: ear.states.__setitem__(db.path, None))
    patch.setattr(tradepost.cli, "main", _overheard(ear, tradepost.cli.main))
    patch.setattr(subprocess, "Popen", _popen(ear, subprocess.Popen))
    from tests.box import Events

    patch.setattr(Events, "_tell", _first_wall(ear, Events._tell))


def _after(patch: pytest.MonkeyPatch, owner: Any, names: Iterable[str], note: Any) -> None:
    """Call `note` with the same arguments before each of these is called."""
    for name in names:
        real = getattr(owner, name)

        def both(*args: Any, __real: Any = real, **more: Any) -> Any:
            answer = __real(*args, **more)
            note(*args, **more)
            return answer

        patch.setattr(owner, name, both)


def _hear_record(ear: Ear, record: logging.LogRecord) -> None:
    if record.levelno >= logging.WARNING:
        with suppress(Exception):  # a record that cannot be formatted says nothing
            ear.hear(LOG, record.getMessage())


def _first_wall(ear: Ear, real: Any) -> Any:
    """What our code hands to a test's log, before any redaction."""

    def tell(self: Any, level: str) -> Any:
        keep = real(self, level)

        def both(event: str, **ids: object) -> None:
            ear.hear(LOG, f"{event} { {k: v for k, v in ids.items() if k != 'exc_info'} }")
            keep(event, **ids)

        return both

    return tell


def _overheard(ear: Ear, real: Any) -> Any:
    def main(arguments: Any = None, environ: Any = None, out: Any = None, err: Any = None) -> int:
        before = [stream.tell() if isinstance(stream, io.StringIO) else 0 for stream in (out, err)]
        try:
            return int(real(arguments, environ, out, err))
        finally:
            if isinstance(out, io.StringIO):
                ear.hear(OUTPUT, out.getvalue()[before[0] :])
            if isinstance(err, io.StringIO):
                ear.hear_program(err.getvalue()[before[1] :])

    return main


def _popen(ear: Ear, real: Any) -> Any:
    class Popen(real):  # type: ignore[misc]
        def __init__(self, args: Any, *more: Any, **named: Any) -> None:
            self.ours = "tradepost" in str(args)
            errors = named.get("stderr")
            if self.ours and isinstance(getattr(errors, "name", None), str):
                ear.files.append(Path(errors.name))
            super().__init__(args, *more, **named)

        def communicate(self, *args: Any, **named: Any) -> Any:
            out, err = super().communicate(*args, **named)
            if self.ours:
                for text, hear in ((out, lambda said: ear.hear(OUTPUT, said)), (err, ear.hear_program)):
                    if text:
                        hear(text if isinstance(text, str) else text.decode("utf-8", "replace"))
            return out, err

    return Popen


def as_it_is(_logger: object, _method: str, event: Any) -> dict[str, Any]:
    """Instead of redaction: everything, tracebacks too."""
    error = event.get("exc_info")
    shown = "".join(traceback.format_exception(error)) if isinstance(error, BaseException) else ""
    return {**{k: v for k, v in event.items() if k != "exc_info"}, "traceback": shown}
