"""The `mailboxes` section: references to connections, and repetitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tradepost.config.accounts import Accounts, sections
from tradepost.config.kinds import Side
from tradepost.config.models import Mailbox
from tradepost.config.problems import Check
from tradepost.config.yaml_marks import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """One mailbox with everything resolved: `account` and `targets` are names of connections."""

    address: str
    account: str
    targets: tuple[str, ...]
    entry: Mailbox


def check_mailboxes(check: Check, accounts: Accounts) -> None:
    """References and repetitions, as far as the entries have the right form."""
    data = check.document.data
    held = data.get("mailboxes") if isinstance(data, dict) else None
    seen: dict[str, int] = {}
    for number, entry in enumerate(held if isinstance(held, list) else []):
        if isinstance(entry, dict):
            _check_reference(check, ("mailboxes", number), "connection", entry, accounts, Side.MAIL)
            _check_reference(check, ("mailboxes", number), "targets", entry, accounts, Side.CRM)
            _check_repeated(check, number, entry, seen)
    _check_owners(check, set(seen))


def _check_reference(
    check: Check, path: Path, key: str, entry: dict[str, object], accounts: Accounts, side: Side
) -> None:
    choices = accounts.names(side)
    written = entry.get(key)
    if written is None:
        if len(choices) != 1:
            check.tell(path, f"which_{side}", choices=", ".join(choices) or "-", key=key)
        return
    named = (
        [((*path, key, n), name) for n, name in enumerate(written)]
        if isinstance(written, list)
        else [((*path, key), written)]
    )
    for place, name in named:
        if isinstance(name, str) and name in accounts.sides and name not in choices:
            check.tell(place, f"wrong_side_{side}", choices=", ".join(choices) or "-")
        elif isinstance(name, str) and name not in accounts.sides:
            check.tell(place, "unknown_connection", choices=", ".join(choices) or "-")


def _check_repeated(check: Check, number: int, entry: dict[str, object], seen: dict[str, int]) -> None:
    for path, address in _addresses(("mailboxes", number), entry):
        line = check.document.spot(path).value.line
        if address in seen:
            check.tell(path, "address_twice", line=seen[address])
        seen.setdefault(address, line)


def _addresses(path: Path, entry: dict[str, object]) -> Iterator[tuple[Path, str]]:
    one, many = entry.get("address"), entry.get("addresses")
    if isinstance(one, str):
        yield (*path, "address"), one.strip().lower()
    for n, address in enumerate(many if isinstance(many, list) else []):
        if isinstance(address, str):
            yield (*path, "addresses", n), address.strip().lower()


def _check_owners(check: Check, mailboxes: set[str]) -> None:
    for name, written in sections(check.document.data, "connections"):
        owners = written.get("owners")
        for address in owners if isinstance(owners, dict) else ():
            if address.strip().lower() not in mailboxes:
                check.tell_key(("connections", name, "owners", address), "owner_without_mailbox")


def resolve(entries: tuple[Mailbox, ...], accounts: Accounts) -> Iterator[MailboxSettings]:
    """One by one, of checked entries; what is left out is the only connection of its side."""
    for entry in entries:
        account = entry.connection or next(iter(accounts.mail))
        targets = tuple(accounts.crm) if entry.targets is None else entry.targets
        for address in entry.all_addresses:
            yield MailboxSettings(address=address, account=account, targets=targets, entry=entry)
