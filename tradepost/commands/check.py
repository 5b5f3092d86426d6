"""`tradepost check`: reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from connectors.base.crm import CrmTarget
from connectors.base.errors import ConnectorError
from connectors.base.mail import MailSource
from connectors.base.model import Problem, Severity, User
from mappings.rules import check_stages
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.config.models import CrmConnection
from tradepost.messages import Sentence, known, sentence
from tradepost.packaging import foreign_owners, refuse_foreign_owners
from tradepost.views.check import CheckRow, Trouble


class _Problematic(Protocol):
    @property
    def account_id(self) -> str: ...
    @property
    def problems(self) -> tuple[Problem, ...]: ...


def run(invocation: Invocation, *, config_only: bool, as_json: bool) -> int:
    """Only what can be told without a network. Raises `UserError`."""
    del config_only
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


async def examine(
    settings: Settings, sources: Mapping[str, MailSource], targets: Mapping[str, CrmTarget]
) -> list[CheckRow]:
    """Ask the installation, every mailbox, every CRM, in this order. One that fails does not stop the others."""
    rows = [_installation()]
    for address, source in sources.items():
        try:
            rows.append(_row(address, await source.check(), ()))
        except ConnectorError as error:
            rows.append(_failed(address, error))
    for name, target in targets.items():
        try:
            account = await target.check()
            problems = check_stages(settings.rules.rule_set.rules, name, account.pipelines)
            troubles = _owner_troubles(settings.crm[name].common, await target.users())
            rows.append(_row(name, account, problems, troubles))
        except ConnectorError as error:
            rows.append(_failed(name, error))
    return rows


def _installation() -> CheckRow:
    clashes = foreign_owners()
    troubles = tuple(
        Trouble(
            Severity.ERROR,
            sentence("check.foreign_owner.what", distribution=clash.distribution, name=clash.import_name),
            sentence("check.foreign_owner.mend", distribution=clash.distribution),
        )
        for clash in clashes
    )
    return CheckRow(subject="tradepost", troubles=troubles)


def _row(subject: str, account: _Problematic, more: Iterable[Problem], troubles: Iterable[Trouble] = ()) -> CheckRow:
    found = [Trouble(p.severity, p.what, p.mend) for p in (*account.problems, *more)]
    return CheckRow(subject=subject, account=account.account_id, troubles=(*found, *troubles))


def _failed(subject: str, error: ConnectorError) -> CheckRow:
    name = f"error.{type(error).__name__}"
    what: Sentence | str = sentence(name) if known(name) else type(error).__name__
    where = " ".join(str(part) for part in (error.operation, error.status, error.code) if part)
    told = sentence("check.failed", what=what, where=where) if where else what
    return CheckRow(subject=subject, troubles=(Trouble(Severity.ERROR, told, error.hint),))


def _owner_troubles(common: CrmConnection, users: tuple[User, ...]) -> list[Trouble]:
    """Users that the configuration names as owners and the CRM does not have, or not as active ones."""
    active = {word.lower() for user in users if user.active for word in (user.id, *user.emails)}
    named = [*(("owners", user) for user in common.owners.values()), ("default_owner", common.default_owner)]
    return [
        Trouble(
            Severity.WARNING,
            sentence("check.owner_unknown.what", key=key, user=user),
            sentence("check.owner_unknown.mend", key=key),
        )
        for key, user in named
        if user and user.lower() not in active
    ]
