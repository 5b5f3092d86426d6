"""OpenAPI 3.0 documents, one file or many that refer to each other, as one `Document`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.documents.document import Document, Json, Operation
from tests.documents.schemas import from_openapi

_METHODS = ("get", "post", "put", "patch", "delete")


class Reader:
    """`closed`: objects have no properties but those told. `patterns`: whether patterns of texts are believed."""

    def __init__(self, vendor: str, files: list[Path], *, closed: bool, patterns: bool, query: bool = True) -> None:
        self.vendor, self.closed, self.patterns, self.query = vendor, closed, patterns, query
        self.sources: dict[str, Json] = {file.stem: json.loads(file.read_text()) for file in files}
        self.schemas: Json = {
            f"{stem}!{name}": schema
            for stem, source in self.sources.items()
            for name, schema in source.get("components", {}).get("schemas", {}).items()
        }

    def document(self) -> Document:
        definitions = {name: self.schema(name.partition("!")[0], each) for name, each in self.schemas.items()}
        return Document(self.vendor, [op for stem in self.sources for op in self.operations(stem)], definitions)

    def schema(self, stem: str, schema: Any) -> Any:
        return from_openapi(
            schema, lambda ref: self.locate(stem, ref), self.schemas, closed=self.closed, patterns=self.patterns
        )

    @staticmethod
    def locate(stem: str, reference: str) -> str:
        """`FILE!NAME` of a schema, whichever file it is in."""
        file, _, inner = reference.partition("#")
        return f"{file.rpartition('/')[2].removesuffix('.json') or stem}!{inner.rpartition('/')[2]}"

    def follow(self, stem: str, value: Any) -> tuple[str, Any]:
        """The file and value behind a reference to a parameter, body or response; empty where it leads nowhere."""
        while isinstance(value, dict) and "$ref" in value:
            file, _, inner = value["$ref"].partition("#/")
            stem = file.rpartition("/")[2].removesuffix(".json") or stem
            value = self.sources[stem]
            for step in inner.split("/"):
                value = value.get(step.replace("~1", "/"), {})
        return stem, value

    def operations(self, stem: str) -> Iterator[Operation]:
        for path, item in self.sources[stem].get("paths", {}).items():
            for method in _METHODS:
                if method in item:
                    yield self.operation(stem, method.upper(), path, item[method], item.get("parameters", []))

    def operation(self, stem: str, method: str, path: str, told: Json, common: list[Any]) -> Operation:
        parameters = [self.follow(stem, each)[1] for each in (*common, *told.get("parameters", ()))]
        query = {p["name"]: bool(p.get("required")) for p in parameters if p.get("in") == "query"}
        replies = {code: self.body(stem, each) for code, each in told["responses"].items()}
        default = replies.pop("default", None)
        return Operation(
            method=method,
            path=path,
            request=self.body(stem, told.get("requestBody")),
            replies=replies,
            default=default,
            query=query if self.query else None,
        )

    def body(self, stem: str, value: Any) -> Json | None:
        home, told = self.follow(stem, value)
        content = told.get("content", {}) if isinstance(told, dict) else {}
        found = next((each.get("schema") for kind, each in content.items() if "json" in kind), None)
        return self.schema(home, found) if found else None
