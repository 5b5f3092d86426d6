"""What an org consists of, and the few ways to write into it without asking anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, Literal

from connectors.base.services import Clock
from tradepost.sandbox.salesforce.access import Access, Profile
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.ids import make_id
from tradepost.sandbox.salesforce.schema import Field, Schema
from tradepost.sandbox.salesforce.store import Row, Store
from tradepost.sandbox.salesforce.strictness import Strictness
from tradepost.sandbox.salesforce.view import View

ARCHIVE_AFTER = timedelta(days=365)
# https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_guidelines_archive.htm


@dataclass(slots=True, kw_only=True)
class Settings:
    """Switches of the org that an administrator sets, or that differ between orgs."""

    duplicate_rules: Literal["off", "alert", "block"] = "off"
    enhanced_email: bool = True
    recreate_email_tasks: bool = True  # an edited EmailMessage gets a new Task, as the documents warn
    email_message_custom_fields_allowed: bool = True
    restricted_picklists: set[tuple[str, str]] = field(default_factory=set)
    tracked_fields: tuple[str, ...] = ("StageName", "Amount", "CloseDate", "OwnerId")  # of Opportunity
    page_size: int = 2000  # rows per page of a query unless the client asks for a number
    session_timeout: timedelta = timedelta(hours=2)  # of inactivity
    daily_requests: int = 100_000
    bulk_phase: timedelta = timedelta(milliseconds=300)  # a bulk job waits so long, then works so long
    bulk_failure: str = ""  # what the next bulk job to work fails with


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `access` None is a person in the user interface (or the platform), whose rights are not modelled."""

    user_id: str
    access: Access | None = None


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """`broken(row)` true refuses the save with `message`."""

    sobject: str
    broken: Callable[[Row], bool]
    message: str


@dataclass(slots=True)
class Failure:
    """The next `times` saves of `sobject` fail."""

    sobject: str
    code: str
    message: str
    times: int


class OrgState:
    """Schema, rows, settings. Everything the API and people do ends here."""

    def __init__(self, clock: Clock, strictness: Strictness | None = None) -> None:
        self.clock = clock
        self.strictness = strictness or Strictness()
        self.schema = Schema()
        self.store = Store(self._indexed)
        self.settings = Settings()
        self.profiles: dict[str, Profile] = {}
        self.hidden_rows: set[str] = set()
        self.locks: dict[str, datetime] = {}
        self.validation_rules: list[ValidationRule] = []
        self.failures: list[Failure] = []
        self.archived_on: date | None = None
        self._numbers = count(1)

    def _indexed(self, sobject: str, field_name: str) -> bool:
        found = self.schema.get(sobject).find(field_name)
        return found is not None and found.indexed

    # -------------------------------------------------------------------------------------------- time and people

    def now(self) -> datetime:
        return self.clock.now().astimezone(UTC)

    def stamp(self) -> datetime:
        """The time as audit fields keep it: whole seconds."""
        return self.now().replace(microsecond=0)

    def access(self, user_id: str) -> Access:
        profile = self.profiles.setdefault(user_id, Profile())
        return Access(user_id, profile, self.schema, self.store, self.strictness)

    def view(self, actor: Actor, version: str = "66.0") -> View:
        hidden = frozenset(self.hidden_rows)
        keeps = self.strictness
        return View(self.schema, self.store, actor.access, self.now, keeps, version=version, hidden_rows=hidden)

    # -------------------------------------------------------------------------------------------- rows

    def new_id(self, sobject: str) -> str:
        return make_id(self.schema.get(sobject).prefix, next(self._numbers))

    def insert_raw(self, sobject: str, values: Mapping[str, Any], by: str, at: datetime | None = None) -> Row:
        """A row as it is, with defaults and audit fields; nothing is checked and nothing follows."""
        at = at or self.stamp()
        row: Row = {f.name: _empty(f) for f in self.schema.get(sobject).fields.values() if f.type != "junctionIdList"}
        row |= {"Id": self.new_id(sobject), "CreatedDate": at, "CreatedById": by, "IsDeleted": False}
        row |= {"LastModifiedDate": at, "LastModifiedById": by, "SystemModstamp": at}
        row |= values
        self.store.put(sobject, row["Id"], row)
        return row

    def touch(
        self, sobject: str, record_id: str, values: Mapping[str, Any], by: str, at: datetime | None = None
    ) -> Row:
        """Change values and move the audit fields."""
        at = at or self.stamp()
        audit = {"LastModifiedDate": at, "LastModifiedById": by, "SystemModstamp": at}
        return self.store.change(sobject, record_id, {**values, **audit})

    def silently(self, sobject: str, record_id: str, values: Mapping[str, Any]) -> Row:
        """Change derived fields, which move no audit field.

        https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/system_fields.htm
        """
        return self.store.change(sobject, record_id, values)

    def remove(self, sobject: str, record_id: str, by: str, at: datetime | None = None) -> None:
        """Move to the recycle bin."""
        self.touch(sobject, record_id, {"IsDeleted": True}, by, at)

    def live(self, sobject: str, record_id: str | None) -> Row | None:
        """A row that exists and is not deleted."""
        row = self.store.get(sobject, record_id) if record_id else None
        return row if row is not None and not row["IsDeleted"] else None

    def picklist(self, values_field: Field) -> list[Row]:
        """The rows behind a picklist such as Task.Status, in their order."""
        return sorted(self.store.rows(values_field.values_from), key=lambda row: row["SortOrder"])

    def default_of(self, sobject: str) -> str:
        """The default value among TaskStatus, TaskPriority, LeadStatus."""
        rows = sorted(self.store.rows(sobject), key=lambda row: (not row["IsDefault"], row["SortOrder"]))
        return str(rows[0]["ApiName"])

    # -------------------------------------------------------------------------------------------- trouble on order

    def check_lock(self, row: Row) -> None:
        """A row, or a record it hangs on, that another transaction holds. Raises UNABLE_TO_LOCK_ROW."""
        if not (self.locks and self.strictness.row_locks):
            return
        now = self.now()
        self.locks = {record_id: until for record_id, until in self.locks.items() if until > now}
        held = next((v for v in row.values() if isinstance(v, str) and v in self.locks), None)
        if held is not None:
            text = f"unable to obtain exclusive access to this record or 1 records: {held}"
            raise Refused("UNABLE_TO_LOCK_ROW", text, [])

    def check_failures(self, sobject: str) -> None:
        for failure in self.failures:
            if failure.sobject == sobject:
                failure.times -= 1
                if failure.times < 1:
                    self.failures.remove(failure)
                raise Refused(failure.code, failure.message, [])

    def archive(self) -> int:
        """The platform's own job: closed tasks a year past are archived. Answers how many were.

        Due date counts, else the day of creation; neither audit field moves.
        """
        limit = (self.now() - ARCHIVE_AFTER).date()
        old = [
            row["Id"]
            for row in self.store.rows("Task")
            if row["IsClosed"] and not row["IsArchived"] and (row["ActivityDate"] or row["CreatedDate"].date()) < limit
        ]
        for record_id in old:
            self.silently("Task", record_id, {"IsArchived": True})
        self.archived_on = self.now().date()
        return len(old)

    def archive_daily(self) -> None:
        """Run the job when the last run was on another day. The first day only starts the count."""
        if self.archived_on is None:
            self.archived_on = self.now().date()
        elif self.archived_on != self.now().date():
            self.archive()


def _empty(each: Field) -> Any:
    return bool(each.default) if each.type == "boolean" else None
