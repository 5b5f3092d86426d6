"""A pytest plugin, off by default, that searches all a test run says for secrets, texts, subjects and addresses.

``pytest -p tests.secrets.plugin tests/paths`` (without ``-n``); ``--loud`` switches redaction off, and then it must find.
The run fails when anything was found.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.secrets.overhear import Ear, wire

SHOWN = 40


class Listener:
    """Searches after each test; says at the end what was found."""

    def __init__(self) -> None:
        self.ear = Ear()
        self._module = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item, nextitem):
        module = item.nodeid.partition("::")[0]
        if module != self._module:
            self.ear.forget()
            self._module = module
        done = yield
        self.ear.search(item.nodeid)
        return done

    def pytest_sessionfinish(self, session):
        self.ear.forget()
        if self.ear.found and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        ear = self.ear
        kinds = Counter(one.kind for one in ear.found)
        said = ", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items())) or "0"
        terminalreporter.section("planted and known words")
        terminalreporter.line(f"{ear.known} words, {ear.lines} lines, {ear.cells} texts of state files. Found: {said}.")
        first = {(one.where, one.kind): one for one in reversed(ear.found)}
        for one in sorted(first.values(), key=lambda one: (one.where, one.kind))[:SHOWN]:
            terminalreporter.line(str(one))


def pytest_addoption(parser):
    parser.addoption("--loud", action="store_true", help="switch redaction off: the search must find")


def pytest_configure(config):
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("tests.secrets.plugin listens in one process: without -n")
    listener = Listener()
    patch = pytest.MonkeyPatch()
    wire(listener.ear, patch, loud=config.getoption("--loud"))
    config.add_cleanup(patch.undo)
    config.pluginmanager.register(listener, "overhear")
