"""`tradepost sandbox`: the simulated vendors on loopback, until told to stop."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shlex
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tradepost.commands.common import until_stopped
from tradepost.commands.invocation import Invocation
from tradepost.errors import UserError
from tradepost.messages import sentence

EXTRA = ("starlette", "uvicorn")  # pyproject.toml: optional dependencies "sandbox"


def run(invocation: Invocation, *, port: int, mail: tuple[Path, ...], fresh: bool, tls: bool) -> int:
    """Print one JSON document, then stay. Raises `UserError`."""
    require_sandbox()
    with TemporaryDirectory(prefix="tradepost-sandbox-") as folder:
        asyncio.run(_serve(invocation, Path(folder), port, mail, fresh=fresh, tls=tls))
    return 0


def require_sandbox() -> None:
    """Raises `UserError` where the optional packages are not installed."""
    if not all(importlib.util.find_spec(name) for name in EXTRA):
        raise UserError(sentence("sandbox.not_installed"))


async def _serve(
    invocation: Invocation, folder: Path, port: int, mail: tuple[Path, ...], *, fresh: bool, tls: bool
) -> None:
    from tradepost.demo.served import open_sandbox  # noqa: PLC0415 - needs the optional packages

    with until_stopped() as stop:
        opened = open_sandbox(folder, invocation.language, port=port, mail=mail, key_fields=not fresh, tls=tls)
        async with opened as sandbox:
            invocation.print_json(sandbox.as_dict())
            invocation.out.file.flush()
            command = shlex.join([*program(), "-c", str(sandbox.config), "setup" if fresh else "check"])
            if sandbox.served.ca_file:
                invocation.err.print(invocation.say("sandbox.trust", file=sandbox.served.ca_file), soft_wrap=True)
            invocation.err.print(invocation.say("sandbox.running", command=command), soft_wrap=True)
            await stop.wait()


def program() -> list[str]:
    """How this program was called, for commands that are shown."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return ["python", "-m", "tradepost"]
    if called.parent.resolve() in [Path(p).resolve() for p in os.get_exec_path()]:
        return [called.name]
    here = Path.cwd()
    return [str(called.relative_to(here) if called.is_absolute() and called.is_relative_to(here) else called)]
