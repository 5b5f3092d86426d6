"""Orgs for the tests of this directory."""

from collections.abc import Callable

import pytest

from tests.sandbox_salesforce import salesforce_site
from tests.sandbox_salesforce.salesforce_site import runner
from tradepost.sandbox.salesforce import ConnectedClient, Strictness


@pytest.fixture
def key_pair() -> ConnectedClient:
    """An RSA key and its certificate."""
    return salesforce_site.key_pair()


@pytest.fixture
def on_site() -> Callable[..., None]:
    """Runs a scenario on a fresh org as Salesforce has it."""
    return runner(Strictness())
