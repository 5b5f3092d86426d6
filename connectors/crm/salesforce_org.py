"""What an org looks like to our user: who we are, objects, key fields, picklists. Asked once, kept until `forget`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.base.errors import AuthFailed, NotPermitted, Transient
from connectors.base.model import Pipeline
from connectors.base.services import Clock
from connectors.crm.salesforce_api import DATA, SalesforceApi
from connectors.crm.salesforce_map import LEDGER, LEDGER_RECORD, ObjectShape, id18, pipeline_of, select, user_of
from connectors.crm.salesforce_writes_map import KeyPlace, Surroundings, closing_status, high_priority

KEYED = ("EmailMessage", "Task", "Lead")
_USERS_FOR = 3600.0


@dataclass(frozen=True, slots=True)
class Identity:
    """The org and the user we are signed in as."""

    org: str
    name: str
    user: str


@dataclass(frozen=True, slots=True)
class OrgFacts:
    """Facts that writing needs. `around` has no users and accounts yet."""

    me: Identity
    around: Surroundings
    pipeline: Pipeline

    @property
    def places(self) -> Mapping[str, KeyPlace]:
        return self.around.places

    @property
    def shapes(self) -> Mapping[str, ObjectShape]:
        return self.around.shapes


class SalesforceOrg:
    """Caches describes and picklists of one org."""

    def __init__(self, api: SalesforceApi, clock: Clock, email_key: str) -> None:
        self._api = api
        self._clock = clock
        self._email_key = email_key
        self._shapes: dict[str, ObjectShape | None] = {}
        self._facts: OrgFacts | None = None
        self._users: tuple[float, Mapping[str, str]] | None = None

    def forget(self) -> None:
        """Ask everything anew the next time."""
        self._shapes.clear()
        self._facts = None
        self._users = None

    async def shape(self, name: str) -> ObjectShape | None:
        if name not in self._shapes:
            self._shapes[name] = await self._api.describe(name)
        return self._shapes[name]

    async def identity(self) -> Identity:
        """The org comes first: a dead session answers 401 there, which renews it, but 403 at userinfo.

        https://help.salesforce.com/s/articleView?id=sf.remoteaccess_using_userinfo_endpoint.htm
        """
        rows = await self._api.query(select(("Id", "Name"), "Organization", ""))
        if not rows:
            raise NotPermitted("The integration user cannot read the organization.", operation="query")
        user = await self._user_id()
        return Identity(org=id18(str(rows[0]["Id"])), name=str(rows[0].get("Name") or ""), user=id18(user))

    async def _user_id(self) -> str:
        """From userinfo, or from the list of resources where the app's scopes do not cover that."""
        try:
            body = await self._api.get("userinfo", "/services/oauth2/userinfo")
            found = str(body.get("user_id") or "") if isinstance(body, dict) else ""
        except (NotPermitted, AuthFailed):
            body = await self._api.get("resources", f"{DATA}/")
            found = str(body.get("identity") or "").rpartition("/")[2] if isinstance(body, dict) else ""
        if not found:
            raise Transient("The answer does not say who we are.", operation="userinfo")
        return found

    async def facts(self) -> OrgFacts:
        if self._facts is None:
            self._facts = await self._ask()
        return self._facts

    async def _ask(self) -> OrgFacts:
        me = await self.identity()
        ledger = await self.shape(LEDGER)
        shapes = {name: shape for name in KEYED if (shape := await self.shape(name))}
        places = {name: self._place(shape, ledger) for name, shape in shapes.items()}
        around = Surroundings(
            shapes=shapes,
            places=places,
            closing=closing_status(await self._words("TaskStatus", "IsClosed, IsDefault")),
            high=high_priority(await self._words("TaskPriority", "IsHighPriority")),
        )
        return OrgFacts(me, around, pipeline_of(await self._stages()))

    def _place(self, shape: ObjectShape, ledger: ObjectShape | None) -> KeyPlace:
        book = ledger is not None and ledger.keyed and ledger.createable and LEDGER_RECORD in ledger.fields
        if shape.keyed and not (shape.name == "EmailMessage" and self._email_key == "ledger" and book):
            return KeyPlace.FIELD
        return KeyPlace.LEDGER if book else KeyPlace.NONE

    async def _words(self, name: str, flags: str) -> list[dict[str, Any]]:
        """Rows of a picklist object; none where our user cannot see activities."""
        try:
            return await self._api.query(select(("ApiName", "SortOrder", flags), name, ""))
        except NotPermitted:
            return []

    async def _stages(self) -> list[dict[str, Any]]:
        fields = ("ApiName", "MasterLabel", "IsActive", "IsClosed", "IsWon", "SortOrder")
        try:
            return await self._api.query(select(fields, "OpportunityStage", ""))
        except NotPermitted:
            return []

    async def around(self, accounts: Mapping[str, str]) -> Surroundings:
        """The surroundings of mails whose contacts' accounts are given."""
        facts = await self.facts()
        return replace(facts.around, users=await self._active_users(), accounts=accounts)

    async def _active_users(self) -> Mapping[str, str]:
        """Address to id of active standard users, asked once an hour."""
        now = self._clock.monotonic()
        if self._users is None or now - self._users[0] > _USERS_FOR:
            fields = ("Id", "Name", "Email", "Username", "IsActive")
            rows = await self._api.query(select(fields, "User", "IsActive = true AND UserType = 'Standard'"))
            pairs = [(email, u.id) for u in map(user_of, rows) for email in u.emails]
            self._users = (now, dict(sorted(pairs, reverse=True)))
        return self._users[1]
