"""One call of the REST API and its answer, outermost or inside a composite request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tradepost.sandbox.zoho.errors import Refused, mandatory, wrong_data, wrong_param


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`path` are the decoded segments after the version; header names are lower-case; `found` are the path's values
    by the names in the route's pattern.
    """

    method: str
    path: tuple[str, ...]
    version: str
    user: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    raw: bytes = b""
    found: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> float:
        """The API version: 8.0 of "v8"."""
        return float(self.version.removeprefix("v"))

    def listed(self, name: str, most: int = 0) -> list[dict[str, Any]]:
        """The list of objects under a name of the body. Raises INVALID_DATA and LIMIT_EXCEEDED."""
        if not isinstance(self.body, dict):
            raise Refused("INVALID_DATA", "body", {"expected_data_type": "jsonobject"})
        if name not in self.body:
            raise mandatory(name, f"$.{name}")
        items = self.body[name]
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise wrong_data(name, f"$.{name}", expected_data_type="jsonarray")
        if most and len(items) > most:
            details = {"maximum_length": most, "api_name": name, "json_path": f"$.{name}"}
            raise Refused("LIMIT_EXCEEDED", "body", details)
        return items

    def whole(self, name: str, default: int, most: int, least: int = 1) -> int:
        """A parameter that is a whole number. Raises INVALID_DATA."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isdigit():
            raise wrong_param(name, expected_data_type="integer")
        if not least <= int(text) <= most:
            raise wrong_param(name, maximum_length=most)
        return int(text)

    def names(self, name: str) -> list[str]:
        """A parameter that is a list with commas."""
        return [part.strip() for part in self.query.get(name, "").split(",") if part.strip()]


def array(value: Any, path: str) -> list[Any]:
    """A JSON array in a body; none is an empty one. Raises INVALID_DATA for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong_data(path.rpartition(".")[2], path, expected_data_type="jsonarray")
    return value


@dataclass(slots=True, kw_only=True)
class Answer:
    """`body` is JSON, bytes of a file, or None for no body."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json;charset=UTF-8"

    @property
    def bad(self) -> bool:
        return self.status >= 300 or self.status == 207


def split_path(raw: str) -> tuple[str, ...]:
    """Segments of a percent-encoded path; a trailing slash adds none."""
    return tuple(unquote(part) for part in raw.strip("/").split("/") if part)
