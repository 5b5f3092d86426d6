"""From a name in the configuration to a connector class."""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any

MAIL_SOURCES = "tradepost.mail_sources"
CRM_TARGETS = "tradepost.crm_targets"

# What the engine calls. Protocols cannot be asked at run time without an instance.
_METHODS = {
    MAIL_SOURCES: ("check", "baseline", "changes", "history", "fetch", "close"),
    CRM_TARGETS: ("check", "users", "customers", "deals", "find_customers", "find_written", "write_many", "close"),
}


class UnknownConnector(LookupError):
    """No usable connector under that name; the text names those that exist."""


def mail_source(name: str) -> type[Any]:
    """The class for a mail source: a registered name, or ``package.module:Class``. Raises `UnknownConnector`."""
    return _load(name, MAIL_SOURCES)


def crm_target(name: str) -> type[Any]:
    """The class for a CRM target, likewise."""
    return _load(name, CRM_TARGETS)


def available(group: str) -> dict[str, str]:
    """Registered names with the place of their class, sorted. `group` is `MAIL_SOURCES` or `CRM_TARGETS`."""
    return {name: points[0].value for name, points in sorted(_registered(group).items())}


def _registered(group: str) -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        same = found.setdefault(point.name, [])
        if point.value not in [p.value for p in same]:
            same.append(point)
    return found


def _load(name: str, group: str) -> type[Any]:
    path = name if ":" in name else _path_of(name, group)
    module, _, attribute = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownConnector(f"{name}: {path} cannot be loaded: {error}. {_existing(group)}") from error
    missing = [m for m in _METHODS[group] if not callable(getattr(found, m, None))]
    if not isinstance(found, type) or missing:
        what = f"lacks {', '.join(missing)}" if isinstance(found, type) else "is not a class"
        raise UnknownConnector(f"{name}: {path} {what}. {_existing(group)}")
    return found


def _path_of(name: str, group: str) -> str:
    points = _registered(group).get(name, [])
    if not points:
        raise UnknownConnector(f"There is no {_word(group)} called {name!r}. {_existing(group)}")
    if len(points) > 1:
        places = ", ".join(sorted(p.value for p in points))
        raise UnknownConnector(
            f"Several packages provide {name!r}: {places}. Write the one you mean as package.module:Class."
        )
    return points[0].value


def _existing(group: str) -> str:
    names = ", ".join(available(group)) or "none"
    return f"Installed {_word(group)}s: {names}; your own is written package.module:Class."


def _word(group: str) -> str:
    return "mail source" if group == MAIL_SOURCES else "CRM target"
