"""A copy of the state file, or an empty one, put in the place of what was lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sync.store import Store
from sync.store.db import room, to_disk
from sync.store.files import SHM, WAL, NotState, erased_in, examine, put_aside
from sync.store.restore import Survey

Swapping = Callable[[], AbstractContextManager[object]]

STAGED = "restoring.db"  # beside the state file until it takes its place


@dataclass(frozen=True, slots=True)
class Placed:
    """What a restore has put in place. `aside` is where the replaced file lies, None when there was none."""

    survey: Survey
    aside: Path | None


async def stage(file: Path, state: Path, key: bytes) -> Survey:
    """Copy a backup beside the state file, bring it to today's schema, and say what is in it.

    The backup itself is never touched. Raises `NotState`, `OSError`, `StateFull`, and `StateError` for a newer schema.
    """
    staged = state.with_name(STAGED)
    if staged.exists() and staged.samefile(file):
        raise NotState("a restore that was broken off has left it")
    unstage(state)
    with room(staged):
        for suffix in ("", WAL):
            source = file.with_name(file.name + suffix)
            if source.exists() or not suffix:
                _copy(source, staged.with_name(staged.name + suffix))
    examine(staged)
    store = Store.open(staged, key=key)
    try:
        return await store.restore.survey()
    finally:
        store.close()


def unstage(state: Path) -> None:
    """Take away what a restore that was broken off has left."""
    staged = state.with_name(STAGED)
    for left in (staged, *(staged.with_name(STAGED + s) for s in (WAL, SHM)), *state.parent.glob("restoring.*.bak")):
        left.unlink(missing_ok=True)


async def put_in_place(
    state: Path, key: bytes, *, now: datetime, mailboxes: Sequence[str], swapping: Swapping = nullcontext
) -> Placed:
    """Make the staged copy the state file, with everything since it was made unknown. For whoever holds the lock.

    `swapping` is entered for the last steps. Raises `OSError`, `StateFull` and `InUse`; then the state is as it was.
    """
    staged = state.with_name(STAGED)
    store = Store.open(staged, key=key)
    try:
        await store.restore.step_back(now, mailboxes)
        await store.erase.adopt(*erased_in(state))
        survey = await store.restore.survey()
        store.db.truncate_wal()
    finally:
        store.close()
    with swapping():
        return Placed(survey, _swap(state, now))


async def put_anew(state: Path, key: bytes, *, now: datetime, swapping: Swapping = nullcontext) -> Path | None:
    """Make an empty file the state file, as the beginning of a rebuild; returns where the old one lies, if any.

    `swapping` is entered for the last steps. Raises `OSError`, `StateFull` and `InUse`; then the state is as it was.
    """
    unstage(state)
    try:
        store = Store.open(state.with_name(STAGED), key=key)
        try:
            await store.restore.begin_anew(now)
            await store.erase.adopt(*erased_in(state))
            store.db.truncate_wal()
        finally:
            store.close()
        with swapping():
            return _swap(state, now)
    finally:
        unstage(state)


def _swap(state: Path, now: datetime) -> Path | None:
    """The staged file takes the state's place in one step; the old one keeps a name of its own."""
    staged = state.with_name(STAGED)
    with room(state):
        to_disk(staged)
        aside = put_aside(state, now)
        staged.replace(state)
        unstage(state)  # the empty log beside it
        to_disk(state.parent)
    return aside


def _copy(source: Path, to: Path) -> None:
    fd = os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "wb") as written, source.open("rb") as read:
        shutil.copyfileobj(read, written, 1 << 20)
