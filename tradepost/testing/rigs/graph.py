"""Microsoft 365 on its bench."""

from __future__ import annotations

from typing import ClassVar

from connectors.base.errors import AuthFailed, NotPermitted, RateLimited, Transient
from tradepost.sandbox.graph.host import GraphHost
from tradepost.sandbox.kernel import World
from tradepost.testing.rig import Refusals
from tradepost.testing.rigs.hosted import HostedMail


class GraphRig(HostedMail):
    name = "microsoft365"
    settings: ClassVar = {"page_size": 5}
    asks = "users.mailFolders.messages.delta"
    lists = "users.ListMessages"
    reads = "users.GetMessage"
    change_page = 5
    list_page = 500
    edge = 1.0  # receivedDateTime has whole seconds
    refusals: ClassVar[Refusals] = {
        AuthFailed: (401, ""),
        NotPermitted: (403, ""),
        RateLimited: (429, ""),
        Transient: (500, ""),
    }
    unreadable: ClassVar = (500, "ErrorMimeContentConversionFailed")
    lacks: ClassVar = {"stay_quiet": "every change is told"}
    heals = True  # one folder is listed again
    tells_when = True

    def __init__(self, world: World) -> None:
        host = GraphHost(world, domain=self.domain)
        self.graph = host.vendor
        self.house(host, host.vendor)

    def expire_cursors(self, mailbox: str) -> None:
        self.graph.expire_sync_state(mailbox)

    def crowd(self) -> None:
        self.graph.meter.limits.concurrent = 1
