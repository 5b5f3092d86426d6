"""The seam to mailboxes. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.base.model import Changes, Fetched, HistoryPage, MailAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class MailCapabilities:
    """Declared facts about a source."""

    page_size: int = 100
    fetch_size: int = 20  # ids one `fetch` call handles well
    units_per_mail: float = 1.0  # for the plan of a backfill: units one mail costs to read
    units_per_minute: float = 600.0  # and how many the provider grants a mailbox


@dataclass(frozen=True, slots=True)
class MailboxScope:
    """Which mailbox a source reads, and what of it. `exclude_labels` are names; each stands for those below it too."""

    address: str
    include_junk: bool = False
    exclude_labels: tuple[str, ...] = ()


class MailSource(Protocol):
    """One mailbox. Every method raises only `connectors.base.errors`."""

    capabilities: MailCapabilities

    async def check(self) -> MailAccount:
        """Ask who we are and what we may do. Missing scopes come back as problems where the account answers at all."""
        ...

    async def baseline(self) -> str:
        """The cursor for "from now on". Taken before any listing."""
        ...

    async def changes(self, cursor: str) -> Changes:
        """What happened since. The same cursor may be asked again and tells at least the same.

        Drafts, and places the configuration leaves out, are not told. Raises `CursorExpired`.
        """
        ...

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        """Ids in scope received in [since, until), newest first where the provider can. `page` is small and storable.

        This is also the listing that coverage is counted from.
        """
        ...

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        """Read any number of mails. Each id comes back as message, unreadable or gone."""
        ...

    async def close(self) -> None:
        """May be called twice."""
        ...
