"""`tradepost check`: reads only."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Protocol

from connectors.base.crm import CrmTarget
from connectors.base.errors import ConnectorError
from connectors.base.mail import MailSource
from connectors.base.model import Pipeline, Problem, Severity, User
from connectors.base.services import Call, Clock, Http, Log, Reply
from mappings.rules import Rules, check_stages
from sync.alarm_lane import owner
from tradepost.app import connections, usable
from tradepost.clock import SystemClock
from tradepost.commands.common import close_all, command_log
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.config.alarms import Alarms
from tradepost.config.models import CrmConnection
from tradepost.daemon import open_sources, open_targets, services_of
from tradepost.messages import Sentence, known, sentence
from tradepost.packaging import foreign_owners, refuse_foreign_owners
from tradepost.views.check import CheckRow, Trouble, check_json, check_table, ready

MOST_SKEW = 60.0  # seconds; Google takes a few minutes, Salesforce's JWT flow three


class _Problematic(Protocol):
    @property
    def account_id(self) -> str: ...
    @property
    def problems(self) -> tuple[Problem, ...]: ...


def run(invocation: Invocation, *, config_only: bool, as_json: bool) -> int:
    """0 when everything is ready, else 1. Raises `UserError`."""
    if not config_only:
        settings = invocation.settings()
        with command_log(invocation, settings) as log:
            rows = asyncio.run(_examined(settings, log, SystemClock()))
        if as_json:
            invocation.print_json(check_json(rows, invocation.language))
        else:
            invocation.print(check_table(rows, invocation.language))
        return 0 if ready(rows) else 1
    refuse_foreign_owners()
    settings = invocation.settings()
    accounts = [*settings.mail, *settings.crm]
    if as_json:
        mailboxes = [mailbox.address for mailbox in settings.mailboxes]
        data = {"ready": True, "file": str(settings.file), "connections": accounts, "mailboxes": mailboxes}
        invocation.print_json(data)
    else:
        values = {"connections": ", ".join(accounts), "mailboxes": len(settings.mailboxes)}
        invocation.print(invocation.say("app.config_ok", file=settings.file, **values))
    return 0


async def _examined(settings: Settings, log: Log, clock: Clock) -> list[CheckRow]:
    async with connections(settings, log, clock) as parts:
        skew = Skew(clock)
        services = services_of(parts)
        services = replace(services, open_http=lambda spec: _Timed(services_of(parts).open_http(spec), skew))
        with usable():
            sources, targets = open_sources(settings, services), open_targets(settings, services)
        try:
            rows = await examine(settings, sources, targets)
        finally:
            await close_all(sources, targets)
    return [replace(rows[0], troubles=(*rows[0].troubles, *skew.troubles())), *rows[1:]]


class Skew:
    """How far this machine's clock is from the vendors', by the dates of their answers (RFC 9110, 6.6.1)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seconds: list[float] = []

    def note(self, date: str) -> None:
        """Take the Date header of an answer that has just come."""
        try:
            at = parsedate_to_datetime(date)
        except ValueError:
            return
        if at.tzinfo is not None:
            self._seconds.append((self._clock.now() - at).total_seconds())

    def troubles(self) -> tuple[Trouble, ...]:
        """A warning when even the nearest answer is further away than networks and whole seconds explain."""
        nearest = min(self._seconds, key=abs, default=0.0)
        if abs(nearest) <= MOST_SKEW:
            return ()
        word = "ahead" if nearest > 0 else "behind"
        seconds = round(abs(nearest))
        return (
            Trouble(
                Severity.WARNING,
                sentence(f"check.clock_{word}.what", seconds=seconds),
                sentence(f"check.clock_{word}.mend"),
            ),
        )


class _Timed:
    """`connectors.base.services.Http` that notes when answers say they were sent."""

    def __init__(self, http: Http, skew: Skew) -> None:
        self._http = http
        self._skew = skew

    async def send(self, call: Call) -> Reply:
        reply = await self._http.send(call)
        self._skew.note(reply.headers.get("date", ""))
        return reply

    async def close(self) -> None:
        await self._http.close()


async def examine(
    settings: Settings, sources: Mapping[str, MailSource], targets: Mapping[str, CrmTarget]
) -> list[CheckRow]:
    """Ask the installation, every mailbox, every CRM, in this order. One that fails does not stop the others."""
    rows = [_installation(_alarm_troubles(settings.alarms))]
    for address, source in sources.items():
        try:
            rows.append(_row(address, await source.check()))
        except ConnectorError as error:
            rows.append(_failed(address, error))
    for name, target in targets.items():
        try:
            account = await target.check()
            troubles = _stage_troubles(settings.rules.rule_set.rules, name, account.pipelines)
            users = await target.users()
            troubles += _owner_troubles(settings.crm[name].common, users)
            troubles += _alarm_task_troubles(settings, name, users)
            rows.append(_row(name, account, troubles))
        except ConnectorError as error:
            rows.append(_failed(name, error))
    return rows


def _installation(others: Iterable[Trouble] = ()) -> CheckRow:
    clashes = foreign_owners()
    troubles = tuple(
        Trouble(
            Severity.ERROR,
            sentence("check.foreign_owner.what", distribution=clash.distribution, name=clash.import_name),
            sentence("check.foreign_owner.mend", distribution=clash.distribution),
        )
        for clash in clashes
    )
    return CheckRow(subject="tradepost", troubles=(*troubles, *others))


def _alarm_troubles(alarms: Alarms) -> Iterator[Trouble]:
    """Channels that reach nobody from this machine, as the user who runs this sees it."""
    if alarms.command and shutil.which(alarms.command[0]) is None:
        yield _warning("alarm_command", program=alarms.command[0])
    if alarms.metrics_file and not os.access(folder := alarms.metrics_file.parent, os.W_OK | os.X_OK):
        yield _warning("alarm_metrics", folder=folder)


def _alarm_task_troubles(settings: Settings, target: str, users: Sequence[User]) -> Iterator[Trouble]:
    tasks = settings.alarms.tasks
    if tasks is None or tasks.target != target:
        return
    if settings.crm[target].common.writes != "on":
        yield _warning("alarm_writes_off", target=target)
    if not owner(tasks.user, users):
        yield _warning("owner_unknown", key="alarms.tasks.user", user=tasks.user)


def _warning(name: str, **values: object) -> Trouble:
    what, mend = sentence(f"check.{name}.what", **values), sentence(f"check.{name}.mend", **values)
    return Trouble(Severity.WARNING, what, mend)


def _row(subject: str, account: _Problematic, troubles: Iterable[Trouble] = ()) -> CheckRow:
    found = [Trouble(p.severity, p.what, p.mend) for p in account.problems]
    return CheckRow(subject=subject, account=account.account_id, troubles=(*found, *troubles))


def _failed(subject: str, error: ConnectorError) -> CheckRow:
    name = f"error.{type(error).__name__}"
    what: Sentence | str = sentence(name) if known(name) else type(error).__name__
    where = " ".join(str(part) for part in (error.operation, error.status, error.code) if part)
    told = sentence("check.failed", what=what, where=where) if where else what
    return CheckRow(subject=subject, troubles=(Trouble(Severity.ERROR, told, error.hint),))


def _stage_troubles(rules: Rules, target: str, pipelines: tuple[Pipeline, ...]) -> list[Trouble]:
    """Rules that name no stage of a pipeline."""
    return [
        Trouble(
            Severity.WARNING,
            sentence(
                "check.stage_missing.what",
                sign=rule.when.value,
                pipeline=pipeline.label or pipeline.id,
            ),
            sentence("check.stage_missing.mend", stages=", ".join(s.label or s.id for s in pipeline.stages)),
        )
        for rule, pipeline in check_stages(rules, target, pipelines)
    ]


def _owner_troubles(common: CrmConnection, users: tuple[User, ...]) -> list[Trouble]:
    """Users that the configuration names as owners and the CRM does not have, or not as active ones."""
    active = {word.lower() for user in users if user.active for word in (user.id, *user.emails)}
    named = [*(("owners", user) for user in common.owners.values()), ("default_owner", common.default_owner)]
    return [_warning("owner_unknown", key=key, user=user) for key, user in named if user and user.lower() not in active]
