"""Salesforce as a target: one org, through its REST API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.addresses import bare_url
from connectors.base.errors import ConnectorError
from connectors.base.model import Attempt, Customer, Deal, Finding, Page, Problem, Receipt, TargetAccount, User
from connectors.base.services import HttpSpec, Services, TokenSource
from connectors.crm.salesforce_api import SalesforceApi, classifier
from connectors.crm.salesforce_find import SalesforceFinder
from connectors.crm.salesforce_mirror import SalesforceMirror
from connectors.crm.salesforce_org import SalesforceOrg
from connectors.crm.salesforce_setup import SalesforceSetup
from connectors.crm.salesforce_write import SalesforceWriter
from connectors.oauth import SalesforceClientCredentials, SalesforceJwtTokens, SecretRef, TokenSpec

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class JwtAuth(BaseModel):
    """Sign in with a certificate: OAuth 2.0 JWT bearer flow."""

    model_config = _FROZEN

    method: Literal["jwt"] = Field(description="Signs in with a certificate.")
    client_id: str = Field(min_length=1, description="The consumer key of the External Client App.")
    username: str = Field(min_length=1, description="The user name of the integration user.")
    private_key: SecretRef = Field(description="Where the private key (PEM) of the app's certificate is kept.")


class ClientCredentialsAuth(BaseModel):
    """Sign in with a secret: OAuth 2.0 client credentials flow."""

    model_config = _FROZEN

    method: Literal["client_credentials"] = Field(description="Signs in with a client secret.")
    client_id: str = Field(min_length=1, description="The consumer key of the External Client App.")
    client_secret: SecretRef = Field(description="Where the consumer secret of the External Client App is kept.")


class SalesforceConfig(BaseModel):
    """One Salesforce org."""

    model_config = _FROZEN

    login_url: str = Field(description="The org's My Domain address, such as https://example.my.salesforce.com.")
    auth: Annotated[JwtAuth | ClientCredentialsAuth, Field(discriminator="method")] = Field(
        description="How Tradepost signs in, as a user made for it alone."
    )
    reserve: float = Field(
        default=0.1, ge=0, lt=1, description="The share of the org's daily API calls that Tradepost leaves to others."
    )
    email_key: Literal["auto", "ledger"] = Field(
        default="auto", description="Keeps the key of a logged mail on the mail where it can (auto), or on the ledger."
    )
    native_logging: Literal["ask", "skip", "ignore"] = Field(
        default="ask",
        description="Skips mail that Salesforce's own mail tools have logged already (skip), logs it once more "
        "(ignore), or skips it and lets `check` say whether there is any (ask).",
    )
    settle_seconds: float = Field(
        default=600.0,
        ge=0,
        description="How long, in seconds, a request that timed out may still take effect at Salesforce.",
    )
    page_size: int = Field(default=2000, ge=1, le=2000, description="How many records one page of a listing holds.")
    base_url: str = Field(
        default="", description="Another address of the API, for a sandbox; leave it out for login_url."
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds until an unanswered call is given up.")
    proxy: str = Field(default="", description="The address of an HTTP proxy; leave it out for none.")
    ca_bundle: str = Field(
        default="", description="A file with the certificates of a company CA; leave it out for none."
    )

    _bare = field_validator("login_url", "base_url")(bare_url)


class SalesforceTarget:
    """`CrmTarget` and `Provisioning` for one org."""

    Config = SalesforceConfig

    def __init__(self, config: SalesforceConfig, services: Services) -> None:
        tokens = _tokens(config, services)

        async def instance() -> str:
            """Where the org answers today; the token's own answer says."""
            await tokens.token()
            return config.base_url or tokens.instance_url

        self._http = services.open_http(_http_spec(config, services, tokens))
        self._api = SalesforceApi(self._http, services.clock, services.log, instance, config.reserve)
        self._org = SalesforceOrg(self._api, services.clock, config.email_key)
        self._mirror = SalesforceMirror(self._api, services.clock, self._org.shape, config.login_url, config.page_size)
        finder = SalesforceFinder(self._api, self._org, config.login_url)
        self._finder = finder
        self._writer = SalesforceWriter(
            self._api,
            self._org,
            finder,
            self._mirror.find_customers,
            services.clock,
            skip_logged=config.native_logging != "ignore",
        )
        self._setup = SalesforceSetup(
            self._api, self._org, services.clock, config.settle_seconds, ask_native=config.native_logging == "ask"
        )

    @property
    def usage(self) -> float:
        """The share of the org's daily API calls in use, by everybody; 0 before the first call."""
        return self._api.usage

    async def check(self) -> TargetAccount:
        return await self._setup.check()

    async def users(self) -> tuple[User, ...]:
        return await self._mirror.users()

    async def customers(self, cursor: str | None) -> Page[Customer]:
        return await self._mirror.customers(cursor)

    async def deals(self, cursor: str | None) -> Page[Deal]:
        return await self._mirror.deals(cursor)

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        return await self._mirror.find_customers(addresses, domains)

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        return await self._finder.find_written(attempts)

    async def write_many(self, attempts: Sequence[Attempt]) -> tuple[Receipt | ConnectorError, ...]:
        return await self._writer.write_many(attempts)

    async def plan_setup(self) -> tuple[str, ...]:
        return await self._setup.plan_setup()

    async def apply_setup(self) -> tuple[Problem, ...]:
        return await self._setup.apply_setup()

    async def close(self) -> None:
        await self._http.close()


def _tokens(config: SalesforceConfig, services: Services) -> SalesforceJwtTokens | SalesforceClientCredentials:
    spec = TokenSpec(
        name="salesforce",
        url=f"{config.base_url or config.login_url}/services/oauth2/token",
        proxy=config.proxy,
        ca_bundle=config.ca_bundle,
    )
    auth = config.auth
    if isinstance(auth, JwtAuth):
        key = auth.private_key.read()
        return SalesforceJwtTokens(services, spec, client_id=auth.client_id, username=auth.username, key=key)
    secret = auth.client_secret.read()
    return SalesforceClientCredentials(services, spec, client_id=auth.client_id, client_secret=secret)


def _http_spec(config: SalesforceConfig, services: Services, tokens: TokenSource) -> HttpSpec:
    return HttpSpec(
        name="salesforce",
        base_url=config.base_url or config.login_url,
        classify=classifier(services.clock),
        tokens=tokens,
        timeout=config.timeout,
        proxy=config.proxy,
        ca_bundle=config.ca_bundle,
    )
