"""Create, update, upsert, delete: the checks every save passes, whoever saves.

Order and codes: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tradepost.sandbox.salesforce import platform
from tradepost.sandbox.salesforce.errors import Refused, entity_deleted, no_such_column, not_found, not_writable
from tradepost.sandbox.salesforce.ids import parse_id
from tradepost.sandbox.salesforce.schema import AUDIT_FIELDS, Field, SObject, required
from tradepost.sandbox.salesforce.state import Actor, OrgState
from tradepost.sandbox.salesforce.store import Row
from tradepost.sandbox.salesforce.values import coerce

_AUDIT = frozenset(AUDIT_FIELDS) - {"SystemModstamp"}
_DUPLICATE_KEYS = {"Contact": "Email", "Lead": "Email", "Account": "Name"}


@dataclass(frozen=True, slots=True)
class Upserted:
    record_id: str
    created: bool


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """Request headers that change how a save works."""

    allow_duplicates: bool = False  # Sforce-Duplicate-Rule-Header: allowSave=true


DEFAULTS = SaveOptions()


def insert(
    state: OrgState, actor: Actor, sobject: SObject, values: Mapping[str, Any], options: SaveOptions = DEFAULTS
) -> str:
    """Create a record; the answer is its id."""
    _may(actor, sobject, "c")
    given = _given(state, actor, sobject, values, creating=True)
    junctions = {name: ids for name, ids in given.items() if isinstance(ids, list)}
    audit = {name: given.pop(name) for name in list(given) if name in _AUDIT}
    row = {name: value for name, value in given.items() if not isinstance(value, list)}
    row = platform.defaults(state, actor, sobject.name, row)
    _require(state, sobject, row)
    _save_checks(state, actor, sobject, row, None, options)
    row = platform.before_insert(state, sobject.name, row)
    stored = state.insert_raw(sobject.name, row, actor.user_id)
    if audit:
        stored = state.silently(sobject.name, stored["Id"], _backdated(audit))
    platform.after_insert(state, actor.user_id, sobject.name, stored, junctions)
    return str(stored["Id"])


def update(
    state: OrgState,
    actor: Actor,
    sobject: SObject,
    record_id: str,
    values: Mapping[str, Any],
    options: SaveOptions = DEFAULTS,
) -> None:
    """Change a record."""
    _may(actor, sobject, "u")
    old = existing(state, actor, sobject, record_id)
    given = _given(state, actor, sobject, values, creating=False)
    platform.check_update(state, sobject, old, given)
    row = old | {name: value for name, value in given.items() if not isinstance(value, list)}
    _require(state, sobject, row)
    _save_checks(state, actor, sobject, row, old, options)
    changed = platform.before_update(state, sobject.name, old, row)
    stored = state.touch(sobject.name, old["Id"], changed, actor.user_id)
    platform.after_update(state, actor.user_id, sobject.name, old, stored)


def upsert(
    state: OrgState,
    actor: Actor,
    sobject: SObject,
    key: str,
    value: Any,
    values: Mapping[str, Any],
    options: SaveOptions = DEFAULTS,
    *,
    update_only: bool = False,
) -> Upserted:
    """Create or change by external id."""
    field = external_id(state, actor, sobject, key)
    named = any(name.lower() == field.name.lower() for name in values)
    if named and state.strictness.key_not_in_body:
        text = f"The {field.name} field should not be specified in the sobject data."
        raise Refused("INVALID_FIELD", text, [field.name])
    found = only_match(state, sobject, field, value)
    if found is not None:
        update(state, actor, sobject, found["Id"], values, options)
        return Upserted(found["Id"], created=False)
    if update_only:
        raise not_found()
    return Upserted(insert(state, actor, sobject, {**values, field.name: value}, options), created=True)


class Ambiguous(Refused):
    """An external id several records bear: HTTP 300, the body lists them."""

    def __init__(self, sobject: str, ids: list[str]) -> None:
        super().__init__("DUPLICATE_EXTERNAL_ID", "external id matches several records", [], status=300)
        self.sobject, self.ids = sobject, ids


def delete(state: OrgState, actor: Actor, sobject: SObject, record_id: str) -> None:
    """Move a record, and what belongs to it, to the recycle bin."""
    _may(actor, sobject, "d")
    row = existing(state, actor, sobject, record_id)
    state.check_failures(sobject.name)
    state.check_lock(row)
    platform.remove(state, actor.user_id, sobject.name, row)


def existing(state: OrgState, actor: Actor, sobject: SObject, record_id: str) -> Row:
    """The row to be changed. Raises the three refusals an id can meet."""
    full = parse_id(record_id)
    if full is None:
        text = f"{sobject.label} ID: id value of incorrect type: {record_id}"
        raise Refused("MALFORMED_ID", text, ["Id"])
    row = state.store.get(sobject.name, full)
    if row is None or not state.view(actor).sees_row(row):
        raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [], status=404)
    if row["IsDeleted"]:
        raise entity_deleted()
    return row


def external_id(state: OrgState, actor: Actor, sobject: SObject, name: str) -> Field:
    """The field an upsert goes by. One that cannot be used, or not seen, answers like one that does not exist."""
    field = state.view(actor).field(sobject, name)
    if field is None or not (field.external_id or (field.has("i") and field.name != "Name")):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return field


def only_match(state: OrgState, sobject: SObject, field: Field, value: Any) -> Row | None:
    """The record that bears an external id. Raises `Ambiguous`."""
    found = matches(state, sobject, field, value)
    if len(found) > 1 and state.strictness.multiple_choices:
        raise Ambiguous(sobject.name, [row["Id"] for row in found])
    return found[0] if found else None


def matches(state: OrgState, sobject: SObject, field: Field, value: Any) -> list[Row]:
    """Records that bear an external id; those in the recycle bin do not count."""
    wanted = coerce(field, value)
    rows = [row for row in state.store.find(sobject.name, field.name, wanted) if not row["IsDeleted"]]
    return [row for row in rows if row[field.name] == wanted] if field.case_sensitive else rows


# -------------------------------------------------------------------------------------------------------------- checks


def _may(actor: Actor, sobject: SObject, call: str) -> None:
    if actor.access is not None and not actor.access.may(sobject, "r"):
        raise not_found()
    supported = sobject.allows(call) and (actor.access is None or actor.access.may(sobject, call))
    if supported:
        return
    if call == "c":
        raise Refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {sobject.label}", [])
    if call == "u" and not sobject.allows("u"):
        raise Refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be updated: {sobject.label}", [])
    raise Refused("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [])


def _given(
    state: OrgState, actor: Actor, sobject: SObject, values: Mapping[str, Any], *, creating: bool
) -> dict[str, Any]:
    """The body's values, checked against the schema and the user's field rights, in the store's form."""
    given: dict[str, Any] = {}
    refused: list[str] = []
    for name, value in values.items():
        if name == "attributes":
            continue
        if isinstance(value, dict):
            reference, value = _by_external_id(state, actor, sobject, name, value)  # noqa: PLW2901
            name = reference.name  # noqa: PLW2901
        field = state.view(actor).field(sobject, name)
        if field is None:
            raise no_such_column(name, sobject.name)
        if not _writable(state, actor, sobject, field, creating=creating):
            refused.append(field.name)
        elif field.type == "junctionIdList":
            given[field.name] = [coerce(Field(name=field.name, type="id", label=field.label), v) for v in value or ()]
        else:
            given[field.name] = coerce(field if state.strictness.lengths_checked else replace(field, length=0), value)
    if refused:
        raise not_writable(refused)
    return given


def _writable(state: OrgState, actor: Actor, sobject: SObject, field: Field, *, creating: bool) -> bool:
    if creating and field.name in _AUDIT and _may_set_audit_fields(state, actor):
        return True
    return field.has("c" if creating else "u") and (actor.access is None or actor.access.edits(sobject, field))


def _may_set_audit_fields(state: OrgState, actor: Actor) -> bool:
    if actor.access is None or not state.strictness.audit_fields_need_permission:
        return True
    return actor.access.has("CreateAuditFields")


def _by_external_id(
    state: OrgState, actor: Actor, sobject: SObject, name: str, value: Mapping[str, Any]
) -> tuple[Field, str]:
    """`"Account": {"Key__c": "x"}` in a body: the parent by its external id."""
    reference = sobject.relationship(name)
    keys = [(k, v) for k, v in value.items() if k != "attributes"]
    if reference is None or len(keys) != 1:
        raise no_such_column(name, sobject.name)
    key, wanted = keys[0]
    for target in state.view(actor).targets(reference):
        field = state.view(actor).field(target, key)
        if field is not None and (field.external_id or field.has("i")):
            found = matches(state, target, field, wanted)
            if len(found) == 1:
                return reference, str(found[0]["Id"])
    text = f"Foreign key external ID: {wanted} not found for field {key} in entity {name}"
    raise Refused("INVALID_FIELD", text, [])


def _require(state: OrgState, sobject: SObject, row: Row) -> None:
    missing = [f.name for f in required(sobject.fields.values()) if row.get(f.name) is None]
    if missing and state.strictness.required_fields:
        text = f"Required fields are missing: [{', '.join(missing)}]"
        raise Refused("REQUIRED_FIELD_MISSING", text, missing)


def _save_checks(
    state: OrgState, actor: Actor, sobject: SObject, row: Row, old: Row | None, options: SaveOptions
) -> None:
    """What may refuse a complete record, before anything is written."""
    state.check_failures(sobject.name)
    state.check_lock(row)
    changed = [f for f in sobject.fields.values() if f.name in row and (old is None or row[f.name] != old[f.name])]
    _check_values(state, sobject, changed, row)
    platform.check(state, sobject.name, row, old)
    for rule in state.validation_rules if state.strictness.validation_rules else ():
        if rule.sobject == sobject.name and rule.broken(row):
            raise Refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, [])
    check_unique(state, actor, sobject, row)
    if old is None:
        _check_duplicate_rule(state, sobject, row, options)


def _check_values(state: OrgState, sobject: SObject, changed: Iterable[Field], row: Row) -> None:
    for field in changed:
        value = row[field.name]
        if value is None:
            continue
        if field.type == "reference" and field.has("c"):
            _check_reference(state, field, value)
        elif field.type == "picklist":
            _check_picklist(state, sobject, field, value)


def _check_reference(state: OrgState, field: Field, record_id: str) -> None:
    target = state.schema.object_of(record_id)
    if not target or not state.schema.points_to(field, target):
        raise Refused("MALFORMED_ID", f"{field.label}: id value of incorrect type: {record_id}", [field.name])
    row = state.store.get(target, record_id)
    if row is None:
        raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])
    if row["IsDeleted"]:
        raise Refused("ENTITY_IS_DELETED", "entity is deleted", [field.name])


def _check_picklist(state: OrgState, sobject: SObject, field: Field, value: str) -> None:
    restricted = field.has("r") or (sobject.name, field.name) in state.settings.restricted_picklists
    if not (restricted and state.strictness.restricted_picklists):
        return
    values = [row["ApiName"] for row in state.picklist(field)] if field.values_from else list(field.values)
    if values and value not in values:
        text = f"{field.label}: bad value for restricted picklist field: {value}"
        raise Refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, [field.name])


def check_unique(state: OrgState, actor: Actor, sobject: SObject, row: Row) -> None:
    """Raises DUPLICATE_VALUE when a living record bears a unique value already."""
    for field in sobject.fields.values():
        if not field.unique or row.get(field.name) is None:
            continue
        others = [r for r in matches(state, sobject, field, row[field.name]) if r["Id"] != row.get("Id")]
        if others and state.strictness.duplicate_value:
            seen = state.view(actor).sees_row(others[0]) or not state.strictness.unseen_duplicate_unnamed
            name, record_id = (field.name, others[0]["Id"][:15]) if seen else ("<unknown>", "<unknown>")
            text = f"duplicate value found: {name} duplicates value on record with id: {record_id}"
            raise Refused("DUPLICATE_VALUE", text, [])


def _check_duplicate_rule(state: OrgState, sobject: SObject, row: Row, options: SaveOptions) -> None:
    """https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_duplicaterules.htm ."""
    key = _DUPLICATE_KEYS.get(sobject.name)
    rule = state.settings.duplicate_rules if state.strictness.duplicate_rules else "off"
    if rule == "off" or key is None or row.get(key) is None or (rule == "alert" and options.allow_duplicates):
        return
    same = [r for r in state.store.find(sobject.name, key, row[key]) if not r["IsDeleted"]]
    if same:
        found = [_match_record(sobject.name, r["Id"]) for r in same]
        match = {"entityType": sobject.name, "errors": [], "matchEngine": "ExactMatchEngine", "matchRecords": found}
        result = {
            "allowSave": rule == "alert",
            "duplicateRule": f"Standard_{sobject.name}_Duplicate_Rule",
            "duplicateRuleEntityType": sobject.name,
            "errorMessage": "Use one of these records?",
            "matchResults": [
                {**match, "rule": f"Standard_{sobject.name}_Match_Rule", "size": len(found), "success": True}
            ],
        }
        raise Refused("DUPLICATES_DETECTED", "Use one of these records?", [], extra={"duplicateResult": result})


def _match_record(sobject: str, record_id: str) -> dict[str, Any]:
    record = {
        "attributes": {"type": sobject, "url": f"/services/data/v66.0/sobjects/{sobject}/{record_id}"},
        "Id": record_id,
    }
    return {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}


def _backdated(audit: dict[str, Any]) -> dict[str, Any]:
    """CreatedDate given: LastModifiedDate follows unless it was given too; SystemModstamp stays now."""
    made = audit.get("CreatedDate")
    return ({"LastModifiedDate": made} if made else {}) | audit
