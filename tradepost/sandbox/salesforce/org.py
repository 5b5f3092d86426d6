"""The org as people and tests handle it: seeding, acting as a person, administration, counting.

Everything here is what somebody does in the user interface, in Setup or with Apex; nothing of it is an API request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base.services import Clock
from tradepost.sandbox.salesforce import census, dml, people, permissions, soql
from tradepost.sandbox.salesforce.access import ADMIN_PERMISSIONS, INTEGRATION_PERMISSIONS, Profile
from tradepost.sandbox.salesforce.auth import Auth, ConnectedClient
from tradepost.sandbox.salesforce.limits import DailyRequests
from tradepost.sandbox.salesforce.query import run
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import Actor, Failure, OrgState, Settings, ValidationRule
from tradepost.sandbox.salesforce.store import Row
from tradepost.sandbox.salesforce.strictness import Strictness

SETUP_PERMISSIONS = frozenset({"CustomizeApplication", "ManageProfilesPermissionsets", "AssignPermissionSets"})


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the sales process; `forecast` is the category's label."""

    name: str
    probability: int
    forecast: str = "Pipeline"
    closed: bool = False
    won: bool = False
    active: bool = True


STAGES = (
    Stage("Prospecting", 10),
    Stage("Qualification", 10),
    Stage("Needs Analysis", 20),
    Stage("Value Proposition", 50),
    Stage("Proposal/Price Quote", 75),
    Stage("Negotiation/Review", 90),
    Stage("Closed Won", 100, "Closed", closed=True, won=True),
    Stage("Closed Lost", 0, "Omitted", closed=True),
)
_TASK_STATUSES = (
    ("Not Started", False),
    ("In Progress", False),
    ("Completed", True),
    ("Waiting on someone else", False),
)
_TASK_PRIORITIES = (("High", True), ("Normal", False), ("Low", False))
_LEAD_STATUSES = (
    ("Open - Not Contacted", False),
    ("Working - Contacted", False),
    ("Closed - Converted", True),
    ("Closed - Not Converted", False),
)
_FORECASTS = {"Pipeline": "Pipeline", "Best Case": "BestCase", "Most Likely": "MostLikely", "Commit": "Forecast"}


class SalesforceOrg:
    """One org with an administrator, an integration user and one External Client App.

    Ids are accepted in both lengths and answered with 18 characters. `by` is a user id; the default is the
    administrator. A refused save raises `errors.Refused`, as a person would see the message.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        name: str = "Harbour Trading Co.",
        my_domain: str = "harbour-trading.my.salesforce.com",
        is_sandbox: bool = False,
        edition: str = "Enterprise Edition",
        stages: Iterable[Stage] = STAGES,
        client: ConnectedClient | None = None,
        integration_permissions: Iterable[str] = INTEGRATION_PERMISSIONS | SETUP_PERMISSIONS,
        strictness: Strictness | None = None,
    ) -> None:
        self.my_domain = my_domain
        self.state = OrgState(clock, strictness)
        self.requests = DailyRequests()
        self._seed_lists(stages)
        self.admin_id = self._first_user()
        organization = {"Name": name, "OrganizationType": edition, "InstanceName": "HKG12", "IsSandbox": is_sandbox}
        organization |= {
            "LanguageLocaleKey": "en_US",
            "DefaultLocaleSidKey": "en_US",
            "TimeZoneSidKey": "Asia/Shanghai",
        }
        self.org_id: str = self.state.insert_raw("Organization", organization, self.admin_id)["Id"]
        self.auth = Auth(self.state, self.org_id, is_sandbox=is_sandbox)
        self.integration_username = f"integration@{my_domain.partition('.')[0]}.example"
        self.integration_user_id = self.add_user(
            self.integration_username, last_name="Integration", permissions=integration_permissions
        )
        self.client = client or ConnectedClient(client_id="3MVG9.tradepost.sandbox", client_secret="C0FFEE.sandbox")
        self.client.run_as = self.client.run_as or self.integration_username
        self.client.approved.add(self.integration_username)
        self.auth.clients[self.client.client_id] = self.client
        self.state.store.commit()

    @property
    def settings(self) -> Settings:
        """The switches of the org; change them at will."""
        return self.state.settings

    # -------------------------------------------------------------------------------------------- seeding

    def _first_user(self) -> str:
        profile = self.state.insert_raw("Profile", {"Name": "System Administrator", "UserType": "Standard"}, "")["Id"]
        self._profile_id = profile
        admin = people.user("admin@harbour-trading.example", "Administrator", "", "", profile)
        admin_id: str = self.state.insert_raw("User", admin, "")["Id"]
        self.state.profiles[admin_id] = Profile(set(ADMIN_PERMISSIONS))
        return admin_id

    def _seed_lists(self, stages: Iterable[Stage]) -> None:
        for order, stage in enumerate(stages, 1):
            category = _FORECASTS.get(stage.forecast, stage.forecast)
            row: Row = {"MasterLabel": stage.name, "ApiName": stage.name, "SortOrder": order, "IsActive": stage.active}
            row |= {"IsClosed": stage.closed, "IsWon": stage.won, "DefaultProbability": float(stage.probability)}
            row |= {"ForecastCategory": category, "ForecastCategoryName": stage.forecast}
            self.state.insert_raw("OpportunityStage", row, "")
        self._seed_list("TaskStatus", _TASK_STATUSES, "IsClosed", "Not Started")
        self._seed_list("TaskPriority", _TASK_PRIORITIES, "IsHighPriority", "Normal")
        self._seed_list("LeadStatus", _LEAD_STATUSES, "IsConverted", "Open - Not Contacted")

    def _seed_list(self, sobject: str, values: Iterable[tuple[str, bool]], flag: str, default: str) -> None:
        for order, (name, flagged) in enumerate(values, 1):
            row = {
                "MasterLabel": name,
                "ApiName": name,
                "SortOrder": order,
                flag: flagged,
                "IsDefault": name == default,
            }
            self.state.insert_raw(sobject, row, "")

    def add_user(
        self,
        username: str,
        *,
        email: str = "",
        first_name: str = "",
        last_name: str = "",
        active: bool = True,
        permissions: Iterable[str] = (),
    ) -> str:
        """A user of the org; without permissions one who works in the user interface only."""
        row = people.user(username, last_name or username.partition("@")[0], first_name, email, self._profile_id)
        with self._transaction():
            user_id: str = self.state.insert_raw("User", row | {"IsActive": active}, self.admin_id)["Id"]
        self.state.profiles[user_id] = Profile(set(permissions))
        return user_id

    def add_account(self, name: str, *, by: str = "", **fields: Any) -> str:
        """A company."""
        return self.create("Account", {"Name": name, **fields}, by=by)

    def add_contact(self, last_name: str, email: str = "", *, account_id: str = "", by: str = "", **fields: Any) -> str:
        """A person, of an account or of none."""
        values = {"LastName": last_name, "Email": email or None, "AccountId": account_id or None}
        return self.create("Contact", values | fields, by=by)

    def add_lead(self, last_name: str, company: str, email: str = "", *, by: str = "", **fields: Any) -> str:
        """A person not yet qualified, with the company's name as text."""
        return self.create("Lead", {"LastName": last_name, "Company": company, "Email": email or None, **fields}, by=by)

    def add_opportunity(
        self, name: str, *, account_id: str = "", stage: str = "", contact_id: str = "", by: str = "", **fields: Any
    ) -> str:
        """A deal; stage defaults to the first, closing date to 90 days ahead."""
        first = min(self.state.store.rows("OpportunityStage"), key=lambda row: row["SortOrder"])["ApiName"]
        closes = (self.state.now() + timedelta(days=90)).date().isoformat()
        values = {"Name": name, "StageName": stage or first, "CloseDate": closes}
        values |= {"AccountId": account_id or None, "ContactId": contact_id or None}
        return self.create("Opportunity", values | fields, by=by)

    # -------------------------------------------------------------------------------------------- acting as a person

    def create(self, sobject: str, fields: Mapping[str, Any], *, by: str = "", at: datetime | None = None) -> str:
        """Make a record of any kind. With `at` the audit fields say it happened then, as a long transaction's do."""
        with self._transaction():
            made = dml.insert(self.state, self._person(by), self._sobject(sobject), fields)
            if at is not None:
                self._stamp(sobject, made, at, created=True)
        return made

    def update(self, record_id: str, fields: Mapping[str, Any], *, by: str = "", at: datetime | None = None) -> None:
        """Change a record of any kind; `at` as for `create`."""
        sobject = self._sobject_of(record_id)
        with self._transaction():
            dml.update(self.state, self._person(by), sobject, record_id, fields)
            if at is not None:
                self._stamp(sobject.name, record_id, at, created=False)

    def delete(self, record_id: str, *, by: str = "") -> None:
        """To the recycle bin."""
        with self._transaction():
            dml.delete(self.state, self._person(by), self._sobject_of(record_id), record_id)

    def undelete(self, record_id: str, *, by: str = "") -> None:
        """Back from the recycle bin. Raises DUPLICATE_VALUE when another record took a unique value meanwhile."""
        with self._transaction():
            people.undelete(self.state, by or self.admin_id, self._sobject_of(record_id), record_id)

    def empty_recycle_bin(self, *, older_than: timedelta = timedelta(days=15)) -> int:
        """Remove deleted records for good; the answer is how many."""
        with self._transaction():
            return people.purge(self.state, older_than)

    def merge(self, master_id: str, loser_ids: Iterable[str], *, by: str = "") -> None:
        """Merge up to two records of one kind (Account, Contact, Lead) into the master."""
        with self._transaction():
            people.merge(self.state, by or self.admin_id, self._sobject_of(master_id).name, master_id, list(loser_ids))

    def convert_lead(
        self, lead_id: str, *, account_id: str = "", opportunity_name: str = "", by: str = ""
    ) -> people.Converted:
        """Turn a lead into a contact, an account unless one is named, and an opportunity when it gets a name."""
        with self._transaction():
            return people.convert(self.state, self._person(by), lead_id, account_id, opportunity_name)

    def record(self, record_id: str) -> dict[str, Any]:
        """A copy of a record, deleted or not. Raises KeyError."""
        sobject = self._sobject_of(record_id)
        return dict(self.state.store.tables[sobject.name][people.full_id(record_id)])

    def query(self, text: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        """SOQL with every right, as the developer console runs it."""
        return run(self.state.view(Actor(self.admin_id)), soql.parse(text), deleted=deleted).records

    # -------------------------------------------------------------------------------------------- administration

    def deactivate_user(self, user_id: str) -> None:
        """The user signs in no more and can own nothing new."""
        with self._transaction():
            self.state.touch("User", people.full_id(user_id), {"IsActive": False}, self.admin_id)

    def grant(self, user_id: str, *permissions: str) -> None:
        """Give user permissions by API name, such as ViewSetup."""
        self._profile(user_id).permissions.update(permissions)

    def revoke(self, user_id: str, *permissions: str) -> None:
        """Take user permissions away, such as ApiEnabled."""
        self._profile(user_id).permissions.difference_update(permissions)

    def close_object(self, user_id: str, sobject: str, calls: str = "crud") -> None:
        """Take create, read, update or delete of a standard object away."""
        self._profile(user_id).closed_objects[self._sobject(sobject).name] = calls

    def hide_field(self, user_id: str, sobject: str, field: str) -> None:
        """Field-level security: not visible. A custom field loses its grants in every permission set."""
        found = self._sobject(sobject)
        self._profile(user_id).hidden_fields.add((found.name, found.fields[field.lower()].name))
        with self._transaction():
            for row in list(self.state.store.rows("FieldPermissions")):
                if row["Field"].lower() == f"{sobject}.{field}".lower():
                    self.state.remove("FieldPermissions", row["Id"], self.admin_id)

    def lock_field(self, user_id: str, sobject: str, field: str) -> None:
        """Field-level security: read only (standard fields)."""
        found = self._sobject(sobject)
        self._profile(user_id).read_only_fields.add((found.name, found.fields[field.lower()].name))

    def hide_record(self, record_id: str) -> None:
        """Sharing: seen only by users with View All Data."""
        self.state.hidden_rows.add(people.full_id(record_id))

    def show_record(self, record_id: str) -> None:
        """Take `hide_record` back."""
        self.state.hidden_rows.discard(people.full_id(record_id))

    def expire_sessions(self) -> None:
        """Every access token dies."""
        self.auth.sessions.clear()

    def set_daily_limit(self, *, used: int | None = None, maximum: int | None = None) -> None:
        """Requests counted as made in the last 24 hours, and the org's allowance."""
        if maximum is not None:
            self.settings.daily_requests = maximum
        if used is not None:
            self.requests.set_used(self.state.now(), used)

    def configure(self, **switches: Any) -> None:
        """Set switches of `state.Settings` by name, such as duplicate_rules="block" or page_size=10."""
        for name, value in switches.items():
            if name not in Settings.__dataclass_fields__:
                raise ValueError(f"no such switch: {name}")
            setattr(self.settings, name, value)

    def restrict_picklist(self, sobject: str, field: str) -> None:
        """Refuse values that are not listed (an unrestricted picklist stores any)."""
        self.settings.restricted_picklists.add((sobject, field))

    def add_validation_rule(self, sobject: str, broken: Callable[[Row], bool], message: str) -> None:
        """Saves for which `broken(row)` is true are refused with `message`."""
        self.state.validation_rules.append(ValidationRule(sobject, broken, message))

    def fail_next(self, sobject: str, code: str, message: str, times: int = 1) -> None:
        """The next saves of an object fail, as by a trigger: one record at a time, also inside composite requests."""
        self.state.failures.append(Failure(sobject, code, message, times))

    def lock(self, record_id: str, seconds: float) -> None:
        """Another transaction holds a record: saves of it and of what refers to it meet UNABLE_TO_LOCK_ROW."""
        self.state.locks[people.full_id(record_id)] = self.state.now() + timedelta(seconds=seconds)

    def run_archiver(self) -> int:
        """Archive closed tasks a year past, now; the answer is how many. It also runs by itself once a day."""
        with self._transaction():
            return self.state.archive()

    # -------------------------------------------------------------------------------------------- metadata

    def add_custom_field(
        self,
        sobject: str,
        name: str,
        *,
        grant_to: Iterable[str] = (),
        **metadata: Any,
    ) -> None:
        """Make a custom field (on Activity for Task and Event) as in Setup, and let `grant_to` users read and edit it.

        `metadata` is what the Metadata API calls it: type (default Text), length, externalId, unique, caseSensitive,
        required, ...
        """
        facts = {"label": name.removesuffix("__c").replace("_", " "), "type": "Text", "length": 255} | metadata
        with self._transaction():
            permissions.create_field(self.state, f"{sobject}.{name}", facts, self.admin_id)
            for user_id in grant_to:
                people.grant_field(self.state, self.admin_id, user_id, sobject, name)

    def add_custom_object(self, name: str, *, grant_to: Iterable[str] = ()) -> None:
        """Make a custom object, and let `grant_to` users create, read, edit and delete its records."""
        label = name.removesuffix("__c").replace("_", " ")
        with self._transaction():
            permissions.create_object(self.state, name, label, f"{label}s", self.admin_id)
            for user_id in grant_to:
                people.grant_object(self.state, self.admin_id, user_id, name)

    def install_package(
        self,
        fields: Iterable[tuple[str, str, Mapping[str, Any]]],
        objects: Iterable[str] = (),
        *,
        permission_set: str,
        assign_to: Iterable[str] = (),
    ) -> str:
        """An unmanaged package: objects, fields `(object, name, metadata)`, and a permission set that opens them all.

        The answer is the permission set's id. Without `assign_to` nobody has it yet.
        """
        with self._transaction():
            return people.install(self.state, self.admin_id, fields, objects, permission_set, assign_to)

    # -------------------------------------------------------------------------------------------- counting

    def statistics(self) -> dict[str, Any]:
        """Living records by kind, and what the integration user did. Shape: `census.statistics`."""
        return census.statistics(self.state, self.integration_user_id)

    def dump(self) -> dict[str, Any]:
        """Every record, deleted ones too, as JSON: object -> list of rows without empty fields."""
        return census.dump(self.state)

    # -------------------------------------------------------------------------------------------- inside

    def _person(self, by: str) -> Actor:
        return Actor(people.full_id(by) if by else self.admin_id)

    def _profile(self, user_id: str) -> Profile:
        return self.state.profiles.setdefault(people.full_id(user_id), Profile())

    def _sobject(self, name: str) -> SObject:
        return self.state.schema.get(name)

    def _sobject_of(self, record_id: str) -> SObject:
        return self.state.schema.get(self.state.schema.object_of(record_id))

    def _stamp(self, sobject: str, record_id: str, at: datetime, *, created: bool) -> None:
        at = at.replace(microsecond=0)
        values = {"LastModifiedDate": at, "SystemModstamp": at} | ({"CreatedDate": at} if created else {})
        self.state.silently(sobject, people.full_id(record_id), values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        savepoint = self.state.store.savepoint()
        try:
            yield
        except BaseException:
            self.state.store.rollback(savepoint)
            raise
        self.state.store.commit()
