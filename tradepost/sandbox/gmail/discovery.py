"""Gmail's own discovery document as routes: which call a path names, its scopes, its parameters, its answer's shape.

The document ships with google-api-python-client; nothing of it is repeated here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import QueryParams

from tradepost.sandbox.gmail.errors import ApiError, bad_request

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of the API. `upload` marks the media path of a method that takes a whole mail."""

    id: str
    http: str
    pattern: re.Pattern[str]
    scopes: tuple[str, ...]
    parameters: Mapping[str, Json]
    answer: str
    upload: bool = False
    most: int = 0  # bytes an upload may have


@cache
def document() -> Json:
    text = files("googleapiclient").joinpath("discovery_cache/documents/gmail.v1.json").read_text("utf-8")
    found: Json = json.loads(text)
    return found


@cache
def routes() -> tuple[Route, ...]:
    found: list[Route] = []
    _collect(document(), found)
    return tuple(sorted(found, key=lambda route: route.pattern.pattern.count("[^/]")))  # fixed words before variables


def _collect(resource: Json, found: list[Route]) -> None:
    for _, method in sorted(resource.get("methods", {}).items()):
        simple = method.get("mediaUpload", {}).get("protocols", {}).get("simple", {}).get("path")
        for path, upload in ((f"/{method['path']}", False), (simple, True)):
            if path:
                found.append(_route(method, path, upload=upload))
    for _, inner in sorted(resource.get("resources", {}).items()):
        _collect(inner, found)


def _route(method: Json, path: str, *, upload: bool) -> Route:
    pattern = "".join(
        f"(?P<{piece[1:-1]}>[^/]+?)" if piece.startswith("{") else re.escape(piece)
        for piece in re.split(r"(\{\w+\})", path)
    )
    return Route(
        method["id"],
        method["httpMethod"],
        re.compile(pattern),
        tuple(method.get("scopes", ())),
        method.get("parameters", {}),
        method.get("response", {}).get("$ref", ""),
        upload,
        int(method.get("mediaUpload", {}).get("maxSize", 0)),
    )


def find_route(http: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The method a request names and the values in its path."""
    for route in routes():
        if route.http == http and (match := route.pattern.fullmatch(path)):
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


# ---------------------------------------------------------------------------------------------------------- parameters


def read_parameters(route: Route, query: QueryParams) -> dict[str, Any]:
    """The query's values typed as the document says. Raises 400 for an unknown name or a value of the wrong type."""
    common = document()["parameters"]
    found: dict[str, Any] = {}
    for name in query:
        if name in common:
            continue
        spec = route.parameters.get(name)
        if spec is None:
            raise bad_request(f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.')
        values = [_typed(name, value, spec) for value in query.getlist(name)]
        found[name] = values if spec.get("repeated") else values[-1]
    return found


def _typed(name: str, value: str, spec: Json) -> Any:
    kind = spec.get("type", "string")
    if kind == "integer" or spec.get("format") in ("uint64", "int64"):
        if not re.fullmatch(r"\d+", value, re.ASCII):
            raise bad_request(f"Invalid value at '{name}' (TYPE_{spec['format'].upper()}), \"{value}\"")
        return int(value)
    if kind == "boolean":
        if value.lower() not in ("true", "false"):
            raise bad_request(f"Invalid value at '{name}' (TYPE_BOOL), \"{value}\"")
        return value.lower() == "true"
    if "enum" in spec:
        if value.lower() not in {choice.lower() for choice in spec["enum"]}:
            raise bad_request(f"Invalid value at '{name}', \"{value}\"")
        return next(choice for choice in spec["enum"] if choice.lower() == value.lower())
    return value


# -------------------------------------------------------------------------------------------------------------- fields


def select(answer: Json, fields: str, schema: str) -> Json:
    """The part of an answer that a `fields` mask names. Raises 400 for names the resource does not have.

    Syntax: https://developers.google.com/workspace/gmail/api/guides/performance#partial.
    """
    mask, rest = _mask(fields)
    if rest:
        raise _bad_fields(fields)
    _check_mask(mask, {"$ref": schema} if schema else {})
    found = _apply(answer, mask)
    return found if isinstance(found, dict) else {}


def _bad_fields(name: str) -> ApiError:
    return ApiError(400, "invalidParameter", f"Invalid field selection {name}", location=("parameter", "fields"))


def _mask(text: str) -> tuple[Json, str]:
    """`a,b/c,d(e,f)` as nested dictionaries, and what was left over."""
    found: Json = {}
    while True:
        name, inner, text = _selector(text)
        found[name] = found.get(name, {}) | inner
        if not text.startswith(","):
            return found, text
        text = text[1:]


def _selector(text: str) -> tuple[str, Json, str]:
    match = re.match(r"\s*(\w+|\*)\s*", text)
    if not match:
        raise _bad_fields(text)
    name, text = match[1], text[match.end() :]
    if text.startswith("/"):
        inner_name, inner, text = _selector(text[1:])
        return name, {inner_name: inner}, text
    if not text.startswith("("):
        return name, {}, text
    mask, text = _mask(text[1:])
    if not text.startswith(")"):
        raise _bad_fields(text)
    return name, mask, text[1:]


def _check_mask(mask: Json, schema: Json) -> None:
    schema = document()["schemas"].get(schema.get("$ref", ""), schema)
    if schema.get("type") == "array":
        _check_mask(mask, schema["items"])
        return
    known = schema.get("properties", {})
    for name, inner in mask.items():
        if name != "*" and name not in known:
            raise _bad_fields(name)
        if inner and name != "*":
            _check_mask(inner, known[name])


def _apply(value: Any, mask: Json) -> Any:
    if not mask or mask == {"*": {}}:
        return value
    if isinstance(value, list):
        return [_apply(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    rule = {name: mask.get(name, mask.get("*")) for name in value}
    return {name: _apply(value[name], inner) for name, inner in rule.items() if inner is not None}
