from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sandbox_graph.graph_desk import Scenario, runner


@pytest.fixture
def on_desk() -> Callable[[Scenario], None]:
    """Runs a scenario on virtual time with a fresh, strict tenant."""
    return runner()
