"""Keys, apps and tokens.

https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from tradepost.sandbox.hubspot.errors import unauthorised
from tradepost.sandbox.hubspot.records import Source
from tradepost.sandbox.hubspot.scopes import EVERYTHING
from tradepost.sandbox.hubspot.state import Actor, PortalState


class OAuthRefused(Exception):
    """The token endpoint says no; `body` is the answer."""

    def __init__(self, status: str, error: str, description: str, code: int = 400) -> None:
        super().__init__(description)
        self.body = {"status": status, "error": error, "error_description": description, "message": description}
        self.code = code


@dataclass(slots=True, kw_only=True)
class App:
    """A service key's or an OAuth app's rights in the account. Its id is what histories name."""

    id: str
    name: str
    scopes: frozenset[str] = EVERYTHING
    key: str = ""  # of a service key
    client_id: str = ""
    client_secret: str = ""
    redirect_uri: str = "http://localhost:8765/callback"

    @property
    def oauth(self) -> bool:
        return bool(self.client_id)


@dataclass(slots=True)
class Token:
    """An OAuth token: until when it holds, for whom."""

    app: App
    expires_at: datetime | None = None
    revoked: bool = False


@dataclass(slots=True)
class Bearer:
    """Who a request comes from."""

    app: App
    actor: Actor


@dataclass(slots=True)
class Auth:
    """Who may sign in at one account."""

    state: PortalState
    user_id: int
    user: str
    apps: list[App] = field(default_factory=list)
    access: dict[str, Token] = field(default_factory=dict)
    refresh: dict[str, Token] = field(default_factory=dict)
    codes: dict[str, App] = field(default_factory=dict)

    def bearer(self, headers: Mapping[str, str]) -> Bearer:
        """Raises 401."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not value.strip():
            raise unauthorised()
        value = value.strip()
        app = next((each for each in self.apps if each.key and each.key == value), None)
        if app is None:
            app = self._token_app(value)
        return Bearer(app, Actor(Source("INTEGRATION", app.id), app.scopes))

    def _token_app(self, value: str) -> App:
        token = self.access.get(value)
        if token is None or token.revoked:
            raise unauthorised("The access token is invalid or has been revoked.")
        if self._expired(token):
            raise unauthorised(
                "The OAuth token used to make this call expired 1 hour(s) ago.", "EXPIRED_AUTHENTICATION"
            )
        return token.app

    def _expired(self, token: Token) -> bool:
        late = token.expires_at is not None and token.expires_at <= self.state.now()
        return late and self.state.strict.access_tokens_expire

    # -------------------------------------------------------------------------------------------- token endpoint

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Codes and refresh tokens against access tokens. Raises OAuthRefused."""
        app = self._client(form)
        grant = form.get("grant_type", "")
        if grant == "refresh_token":
            return self.issue(app, self._refreshed(app, form.get("refresh_token", "")))
        if grant == "authorization_code":
            if self.codes.pop(form.get("code", ""), None) is not app:
                raise OAuthRefused("BAD_AUTH_CODE", "invalid_grant", "missing or unknown auth code")
            if form.get("redirect_uri", "") != app.redirect_uri:
                raise OAuthRefused("BAD_REDIRECT_URI", "invalid_grant", "missing or invalid redirect uri")
            return self.issue(app, self.new_refresh_token(app))
        raise OAuthRefused("BAD_GRANT_TYPE", "unsupported_grant_type", "missing or unknown grant type")

    def _client(self, form: Mapping[str, str]) -> App:
        app = next((each for each in self.apps if each.oauth and each.client_id == form.get("client_id")), None)
        if app is None:
            raise OAuthRefused("BAD_CLIENT_ID", "invalid_client", "missing or unknown client id")
        if form.get("client_secret") != app.client_secret:
            raise OAuthRefused("BAD_CLIENT_SECRET", "invalid_client", "missing or invalid client secret")
        return app

    def _refreshed(self, app: App, value: str) -> str:
        token = self.refresh.get(value)
        dead = token is None or token.revoked or token.app is not app
        if dead and self.state.strict.refresh_tokens_checked:
            raise OAuthRefused("BAD_REFRESH_TOKEN", "invalid_grant", "refresh token is invalid, expired or revoked")
        return value

    def new_refresh_token(self, app: App) -> str:
        value = f"na1-{self.state.uuid()}"
        self.refresh[value] = Token(app)
        return value

    def new_code(self, client_id: str) -> str:
        """A person consents: the code that goes back to the app. Raises KeyError."""
        app = next((each for each in self.apps if each.oauth and each.client_id == client_id), None)
        if app is None:
            raise KeyError(client_id)
        value = self.state.uuid()
        self.codes[value] = app
        return value

    def issue(self, app: App, refresh: str) -> dict[str, Any]:
        lifetime = self.state.settings.access_token_lifetime
        value = f"CN{self.state.uuid().replace('-', '')}{self.state.uuid().replace('-', '')}"
        self.access[value] = Token(app, self.state.now() + lifetime)
        return {
            "token_type": "bearer",
            "token_use": "access_token",
            "access_token": value,
            "refresh_token": refresh,
            "expires_in": int(lifetime.total_seconds()),
            "hub_id": self.state.settings.portal_id,
            "user_id": self.user_id,
            "scopes": sorted(app.scopes),
        }

    # -------------------------------------------------------------------------------------------- looking at tokens

    def introspect(self, value: str) -> dict[str, Any] | None:
        """What a token is; None for one that never was."""
        found = self.access.get(value) or self.refresh.get(value)
        if found is None:
            return None
        app, left = found.app, 0
        if found.expires_at is not None:
            left = max(0, int((found.expires_at - self.state.now()).total_seconds()))
        shown = {
            "active": not found.revoked and not (found.expires_at is not None and left == 0),
            "token": value,
            "token_type": "bearer",
            "token_use": "access_token" if value in self.access else "refresh_token",
            "client_id": app.client_id,
            "app_id": int(app.id),
            "hub_id": self.state.settings.portal_id,
            "hub_domain": f"{self.state.settings.name.lower().replace(' ', '-')}.example",
            "user_id": self.user_id,
            "user": self.user,
            "scopes": sorted(app.scopes),
        }
        if value in self.access:
            shown |= {"expires_in": left, "is_private_distribution": False, "signed_access_token": self._signed(app)}
        return shown

    def _signed(self, app: App) -> dict[str, Any]:
        return {
            "appId": int(app.id),
            "appInstallId": "0",
            "audience": "Public",
            "expiresAt": 0,
            "hubId": self.state.settings.portal_id,
            "hublet": "na1",
            "installingUserId": self.user_id,
            "isPrivateDistribution": False,
            "isServiceAccount": False,
            "isUserLevel": False,
            "newSignature": "",
            "scopeToScopeGroupPks": "",
            "scopes": "",
            "signature": "",
            "trialScopeToScopeGroupPks": "",
            "trialScopes": "",
            "userId": self.user_id,
        }

    def revoke(self, value: str) -> None:
        for held in (self.access, self.refresh):
            if value in held:
                held[value].revoked = True


def read_form(raw: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(raw.decode("utf-8", "replace")).items()}
