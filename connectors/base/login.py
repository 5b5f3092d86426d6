"""The seam to people who sign in: what a connector's `login` is handed, whatever the vendor's way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from connectors.base.services import Services

Paste = Callable[[], Awaitable[str]]
"""The address a browser ended at, typed in by hand: for machines that the browser cannot reach."""


class Show(Protocol):
    """Shows a person the address to open, in a browser where there is one, and the code to type there, if any."""

    def __call__(self, url: str, code: str = "", /) -> object: ...


class Login(Protocol):
    """Signs one account in. A connector's class has it as `login`, or there is nobody to ask."""

    async def __call__(
        self, config: Any, account: str, services: Services, show: Show, /, *, paste: Paste | None = None
    ) -> str:
        """Have a person consent, check whose account it is, keep the sign-in in the vault; answers the account.

        Raises `AuthFailed`, `NotPermitted`, `Transient`, and `Unsupported` where the configuration needs no person.
        """
        ...
