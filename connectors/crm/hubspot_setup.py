"""Asking what an account offers, and creating the key properties it lacks."""

from __future__ import annotations

from datetime import timedelta

from connectors.base.errors import ConnectorError, OutcomeUnknown, Rejected
from connectors.base.model import Problem, Severity, TargetAccount
from connectors.base.services import Clock
from connectors.crm.hubspot_account import CLOSED_TO_US, AccountFacts, HubSpotAccount
from connectors.crm.hubspot_api import HubSpotApi
from connectors.crm.hubspot_map import API_VERSION, API_VERSION_ENDS, KEY, Filter, Search, millis
from connectors.crm.hubspot_parse import Row, bare_code
from connectors.crm.hubspot_setup_map import (
    Waits,
    capabilities_of,
    group_definition,
    key_definition,
    key_problems,
    logged_by,
    missing_keys,
    native_problem,
    not_made,
    scope_problems,
    sentence,
)
from connectors.crm.hubspot_writes_map import FINGERPRINT

_PROBED = ("contacts", "companies", "deals", "emails", "tasks")
_SAMPLE = 100
_RECENT = timedelta(days=30)
_THERE = frozenset({"CONFLICT", "OBJECT_ALREADY_EXISTS"})


class HubSpotSetup:
    """`check` and `Provisioning` of one account."""

    def __init__(
        self, api: HubSpotApi, account: HubSpotAccount, clock: Clock, waits: Waits, native_logging: str
    ) -> None:
        self._api = api
        self._account = account
        self._clock = clock
        self._waits = waits
        self._native_logging = native_logging

    # ----------------------------------------------------------------------------------------------------------- check

    async def check(self) -> TargetAccount:
        """See `CrmTarget.check`."""
        self._account.forget()
        facts = await self._account.facts()
        refused = await self._refused(facts)
        problems = [*scope_problems(facts.token.scopes, refused), *key_problems(facts.shapes)]
        if not facts.stages.pipelines:
            mend = "Add the scope crm.objects.deals.read, and look whether the account has a deal pipeline."
            problems.append(Problem(Severity.ERROR, "The stages of deals are not visible.", mend))
        problems += await self._native()
        if self._clock.now() >= API_VERSION_ENDS:
            what = f"Version {API_VERSION} of the HubSpot API is past its assured life."
            problems.append(Problem(Severity.WARNING, what, "Install a newer Tradepost."))
        return TargetAccount(
            account_id=f"hubspot:{facts.portal}",
            name=f"HubSpot {facts.portal}",
            pipelines=facts.stages.pipelines,
            capabilities=capabilities_of(facts.shapes, facts.token.scopes, self._waits),
            problems=tuple(problems),
        )

    async def _refused(self, facts: AccountFacts) -> dict[str, ConnectorError]:
        """What cannot be read: one look at each kind of record, where HubSpot does not tell the key's scopes."""
        refused: dict[str, ConnectorError] = {}
        if facts.token.scopes is not None:
            return refused
        for name in _PROBED:
            try:
                await self._api.page(name, ("hs_object_id",), "", limit=1)
            except CLOSED_TO_US as error:
                refused[name] = error
        try:
            await self._account.owners()
        except CLOSED_TO_US as error:
            refused["owners"] = error
        return refused

    async def _native(self) -> list[Problem]:
        if self._native_logging != "ask":
            return []
        try:
            rows = await self._recent()
        except CLOSED_TO_US:
            return []
        ours, theirs = logged_by(rows, (await self._account.facts()).author)
        found = native_problem(self._native_logging, ours, theirs)
        return [found] if found else []

    async def _recent(self) -> list[Row]:
        """The mails logged last, whoever did it."""
        since = str(millis(self._clock.now() - _RECENT))
        newest = Search(
            ((Filter("hs_createdate", "GTE", since),),), FINGERPRINT, "hs_createdate", descending=True, limit=_SAMPLE
        )
        rows, _ = await self._api.search_page("emails", newest)
        return rows

    # ---------------------------------------------------------------------------------------------------------- set-up

    async def plan_setup(self) -> tuple[str, ...]:
        """See `Provisioning.plan_setup`."""
        self._account.forget()
        return tuple(sentence(name) for name in missing_keys((await self._account.facts()).shapes))

    async def apply_setup(self) -> tuple[Problem, ...]:
        """See `Provisioning.apply_setup`. What is there already is left as it is."""
        self._account.forget()
        problems: list[Problem] = []
        for name in missing_keys((await self._account.facts()).shapes):
            try:
                await self._make(name)
            except CLOSED_TO_US as error:
                problems.append(not_made(name, error))
        self._account.forget()
        shapes = (await self._account.facts()).shapes
        there = {name: shape for name, shape in shapes.items() if name not in missing_keys(shapes)}
        return (*problems, *key_problems(there))

    async def _make(self, name: str) -> None:
        """The group, then the property: unique where HubSpot takes that."""
        url = f"/crm/properties/{API_VERSION}/{name}"
        await self._post("properties.groups.create", f"{url}/groups", group_definition())
        try:
            await self._post("properties.create", url, key_definition(unique=True))
        except Rejected:
            await self._post("properties.create", url, key_definition(unique=False))

    async def _post(self, operation: str, url: str, body: object) -> None:
        """Create a definition; one that is there already is what was wanted. A lost answer is looked at again."""
        try:
            await self._api.write(operation, "POST", url, body)
        except Rejected as error:
            if error.status != 409 and bare_code(error) not in _THERE:
                raise
        except OutcomeUnknown:
            if operation == "properties.create" and await self._account.property(url.rpartition("/")[2], KEY) is None:
                raise
