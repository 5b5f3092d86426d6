"""Accounts for the tests of this directory."""

from collections.abc import Callable

import pytest

from tests.sandbox_hubspot.account import runner
from tradepost.sandbox.hubspot import Strictness


@pytest.fixture
def account() -> Callable[..., None]:
    """An account as HubSpot has it."""
    return runner(Strictness())
