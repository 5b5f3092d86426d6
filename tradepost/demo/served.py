"""The sandbox for somebody else's program: simulated vendors on loopback with a ready-made configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from connectors.base.services import Clock
from tradepost.clock import SystemClock
from tradepost.demo.own_mail import OwnMail, own_company
from tradepost.demo.stage import DAYS, generous, past
from tradepost.errors import UserError
from tradepost.messages import Language, sentence
from tradepost.sandbox.company import CRMS, MAIL, Company, exporter, write_config
from tradepost.sandbox.kernel import World
from tradepost.sandbox.load import Report
from tradepost.sandbox.serve import Served, serve
from tradepost.sandbox.tls import Tls, make_tls


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSandbox:
    """What is served, and the configuration for it. `as_dict` is plain JSON."""

    company: Company
    served: Served
    config: Path
    start: str
    loaded: Report = field(default_factory=Report)

    def as_dict(self) -> dict[str, Any]:
        held = {box: len(host.held(box)) for host in self.company.mail.values() for box in host.addresses}
        return {
            **self.served.as_dict(),
            "config": str(self.config),
            "start": self.start,
            "mailboxes": held,
            "skipped": self.loaded.skipped,
        }


@asynccontextmanager
async def open_sandbox(
    folder: Path,
    language: Language,
    *,
    port: int = 0,
    mail: Sequence[Path] = (),
    key_fields: bool = True,
    tls: bool = False,
) -> AsyncIterator[OpenSandbox]:
    """Serve the invented exporter, or with `mail` the mailboxes that it comes from. Raises `UserError`.

    `port` is the first vendor's; the others get the next ones. With `tls` over HTTPS, by an authority of its own.
    """
    clock = SystemClock()
    world = World(clock=clock, random=Random(7))
    company, own = _company(world, clock, mail, key_fields=key_fields)
    start = own.start if own else (clock.now() - timedelta(days=DAYS)).date().isoformat()
    ports = {vendor.name: port + n for n, vendor in enumerate(company.vendors)} if port else {}
    secured = make_tls(folder, clock.now(), tuple(company.hosts())) if tls else None
    trust = {name: {"ca_bundle": str(secured.ca)} for name in (*company.mail, *company.crms)} if secured else {}
    more = generous(company)
    async with _served(world, company, ports, secured) as served:
        config = write_config(
            company,
            folder,
            served.urls,
            start=start,
            language=str(language),
            own=own.section if own else None,
            more={name: {**more.get(name, {}), **trust.get(name, {})} for name in (*company.mail, *company.crms)},
        )
        yield OpenSandbox(
            company=company, served=served, config=config, start=start, loaded=own.report if own else Report()
        )


def _company(world: World, clock: Clock, mail: Sequence[Path], *, key_fields: bool) -> tuple[Company, OwnMail | None]:
    if mail:
        return own_company(world, mail, key_fields=key_fields)
    company = exporter(world, mail=tuple(MAIL), crms=tuple(CRMS), mode="" if key_fields else None)
    now: datetime = clock.now()
    for letter in past(now):
        company.deliver(letter)
    return company, None


@asynccontextmanager
async def _served(world: World, company: Company, ports: Mapping[str, int], tls: Tls | None) -> AsyncIterator[Served]:
    """`serve`, with a port that cannot be had as a mistake of the person."""
    context = serve(world, company.vendors, ports, tls=tls)
    try:
        served = await context.__aenter__()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UserError(sentence("sandbox.port_taken", port=min(ports.values(), default=0), error=why)) from None
    try:
        yield served
    finally:
        await context.__aexit__(None, None, None)
