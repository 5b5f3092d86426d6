"""Digests of HubSpot's OpenAPI documents judge HubSpot: paths, parameters, names, types, statuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.documents.document import Document, Json, Operation, Violation
from tests.documents.schemas import from_digest
from tradepost.sandbox.recorder import Exchange

# The older paths are held against the documents of the current version: same bodies at other addresses.
_OLDER = (
    (re.compile(r"/crm/v[34]/(objects|associations|properties|pipelines|owners)(/.*)?"), r"/crm/\1/2026-09\2"),
    (re.compile(r"/crm/(\w+)/2026-09-beta(/.*)?"), r"/crm/\1/2026-09\2"),
)
_SAME_AS = "2026-09-beta"


class Checker:
    """Judges one vendor's exchanges."""

    def __init__(self, specs: Path | None) -> None:
        if specs is None:
            raise FileNotFoundError("The digests of HubSpot are not here.")
        definitions: Json = {}
        operations: list[Operation] = []
        for file in sorted((specs / "hubspot").glob("*.digest.json")):
            digest = json.loads(file.read_text())
            prefix = file.name.removesuffix(".digest.json")
            definitions |= {
                f"{prefix}.{name}": _within(prefix, from_digest(s)) for name, s in digest["schemas"].items()
            }
            operations += _operations(digest, prefix)
        self.document = Document("hubspot", operations, definitions)

    def judge(self, exchange: Exchange) -> list[Violation]:
        path = exchange.path.rstrip("/")
        for pattern, dated in _OLDER:
            if pattern.fullmatch(path):
                path = pattern.sub(dated, path)
        if "/v4/" in exchange.path or ("/v3/" in exchange.path and "/associations/" in exchange.path):
            return []  # ids are numbers there, and another envelope: the digests hold no document of them
        found = self.document.judge(exchange, path)
        return [each for each in found if exchange.path == path or not each.what.startswith("status")]


def _operations(digest: Json, prefix: str) -> Iterator[Operation]:
    for each in digest["operations"]:
        query = {p["name"]: bool(p["required"]) for p in each.get("parameters", ()) if p["in"] == "query"}
        replies = {code: _schema(prefix, media) for code, media in each["responses"].items()}
        default = replies.pop("default", None)
        yield Operation(
            method=each["method"],
            path=each["path"].replace(_SAME_AS, "2026-09"),
            request=_schema(prefix, each.get("requestBody")),
            replies=replies,
            default=default,
            query=query,
        )


def _schema(prefix: str, media: Any) -> Json | None:
    """The schema of a JSON body; None for forms, files and nothing."""
    for kind, name in (media or {}).items():
        if name and ("json" in kind or kind == "*/*"):
            return {"$ref": f"#/$defs/{prefix}.{name}"} if re.fullmatch(r"\w+", name) else None
    return None


def _within(prefix: str, schema: Any) -> Any:
    """References within one digest lead to its own definitions."""
    if isinstance(schema, dict):
        return {
            key: f"#/$defs/{prefix}.{value.removeprefix('#/$defs/')}" if key == "$ref" else _within(prefix, value)
            for key, value in schema.items()
        }
    return [_within(prefix, each) for each in schema] if isinstance(schema, list) else schema
