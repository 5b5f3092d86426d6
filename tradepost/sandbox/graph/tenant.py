"""One tenant: all that is true of it between two calls, and what goes on inside it whoever asks.

The calls of the API are above this file and change it; so do people and administrators (`acts`, `admin`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from random import Random

from tradepost.sandbox.graph import post
from tradepost.sandbox.graph.auth import Token, Tokens
from tradepost.sandbox.graph.mailbox import Item
from tradepost.sandbox.graph.people import App, Directory, User
from tradepost.sandbox.graph.platform import Platform
from tradepost.sandbox.graph.quota import Limits, Meter
from tradepost.sandbox.graph.rounds import Memory
from tradepost.sandbox.graph.strictness import Strictness
from tradepost.sandbox.kernel import World


@dataclass(frozen=True, slots=True)
class Subscription:
    """Whom to tell of changes: https://learn.microsoft.com/graph/api/resources/subscription."""

    id: str
    app: str
    user: str  # whose mailbox
    creator: str
    resource: str
    change_type: str
    url: str
    lifecycle_url: str
    client_state: str
    expires: datetime
    rich: bool
    certificate: str


class Tenant:
    """State lives in `directory`, its users' mailboxes and `tokens`. `strict` says which of the vendor's rules hold."""

    def __init__(
        self,
        world: World,
        *,
        seed: int = 0,
        limits: Limits | None = None,
        domain: str = "ours.example",
        strict: Strictness | None = None,
    ) -> None:
        self.world = world
        self.seed = seed
        self.domain = domain
        self.strict = strict or Strictness()
        self.random = Random(f"graph-{seed}")
        self.directory = Directory(domain, Random(f"graph-directory-{seed}"))
        self.tokens = Tokens(self.directory, Random(f"graph-tokens-{seed}"), self.strict)
        self.platform = Platform(self.directory, self.tokens, Random(f"graph-platform-{seed}"))
        self.meter = Meter(self.strict, limits or Limits())
        self.subscriptions: dict[str, Subscription] = {}
        self.memories: dict[str, Memory] = {}
        self.calls: Counter[str] = Counter()
        self.calm = False

    def app(self, token: Token) -> App:
        return self.directory.apps[token.app]

    def memory(self, user: User) -> Memory:
        """A mailbox's sync states."""
        found = self.memories.get(user.id)
        if found is None:
            found = self.memories[user.id] = Memory(f"{self.seed}-{user.id}", self.strict)
        found.calm = self.calm
        return found

    # ------------------------------------------------------------------------------------------------------------ post

    def message_id(self) -> str:
        """What Exchange names a mail it makes."""
        return f"{self.random.getrandbits(128):032X}@{self.random.getrandbits(40):010X}.eurprd04.prod.outlook.com"

    def spread(self, mail: bytes, at: datetime | None) -> dict[str, str]:
        """Put a mail into the Inbox of each recipient of ours; the answer maps each mailbox to the id there."""
        now = self.world.clock.now()
        _, recipients = post.people(mail)
        found: dict[str, str] = {}
        for user in dict.fromkeys(u for address in recipients if (u := self.directory.find(address))):
            if user.box is not None:
                copy = post.delivered(mail, f"{self.random.getrandbits(64):016x}", at or now)
                found[user.mail] = user.box.add(copy, user.box.known("inbox"), now, at=at).immutable_id
        return found

    def send_draft_item(self, user: User, item: Item) -> None:
        """Send a draft now, as its owner."""
        now = self.world.clock.now()
        if user.box is not None:
            user.box.sent(item, post.submitted(item.raw, user.mail, self.message_id(), now), now)
            self.spread(item.raw, None)
