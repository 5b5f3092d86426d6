"""What a connection to Microsoft 365 is configured with, and the session that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from connectors.addresses import bare_url
from connectors.base.errors import ConnectorError
from connectors.base.services import Call, Http, HttpSpec, Quota, Reply, Services, TokenSource
from connectors.oauth import SecretRef, TokenSpec
from connectors.oauth.microsoft import Certificate, MicrosoftApp, MicrosoftDeviceTokens, certificate, shared_tokens

Cloud = Literal["global", "usgov", "dod", "china"]

# https://learn.microsoft.com/graph/deployments. China: the page says login.chinacloudapi.cn, which msal keeps as
# deprecated beside the name here; a connection can name either.
_AUTHORITY: dict[Cloud, str] = {
    "global": "https://login.microsoftonline.com",
    "usgov": "https://login.microsoftonline.us",
    "dod": "https://login.microsoftonline.us",
    "china": "https://login.partner.microsoftonline.cn",
}
_GRAPH: dict[Cloud, str] = {
    "global": "https://graph.microsoft.com",
    "usgov": "https://graph.microsoft.us",
    "dod": "https://dod-graph.microsoft.us",
    "china": "https://microsoftgraph.chinacloudapi.cn",
}
_READING = frozenset({"mail.read", "mail.readwrite", "mail.read.shared", "mail.readwrite.shared"})
_GUID = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"

Guid = Annotated[str, Field(pattern=_GUID), AfterValidator(str.lower)]


def _can_read(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if _READING.isdisjoint(scope.rpartition("/")[2].lower() for scope in scopes):
        raise ValueError("one of the scopes must allow reading whole mails, such as Mail.Read")
    return scopes


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class _App(_Part):
    tenant: Guid
    """Directory (tenant) ID of the organisation, a GUID."""

    client_id: Guid
    """Application (client) ID of the app registration, a GUID."""


class ClientSecretAuth(_App):
    """An app that reads mailboxes by itself, signed in with a client secret."""

    method: Literal["client_secret"]
    """Signs in as the app, for every mailbox it may read."""

    client_secret: SecretRef
    """Where the client secret's value is kept."""


class CertificateAuth(_App):
    """An app that reads mailboxes by itself, signed in with a certificate."""

    method: Literal["certificate"]
    """Signs in as the app, for every mailbox it may read."""

    certificate: SecretRef
    """Where the certificate with its private key is kept (PEM, PFX, or PFX in base64)."""

    passphrase: SecretRef | None = None
    """Where the passphrase of the private key is kept, if it has one."""


class DeviceCodeAuth(_App):
    """A public client; each mailbox is signed in to once with `tradepost login` and a code."""

    method: Literal["device_code"]
    """Signs in to each mailbox as a person who may read it."""

    scopes: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_can_read)] = ("Mail.Read", "User.Read")
    """Delegated permissions asked for; a shared mailbox wants Mail.Read.Shared and User.ReadBasic.All too."""


class GraphConfig(_Part):
    """One Microsoft 365 organisation with all its mailboxes."""

    auth: Annotated[ClientSecretAuth | CertificateAuth | DeviceCodeAuth, Field(discriminator="method")]
    """How Tradepost signs in to the mailboxes."""

    cloud: Cloud = "global"
    """Microsoft's cloud the organisation lives in: global (GCC too), usgov (GCC High), dod, china (21Vianet)."""

    authority: Annotated[str, Field(pattern=r"^(https?://[^/?#]+/?)?$")] = ""
    """Address of the identity platform without the directory; leave it out for the cloud's own."""

    graph_root: Annotated[str, Field(pattern=r"^(https?://[^/?#]+/?)?$")] = ""
    """Address of Microsoft Graph without a version; leave it out for the cloud's own."""

    scope: str = ""
    """What the app's tokens are asked for; leave it out for the cloud's Graph with /.default."""

    skip_sensitivity: tuple[Literal["personal", "private", "confidential"], ...] = ("private", "confidential")
    """Mail whose sender marked it so is not read in: personal, private, confidential; an empty list reads all."""

    requests_per_ten_minutes: Annotated[int, Field(ge=100)] = 10_000
    """Requests that Outlook grants the app for one mailbox in ten minutes."""

    concurrency: Annotated[int, Field(ge=1, le=4)] = 4
    """Requests under way at a time for one mailbox; Outlook refuses a fifth."""

    page_size: Annotated[int, Field(ge=1, le=200)] = 50
    """Mails in one page of changes; pages with many long mails can time out at the server."""

    timeout: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Seconds to wait for an answer."""

    proxy: str = ""
    """Proxy for all calls of this connection, such as http://proxy.acme.example:3128; leave it out for none."""

    ca_bundle: str = ""
    """File of certificates to trust beside the usual ones, for a proxy that opens TLS."""

    _bare = field_validator("authority", "graph_root")(bare_url)

    @property
    def root(self) -> str:
        """Where Graph answers, without a trailing slash."""
        return self.graph_root or _GRAPH[self.cloud]

    @property
    def by_person(self) -> bool:
        return isinstance(self.auth, DeviceCodeAuth)


def app_of(config: GraphConfig) -> MicrosoftApp:
    """The app registration with its credential. Raises `SecretError`."""
    auth, resource = config.auth, _GRAPH[config.cloud]
    authority = config.authority or _AUTHORITY[config.cloud]
    scopes: tuple[str, ...] = (config.scope or f"{resource}/.default",)
    credential: str | Certificate | None = None
    if isinstance(auth, DeviceCodeAuth):
        scopes = tuple(scope if "://" in scope else f"{resource}/{scope}" for scope in auth.scopes)
    elif isinstance(auth, ClientSecretAuth):
        credential = auth.client_secret.read()
    else:
        passphrase = auth.passphrase.read() if auth.passphrase else ""
        credential = certificate(auth.certificate.read_bytes(), passphrase, auth.certificate.where)
    return MicrosoftApp(
        authority=authority, tenant=auth.tenant, client_id=auth.client_id, scopes=scopes, credential=credential
    )


def token_spec(config: GraphConfig) -> TokenSpec:
    return TokenSpec(
        name="microsoft365",
        url=config.authority or _AUTHORITY[config.cloud],
        timeout=config.timeout,
        proxy=config.proxy,
        ca_bundle=config.ca_bundle,
    )


def sign_in(config: GraphConfig, address: str, services: Services) -> TokenSource:
    """Tokens for one mailbox. Raises `SecretError`."""
    app, spec = app_of(config), token_spec(config)
    if app.credential is None:
        return MicrosoftDeviceTokens(services, spec, app, account=address)
    return shared_tokens(services, spec, app)


Classify = Callable[[Call, Reply], ConnectorError | None]


def open_session(
    config: GraphConfig, address: str, services: Services, tokens: TokenSource, classify: Classify
) -> Http:
    """A session for one mailbox; the quota is Outlook's per app and mailbox.

    https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits
    """
    pool = f"microsoft365:{config.auth.client_id}:{address.lower()}"
    return services.open_http(
        HttpSpec(
            name="microsoft365",
            base_url=config.root,
            classify=classify,
            tokens=tokens,
            quotas={"mailbox": Quota(config.requests_per_ten_minutes, 600.0, pool)},
            timeout=config.timeout,
            proxy=config.proxy,
            ca_bundle=config.ca_bundle,
        )
    )
