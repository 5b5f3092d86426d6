"""`tradepost login`: a person signs mailboxes in, once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from connectors.base.errors import ConnectorError, Unsupported
from connectors.base.login import Login, Show
from connectors.base.services import Log
from connectors.mail import gmail_login
from connectors.mail.gmail_config import GmailConfig
from tradepost.app import connections, usable
from tradepost.clock import SystemClock
from tradepost.commands.common import chosen_mailboxes, command_log, tell_error
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.config.accounts import Account
from tradepost.daemon import services_of
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.terminal import plain

# How accounts are signed in to whose connector's class does not say it itself as `login`.
LOGINS: dict[type[Any], Login] = {GmailConfig: gmail_login.login}


def run(invocation: Invocation, *, connection: str, mailboxes: tuple[str, ...]) -> int:
    """0 when every mailbox is signed in, or none needs to be; 1 when one could not be. Raises `UserError`."""
    settings = invocation.settings()
    accounts: dict[str, Account[Any]] = {**settings.mail, **settings.crm}
    account = accounts.get(connection)
    if account is None:
        raise UserError(sentence("login.unknown", connection=connection, choices=", ".join(accounts)))
    login = getattr(account.connector, "login", None) or LOGINS.get(type(account.config))
    if login is None:
        invocation.print(invocation.say("login.needless", connection=connection))
        return 0
    boxes = [mailbox.address for mailbox in settings.mailboxes if mailbox.account == connection]
    own = [connection] if connection in settings.crm else boxes
    chosen = chosen_mailboxes(settings, mailboxes, own)
    with command_log(invocation, settings) as log:
        return asyncio.run(_sign_in(invocation, settings, account, login, chosen, log))


async def _sign_in(
    invocation: Invocation,
    settings: Settings,
    account: Account[Any],
    login: Login,
    mailboxes: Sequence[str],
    log: Log,
) -> int:
    well = True
    async with connections(settings, log, SystemClock()) as parts:
        for mailbox in mailboxes:
            paste = _typed if sys.stdin.isatty() else None
            try:
                with usable():
                    show = _shown(invocation, mailbox, crm=account.name in settings.crm)
                    found = await login(account.config, mailbox, services_of(parts), show, paste=paste)
            except Unsupported:
                invocation.print(invocation.say("login.needless", connection=account.name))
                return 0
            except ConnectorError as error:
                tell_error(invocation, mailbox, error)
                well = False
            else:
                invocation.print(invocation.say("login.done", mailbox=found))
    return 0 if well else 1


def _shown(invocation: Invocation, mailbox: str, *, crm: bool) -> Show:
    """Shows the address to open, and the code to type there or how to bring back what the browser ends at.

    A CRM's address is where an administrator makes a code.
    """

    def show(url: str, code: str = "", /) -> None:
        how = invocation.say("login.enter", mailbox=mailbox, code=plain(code)) if code else None
        where = invocation.say("login.grant" if crm else "login.open", mailbox=mailbox)
        invocation.print(how or where)
        invocation.print(url)
        if not code and sys.stdin.isatty():
            invocation.print(invocation.say("login.paste_grant" if crm else "login.paste"))
        invocation.out.file.flush()

    return show


async def _typed() -> str:
    """The next line a person types, without a thread that could not be stopped."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        loop.remove_reader(sys.stdin)
        line.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin, read)
    try:
        return await line
    finally:
        loop.remove_reader(sys.stdin)
