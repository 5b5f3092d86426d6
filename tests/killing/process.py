"""The processes of a trial: the sandbox that is asked and armed, and a daemon that is watched and struck."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

DEAD_WITHIN = 10.0  # seconds for the workers of a killed process to notice
LINE = 64 * 1024**2  # the sandbox's last report is one long line


def program(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """A Python program of this checkout, and what it needs around it."""
    return [sys.executable, "-m", *arguments], {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}


class Vendors:
    """The sandbox in its process."""

    def __init__(self, process: asyncio.subprocess.Process, config: Path) -> None:
        self.config = config
        self._process = process
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._armed = 0
        self._tripped = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            if "tripped" not in message:
                self._answers.put_nowait(message)
            elif message["tripped"] == self._armed:
                self._tripped.set()

    async def arm(self, after: int, kind: str = "read") -> asyncio.Event:
        """Set as soon as so many more requests have come, and with "write" a write behind them."""
        self._armed += 1
        self._tripped = asyncio.Event()
        await self._order({"do": "arm", "id": self._armed, "after": after, "kind": kind})
        return self._tripped

    async def ask(self, what: str) -> dict[str, Any]:
        await self._order({"do": what})
        return await self._answers.get()

    async def arrive(self, number: int) -> None:
        """A live mail comes in."""
        await self._order({"do": "arrive", "number": number})

    async def _order(self, order: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def vendors(folder: Path, pair: tuple[str, str], mails: int, seed: int) -> AsyncIterator[Vendors]:
    """Start the sandbox; it ends with the block."""
    command, environ = program("tests.killing.vendors", str(folder), *pair, str(mails), str(seed))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environ, limit=LINE)
    try:
        assert process.stdout
        found = Vendors(process, Path(json.loads(await process.stdout.readline())["config"]))
        yield found
        found._reading.cancel()
    finally:
        process.kill()
        await process.wait()


class Daemon:
    """One life of `tradepost run`, and what it tells the service manager."""

    def __init__(self, process: asyncio.subprocess.Process, said: asyncio.Queue[str]) -> None:
        self._process = process
        self._said = said
        self.end = asyncio.create_task(process.wait())

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        if not self.end.done():
            os.kill(self._process.pid, number)

    def make_room(self) -> None:
        """From now on files may grow."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    async def heard(self, beginning: str, within: float) -> bool:
        """Whether it tells something that begins so, before it ends or the time is over."""
        try:
            async with asyncio.timeout(within):
                while not self.end.done():
                    said = asyncio.create_task(self._said.get())
                    await asyncio.wait({said, self.end}, return_when=asyncio.FIRST_COMPLETED)
                    if not said.done():
                        said.cancel()
                    elif said.result().startswith(beginning):
                        return True
        except TimeoutError:
            return False
        return False

    async def ended(self, within: float) -> int | None:
        """The exit code, or None when it does not end in time."""
        await asyncio.wait({self.end}, timeout=within)
        return self.end.result() if self.end.done() else None


class Manager(asyncio.DatagramProtocol):
    """The service manager's end of the notification socket."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()

    def datagram_received(self, data: bytes, _: object) -> None:
        self.said.put_nowait(data.decode())


@asynccontextmanager
async def daemon(config: Path, log: IO[str], *, largest: int | None = None) -> AsyncIterator[Daemon]:
    """Start the daemon in a process group of its own; whatever is left of it at the end is killed.

    With `largest` no file may grow beyond so many bytes until `Daemon.make_room`, as if the disk was full.
    """
    command, environ = program("tradepost", "-c", str(config), "run")
    # Python would leave half a compiled module behind, and go on with it the next time.
    environ |= {"PYTHONDONTWRITEBYTECODE": "1"} if largest is not None else {}
    place = config.parent / "notify"
    place.unlink(missing_ok=True)
    loop = asyncio.get_running_loop()
    transport, manager = await loop.create_datagram_endpoint(Manager, local_addr=str(place), family=socket.AF_UNIX)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=log,
        start_new_session=True,
        preexec_fn=None if largest is None else partial(_limit, largest),
        env={**environ, "NOTIFY_SOCKET": str(place)},
    )
    found = Daemon(process, manager.said)
    try:
        yield found
    finally:
        found.signal(signal.SIGKILL)
        await found.end
        transport.close()


def _limit(largest: int) -> None:
    """setrlimit(2): a write beyond it fails with EFBIG, for Python ignores SIGXFSZ."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


async def left_of(group: int) -> int:
    """How many processes of an ended one's group are still there after a while; they are killed too."""
    for _ in range(int(DEAD_WITHIN / 0.05)):
        if not _members(group):
            return 0
        await asyncio.sleep(0.05)
    left = _members(group)
    if left:
        os.killpg(group, signal.SIGKILL)
    return len(left)


def _members(group: int) -> list[int]:
    """Living processes of a group: fields 3 and 5 of /proc/PID/stat, proc(5)."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(folder.name))
    return found
