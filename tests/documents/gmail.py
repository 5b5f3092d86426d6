"""The discovery document in google-api-python-client judges Gmail."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from json import loads
from pathlib import Path
from typing import Any

from tests.documents.document import Document, Operation, Violation
from tests.documents.schemas import from_discovery
from tradepost.sandbox.recorder import Exchange

_ERROR = {
    # https://developers.google.com/workspace/gmail/api/guides/handle-errors
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "status": {"type": "string", "pattern": "^[A-Z_]+$"},
                "details": {"type": "array"},
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["message", "domain", "reason"],
                        "additionalProperties": {"type": "string"},
                    },
                },
            },
        }
    },
}


class Checker:
    """Judges one vendor's exchanges."""

    def __init__(self, specs: Path | None) -> None:
        text = files("googleapiclient").joinpath("discovery_cache/documents/gmail.v1.json").read_text("utf-8")
        source = loads(text)
        definitions = {name: from_discovery(schema) for name, schema in source["schemas"].items()}
        self.document = Document("gmail", _operations(source, source["parameters"]), definitions)

    def judge(self, exchange: Exchange) -> list[Violation]:
        if not exchange.path.startswith(("/gmail/", "/upload/")) or exchange.status == 308:
            return []
        if "upload_id" in exchange.query or "uploadType=resumable" in exchange.query:
            return []  # https://developers.google.com/workspace/gmail/api/guides/uploads, not in the document
        if exchange.status < 300 and not self.document.find(exchange.method, exchange.path):
            return [Violation("gmail", exchange.method, "a call that the document lacks went well")]
        return self.document.judge(exchange, exchange.path)


def _operations(resource: dict[str, Any], common: dict[str, Any]) -> Iterator[Operation]:
    for method in resource.get("methods", {}).values():
        query = {
            n: bool(p.get("required")) for n, p in method.get("parameters", {}).items() if p["location"] == "query"
        }
        reply = from_discovery(method["response"]) if "response" in method else None
        simple = method.get("mediaUpload", {}).get("protocols", {}).get("simple", {}).get("path")
        for path in filter(None, (f"/{method['path']}", simple)):
            yield Operation(
                method=method["httpMethod"],
                path=path.replace("{+", "{"),
                request=from_discovery(method["request"]) if "request" in method else None,
                replies={"200": reply} if reply else {"204": None, "200": None},
                default=_ERROR,
                query=query | dict.fromkeys(common, False),
            )
    for inner in resource.get("resources", {}).values():
        yield from _operations(inner, common)
