"""A folder as it is before and after every step that changes its files: what a kill -9 there would leave."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, event

STEPS = ("replace", "rename", "link", "unlink", "fsync", "open")


def copied(folder: Path, to: Path) -> Path:
    """A copy of a folder in which two names of one file are two names of one file again."""
    to.mkdir(parents=True)
    known: dict[int, Path] = {}
    for file in sorted(one for one in folder.iterdir() if one.is_file()):
        number = file.stat().st_ino
        if number in known:
            (to / file.name).hardlink_to(known[number])
        else:
            known[number] = to / file.name
            shutil.copyfile(file, to / file.name)
    return to


@contextmanager
def moments(monkeypatch, folder: Path, to: Path) -> Iterator[list[Path]]:
    """Copies of `folder`, in their order, for all that is done inside, its SQL included."""
    found: list[Path] = []
    last: list[object] = [None]
    keeping = [False]

    def keep() -> None:
        if keeping[0]:
            return
        keeping[0] = True
        if (now := _look(folder)) != last[0]:
            last[0] = now
            found.append(copied(folder, to / f"{len(found):03d}"))
        keeping[0] = False

    def watched(step):
        def stepped(*args, **kwargs):
            keep()
            result = step(*args, **kwargs)
            keep()
            return result

        return stepped

    def after(*_: object) -> None:
        keep()

    with monkeypatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, watched(getattr(os, name)))
        event.listen(Engine, "after_cursor_execute", after)
        try:
            yield found
        finally:
            event.remove(Engine, "after_cursor_execute", after)


def _look(folder: Path) -> object:
    """What tells one moment from another."""
    files = [one for one in folder.iterdir() if not one.name.endswith("-shm")]
    return sorted((one.name, one.stat().st_ino, one.stat().st_size, one.stat().st_mtime_ns) for one in files)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())
