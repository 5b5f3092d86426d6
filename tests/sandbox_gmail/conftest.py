from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.sandbox_gmail.desk import Desk, on_fresh_desk
from tradepost.sandbox.virtual import run


@pytest.fixture
def on_desk() -> Callable[[Callable[[Desk], Awaitable[None]]], None]:
    """Runs a scenario on virtual time with a fresh domain."""
    return lambda scenario: run(on_fresh_desk(scenario))
