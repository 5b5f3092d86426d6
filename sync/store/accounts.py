"""What the targets' accounts were last seen to offer."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from connectors.base.model import Capability, WriteKind
from sync.schema import tables as t
from sync.store import codec


class Accounts:
    """Every target's account, read at once."""

    def __init__(self, c: Connection) -> None:
        rows = c.execute(select(t.targets.c.name, t.targets.c.account))
        self._accounts = {row.name: codec.account.load(row.account) for row in rows}

    def can(self, target: str) -> Mapping[WriteKind, Capability]:
        """What a target offers; nothing for one that was never seen."""
        account = self._accounts.get(target)
        return account.capabilities if account else {}

    def id(self, target: str) -> str:
        """Raises KeyError for a target that was never seen."""
        return self._accounts[target].account_id
