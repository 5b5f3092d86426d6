"""`tradepost demo`: the whole main job in one go, on a simulated company."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradepost.commands.invocation import Invocation
from tradepost.commands.sandbox import program, require_sandbox


def run(invocation: Invocation, *, keep: bool, as_json: bool) -> int:
    """Show it; 1 when a number is not the sandbox's own. Raises `UserError`."""
    require_sandbox()
    from tradepost.commands.demo_told import Teller, show  # noqa: PLC0415 - needs the optional packages

    teller = Teller(invocation, program(), quiet=as_json)
    with _folder(keep=keep) as folder:
        return asyncio.run(show(teller, folder, keep=keep))


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tradepost-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
