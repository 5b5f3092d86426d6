"""Requests beside the daemon: JSON lines over a Unix socket that only the service's own user may open.

A request is ``{"do": NAME, ...}``; every answer line is an object, the last one has ``"end": true``.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
Handler = Callable[[Mapping[str, Any]], AsyncIterator[Answer]]

MAX_LINE = 64 * 1024
PATIENCE = 30.0  # seconds for which a request is waited for
MAX_PATH = 107  # bytes of a socket's path: unix(7)


def control_socket(folder: Path) -> Path:
    """The socket of the daemon that works on a state folder, or the link to it."""
    return folder / "control.sock"


class ControlServer:
    """Serves the daemon's requests. `handlers` map a name to what yields its answers."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. A socket that a killed daemon left is replaced; the worker lock tells that nobody owns it."""
        self._path.unlink(missing_ok=True)
        old = os.umask(0o177)
        try:
            with _short(self._path) as path:
                self._server = await asyncio.start_unix_server(self._serve, path=path, limit=MAX_LINE)
        finally:
            os.umask(old)

    async def close(self) -> None:
        """May be called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _peer_uid(writer) not in (os.getuid(), 0):
                await _say(writer, {"error": "not_owner", "end": True})
                return
            async with asyncio.timeout(PATIENCE):
                line = await reader.readline()
            async for answer in self._answers(line):
                await _say(writer, answer)
            await _say(writer, {"end": True})
        except (ConnectionError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            return  # the client left, sent a line without an end, or nothing
        finally:
            writer.close()

    async def _answers(self, line: bytes) -> AsyncIterator[Answer]:
        try:
            request = json.loads(line)
            handler = self._handlers[request["do"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            yield {"error": "unknown_request"}
            return
        async for answer in handler(request):
            yield answer


@contextmanager
def _short(path: Path) -> Iterator[Path]:
    """Another name of a path that is too long for a socket's address, through its open folder."""
    if len(os.fsencode(path)) <= MAX_PATH:
        yield path
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    sock = writer.get_extra_info("socket")
    packed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", packed)[1])


def _say(writer: asyncio.StreamWriter, answer: Answer) -> Awaitable[None]:
    writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
    return writer.drain()


async def ask(path: Path, request: Mapping[str, Any]) -> AsyncIterator[Answer]:
    """Send one request and yield its answers. Raises `ConnectionError` when no daemon listens or it dies midway."""
    try:
        with _short(path) as short:
            reader, writer = await asyncio.open_unix_connection(short, limit=MAX_LINE)
    except (FileNotFoundError, ConnectionRefusedError, PermissionError) as error:
        raise ConnectionError(str(path)) from error
    try:
        await _say(writer, dict(request))
        while line := await reader.readline():
            answer = json.loads(line)
            if answer.pop("end", False):
                if answer:
                    yield answer
                return
            yield answer
        raise ConnectionResetError(str(path))
    finally:
        writer.close()
