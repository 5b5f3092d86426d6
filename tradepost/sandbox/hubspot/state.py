"""What an account consists of, and the few ways to write into it without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from connectors.base.services import Clock
from tradepost.sandbox.hubspot.definitions import Definitions, Property, standard
from tradepost.sandbox.hubspot.errors import Refused
from tradepost.sandbox.hubspot.index import Index
from tradepost.sandbox.hubspot.kinds import Kind, Kinds
from tradepost.sandbox.hubspot.links import Links, LinkTypes
from tradepost.sandbox.hubspot.pipelines import Pipeline, Stage, shipped, stage_property
from tradepost.sandbox.hubspot.records import Record, Records, Source, Version
from tradepost.sandbox.hubspot.strictness import Strictness
from tradepost.sandbox.hubspot.times import stamp

Mode = Literal["a", "b", "c"]
Tier = Literal["free", "starter", "professional", "enterprise"]
MODE_KINDS = frozenset({"emails", "tasks", "notes", "calls", "meetings", "communications", "postal_mail"})
"""Kinds for which nobody has confirmed whether a property may be unique."""
CALCULATED = Source("CALCULATED")
"""What HubSpot works out by itself; the simulator keeps no history of it."""


@dataclass(slots=True, kw_only=True)
class Settings:
    """Switches that differ between accounts, or that nobody outside HubSpot can tell.

    `activity_properties`: whether activities may have properties of the account's own, a unique, b but not unique,
    c none. `lag` is how long search is behind. `email_ids_writable`: whether hs_email_message_id and
    hs_email_thread_id may be written. `auto_companies`: a contact's company is found or made by the domain of the
    address. `bumps_by_activities`: an activity changes the records it is logged on.
    """

    portal_id: int = 7_654_321
    name: str = "Harbour Trading"
    time_zone: str = "Asia/Shanghai"
    currency: str = "USD"
    tier: Tier = "professional"
    increases: int = 0  # API limit increases bought, at most 2
    activity_properties: Mode = "a"
    lag: timedelta = timedelta(seconds=10)
    email_ids_writable: bool = False
    auto_companies: bool = False
    bumps_by_activities: bool = True
    access_token_lifetime: timedelta = timedelta(minutes=30)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `scopes` None is a person in the user interface, whose rights are not modelled."""

    source: Source
    scopes: frozenset[str] | None = None

    @property
    def is_app(self) -> bool:
        return self.scopes is not None

    def has(self, scope: str) -> bool:
        return self.scopes is None or scope in self.scopes


@dataclass(slots=True, kw_only=True)
class Owner:
    """Whom records may belong to. `user_id` is what a deactivated user's owner loses."""

    id: str
    email: str
    first_name: str
    last_name: str
    user_id: int
    created_at: datetime
    updated_at: datetime
    archived: bool = False
    teams: list[dict[str, Any]] = field(default_factory=list)
    kind: Literal["PERSON", "QUEUE"] = "PERSON"

    def json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "email": self.email,
            "type": self.kind,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "userId": None if self.archived else self.user_id,
            "userIdIncludingInactive": self.user_id,
            "createdAt": stamp(self.created_at),
            "updatedAt": stamp(self.updated_at),
            "archived": self.archived,
            **({"teams": list(self.teams)} if self.teams else {}),
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """An administrator's validation rule: `needed` must have a value on create, or, with `when`, whenever that
    property has one of `values`.
    """

    kind: str
    needed: str
    when: str = ""
    values: tuple[str, ...] = ()


class PortalState:
    """Definitions, records, links, owners, settings. Everything the API and people do ends here."""

    def __init__(self, clock: Clock, random: Random, strictness: Strictness, settings: Settings | None = None) -> None:
        self.clock = clock
        self.random = random
        self.strict = strictness
        self.settings = settings or Settings()
        self.kinds = Kinds()
        self.records = Records()
        self.types = LinkTypes()
        self.links = Links(self.types)
        self.index = Index()
        self.pipelines: dict[str, dict[str, Pipeline]] = shipped(self.now())
        self.owners: dict[str, Owner] = {}
        self.rules: list[Rule] = []
        self.schemas: dict[str, dict[str, Any]] = {}  # of custom kinds, by plural
        self.opted_out: dict[str, datetime] = {}  # address -> since
        self._definitions: dict[str, Definitions] = {}
        self._last_id = 20_000_000_000 + random.randrange(1_000_000_000)

    # -------------------------------------------------------------------------------------------- time and numbers

    def now(self) -> datetime:
        """In UTC and whole milliseconds, as everything is stamped."""
        at = self.clock.now().astimezone(UTC)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def new_id(self) -> str:
        self._last_id += self.random.randrange(1, 100)
        return str(self._last_id)

    def uuid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    @property
    def lag(self) -> timedelta:
        return self.settings.lag if self.strict.search_lag else timedelta(0)

    # -------------------------------------------------------------------------------------------- definitions

    def definitions(self, kind: Kind) -> Definitions:
        if kind.plural not in self._definitions:
            self._definitions[kind.plural] = standard(kind)
        return self._definitions[kind.plural]

    def property(self, kind: Kind, name: str) -> Property | None:
        return self.definitions(kind).find(name)

    def unique_names(self, kind: Kind) -> tuple[str, ...]:
        return self.definitions(kind).unique_names

    def stage(self, kind: Kind, stage_id: str) -> tuple[Pipeline, Stage] | None:
        for pipeline in self.pipelines.get(kind.plural, {}).values():
            if stage_id in pipeline.stages:
                return pipeline, pipeline.stages[stage_id]
        return None

    # -------------------------------------------------------------------------------------------- records

    def insert(self, kind: Kind, values: Mapping[str, str], source: Source, record_id: str = "") -> Record:
        """A record as it is; nothing is checked and nothing follows."""
        now = self.now()
        record = Record(id=record_id or self.new_id(), kind=kind, created_at=now, updated_at=now)
        record.values = {"hs_object_id": record.id, kind.created: stamp(now), "hs_createdate": stamp(now)}
        self.records.homes[record.id] = kind
        self.records.table(kind).add(record, self.unique_names(kind))
        self.write(record, values, source)
        return record

    def write(self, record: Record, values: Mapping[str, str], source: Source) -> list[str]:
        """Set values ("" clears), with history, clock and index; the answer names what changed."""
        now = self.now()
        changed = {name: value for name, value in values.items() if record.get(name) != value}
        merged = {**record.values, **changed, record.kind.clock: stamp(now), "hs_lastmodifieddate": stamp(now)}
        if self.strict.property_history_kept and source.type != CALCULATED.type:
            for name, value in changed.items():
                record.history.setdefault(name, []).append(Version(value, now, source))
        record.updated_at = now
        kept = {name: value for name, value in merged.items() if value != ""}
        self.records.table(record.kind).change(record, kept, self.unique_names(record.kind))
        self.tell(record)
        return list(changed)

    def tell(self, record: Record) -> None:
        """Let search know, in its time."""
        hidden = record.archived and self.strict.archived_not_in_search
        document = None if hidden else record.values
        self.index.tell(record.kind, record.id, document, self.now(), self.lag)

    def set_archived(self, record: Record, at: datetime | None) -> None:
        self.records.table(record.kind).set_archived(record, at, self.unique_names(record.kind))
        self.tell(record)

    def remove(self, record: Record) -> None:
        """Forget a record, its links and its id."""
        self.links.forget(record.id)
        self.records.table(record.kind).drop(record, self.unique_names(record.kind))
        self.index.tell(record.kind, record.id, None, self.now(), self.lag)

    def living(self, kind: Kind, record_id: str) -> Record | None:
        """A record by id that is not archived, ids of merged ones included."""
        found = self.records.find(kind, record_id, merged=self.strict.old_ids_resolve)
        return found if found is not None and not found.archived else None

    def by_unique(self, kind: Kind, name: str, value: str) -> Record | None:
        """The living record with a unique value."""
        found = self.records.table(kind).holder(name, value)
        return self.records.table(kind).records[found] if found else None

    def closed(self, record: Record) -> tuple[bool, bool]:
        """Whether a deal, ticket or lead is closed, and whether won."""
        found = self.stage(record.kind, record.get(stage_property(record.kind.plural)))
        return (found[1].closed, found[1].won) if found else (False, False)

    def kind_of(self, name: str) -> Kind:
        return self.kinds.get(name)

    def record_by_id(self, record_id: str) -> Record:
        """Of any kind, by id alone. Raises Refused (404)."""
        try:
            return self.records.anywhere(record_id)
        except KeyError:
            raise Refused("resource not found", status=404, category="OBJECT_NOT_FOUND") from None
