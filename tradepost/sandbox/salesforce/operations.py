"""What a call is called in the documents, and whether it only asks."""

from __future__ import annotations

import json
from typing import Any

from tradepost.sandbox.kernel import Kind
from tradepost.sandbox.salesforce.call import split_path

_RECORD = {"GET": "sobject.retrieve", "HEAD": "sobject.retrieve", "PATCH": "sobject.update", "DELETE": "sobject.delete"}
_BY_KEY = {"GET": "sobject.retrieve", "HEAD": "sobject.retrieve", "PATCH": "sobject.upsert", "DELETE": "sobject.delete"}
_COLLECTION = {"POST": "collections.create", "PATCH": "collections.update", "DELETE": "collections.delete"}
_COMPOSITE = {"compositeRequest", "batchRequests", "graphs"}


def classify(method: str, path: str, body: bytes) -> tuple[str, Kind]:
    """The operation's name and kind for a request line and body."""
    parts = split_path(path)
    if parts[:2] == ("services", "oauth2"):
        return f"oauth.{parts[2] if len(parts) > 2 else 'unknown'}", "read"
    if len(parts) == 3 and parts[0] == "id":
        return "oauth.identity", "read"
    if parts[:2] != ("services", "data"):
        return "unknown", _by_method(method)
    if len(parts) == 2:
        return "versions", "read"
    return _data(method, parts[3:], body)


def _by_method(method: str) -> Kind:
    return "read" if method in {"GET", "HEAD"} else "write"


def _data(method: str, parts: tuple[str, ...], body: bytes) -> tuple[str, Kind]:
    kind = _by_method(method)
    match parts:
        case ():
            return "resources", kind
        case ("limits" | "tabs" | "recent" | "search",):
            return parts[0], kind
        case ("parameterizedSearch",):
            return parts[0], "read"
        case ("jobs", which, *rest):
            return _job(method, which, tuple(rest)), kind
        case ("query" | "queryAll",):
            return parts[0], kind
        case ("query" | "queryAll", _):
            return "queryMore", kind
        case ("sobjects", *rest):
            return _sobject(method, tuple(rest)), kind
        case ("composite", "sobjects", *rest):
            return _collection(method, tuple(rest))
        case ("composite", *rest):
            name = ".".join(["composite", *rest])
            return name, "read" if method == "POST" and _only_gets(body) else kind
        case ("tooling", *rest):
            return ".".join(["tooling", *rest]), kind
    return "unknown", kind


def _sobject(method: str, rest: tuple[str, ...]) -> str:
    match rest:
        case ():
            return "describeGlobal"
        case (_,):
            return "sobject.create" if method == "POST" else "sobject.basicInformation"
        case (_, "describe"):
            return "describe"
        case (_, "describe", "layouts" | "compactLayouts" as which, *_):
            return f"describe.{which}"
        case (_, "updated"):
            return "getUpdated"
        case (_, "deleted"):
            return "getDeleted"
        case (_, "Id") if method == "POST":
            return "sobject.create"
        case (_, _):
            return _RECORD.get(method, "unknown")
        case (_, _, "VersionData" | "Body" as field):
            return f"sobject.{field}"
        case (_, _, _):
            return _BY_KEY.get(method, "sobject.upsert")
    return "unknown"


def _job(method: str, which: str, rest: tuple[str, ...]) -> str:
    """jobs.query.create and the like."""
    match rest:
        case ():
            return f"jobs.{which}.{'create' if method == 'POST' else 'list'}"
        case (_,):
            verb = {"PATCH": "setState", "DELETE": "delete"}.get(method, "get")
            return f"jobs.{which}.{verb}"
        case (_, name):
            return f"jobs.{which}.{name}"
    return "unknown"


def _collection(method: str, rest: tuple[str, ...]) -> tuple[str, Kind]:
    match rest:
        case ():
            return _COLLECTION.get(method, "unknown"), _by_method(method)
        case (_,):
            return "collections.retrieve", "read"
    return "collections.upsert", "write"


def _only_gets(body: bytes) -> bool:
    """Whether a composite request consists of GETs alone."""
    try:
        methods = list(_methods(json.loads(body)))
    except ValueError:
        return False
    return bool(methods) and all(method == "GET" for method in methods)


def _methods(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    found: list[str] = []
    for name, parts in value.items():
        for part in parts if name in _COMPOSITE and isinstance(parts, list) else ():
            if isinstance(part, dict):
                found += [str(part["method"])] if "method" in part else _methods(part)
    return found
