"""The larger troubles of a week: dead tokens, a day's quota gone, expired positions, outages, wrong clocks, a full disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.simulate.ruin import Ruin
from tradepost.sandbox.kernel import Effect, Fault


class Troubles:
    """Brings each trouble over a week's box, and takes it away again."""

    box: Any
    engine: Any
    ruin: Sequence[Ruin]
    full: float | None = None

    def _host(self, name: str) -> Any:
        every = [*self.box.company.mail.values(), *self.box.company.crms.values()]
        return next(host for host in every if host.name == name)

    def trouble_token_death(self, one: Ruin, *, begins: bool) -> None:
        host = self._host(one.at)
        match one.at if begins else "":
            case "salesforce":
                host.org.expire_sessions()
            case "zoho":
                host.org.expire_tokens()
            case "hubspot":
                host.portal.expire_tokens()
            case "gmail" | "graph":
                host.vendor.expire_tokens()

    def trouble_quota_gone(self, one: Ruin, *, begins: bool) -> None:
        host: Any = self.box.company.crm
        match host.name if begins else "":
            case "salesforce":
                host.org.set_daily_limit(used=host.org.settings.daily_requests)
            case "hubspot":
                host.portal.set_daily_used(10**7)
            case "zoho":
                host.org.set_credits_used(host.org.credits)

    def trouble_expired_cursor(self, one: Ruin, *, begins: bool) -> None:
        (host,) = self.box.company.mail.values()
        expire = getattr(host.vendor, "expire_history", None) or host.vendor.expire_sync_state
        if begins:
            expire(f"{one.at}@{host.domain}")

    def trouble_expired_pages(self, one: Ruin, *, begins: bool) -> None:
        (host,) = self.box.company.mail.values()
        if begins:
            host.vendor.expire_pages(f"{one.at}@{host.domain}")

    def trouble_outage(self, one: Ruin, *, begins: bool) -> None:
        """The vendor answers 503 to everything for some hours."""
        if begins:
            self.box.world.faults.add(Fault(vendor=one.at, effect=Effect.STATUS, status=503, times=10**6))
            return
        kept = [f for f in self.box.world.faults.pending() if f.times < 1000]
        self.box.world.faults.clear()
        for fault in kept:
            self.box.world.faults.add(fault)

    def trouble_clock_jump(self, one: Ruin, *, begins: bool) -> None:
        self.box.own.skew = timedelta(seconds=one.amount) if begins else timedelta()

    def trouble_disk_full(self, one: Ruin, *, begins: bool) -> None:
        self.full = one.amount if begins else None
        if self.engine is not None and not begins:
            self._pages(self.engine, 2**30)

    def away(self) -> timedelta:
        """How long altogether a vendor gave no answer, or none but refusals."""
        return timedelta(seconds=sum(r.length for r in self.ruin if r.what in ("outage", "quota_gone")))

    def _disk(self, engine: Any) -> None:
        if self.full is not None:
            with engine.store.db.read() as c:
                pages = c.exec_driver_sql("PRAGMA page_count").scalar()
            self._pages(engine, int(pages + self.full))

    @staticmethod
    def _pages(engine: Any, most: int) -> None:
        with engine.store.db.read() as c:
            c.exec_driver_sql(f"PRAGMA max_page_count={most}")
