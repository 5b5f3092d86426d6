"""Which connector a connection's `type` names, and on which side it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from connectors import registry
from tradepost.phrases import learn


class Side(StrEnum):
    MAIL = "mail"
    CRM = "crm"


@dataclass(frozen=True, slots=True)
class Kind:
    """A connector's class and the model of its own keys."""

    side: Side
    connector: type[Any]
    config: type[BaseModel]


class UnusableKind(Exception):
    """The named class cannot be loaded or is no connector; `why` says it in English."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


_LOADERS = (
    (Side.MAIL, registry.MAIL_SOURCES, registry.mail_source),
    (Side.CRM, registry.CRM_TARGETS, registry.crm_target),
)


def kind_names() -> list[str]:
    """Every registered type, sorted."""
    return sorted(name for _, group, _ in _LOADERS for name in registry.available(group))


def find_kind(name: str) -> Kind | None:
    """The kind a `type` names, or None for a name nobody registered. Raises `UnusableKind`."""
    for side, group, load in _LOADERS:
        if name in registry.available(group):
            return _kind(side, _loaded(name, load))
    return _own_class(name) if ":" in name else None


def _own_class(path: str) -> Kind:
    """A class named by its place: the side is that whose methods it has."""
    refusals = []
    for side, _, load in _LOADERS:
        try:
            connector = _loaded(path, load)
        except UnusableKind as refusal:
            refusals.append(refusal)
        else:
            return _kind(side, connector)
    raise refusals[0]


def _loaded(name: str, load: Callable[[str], type[Any]]) -> type[Any]:
    try:
        return load(name)
    except registry.UnknownConnector as error:
        raise UnusableKind(str(error)) from error


def _kind(side: Side, connector: type[Any]) -> Kind:
    config = getattr(connector, "Config", None)
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise UnusableKind(f"{connector.__name__} has no Config (a pydantic model).")
    learn(connector)
    return Kind(side, connector, config)
