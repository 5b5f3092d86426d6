"""Getting the refresh token of a self client, once: a person makes a grant code in Zoho's API console.

https://www.zoho.com/crm/developer/docs/api/v8/auth-request.html
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from connectors.base.errors import AuthFailed, Unsupported
from connectors.base.login import Paste, Show
from connectors.base.services import Services
from connectors.crm.zoho_config import ZohoConfig, token_spec
from connectors.oauth import exchange_grant_code, keep_zoho_login


async def login(
    config: ZohoConfig, account: str, services: Services, show: Show, /, *, paste: Paste | None = None
) -> str:
    """Exchange the grant code that a person pastes, and keep the sign-in; answers `account`.

    Raises `AuthFailed`, `Transient`, and `Unsupported` where the configuration names a refresh token.
    """
    if config.refresh_token is not None:
        raise Unsupported("This connection has its refresh token in the configuration; nobody needs to log in.")
    show(config.console)
    if paste is None:
        raise AuthFailed("Run this in a terminal: the grant code is pasted there.")
    spec, secret = token_spec(config), config.client_secret.read()
    code = code_in(await paste())
    grant = await exchange_grant_code(services, spec, client_id=config.client_id, client_secret=secret, code=code)
    await keep_zoho_login(services, spec, config.client_id, grant)
    return account


def code_in(text: str) -> str:
    """The code as the console shows it, or in the address a browser ended at."""
    word = text.strip().strip("\"'")
    return parse_qs(urlsplit(word).query).get("code", [word])[0]
