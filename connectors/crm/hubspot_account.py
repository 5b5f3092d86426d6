"""What an account looks like to our key: who we are, pipelines, key properties, owners. Kept until `forget`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.base.errors import AuthFailed, ConnectorError, Gone, NotPermitted, Rejected, Transient
from connectors.crm.hubspot_api import HubSpotApi
from connectors.crm.hubspot_map import API_VERSION, KEY, Filter, Search, Site, Stages, stages_of
from connectors.crm.hubspot_parse import Row, has_id
from connectors.crm.hubspot_setup_map import KEYED, OPTIONAL, shape_of
from connectors.crm.hubspot_writes_map import Author, KeyMode, Shape

CLOSED_TO_US = (NotPermitted, Gone, Rejected)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What HubSpot tells of our own token. `scopes` is None where it tells nothing."""

    app: str = ""
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """Facts that reading and writing need."""

    portal: str
    name: str
    site: Site
    token: TokenFacts
    stages: Stages
    shapes: dict[str, Shape] = field(default_factory=dict)
    refused: dict[str, ConnectorError] = field(default_factory=dict)  # what could not be looked at

    @property
    def author(self) -> Author:
        return Author(self.token.app)

    @property
    def mail_hidden(self) -> bool:
        """Whether HubSpot hides the content of mails from our key."""
        return self.token.scopes is not None and "sales-email-read" not in self.token.scopes

    def shape(self, name: str) -> Shape:
        return self.shapes.get(name, Shape())


AskToken = Callable[[HubSpotApi], Awaitable[dict[str, Any]]]


class HubSpotAccount:
    """Caches what one account is like."""

    def __init__(self, api: HubSpotApi, ask_token: AskToken) -> None:
        """`ask_token` asks HubSpot about our own token, in the way that fits how we sign in."""
        self._api = api
        self._ask_token = ask_token
        self._facts: AccountFacts | None = None
        self._leads: bool | None = None
        self._odd: set[str] = set()  # stages that the pipelines do not list
        self._definitions: dict[str, list[Row]] = {}

    def forget(self) -> None:
        """Ask everything anew the next time."""
        self._facts = None
        self._leads = None
        self._odd.clear()
        self._definitions.clear()

    async def facts(self) -> AccountFacts:
        if self._facts is None:
            self._facts = await self._ask()
        return self._facts

    async def _ask(self) -> AccountFacts:
        details = await self._api.ask("account-info.details", f"/account-info/{API_VERSION}/details")
        portal = str(details.get("portalId") or "")
        if not portal.isdigit():
            raise Transient("The answer does not say which account this is.", operation="account-info.details")
        zone, domain = details.get("timeZone"), str(details.get("uiDomain") or "")
        self._api.zone = zone if isinstance(zone, str) else ""
        refused: dict[str, ConnectorError] = {}
        shapes = {name: await self._shape(name, refused) for name in KEYED}
        return AccountFacts(
            portal=portal,
            name=str(details.get("accountType") or "HubSpot"),
            site=Site(portal, domain if re.fullmatch(r"[a-z0-9.-]+", domain) else "app.hubspot.com"),
            token=await self._token(),
            stages=await self._stages(refused),
            shapes=shapes,
            refused=refused,
        )

    async def _token(self) -> TokenFacts:
        """Our scopes and the app whose id marks what we write; a service key may be told neither."""
        try:
            body = await self._ask_token(self._api)
        except (*CLOSED_TO_US, AuthFailed, Transient):
            return TokenFacts()
        scopes = body.get("scopes")
        app = str(body.get("appId") or body.get("app_id") or "")
        known = isinstance(scopes, list) and scopes and all(isinstance(s, str) for s in scopes)
        return TokenFacts(app if app.isdigit() else "", frozenset(map(str, scopes or ())) if known else None)

    async def _shape(self, name: str, refused: dict[str, ConnectorError]) -> Shape:
        """What may be written on an object, as far as it concerns us."""
        try:
            found = [await self.property(name, p) for p in (KEY, *OPTIONAL.get(name, ()))]
        except CLOSED_TO_US as error:
            refused[f"properties of {name}"] = error
            return await self._probed(name)
        return shape_of([p for p in found if p])

    async def property(self, name: str, wanted: str) -> Row | None:
        """The definition of a property, asked now; None where there is none."""
        url = f"/crm/properties/{API_VERSION}/{name}/{wanted}"
        try:
            row = await self._api.ask("properties.get", url)
        except Gone:
            return None
        if row.get("name") != wanted:
            raise Transient("The answer makes no sense.", operation="properties.get")
        return row

    async def _probed(self, name: str) -> Shape:
        """The key of an object whose properties we may not see: HubSpot reads by unique properties, and searches any.

        Those of mails need connected-email-data-access, which not every key can be given.
        """
        try:
            await self._api.read(name, ["none"], (KEY,), by=KEY)
        except CLOSED_TO_US:
            pass
        else:
            return Shape(KeyMode.UNIQUE, frozenset({KEY}), known=True)
        try:
            await self._api.search_page(name, Search(((Filter(KEY, "EQ", "none"),),), (KEY,), limit=1))
        except CLOSED_TO_US:
            return Shape()
        return Shape(KeyMode.PLAIN, frozenset({KEY}), known=True)

    async def definitions(self, name: str) -> list[Row]:
        """The properties of an object, asked once."""
        if name not in self._definitions:
            operation = "properties.list"
            rows = await self._api.all(operation, f"/crm/properties/{API_VERSION}/{name}", {})
            self._definitions[name] = [r for r in rows if isinstance(r.get("name"), str)]
        return self._definitions[name]

    async def _stages(self, refused: dict[str, ConnectorError]) -> Stages:
        try:
            rows = await self._api.all("pipelines.list", f"/crm/pipelines/{API_VERSION}/deals", {})
        except CLOSED_TO_US as error:
            refused["pipelines of deals"] = error
            return Stages()
        return stages_of([r for r in rows if r.get("id")])

    async def stages(self, wanted: Collection[str]) -> Stages:
        """The stages; asked again, once, for each of `wanted` that is not known: somebody may have added it."""
        facts = await self.facts()
        new = {s for s in wanted if not facts.stages.stage(s)} - self._odd
        if not new:
            return facts.stages
        self._odd |= new
        self._facts = replace(facts, stages=await self._stages({}))
        return self._facts.stages

    async def leads(self) -> bool:
        """Whether the account has leads (Sales Hub Professional) and we may read them."""
        if self._leads is None:
            try:
                await self._api.page("leads", ("hs_lead_name",), "", limit=1)
                self._leads = True
            except CLOSED_TO_US:
                self._leads = False
        return self._leads

    async def owners(self) -> list[Row]:
        """All owners, archived ones last."""
        url = f"/crm/owners/{API_VERSION}"
        rows = await self._api.all("owners.list", url, {"limit": "100", "archived": "false"})
        gone = await self._api.all("owners.list", url, {"limit": "100", "archived": "true"})
        rows += [{**r, "archived": True} for r in gone]
        if not all(has_id(r) for r in rows):
            raise Transient("The answer makes no sense.", operation="owners.list")
        return rows
