"""What one organisation holds: records, people, set-up; and how a record looks from outside."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base.services import Clock
from tradepost.sandbox.zoho import catalogue, values
from tradepost.sandbox.zoho.ids import Ids
from tradepost.sandbox.zoho.schema import Choice, Field, Module, Schema
from tradepost.sandbox.zoho.store import Row, Store
from tradepost.sandbox.zoho.strictness import Strictness, Unknowns

TRIGGERS = ("workflow", "approval", "blueprint", "pathfinder", "orchestration")
RECYCLED_FOR = timedelta(days=60)  # https://help.zoho.com/portal/en/kb/crm/data-administration/articles/recycle-bin


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes something, by which door, and what may run because of it (None: everything)."""

    user: str
    source: str = "crm_api"  # as in a timeline: crm_api, crm_ui, convert, mass_update, blueprint
    triggers: tuple[str, ...] | None = None


@dataclass(slots=True, kw_only=True)
class Settings:
    """An organisation's edition and habits."""

    company: str = "Lantern Trading Co., Ltd."
    edition: str = "enterprise"
    users_bought: int = 10
    time_zone: str = "Asia/Shanghai"
    currency: str = "USD"
    service_seconds: float = 0.0
    """How long a call is in flight, besides what else happens meanwhile."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """`stages` are actual values, in order."""

    id: str
    name: str
    stages: tuple[str, ...]
    default: bool = True


@dataclass(frozen=True, slots=True)
class Transition:
    """`needs` are fields that must come with it; `users` may run it, all when empty."""

    id: str
    name: str
    start: str
    end: str
    needs: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A process that drives one field of one module."""

    id: str
    name: str
    module: str
    field: str
    transitions: tuple[Transition, ...]


@dataclass(slots=True)
class State:
    """Tables whose names begin with $ are no modules: $Emails, $Bin, $Stages, $Timeline, $Links, $Files."""

    clock: Clock
    random: Random
    rules: Strictness
    unknowns: Unknowns
    settings: Settings = field(default_factory=Settings)
    ids: Ids = field(init=False)
    schema: Schema = field(default_factory=Schema)
    store: Store = field(init=False)
    replica: Store = field(init=False)
    pipelines: list[Pipeline] = field(default_factory=list)
    blueprints: dict[str, Blueprint] = field(default_factory=dict)
    duplicate_preference: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    watches: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    triggered: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _pending: deque[tuple[datetime, str, str, Row | None]] = field(default_factory=deque)
    sorted: dict[tuple[str, str, str], tuple[int, list[tuple[Any, str]]]] = field(default_factory=dict)
    """Ids of a module by what they are sorted by, and the table's version of that time."""
    pages: dict[str, Any] = field(default_factory=dict)
    _low: int = 0

    def __post_init__(self) -> None:
        self.ids = Ids(self.random)
        self.store, self.replica = Store(self.schema.indexed), Store(self.schema.indexed)
        catalogue.fill(self.schema, self.low)
        self.schema.modules["users"] = Module(
            name="users",
            singular="User",
            plural="Users",
            id=self.low(),
            layout=self.low(),
            fields=catalogue.parse(catalogue.USER_FIELDS, self.low),
            display="full_name",
            sequence=99,
        )
        stages = tuple(name for name, _, _ in catalogue.STAGES)
        self.pipelines.append(Pipeline(self.low(), catalogue.PIPELINE, stages))

    # ------------------------------------------------------------------------------------------------ time and names

    def low(self) -> str:
        """An id of what an organisation has from its first day."""
        self._low += 1
        return self.ids.known(self._low)

    def now(self) -> datetime:
        return self.clock.now().replace(microsecond=0)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.time_zone)

    def stamp(self, at: datetime | None = None) -> str:
        """Now, or a time, as the organisation writes it."""
        return values.show_time(at or self.now(), self.zone) or ""

    # ------------------------------------------------------------------------------------------------ looking up

    def module_of(self, record: str) -> Module | None:
        """The module of a living record."""
        return next((m for m in self.schema if m.name != "users" and self.store.get(m.name, record)), None)

    def live(self, module: str, record: str) -> Row | None:
        return self.store.get(module, record)

    def user(self, record: str) -> Row | None:
        return self.store.get("users", record)

    def stage(self, name: str) -> Choice | None:
        return next((c for c in self.schema.modules["Deals"].fields["Stage"].choices if c.actual == name), None)

    def pipeline(self, name: str) -> Pipeline | None:
        return next((p for p in self.pipelines if p.name == name), None)

    def title(self, module: str, record: str) -> str | None:
        """What stands for a record."""
        found, row = self.schema.get(module), self.store.get(module, record)
        value = row.get(found.display) if found and row else None
        return None if value is None else str(value)

    # ------------------------------------------------------------------------------------------------ showing

    def show(self, module: Module, row: Row, names: Iterable[str] | None = None) -> dict[str, Any]:
        """A record as JSON: all of it, or `id` and the fields named."""
        if names is None:
            found = {name: self.shown(module.fields[name], row) for name in module.fields}
            return {**found, "id": row["id"], **self.system(module, row)}
        asked = [name for name in names if name in module.fields]
        found = {name: self.shown(module.fields[name], row) for name in asked}
        dollars = [name for name in names if name.startswith("$")]
        system = self.system(module, row) if dollars else {}
        return {**found, **{name: system[name] for name in dollars if name in system}, "id": row["id"]}

    def shown(self, each: Field, row: Row) -> Any:
        value = row.get(each.name)
        if each.type == "boolean":
            return bool(value)
        if value is None:
            return [] if each.type == "tags" else None
        match each.type:
            case "datetime":
                return values.show_time(value, self.zone)
            case "ownerlookup":
                return self.person(value)
            case "lookup" if each.lookup == "*":
                module = row.get("$se_module") or ""
                shown = {"name": self.title(module, value), "id": value}
                described = self.schema.get(module)
                return shown if described is None else {**shown, "module": minified(described)}
            case "lookup":
                return {"name": self.title(each.lookup, value), "id": value}
        return value

    def person(self, user: str | None) -> dict[str, Any] | None:
        row = self.user(user) if user else None
        return None if row is None else {"name": row["full_name"], "id": row["id"], "email": row["email"]}

    def system(self, module: Module, row: Row) -> dict[str, Any]:
        """The keys that begin with $."""
        converted = row.get("Converted__s")
        shown: dict[str, Any] = {
            "$approval_state": row.get("$approval", "approved"),
            "$approved": row.get("$approval", "approved") == "approved",
            "$approval": {"delegate": False, "approve": False, "reject": False, "resubmit": False},
            "$review": row.get("$review"),
            "$review_process": None,
            "$editable": not row.get("$locked"),
            "$locked_for_me": bool(row.get("$locked")) and self.rules.locked_records,
            "$in_merge": False,
            "$process_flow": bool(row.get("$process")),
            "$orchestration": None,
            "$currency_symbol": "$",
            "$state": "save",
            "$field_states": None,
        }
        if "What_Id" in module.fields or module.name == "Notes":
            shown["$se_module"] = row.get("$se_module")
        if module.name == "Leads":
            shown["$converted"] = bool(converted)
            shown["$converted_detail"] = converted_detail(row) if converted else {}
        if module.name == "Notes":
            shown |= {"$attachments": None, "$voice_note": False, "$size": None, "$is_shared_to_client": False}
        if module.name == "Tasks":
            shown["$closed"] = row.get("Status") == "Completed"
        return shown

    # ------------------------------------------------------------------------------------------------ changing

    def note(self, act: Act, module: str, record: str, action: str, history: list[dict[str, Any]]) -> None:
        """Add to a record's timeline."""
        entry: Row = {
            "id": self.ids.new(),
            "record": record,
            "module": module,
            "at": self.now(),
            "action": action,
            "source": act.source,
            "by": act.user,
            "history": history,
        }
        self.store.put("$Timeline", entry["id"], entry)

    def trigger(self, act: Act, module: str, event: str) -> None:
        """Count what would run because of a change."""
        for name in TRIGGERS if act.triggers is None else act.triggers:
            self.triggered[module, event, name] += 1

    def touch(self, module: str, record: str, changes: Mapping[str, Any], user: str) -> Row:
        """Change a record as somebody's doing."""
        stamped = {**changes, "Modified_Time": self.now(), "Modified_By": user}
        return self.store.change(module, record, stamped)

    def commit(self) -> None:
        """End a request: what it changed is on its way to the search index."""
        now = self.clock.now()
        for table, record in self.store.commit():
            if not table.startswith("$"):
                self._pending.append((now, table, record, self.store.get(table, record)))

    def settle(self) -> Store:
        """The search index as it is now."""
        lag = self.unknowns.search_lag_seconds if self.rules.search_lag else 0.0
        until = self.clock.now() - timedelta(seconds=lag)
        while self._pending and self._pending[0][0] <= until:
            _, table, record, row = self._pending.popleft()
            self.replica.put(table, record, row)
        self.replica.commit()
        return self.replica

    def set_field(self, module: Module, new: Field) -> None:
        """Add a field or replace the one of its name."""
        module.fields[new.name] = new

    def set_choice(self, module: str, name: str, choices: tuple[Choice, ...]) -> None:
        found = self.schema.modules[module]
        self.set_field(found, replace(found.fields[name], choices=choices))


def minified(module: Module) -> dict[str, str]:
    return {"api_name": module.name, "id": module.id}


def converted_detail(row: Row) -> dict[str, Any]:
    """What a converted lead points to."""
    return {
        "account": row.get("Converted_Account"),
        "contact": row.get("Converted_Contact"),
        "deal": row.get("Converted_Deal"),
        "convert_date": row["Converted_Date_Time"].date().isoformat(),
        "converted_by": row.get("$converted_by"),
    }
