"""What a connection to Google Workspace is configured with, and the session that follows from it."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from connectors.addresses import bare_url
from connectors.base.errors import ConnectorError
from connectors.base.services import Call, Http, HttpSpec, Quota, Reply, Services, TokenSource
from connectors.mail.gmail_api import MAX_PARTS
from connectors.mail.gmail_parse import classify
from connectors.oauth import GoogleServiceAccountTokens, RefreshTokens, SecretRef, ServiceAccountKey, TokenSpec

BASE_URL = "https://gmail.googleapis.com"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105
AUTHORIZATION_URL = "https://accounts.google.com/o/oauth2/v2/auth"
_SCOPES = "https://www.googleapis.com/auth/"
READONLY = _SCOPES + "gmail.readonly"
_READING = frozenset({READONLY, _SCOPES + "gmail.modify", "https://mail.google.com/"})


def _full_scope(scope: str) -> str:
    """`gmail.readonly` stands for the URL that ends with it."""
    return scope if scope.startswith("https://") else _SCOPES + scope


def _can_read(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if _READING.isdisjoint(scopes):
        raise ValueError("one of the scopes must allow reading whole mails, such as gmail.readonly")
    return scopes


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ServiceAccountAuth(_Part):
    """A service account that the Workspace administrator has given domain-wide delegation."""

    method: Literal["service_account"]
    """Signs in to every mailbox with one key."""

    key: SecretRef
    """Where the JSON key file of the service account is kept."""


class InstalledAppAuth(_Part):
    """An OAuth client of type "Desktop app"; each mailbox signs in once with `tradepost login`."""

    method: Literal["installed_app"]
    """Signs in to each mailbox with its owner's consent."""

    client_id: Annotated[str, Field(min_length=1)]
    """Client ID of the desktop app in the Google Cloud project."""

    client_secret: SecretRef
    """Where the client secret of the desktop app is kept."""


class GmailConfig(_Part):
    """One Google Workspace account with all its mailboxes."""

    auth: Annotated[ServiceAccountAuth | InstalledAppAuth, Field(discriminator="method")]
    """How Tradepost signs in to the mailboxes."""

    scopes: Annotated[
        tuple[Annotated[str, AfterValidator(_full_scope)], ...], Field(min_length=1), AfterValidator(_can_read)
    ] = (READONLY,)
    """Scopes asked for; with a service account each must be in the administrator's list, spelled the same."""

    base_url: str = BASE_URL
    """Address of the Gmail API; another one is for sandboxes only."""

    token_url: str = ""
    """Address where tokens are issued, for sandboxes only; leave it out for Google's (the key file's)."""

    authorization_url: str = AUTHORIZATION_URL
    """Address of the page where a person consents; another one is for sandboxes only."""

    units_per_minute: Annotated[int, Field(ge=MAX_PARTS * 20)] = 6_000
    """Quota units Google grants a mailbox in a minute: 6000, or 15000 for projects in use before May 2026."""

    project_units_per_minute: Annotated[int, Field(ge=MAX_PARTS * 20)] = 1_200_000
    """Quota units Google grants the Cloud project in a minute."""

    project_units_per_day: Annotated[int, Field(ge=MAX_PARTS * 20)] = 80_000_000
    """Quota units the Cloud project may use in a day."""

    parallel: Annotated[int, Field(ge=1, le=MAX_PARTS)] = 20
    """Mails asked for in one call; Gmail refuses too many at a time."""

    timeout: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Seconds to wait for an answer."""

    proxy: str = ""
    """Proxy for all calls of this connection, such as http://proxy.acme.example:3128; leave it out for none."""

    ca_bundle: str = ""
    """File of certificates to trust beside the usual ones, for a proxy that opens TLS."""

    _bare = field_validator("base_url", "token_url", "authorization_url")(bare_url)


def token_spec(config: GmailConfig, default: str) -> TokenSpec:
    """How to reach the token endpoint: the configured one, else `default`."""
    return TokenSpec(
        name="gmail",
        url=config.token_url or default,
        timeout=config.timeout,
        proxy=config.proxy,
        ca_bundle=config.ca_bundle,
    )


@lru_cache(maxsize=4)
def _key(text: str, where: str) -> ServiceAccountKey:
    """Checking an RSA key takes some tenths of a second, and every mailbox of a delegation has the same."""
    return ServiceAccountKey.from_json(text, where)


def sign_in(config: GmailConfig, address: str, services: Services) -> tuple[TokenSource, str]:
    """Tokens of one mailbox, and the client whose project pays for its calls. Raises `SecretError`."""
    auth = config.auth
    if isinstance(auth, ServiceAccountAuth):
        key = _key(auth.key.read(), auth.key.where)
        spec = token_spec(config, key.token_uri)
        tokens = GoogleServiceAccountTokens(services, spec, key, subject=address, scopes=config.scopes)
        return tokens, key.client_id or key.client_email
    secret = auth.client_secret.read()
    spec = token_spec(config, TOKEN_URL)
    refreshed = RefreshTokens(services, spec, client_id=auth.client_id, client_secret=secret, account=address)
    return refreshed, auth.client_id


def open_session(config: GmailConfig, address: str, services: Services, tokens: TokenSource, client: str) -> Http:
    """A session for one mailbox; quotas are shared by all mailboxes of the same client."""

    def classified(call: Call, reply: Reply) -> ConnectorError | None:
        now = services.clock.now()
        return classify(call.operation, reply.status, reply.content, now=now, scopes=config.scopes)

    quotas = {
        "user": Quota(config.units_per_minute, 60.0, f"gmail:{client}:{address.lower()}"),
        "project": Quota(config.project_units_per_minute, 60.0, f"gmail:{client}"),
        "day": Quota(config.project_units_per_day, 86_400.0, f"gmail:{client}"),
    }
    spec = HttpSpec(
        name="gmail",
        base_url=config.base_url,
        classify=classified,
        tokens=tokens,
        quotas=quotas,
        timeout=config.timeout,
        proxy=config.proxy,
        ca_bundle=config.ca_bundle,
    )
    return services.open_http(spec)
