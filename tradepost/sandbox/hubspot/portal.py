"""The account as people and tests handle it: seeding, acting as a person, administration, counting.

Everything here is what somebody does in the user interface or in the settings; nothing of it is an API request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tradepost.sandbox.hubspot import census, linking, writes
from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.defining import make
from tradepost.sandbox.hubspot.definitions import Group, Property
from tradepost.sandbox.hubspot.native import native_values
from tradepost.sandbox.hubspot.records import Record, Source
from tradepost.sandbox.hubspot.state import Actor, Mode, Rule, Settings, Tier
from tradepost.sandbox.hubspot.times import stamp


class HubSpotPortal(Account):
    """An account in its people's hands.

    `by` is an owner's id; the default is the administrator. What the vendor refuses to a person raises `Refused`.
    """

    # -------------------------------------------------------------------------------------------- seeding

    def add_company(self, name: str, domain: str = "", *, by: str = "", **properties: str) -> str:
        return self.create("companies", {"name": name, "domain": domain, **properties}, by=by)

    def add_contact(
        self, email: str, first_name: str = "", last_name: str = "", *, company: str = "", by: str = "", **more: str
    ) -> str:
        """A person; `company` becomes the primary one."""
        made = self.create("contacts", {"email": email, "firstname": first_name, "lastname": last_name, **more}, by=by)
        if company:
            self.associate(made, company, 1)
        return made

    def add_lead(self, name: str, contact: str, *, by: str = "", **properties: str) -> str:
        """A lead always belongs to a contact."""
        made = self.create("leads", {"hs_lead_name": name, **properties}, by=by)
        self.associate(made, contact, 578)
        return made

    def add_deal(
        self, name: str, *, stage: str = "", company: str = "", contact: str = "", by: str = "", **properties: str
    ) -> str:
        """A deal of the first pipeline, in its first stage unless said otherwise."""
        first = next(iter(self.state.pipelines["deals"]["default"].stages))
        made = self.create("deals", {"dealname": name, "dealstage": stage or first, **properties}, by=by)
        if company:
            self.associate(made, company, 5)
        if contact:
            self.associate(made, contact, 3)
        return made

    # -------------------------------------------------------------------------------------------- acting as a person

    def create(self, kind: str, properties: Mapping[str, str], *, by: str = "") -> str:
        """Make a record of any kind."""
        body = {"properties": {name: value for name, value in properties.items() if value}}
        actor = self.person(by)
        plan = writes.plan_create(self.state, actor, self.state.kind_of(kind), body)
        return writes.carry_out(self.state, actor, plan).id

    def update(self, record_id: str, properties: Mapping[str, str], *, by: str = "") -> None:
        """Change a record of any kind."""
        actor, record = self.person(by), self.state.record_by_id(record_id)
        writes.carry_out(self.state, actor, writes.plan_update(self.state, actor, record, {"properties": properties}))

    def move_deal(self, deal_id: str, stage: str, *, by: str = "") -> None:
        """Drag a deal to another stage."""
        writes.move(self.state, self.person(by), self.state.record_by_id(deal_id), stage)

    def archive(self, record_id: str) -> None:
        """To the recycling bin."""
        writes.archive(self.state, self.state.record_by_id(record_id))

    def restore(self, record_id: str) -> None:
        """Back from the recycling bin."""
        writes.restore(self.state, self.state.record_by_id(record_id))

    def erase(self, record_id: str) -> None:
        """Delete for good, as the law may demand."""
        writes.erase(self.state, self.state.record_by_id(record_id))

    def merge(self, primary_id: str, other_id: str, *, by: str = "") -> str:
        """Merge two records of a kind; the answer is the new record's id."""
        kind = self.state.record_by_id(primary_id).kind
        return writes.merge(self.state, self.person(by), kind, primary_id, other_id).id

    def associate(self, record_id: str, other_id: str, type_id: int = 0) -> None:
        """Link two records; without a type id with the plain one."""
        one, other = self.state.record_by_id(record_id), self.state.record_by_id(other_id)
        link = self.state.types.by_id[type_id] if type_id else self.state.types.default(one.kind, other.kind)
        linking.connect(self.state, one, other, link)

    def dissociate(self, record_id: str, other_id: str) -> None:
        """Remove every link between two records."""
        one, other = self.state.record_by_id(record_id), self.state.record_by_id(other_id)
        linking.disconnect(self.state, one, other.id, other.kind)

    def add_address(self, contact_id: str, address: str) -> None:
        """A further email of a contact."""
        held = self.state.record_by_id(contact_id).get("hs_additional_emails")
        self.update(contact_id, {"hs_additional_emails": ";".join(filter(None, (held, address.lower())))})

    def log_mail(self, raw: bytes, *record_ids: str) -> str:
        """The connected inbox logs a mail on records; the answer is the email's id."""
        addresses = [self.state.record_by_id(each).get("email") for each in record_ids]
        actor = Actor(Source("EMAIL", "inbox"))
        body = {"properties": native_values(raw, addresses)}
        plan = writes.plan_create(self.state, actor, self.state.kind_of("emails"), body)
        made = writes.carry_out(self.state, actor, plan)
        for each in record_ids:
            self.associate(made.id, each)
        return made.id

    # -------------------------------------------------------------------------------------------- administration

    def deactivate_owner(self, owner_id: str) -> None:
        """The user leaves; the owner is archived and loses its userId."""
        owner = self.state.owners[owner_id]
        owner.archived, owner.updated_at = True, self.state.now()

    def reactivate_owner(self, owner_id: str) -> None:
        """Take `deactivate_owner` back."""
        self.state.owners[owner_id].archived = False

    def add_validation_rule(self, kind: str, needed: str, when: str = "", values: Iterable[str] = ()) -> None:
        """Demand a property on create, or whenever `when` has one of `values`, of every write through the API."""
        self.state.rules.append(Rule(self.state.kind_of(kind).plural, needed, when, tuple(values)))

    def drop_validation_rules(self) -> None:
        """Take all rules back."""
        self.state.rules.clear()

    def set_tier(self, tier: Tier, increases: int = 0) -> None:
        """The subscription, and how many API limit increases were bought."""
        self.state.settings.tier, self.state.settings.increases = tier, increases

    def set_lag(self, seconds: float) -> None:
        """How long search is behind, from now on."""
        self.state.settings.lag = timedelta(seconds=seconds)

    def set_mode(self, mode: Mode) -> None:
        """Whether activities may have properties of the account's own: a unique, b not unique, c none."""
        self.state.settings.activity_properties = mode

    def catch_up_search(self) -> None:
        """Search knows everything now."""
        self.state.index.flush()

    def set_daily_used(self, used: int) -> None:
        """Requests counted as made today."""
        self.pools.set_used_today(used)

    def set_limits(self, *, ten_seconds: int | None = None, daily: int | None = None) -> None:
        """Sizes of the pools; None is what the tier has."""
        self.pools.burst_override, self.pools.daily_override = ten_seconds, daily

    def configure(self, **switches: Any) -> None:
        """Set switches of `state.Settings` by name, such as auto_companies=True."""
        for name, value in switches.items():
            if name not in Settings.__dataclass_fields__:
                raise ValueError(f"no such switch: {name}")
            setattr(self.state.settings, name, value)

    def grant(self, *scopes: str) -> None:
        """Give scopes to the key and the app."""
        self._scopes(lambda held: held | set(scopes))

    def revoke(self, *scopes: str) -> None:
        """Take scopes from the key and the app."""
        self._scopes(lambda held: held - set(scopes))

    def _scopes(self, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        for app in (self.key, self.app):
            app.scopes = frozenset(change(app.scopes))

    def rotate_key(self) -> str:
        """Give the service key a new secret; the old one is dead."""
        self.key.key = f"pat-na1-{self.state.uuid()}"
        return self.key.key

    def expire_tokens(self) -> None:
        """Every OAuth access token expires."""
        for token in self.auth.access.values():
            token.expires_at = self.state.now()

    def revoke_refresh_tokens(self) -> None:
        """The app is uninstalled: its refresh tokens are dead."""
        for token in self.auth.refresh.values():
            token.revoked = True

    def add_property(self, kind: str, name: str, *, unique: bool = False, group: str = "", **facts: Any) -> None:
        """Make a property as in the settings, and its group where it is not there. Raises Refused."""
        found = self.state.kind_of(kind)
        groups = self.state.definitions(found).groups
        group = group or next(iter(groups))
        groups.setdefault(group, Group(name=group, label=group.replace("_", " ").capitalize()))
        body = {"name": name, "label": name.replace("_", " ").capitalize(), "groupName": group}
        make(self.state, found, {"type": "string", "fieldType": "text", "hasUniqueValue": unique, **body, **facts})

    def property(self, kind: str, name: str) -> Property | None:
        """A property's definition."""
        return self.state.property(self.state.kind_of(kind), name)

    def lock_stage(self, kind: str, stage_id: str) -> None:
        """Make a stage read-only."""
        found = self.state.stage(self.state.kind_of(kind), stage_id)
        if found is None:
            raise KeyError(stage_id)
        found[1].write_permissions = "READ_ONLY"

    # -------------------------------------------------------------------------------------------- looking

    def record(self, record_id: str) -> dict[str, Any]:
        """A copy of a record: id, kind, archived, values. Ids of merged ones lead to the merged one."""
        return census.row(self.state.record_by_id(record_id))

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Copies of the living records of a kind, ascending by id."""
        return [census.row(each) for each in self.living(kind)]

    def living(self, kind: str) -> list[Record]:
        return list(self.state.records.table(self.state.kind_of(kind)).living())

    def linked(self, record_id: str, kind: str) -> dict[str, list[int]]:
        """Ids of linked living records of a kind, with the type ids."""
        found = self.state.kind_of(kind)
        ends = self.state.links.ends(self.state.records.resolve(record_id), found.plural)
        return {end: sorted(types) for end, types in ends.items() if self.state.living(found, end) is not None}

    def history(self, record_id: str, name: str) -> list[dict[str, str]]:
        """Every value that a property had, oldest first, with who set it."""
        rows = self.state.record_by_id(record_id).history.get(name, [])
        return [{"value": v.value, "at": stamp(v.at), "source": v.source.type, "source_id": v.source.id} for v in rows]

    def statistics(self) -> dict[str, Any]:
        """Living records by kind, and what our keys did. Shape: `census.statistics`."""
        return census.statistics(self.state, {self.key.id, self.app.id})

    def dump(self) -> dict[str, Any]:
        """Every record, archived ones too, with its links."""
        return census.dump(self.state)

    # -------------------------------------------------------------------------------------------- inside

    def now(self) -> datetime:
        return self.state.now()

    def loosen(self, **fields: bool) -> None:
        """Change `Strictness` while it runs."""
        self.state.strict = replace(self.state.strict, **fields)
