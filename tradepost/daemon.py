"""The only place where concrete things are put together: configuration in, lanes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from connectors.base.crm import CrmTarget
from connectors.base.mail import MailboxScope, MailSource
from connectors.base.services import Clock, Cpu, Log, Services, TokenVault
from connectors.http import Sender
from mappings.reading import Words, load_words
from sync.alarm_lane import AlarmLane
from sync.bodies import Bodies
from sync.deciding import Decider, DecideSettings
from sync.keeper import KeeperLane, Retention
from sync.lanes import Bell, LaneRunner, MailLane, TargetLane
from sync.mirror import Mirror
from sync.model import MailboxPolicy
from sync.outbox import OnUnknown
from sync.pull import MailboxSettings, Puller
from sync.push import Pusher, PushSettings
from sync.store import Store
from tradepost.alarm_channels import alarm_settings
from tradepost.config import Settings
from tradepost.metrics import MetricsFile, Named

COUNT_EVERY = 6 * 3600.0  # seconds between two times of forgetting; and between counts of a program that runs once


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the world lends: replaced as a whole by tests and simulation."""

    sender: Sender
    clock: Clock
    random: Random
    cpu: Cpu
    log: Log
    vault: TokenVault


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One company's lanes over one store."""

    store: Store
    pullers: Mapping[str, Puller]
    sources: Mapping[str, MailSource]
    targets: Mapping[str, CrmTarget]
    mail: tuple[LaneRunner, ...]
    crm: tuple[LaneRunner, ...]
    keeper: LaneRunner
    keeper_lane: KeeperLane
    alarms: LaneRunner
    alarm_lane: AlarmLane
    bell: Bell
    clock: Clock

    @property
    def lanes(self) -> tuple[LaneRunner, ...]:
        return (*self.mail, *self.crm, self.keeper, self.alarms)

    async def close(self) -> None:
        """Close every connection; the store stays open."""
        for source in self.sources.values():
            await source.close()
        for target in self.targets.values():
            await target.close()
        await self.alarm_lane.close()


def assemble(settings: Settings, parts: Parts, store: Store) -> Engine:
    """Put one company's engine together. Opens no connection yet."""
    services = services_of(parts)
    bell = Bell()
    sources = open_sources(settings, services)
    targets = open_targets(settings, services)
    pullers = _pullers(settings, sources, parts, store)
    bodies = Bodies(store, pullers, clock=parts.clock)
    keeper = KeeperLane(
        store,
        pullers,
        clock=parts.clock,
        log=parts.log,
        bell=bell,
        retention=_retention(settings),
        every=COUNT_EVERY,
    )

    def runner(lane: MailLane | TargetLane | KeeperLane | AlarmLane) -> LaneRunner:
        return LaneRunner(lane, store, clock=parts.clock, random=parts.random, log=parts.log, bell=bell)

    poll = settings.poll
    mail = tuple(runner(MailLane(p, clock=parts.clock, bell=bell, poll=poll.mail_seconds)) for p in pullers.values())
    crm = tuple(runner(_target_lane(settings, name, target, bodies, parts, store)) for name, target in targets.items())
    watched = [*(one.lane.name for one in (*mail, *crm)), keeper.name]
    alarms = _alarm_lane(settings, parts, store, bell, watched, tuple(targets))
    return Engine(
        store=store,
        pullers=pullers,
        sources=sources,
        targets=targets,
        mail=mail,
        crm=crm,
        keeper=runner(keeper),
        keeper_lane=keeper,
        alarms=runner(alarms),
        alarm_lane=alarms,
        bell=bell,
        clock=parts.clock,
    )


def services_of(parts: Parts) -> Services:
    """The connectors' view of the parts."""
    return Services(
        open_http=parts.sender.open,
        clock=parts.clock,
        random=parts.random,
        cpu=parts.cpu,
        log=parts.log,
        vault=parts.vault,
    )


def open_sources(settings: Settings, services: Services) -> dict[str, MailSource]:
    """One source per mailbox, by the mailbox's address."""
    found: dict[str, MailSource] = {}
    for mailbox in settings.mailboxes:
        account = settings.mail[mailbox.account]
        scope = MailboxScope(
            mailbox.address,
            include_junk=mailbox.entry.include_junk,
            exclude_labels=mailbox.entry.exclude_labels,
        )
        found[mailbox.address] = account.connector(account.config, scope, services)
    return found


def open_targets(settings: Settings, services: Services) -> dict[str, CrmTarget]:
    """One target per CRM connection that some mailbox uses, by the connection's name."""
    used = {target for mailbox in settings.mailboxes for target in mailbox.targets}
    return {name: account.connector(account.config, services) for name, account in settings.crm.items() if name in used}


def _pullers(settings: Settings, sources: Mapping[str, MailSource], parts: Parts, store: Store) -> dict[str, Puller]:
    zone = ZoneInfo(settings.company.calendar.zone)
    # Every mailbox's address is ours in every other mailbox, whatever its domain.
    ours = frozenset(settings.company.extra_addresses) | {m.address for m in settings.mailboxes}
    words: Words = load_words()
    return {
        m.address: Puller(
            sources[m.address],
            store,
            MailboxSettings(
                name=m.address,
                targets=m.targets,
                own_domains=frozenset(settings.company.domains),
                own_addresses=ours,
                start=datetime.combine(m.entry.start, time(), zone).astimezone(UTC) if m.entry.start else None,
            ),
            clock=parts.clock,
            cpu=parts.cpu,
            log=parts.log,
            words=words,
        )
        for m in settings.mailboxes
    }


def _target_lane(
    settings: Settings, name: str, target: CrmTarget, bodies: Bodies, parts: Parts, store: Store
) -> TargetLane:
    account = settings.crm[name]
    language = str(settings.language or "en")
    pusher = Pusher(
        name,
        target,
        store,
        clock=parts.clock,
        random=parts.random,
        log=parts.log,
        load_body=bodies.load,
        settings=PushSettings(on_unknown=OnUnknown(account.common.on_unknown), language=language),
    )
    decider = Decider(
        name,
        target,
        store,
        DecideSettings(
            rules=settings.rules.rule_set,
            policies={
                m.address: MailboxPolicy(mailbox=m.address, address=m.address, new_sender=m.entry.new_sender)
                for m in settings.mailboxes
            },
            owners=account.common.owners,
            default_owner=account.common.default_owner,
            language=language,
        ),
        clock=parts.clock,
        log=parts.log,
    )
    return TargetLane(
        Mirror(name, target, store, clock=parts.clock, log=parts.log),
        decider,
        pusher if account.common.writes == "on" else None,
        store=store,
        clock=parts.clock,
        poll=settings.poll.crm_seconds,
    )


def _alarm_lane(
    settings: Settings, parts: Parts, store: Store, bell: Bell, lanes: Sequence[str], targets: Sequence[str]
) -> AlarmLane:
    found = alarm_settings(settings, parts.sender, lanes, targets)
    path = settings.alarms.metrics_file
    if path is None:
        return AlarmLane(store, found, clock=parts.clock, log=parts.log, bell=bell)
    named = Named(
        mailboxes={m.address: m.account for m in settings.mailboxes},
        lanes=lanes,
        targets=targets,
        credentials=found.credentials,
    )
    metrics = MetricsFile(path, store, named, parts.log)
    return AlarmLane(store, found, clock=parts.clock, log=parts.log, bell=bell, after=metrics.write)


def _retention(settings: Settings) -> Retention:
    kept = settings.retention
    return Retention(
        bodies=timedelta(days=kept.bodies_days),
        waiting=timedelta(days=kept.waiting_days),
        facts=timedelta(days=kept.facts_months * 30.44),
    )


def state_file(settings: Settings) -> Path:
    """Where the state lies."""
    return settings.state_directory / "state.db"
