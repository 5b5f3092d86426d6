"""Fixtures of the Zoho sandbox."""

from collections.abc import Callable

import pytest

from tests.sandbox_zoho.zoho_site import Scenario, play


@pytest.fixture
def on_site() -> Callable[..., None]:
    """Runs a scenario on a new organisation that keeps every rule."""
    return play


__all__ = ["Scenario"]
