"""What administrators do: apps, permissions, policies, sign-ins, limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from tradepost.sandbox.graph import assertion
from tradepost.sandbox.graph.auth import REFRESH_LIFE, Grant
from tradepost.sandbox.graph.mailbox import Mailbox
from tradepost.sandbox.graph.people import App, Secret, State, User
from tradepost.sandbox.graph.tenant import Tenant

APP = "tradepost"
ROLES = ("Mail.Read", "User.Read.All")
SCOPES = ("Mail.Read", "Mail.Read.Shared", "User.Read")
SECRET_LIFE = timedelta(days=730)


class AdminActs(Tenant):
    """A tenant in its administrators' hands."""

    CONTROLS: tuple[str, ...] = (
        "register_app",
        "certificate_file",
        "set_permissions",
        "set_access_policy",
        "set_management_scope",
        "new_secret",
        "expire_secrets",
        "expire_tokens",
        "revoke_sign_ins",
        "approve_device",
        "set_consent",
        "refresh_token",
        "set_limits",
        "set_mailbox_state",
        "share_mailbox",
        "rename_user",
    )

    def user(self, address: str) -> User:
        """By any address, name or id. Raises KeyError."""
        found = self.directory.find(address)
        if found is None:
            raise KeyError(f"No user {address}")
        return found

    def mailbox(self, address: str) -> Mailbox:
        """Raises KeyError for an address nobody has."""
        box = self.user(address).box
        if box is None:
            raise KeyError(f"No mailbox {address}")
        return box

    # ------------------------------------------------------------------------------------------------------------ apps

    def registered(self, name: str = APP) -> App:
        """An app by its name, with one secret and one certificate; made once."""
        found = next((app for app in self.directory.apps.values() if app.name == name), None)
        if found is None:
            guid = self.directory.guid
            found = App(guid(), guid(), name, ROLES, SCOPES)
            self.directory.apps[found.client_id] = found
            self.new_secret(name=name)
        return found

    def register_app(
        self,
        name: str,
        *,
        roles: Sequence[str] = ROLES,
        scopes: Sequence[str] = SCOPES,
        public_client: bool = True,
        redirect_uris: Sequence[str] = ("http://localhost",),
    ) -> dict[str, str]:
        """A new app with `roles` consented for the tenant and `scopes` for every user; the answer signs in."""
        app = self.registered(name)
        app.roles, app.delegated, app.public_client = tuple(roles), tuple(scopes), public_client
        app.redirect_uris = tuple(redirect_uris)
        return {"tenant": self.directory.tenant, "client_id": app.client_id, "client_secret": app.secrets[-1].value}

    def new_secret(self, *, name: str = APP) -> str:
        """Another client secret; those before it go on."""
        app = self.registered(name)
        value = self.tokens.opaque("aB3", 27).replace("_", "~")
        app.secrets.append(Secret(value, self.directory.guid(), self.world.clock.now() + SECRET_LIFE))
        return value

    def expire_secrets(self, *, name: str = APP) -> None:
        """All client secrets of an app are over."""
        for secret in self.registered(name).secrets:
            secret.expires = self.world.clock.now()

    def certificate_file(self, *, name: str = APP) -> str:
        """A certificate with its private key as PEM, registered for the app; the same at every call."""
        pem, private = assertion.certificate(name)
        self.registered(name).certificates.update(assertion.thumbprints(pem))
        return private + pem

    def set_permissions(self, roles: Sequence[str], *, scopes: Sequence[str] | None = None, name: str = APP) -> None:
        """Consents change: new tokens carry these; those given out keep what they have."""
        app = self.registered(name)
        app.roles = tuple(roles)
        app.delegated = app.delegated if scopes is None else tuple(scopes)

    def set_access_policy(self, mailboxes: Sequence[str] | None, *, name: str = APP) -> None:
        """The app reaches these mailboxes only (application access policy); None takes the policy away."""
        ids = None if mailboxes is None else frozenset(self.user(m).id for m in mailboxes)
        self.registered(name).policy = ids

    def set_management_scope(self, role: str, mailboxes: Sequence[str] | None, *, name: str = APP) -> None:
        """RBAC for Applications: a role such as Mail.Read for these mailboxes; None takes it away.

        It adds to what was consented for the tenant: without `set_permissions([])` it narrows nothing.
        """
        scoped = self.registered(name).scoped
        if mailboxes is None:
            scoped.pop(role, None)
        else:
            scoped[role.removeprefix("Application ")] = frozenset(self.user(m).id for m in mailboxes)

    # --------------------------------------------------------------------------------------------------------- sign-in

    def expire_tokens(self) -> None:
        """Every access token dies; refresh tokens and secrets go on."""
        self.tokens.access.clear()

    def revoke_sign_ins(self, user: str = "") -> None:
        """Refresh tokens of one user, or of all, die."""
        self.tokens.revoke(self.user(user).id if user else "")

    def approve_device(self, user_code: str, user: str, *, decline: bool = False) -> None:
        """A person enters a device code and signs in, or declines."""
        self.tokens.answer_device(user_code, self.user(user).id, decline=decline)

    def set_consent(self, *, user: str = "", deny: bool = False) -> None:
        """Who signs in at the sign-in page without being asked; '' shows the page."""
        self.platform.consent.user, self.platform.consent.deny = user, deny

    def refresh_token(self, mailbox: str, *, scopes: Sequence[str] = ("Mail.Read",), name: str = APP) -> str:
        """A refresh token as if the user had signed in."""
        app, token = self.registered(name), self.tokens.opaque("0.AXEA", 96)
        expires = self.world.clock.now() + REFRESH_LIFE
        audience = "https://graph.microsoft.com"
        self.tokens.grants[token] = Grant(app.client_id, self.user(mailbox).id, tuple(scopes), audience, expires)
        return token

    # ----------------------------------------------------------------------------------------------- mailboxes, limits

    def set_limits(
        self,
        *,
        requests: int | None = None,
        window_seconds: int | None = None,
        concurrent: int | None = None,
        service_seconds: float | None = None,
        upload_bytes: int | None = None,
    ) -> None:
        """Change limits; what is None stays. See `quota.Limits`."""
        given = {
            "requests": requests,
            "window_seconds": window_seconds,
            "concurrent": concurrent,
            "service_seconds": service_seconds,
            "upload_bytes": upload_bytes,
        }
        for name, value in given.items():
            if value is not None:
                setattr(self.meter.limits, name, value)

    def set_mailbox_state(self, mailbox: str, state: Literal["enabled", "on_premises", "undiscovered"]) -> None:
        """Anything but `enabled` answers 404 for every call at the mailbox."""
        self.user(mailbox).state = State(state)

    def share_mailbox(self, mailbox: str, reader: str) -> None:
        """Full access for another user, as to a shared mailbox."""
        owner = self.user(mailbox)
        owner.shared_with = (*owner.shared_with, self.user(reader).id)

    def rename_user(self, old: str, new: str) -> None:
        """Another user principal name and address; the object id stays, the old address becomes an alias."""
        self.directory.rename(self.user(old), new)

    def credentials(self, base_url: str) -> dict[str, Any]:
        """Everything that signs in at this vendor, and the mailboxes there are."""
        app = self.registered()
        return {
            "mailboxes": sorted(user.mail for user in self.directory.users.values() if user.box),
            "tenant": self.directory.tenant,
            "client_id": app.client_id,
            "client_secret": app.secrets[-1].value,
            "authority": f"{base_url.rstrip('/')}/{self.directory.tenant}",
            "graph_root": base_url.rstrip("/"),
            "scope": "https://graph.microsoft.com/.default",
        }
