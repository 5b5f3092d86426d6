"""Whether our import names are ours alone: strangers' packages of the same names overwrite silently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import packages_distributions

from tradepost.errors import UserError
from tradepost.messages import sentence

DISTRIBUTION = "tradepost"
IMPORT_NAMES = ("connectors", "mappings", "sync", "tradepost")


@dataclass(frozen=True, slots=True)
class ForeignOwner:
    """Another installed distribution brings files under one of our import names."""

    import_name: str
    distribution: str


def foreign_owners(installed: Mapping[str, Sequence[str]] | None = None) -> list[ForeignOwner]:
    """Every clash, in order of names. `installed` maps import names to distributions; None asks this interpreter."""
    owners = packages_distributions() if installed is None else installed
    return [
        ForeignOwner(name, distribution)
        for name in IMPORT_NAMES
        for distribution in sorted(set(owners.get(name, ())))
        if _normal(distribution) != DISTRIBUTION
    ]


def refuse_foreign_owners(installed: Mapping[str, Sequence[str]] | None = None) -> None:
    """Raises `UserError` that names every clash."""
    if found := foreign_owners(installed):
        raise UserError(
            *(sentence("app.foreign_owner", distribution=f.distribution, name=f.import_name) for f in found)
        )


def _normal(distribution: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/, as far as our own name needs it."""
    return distribution.lower().replace("_", "-").replace(".", "-")
