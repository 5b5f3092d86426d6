"""Microsoft 365 as a simulated company needs it: the same acts and looks as of every mail provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from tradepost.sandbox.graph.mailbox import Item
from tradepost.sandbox.graph.strictness import Strictness
from tradepost.sandbox.graph.vendor import GraphVendor
from tradepost.sandbox.hosts import Connection, HeldMail
from tradepost.sandbox.kernel import World

SECRET = "graph-client-secret"
_PLACES = {
    "inbox": "inbox",
    "sentitems": "sent",
    "archive": "archive",
    "junkemail": "junk",
    "deleteditems": "trash",
    "recoverableitemsdeletions": "trash",
    "drafts": "draft",
}


def place_of(item: Item) -> str:
    """inbox, sent, archive, junk, trash or draft; a folder of one's own counts as the archive unless it lies in one."""
    folder = item.folder
    while folder.parent is not None and folder.well_known not in _PLACES:
        folder = folder.parent
    return _PLACES.get(folder.well_known, "archive")


class GraphHost:
    """One tenant. Mails are named by their immutable ids; `vendor` is what is served."""

    name = "graph"

    def __init__(
        self, world: World, *, seed: int = 0, domain: str = "ours.example", strict: Strictness | None = None
    ) -> None:
        self.vendor = GraphVendor(world, seed=seed, domain=domain, strict=strict)
        self.domain = domain

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(user.mail for user in self.vendor.directory.users.values() if user.box)

    @property
    def host_names(self) -> tuple[str, ...]:
        return self.vendor.hosts

    def add_mailbox(self, address: str, *, aliases: Sequence[str] = (), display_name: str = "") -> str:
        return self.vendor.add_mailbox(address, aliases=aliases, display_name=display_name)

    def deliver_to(
        self, mailbox: str, raw: bytes, *, place: str = "inbox", at: datetime | None = None, thread: str | None = None
    ) -> str:
        return self.vendor.deliver_to(mailbox, raw, place=place, at=at, thread=thread)

    def deliver_to_recipients(self, raw: bytes, *, at: datetime | None = None) -> Mapping[str, str]:
        return self.vendor.deliver_to_recipients(raw, at=at)

    def move(self, mailbox: str, mail: str, place: str) -> None:
        self.vendor.move(mailbox, mail, place)

    def delete_forever(self, mailbox: str, mail: str) -> None:
        self.vendor.delete_forever(mailbox, mail)

    def held(self, mailbox: str) -> tuple[HeldMail, ...]:
        items = self.vendor.mailbox(mailbox).items.values()
        return tuple(HeldMail(item.immutable_id, item.head.message_id, place_of(item)) for item in items)

    def connection(self, base_url: str = "") -> Connection:
        """App-only with a client secret."""
        app = self.vendor.registered()
        auth = {
            "method": "client_secret",
            "tenant": self.vendor.directory.tenant,
            "client_id": app.client_id,
            "client_secret": {"file": SECRET},
        }
        base = base_url.rstrip("/")
        served = {"graph_root": base, "authority": base} if base else {}
        return Connection({"type": "microsoft365", "auth": auth, **served}, {SECRET: app.secrets[-1].value})
