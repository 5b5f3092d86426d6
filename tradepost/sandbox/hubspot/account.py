"""One account: what it consists of with its keys, pools and files. Calls and people above it change it."""

from __future__ import annotations

from random import Random

from connectors.base.services import Clock
from tradepost.sandbox.hubspot.auth import App, Auth
from tradepost.sandbox.hubspot.files import StoredFile
from tradepost.sandbox.hubspot.limits import Pools
from tradepost.sandbox.hubspot.records import Source
from tradepost.sandbox.hubspot.state import Actor, Owner, PortalState, Settings
from tradepost.sandbox.hubspot.strictness import Strictness

ADMIN_USER = 10_000_001


class Account:
    """One account with an administrator, a service key and an OAuth app."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        strictness: Strictness | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.state = PortalState(clock, random, strictness or Strictness(), settings)
        self.pools = Pools(self.state)
        self.files: dict[str, StoredFile] = {}
        self.auth = Auth(self.state, ADMIN_USER, "admin@harbour-trading.example")
        self.key = App(id="3100001", name="Tradepost", key=f"pat-na1-{self.state.uuid()}")
        self.app = App(
            id="3100002", name="Tradepost (OAuth)", client_id=self.state.uuid(), client_secret=self.state.uuid()
        )
        self.auth.apps += [self.key, self.app]
        self.refresh_token = self.auth.new_refresh_token(self.app)
        self.admin = self.add_owner("admin@harbour-trading.example", "Alex", "Admin", user_id=ADMIN_USER)

    def person(self, by: str = "") -> Actor:
        user = self.state.owners[by].user_id if by else ADMIN_USER
        return Actor(Source("CRM_UI", f"userId:{user}", user))

    def add_owner(self, email: str, first_name: str = "", last_name: str = "", *, user_id: int = 0) -> str:
        """A user of the account; the answer is the owner's id, which is not the user's."""
        now = self.state.now()
        made = Owner(
            id=self.state.new_id(),
            email=email,
            first_name=first_name,
            last_name=last_name,
            user_id=user_id or 40_000_000 + len(self.state.owners),
            created_at=now,
            updated_at=now,
        )
        self.state.owners[made.id] = made
        return made.id

    def opt_out(self, address: str) -> None:
        """An address unsubscribes from everything."""
        self.state.opted_out[address.lower()] = self.state.now()
        found = self.state.by_unique(self.state.kind_of("contacts"), "email", address)
        if found is not None:
            self.state.write(found, {"hs_email_optout": "true"}, Source("EMAIL_UNSUBSCRIBE"))
