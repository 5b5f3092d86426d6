"""Creating, changing, archiving and merging records. What is refused changes nothing: first plan, then carry out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tradepost.sandbox.hubspot import derive, linking
from tradepost.sandbox.hubspot.errors import InvalidValues, Refused, bad_json, broken_rule, invalid, not_found
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.links import LinkType
from tradepost.sandbox.hubspot.pipelines import stage_property
from tradepost.sandbox.hubspot.records import Record, Source, Version, unique_values
from tradepost.sandbox.hubspot.state import Actor, PortalState
from tradepost.sandbox.hubspot.times import to_millis
from tradepost.sandbox.hubspot.values import Checked, check, text

Claims = dict[tuple[str, str], str]
"""Unique values that earlier inputs of the same batch take, with whose they are."""
MOST_MERGED = 250


@dataclass(slots=True, kw_only=True)
class Plan:
    """A write that may be carried out. `record` is None for a create."""

    kind: Kind
    values: dict[str, str]
    record: Record | None = None
    links: list[tuple[Record, LinkType]] = field(default_factory=list)
    normalised: list[tuple[str, str, str]] = field(default_factory=list)


def read_properties(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found = body.get("properties", {})
    if not isinstance(found, Mapping):
        raise bad_json("Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>`")
    return found


def plan_create(
    state: PortalState, actor: Actor, kind: Kind, body: Mapping[str, Any], claims: Claims | None = None
) -> Plan:
    """Check a create. Raises Refused."""
    checked = _check(state, actor, kind, read_properties(body), None)
    values = checked.values
    links = linking.inline(state, kind, body.get("associations"))
    if actor.is_app:
        _required(state, kind, values, links)
        _rules(state, kind, values, None)
    _unique(state, kind, values, None, {} if claims is None else claims)
    values |= derive.defaults(state, kind, values)
    values |= derive.derived(state, kind, values, None)
    values = derive.origin(actor) | values
    if kind.activity:
        values.setdefault("hs_engagement_source", actor.source.type)
    return Plan(kind=kind, values=values, links=links, normalised=checked.normalised)


def plan_update(
    state: PortalState, actor: Actor, record: Record, body: Mapping[str, Any], claims: Claims | None = None
) -> Plan:
    """Check a change. Raises Refused."""
    kind = record.kind
    checked = _check(state, actor, kind, read_properties(body), record)
    values = checked.values
    if state.strict.lifecycle_only_forward:
        values = derive.forward_only(values, record)
    if actor.is_app:
        _rules(state, kind, values, record)
    _unique(state, kind, values, record, {} if claims is None else claims)
    values |= derive.derived(state, kind, values, record)
    if actor.source.user_id is not None:
        values["hs_updated_by_user_id"] = str(actor.source.user_id)
    return Plan(kind=kind, values=values, record=record, normalised=checked.normalised)


def carry_out(state: PortalState, actor: Actor, plan: Plan) -> Record:
    """Do what was planned; cannot fail."""
    if plan.record is not None:
        state.write(plan.record, plan.values, actor.source)
        return plan.record
    record = state.insert(plan.kind, {k: v for k, v in plan.values.items() if v}, actor.source)
    for target, link in plan.links:
        linking.connect(state, record, target, link)
    if record.kind.plural == "contacts" and state.settings.auto_companies:
        _company_by_domain(state, record)
    return record


def _check(state: PortalState, actor: Actor, kind: Kind, raw: Mapping[str, Any], record: Record | None) -> Checked:
    """People in the user interface see only what can be written; their values are taken as they are."""
    if actor.is_app:
        return check(state, kind, raw, record)
    return Checked({name: text(value) for name, value in raw.items()})


def _required(state: PortalState, kind: Kind, values: Mapping[str, str], links: list[tuple[Record, LinkType]]) -> None:
    if not state.strict.required_on_create:
        return
    missing = [name for name in kind.required if not values.get(name)]
    if kind.plural == "contacts" and not any(values.get(name) for name in ("email", "firstname", "lastname")):
        missing = ["email"]
    if kind.plural == "companies" and not (values.get("name") or values.get("domain")):
        missing = ["name"]
    if kind.custom:
        missing = [name for name in state.schemas[kind.plural]["requiredProperties"] if not values.get(name)]
    if missing:
        raise Refused(
            f"Error creating {kind.constant}. Some required properties were not set.", context={"properties": missing}
        )
    if kind.plural == "leads" and not any(link.end == "contacts" for _, link in links):
        raise Refused("Error creating LEAD. A lead must be associated with a contact or a company.")


def _rules(state: PortalState, kind: Kind, values: Mapping[str, str], record: Record | None) -> None:
    """Administrators' rules, for every write through the API since 2026-09."""
    if not state.strict.write_validation:
        return
    after = {**(record.values if record is not None else {}), **values}
    plain, conditional = [], []
    for rule in state.rules:
        if rule.kind != kind.plural or after.get(rule.needed):
            continue
        if not rule.when and (record is None or rule.needed in values):
            plain.append(rule.needed)
        elif rule.when and rule.when in values and after.get(rule.when, "") in rule.values:
            conditional.append(rule.needed)
    if plain:
        raise broken_rule("MISSING_REQUIRED_PROPERTY", plain)
    if conditional:
        raise broken_rule("MISSING_CONDITIONAL_REQUIRED_PROPERTY", conditional)


def _unique(state: PortalState, kind: Kind, values: Mapping[str, str], record: Record | None, claims: Claims) -> None:
    if not state.strict.unique_values_enforced:
        return
    mine = record.id if record is not None else ""
    table = state.records.table(kind)
    taken: list[tuple[str, str]] = []
    for name, value in unique_values(kind, values, state.unique_names(kind)):
        holder = claims.get((name, value)) or table.holder(name, value)
        if holder and holder != mine:
            _conflict(state, kind, name, values.get(name, value), holder, mine)
        taken.append((name, value))
    for key in taken:
        claims[key] = mine or "0"


def _conflict(state: PortalState, kind: Kind, name: str, value: str, holder: str, mine: str) -> None:
    """409 for a contact's address, 400 for any other unique property (both observed)."""
    if kind.plural == "contacts" and name == "email":
        raise Refused(f"Contact already exists. Existing ID: {holder}", status=409, category="CONFLICT")
    where = (
        f"PropertyValueCoordinates{{portalId={state.settings.portal_id}, objectTypeId={kind.type_id}, "
        f"propertyName={name}, value={value}}}"
    )
    message = f"Cannot set {where} on {mine or 'a new record'}. {holder} already has that value."
    raise InvalidValues([invalid(name, "CONFLICTING_UNIQUE_VALUE", message, state.settings.portal_id)])


def _company_by_domain(state: PortalState, contact: Record) -> None:
    """Find or make a contact's company.

    https://knowledge.hubspot.com/companies/automatically-create-and-associate-companies-with-contacts
    """
    domain = contact.get("hs_email_domain")
    if not domain or domain in _FREE_MAIL:
        return
    kind = state.kind_of("companies")
    company = state.by_unique(kind, "domain", domain)
    if company is None:
        itself = Actor(Source("AUTO_ASSOCIATE_BY_DOMAIN"))
        company = carry_out(state, itself, plan_create(state, itself, kind, {"properties": {"domain": domain}}))
    linking.connect(state, contact, company, state.types.by_id[1])


_FREE_MAIL = frozenset(
    {"gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "qq.com", "163.com", "126.com", "icloud.com", "gmx.de"}
)

# ---------------------------------------------------------------------------------------------------- archive and merge


def archive(state: PortalState, record: Record) -> None:
    """To the recycling bin; again changes nothing."""
    if not record.archived:
        state.set_archived(record, state.now())


def restore(state: PortalState, record: Record) -> None:
    state.set_archived(record, None)


def merge(state: PortalState, actor: Actor, kind: Kind, primary_id: str, other_id: str) -> Record:
    """Make one record of two; both old ids lead to it.

    https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies
    """
    primary, other = state.living(kind, primary_id), state.living(kind, other_id)
    if primary is None or other is None:
        raise not_found()
    if primary is other:
        raise Refused("Cannot merge a record with itself")
    swallowed = [each for record in (primary, other) for each in (*_merged(record), record.id)]
    if len(swallowed) > MOST_MERGED:
        raise Refused("Cannot have more than 250 identities on a profile", status=414)
    values = {**other.values, **primary.values, **_addresses(primary, other)}
    values["hs_merged_object_ids"] = ";".join(swallowed)
    if kind.plural == "contacts":
        values["hs_calculated_merged_vids"] = ";".join(f"{each}:{to_millis(state.now())}" for each in swallowed)
    links = [(*row, record) for record in (other, primary) for row in state.links.all(record.id)]
    history = _histories(primary, other)
    state.remove(primary)
    state.remove(other)
    new_id = "" if state.strict.merge_makes_new_id else primary.id
    made = state.insert(kind, {}, actor.source, new_id)
    state.records.merged |= {old: made.id for old in (primary.id, other.id) if old != made.id}
    made.created_at = min(primary.created_at, other.created_at)
    made.history = history
    source = Source("MERGE_OBJECTS", actor.source.id, actor.source.user_id)
    state.write(made, values | {"hs_object_id": made.id}, source)
    _move_links(state, made, {primary.id, other.id}, links)
    return made


def _merged(record: Record) -> list[str]:
    return [each for each in record.get("hs_merged_object_ids").split(";") if each]


def _addresses(primary: Record, other: Record) -> dict[str, str]:
    """The other's addresses (domains) become further ones of the primary."""
    pairs = {"contacts": ("email", "hs_additional_emails"), "companies": ("domain", "hs_additional_domains")}
    if primary.kind.plural not in pairs:
        return {}
    main, more = pairs[primary.kind.plural]
    best = primary.get(main) or other.get(main)
    all_of_them = [value for record in (primary, other) for value in (record.get(main), *record.get(more).split(";"))]
    rest = [value for value in dict.fromkeys(all_of_them) if value and value != best]
    return {main: best, more: ";".join(rest)} if best else {}


def _histories(primary: Record, other: Record) -> dict[str, list[Version]]:
    names = dict.fromkeys((*primary.history, *other.history))
    return {
        name: sorted((*other.history.get(name, []), *primary.history.get(name, [])), key=lambda v: v.at)
        for name in names
    }


def _move_links(
    state: PortalState,
    made: Record,
    old: set[str],
    links: list[tuple[str, str, int, datetime, Record]],
) -> None:
    for plural, end_id, type_id, at, _ in links:
        end = state.records.find(state.kind_of(plural), end_id)
        if end is not None and end_id not in old and end.id != made.id:
            link = state.types.by_id[type_id]
            state.links.put(made, end, link, at)
            if made.kind.plural == "contacts" and type_id == 1:
                linking.connect(state, made, end, link)


def erase(state: PortalState, record: Record) -> None:
    """GDPR deletion: the record is gone for good."""
    state.remove(record)
    state.records.homes.pop(record.id, None)


def move(state: PortalState, actor: Actor, record: Record, stage: str) -> None:
    """Put a deal, ticket or lead into another stage."""
    body = {"properties": {stage_property(record.kind.plural): stage}}
    carry_out(state, actor, plan_update(state, actor, record, body))
