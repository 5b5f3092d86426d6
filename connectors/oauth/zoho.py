"""Zoho access tokens from a refresh token: one hour each, ten in ten minutes at most, refusals with status 200.

https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted, RateLimited, Transient
from connectors.base.services import Services
from connectors.oauth.core import CachedTokens, Grant, TokenSpec, ask, store, trustworthy

# https://www.zoho.com/accounts/protocol/oauth/multi-dc.html
ZOHO_ACCOUNTS = {
    "us": "https://accounts.zoho.com",
    "eu": "https://accounts.zoho.eu",
    "in": "https://accounts.zoho.in",
    "au": "https://accounts.zoho.com.au",
    "cn": "https://accounts.zoho.com.cn",
    "jp": "https://accounts.zoho.jp",
    "ca": "https://accounts.zohocloud.ca",
    "sa": "https://accounts.zoho.sa",
    "uk": "https://accounts.zoho.uk",
}

# https://www.zoho.com/crm/developer/docs/api/v8/multi-dc.html
DOMAINS = tuple(f"zohoapis.{end}" for end in str.split("com eu in com.au com.cn jp ca sa uk"))

WINDOW = timedelta(minutes=10)
MOST = 4  # of the ten that Zoho grants a refresh token in that time; others may use it too

_NEW_CODE = (
    "Make a new grant code in the API console of your data centre (Self Client > Generate Code) and exchange it: "
    "docs/setup/zoho.md, step 3."
)


class ZohoTokens(CachedTokens):
    """Tokens of one self client or web app. `spec.url` is ``{accounts}/oauth/v2/token``.

    `refresh_token` is the configuration's; where it is empty, the one that `keep_zoho_login` stored. The times of
    requests are kept in the vault, so that restarts cannot use up the ten tokens either.
    """

    def __init__(
        self, services: Services, spec: TokenSpec, *, client_id: str, client_secret: str, refresh_token: str = ""
    ) -> None:
        super().__init__(services, spec, _access_name(spec, client_id, refresh_token))
        self._account = _account(spec, client_id)
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._given = refresh_token

    @property
    def instance_url(self) -> str:
        """Zoho's `api_domain`: where the account's data lives, without a trailing slash; empty before `token`."""
        return self._grant.instance_url if self._grant else ""

    async def _ask(self) -> Grant:
        refresh = self._given or await self._login()
        await self._take_turn()
        form = {"grant_type": "refresh_token", "refresh_token": refresh, **self._client}
        # Once: every request may cost a token, whether its answer arrives or not.
        grant = await ask(self._services, self._spec, form, self._refused, safe=False)
        if not trustworthy(grant.instance_url, self._spec.url, DOMAINS):
            raise Transient("Zoho names no usable api_domain for the token.", operation="oauth2.token")
        return grant

    async def _login(self) -> str:
        stored = await self._services.vault.get(f"{self._account}:refresh")
        if stored is None:
            raise AuthFailed(f"There is no refresh token yet. {_NEW_CODE}")
        return stored[0]

    async def _take_turn(self) -> None:
        """Note this request before it is sent; raises `RateLimited` when the last ten minutes held enough."""
        now = self._services.clock.now()
        asked = [t for t in await self._asked() if now - WINDOW < t <= now]
        if len(asked) >= MOST:
            hint = "Enough Zoho tokens were asked for in ten minutes; is another program using this refresh token?"
            raise RateLimited(hint, retry_at=asked[-MOST] + WINDOW, operation="oauth2.token", code="TOKEN_LIMIT")
        await self._note([*asked, now])

    async def _asked(self) -> list[datetime]:
        stored = await self._services.vault.get(f"{self._account}:asked")
        try:
            return [datetime.fromisoformat(t) for t in json.loads(stored[0])] if stored else []
        except (ValueError, TypeError):
            return []

    async def _note(self, asked: Sequence[datetime]) -> None:
        text = json.dumps([t.isoformat() for t in asked])
        await self._services.vault.put(f"{self._account}:asked", text, None)

    def _refused(self, code: str, description: str) -> ConnectorError:
        if code.lower().replace("_", " ") == "access denied" or "too many requests" in description:
            at = self._services.clock.now() + WINDOW
            return RateLimited("Zoho grants no more tokens for ten minutes.", retry_at=at, operation="oauth2.token")
        return _refusal(code)


async def exchange_grant_code(
    services: Services, spec: TokenSpec, *, client_id: str, client_secret: str, code: str, redirect_uri: str = ""
) -> Grant:
    """Exchange a one-time grant code; the grant holds the refresh token. Nothing is stored: see `keep_zoho_login`.

    A self client has no `redirect_uri`. Raises `AuthFailed` for a code that is used, too old (three minutes unless
    chosen otherwise), or of another client or data centre.
    """
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "client_secret": client_secret,
        "code": code,
        **({"redirect_uri": redirect_uri} if redirect_uri else {}),
    }
    grant = await ask(services, spec, form, lambda error, _: _refusal(error), safe=False)
    if not grant.refresh_token:
        raise AuthFailed(f"Zoho gave no refresh token for this code. {_NEW_CODE}")
    return grant


async def keep_zoho_login(services: Services, spec: TokenSpec, client_id: str, grant: Grant) -> None:
    """Store a sign-in where `ZohoTokens` of the same client and data centre finds it."""
    await services.vault.put(f"{_account(spec, client_id)}:refresh", grant.refresh_token, None)
    await store(services, _access_name(spec, client_id, ""), grant)


def _account(spec: TokenSpec, client_id: str) -> str:
    return f"zoho:{spec.url}:{client_id}"


def _access_name(spec: TokenSpec, client_id: str, refresh_token: str) -> str:
    """Another refresh token in the configuration must not meet the old one's access token."""
    whose = hashlib.sha256(refresh_token.encode()).hexdigest()[:16] if refresh_token else "login"
    return f"{_account(spec, client_id)}:{whose}"


def _refusal(code: str) -> ConnectorError:
    match code:
        case "invalid_code" | "invalid_grant" | "invalid_token":
            return AuthFailed(f"Zoho does not accept the refresh token or grant code (any more). {_NEW_CODE}")
        case "invalid_client" | "invalid_client_secret" | "invalid_client_id":
            return AuthFailed(
                "Zoho does not know this client: check client_id, client_secret, and that data_centre is the one "
                "whose API console made them."
            )
        case "access_denied" | "invalid_scope":
            return NotPermitted("Zoho refuses the scopes; generate the code with the scopes of docs/setup/zoho.md.")
    return AuthFailed(f"Zoho refuses the sign-in. {_NEW_CODE}")
