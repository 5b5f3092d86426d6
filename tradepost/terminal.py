"""What a person at the terminal sees: colours, tables and progress where there is a terminal, plain lines elsewhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Column

from connectors.base.services import Clock
from tradepost.messages import Language, say

PIPE_WIDTH = 400  # columns: a table in a file or pipe is never folded
WIDE = 110  # columns that leave room for a long bar
LINE_EVERY = 10.0  # seconds between two progress lines of one label

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_JOINERS = {"\u200c", "\u200d"}  # part of ordinary Persian and emoji


class Progress(Protocol):
    """Tells how far something is."""

    def show(self, label: str, done: int, total: int | None) -> None:
        """`total` is None while it is not known."""
        ...


def open_console(stream: TextIO, environ: Mapping[str, str]) -> Console:
    """Colours only on a terminal, and not with NO_COLOR (https://no-color.org)."""
    terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=terminal,
        no_color=not terminal or bool(environ.get("NO_COLOR")),
        width=None if terminal else PIPE_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
        _environ=environ,
    )


def plain(text: str) -> str:
    """Foreign text that is safe on a terminal: one line, no control or direction characters (mail is hostile input)."""
    return "".join(
        " "
        if c in "\t\r\n\u2028\u2029"
        else "\ufffd"
        if unicodedata.category(c) in _UNSAFE and c not in _JOINERS
        else c
        for c in text
    )


@contextmanager
def progress(console: Console, clock: Clock, language: Language) -> Iterator[Progress]:
    """A bar for each label on a terminal, else a line now and then."""
    if not console.is_terminal:
        yield _Lines(console, clock, language)
        return
    # A narrow terminal folds the label; numbers are never cut.
    columns = (
        TextColumn("{task.description}", table_column=Column(overflow="fold")),
        BarColumn(bar_width=40 if console.width >= WIDE else 10, table_column=Column(no_wrap=True)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
    )
    # No refreshing thread: bars are drawn when there is something to show.
    with Bars(*columns, console=console, auto_refresh=False, get_time=clock.monotonic) as bars:
        yield _Bars(bars)


class _Bars:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def show(self, label: str, done: int, total: int | None) -> None:
        if label not in self._tasks:
            self._tasks[label] = self._bars.add_task(plain(label), total=total)
        self._bars.update(self._tasks[label], completed=done, total=total)
        self._bars.refresh()


class _Lines:
    def __init__(self, console: Console, clock: Clock, language: Language) -> None:
        self._console = console
        self._clock = clock
        self._language = language
        self._last: dict[str, tuple[float, int]] = {}

    def show(self, label: str, done: int, total: int | None) -> None:
        now = self._clock.monotonic()
        before, shown = self._last.get(label, (now - LINE_EVERY, -1))
        if done == shown or (now - before < LINE_EVERY and done != total):
            return
        self._last[label] = (now, done)
        name = "progress.of" if total is not None else "progress.so_far"
        self._console.print(say(name, self._language, label=plain(label), done=done, total=total), soft_wrap=True)
