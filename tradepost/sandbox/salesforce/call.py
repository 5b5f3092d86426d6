"""One call of the REST API and its answer, outermost or inside a composite request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.state import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`path` are the decoded segments after the version; header names are lower-case."""

    method: str
    path: tuple[str, ...]
    version: str
    actor: Actor
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def number(self) -> int:
        """The API version as a whole number."""
        return int(self.version.partition(".")[0])

    @property
    def fields(self) -> dict[str, Any]:
        """The body, which must be an object. Raises JSON_PARSER_ERROR."""
        if isinstance(self.body, dict):
            return self.body
        raise Refused("JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body.")


@dataclass(slots=True, kw_only=True)
class Answer:
    """`failed` is set when part of a 200 failed, which an outer allOrNone must know."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    failed: bool = False

    @property
    def bad(self) -> bool:
        return self.status >= 300 or self.failed


def split_path(raw: str) -> tuple[str, ...]:
    """Segments of a percent-encoded path; a trailing slash adds none."""
    return tuple(unquote(part) for part in raw.strip("/").split("/") if part)


def split_url(url: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Segments and parameters of a relative URL."""
    path, _, query = url.partition("?")
    return split_path(path), dict(parse_qsl(query, keep_blank_values=True))
