"""The connections that the `alarms` section names."""

from __future__ import annotations

from tradepost.config.accounts import Accounts
from tradepost.config.kinds import Side
from tradepost.config.problems import Check
from tradepost.config.yaml_marks import Path


def check_alarms(check: Check, accounts: Accounts) -> None:
    """References, as far as the section has the right form."""
    data = check.document.data
    section = data.get("alarms") if isinstance(data, dict) else None
    if not isinstance(section, dict):
        return
    crm = accounts.names(Side.CRM)
    tasks = section.get("tasks")
    if isinstance(tasks, dict):
        _known(check, ("alarms", "tasks", "target"), tasks.get("target"), accounts, crm)
    credentials = section.get("credentials")
    for n, entry in enumerate(credentials if isinstance(credentials, list) else []):
        if isinstance(entry, dict):
            place = ("alarms", "credentials", n, "connection")
            _known(check, place, entry.get("connection"), accounts, list(accounts.sides))


def _known(check: Check, place: Path, name: object, accounts: Accounts, choices: list[str]) -> None:
    if not isinstance(name, str) or name in choices:
        return
    if name in accounts.sides:
        check.tell(place, "wrong_side_crm", choices=", ".join(choices) or "-")
    else:
        check.tell(place, "unknown_connection", choices=", ".join(choices) or "-")
