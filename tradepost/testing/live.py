"""What can be judged on a real account: no vendor-side act, and no write but to records of our own.

Names of these checks are ids of sentences (`conformance.check.NAME`): a person reads them in the terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from connectors.base.services import Call, Http, HttpSpec, Reply, Services
from tradepost.testing.expect import same


@dataclass(slots=True)
class Unsafe:
    """How many calls were sent that may change something, signing in left out."""

    sent: int = 0

    def watch(self, services: Services) -> Services:
        """The same services; what goes out is counted."""

        def open_http(spec: HttpSpec) -> Http:
            return _Counted(services.open_http(spec), self)

        return replace(services, open_http=open_http)

    def none_since(self, before: int) -> None:
        """Raises `Broken` when there were some."""
        same(self.sent - before, 0, "calls that may change something")


class _Counted:
    def __init__(self, http: Http, unsafe: Unsafe) -> None:
        self._http = http
        self._unsafe = unsafe

    async def send(self, call: Call) -> Reply:
        self._unsafe.sent += call.authorised and not call.safe
        return await self._http.send(call)

    async def close(self) -> None:
        await self._http.close()


Connect = Callable[[Services], object]
