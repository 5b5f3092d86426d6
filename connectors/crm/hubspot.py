"""HubSpot as a target: one account, through its CRM API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.addresses import bare_url
from connectors.base.errors import ConnectorError
from connectors.base.model import Attempt, Customer, Deal, Finding, Page, Problem, Receipt, TargetAccount, User
from connectors.base.services import Http, HttpSpec, Quota, Services, TokenSource
from connectors.crm.hubspot_account import AskToken, HubSpotAccount
from connectors.crm.hubspot_api import Classify, HubSpotApi
from connectors.crm.hubspot_change import HubSpotChanger
from connectors.crm.hubspot_find import HubSpotFinder
from connectors.crm.hubspot_map import API_VERSION
from connectors.crm.hubspot_mirror import HubSpotMirror
from connectors.crm.hubspot_native import HubSpotNative
from connectors.crm.hubspot_setup import HubSpotSetup
from connectors.crm.hubspot_setup_map import Waits
from connectors.crm.hubspot_write import HubSpotWriter
from connectors.oauth import HubSpotServiceKey, HubSpotTokens, SecretRef, TokenSpec

BASE_URL = "https://api.hubapi.com"
_FROZEN = ConfigDict(frozen=True, extra="forbid")
# Access tokens last thirty minutes and should be renewed before they end:
# https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
_SHARE_USED = 0.8


class ServiceKeyAuth(BaseModel):
    """Sign in with a service key, or with the token of a private app made before these were closed."""

    model_config = _FROZEN

    method: Literal["service_key"] = Field(description="Signs in with a key that a super admin has made.")
    key: SecretRef = Field(description="Where the service key (pat-...) is kept.")


class OAuthAuth(BaseModel):
    """Sign in as an app that a super admin has given consent to."""

    model_config = _FROZEN

    method: Literal["oauth"] = Field(description="Signs in as an app, with the consent of a super admin.")
    client_id: str = Field(min_length=1, description="The client ID of the app.")
    client_secret: SecretRef = Field(description="Where the client secret of the app is kept.")
    refresh_token: SecretRef = Field(description="Where the refresh token of the consent is kept.")


class HubSpotConfig(BaseModel):
    """One HubSpot account."""

    model_config = _FROZEN

    auth: Annotated[ServiceKeyAuth | OAuthAuth, Field(discriminator="method")] = Field(
        description="How Tradepost signs in to the account."
    )
    native_logging: Literal["ask", "skip", "ignore"] = Field(
        default="ask",
        description="Skips mail that HubSpot's own tools have logged already (skip), logs it once more (ignore), or "
        "skips it and lets `check` say whether there is any (ask).",
    )
    reserve: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="The share of the account's daily API calls that Tradepost leaves to others.",
    )
    settle_seconds: float = Field(
        default=180.0,
        ge=0,
        description="How long, in seconds, a request that timed out may still take effect at HubSpot.",
    )
    lag_seconds: float = Field(
        default=300.0, ge=0, description="How late, in seconds, HubSpot's search may show what was written."
    )
    calls_per_ten_seconds: int = Field(
        default=90, ge=10, description="Calls made in ten seconds; HubSpot grants 100, or 190 from Professional on."
    )
    searches_per_second: int = Field(default=4, ge=1, le=10, description="Searches made in a second; HubSpot grants 5.")
    page_size: int = Field(default=100, ge=1, le=100, description="How many records one page of a listing holds.")
    base_url: str = Field(
        default="", description="Another address of the API, for a sandbox; leave it out for HubSpot's."
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds until an unanswered call is given up.")
    proxy: str = Field(default="", description="The address of an HTTP proxy; leave it out for none.")
    ca_bundle: str = Field(
        default="", description="A file with the certificates of a company CA; leave it out for none."
    )

    _bare = field_validator("base_url")(bare_url)


class HubSpotTarget:
    """`CrmTarget` and `Provisioning` for one account."""

    Config = HubSpotConfig

    def __init__(self, config: HubSpotConfig, services: Services) -> None:
        tokens, ask_token = _sign_in(config, services)

        def open_http(classify: Classify) -> Http:
            return services.open_http(_http_spec(config, tokens, classify))

        lag = timedelta(seconds=config.lag_seconds)
        self._api = HubSpotApi(open_http, services.clock, services.log, config.reserve)
        account = HubSpotAccount(self._api, ask_token)
        self._mirror = HubSpotMirror(self._api, account, services.clock, page_size=config.page_size, lag=lag)
        self._finder = HubSpotFinder(self._api, account, self._mirror)
        self._writer = HubSpotWriter(
            self._api,
            account,
            self._finder,
            HubSpotNative(self._api, account),
            HubSpotChanger(self._api, account, self._finder),
            skip_logged=config.native_logging != "ignore",
        )
        waits = Waits(settle=config.settle_seconds, lag=config.lag_seconds)
        self._setup = HubSpotSetup(self._api, account, services.clock, waits, config.native_logging)

    @property
    def usage(self) -> float:
        """The share of the account's daily API calls in use, by all its keys; 0 where HubSpot tells none."""
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
        await self._api.close()


def _sign_in(config: HubSpotConfig, services: Services) -> tuple[TokenSource, AskToken]:
    """Tokens, and the call that tells what they allow. Raises `SecretError`."""
    auth = config.auth
    if isinstance(auth, ServiceKeyAuth):
        key = HubSpotServiceKey(auth.key.read())

        async def of_key(api: HubSpotApi) -> dict[str, Any]:
            # Documented for private apps; whether it knows service keys is not said.
            # https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview
            url = "/oauth/v2/private-apps/get/access-token-info"
            return await api.ask("access-token-info", url, json={"tokenKey": await key.token()})

        return key, of_key
    secret, client_id = auth.client_secret.read(), auth.client_id
    spec = TokenSpec(
        name="hubspot",
        url=f"{config.base_url or BASE_URL}/oauth/{API_VERSION}/token",
        share=_SHARE_USED,
        proxy=config.proxy,
        ca_bundle=config.ca_bundle,
    )
    refresh = auth.refresh_token.read()
    tokens = HubSpotTokens(services, spec, client_id=client_id, client_secret=secret, refresh_token=refresh)

    async def of_app(api: HubSpotApi) -> dict[str, Any]:
        form = {"token": await tokens.token(), "token_type_hint": "access_token"}
        form |= {"client_id": client_id, "client_secret": secret}
        return await api.ask("oauth.introspect", f"/oauth/{API_VERSION}/token/introspect", form=form)

    return tokens, of_app


def _http_spec(config: HubSpotConfig, tokens: TokenSource, classify: Classify) -> HttpSpec:
    return HttpSpec(
        name="hubspot",
        base_url=config.base_url or BASE_URL,
        classify=classify,
        tokens=tokens,
        quotas={
            "burst": Quota(config.calls_per_ten_seconds, 10.0),
            "search": Quota(config.searches_per_second, 1.0),
        },
        timeout=config.timeout,
        proxy=config.proxy,
        ca_bundle=config.ca_bundle,
    )
