"""`tradepost backup`: a consistent copy of the state file, beside a running service or without one.

The copy is read by this process: the service goes on, and need not be allowed to write where the copy shall lie.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sync.store.files import NotState, examine, snapshot
from tradepost.app import key_place, roomy
from tradepost.clock import SystemClock
from tradepost.commands.common import require_state
from tradepost.commands.invocation import Invocation
from tradepost.daemon import state_file
from tradepost.errors import UserError, reason
from tradepost.messages import sentence
from tradepost.terminal import progress

MEGABYTE = 1_000_000


def run(invocation: Invocation, *, file: Path, as_json: bool) -> int:
    """0 when the copy lies there, whole. Raises `UserError`."""
    settings = invocation.settings()
    require_state(settings)
    state, to = state_file(settings), file.expanduser().absolute()
    label = invocation.say("backup.copying")
    try:
        _may_be_written(to, state)
        with roomy(), progress(invocation.err, SystemClock(), invocation.language) as bars:
            size = snapshot(state, to, lambda written: bars.show(label, written // MEGABYTE, None))
        schema = examine(to)
    except NotState as error:
        raise UserError(sentence("backup.damaged", file=state, error=error)) from None
    except OSError as error:
        raise UserError(sentence("backup.failed", file=to, error=reason(error))) from None
    except sqlite3.Error as error:
        raise UserError(sentence("backup.failed", file=to, error=error)) from None
    key = key_place(settings)
    if as_json:
        invocation.print_json({"file": str(to), "bytes": size, "schema": schema, "key": key})
    else:
        invocation.print(invocation.say("backup.done", file=to, megabytes=f"{size / MEGABYTE:.1f}"))
        invocation.print(invocation.say("backup.beside", key=key, folder=settings.state_directory))
    return 0


def _may_be_written(to: Path, state: Path) -> None:
    """An older copy may be replaced; nothing else may."""
    if to.is_dir() or not to.parent.is_dir():
        raise UserError(sentence("backup.no_folder", file=to))
    if not to.exists():
        return
    if not to.is_file():  # a pipe or device, which would have to be read
        raise UserError(sentence("backup.other_file", file=to))
    if to.samefile(state):
        raise UserError(sentence("backup.itself", file=to))
    try:
        examine(to)
    except NotState:
        raise UserError(sentence("backup.other_file", file=to)) from None
