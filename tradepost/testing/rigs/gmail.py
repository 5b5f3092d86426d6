"""Gmail on its bench."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.base.errors import AuthFailed, NotPermitted, RateLimited, Transient
from tradepost.sandbox.gmail.host import GmailHost
from tradepost.sandbox.kernel import World
from tradepost.testing.rig import Refusals
from tradepost.testing.rigs.hosted import HostedMail

_ACCOUNTS: dict[str, Any] = {}
_PAGE = 500  # the most that Gmail lists at once, and what the connector asks for


class GmailRig(HostedMail):
    name = "gmail"
    settings: ClassVar = {
        "scopes": [
            "https://www.googleapis.com/auth/gmail.readonly",
            "https://www.googleapis.com/auth/gmail.settings.basic",
        ]
    }
    asks = "*.history.list"
    lists = "*.messages.list"
    reads = "*.messages.get"
    change_page = _PAGE
    list_page = _PAGE
    refusals: ClassVar[Refusals] = {
        AuthFailed: (401, ""),
        NotPermitted: (403, "insufficientPermissions"),
        RateLimited: (429, ""),
        Transient: (503, ""),
    }

    def __init__(self, world: World) -> None:
        host = GmailHost(world, domain=self.domain)
        self.gmail = host.vendor
        # Making and checking an RSA key takes most of a tenth of a second: all rigs have one service account.
        self.gmail.directory.accounts.update(_ACCOUNTS)
        self.house(host, host.vendor)
        _ACCOUNTS.update(self.gmail.directory.accounts)

    def expire_cursors(self, mailbox: str) -> None:
        self.gmail.expire_history(mailbox)

    def stay_quiet(self, mailbox: str) -> None:
        self.gmail.silent_changes(mailbox, _PAGE * 2)

    def crowd(self) -> None:
        self.gmail.set_quota(concurrent=1)
