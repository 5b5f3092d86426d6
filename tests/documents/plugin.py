"""A pytest plugin that records everything the simulators are asked in a run and judges it: -p tests.documents.plugin.

With pytest-xdist each worker judges its own part.
"""

from __future__ import annotations

import pickle
from contextlib import ExitStack

import pytest

from tests.documents.court import Court
from tradepost.sandbox.recorder import Recorder, recording


class Documents:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.court = Court()
        self.stack = ExitStack()

    def pytest_sessionstart(self) -> None:
        self.stack.enter_context(recording(Recorder(most=0, look=self.court.hear)))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.stack.close()
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            court = self.court
            told = (court.heard, court.judged, court.found, court.strange)
            output["documents"] = pickle.dumps(told).hex()
        elif not self.court.content and session.exitstatus == 0:
            session.exitstatus = 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Add what a worker judged."""
        told = getattr(node, "workeroutput", {}).get("documents")
        if told:
            parts = pickle.loads(bytes.fromhex(told))  # noqa: S301 - our own worker wrote it
            court = self.court
            for own, other in zip((court.heard, court.judged, court.found, court.strange), parts, strict=True):
                own.update(other)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("documents as judges")
        for line in self.court.report():
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Documents(config), "documents")
