"""CRM targets that ask badly."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from connectors.base.crm import CrmTarget
from connectors.base.errors import BadReply, ConnectorError, CursorExpired, RateLimited, Transient
from connectors.base.model import Attempt, Customer, Deal, Finding, Page, Receipt, TargetAccount, User
from tradepost.testing.crm_bench import CrmBench
from tradepost.testing.spoiled.model import Spoiled

FEEDS: list[Spoiled[CrmBench]] = []


class Whole:
    """A target that passes everything on; each spoiled one does one thing otherwise."""

    def __init__(self, inner: CrmTarget, bench: CrmBench) -> None:
        self.inner = inner
        self.bench = bench

    @property
    def usage(self) -> float:
        return self.inner.usage

    async def check(self) -> TargetAccount:
        return await self.inner.check()

    async def users(self) -> tuple[User, ...]:
        return await self.inner.users()

    async def customers(self, cursor: str | None) -> Page[Customer]:
        return await self.inner.customers(cursor)

    async def deals(self, cursor: str | None) -> Page[Deal]:
        return await self.inner.deals(cursor)

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        return await self.inner.find_customers(addresses, domains)

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        return await self.inner.find_written(attempts)

    async def write_many(self, attempts: Sequence[Attempt]) -> tuple[Receipt | ConnectorError, ...]:
        return await self.inner.write_many(attempts)

    async def close(self) -> None:
        await self.inner.close()


def catches(check: str, into: list[Spoiled[CrmBench]], **more: bool) -> Callable[[type[Whole]], type[Whole]]:
    """Lists a spoiled target under its docstring."""

    def keep(spoiled: type[Whole]) -> type[Whole]:
        into.append(Spoiled((spoiled.__doc__ or "").rstrip("."), spoiled, check, **more))
        return spoiled

    return keep


@catches("The account's id stays the same, also for a new connection", FEEDS)
class _NewId(Whole):
    """Makes a new account id for every connection."""

    def __init__(self, inner: CrmTarget, bench: CrmBench) -> None:
        super().__init__(inner, bench)
        self.id = uuid.uuid4().hex

    async def check(self) -> TargetAccount:
        return replace(await super().check(), account_id=self.id)


@catches("Nothing asked sends nothing", FEEDS)
class _AsksForNothing(Whole):
    """Calls the vendor with an empty question."""

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        return await super().find_customers(addresses or ["nobody@nowhere.example"], domains)


@catches("A connection may be closed twice, and before it was used", FEEDS)
class _ClosesOnce(Whole):
    """Cannot be closed twice."""

    closed = False

    async def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True
        await super().close()


@catches("Every user is told, to the last page, with lower-case addresses", FEEDS)
class _FirstUsers(Whole):
    """Reads the first page of users only."""

    async def users(self) -> tuple[User, ...]:
        return (await super().users())[: self.bench.rig.user_page]


@catches("A user who has left is told as inactive", FEEDS)
class _NobodyLeaves(Whole):
    """Tells users who have left as active."""

    async def users(self) -> tuple[User, ...]:
        return tuple(replace(u, active=True) for u in await super().users())


@catches("Stages are told by the ids that deals carry, with closed and won ones marked", FEEDS)
class _LabelsForIds(Whole):
    """Tells stages by their labels."""

    async def check(self) -> TargetAccount:
        account = await super().check()
        told = tuple(replace(p, stages=tuple(replace(s, id=s.label) for s in p.stages)) for p in account.pipelines)
        return replace(account, pipelines=told)


@catches("An address that is not the first is told as well", FEEDS)
class _FirstAddressTold(Whole):
    """Drops alternative addresses from the mirror."""

    async def customers(self, cursor: str | None) -> Page[Customer]:
        page = await super().customers(cursor)
        return replace(page, rows=tuple(replace(c, emails=c.emails[:1]) for c in page.rows))


@catches("An address that is not the first still finds its customer", FEEDS)
class _FirstAddressFound(Whole):
    """Drops alternative addresses when it looks for customers."""

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        found = await super().find_customers(addresses, domains)
        return tuple(c for c in found if (c.emails[:1] and c.emails[0] in addresses) or set(c.domains) & set(domains))


@catches("A similar address or domain is another one", FEEDS)
class _FindsAlike(Whole):
    """Finds customers whose address merely contains the one asked for."""

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:  # noqa: ARG002
        rows, _cursor = await self.bench.all_of(self.inner.customers)
        return tuple(c for c in rows.values() if any(a in e for a in addresses for e in c.emails))


@catches("A company is found by its domain", FEEDS)
class _NoDomains(Whole):
    """Forgets the domains of companies."""

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:  # noqa: ARG002
        return await super().find_customers(addresses, ())


@catches("Every customer is told, to the last page", FEEDS)
class _LosesSecondPage(Whole):
    """Loses the second page."""

    async def customers(self, cursor: str | None) -> Page[Customer]:
        page = await super().customers(cursor)
        return replace(page, rows=()) if cursor else page


@catches("A page without news keeps its place", FEEDS)
class _AdvancesOnNothing(Whole):
    """Advances the cursor on an empty page."""

    skips = False

    async def customers(self, cursor: str | None) -> Page[Customer]:
        page = await super().customers(cursor)
        skips, self.skips = self.skips, not page.rows
        return replace(page, rows=()) if skips and cursor else page


@catches("The same cursor, asked twice, tells at least the same", FEEDS)
class _TellsOnce(Whole):
    """Tells each change once, whatever cursor it is asked with."""

    def __init__(self, inner: CrmTarget, bench: CrmBench) -> None:
        super().__init__(inner, bench)
        self.told: list[Customer] = []

    async def customers(self, cursor: str | None) -> Page[Customer]:
        page = await super().customers(cursor)
        new = tuple(c for c in page.rows if c not in self.told)
        self.told += new
        return replace(page, rows=new)


@catches("A cursor survives a restart", FEEDS)
class _RemembersCursors(Whole):
    """Keeps its cursors in memory."""

    def __init__(self, inner: CrmTarget, bench: CrmBench) -> None:
        super().__init__(inner, bench)
        self.kept: list[str] = []

    async def customers(self, cursor: str | None) -> Page[Customer]:
        if cursor is not None and int(cursor) >= len(self.kept):
            raise CursorExpired("The position is not known.")
        page = await super().customers(None if cursor is None else self.kept[int(cursor)])
        self.kept.append(page.cursor)
        return replace(page, cursor=str(len(self.kept) - 1))


@catches("A customer who is added while the pages are read is not lost", FEEDS)
class _LateCursor(Whole):
    """Takes its cursor when the listing has ended."""

    def __init__(self, inner: CrmTarget, bench: CrmBench) -> None:
        super().__init__(inner, bench)
        self.listed: list[str] | None = None  # while a listing goes on: what there was when it began
        self.lost: list[str] = []

    async def _now(self) -> list[str]:
        rows, _cursor = await self.bench.all_of(self.inner.customers)
        return list(rows)

    async def customers(self, cursor: str | None) -> Page[Customer]:
        if cursor is None:
            self.listed = await self._now()
        page = await super().customers(cursor)
        told = tuple(c for c in page.rows if c.ref.id not in self.lost)
        if self.listed is not None:
            told = tuple(c for c in told if c.ref.id in self.listed)
            if not page.more:
                self.lost, self.listed = [i for i in await self._now() if i not in self.listed], None
        return replace(page, rows=told)


@catches("A position that is too old is told as expired", FEEDS)
class _HidesExpiry(Whole):
    """Hides an expired cursor behind an empty page."""

    async def customers(self, cursor: str | None) -> Page[Customer]:
        try:
            return await super().customers(cursor)
        except CursorExpired:
            return Page((), cursor or "", more=False)


@catches("A deleted customer is told as deleted", FEEDS)
class _ForgetsDeletions(Whole):
    """Leaves deleted customers out of the changes."""

    async def customers(self, cursor: str | None) -> Page[Customer]:
        page = await super().customers(cursor)
        return replace(page, rows=tuple(c for c in page.rows if not c.deleted))


@catches("A merged customer names the one it became", FEEDS)
class _ForgetsMerges(Whole):
    """Tells merged customers as deleted only."""

    async def customers(self, cursor: str | None) -> Page[Customer]:
        page = await super().customers(cursor)
        return replace(page, rows=tuple(replace(c, merged_into=None) for c in page.rows))


@catches("A won deal is told as closed and won, a lost one as closed", FEEDS)
class _EverythingOpen(Whole):
    """Tells closed deals as open."""

    async def deals(self, cursor: str | None) -> Page[Deal]:
        page = await super().deals(cursor)
        return replace(page, rows=tuple(replace(d, closed=False, won=False) for d in page.rows))


@catches("Every open deal is told, to the last page", FEEDS)
class _FirstDeals(Whole):
    """Ends a listing of deals after its first page."""

    async def deals(self, cursor: str | None) -> Page[Deal]:
        return replace(await super().deals(cursor), more=False)


@catches("A failing feed raises, and never tells an empty page", FEEDS)
class _SwallowsLimits(Whole):
    """Swallows 429 and tells an empty page."""

    async def customers(self, cursor: str | None) -> Page[Customer]:
        try:
            return await super().customers(cursor)
        except RateLimited:
            return Page((), cursor or "", more=False)


@catches("A used-up quota is RateLimited, with operation and hint", FEEDS)
class _LimitsAreFailures(Whole):
    """Tells a used-up quota as a failing server."""

    async def users(self) -> tuple[User, ...]:
        try:
            return await super().users()
        except RateLimited as error:
            raise Transient(error.hint, operation=error.operation, status=error.status) from error


@catches("HTML and cut JSON in answer to a question are BadReply or Transient", FEEDS)
class _LetsOut(Whole):
    """Lets errors of its own kind out."""

    async def users(self) -> tuple[User, ...]:
        try:
            return await super().users()
        except (BadReply, Transient) as error:
            raise KeyError("rows") from error


@catches("No address, subject, text or secret is in a log line or an error", FEEDS)
class _LogsAddresses(Whole):
    """Logs the addresses that it looks for."""

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        self.bench.log.info("customers.find", wanted=list(addresses))
        return await super().find_customers(addresses, domains)


@catches("A connector never waits by itself", FEEDS)
class _Waits(Whole):
    """Waits a second after each page."""

    async def customers(self, cursor: str | None) -> Page[Customer]:
        await self.bench.own_clock.sleep(1)
        return await super().customers(cursor)


@catches("The same questions make the same requests and answers", FEEDS)
class _Random(Whole):
    """Answers otherwise every time."""

    async def find_customers(self, addresses: Sequence[str], domains: Sequence[str]) -> tuple[Customer, ...]:
        found: Any = await super().find_customers(addresses, domains)
        return tuple(replace(c, url=f"https://crm.example/{uuid.uuid4()}") for c in found)
