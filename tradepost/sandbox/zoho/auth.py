"""Zoho's accounts server: grants, tokens, and its way of answering errors with 200.

https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html
https://www.zoho.com/accounts/protocol/oauth/web-apps/access-token.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

from connectors.base.services import Clock
from tradepost.sandbox.zoho.centres import CENTRES
from tradepost.sandbox.zoho.scopes import DEFAULT
from tradepost.sandbox.zoho.strictness import Strictness

TOKEN_LIFE = timedelta(hours=1)
CODE_LIFE = timedelta(minutes=3)
WINDOW = timedelta(minutes=10)
MOST_IN_WINDOW = 10
MOST_LIVE = 15
MOST_REFRESH_TOKENS = 20
KILLED = "killed"
DENIED = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied",
    "status": "failure",
}


class OAuthRefused(Exception):
    """An `error` of the token endpoint; its status is 200."""

    def __init__(self, error: str, **more: str) -> None:
        super().__init__(error)
        self.body: dict[str, str] = {**more, "error": error}


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the API console. A self client has no redirect address."""

    client_id: str
    secret: str
    redirect_uri: str = ""


@dataclass(slots=True)
class Grant:
    """What a refresh token stands for; `issued` are the times of its tokens, `live` the tokens."""

    client_id: str
    user: str
    scopes: tuple[str, ...]
    issued: deque[datetime] = field(default_factory=deque)
    live: deque[str] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Code:
    client_id: str
    user: str
    scopes: tuple[str, ...]
    offline: bool
    expires: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An access token."""

    user: str
    client_id: str
    scopes: tuple[str, ...]
    expires: datetime


class Accounts:
    """The clients, grants and tokens of one organisation in its data centre."""

    def __init__(self, clock: Clock, random: Random, rules: Strictness, centre: str) -> None:
        self.clients: dict[str, Client] = {}
        self.codes: dict[str, Code] = {}
        self.grants: dict[str, Grant] = {}
        self.tokens: dict[str, Token] = {}
        self.dead: dict[str, str] = {}
        self.centre = CENTRES[centre]
        self.issued = 0
        self._clock, self._random, self._rules = clock, random, rules

    def _opaque(self) -> str:
        return f"1000.{self._random.randbytes(16).hex()}.{self._random.randbytes(16).hex()}"

    # ------------------------------------------------------------------------------------------------ what people do

    def add_client(self, redirect_uri: str = "") -> Client:
        """Register a client; without a redirect address it is a self client."""
        name = f"1000.{self._random.randbytes(15).hex().upper()}"
        client = Client(name, self._random.randbytes(21).hex(), redirect_uri)
        self.clients[name] = client
        return client

    def grant_code(
        self, client_id: str, user: str, scopes: tuple[str, ...] = DEFAULT, *, offline: bool = True, minutes: float = 3
    ) -> str:
        """A grant code, as the console makes one for a self client."""
        code = self._opaque()
        expires = self._clock.now() + timedelta(minutes=minutes)
        self.codes[code] = Code(client_id, user, scopes, offline, expires)
        return code

    def refresh_token(self, client_id: str, user: str, scopes: tuple[str, ...] = DEFAULT) -> str:
        """A refresh token. The twenty-first of a user and client deletes the oldest."""
        held = [name for name, g in self.grants.items() if (g.client_id, g.user) == (client_id, user)]
        if len(held) >= MOST_REFRESH_TOKENS:
            del self.grants[held[0]]
        name = self._opaque()
        self.grants[name] = Grant(client_id, user, scopes)
        return name

    def expire_tokens(self) -> None:
        """All access tokens end now."""
        for name in self.tokens:
            self.dead[name] = "expired"
        self.tokens.clear()

    # ------------------------------------------------------------------------------------------------ token endpoint

    def token(self, form: Mapping[str, str], api_domain: str) -> dict[str, Any]:
        """Answer POST /oauth/v2/token. Raises `OAuthRefused`."""
        grant_type = form.get("grant_type", "")
        if grant_type not in {"refresh_token", "authorization_code", "client_credentials"}:
            raise OAuthRefused("unsupported_grant_type" if grant_type else "invalid_request")
        client = self._client(form)
        if grant_type == "refresh_token":
            return self._refreshed(client, form.get("refresh_token", ""), api_domain)
        if grant_type == "client_credentials":
            return self._own(client, form.get("scope", ""), api_domain)
        return self._exchanged(client, form, api_domain)

    def _client(self, form: Mapping[str, str]) -> Client:
        client = self.clients.get(form.get("client_id", ""))
        if client is None:
            raise OAuthRefused("invalid_client")
        if form.get("client_secret", "") != client.secret:
            raise OAuthRefused("invalid_client_secret")
        return client

    def _refreshed(self, client: Client, name: str, api_domain: str) -> dict[str, Any]:
        grant = self.grants.get(name)
        if grant is None or grant.client_id != client.client_id:
            raise OAuthRefused("invalid_code")
        return self._reply(self._issue(grant), grant.scopes, api_domain)

    def _exchanged(self, client: Client, form: Mapping[str, str], api_domain: str) -> dict[str, Any]:
        name = form.get("code", "")
        code = self.codes.get(name)
        once = self._rules.grant_code_once
        if code is None or code.client_id != client.client_id or (once and self._clock.now() >= code.expires):
            raise OAuthRefused("invalid_code")
        if client.redirect_uri and form.get("redirect_uri") != client.redirect_uri:
            raise OAuthRefused("invalid_redirect_uri")
        if once:
            del self.codes[name]
        refresh = self.refresh_token(client.client_id, code.user, code.scopes)
        access = self._issue(self.grants[refresh])
        reply = self._reply(access, code.scopes, api_domain)
        return {**reply, "refresh_token": refresh} if code.offline else reply

    def _own(self, client: Client, wanted: str, api_domain: str) -> dict[str, Any]:
        """The client credentials of a self client: no refresh token, within what a person has granted it."""
        grant = next((g for g in self.grants.values() if g.client_id == client.client_id), None)
        if client.redirect_uri or grant is None:
            raise OAuthRefused("invalid_client")
        scopes = tuple(each.strip() for each in wanted.split(",") if each.strip())
        if not scopes:
            raise OAuthRefused("invalid_scope")
        return self._reply(self._issue(grant, scopes), scopes, api_domain)

    def _issue(self, grant: Grant, scopes: tuple[str, ...] = ()) -> str:
        now = self._clock.now()
        while grant.issued and grant.issued[0] <= now - WINDOW:
            grant.issued.popleft()
        if len(grant.issued) >= MOST_IN_WINDOW and self._rules.ten_tokens_in_ten_minutes:
            raise OAuthRefused(DENIED["error"], **{k: v for k, v in DENIED.items() if k != "error"})
        name = self._opaque()
        grant.issued.append(now)
        self.issued += 1
        self.tokens[name] = Token(grant.user, grant.client_id, scopes or grant.scopes, now + TOKEN_LIFE)
        grant.live = deque(each for each in grant.live if each in self.tokens and self.tokens[each].expires > now)
        grant.live.append(name)
        if len(grant.live) > MOST_LIVE and self._rules.live_tokens_capped:
            oldest = grant.live.popleft()
            self.tokens.pop(oldest, None)
            self.dead[oldest] = KILLED
        return name

    def _reply(self, access: str, scopes: tuple[str, ...], api_domain: str) -> dict[str, Any]:
        return {
            "access_token": access,
            "scope": " ".join(scopes),
            "api_domain": api_domain,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
        }

    # ------------------------------------------------------------------------------------------------ other endpoints

    def revoke(self, name: str) -> bool:
        """End a refresh token with its access tokens, or one access token."""
        grant = self.grants.pop(name, None)
        gone = list(grant.live) if grant else [name] if name in self.tokens else []
        for each in gone:
            self.tokens.pop(each, None)
            self.dead[each] = "revoked"
        return grant is not None or bool(gone)

    def session(self, header: str) -> tuple[Token | None, str]:
        """The token in an Authorization header, or why there is none: missing, unknown, expired, killed, revoked."""
        scheme, _, name = header.partition(" ")
        name = name.strip()
        if not name or scheme.lower() not in {"zoho-oauthtoken", "bearer"}:
            return None, "missing"
        found = self.tokens.get(name)
        if found is None:
            return None, self.dead.get(name, "unknown")
        if self._clock.now() >= found.expires and self._rules.tokens_expire:
            return None, "expired"
        return found, ""

    def redirect(self, query: Mapping[str, str], user: str) -> str:
        """Where the consent page sends the browser once the person has agreed. Raises `OAuthRefused`."""
        client = self.clients.get(query.get("client_id", ""))
        if client is None:
            raise OAuthRefused("invalid_client")
        if not client.redirect_uri or query.get("redirect_uri") != client.redirect_uri:
            raise OAuthRefused("invalid_redirect_uri")
        scopes = tuple(each.strip() for each in query.get("scope", "").split(",") if each.strip())
        offline = query.get("access_type") == "offline"
        code = self.grant_code(client.client_id, user, scopes, offline=offline, minutes=2)
        found = {"code": code, "location": self.centre.location, "accounts-server": f"https://{self.centre.accounts}"}
        if "state" in query:
            found["state"] = query["state"]
        return f"{client.redirect_uri}?{urlencode(found)}"


def server_info() -> dict[str, Any]:
    """What https://accounts.zoho.com/oauth/serverinfo answers."""
    return {"result": "success", "locations": {name: f"https://{c.accounts}" for name, c in CENTRES.items()}}
