"""The seam to CRMs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from connectors.base.errors import ConnectorError
from connectors.base.model import Attempt, Customer, Deal, Finding, Page, Problem, Receipt, TargetAccount, User


class CrmTarget(Protocol):
    """One CRM account. Every method raises only `connectors.base.errors`."""

    @property
    def usage(self) -> float:
        """Share of the account's call pool that is used up, 0 to 1; 0 where the vendor does not tell."""
        ...

    async def check(self) -> TargetAccount:
        """Ask who we are, which stages exist, and what each kind of write can do here. Sends no write."""
        ...

    async def users(self) -> tuple[User, ...]:
        """All users, inactive ones too."""
        ...

    async def customers(self, cursor: str | None) -> Page[Customer]:
        """Contacts, leads and companies: all of them from None, changes (deletions and merges too) from a cursor.

        A row may come more than once. An unusable cursor raises `CursorExpired`.
        """
        ...

    async def deals(self, cursor: str | None) -> Page[Deal]:
        """Deals likewise. Closed ones come at least as changes, so that the mirror can close its copy."""
        ...

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        """Every record that bears one of these, asked now. An empty question costs no call."""
        ...

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        """For each attempt, in order: is it there? Asked only after `Capability.settles_after`."""
        ...

    async def write_many(self, attempts: Sequence[Attempt]) -> tuple[Receipt | ConnectorError, ...]:
        """Send them; the answer of each, in order. Raises only what holds for all of them alike.

        No two of one order key come together. `Attempt.done_steps` are not repeated. An existing record with the key
        is `Effect.EXISTING`, never an error.
        """
        ...

    async def close(self) -> None:
        """May be called twice."""
        ...


class Provisioning(Protocol):
    """Optional: a target that can create what it needs (key fields, permission). Used by `tradepost setup` only."""

    async def plan_setup(self) -> tuple[str, ...]:
        """The changes that are missing, one sentence each; empty when nothing is."""
        ...

    async def apply_setup(self) -> tuple[Problem, ...]:
        """Make them; what could not be made comes back as problems."""
        ...
