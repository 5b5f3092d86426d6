"""Reading users, customers and deals: everything once in the order of ids, then what changed and what was deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from connectors.base.errors import CursorExpired
from connectors.base.model import Customer, Deal, Page, RecordKind, RecordRef, User
from connectors.base.services import Clock
from connectors.crm.texts import domains_of, emails_of
from connectors.crm.zoho_api import ZohoApi
from connectors.crm.zoho_cursor_map import (
    CONVERTED,
    CUSTOMER_FEEDS,
    DEAL_FEEDS,
    DELETED,
    Position,
    advance,
    decode_cursor,
    encode_cursor,
    feeds_of,
    module_of,
    skipped,
)
from connectors.crm.zoho_map import (
    COQL_ROWS,
    ModuleShape,
    any_of,
    chunks,
    coql_in,
    coql_text,
    customer_of,
    deal_of,
    gone_customer,
    gone_deal,
    select,
    stages_by_id,
    user_of,
)
from connectors.crm.zoho_org import ZohoOrg
from connectors.crm.zoho_parse import Listed, Row, id_in

_STATE = ("id", "Owner", "Modified_Time")
_FIELDS = {
    "Contacts": (*_STATE, "Full_Name", "First_Name", "Last_Name", "Account_Name"),
    "Leads": (
        *_STATE,
        "Full_Name",
        "First_Name",
        "Last_Name",
        "Converted__s",
        "Converted_Contact",
        "Converted_Account",
    ),
    "Accounts": (*_STATE, "Account_Name", "Website"),
    "Deals": (*_STATE, "Deal_Name", "Stage", "Pipeline", "Account_Name", "Contact_Name"),
}
_DOMAINS_AT_ONCE = 10

Read = Callable[[str, Sequence[Row]], Awaitable[None]]


class ZohoMirror:
    """The read side of one account."""

    def __init__(self, api: ZohoApi, org: ZohoOrg, clock: Clock, page_size: int) -> None:
        self._api = api
        self._org = org
        self._clock = clock
        self._page_size = page_size

    async def users(self) -> tuple[User, ...]:
        """Every user, inactive ones too."""
        rows = await self._api.pages("get_users", "users", {"type": "AllUsers", "per_page": "200"}, name="users")
        return tuple(user_of(r) for r in rows if id_in(r.get("id")))

    # ---------------------------------------------------------------------------------------------------- customers

    async def customers(self, cursor: str | None) -> Page[Customer]:
        """See `CrmTarget.customers`. One call reads on until a page is full or every list is done."""
        site = await self._org.site()
        found: list[Customer] = []

        async def read(feed: str, rows: Sequence[Row]) -> None:
            module = module_of(feed)
            if feed.endswith(DELETED):
                found.extend(gone_customer(module, r, site) for r in rows)
                return
            shape = await self._org.need(module)
            found.extend([await self._whole(r, shape, site, converted=feed.endswith(CONVERTED)) for r in rows])

        cursor, more = await self._walk(cursor, CUSTOMER_FEEDS, read)
        return Page(tuple(found), cursor, more)

    async def _whole(self, row: Row, shape: ModuleShape, site: str, *, converted: bool) -> Customer:
        """A row; of a converted lead also what it became, which the list may leave out."""
        customer = customer_of(row, shape, site)
        if not converted or customer.merged_into is not None:
            return customer
        whole = await self._api.record(shape.name, customer.ref.id)
        into = customer_of(whole, shape, site).merged_into if whole else None
        return replace(customer, merged_into=into, deleted=into is None)

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        """Records that bear one of these now."""
        if not addresses and not domains:
            return ()
        found: list[Customer] = []
        modules = await self._org.visible(CUSTOMER_FEEDS)
        for module in modules if addresses else ():
            found += await self._by_address(module, sorted(set(addresses)))
        if domains and "Accounts" in modules:
            found += await self._by_domain(sorted(set(domains)))
        return tuple({c.ref: c for c in found}.values())

    async def _by_address(self, module: str, addresses: list[str]) -> list[Customer]:
        shape, site = await self._org.need(module), await self._org.site()
        found: list[Customer] = []
        for some in chunks(addresses) if shape.emails else ():
            where = any_of([coql_in(name, some) for name in shape.emails[:20]])
            rows = await self._api.query_all(self._fields(shape), module, where)
            found += [customer_of(r, shape, site) for r in rows if set(some).intersection(emails_of(r, shape.emails))]
        return found

    async def _by_domain(self, domains: list[str]) -> list[Customer]:
        shape, site = await self._org.need("Accounts"), await self._org.site()
        found: list[Customer] = []
        for some in chunks(domains, _DOMAINS_AT_ONCE) if "Website" in shape.fields else ():
            where = any_of([f"Website like {coql_text(f'%{d}%')}" for d in some])
            rows = await self._api.query_all(self._fields(shape), "Accounts", where)
            hits = [r for r in rows if set(some).intersection(domains_of(str(r.get("Website") or "")))]
            found += [customer_of(r, shape, site) for r in hits]
        return found

    async def search(self, address: str) -> tuple[RecordRef, ...]:
        """Contacts and leads that the search index knows by an address, in whatever case it is written there.

        https://www.zoho.com/crm/developer/docs/api/v8/search-records.html
        """
        found: list[RecordRef] = []
        for module, kind in (("Contacts", RecordKind.CONTACT), ("Leads", RecordKind.LEAD)):
            shape = await self._org.shape(module)
            if shape is None:
                continue
            params = {"email": address, "fields": ",".join(self._fields(shape))}
            page = await self._api.page("search_records", f"{module}/search", params)
            hits = [r for r in page.rows if address in emails_of(r, shape.emails)]
            found += [RecordRef(kind, id_in(r.get("id"))) for r in hits]
        return tuple(found)

    # -------------------------------------------------------------------------------------------------------- deals

    async def deals(self, cursor: str | None) -> Page[Deal]:
        """See `CrmTarget.deals`. Of the contacts of a deal only its first one is listed with it."""
        site, stages = await self._org.site(), stages_by_id(await self._org.pipelines())
        found: list[Deal] = []

        async def read(feed: str, rows: Sequence[Row]) -> None:
            gone = feed.endswith(DELETED)
            found.extend(gone_deal(r, site) if gone else deal_of(r, stages, site) for r in rows)

        cursor, more = await self._walk(cursor, DEAL_FEEDS, read)
        return Page(tuple(found), cursor, more)

    # ------------------------------------------------------------------------------------------------------ walking

    async def _walk(self, cursor: str | None, modules: tuple[str, ...], read: Read) -> tuple[str, bool]:
        """Read list after list until about one page of rows is had; give the cursor and whether there is more."""
        feeds = feeds_of(await self._org.visible(modules))
        positions = decode_cursor(cursor, feeds, self._clock.now())
        room = self._page_size
        for feed in feeds:
            if feed != module_of(feed) and positions[feed].whole and positions[module_of(feed)].began:
                positions[feed] = skipped(positions[feed], positions[module_of(feed)])
            while positions[feed].open and room > 0:
                page, position = await self._page(feed, positions[feed])
                rows = [r for r in page.rows if id_in(r.get("id"))]
                await read(feed, rows)
                positions[feed] = advance(position, page, self._api.server_now, numbered=feed.endswith(DELETED))
                room -= len(rows)
        return encode_cursor(positions), any(p.open for p in positions.values())

    async def _page(self, feed: str, position: Position) -> tuple[Listed, Position]:
        if feed.endswith(DELETED):
            return await self._deleted(feed, position), position
        if not position.by_id:
            try:
                return await self._listed(feed, position), position
            except CursorExpired:
                # A page token lives 24 hours and a list 100,000 records; ids go on without either.
                if feed.endswith(CONVERTED) or not position.last:
                    raise
                position = replace(position, token="", by_id=True)
        return await self._by_id(feed, position), position

    async def _listed(self, feed: str, position: Position) -> Listed:
        """https://www.zoho.com/crm/developer/docs/api/v8/get-records.html."""
        shape = await self._org.need(module_of(feed))
        converted = feed.endswith(CONVERTED)
        fields = (*self._fields(shape), *(("$converted_detail",) if converted else ()))
        params = {"fields": ",".join(fields), "sort_by": "id", "sort_order": "asc", "per_page": str(self._page_size)}
        params |= {"converted": "true"} if converted else {}
        params |= {"page_token": position.token} if position.token else {}
        headers = {} if position.whole else {"If-Modified-Since": position.since}
        return await self._api.page("get_records", shape.name, params, headers=headers)

    async def _by_id(self, feed: str, position: Position) -> Listed:
        shape = await self._org.need(module_of(feed))
        where = f"id > {coql_text(position.last)}"
        if not position.whole:
            where = f"({where} and Modified_Time >= {coql_text(position.since)})"
        rows = await self._api.query(select(self._fields(shape), shape.name, where))
        return Listed(rows, more=len(rows) >= COQL_ROWS)

    async def _deleted(self, feed: str, position: Position) -> Listed:
        """https://www.zoho.com/crm/developer/docs/api/v8/get-deleted-records.html."""
        params = {"type": "all", "per_page": "200", "page": position.token or "1"}
        path = f"{module_of(feed)}/deleted"
        return await self._api.page("deleted_records", path, params, headers={"If-Modified-Since": position.since})

    def _fields(self, shape: ModuleShape) -> tuple[str, ...]:
        named = ("id", *shape.has(*_FIELDS[shape.name]))
        more = shape.emails if shape.name in CUSTOMER_FEEDS else ()
        return tuple(dict.fromkeys((*named, *more)))
