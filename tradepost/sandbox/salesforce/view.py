"""The org as one user sees it: for queries, descriptions and single records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from tradepost.sandbox.salesforce.access import Access
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.ids import parse_id
from tradepost.sandbox.salesforce.schema import Field, Schema, SObject
from tradepost.sandbox.salesforce.store import Row, Store
from tradepost.sandbox.salesforce.strictness import Strictness
from tradepost.sandbox.salesforce.values import render

_JUNCTIONS = {"ToIds": "ToAddress", "CcIds": "CcAddress", "BccIds": "BccAddress"}


class View:
    """Reads only. `access` None sees everything (the simulator itself, and people in the user interface)."""

    def __init__(
        self,
        schema: Schema,
        store: Store,
        access: Access | None,
        now: Callable[[], datetime],
        strictness: Strictness,
        *,
        version: str = "66.0",
        hidden_rows: frozenset[str] = frozenset(),
    ) -> None:
        self.schema, self.store, self.access, self.now = schema, store, access, now
        self.strictness, self.version = strictness, version
        self._hidden = hidden_rows

    def may_read(self, sobject: SObject) -> bool:
        return self.access is None or self.access.may(sobject, "r")

    def queryable(self, name: str, *, tooling: bool = False) -> SObject:
        """An object that may be queried. Raises INVALID_TYPE."""
        sobject = self.schema.find(name)
        if sobject is None or sobject.allows("t") != tooling or not self.may_read(sobject):
            text = (
                f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
                "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
                "appropriate names."
            )
            raise Refused("INVALID_TYPE", text)
        return sobject

    def sees(self, sobject: SObject, field: Field) -> bool:
        return self.access is None or not self.strictness.field_security or self.access.sees(sobject, field)

    def field(self, sobject: SObject, name: str) -> Field | None:
        """A field the user may see."""
        found = sobject.find(name)
        return found if found is not None and self.sees(sobject, found) else None

    def fields(self, sobject: SObject) -> Iterator[Field]:
        return (f for f in sobject.fields.values() if self.sees(sobject, f))

    def sees_row(self, row: Row) -> bool:
        """Sharing: rows hidden by the org are seen only with View All Data."""
        if self.access is None or row["Id"] not in self._hidden or not self.strictness.sharing:
            return True
        return self.access.has("ViewAllData")

    def targets(self, reference: Field) -> list[SObject]:
        """The objects a reference may point to."""
        return [o for o in self.schema if self.schema.points_to(reference, o.name) and self.may_read(o)]

    def object_of(self, record_id: str | None) -> str:
        return self.schema.object_of(record_id) if record_id else ""

    def follow(self, record_id: str | None) -> tuple[str, Row] | None:
        """The record an id names, with its object."""
        name = self.object_of(record_id)
        row = self.store.get(name, record_id) if name and record_id else None
        return (name, row) if row is not None else None

    def rows_with(self, sobject: SObject, field: Field, value: str) -> list[Row]:
        """Rows that bear a value, by index; ids in either form."""
        if field.type in {"id", "reference"}:
            full = parse_id(value)
            if field.name == "Id":
                row = self.store.get(sobject.name, full or "")
                return [row] if row is not None else []
            value = full or value
        return self.store.find(sobject.name, field.name, value)

    def junction(self, row: Row, name: str) -> list[str] | None:
        """The ids behind ToIds, CcIds, BccIds of an EmailMessage."""
        kind = _JUNCTIONS[name]
        rows = self.store.find("EmailMessageRelation", "EmailMessageId", row["Id"])
        ids = [r["RelationId"] for r in rows if r["RelationType"] == kind and r["RelationId"] and not r["IsDeleted"]]
        return ids or None

    def value(self, row: Row, field: Field) -> Any:
        """One field as JSON."""
        if field.type == "base64":
            return self.blob_url(row, field)
        return self.junction(row, field.name) if field.type == "junctionIdList" else render(row.get(field.name))

    def blob_url(self, row: Row, field: Field) -> str | None:
        """Where the bytes of a base64 field are read; answers never hold them."""
        url = record_url(self.version, self.object_of(row["Id"]), row["Id"])
        return f"{url}/{field.name}" if row.get(field.name) else None


def record_url(version: str, sobject: str, record_id: str) -> str:
    return f"/services/data/v{version}/sobjects/{sobject}/{record_id}"
