"""Sign-in by a person, once, and refresh tokens from then on: RFC 6749 with PKCE (RFC 7636), RFC 8252 for the redirect.

https://developers.google.com/identity/protocols/oauth2/native-app
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted
from connectors.base.services import Services
from connectors.oauth.core import CachedTokens, Grant, Refused, TokenSpec, ask, store

GOOGLE_EXTRA = {"access_type": "offline", "prompt": "consent"}
"""Without both, Google hands out no refresh token at a second consent."""

_LOGIN = "Sign this account in again: tradepost login."


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledApp:
    """An OAuth client of the desktop kind."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...]
    authorization_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """A sign-in under way. A person opens `url`; the answer comes to `redirect_uri` with `state` and a code."""

    url: str = field(repr=False)
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def authorization_url(
    app: InstalledApp,
    redirect_uri: str,
    *,
    login_hint: str = "",
    extra: Mapping[str, str] = GOOGLE_EXTRA,
    draw: Callable[[int], str] = secrets.token_urlsafe,
) -> LoginRequest:
    """Begin a sign-in. `redirect_uri` is a loopback address with the port that listens, such as http://127.0.0.1:8765.

    `draw` gives unguessable text of n bytes; replaced in tests only.
    """
    if urlsplit(redirect_uri).hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("redirect_uri must be a loopback address")
    state, verifier = draw(24), draw(48)
    query = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(app.scopes),
        "state": state,
        "code_challenge": urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("="),
        "code_challenge_method": "S256",
        **({"login_hint": login_hint} if login_hint else {}),
        **extra,
    }
    glue = "&" if urlsplit(app.authorization_url).query else "?"
    url = f"{app.authorization_url}{glue}{urlencode(query)}"
    return LoginRequest(url=url, redirect_uri=redirect_uri, state=state, verifier=verifier)


async def exchange_code(
    services: Services, spec: TokenSpec, app: InstalledApp, request: LoginRequest, answer: Mapping[str, str]
) -> Grant:
    """End a sign-in. `answer` is the query of the redirect. Nothing is stored: see `keep_login`.

    Raises `AuthFailed` when the person refused, the answer is not to this request or there is no refresh token;
    `NotPermitted` when scopes were left out.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(), request.state.encode()):
        raise AuthFailed("The answer belongs to another sign-in; start again.")
    if "code" not in answer:
        raise AuthFailed("The sign-in was refused on the consent page.")
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": request.redirect_uri,
        "code_verifier": request.verifier,
        **_client(app.client_id, app.client_secret),
    }
    grant = await ask(services, spec, form, _refused, safe=False)
    missing = sorted(set(app.scopes) - set(grant.scopes)) if grant.scopes else []
    if missing:
        raise NotPermitted(f"Consent is missing for {', '.join(missing)}; sign in again and leave every box ticked.")
    if not grant.refresh_token:
        raise AuthFailed(
            "No lasting sign-in was granted; remove Tradepost from the account's apps, then sign in again."
        )
    return grant


async def keep_login(services: Services, client_id: str, account: str, grant: Grant) -> None:
    """Store a sign-in for `account`, where `RefreshTokens` of the same client and account finds it."""
    name = _vault_name(client_id, account)
    await services.vault.put(f"{name}:refresh", grant.refresh_token, None)
    await store(services, name, grant)


class RefreshTokens(CachedTokens):
    """Access tokens from a refresh token that `tradepost login` put in the vault (or `initial`, until then).

    Where the vendor rotates refresh tokens, the new one is on the disk before its access token is used, and no request
    is repeated: using an old one can revoke the whole family.
    """

    def __init__(
        self,
        services: Services,
        spec: TokenSpec,
        *,
        client_id: str,
        client_secret: str = "",
        account: str,
        initial: str = "",
        refused: Refused | None = None,
    ) -> None:
        super().__init__(services, spec, _vault_name(client_id, account))
        self._client = _client(client_id, client_secret)
        self._initial = initial
        self._refused = refused or _refused

    async def _ask(self) -> Grant:
        name = f"{self._vault_name}:refresh"
        stored = await self._services.vault.get(name)
        refresh = stored[0] if stored else self._initial
        if not refresh:
            raise AuthFailed(f"Nobody has signed in for this account yet. {_LOGIN}")
        exchange = asyncio.ensure_future(self._exchange(name, refresh))
        try:
            return await asyncio.shield(exchange)
        except asyncio.CancelledError:
            # The request may be out, and its answer the only copy of the next refresh token: keep that first.
            await asyncio.wait([exchange])
            if not exchange.cancelled():
                exchange.exception()
            raise

    async def _exchange(self, name: str, refresh: str) -> Grant:
        """One refresh, its new refresh token kept. Never cancelled by the caller's own end; the time-out bounds it."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh, **self._client}
        grant = await ask(self._services, self._spec, form, self._refused, safe=False)
        if grant.refresh_token and grant.refresh_token != refresh:
            await self._services.vault.put(name, grant.refresh_token, None)
        return grant


def _vault_name(client_id: str, account: str) -> str:
    return f"login:{client_id}:{account.lower()}"


def _client(client_id: str, client_secret: str) -> dict[str, str]:
    return {"client_id": client_id, **({"client_secret": client_secret} if client_secret else {})}


def _refused(code: str, _: str) -> ConnectorError:
    match code:
        case "invalid_grant":
            return AuthFailed(f"The sign-in has ended or was revoked. {_LOGIN}")
        case "invalid_client" | "unauthorized_client" | "invalid_client_id":
            return AuthFailed("The OAuth client is not accepted; check client_id and client_secret.")
        case "access_denied" | "admin_policy_enforced" | "org_internal" | "invalid_scope":
            return NotPermitted("The account's administrator does not allow this app or its scopes.")
    return AuthFailed(f"The sign-in is refused. {_LOGIN}")
