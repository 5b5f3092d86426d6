"""Asking what an account offers, and creating the key fields it lacks."""

from __future__ import annotations

from connectors.base.errors import ConnectorError, Gone, NotPermitted, Rejected
from connectors.base.model import Pipeline, Problem, Severity, TargetAccount
from connectors.crm.zoho_api import ZohoApi, refusal
from connectors.crm.zoho_emails_map import entry_of
from connectors.crm.zoho_map import ModuleShape
from connectors.crm.zoho_org import ZohoOrg
from connectors.crm.zoho_parse import id_in
from connectors.crm.zoho_setup_map import (
    KEY_HOMES,
    MODULES_NEEDED,
    Step,
    capabilities_of,
    key_field,
    native_problem,
    not_done,
    problems_of,
    steps_of,
)

_REFUSED = (NotPermitted, Rejected, Gone)
# Probes that only ask: the newest contacts by COQL, and their e-mails.
_NEWEST = "select id, Modified_Time from Contacts where id > '0' order by Modified_Time desc limit 0, 5"


class ZohoSetup:
    """`check` and `Provisioning` of one account."""

    def __init__(self, api: ZohoApi, org: ZohoOrg, *, settle_seconds: float, native_logging: str) -> None:
        self._api = api
        self._org = org
        self._settle = settle_seconds
        self._native = native_logging

    # ---------------------------------------------------------------------------------------------------------- check

    async def check(self) -> TargetAccount:
        """See `CrmTarget.check`."""
        self._org.forget()
        me = await self._org.me()
        shapes = {name: await self._org.shape(name) for name in MODULES_NEEDED}
        problems = list(problems_of(shapes, me.profile))
        pipelines, told = await self._pipelines()
        emails, sampled = await self._sample()
        problems += [*told, *sampled]
        return TargetAccount(
            account_id=f"zoho:{me.org}",
            name=me.name,
            pipelines=pipelines,
            capabilities=capabilities_of(
                shapes, emails=emails, history=bool(await self._org.history_list()), settles_after=self._settle
            ),
            problems=tuple(problems),
        )

    async def _pipelines(self) -> tuple[tuple[Pipeline, ...], list[Problem]]:
        try:
            found = await self._org.pipelines()
        except NotPermitted as error:
            return (), [_missing("The stages of deals cannot be read.", error)]
        if any(p.stages for p in found):
            return found, []
        mend = "Give the profile of Tradepost's user access to Deals with its field Stage."
        return found, [Problem(Severity.ERROR, "The stages of deals are not visible.", mend)]

    async def _sample(self) -> tuple[bool, list[Problem]]:
        """Whether e-mails may be read at all, and what lies on the contacts changed last."""
        try:
            contacts = [id_in(r.get("id")) for r in await self._api.query(_NEWEST)]
        except NotPermitted as error:
            return True, [_missing("Queries (COQL) are not allowed.", error)]
        except (Rejected, Gone):
            contacts = []
        sources: list[str] = []
        for contact in contacts:
            try:
                page = await self._api.page("get_emails", f"Contacts/{contact}/Emails", {}, name="Emails")
            except NotPermitted as error:
                return False, [_missing("The e-mails of records cannot be read.", error)]
            except (Rejected, Gone):
                continue
            sources += [entry_of(r).source or "unknown" for r in page.rows]
        return True, [native_problem(len(contacts), sources)] if self._native == "ask" else []

    # --------------------------------------------------------------------------------------------------------- set-up

    async def plan_setup(self) -> tuple[str, ...]:
        """See `Provisioning.plan_setup`."""
        self._org.forget()
        return tuple(step.sentence for step in steps_of(await self._homes()))

    async def apply_setup(self) -> tuple[Problem, ...]:
        """See `Provisioning.apply_setup`. A field that is there is not changed; each is looked at afterwards."""
        self._org.forget()
        problems: list[Problem] = []
        for step in steps_of(await self._homes()):
            try:
                problem = await self._done(step)
            except _REFUSED as error:
                problem = not_done(step, error.code or str(error.status or ""))
            problems += [problem] if problem else []
        self._org.forget()
        return tuple(problems)

    async def _homes(self) -> list[ModuleShape | None]:
        return [await self._org.shape(name) for name in KEY_HOMES]

    async def _done(self, step: Step) -> Problem | None:
        """Make the field and see that it forbids doubles; the problem where it does not."""
        if step.there:
            return not_done(step, "FIELD_EXISTS")
        outcome = await self._api.write(
            "create_fields",
            "POST",
            "settings/fields",
            {"fields": [key_field()]},
            name="fields",
            params={"module": step.module},
        )
        if stopped := refusal(outcome, "create_fields"):
            raise stopped
        self._org.forget()
        shape = await self._org.shape(step.module)
        return None if shape is not None and shape.keyed else not_done(step, "NOT_UNIQUE")


def _missing(what: str, error: ConnectorError) -> Problem:
    return Problem(Severity.ERROR, what, error.hint)
