"""Zoho CRM as a target: one organisation, through its REST API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.base.errors import ConnectorError
from connectors.base.model import Attempt, Customer, Deal, Finding, Page, Problem, Receipt, TargetAccount, User
from connectors.base.services import HttpSpec, Services, TokenSource
from connectors.crm.zoho_api import Credits, ZohoApi
from connectors.crm.zoho_emails import MailLists
from connectors.crm.zoho_find import ZohoFinder
from connectors.crm.zoho_log import ZohoMailLog
from connectors.crm.zoho_map import SITES
from connectors.crm.zoho_mirror import ZohoMirror
from connectors.crm.zoho_move import ZohoMover
from connectors.crm.zoho_org import ZohoOrg
from connectors.crm.zoho_setup import ZohoSetup
from connectors.crm.zoho_write import ZohoWriter
from connectors.oauth import ZOHO_ACCOUNTS, SecretRef, TokenSpec, ZohoTokens


class ZohoConfig(BaseModel):
    """One Zoho CRM organisation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_centre: Literal["us", "eu", "in", "au", "cn", "jp", "ca", "sa", "uk"] = Field(
        description="The data centre of the organisation: us (zoho.com), eu, in, au, cn (zoho.com.cn), jp, ca, sa, uk."
    )
    client_id: str = Field(min_length=1, description="The client ID of the self client in Zoho's API console.")
    client_secret: SecretRef = Field(description="Where the client secret of the self client is kept.")
    refresh_token: SecretRef | None = Field(
        default=None, description="Where the refresh token is kept; empty means the one `tradepost login` has got."
    )
    workflows: Literal["live", "none"] = Field(
        default="live", description="Lets writes from new mail run your workflows (live), or none; history runs none."
    )
    native_logging: Literal["ask", "skip", "ignore"] = Field(
        default="ask",
        description="Skips mail that Zoho's own mail integration has logged already, or ignores that; ask skips it, "
        "and `check` asks you to choose.",
    )
    reserve: float = Field(
        default=0.1, ge=0, lt=1, description="The share of the day's API credits that Tradepost leaves to others."
    )
    settle_seconds: float = Field(
        default=900.0, ge=0, description="How long a request that timed out may still take effect at Zoho."
    )
    page_size: int = Field(default=200, ge=1, le=200, description="How many records one page of a listing holds.")
    accounts_url: str = Field(
        default="", description="Another address for tokens, for a sandbox; empty by data_centre."
    )
    base_url: str = Field(
        default="", description="Another address of the API; empty means what the token's answer names."
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds until an unanswered call is given up.")
    proxy: str = Field(default="", description="The address of an HTTP proxy, or empty.")
    ca_bundle: str = Field(default="", description="A file with the certificates of a company CA, or empty.")

    @field_validator("accounts_url", "base_url")
    @classmethod
    def _bare(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
            raise ValueError("must begin with https://")
        return value.rstrip("/")

    @property
    def accounts(self) -> str:
        """Where tokens are handed out."""
        return self.accounts_url or ZOHO_ACCOUNTS[self.data_centre]


class ZohoTarget:
    """`CrmTarget` and `Provisioning` for one organisation."""

    Config = ZohoConfig

    def __init__(self, config: ZohoConfig, services: Services) -> None:
        tokens = zoho_tokens(config, services)
        usage = Credits(services.clock, services.log, config.reserve)

        async def instance() -> str:
            """Where the organisation's data lives; the token's own answer says."""
            if config.base_url:
                return config.base_url
            await tokens.token()
            return tokens.instance_url

        self._http = services.open_http(_http_spec(config, usage, tokens))
        self._api = ZohoApi(self._http, services.clock, usage, instance)
        org = ZohoOrg(self._api, SITES[config.data_centre])
        self._mirror = ZohoMirror(self._api, org, services.clock, config.page_size)
        lists = MailLists(self._api, services.clock)
        self._finder = ZohoFinder(self._api, org, lists, services.clock)
        self._writer = ZohoWriter(
            self._api,
            org,
            self._mirror,
            self._finder,
            ZohoMailLog(self._api, org, self._finder, lists, skip_logged=config.native_logging != "ignore"),
            ZohoMover(self._api, org, self._finder, services.clock),
            workflows=config.workflows == "live",
        )
        self._setup = ZohoSetup(
            self._api, org, settle_seconds=config.settle_seconds, native_logging=config.native_logging
        )

    @property
    def usage(self) -> float:
        """The share of the day's credits in use, by everybody; 0 until Zoho tells, which it does from half on."""
        return self._api.credits.usage

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


def token_spec(config: ZohoConfig) -> TokenSpec:
    return TokenSpec(
        name="zoho", url=f"{config.accounts}/oauth/v2/token", proxy=config.proxy, ca_bundle=config.ca_bundle
    )


def zoho_tokens(config: ZohoConfig, services: Services) -> ZohoTokens:
    return ZohoTokens(
        services,
        token_spec(config),
        client_id=config.client_id,
        client_secret=config.client_secret.read(),
        refresh_token=config.refresh_token.read() if config.refresh_token else "",
    )


def _http_spec(config: ZohoConfig, usage: Credits, tokens: TokenSource) -> HttpSpec:
    return HttpSpec(
        name="zoho",
        base_url=config.base_url or config.accounts,
        classify=usage.classify,
        tokens=tokens,
        scheme="Zoho-oauthtoken",
        timeout=config.timeout,
        proxy=config.proxy,
        ca_bundle=config.ca_bundle,
    )
