"""For all tests: no deadlines on a shared machine, and the same examples in CI every time."""

from __future__ import annotations

import gc
import os

from hypothesis import HealthCheck, settings

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection_finish() -> None:
    """What imports have made stays for good: the collector need not walk through it again at every turn."""
    gc.collect()
    gc.freeze()
