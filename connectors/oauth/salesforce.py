"""Salesforce sessions for a server: JWT bearer and client credentials. No expiry is told; a 401 ends a session.

https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm
https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm
"""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted, RateLimited, Transient
from connectors.base.services import Services
from connectors.oauth.core import JWT_GRANT, CachedTokens, Grant, TokenSpec, ask, private_key, signed, trustworthy

ASSERTION_SECONDS = 180

# Where orgs answer: https://help.salesforce.com/s/articleView?id=xcloud.domain_name_url_formats.htm; the last ones for
# governments and, by Alibaba Cloud, in China.
DOMAINS = tuple(
    str.split("salesforce.com force.com cloudforce.com salesforce.mil crmforce.mil sfcrmproducts.cn sfcrmapps.cn")
)

_POLICIES = "in Setup under External Client App Manager > your app > Policies"


class _SalesforceTokens(CachedTokens):
    def _form(self) -> dict[str, str]:
        raise NotImplementedError

    @property
    def instance_url(self) -> str:
        """Where the org answers, without a trailing slash; empty until `token` has returned once.

        It changes when the org moves: never keep it longer than the token.
        """
        return self._grant.instance_url if self._grant else ""

    async def _ask(self) -> Grant:
        grant = await ask(self._services, self._spec, self._form(), _refused)
        if not trustworthy(grant.instance_url, self._spec.url, DOMAINS):
            raise Transient("Salesforce names no usable instance_url for the session.", operation="oauth2.token")
        return grant


class SalesforceJwtTokens(_SalesforceTokens):
    """Sessions of `username`, by a certificate. `key` is its private key in PEM.

    `spec.url` is https://MYDOMAIN.my.salesforce.com/services/oauth2/token. Raises `SecretError` for an unusable key.
    """

    def __init__(self, services: Services, spec: TokenSpec, *, client_id: str, username: str, key: str) -> None:
        super().__init__(services, spec, f"salesforce:{spec.url}:{client_id}:{username}")
        self._client_id = client_id
        self._username = username
        self._signer = private_key(key, "Salesforce private key")

    def _form(self) -> dict[str, str]:
        claims = {
            "iss": self._client_id,
            "sub": self._username,
            "aud": _audience(self._spec.url),
            "exp": int(self._services.clock.now().timestamp()) + ASSERTION_SECONDS,
        }
        return {"grant_type": JWT_GRANT, "assertion": signed(claims, self._signer)}


class SalesforceClientCredentials(_SalesforceTokens):
    """Sessions of the app's run-as user, by its secret. `spec.url` as above; login.salesforce.com is refused."""

    def __init__(self, services: Services, spec: TokenSpec, *, client_id: str, client_secret: str) -> None:
        super().__init__(services, spec, f"salesforce:{spec.url}:{client_id}:")
        self._credentials = {"client_id": client_id, "client_secret": client_secret}

    def _form(self) -> dict[str, str]:
        return {"grant_type": "client_credentials", **self._credentials}


def _audience(token_url: str) -> str:
    """The login host of the org's kind; sandboxes have `.sandbox.` in their My Domain."""
    host = urlsplit(token_url).hostname or ""
    sandbox = host == "test.salesforce.com" or ".sandbox." in f".{host}"
    return "https://test.salesforce.com" if sandbox else "https://login.salesforce.com"


def _refused(code: str, description: str) -> ConnectorError:
    if "hasn't approved this consumer" in description or "not admin approved" in description:
        return NotPermitted(
            f"The integration user is not approved for the app: {_POLICIES}, let admin-approved users be "
            "pre-authorized, and assign the user's profile or a permission set to the app."
        )
    if "no client credentials user enabled" in description:
        return NotPermitted(
            f"The app has no run-as user: {_POLICIES}, enable the client credentials flow and name one."
        )
    if "not supported on this domain" in description:
        return AuthFailed("This login host is refused; use the org's own https://MYDOMAIN.my.salesforce.com.")
    if "login rate" in description or code == "rate_limit_exceeded":
        return RateLimited("Salesforce grants no more sign-ins for now.")
    if "ip restricted" in description:
        return NotPermitted("The integration user may not sign in from this address; widen its profile's IP ranges.")
    match code:
        case "invalid_client_id" | "invalid_client":
            return AuthFailed("The app's consumer key or secret is not accepted; check client_id and client_secret.")
        case "inactive_user" | "inactive_org":
            return NotPermitted("The integration user or its org is not active.")
        case "invalid_app_access":
            return NotPermitted(f"The integration user may not use the app: {_POLICIES}, assign its permission set.")
    return AuthFailed(
        "Salesforce refuses the sign-in; check the user name, that the app holds the certificate of this private key, "
        "that login_url is the org's own, and this machine's clock."
    )
