"""`tradepost conformance`: one connector, judged on its real account. Opt-in."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from connectors.base.crm import CrmTarget
from connectors.base.errors import ConnectorError
from connectors.base.mail import MailboxScope, MailSource
from connectors.base.services import Log
from tradepost.app import connections, holding, usable
from tradepost.clock import SystemClock
from tradepost.commands.common import chosen_mailboxes, command_log, tell_error
from tradepost.commands.invocation import Invocation
from tradepost.commands.sandbox import require_sandbox
from tradepost.config import Settings
from tradepost.daemon import Parts, services_of
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.terminal import plain

if TYPE_CHECKING:
    from tradepost.testing.live import Unsafe
    from tradepost.testing.live_crm import Made
    from tradepost.testing.suite import Verdict


def run(invocation: Invocation, *, connection: str, mailboxes: tuple[str, ...], mean_it: bool) -> int:
    """0 when every promise was kept, 1 when one was broken. Raises `UserError`, also while a service is working."""
    settings = invocation.settings()
    require_sandbox()  # the kit lives beside it
    if connection in settings.crm:
        return _crm(invocation, settings, connection, mean_it=mean_it)
    if connection in settings.mail:
        return _mail(invocation, settings, connection, mailboxes, mean_it=mean_it)
    choices = ", ".join([*settings.crm, *settings.mail])
    raise UserError(sentence("conformance.unknown", name=connection, choices=choices))


def _crm(invocation: Invocation, settings: Settings, name: str, *, mean_it: bool) -> int:
    if not mean_it:
        invocation.print(invocation.say("conformance.plan_crm", target=name))
        invocation.print(invocation.say("conformance.mean_it"))
        return 0
    with holding(settings), command_log(invocation, settings) as log:
        return asyncio.run(_judge_crm(invocation, settings, name, log))


async def _judge_crm(invocation: Invocation, settings: Settings, name: str, log: Log) -> int:
    from tradepost.testing.live import Unsafe  # noqa: PLC0415 - needs the optional packages
    from tradepost.testing.live_crm import LiveCrm, judge_crm  # noqa: PLC0415

    account, unsafe, clock = settings.crm[name], Unsafe(), SystemClock()
    async with connections(settings, log, clock) as parts:
        services = unsafe.watch(services_of(parts))

        def connect() -> CrmTarget:
            with usable():
                target: CrmTarget = account.connector(account.config, services)
            return target

        live = LiveCrm(connect, clock, secrets.token_hex(4), unsafe)
        try:
            verdicts, left = await judge_crm(live, _teller(invocation))
        except ConnectorError as error:
            tell_error(invocation, name, error)
            return 1
    _tell_left(invocation, name, left)
    return _end(invocation, verdicts)


def _mail(invocation: Invocation, settings: Settings, name: str, wanted: tuple[str, ...], *, mean_it: bool) -> int:
    there = [m.address for m in settings.mailboxes if m.account == name]
    if not there:
        raise UserError(sentence("conformance.no_mailbox", name=name))
    addresses = chosen_mailboxes(settings, wanted, there)[: None if wanted else 1]
    if not mean_it:
        invocation.print(invocation.say("conformance.plan_mail", mailbox=", ".join(addresses)))
        invocation.print(invocation.say("conformance.mean_it"))
        return 0
    with holding(settings), command_log(invocation, settings) as log:
        return max([asyncio.run(_judge_mail(invocation, settings, name, address, log)) for address in addresses])


async def _judge_mail(invocation: Invocation, settings: Settings, name: str, address: str, log: Log) -> int:
    from tradepost.testing.live import Unsafe  # noqa: PLC0415 - needs the optional packages
    from tradepost.testing.live_mail import LiveMail, judge_mail  # noqa: PLC0415

    unsafe, clock = Unsafe(), SystemClock()
    async with connections(settings, log, clock) as parts:
        connect = _source(settings, name, address, parts, unsafe)
        try:
            verdicts = await judge_mail(LiveMail(connect, clock, unsafe), _teller(invocation))
        except ConnectorError as error:
            tell_error(invocation, address, error)
            return 1
    return _end(invocation, verdicts)


def _source(settings: Settings, name: str, address: str, parts: Parts, unsafe: Unsafe) -> Callable[[], MailSource]:
    account, services = settings.mail[name], unsafe.watch(services_of(parts))
    entry = next(m.entry for m in settings.mailboxes if m.address == address)
    scope = MailboxScope(address, include_junk=entry.include_junk, exclude_labels=entry.exclude_labels)

    def connect() -> MailSource:
        with usable():
            source: MailSource = account.connector(account.config, scope, services)
        return source

    return connect


# ------------------------------------------------------------------------------------------------------------- telling


def _teller(invocation: Invocation) -> Callable[[Verdict], None]:
    def tell(verdict: Verdict) -> None:
        word = invocation.say(f"conformance.{verdict.result}")
        promise = invocation.say(f"conformance.check.{verdict.check.name}")
        why = f" ({plain(verdict.why)})" if verdict.why else ""
        invocation.print(f"{word}{invocation.say('view.colon')}{promise}{why}")

    return tell


def _tell_left(invocation: Invocation, name: str, left: list[Made]) -> None:
    """What a person must remove; the answer that was lost may have made it or not."""
    if not left:
        invocation.print(invocation.say("conformance.nothing_left", target=name))
        return
    invocation.print(invocation.say("conformance.left", target=name))
    for made in left:
        where = made.url or made.record or invocation.say("conformance.perhaps")
        kind = invocation.say(f"write.{made.write.kind}")
        invocation.print(f"  - {kind}{invocation.say('view.colon')}{plain(made.what)} {plain(where)}")


def _end(invocation: Invocation, verdicts: tuple[Verdict, ...]) -> int:
    counts = {word: sum(v.result == word for v in verdicts) for word in ("passed", "failed", "skipped")}
    invocation.print(invocation.say("conformance.done", **counts))
    return 1 if counts["failed"] else 0
