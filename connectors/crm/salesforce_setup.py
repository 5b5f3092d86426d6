"""Asking what an org offers, and creating what it lacks (Tooling API and permission set)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from connectors.base.errors import ConnectorError, Gone, NotPermitted, Rejected
from connectors.base.model import Problem, Severity, TargetAccount
from connectors.base.services import Clock
from connectors.crm.salesforce_api import SalesforceApi
from connectors.crm.salesforce_map import API_VERSION, API_VERSION_ENDS, KEY_FIELD, LEDGER, select, soql_text, soql_time
from connectors.crm.salesforce_org import SalesforceOrg
from connectors.crm.salesforce_setup_map import (
    FIELD_GRANTS,
    FIELD_HOME,
    OBJECTS_NEEDED,
    PERMISSION_SET,
    OrgState,
    Step,
    capabilities_of,
    key_field_metadata,
    key_homes,
    problems_of,
    steps_of,
)
from connectors.crm.salesforce_writes_map import KeyPlace

_REFUSED = (NotPermitted, Rejected, Gone)
_NATIVE_SAMPLE = timedelta(days=30)
_NATIVE_ROWS = 100
_NAME = KEY_FIELD.removesuffix("__c")


class SalesforceSetup:
    """`check` and `Provisioning` of one org."""

    def __init__(
        self, api: SalesforceApi, org: SalesforceOrg, clock: Clock, settle_seconds: float, *, ask_native: bool
    ) -> None:
        self._api = api
        self._org = org
        self._clock = clock
        self._settle = settle_seconds
        self._ask_native = ask_native

    # ---------------------------------------------------------------------------------------------------------- check

    async def check(self) -> TargetAccount:
        """See `CrmTarget.check`."""
        self._org.forget()
        facts = await self._org.facts()
        shapes = {name: await self._org.shape(name) for name in OBJECTS_NEEDED}
        problems = problems_of(shapes, facts.places, await self._homes())
        if not facts.pipeline.stages:
            mend = "Give the integration user Read on Opportunity."
            problems += (Problem(Severity.ERROR, "The stages of opportunities are not visible.", mend),)
        if self._clock.now() >= API_VERSION_ENDS:
            what = f"Version {API_VERSION} of the Salesforce API is past its assured life."
            problems += (Problem(Severity.WARNING, what, "Install a newer Tradepost."),)
        if self._ask_native:
            problems += await self._native()
        return TargetAccount(
            account_id=f"salesforce:{facts.me.org}",
            name=facts.me.name,
            pipelines=(facts.pipeline,),
            capabilities=capabilities_of(shapes, facts.places, facts.around.closing, self._settle),
            problems=problems,
        )

    async def _native(self) -> tuple[Problem, ...]:
        """Whether Salesforce's own tools log mail: Einstein Activity Capture, the Gmail and Outlook integrations."""
        since = soql_time(self._clock.now() - _NATIVE_SAMPLE)
        me = soql_text((await self._org.facts()).me.user)
        where = f"CreatedById != {me} AND CreatedDate >= {since} LIMIT {_NATIVE_ROWS}"
        try:
            rows = await self._api.query(select(("Id",), "EmailMessage", where))
        except _REFUSED:
            return ()
        if not rows:
            return ()
        many = f"{len(rows)} or more" if len(rows) == _NATIVE_ROWS else str(len(rows))
        what = f"Salesforce itself or another tool has logged mail in the last {_NATIVE_SAMPLE.days} days: {many}."
        mend = "Say what to do with such mail: native_logging: skip leaves it as it is, ignore logs it once more."
        return (Problem(Severity.WARNING, what, mend),)

    async def _homes(self) -> frozenset[str] | None:
        """Which objects have our key field, whoever may see it; None when setup data is closed to us."""
        try:
            return key_homes(await self._custom_fields())
        except _REFUSED:
            return None

    async def _custom_fields(self) -> list[dict[str, Any]]:
        where = f"DeveloperName = {soql_text(_NAME)}"
        return await self._api.query(select(("Id", "TableEnumOrId"), "CustomField", where), tooling=True)

    # --------------------------------------------------------------------------------------------------------- set-up

    async def plan_setup(self) -> tuple[str, ...]:
        """See `Provisioning.plan_setup`."""
        self._org.forget()
        return tuple(step.sentence for step in steps_of(await self._state()))

    async def apply_setup(self) -> tuple[Problem, ...]:
        """See `Provisioning.apply_setup`. What is there already is left as it is."""
        self._org.forget()
        problems: dict[Step, Problem] = {}
        tried: set[Step] = set()
        while step := next((s for s in steps_of(await self._state()) if s not in tried), None):
            tried.add(step)
            try:
                if _possible(step, problems):
                    await self._do(step)
            except _REFUSED as error:
                problems[step] = _problem(step, error)
            self._org.forget()
        return tuple(problems.values())

    async def _do(self, step: Step) -> None:
        if step.do == "field":
            await self._api.create("CustomField", key_field_metadata(step.on), tooling=True)
        elif step.do == "permission_set":
            await self._api.create("PermissionSet", {"Name": PERMISSION_SET, "Label": PERMISSION_SET})
        elif step.do == "assign":
            user = (await self._org.identity()).user
            body = {"AssigneeId": user, "PermissionSetId": await self._permission_set()}
            await self._api.create("PermissionSetAssignment", body)
        else:
            await self._grant(step.on, await self._permission_set())

    async def _grant(self, field: str, parent: str) -> None:
        rights = {"PermissionsRead": True, "PermissionsEdit": True}
        body = {"ParentId": parent, "SobjectType": field.partition(".")[0], "Field": field, **rights}
        await self._api.create("FieldPermissions", body)

    # ---------------------------------------------------------------------------------------------------------- state

    async def _state(self) -> OrgState:
        chosen = await self._permission_set()
        places = (await self._org.facts()).places
        return OrgState(
            key_homes=key_homes(await self._custom_fields()),
            permission_set=chosen,
            grants=await self._grants(chosen) if chosen else frozenset(),
            assigned=bool(chosen) and await self._assigned(chosen),
            ready=frozenset(name for name, place in places.items() if place is not KeyPlace.NONE),
        )

    async def _permission_set(self) -> str:
        rows = await self._rows("PermissionSet", ("Id",), f"Name = {soql_text(PERMISSION_SET)}")
        return str(rows[0]["Id"]) if rows else ""

    async def _grants(self, parent: str) -> frozenset[str]:
        where = f"ParentId = {soql_text(parent)} AND PermissionsEdit = true"
        return frozenset(str(r["Field"]) for r in await self._rows("FieldPermissions", ("Id", "Field"), where))

    async def _assigned(self, chosen: str) -> bool:
        user = (await self._org.identity()).user
        where = f"AssigneeId = {soql_text(user)} AND PermissionSetId = {soql_text(chosen)}"
        return bool(await self._rows("PermissionSetAssignment", ("Id",), where))

    async def _rows(self, name: str, fields: tuple[str, ...], where: str) -> list[dict[str, Any]]:
        return await self._api.query(select(fields, name, where))


def _possible(step: Step, problems: Collection[Step]) -> bool:
    """A grant needs its field."""
    home = {g: Step("field", FIELD_HOME[n]) for n, granted in FIELD_GRANTS.items() for g in granted}
    return step.do != "grant" or home[step.on.partition(".")[0]] not in problems


def _problem(step: Step, error: ConnectorError) -> Problem:
    mend = (
        "Give the integration user Customize Application, View Setup, Manage Profiles and Permission Sets and Assign "
        "Permission Sets for the set-up, or let an administrator deploy deploy/salesforce/fields."
    )
    if step == Step("field", "EmailMessage") and not isinstance(error, NotPermitted):
        # The Tooling API cannot make custom objects:
        # https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/tooling_api_objects_customobject.htm
        mend = (
            f"Let an administrator deploy deploy/salesforce/ledger: the object {LEDGER} then keeps the keys of mails."
        )
    return Problem(Severity.ERROR, f"Not done ({error.code or error.status}): {step.sentence}", mend)
