from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sandbox_gmail.desk import Scenario, runner
from tradepost.sandbox.gmail.strictness import Strictness


@pytest.fixture
def on_desk() -> Callable[[Scenario], None]:
    """Runs a scenario on virtual time in a fresh domain as Google has it."""
    return runner(Strictness())
