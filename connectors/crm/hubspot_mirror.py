"""Reading owners, customers and deals: everything once, then what changed and what was deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from connectors.base.errors import BadReply, CursorExpired, Rejected, Transient
from connectors.base.model import Customer, Deal, Page, RecordRef, User
from connectors.base.services import Clock
from connectors.crm.hubspot_account import HubSpotAccount
from connectors.crm.hubspot_api import HubSpotApi
from connectors.crm.hubspot_feed_map import (
    Phase,
    Track,
    decode_cursor,
    encode_cursor,
    listed,
    question,
    searched,
    started,
)
from connectors.crm.hubspot_map import (
    PROPERTIES,
    DealLinks,
    Filter,
    Search,
    customers_of,
    deals_of,
    domains_of,
    emails_of,
    listed_links,
    read_links,
    user_of,
    value,
)
from connectors.crm.hubspot_parse import Row

ROOM = 500  # rows of one page of a feed, about
MAX_GROUPS = 5  # of one search
NAMES_AT_ONCE = 40
LONGEST_NAME = 254
ROOM_OF_SEARCH = 2_000  # of the 3,000 characters that a search's body may have


class HubSpotMirror:
    """The read side of one account."""

    def __init__(
        self, api: HubSpotApi, account: HubSpotAccount, clock: Clock, *, page_size: int, lag: timedelta
    ) -> None:
        self._api = api
        self._account = account
        self._clock = clock
        self._page_size = page_size
        self._lag = lag
        self._learnt: dict[RecordRef, Customer] = {}
        self._learnt_deals: dict[str, Deal] = {}

    async def users(self) -> tuple[User, ...]:
        """Every owner, archived ones too; one that is listed twice is the living one."""
        found: dict[str, User] = {}
        for owner in await self._account.owners():
            found.setdefault(str(owner["id"]), user_of(owner))
        return tuple(found.values())

    # -------------------------------------------------------------------------------------------------------- customers

    async def customers(self, cursor: str | None) -> Page[Customer]:
        """See `CrmTarget.customers`. One call reads on until a page is full or every object is done."""
        site = (await self._account.facts()).site
        objects = ("contacts", "companies", *(("leads",) if await self._account.leads() else ()))
        found: list[Customer] = []

        async def read(name: str, rows: list[Row]) -> None:
            found.extend(c for r in rows for c in customers_of(name, r, site))

        cursor, more = await self._walk(cursor, objects, read)
        found += self._learnt.values()
        self._learnt.clear()
        return Page(tuple(found), cursor, more)

    def learn(self, row: Customer) -> None:
        """What writing found out of a record: the next page tells it. Some deletions no feed ever shows."""
        self._learnt[row.ref] = row

    def learn_deal(self, deal: str) -> None:
        """A deal that is gone, likewise."""
        self._learnt_deals[deal] = Deal(id=deal, deleted=True)

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        """Records that bear one of these now."""
        found: list[Customer] = []
        names = sorted({a.strip().lower() for a in addresses if "@" in a and len(a) <= LONGEST_NAME})
        hosts = sorted({d.strip().lower() for d in domains if d.strip() and len(d) <= LONGEST_NAME})
        if not names and not hosts:
            return ()
        site = (await self._account.facts()).site
        rows = await self._by_address(names) if names else []
        found += [c for r in rows for c in customers_of("contacts", r, site)]
        rows = await self._by_domain(hosts) if hosts else []
        found += [c for r in rows for c in customers_of("companies", r, site)]
        return tuple({c.ref: c for c in found}.values())

    async def _by_address(self, addresses: list[str]) -> list[Row]:
        """First addresses straight from the records; the rest may be further addresses, which only a search finds."""
        properties = PROPERTIES["contacts"]
        rows = await self._api.read("contacts", addresses, properties, by="email")
        known = {e for r in rows for e in emails_of(r)}
        rest = [a for a in addresses if a not in known]
        for some in _chunks(rest, MAX_GROUPS):
            groups = tuple((Filter("hs_additional_emails", "EQ", a),) for a in some)
            rows += await self._api.search("contacts", Search(groups, properties))
        return [r for r in rows if not set(addresses).isdisjoint(emails_of(r))]

    async def _by_domain(self, domains: list[str]) -> list[Row]:
        properties, rows = PROPERTIES["companies"], []
        for some in _chunks(domains, NAMES_AT_ONCE):
            first = Search(((Filter("domain", "IN", values=tuple(some)),),), properties)
            rows += await self._api.search("companies", first)
        known = {d for r in rows for d in domains_of(r)}
        for some in _chunks([d for d in domains if d not in known], MAX_GROUPS):
            groups = tuple((Filter("hs_additional_domains", "EQ", d),) for d in some)
            rows += await self._api.search("companies", Search(groups, properties))
        return [r for r in rows if not set(domains).isdisjoint(domains_of(r))]

    # ------------------------------------------------------------------------------------------------------------ deals

    async def deals(self, cursor: str | None) -> Page[Deal]:
        """See `CrmTarget.deals`. HubSpot counts a deal's contacts and companies on it, so new ones change it."""
        facts = await self._account.facts()
        found: list[Deal] = []

        async def read(_: str, rows: list[Row]) -> None:
            stages = await self._account.stages({s for r in rows if not r.get("archived") and (s := _stage(r))})
            links = await self._links(rows)
            found.extend(d for r in rows for d in deals_of(r, links[str(r["id"])], stages, facts.site))

        cursor, more = await self._walk(cursor, ("deals",), read)
        found += self._learnt_deals.values()
        self._learnt_deals.clear()
        return Page(tuple(found), cursor, more)

    async def _links(self, rows: list[Row]) -> dict[str, DealLinks]:
        """Whose the deals are: as the listing told, else asked."""
        told = {str(r["id"]): listed_links(r) if "associations" in r or r.get("archived") else None for r in rows}
        asked = [record for record, links in told.items() if links is None]
        contacts = await self._api.links("deals", "contacts", asked) if asked else {}
        companies = await self._api.links("deals", "companies", asked) if asked else {}
        return {
            record: links or read_links(contacts.get(record, []), companies.get(record, []))
            for record, links in told.items()
        }

    # ---------------------------------------------------------------------------------------------------------- walking

    async def _walk(
        self, cursor: str | None, objects: Sequence[str], read: Callable[[str, list[Row]], Awaitable[None]]
    ) -> tuple[str, bool]:
        """Read page after page until about one page of rows is had; give the cursor and whether there is more."""
        tracks = decode_cursor(cursor, objects, self._clock.now(), self._lag)
        room = ROOM
        for name in objects:
            while tracks[name].open and room > 0:
                tracks[name] = started(tracks[name], self._api.server_now)
                rows, tracks[name] = await self._step(name, tracks[name])
                if rows:
                    await read(name, rows)
                room -= max(len(rows), 1)
        return encode_cursor(tracks), any(t.open for t in tracks.values())

    async def _step(self, name: str, track: Track) -> tuple[list[Row], Track]:
        """One page of one object, and the position after it. A token that HubSpot refuses has grown too old."""
        if track.phase is Phase.SEARCH:
            rows, _ = await self._api.search_page(name, question(name, track))
            try:
                return rows, searched(name, track, rows)
            except BadReply as error:
                raise Transient("The answer makes no sense.", operation=error.operation) from None
        archived = track.phase is Phase.ARCHIVE
        links = "contacts,companies" if name == "deals" and not archived else ""
        properties = ("hs_object_id",) if archived else PROPERTIES[name]
        try:
            rows, after = await self._api.page(
                name, properties, track.after, limit=self._page_size, archived=archived, links=links
            )
        except Rejected as error:
            if track.after:
                raise CursorExpired("HubSpot no longer knows the position.", operation=error.operation) from error
            raise
        if archived:
            rows = [{**r, "archived": True} for r in rows]
        elif links:
            rows = [{"associations": {}, **r} for r in rows]  # left out where a deal has none
        return rows, listed(track, after)


def _stage(row: Row) -> str:
    return value(row, "dealstage")


def _chunks(items: Sequence[str], most: int) -> list[list[str]]:
    """Parts of at most so many items that fit a search's body."""
    parts: list[list[str]] = []
    size = 0
    for item in items:
        size += len(item) + 3
        if not parts or len(parts[-1]) >= most or size > ROOM_OF_SEARCH:
            parts.append([])
            size = len(item) + 3
        parts[-1].append(item)
    return parts
