"""HubSpot sign-ins: a service key, or access tokens of thirty minutes from a refresh token.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/account-service-keys
https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
"""

from __future__ import annotations

from hashlib import sha256

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted
from connectors.base.services import Services
from connectors.oauth.core import FixedToken, TokenSpec
from connectors.oauth.installed import RefreshTokens

_AGAIN = "Have a super admin consent again and put the new refresh token in its place."


class HubSpotServiceKey(FixedToken):
    """A key that does not end."""

    def __init__(self, key: str) -> None:
        super().__init__(
            key.strip(),
            "HubSpot refuses the service key; it was rotated, deleted or belongs to a closed account. Copy the present "
            "one from Development > Keys > Service keys.",
        )


class HubSpotTokens(RefreshTokens):
    """Access tokens of one account. A refresh token changed in the configuration is used at once."""

    def __init__(
        self, services: Services, spec: TokenSpec, *, client_id: str, client_secret: str, refresh_token: str
    ) -> None:
        refresh = refresh_token.strip()
        super().__init__(
            services,
            spec,
            client_id=client_id,
            client_secret=client_secret,
            # What the vault holds belongs to this very consent.
            account=f"hubspot:{sha256(refresh.encode()).hexdigest()[:32]}",
            initial=refresh,
            refused=_refused,
        )


def _refused(code: str, _: str) -> ConnectorError:
    match code.upper():
        case "INVALID_GRANT" | "BAD_REFRESH_TOKEN":
            return AuthFailed(f"The refresh token is revoked or was never valid. {_AGAIN}")
        case "INVALID_CLIENT" | "UNAUTHORIZED_CLIENT" | "BAD_CLIENT_ID" | "BAD_CLIENT_SECRET":
            return AuthFailed("HubSpot does not accept the app; check client_id and client_secret.")
        case "ACCESS_DENIED" | "INVALID_SCOPE":
            return NotPermitted(f"The account no longer allows the app or its scopes. {_AGAIN}")
    return AuthFailed(f"HubSpot refuses the refresh token. {_AGAIN}")
