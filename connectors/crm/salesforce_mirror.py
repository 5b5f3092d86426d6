"""Reading users, customers and deals: everything once, then what changed, in the order (SystemModstamp, Id)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.base.errors import NotPermitted
from connectors.base.model import Customer, Deal, Page, User
from connectors.base.services import Clock
from connectors.crm.salesforce_api import SalesforceApi
from connectors.crm.salesforce_map import (
    ObjectShape,
    Position,
    advance,
    contacts_by_deal,
    customer_of,
    deal_of,
    decode_cursor,
    encode_cursor,
    page_soql,
    select,
    soql_in,
    soql_like,
    user_of,
)
from connectors.crm.texts import domains_of, emails_of

Row = dict[str, Any]

_CUSTOMER_OBJECTS = ("Contact", "Lead", "Account")
_DEAL_OBJECTS = ("Opportunity", "OpportunityContactRole")
_STATE = ("Id", "Name", "OwnerId", "SystemModstamp", "IsDeleted", "MasterRecordId")
_CUSTOMER_FIELDS = {
    "Contact": (*_STATE, "AccountId"),
    "Lead": (*_STATE, "IsConverted", "ConvertedContactId"),
    "Account": (*_STATE, "Website", "IsPersonAccount"),
}
_DEAL_FIELDS = ("Id", "Name", "StageName", "IsClosed", "IsWon", "AccountId", "OwnerId", "SystemModstamp", "IsDeleted")
_ROLE_FIELDS = ("Id", "OpportunityId", "ContactId", "IsPrimary", "SystemModstamp", "IsDeleted")
_NOT_AT_FIRST = frozenset({"OpportunityContactRole"})  # the listed deals bring their roles
# The first listing leaves out what could match nothing; as changes these rows do come.
_ONLY_AT_FIRST = {"Lead": "IsConverted = false", "Opportunity": "IsClosed = false"}

Shapes = Callable[[str], Awaitable[ObjectShape | None]]


class SalesforceMirror:
    """The read side of one org. `shapes` answers describes, cached by its owner."""

    def __init__(self, api: SalesforceApi, clock: Clock, shapes: Shapes, site: str, page_size: int) -> None:
        self._api = api
        self._clock = clock
        self._shapes = shapes
        self._site = site
        self._page_size = page_size

    async def users(self) -> tuple[User, ...]:
        """Every user, inactive ones too."""
        rows = await self._api.query(select(("Id", "Name", "Email", "Username", "IsActive"), "User", ""))
        return tuple(user_of(r) for r in rows)

    # ---------------------------------------------------------------------------------------------------- customers

    async def customers(self, cursor: str | None) -> Page[Customer]:
        """See `CrmTarget.customers`. One call reads on until a page is full or every object is done."""
        found: list[Customer] = []

        async def read(name: str, rows: list[Row], position: Position) -> None:
            shape = await self._shape(name)
            found.extend(customer_of(r, shape, self._site) for r in rows if not _noise(r, position))

        cursor, more = await self._walk(cursor, _CUSTOMER_OBJECTS, read)
        return Page(tuple(found), cursor, more)

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        """Records that bear one of these now."""
        found: list[Customer] = []
        objects = await self._visible(_CUSTOMER_OBJECTS) if addresses or domains else ()
        for name in objects if addresses else ():
            found += await self._by_address(name, sorted(set(addresses)))
        if domains and "Account" in objects:
            found += await self._by_domain(sorted(set(domains)))
        return tuple({c.ref: c for c in found}.values())

    async def _by_address(self, name: str, addresses: list[str]) -> list[Customer]:
        shape = await self._shape(name)
        if not shape.emails:
            return []
        live = " AND IsConverted = false" if name == "Lead" else ""

        def soql(some: Sequence[str]) -> str:
            listed = soql_in(some)
            return select(self._fields(shape), name, f"({' OR '.join(f'{e} IN {listed}' for e in shape.emails)}){live}")

        rows = await self._api.query_chunks(addresses, soql)
        wanted = frozenset(addresses)
        rows = [r for r in rows if wanted.intersection(emails_of(r, shape.emails))]
        return [customer_of(r, shape, self._site) for r in rows]

    async def _by_domain(self, domains: list[str]) -> list[Customer]:
        shape = await self._shape("Account")
        if "Website" not in shape.fields:
            return []

        def soql(some: Sequence[str]) -> str:
            like = " OR ".join(f"Website LIKE '%{soql_like(d)}%'" for d in some)
            return select(self._fields(shape), "Account", f"({like})")

        rows = await self._api.query_chunks(domains, soql)
        wanted = frozenset(domains)
        rows = [r for r in rows if wanted.intersection(domains_of(str(r.get("Website") or "")))]
        return [customer_of(r, shape, self._site) for r in rows]

    # -------------------------------------------------------------------------------------------------------- deals

    async def deals(self, cursor: str | None) -> Page[Deal]:
        """See `CrmTarget.deals`. A changed contact role does not touch its opportunity, so both are read."""
        rows: dict[str, Row] = {}
        touched: dict[str, None] = {}

        async def read(name: str, page: list[Row], position: Position) -> None:
            if name == "Opportunity":
                rows.update((str(r["Id"]), r) for r in page if not _noise(r, position))
            else:
                touched.update((str(r["OpportunityId"]), None) for r in page if r.get("OpportunityId"))

        cursor, more = await self._walk(cursor, _DEAL_OBJECTS, read)
        rows |= await self._opportunities([t for t in touched if t not in rows])
        contacts = await self._roles([i for i, r in rows.items() if not r.get("IsDeleted")])
        return Page(tuple(deal_of(r, contacts.get(i, ()), self._site) for i, r in rows.items()), cursor, more)

    async def _opportunities(self, ids: list[str]) -> dict[str, Row]:
        fields = await self._described("Opportunity", _DEAL_FIELDS)
        rows = await self._api.query_chunks(
            ids, lambda some: select(fields, "Opportunity", f"Id IN {soql_in(some)}"), everything=True
        )
        return {str(r["Id"]): r for r in rows}

    async def _roles(self, ids: list[str]) -> dict[str, list[str]]:
        if not ids or await self._shapes("OpportunityContactRole") is None:
            return {}
        fields = await self._described("OpportunityContactRole", _ROLE_FIELDS)
        rows = await self._api.query_chunks(
            ids, lambda some: select(fields, "OpportunityContactRole", f"OpportunityId IN {soql_in(some)}")
        )
        return contacts_by_deal(rows)

    # ------------------------------------------------------------------------------------------------------ walking

    async def _walk(
        self, cursor: str | None, objects: Sequence[str], read: Callable[[str, list[Row], Position], Awaitable[None]]
    ) -> tuple[str, bool]:
        """Read page after page until about one page of rows is had; give the cursor and whether there is more."""
        objects = await self._visible(objects)
        positions = decode_cursor(cursor, objects, self._clock.now())
        room = self._page_size
        for name in objects:
            if name in _NOT_AT_FIRST and positions[name].whole:
                positions[name] = replace(positions[name], began=positions[objects[0]].began, open=False)
            while positions[name].open and room > 0:
                rows = await self._page(name, positions[name])
                now = self._api.server_now
                await read(name, rows, positions[name])
                positions[name] = advance(positions[name], rows, self._page_size, now)
                room -= len(rows)
        return encode_cursor(positions), any(p.open for p in positions.values())

    async def _page(self, name: str, position: Position) -> list[Row]:
        if name in _CUSTOMER_FIELDS:
            fields: Iterable[str] = self._fields(await self._shape(name))
        else:
            wanted = _DEAL_FIELDS if name == "Opportunity" else _ROLE_FIELDS
            fields = await self._described(name, wanted)
        soql = page_soql(name, tuple(fields), position, _ONLY_AT_FIRST.get(name, ""), self._page_size)
        return await self._api.query(soql, everything=not position.whole)

    def _fields(self, shape: ObjectShape) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*shape.has(*_CUSTOMER_FIELDS[shape.name]), *shape.emails)))

    async def _described(self, name: str, wanted: Sequence[str]) -> tuple[str, ...]:
        return (await self._shape(name)).has(*wanted)

    async def _visible(self, objects: Sequence[str]) -> tuple[str, ...]:
        """Those of `objects` that our user may read: an org may do without leads, but not without the first."""
        await self._shape(objects[0])
        return tuple([name for name in objects if await self._shapes(name) is not None])

    async def _shape(self, name: str) -> ObjectShape:
        shape = await self._shapes(name)
        if shape is None:
            hint = f"The integration user cannot read {name}; assign the permission set Tradepost or grant Read on it."
            raise NotPermitted(hint, operation="describe", code="INVALID_TYPE")
        return shape


def _noise(row: Mapping[str, Any], position: Position) -> bool:
    """Rows of the first listing that are gone already."""
    return position.whole and bool(row.get("IsDeleted"))
