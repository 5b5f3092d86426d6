"""The tenant's directory: users with their names, apps with their rights, and who may reach which mailbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from random import Random
from uuid import UUID

from tradepost.sandbox.graph.mailbox import Mailbox

# https://learn.microsoft.com/graph/permissions-reference
READ_MAIL = ("Mail.Read", "Mail.ReadWrite")
READ_BASIC = (*READ_MAIL, "Mail.ReadBasic", "Mail.ReadBasic.All")
READ_USERS = (
    "User.Read.All",
    "User.ReadBasic.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)


class State(StrEnum):
    """What became of a user's mailbox."""

    ENABLED = "enabled"
    ON_PREMISES = "on_premises"  # or unlicensed
    UNDISCOVERED = "undiscovered"  # the same at another hour


@dataclass(slots=True, eq=False)
class User:
    """A directory user. `box` is None for one who never had a mailbox. Addresses are lower-case."""

    id: str
    upn: str
    mail: str
    name: str
    aliases: tuple[str, ...]
    created: datetime
    box: Mailbox | None = None
    state: State = State.ENABLED
    shared_with: tuple[str, ...] = ()  # ids of users with full access
    member: bool = True

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.mail, *self.aliases)))


@dataclass(slots=True)
class Secret:
    value: str
    key_id: str
    expires: datetime


@dataclass(slots=True)
class App:
    """An app registration with its service principal.

    `roles` are application permissions consented for the tenant; `scoped` are roles given in Exchange for some
    mailboxes only (RBAC for Applications); `policy` is the application access policy: ids of users it may reach, None
    for no policy. `delegated` are scopes an administrator consented for everybody.
    """

    client_id: str
    object_id: str
    name: str
    roles: tuple[str, ...] = ()
    delegated: tuple[str, ...] = ()
    secrets: list[Secret] = field(default_factory=list)
    certificates: dict[str, str] = field(default_factory=dict)  # thumbprint in hex -> public key as PEM
    scoped: dict[str, frozenset[str]] = field(default_factory=dict)
    policy: frozenset[str] | None = None
    public_client: bool = True
    redirect_uris: tuple[str, ...] = ("http://localhost",)


@dataclass(slots=True)
class Directory:
    """The users and apps of one tenant. Chance comes from a seed of its own."""

    domain: str
    random: Random
    tenant: str = ""
    users: dict[str, User] = field(default_factory=dict)  # by id
    apps: dict[str, App] = field(default_factory=dict)  # by client id
    _keys: dict[str, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tenant = self.tenant or self.guid()

    def guid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    @property
    def names(self) -> frozenset[str]:
        """What may stand for the tenant in an authority."""
        return frozenset({self.tenant, self.domain, f"{self.domain.split('.')[0]}.onmicrosoft.com"})

    def add(self, user: User) -> None:
        self.users[user.id] = user
        self._index(user)

    def _index(self, user: User) -> None:
        for key in (user.id, user.upn, *user.addresses):
            self._keys[key.lower()] = user

    def find(self, key: str) -> User | None:
        """By object id, user principal name or any address."""
        return self._keys.get(key.lower())

    def principal(self, key: str) -> User | None:
        """By object id or user principal name, which is all the directory itself looks at."""
        found = self.find(key)
        return found if found and key.lower() in (found.id, found.upn.lower()) else None

    def rename(self, user: User, upn: str) -> None:
        """The old name is free from now on."""
        del self._keys[user.upn.lower()]
        user.upn = upn
        user.aliases = (*user.aliases, user.mail)
        user.mail = upn.lower()
        self._index(user)

    def remove(self, user: User) -> None:
        del self.users[user.id]
        self._keys = {key: value for key, value in self._keys.items() if value is not user}
