"""Zoho CRM as a target: one organisation, through its REST API."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base.errors import ConnectorError
from connectors.base.model import Attempt, Customer, Deal, Finding, Page, Problem, Receipt, TargetAccount, User
from connectors.base.services import HttpSpec, Services, TokenSource
from connectors.crm.zoho_api import Credits, ZohoApi
from connectors.crm.zoho_config import ZohoConfig, zoho_tokens
from connectors.crm.zoho_emails import MailLists
from connectors.crm.zoho_find import ZohoFinder
from connectors.crm.zoho_log import ZohoMailLog
from connectors.crm.zoho_login import login
from connectors.crm.zoho_map import SITES
from connectors.crm.zoho_mirror import ZohoMirror
from connectors.crm.zoho_move import ZohoMover
from connectors.crm.zoho_org import ZohoOrg
from connectors.crm.zoho_setup import ZohoSetup
from connectors.crm.zoho_write import ZohoWriter


class ZohoTarget:
    """`CrmTarget` and `Provisioning` for one organisation."""

    Config = ZohoConfig
    login = staticmethod(login)

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
