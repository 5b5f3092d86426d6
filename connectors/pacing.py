"""Quotas kept on our side: a bucket per quota, on the loop's own clock."""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter

from connectors.base.services import HttpSpec, Quota

BURST = 0.07
"""Part of a quota that may be used at once.

A bucket of burst b that leaks at rate r lets through b + r * window in any window. A small burst keeps that within the
grant for as small a part of the pace; a bucket as large as the grant would overdraw twofold. A call dearer than the
burst overdraws too, since its pieces arrive together: a batch of 20 Gmail messages, 400 units of 6000 a minute, is not.
"""

STRAY = 0.015
"""Part of a quota that is left, because calls do not arrive as evenly as they are sent."""


class Bucket:
    """One quota, shared by whoever holds it."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self.burst = min(quota.units, max(1.0, quota.units * BURST))
        # The first unit of a burst coincides with the last of the window before, hence one more.
        steady = max((quota.units - self.burst + min(1.0, quota.units)) * (1 - STRAY), self.burst)
        self._limiter = AsyncLimiter(self.burst, quota.per_seconds * self.burst / steady)
        self._queue = asyncio.Lock()  # first come, first served: the limiter itself prefers small amounts

    async def take(self, units: float) -> None:
        """Wait until `units` are free, then use them. More than one burst is taken piece by piece."""
        async with self._queue:
            while units > 0:
                part = min(units, self.burst)
                await self._limiter.acquire(part)
                units -= part


class Pacing:
    """All buckets of one sender.

    Sessions whose quotas have the same name and the same `Quota.shared` draw from one bucket; without `shared` each
    connection has its own.
    """

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, str], Bucket] = {}

    def open(self, spec: HttpSpec) -> dict[str, Bucket]:
        """The bucket of each quota. Raises `ValueError` when a pool is given in two sizes."""
        return {name: self._bucket(spec.name, name, quota) for name, quota in spec.quotas.items()}

    def _bucket(self, connection: str, name: str, quota: Quota) -> Bucket:
        key = ("shared", quota.shared, name) if quota.shared else ("own", connection, name)
        known = self._buckets.get(key)
        if known is not None and known.quota == quota:
            return known
        if known is not None and quota.shared:
            raise ValueError(f"{connection}: quota {name} of pool {quota.shared} is given in two sizes")
        self._buckets[key] = Bucket(quota)
        return self._buckets[key]
