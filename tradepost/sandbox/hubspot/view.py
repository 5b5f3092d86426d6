"""Records as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tradepost.sandbox.hubspot.errors import Refused
from tradepost.sandbox.hubspot.index import Document
from tradepost.sandbox.hubspot.kinds import Kind
from tradepost.sandbox.hubspot.links import LinkType
from tradepost.sandbox.hubspot.mail_headers import CONTENT
from tradepost.sandbox.hubspot.records import Record, versions
from tradepost.sandbox.hubspot.state import Actor, PortalState
from tradepost.sandbox.hubspot.times import stamp

# How many former values are told: https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
_MOST_VERSIONS = {"contacts": 45}
MOST_LINKS = 500


class View:
    """The account as one caller sees it."""

    def __init__(self, state: PortalState, actor: Actor) -> None:
        self.state, self.actor = state, actor

    def record_id(self, record_id: str) -> Any:
        return record_id if self.state.strict.ids_are_strings else int(record_id)

    def record(
        self,
        record: Record,
        names: Iterable[str] | None = None,
        history: Sequence[str] = (),
        document: Document | None = None,
    ) -> dict[str, Any]:
        """SimplePublicObject. `names` None asks for the defaults; `document` is another state of the values."""
        kind = record.kind
        asked = (*kind.defaults, *kind.always) if names is None else (*names, *kind.always)
        found = {
            "id": self.record_id(record.id),
            "properties": self._values(kind, record.values if document is None else document, asked),
            "createdAt": stamp(record.created_at),
            "updatedAt": stamp(record.updated_at),
            "archived": record.archived,
            "url": f"https://app.hubspot.com/contacts/{self.state.settings.portal_id}/record/{kind.type_id}/{record.id}",
        }
        if record.archived_at is not None:
            found["archivedAt"] = stamp(record.archived_at)
        if history:
            found["propertiesWithHistory"] = self._histories(record, history)
        return found

    def whole(self, record: Record) -> dict[str, Any]:
        """With every value, as after a create."""
        return self.record(record, [name for name in record.values if self.state.property(record.kind, name)])

    def _values(self, kind: Kind, values: Document, names: Iterable[str]) -> dict[str, Any]:
        """Defined properties only; null where there is no value (observed)."""
        found: dict[str, Any] = {}
        for name in names:
            definition = self.state.property(kind, name)
            if definition is not None:
                found[definition.name] = self._value(kind, definition.name, values.get(definition.name))
        return found

    def _value(self, kind: Kind, name: str, value: str | None) -> Any:
        if value is None or self._hidden(kind, name):
            return None
        if not self.state.strict.ids_are_strings and value.isdecimal():
            return int(value)
        return value

    def _hidden(self, kind: Kind, name: str) -> bool:
        if kind.plural != "emails" or name not in CONTENT or not self.state.strict.redacted_without_scope:
            return False
        return not self.actor.has("sales-email-read")

    def _histories(self, record: Record, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        most = _MOST_VERSIONS.get(record.kind.plural, 20)
        found: dict[str, list[dict[str, Any]]] = {}
        for name in names:
            definition = self.state.property(record.kind, name)
            if definition is None or self._hidden(record.kind, definition.name):
                continue
            found[definition.name] = []
            for each in versions(record, definition.name, most):
                row: dict[str, Any] = {"value": each.value, "timestamp": stamp(each.at), "sourceType": each.source.type}
                if each.source.id:
                    row["sourceId"] = each.source.id
                if each.source.label:
                    row["sourceLabel"] = each.source.label
                if each.source.user_id is not None:
                    row["updatedByUserId"] = each.source.user_id
                found[definition.name].append(row)
        return found

    # -------------------------------------------------------------------------------------------- links

    def ends(self, record: Record, kind: Kind) -> list[tuple[str, list[LinkType]]]:
        """Ids of living records of a kind that this one is linked with, ascending, with the types."""
        found = []
        for end, types in self.state.links.ends(record.id, kind.plural).items():
            if self.state.living(kind, end) is not None:
                found.append((end, [self.state.types.by_id[type_id] for type_id in sorted(types, reverse=True)]))
        return sorted(found, key=lambda row: int(row[0]))

    def associations(self, record: Record, names: Iterable[str]) -> dict[str, Any]:
        """The `associations` of an object API answer; kinds without links are left out."""
        found: dict[str, Any] = {}
        for name in names:
            kind = self.state.kind_of(name)
            rows = [
                {"id": self.record_id(end), "type": type_name(self.state, link)}
                for end, types in self.ends(record, kind)
                for link in types
            ]
            if rows:
                found[kind.plural if kind.custom else kind.plural.replace("_", " ")] = {"results": rows}
        return found


def type_name(state: PortalState, link: LinkType) -> str:
    """A type as v3 names it: deal_to_company is the primary one where there is one, else the plain one."""
    start, end = state.kind_of(link.start), state.kind_of(link.end)
    plain = f"{start.singular}_to_{end.singular}"
    if link.category != "HUBSPOT_DEFINED":
        return link.label.lower().replace(" ", "_")
    if link.label == "Primary":
        return plain
    if link.label:
        return f"{plain}_{link.label.lower().replace(' ', '_')}"
    primary = any(each.label == "Primary" for each in state.types.between(link.start, link.end))
    return f"{plain}_unlabeled" if primary else plain


def type_named(state: PortalState, start: Kind, end: Kind, name: str) -> LinkType:
    """A type by its v3 name or number. Raises 400."""
    for link in state.types.between(start.plural, end.plural):
        if name in (str(link.id), type_name(state, link)):
            return link
    raise Refused(f"{name} is not a valid association type between {start.constant} and {end.constant}")
