"""Reads the configuration file: every mistake at once, each with its place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tradepost.config.accounts import Account, check_accounts
from tradepost.config.alarm_references import check_alarms
from tradepost.config.alarms import Alarms
from tradepost.config.kinds import Side
from tradepost.config.mailboxes import MailboxSettings, check_mailboxes, resolve
from tradepost.config.models import Company, ConfigFile, Connection, CrmConnection, Log, Poll, Retention, State
from tradepost.config.problems import Check, ConfigError
from tradepost.config.rules import LoadedRules, check_rules, rule_set
from tradepost.config.text import read_document
from tradepost.errors import UserError
from tradepost.messages import Language, sentence

PLACES = (Path("config.yaml"), Path("/etc/tradepost/config.yaml"))
STATE_DIRECTORY = Path("/var/lib/tradepost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A whole checked configuration. Mailboxes and accounts keep the order of the file."""

    file: Path
    language: Language | None
    company: Company
    state: State
    state_directory: Path
    mail: Mapping[str, Account[Connection]]
    crm: Mapping[str, Account[CrmConnection]]
    mailboxes: tuple[MailboxSettings, ...]
    rules: LoadedRules
    poll: Poll
    retention: Retention
    alarms: Alarms
    log: Log


def find_config(given: Path | None, places: tuple[Path, ...] = PLACES) -> Path:
    """The file to read: the given one, else the first that exists. Raises `UserError` when there is none."""
    if given is not None:
        return given
    for place in places:
        if place.exists():
            return place
    raise UserError(sentence("config.none_found", places=", ".join(map(str, places))))


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a file.

    Raises `ConfigError` with every mistake found, `UserError` when the file cannot be read at all.
    """
    check = Check(str(path), read_document(path))
    if check.document.data is None:
        if not check.problems:
            check.tell((), "empty_file")
        raise ConfigError(check.problems)
    top = check.validate(ConfigFile, check.document.data)
    accounts = check_accounts(check)
    check_mailboxes(check, accounts)
    check_alarms(check, accounts)
    rules, rules_file = check_rules(check, path.parent, accounts.names(Side.CRM))
    if check.problems or top is None or rules is None:
        raise ConfigError(check.problems)
    mailboxes = tuple(resolve(top.mailboxes, accounts))
    return Settings(
        file=path,
        language=top.language,
        company=top.company,
        state=top.state,
        state_directory=_state_directory(path, top.state, environ),
        mail=accounts.mail,
        crm=accounts.crm,
        mailboxes=mailboxes,
        rules=LoadedRules(rule_set(rules, top.company, [m.address for m in mailboxes]), rules_file),
        poll=top.poll,
        retention=top.retention,
        alarms=top.alarms,
        log=top.log,
    )


def peek_language(path: Path) -> str | None:
    """The language a file asks for, without checking anything else; None when it says none or cannot be read."""
    try:
        data = read_document(path).data
    except UserError:
        return None
    word = data.get("language") if isinstance(data, dict) else None
    return word if isinstance(word, str) else None


def _state_directory(file: Path, state: State, environ: Mapping[str, str]) -> Path:
    """The variable is a list with colons: https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html."""
    named = environ.get("STATE_DIRECTORY", "").split(":")[0]
    return file.parent / (state.directory or Path(named or STATE_DIRECTORY))
