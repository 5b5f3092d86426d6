"""One request and its answer, and the table in which each area of the API lists what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.errors import bad_json
from tradepost.sandbox.hubspot.state import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`version` is as in the path (v3, v4, 2026-09); `args` are the segments that a route leaves open."""

    method: str
    version: str
    args: tuple[str, ...]
    actor: Actor
    query: Mapping[str, list[str]] = field(default_factory=dict)
    body: Any = None
    raw: bytes = b""
    content_type: str = ""
    path: str = ""
    base_url: str = ""

    @property
    def dated(self) -> bool:
        return self.version.startswith("20")

    @property
    def newest(self) -> bool:
        """Since 2026-09 a few answers differ."""
        return self.dated and self.version >= "2026-09"

    def first(self, name: str, default: str = "") -> str:
        """A query parameter's first value."""
        return self.query.get(name, [default])[0]

    def flag(self, name: str) -> bool:
        return self.first(name).lower() == "true"

    def names(self, name: str) -> list[str]:
        """A list in the query: repeated, or with commas."""
        return [part.strip() for value in self.query.get(name, []) for part in value.split(",") if part.strip()]

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body, which must be a JSON object. Raises 400."""
        if isinstance(self.body, Mapping):
            return self.body
        raise bad_json("No content to map due to end-of-input" if self.body is None else "Cannot construct instance")

    def inputs(self) -> list[Mapping[str, Any]]:
        """The `inputs` of a batch. Raises 400."""
        rows = self.fields.get("inputs")
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise bad_json("Some required fields were not set: [inputs]")
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` None is an empty answer. `plain` is sent as it is, not as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    plain: str | None = None


Handler = Callable[[Account, Call], Answer]
ScopeRule = Callable[[Account, Call], list[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Route:
    """`shape` are the segments below area and version, * for open ones. `scopes` gives groups of which each needs
    one scope; `free` routes need no token and count against no pool.
    """

    method: str
    shape: tuple[str, ...]
    name: str
    kind: Literal["read", "write"]
    handler: Handler
    scopes: ScopeRule | None = None
    free: bool = False
    search: bool = False

    def match(self, method: str, rest: tuple[str, ...]) -> tuple[str, ...] | None:
        """The open segments, when the request is this one's."""
        if method != self.method or len(rest) != len(self.shape):
            return None
        if any(part not in ("*", given) for part, given in zip(self.shape, rest, strict=True)):
            return None
        return tuple(given for part, given in zip(self.shape, rest, strict=True) if part == "*")


def read_json(raw: bytes) -> Any:
    """Raises 400 as HubSpot words it."""
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise bad_json("Unexpected character: was expecting a valid JSON value") from None
