"""Asking what an org offers, and creating what it lacks (Tooling API and permission set)."""

from __future__ import annotations

from typing import Any

from connectors.base.errors import ConnectorError, Gone, NotPermitted, Rejected
from connectors.base.model import Problem, Severity, TargetAccount
from connectors.base.services import Clock
from connectors.crm.salesforce_api import SalesforceApi
from connectors.crm.salesforce_map import API_VERSION, API_VERSION_ENDS, KEY_FIELD, LEDGER, select, soql_in, soql_text
from connectors.crm.salesforce_org import SalesforceOrg
from connectors.crm.salesforce_setup_map import (
    FIELD_HOME,
    OBJECTS_NEEDED,
    PERMISSION_SET,
    OrgState,
    Step,
    capabilities_of,
    key_field_metadata,
    key_homes,
    ledger_metadata,
    problems_of,
    record_field_metadata,
    steps_of,
)

_REFUSED = (NotPermitted, Rejected, Gone)
_NAME = KEY_FIELD.removesuffix("__c")
_LEDGER_NAME = LEDGER.removesuffix("__c")


class SalesforceSetup:
    """`check` and `Provisioning` of one org."""

    def __init__(
        self, api: SalesforceApi, org: SalesforceOrg, clock: Clock, *, settle_seconds: float, ledger: bool
    ) -> None:
        self._api = api
        self._org = org
        self._clock = clock
        self._settle = settle_seconds
        self._ledger = ledger

    # ---------------------------------------------------------------------------------------------------------- check

    async def check(self) -> TargetAccount:
        """See `CrmTarget.check`."""
        self._org.forget()
        facts = await self._org.facts()
        shapes = {name: await self._org.shape(name) for name in OBJECTS_NEEDED}
        names = await self._api.query(select(("Id", "Name"), "Organization", ""))
        problems = problems_of(shapes, facts.places, await self._homes())
        if not facts.pipeline.stages:
            mend = "Give the integration user Read on Opportunity."
            problems += (Problem(Severity.ERROR, "The stages of opportunities are not visible.", mend),)
        if self._clock.now() >= API_VERSION_ENDS:
            what = f"Version {API_VERSION} of the Salesforce API is past its assured life."
            problems += (Problem(Severity.WARNING, what, "Install a newer Tradepost."),)
        return TargetAccount(
            account_id=f"salesforce:{facts.me.org}",
            name=str(names[0].get("Name") or "") if names else "",
            pipelines=(facts.pipeline,),
            capabilities=capabilities_of(shapes, facts.places, facts.around.closing, self._settle),
            problems=problems,
        )

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
        return tuple(step.sentence for step in steps_of(await self._state(), ledger=self._ledger))

    async def apply_setup(self) -> tuple[Problem, ...]:
        """See `Provisioning.apply_setup`. Where EmailMessage takes no key field, the ledger object is made instead."""
        self._org.forget()
        ledger = self._ledger
        done: set[Step] = set()
        problems: dict[Step, Problem] = {}
        while step := self._next(steps_of(await self._state(), ledger=ledger), done):
            done.add(step)
            try:
                await self._do(step)
            except _REFUSED as error:
                if step == Step("field", "EmailMessage") and not isinstance(error, NotPermitted):
                    ledger = True
                else:
                    problems[step] = _problem(step, error)
            self._org.forget()
        return tuple(problems.values())

    def _next(self, steps: tuple[Step, ...], done: set[Step]) -> Step | None:
        return next((s for s in steps if s not in done), None)

    async def _do(self, step: Step) -> None:
        if step.do == "field":
            await self._api.create("CustomField", key_field_metadata(step.on), tooling=True)
        elif step.do == "ledger":
            await self._api.create("CustomObject", ledger_metadata(), tooling=True)
        elif step.do == "ledger_field":
            key = step.on.endswith(KEY_FIELD)
            metadata = key_field_metadata(LEDGER) if key else record_field_metadata()
            await self._api.create("CustomField", metadata, tooling=True)
        elif step.do == "permission_set":
            await self._api.create("PermissionSet", {"Name": PERMISSION_SET, "Label": PERMISSION_SET})
        elif step.do == "assign":
            user = (await self._org.identity()).user
            body = {"AssigneeId": user, "PermissionSetId": await self._permission_set()}
            await self._api.create("PermissionSetAssignment", body)
        else:
            await self._grant(step, await self._permission_set())

    async def _grant(self, step: Step, parent: str) -> None:
        if step.do == "object_grant":
            rights = ("Read", "Create", "Edit", "Delete")
            body = {"ParentId": parent, "SobjectType": step.on, **{f"Permissions{r}": True for r in rights}}
            await self._api.create("ObjectPermissions", body)
            return
        body = {"ParentId": parent, "SobjectType": step.on.partition(".")[0], "Field": step.on}
        await self._api.create("FieldPermissions", {**body, "PermissionsRead": True, "PermissionsEdit": True})

    # ---------------------------------------------------------------------------------------------------------- state

    async def _state(self) -> OrgState:
        fields = key_homes(await self._custom_fields())
        objects = await self._rows("CustomObject", ("Id",), f"DeveloperName = {soql_text(_LEDGER_NAME)}", tooling=True)
        ledger_fields = await self._ledger_fields(str(objects[0]["Id"])) if objects else frozenset()
        chosen = await self._permission_set()
        grants = await self._grants(chosen) if chosen else frozenset()
        return OrgState(
            key_homes=fields,
            ledger=bool(objects),
            ledger_fields=ledger_fields,
            permission_set=chosen,
            grants=grants,
            assigned=bool(chosen) and await self._assigned(chosen),
            visible=await self._visible(),
        )

    async def _visible(self) -> frozenset[str]:
        shapes = [(name, await self._org.shape(name)) for name in (*FIELD_HOME, LEDGER)]
        return frozenset(name for name, shape in shapes if shape and shape.keyed)

    async def _ledger_fields(self, table: str) -> frozenset[str]:
        names = (_NAME, "Record_Id")
        where = f"TableEnumOrId = {soql_text(table)} AND DeveloperName IN {soql_in(names)}"
        rows = await self._rows("CustomField", ("Id", "DeveloperName"), where, tooling=True)
        return frozenset(f"{LEDGER}.{r['DeveloperName']}__c" for r in rows)

    async def _permission_set(self) -> str:
        rows = await self._rows("PermissionSet", ("Id",), f"Name = {soql_text(PERMISSION_SET)}")
        return str(rows[0]["Id"]) if rows else ""

    async def _grants(self, parent: str) -> frozenset[str]:
        where = f"ParentId = {soql_text(parent)} AND PermissionsEdit = true"
        fields = await self._rows("FieldPermissions", ("Id", "Field"), where)
        objects = await self._rows("ObjectPermissions", ("Id", "SobjectType"), where)
        return frozenset({str(r["Field"]) for r in fields} | {str(r["SobjectType"]) for r in objects})

    async def _assigned(self, chosen: str) -> bool:
        user = (await self._org.identity()).user
        where = f"AssigneeId = {soql_text(user)} AND PermissionSetId = {soql_text(chosen)}"
        return bool(await self._rows("PermissionSetAssignment", ("Id",), where))

    async def _rows(
        self, name: str, fields: tuple[str, ...], where: str, *, tooling: bool = False
    ) -> list[dict[str, Any]]:
        return await self._api.query(select(fields, name, where), tooling=tooling)


def _problem(step: Step, error: ConnectorError) -> Problem:
    mend = (
        "Give the integration user Customize Application, View Setup, Manage Profiles and Permission Sets and Assign "
        "Permission Sets for the set-up, or let an administrator deploy deploy/salesforce."
    )
    return Problem(Severity.ERROR, f"Not done ({error.code or error.status}): {step.sentence}", mend)
