"""What SQLite tells the disk: every write, truncation and sync of the state file and its log, in their order.

A thin layer over SQLite's own way to files (https://www.sqlite.org/vfs.html), put into the library that Python uses, so
that the program runs unchanged. From that order follows what a power cut may leave: what was synced for certain, of the
rest any part.
"""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OK = 0
_LIBRARY = "libsqlite3.so.0"


class _Methods(ct.Structure):
    """sqlite3_io_methods: https://www.sqlite.org/c3ref/io_methods.html"""

    _fields_ = [
        ("version", ct.c_int),
        *[(name, ct.c_void_p) for name in ("close", "read", "write", "truncate", "sync", "size")],
        *[(f"more{n}", ct.c_void_p) for n in range(12)],
    ]


class _File(ct.Structure):
    """sqlite3_file: https://www.sqlite.org/c3ref/file.html"""

    _fields_ = [("methods", ct.POINTER(_Methods))]


class _Vfs(ct.Structure):
    """sqlite3_vfs: https://www.sqlite.org/c3ref/vfs.html"""

    _fields_ = [
        ("version", ct.c_int),
        ("file_size", ct.c_int),
        ("path_size", ct.c_int),
        ("next", ct.c_void_p),
        ("name", ct.c_char_p),
        ("data", ct.c_void_p),
        ("open", ct.c_void_p),
        ("delete", ct.c_void_p),
        *[(f"more{n}", ct.c_void_p) for n in range(14)],
    ]


_WRITE = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_void_p, ct.c_int, ct.c_int64)
_TRUNCATE = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_int64)
_SYNC = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_int)
# A name is passed on as it lies in memory: behind its end SQLite keeps the URI's parameters.
_OPEN = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_void_p, ct.POINTER(_File), ct.c_int, ct.c_void_p)
_DELETE = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_char_p, ct.c_int)


@dataclass(frozen=True, slots=True)
class Event:
    """`what` is write, truncate, sync, delete or mark; `name` is the file's, or the mark's."""

    what: str
    name: str
    at: int = 0
    data: bytes = b""


@dataclass
class Tape:
    """What was told to the disk about one state file and its log."""

    path: Path
    events: list[Event] = field(default_factory=list)
    running: bool = True

    def add(self, event: Event) -> None:
        if self.running:
            self.events.append(event)

    def mark(self, name: str) -> None:
        self.add(Event("mark", name))

    def knows(self, name: str) -> bool:
        return name in (str(self.path), f"{self.path}-wal")


class _Layer:
    """The layer itself. It is made once and stays: SQLite holds on to it."""

    def __init__(self) -> None:
        self._library = ct.CDLL(_LIBRARY)
        self._library.sqlite3_vfs_find.restype = ct.POINTER(_Vfs)
        self._under = self._library.sqlite3_vfs_find(None)
        self._vfs = _Vfs.from_buffer_copy(self._under.contents)
        self._open, self._delete = _OPEN(self._under.contents.open), _DELETE(self._under.contents.delete)
        self._kept: list[Any] = [_OPEN(self._on_open), _DELETE(self._on_delete)]
        self._vfs.open, self._vfs.delete = (ct.cast(one, ct.c_void_p).value for one in self._kept)
        self._vfs.name = b"tape"
        self._tables: dict[int, _Methods] = {}
        self._names: dict[int, str] = {}
        self.tapes: list[Tape] = []

    def use(self, *, default: bool) -> None:
        self._library.sqlite3_vfs_register(ct.byref(self._vfs), 1 if default else 0)
        if not default:
            self._library.sqlite3_vfs_register(self._under, 1)

    def tell(self, event: Event) -> None:
        for tape in self.tapes:
            if tape.knows(event.name):
                tape.add(event)

    def _on_open(self, vfs: int, name: int | None, file: Any, flags: int, out: int) -> int:
        code = self._open(vfs, name, file, flags, out)
        text = ct.string_at(name).decode() if name else ""
        if code == OK and any(tape.knows(text) for tape in self.tapes) and file.contents.methods:
            self._names[ct.addressof(file.contents)] = text
            file.contents.methods = ct.pointer(self._table(file.contents.methods))
        return int(code)

    def _on_delete(self, vfs: int, name: bytes, sync: int) -> int:
        code = self._delete(vfs, name, sync)
        if code == OK:
            self.tell(Event("delete", name.decode()))
        return int(code)

    def _table(self, under: Any) -> _Methods:
        """The methods of a file with three replaced; one table for each kind of file."""
        place = ct.addressof(under.contents)
        if place not in self._tables:
            table = _Methods.from_buffer_copy(under.contents)
            write, truncate = _WRITE(under.contents.write), _TRUNCATE(under.contents.truncate)
            mine = (self._writer(write), self._cutter(truncate), self._syncer(_SYNC(under.contents.sync)))
            table.write, table.truncate, table.sync = (ct.cast(one, ct.c_void_p).value for one in mine)
            self._kept += mine
            self._tables[place] = table
        return self._tables[place]

    def _writer(self, under: Callable[..., int]) -> Any:
        def write(file: int, data: int, size: int, at: int) -> int:
            code = under(file, data, size, at)
            if code == OK:
                self.tell(Event("write", self._names[file], at, ct.string_at(data, size)))
            return code

        return _WRITE(write)

    def _cutter(self, under: Callable[..., int]) -> Any:
        def truncate(file: int, size: int) -> int:
            code = under(file, size)
            if code == OK:
                self.tell(Event("truncate", self._names[file], size))
            return code

        return _TRUNCATE(truncate)

    def _syncer(self, under: Callable[..., int]) -> Any:
        def sync(file: int, flags: int) -> int:
            code = under(file, flags)
            if code == OK:
                self.tell(Event("sync", self._names[file]))
            return code

        return _SYNC(sync)


_made: list[_Layer] = []


@contextmanager
def taped(path: Path) -> Iterator[Tape]:
    """Record what is told to the disk about a state file that is opened within the block."""
    if not _made:
        _made.append(_Layer())
    layer, tape = _made[0], Tape(path)
    layer.tapes.append(tape)
    layer.use(default=True)
    try:
        yield tape
    finally:
        layer.tapes.remove(tape)
        layer.use(default=False)


# ------------------------------------------------------------------------------------------------------ after the cut


Files = Mapping[str, bytes]
WAYS = ALL, HALF, ALONE, NOTHING = "all", "all but half of the last", "the last alone", "nothing unsynced"


@dataclass(frozen=True, slots=True)
class Image:
    """What a power cut right after event number `after` may leave. `how` says which of the unsynced writes are there."""

    after: int
    how: str
    files: Files = field(repr=False)

    def put(self, state: Path) -> None:
        """Write it as a state file and its log."""
        for end in ("", "-wal", "-shm"):
            state.with_name(state.name + end).unlink(missing_ok=True)
        for end, data in self.files.items():
            state.with_name(state.name + end).write_bytes(data)


def images(tape: Tape, first: int = 0, last: int | None = None, *, every: int = 1) -> Iterator[Image]:
    """What a power cut after any of these events may leave, or every so many'th of that.

    After a write: all of the unsynced ones; all but half of the last one; the last one without those before it. After a
    sync: what is there for certain, as if nothing unsynced was.
    """
    sure: dict[str, bytearray] = {}
    unsure: list[Event] = []
    number = 0
    for n, event in enumerate(tape.events[:last]):
        if event.what == "mark":
            continue
        if event.what in ("write", "truncate"):
            unsure.append(event)
        else:
            for one in [e for e in unsure if e.name == event.name]:
                _apply(sure, one)
            unsure = [e for e in unsure if e.name != event.name]
            if event.what == "delete":
                sure.pop(event.name, None)
        for how in _ways(event) if n >= first else ():
            if number % every == 0:
                yield Image(n, how, _files(tape, sure, _part(how, unsure)))
            number += 1


def whole(tape: Tape) -> Image:
    """What is there when nothing is lost."""
    files: dict[str, bytearray] = {}
    for event in tape.events:
        if event.what in ("write", "truncate"):
            _apply(files, event)
        elif event.what == "delete":
            files.pop(event.name, None)
    return Image(len(tape.events), "whole", _named(tape, files))


def _ways(event: Event) -> tuple[str, ...]:
    if event.what == "write":
        return ALL, HALF, ALONE
    return (ALL,) if event.what == "truncate" else (NOTHING,)


def _part(how: str, unsure: list[Event]) -> list[Event]:
    """Which of the unsynced writes have reached the disk."""
    match how:
        case "nothing unsynced":
            return []
        case "all but half of the last":
            *before, last = unsure
            return [*before, Event(last.what, last.name, last.at, last.data[: len(last.data) // 2])]
        case "the last alone":
            return unsure[-1:]
    return unsure


def _files(tape: Tape, sure: Mapping[str, bytearray], part: list[Event]) -> dict[str, bytes]:
    files = {name: bytearray(data) for name, data in sure.items()} if part else dict(sure)
    for event in part:
        _apply(files, event)
    return _named(tape, files)


def _named(tape: Tape, files: Mapping[str, bytearray]) -> dict[str, bytes]:
    """By what follows the state file's name."""
    return {name.removeprefix(str(tape.path)): bytes(data) for name, data in files.items()}


def _apply(files: dict[str, bytearray], event: Event) -> None:
    data = files.setdefault(event.name, bytearray())
    if event.what == "truncate":
        del data[event.at :]
        return
    if len(data) < event.at:
        data.extend(bytes(event.at - len(data)))
    data[event.at : event.at + len(event.data)] = event.data
