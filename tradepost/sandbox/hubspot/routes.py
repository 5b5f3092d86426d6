"""From a path to a route: dated versions, v3 and v4, and the older paths that clients still use.

https://developers.hubspot.com/docs/developer-tooling/platform/versioning
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from tradepost.sandbox.hubspot import (
    associations_api,
    batch_api,
    files_api,
    oauth_api,
    objects_api,
    pipelines_api,
    platform_api,
    properties_api,
    schemas_api,
)
from tradepost.sandbox.hubspot.call import Route
from tradepost.sandbox.hubspot.kinds import STANDARD

DATED = ("2026-03", "2026-09", "2026-09-beta")
_VERSION = re.compile(r"v\d+|\d{4}-\d{2}(-beta)?")
_CRM = ("v3", "v4", *DATED)
_NAMES = {name: kind.plural for kind in STANDARD for name in (kind.plural, kind.singular, kind.type_id)}

_AREAS: dict[str, tuple[tuple[Route, ...], tuple[str, ...]]] = {
    "objects": ((*batch_api.ROUTES, *associations_api.OBJECT_ROUTES, *objects_api.ROUTES), _CRM),
    "associations": (associations_api.ROUTES, _CRM),
    "properties": (properties_api.ROUTES, ("v3", *DATED)),
    "older-properties": (properties_api.OLDER_ROUTES, ("v1", "v2")),
    "pipelines": (pipelines_api.ROUTES, ("v3", *DATED)),
    "older-pipelines": (pipelines_api.OLDER_ROUTES, ("v1",)),
    "owners": (platform_api.OWNER_ROUTES, ("v3", *DATED)),
    "older-owners": (platform_api.OLDER_OWNER_ROUTES, ("v2",)),
    "schemas": (schemas_api.ROUTES, ("v3", *DATED)),
    "settings": (platform_api.USER_ROUTES, ("v3", *DATED)),
    "lists": (platform_api.LIST_ROUTES, ("v3", *DATED)),
    "limits": (platform_api.LIMIT_ROUTES, ("v3", *DATED)),
    "account-info": (platform_api.ACCOUNT_ROUTES, ("v3", *DATED)),
    "integrations": (platform_api.INTEGRATION_ROUTES, ("v1",)),
    "communication-preferences": (platform_api.PREFERENCE_ROUTES, ("v3", "v4", *DATED)),
    "files": (files_api.ROUTES, ("v3", *DATED)),
    "oauth": (oauth_api.ROUTES, ("v1", "v2", "v3", *DATED)),
}


_UNDER_CRM = ("objects", "associations", "properties", "pipelines", "owners", "schemas", "limits", "lists")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for. `allowed` are the methods of this path when the request's is none of them."""

    area: str
    version: str
    route: Route | None = None
    args: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    @property
    def operation(self) -> str:
        """The call's name: contacts.batch.read, associations.batch.create, owners.list."""
        if self.route is None:
            return "unknown"
        if self.area == "objects" and not self.route.name.startswith("associations."):
            return f"{_NAMES.get(self.args[0].lower(), self.args[0].lower())}.{self.route.name}"
        if self.area == "objects":
            return self.route.name
        return f"{self.area.removeprefix('older-')}.{self.route.name}"


def find(method: str, path: str) -> Target | None:
    """The target of a path, percent-encoded or not; None where HubSpot has nothing at all."""
    parts = tuple(unquote(part) for part in path.split("/") if part)
    place = _place(parts)
    if place is None:
        return None
    area, version, rest = place
    routes, versions = _AREAS[area]
    if version not in versions:
        return None
    allowed = []
    for route in routes:
        args = route.match(method, rest)
        if args is not None:
            return Target(area, version, route, args)
        if route.match(route.method, rest) is not None:
            allowed.append(route.method)
    return Target(area, version, allowed=tuple(dict.fromkeys(allowed))) if allowed else None


def _place(parts: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]] | None:
    """Area, version and what is below them."""
    if len(parts) < 2:
        return None
    head, second, *more = parts
    rest = tuple(more)
    if head == "crm" and rest:
        area, version = (rest[0], second) if _VERSION.fullmatch(second) else (second, rest[0])
        area = "schemas" if area == "object-schemas" else area
        return (area, version, rest[1:]) if area in _UNDER_CRM else None
    if head in {"crm-object-schemas", "crm-object-schema"} and rest and rest[0] == "schemas":
        return "schemas", second, rest[1:]
    if head == "crm-pipelines":
        return "older-pipelines", second, rest
    if head in {"properties", "owners"}:
        return f"older-{head}", second, rest
    if head in _AREAS:
        return head, second, rest
    return None
