"""One worker per state file; requests beside it only from its own user; systemd hears of us."""

from __future__ import annotations

import asyncio
import os
import socket
import stat

import pytest

from tradepost.errors import UserError
from tradepost.lock import WorkerLock
from tradepost.service.control import ControlServer, ask
from tradepost.service.notify import Notifier


def test_a_second_worker_is_refused_and_told_who_works(tmp_path):
    first, second = WorkerLock(tmp_path), WorkerLock(tmp_path)
    first.acquire()
    with pytest.raises(UserError) as refusal:
        second.acquire()
    assert str(os.getpid()) in str(refusal.value.sentences[0].values["pid"])
    first.release()
    second.acquire()
    second.release()


def test_requests_are_answered_line_by_line_until_the_end(tmp_path):
    async def count(request):
        for n in range(request["to"]):
            yield {"n": n}

    async def main():
        server = ControlServer(tmp_path / "control.sock", {"count": count})
        await server.open()
        mode = stat.S_IMODE((tmp_path / "control.sock").stat().st_mode)
        answers = [answer async for answer in ask(tmp_path / "control.sock", {"do": "count", "to": 3})]
        unknown = [answer async for answer in ask(tmp_path / "control.sock", {"do": "nonsense"})]
        await server.close()
        return mode, answers, unknown

    mode, answers, unknown = asyncio.run(main())
    assert mode == 0o600
    assert answers == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert unknown == [{"error": "unknown_request"}]


def test_a_socket_left_by_a_killed_daemon_is_replaced_and_no_daemon_is_told_apart(tmp_path):
    path = tmp_path / "control.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()

    async def main():
        with pytest.raises(ConnectionError):
            _ = [a async for a in ask(path, {"do": "x"})]
        server = ControlServer(path, {})
        await server.open()
        answers = [a async for a in ask(path, {"do": "x"})]
        await server.close()
        return answers

    assert asyncio.run(main()) == [{"error": "unknown_request"}]


def test_the_service_manager_is_told(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000000"})
        notifier.ready()
        notifier.status("4 lanes\nrunning")
        notifier.watchdog()
        assert [manager.recv(200) for _ in range(3)] == [b"READY=1", b"STATUS=4 lanes running", b"WATCHDOG=1"]
        assert notifier.watchdog_seconds == 20.0


def test_a_service_manager_that_does_not_read_stops_nothing(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(2000):  # more than any queue of datagrams holds: net.unix.max_dgram_qlen
            notifier.watchdog()


def test_nobody_listening_is_no_trouble(tmp_path):
    Notifier({}).ready()
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
