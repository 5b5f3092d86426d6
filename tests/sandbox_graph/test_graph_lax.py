"""Every promise of `Strictness` has a test that fails when the sandbox does not keep it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from tests.sandbox_graph import test_graph_behaviour, test_graph_behaviour_mail
from tests.sandbox_graph.graph_desk import Scenario, runner
from tradepost.sandbox.graph import Strictness

MODULES = (test_graph_behaviour, test_graph_behaviour_mail)
FIELDS = [field.name for field in fields(Strictness)]


def behaviour(name: str) -> Callable[[Callable[[Scenario], None]], None]:
    """The test named after a field."""
    found = [getattr(module, f"test_{name}") for module in MODULES if hasattr(module, f"test_{name}")]
    assert len(found) == 1, f"{name} has {len(found)} tests"
    test: Callable[[Callable[[Scenario], None]], None] = found[0]
    return test


@pytest.mark.parametrize("name", FIELDS)
def test_the_test_of_a_behaviour_fails_where_the_sandbox_is_lax(name: str) -> None:
    lax = replace(Strictness(), **{name: False})
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        behaviour(name)(runner(lax))


def test_every_test_of_a_behaviour_is_named_after_a_field() -> None:
    named = {name.removeprefix("test_") for module in MODULES for name in vars(module) if name.startswith("test_")}
    assert named == set(FIELDS)
