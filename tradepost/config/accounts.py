"""The `connections` section: which connector, the keys common to all, and the connector's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from tradepost.config.kinds import Kind, Side, UnusableKind, find_kind, kind_names
from tradepost.config.models import Connection, CrmConnection
from tradepost.config.problems import Check
from tradepost.config.values import closest
from tradepost.phrases import Phrase

K = TypeVar("K", bound=Connection)


@dataclass(frozen=True, slots=True)
class Account(Generic[K]):
    """One connection: its name, the keys common to all, and the connector's class with its own checked `Config`."""

    name: str
    common: K
    connector: type[Any]
    config: BaseModel


@dataclass(frozen=True, slots=True)
class Accounts:
    """The connections that could be checked, and the side of every one, None where even that is not known."""

    mail: dict[str, Account[Connection]]
    crm: dict[str, Account[CrmConnection]]
    sides: dict[str, Side | None]

    def names(self, side: Side) -> list[str]:
        return [name for name, found in self.sides.items() if found in (side, None)]


def check_accounts(check: Check) -> Accounts:
    accounts = Accounts({}, {}, {})
    for name, written in sections(check.document.data, "connections"):
        kind = _kind_of(check, name, written)
        accounts.sides[name] = kind.side if kind else None
        if kind and kind.side is Side.MAIL:
            _put(accounts.mail, _check_account(check, name, written, kind, Connection))
        elif kind:
            _put(accounts.crm, _check_account(check, name, written, kind, CrmConnection))
    return accounts


def _put(accounts: dict[str, Account[K]], account: Account[K] | None) -> None:
    if account:
        accounts[account.name] = account


def sections(data: object, key: str) -> Iterator[tuple[str, dict[str, object]]]:
    """The named parts of a section, as far as they have the right form; the top model tells about the others."""
    held = data.get(key) if isinstance(data, dict) else None
    for name, written in held.items() if isinstance(held, dict) else ():
        if isinstance(written, dict):
            yield name, written


def _kind_of(check: Check, name: str, written: dict[str, object]) -> Kind | None:
    path = ("connections", name)
    asked = written.get("type")
    if not isinstance(asked, str):
        check.tell(path, "missing", key="type")
        return None
    try:
        kind = find_kind(asked)
    except UnusableKind as error:
        check.tell((*path, "type"), "unusable_type", reason=Phrase(error.why))
        return None
    if kind:
        return kind
    names = kind_names()
    if suggestion := closest(asked, names):
        check.tell((*path, "type"), "unknown_type_near", suggestion=suggestion)
    else:
        check.tell((*path, "type"), "unknown_type", choices=", ".join(names))
    return None


def _check_account(
    check: Check, name: str, written: dict[str, object], kind: Kind, model: type[K]
) -> Account[K] | None:
    """Check the common keys, and the connector's own."""
    path = ("connections", name)
    common = check.validate(model, written, path)
    only_common = set(model.model_fields) - _names(kind.config)
    own = {key: value for key, value in written.items() if key not in only_common}
    config = check.validate(kind.config, own, path, also=list(model.model_fields))
    if kind.config.model_config.get("extra", "ignore") == "ignore":  # a slip must not pass in silence
        for key in sorted(set(own) - _names(kind.config)):
            check.tell_unknown_key((*path, key), sorted(_names(kind.config) | set(model.model_fields)))
    return Account(name, common, kind.connector, config) if common and config else None


def _names(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}
