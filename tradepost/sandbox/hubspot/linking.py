"""Making and breaking links, and what follows for the records at both ends.

https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tradepost.sandbox.hubspot.errors import Refused, bad_json
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.links import REPLACING, LinkType
from tradepost.sandbox.hubspot.records import Record
from tradepost.sandbox.hubspot.state import CALCULATED, PortalState
from tradepost.sandbox.hubspot.times import millis

_CONTACTING = frozenset({"emails", "calls", "meetings", "communications"})
_COUNTS = (
    ("deals", "contacts", "num_associated_contacts"),
    ("contacts", "deals", "num_associated_deals"),
    ("companies", "contacts", "num_associated_contacts"),
    ("companies", "deals", "num_associated_deals"),
)
INVALID = "One or more associations are not valid"


def read_types(state: PortalState, start: Kind, end: Kind | None, types: Any) -> list[LinkType]:
    """The association types of a request. `end` None takes any kind that they lead to. Raises Refused."""
    if not isinstance(types, list) or not types:
        raise Refused(INVALID)
    found = []
    for row in types:
        if not isinstance(row, Mapping):
            raise bad_json("Cannot construct instance of `AssociationSpec`")
        link = _type(state, row.get("associationTypeId"))
        if link is None:
            raise Refused(INVALID)
        wrong = link.start != start.plural or (end is not None and link.end != end.plural)
        if state.strict.association_types_checked and (wrong or row.get("associationCategory") != link.category):
            raise Refused(INVALID)
        found.append(link)
    return found


def _type(state: PortalState, type_id: Any) -> LinkType | None:
    try:
        return state.types.by_id.get(int(type_id))
    except (TypeError, ValueError):
        return None


def inline(state: PortalState, kind: Kind, associations: Any) -> list[tuple[Record, LinkType]]:
    """The `associations` of a create. Raises Refused; nothing is changed."""
    if associations is None:
        return []
    if not isinstance(associations, Sequence) or isinstance(associations, str):
        raise bad_json("Cannot deserialize value of type `java.util.ArrayList`")
    found: list[tuple[Record, LinkType]] = []
    for row in associations:
        if not isinstance(row, Mapping) or not isinstance(row.get("to"), Mapping):
            raise bad_json("Cannot construct instance of `PublicAssociationsForObject`")
        for link in read_types(state, kind, None, row.get("types")):
            target = state.living(state.kind_of(link.end), str(row["to"].get("id", "")))
            if target is not None:
                found.append((target, link))
            elif state.strict.association_types_checked:
                raise Refused(INVALID)
    return found


def connect(state: PortalState, start: Record, end: Record, link: LinkType) -> None:
    """Link two records. A primary type takes the earlier one's place and brings the plain type along."""
    if link.back in REPLACING:
        start, end, link = end, start, state.types.by_id[link.back]
    first = not state.links.ends(start.id, end.kind.plural).get(end.id)
    if link.id in REPLACING:
        _replace_primary(state, start, end, link)
        plain = state.types.default(start.kind, end.kind)
        state.links.put(start, end, plain, state.now())
    state.links.put(start, end, link, state.now())
    _after(state, start, end, new=first)


def _replace_primary(state: PortalState, start: Record, end: Record, link: LinkType) -> None:
    if not state.strict.primary_company_replaced:
        return
    for other, types in list(state.links.ends(start.id, end.kind.plural).items()):
        if other != end.id and link.id in types:
            state.links.take(start.id, other, link)


def disconnect(state: PortalState, start: Record, end_id: str, kind: Kind, link: LinkType | None = None) -> None:
    """Remove one type between two records, or all."""
    end = state.records.find(kind, end_id)
    if end is None:
        return
    gone = state.links.clear(start, end.id, kind.plural) if link is None else state.links.take(start.id, end.id, link)
    if gone:
        _after(state, start, end, new=False)


def _after(state: PortalState, start: Record, end: Record, *, new: bool) -> None:
    for one, other in ((start, end), (end, start)):
        values = _counted(state, one, other.kind)
        if one.kind.plural == "contacts" and other.kind.plural == "companies":
            values["associatedcompanyid"] = primary_company(state, one)
        if new and other.kind.activity and not one.kind.activity and state.settings.bumps_by_activities:
            values |= _touched(state, one, other)
        changed = {name: value for name, value in values.items() if one.get(name) != value}
        if changed:
            state.write(one, changed, CALCULATED)


def primary_company(state: PortalState, contact: Record) -> str:
    """The id of a contact's primary company, or empty."""
    ends = state.links.ends(contact.id, "companies")
    return next((end for end, types in ends.items() if 1 in types), "")


def _counted(state: PortalState, one: Record, other: Kind) -> dict[str, str]:
    return {
        name: str(len(state.links.ends(one.id, end)))
        for start, end, name in _COUNTS
        if one.kind.plural == start and other.plural == end
    }


def _touched(state: PortalState, one: Record, activity: Record) -> dict[str, str]:
    """An activity is "last activity" of the records it is logged on."""
    at = activity.get("hs_timestamp")
    marks = [("notes_last_updated", "num_notes")]
    if activity.kind.plural in _CONTACTING:
        marks.append(("notes_last_contacted", "num_contacted_notes"))
    found: dict[str, str] = {}
    for when, count in marks:
        if state.property(one.kind, when) is not None:
            later = (millis(at) or 0) > (millis(one.get(when)) or 0) if at else False
            found[when] = at if later else one.get(when)
            found[count] = str(int(one.get(count) or 0) + 1)
    return found
