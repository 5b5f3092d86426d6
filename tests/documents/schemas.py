"""Vendors' schema dialects as JSON Schema, so that one validator reads them all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]
Locate = Callable[[str], str]

_DATE_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$"
_FORMATS = {
    "date-time": {"pattern": _DATE_TIME},
    "dateTime": {"pattern": _DATE_TIME},
    "date": {"pattern": r"^\d{4}-\d\d-\d\d$"},
    "uuid": {"pattern": r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
    "byte": {"pattern": r"^[A-Za-z0-9_-]*={0,2}$"},
}
_WHOLE = {"type": "integer"}


# ----------------------------------------------------------------------------------------------- Google's discovery


def from_discovery(schema: Any) -> Any:
    """https://developers.google.com/discovery/v1/type-format: 64-bit numbers are texts of digits, names are closed."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    kind = schema.get("type")
    found: Json = {} if kind in (None, "any") else {"type": kind}
    if kind == "object":
        found["properties"] = {name: from_discovery(each) for name, each in schema.get("properties", {}).items()}
        found["additionalProperties"] = from_discovery(schema.get("additionalProperties", False))
    if kind == "array":
        found["items"] = from_discovery(schema.get("items", {}))
    if kind == "string" and schema.get("format") in ("int64", "uint64"):
        found["pattern"] = r"^-?\d+$"
    elif kind == "string" and schema.get("format") == "byte":
        found |= _FORMATS["byte"]
    if "enum" in schema:
        found["enum"] = schema["enum"]
    return found


# ------------------------------------------------------------------------------------------------------- OpenAPI 3.0


def from_openapi(
    schema: Any, locate: Locate, components: Mapping[str, Any], *, closed: bool, patterns: bool = True
) -> Any:
    """OpenAPI 3.0.x. `locate` turns a reference into a name of `$defs`; `components` are what references name.

    With `closed` an object has no properties but those told, annotations apart. A `oneOf` is read as `anyOf`: the
    documents' alternatives overlap. Without `patterns` those are left out.
    """
    return _Reader(locate, components, closed=closed, patterns=patterns).read(schema)


class _Reader:
    def __init__(self, locate: Locate, components: Mapping[str, Any], *, closed: bool, patterns: bool) -> None:
        self.locate, self.components, self.closed, self.patterns = locate, components, closed, patterns

    def read(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = self.locate(schema["$ref"])
            return {"$ref": f"#/$defs/{name}"} if name in self.components else {}
        if "allOf" in schema:
            return self.read(self.merged(schema))
        found: Json = {}
        for name in ("anyOf", "oneOf"):
            if name in schema:
                found.setdefault("anyOf", []).extend(self.read(each) for each in schema[name])
        found |= {name: schema[name] for name in ("enum", "minLength", "maxLength", "required") if name in schema}
        kind = schema.get("type")
        if kind in ("object", None) and "properties" in schema:
            found |= self.members(schema)
        elif "additionalProperties" in schema:
            found["additionalProperties"] = self.read(schema["additionalProperties"])
        if kind == "array":
            found["items"] = self.read(schema.get("items", {}))
        found |= self.format(kind, schema)
        return self.typed(found, kind, nullable=bool(schema.get("nullable")))

    def format(self, kind: Any, schema: Mapping[str, Any]) -> Json:
        if kind != "string":
            return {}
        if self.patterns and "pattern" in schema:
            return {"pattern": schema["pattern"]}
        return dict(_FORMATS.get(str(schema.get("format")), {}))

    def members(self, schema: Mapping[str, Any]) -> Json:
        found: Json = {"properties": {name: self.read(each) for name, each in schema["properties"].items()}}
        told = schema.get("additionalProperties", not self.closed or bool(schema.get("x-odata-openType-kept")))
        found["additionalProperties"] = self.read(told)
        if self.closed:
            found["patternProperties"] = {r"@odata\.": {}}
        return found

    @staticmethod
    def typed(found: Json, kind: Any, *, nullable: bool) -> Json:
        if kind is None:
            return found
        if nullable and "enum" in found:
            found["enum"] = [*found["enum"], None]
        return {"type": [kind, "null"] if nullable else kind, **found}

    def merged(self, schema: Mapping[str, Any]) -> Json:
        """An allOf as one object: properties and required names of all parts together."""
        whole: Json = {"type": "object", "properties": {}, "required": []}
        for part in schema["allOf"]:
            each = self.components[self.locate(part["$ref"])] if "$ref" in part else part
            each = self.merged(each) if "allOf" in each else each
            whole["properties"] |= each.get("properties", {})
            whole["required"] += each.get("required", [])
            if "additionalProperties" in each:
                whole["additionalProperties"] = each["additionalProperties"]
        return whole


# ------------------------------------------------------------------------------------------------- HubSpot's digests


def from_digest(schema: Json) -> Json:
    """`{required, properties: {name: type}}` with types as words: `array<Name>`, `string enum[A|B] default=A`, ..."""
    if match := re.fullmatch(r"oneOf\((.*)\)", str(schema.get("type"))):
        return {"anyOf": [from_words(name) for name in match[1].split(",")]}
    properties = {name: from_words(str(words)) for name, words in (schema.get("properties") or {}).items()}
    return {
        "type": "object",
        "properties": properties,
        "required": schema.get("required", []),
        "additionalProperties": False,
    }


def from_words(words: str) -> Json:
    """One type in words."""
    words = words.split(" default=", maxsplit=1)[0].strip()
    if match := re.fullmatch(r"array<(.*)>", words):
        return {"type": "array", "items": from_words(match[1])}
    if match := re.fullmatch(r"map<string,(.*)>", words):
        inner = from_words(match[1])
        # A property without a value is null: https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
        loose = {"anyOf": [inner, {"type": "null"}]} if match[1] == "string" else inner
        return {"type": "object", "additionalProperties": loose}
    if match := re.fullmatch(r"string enum\[(.*)\]", words):
        return {"type": "string", "enum": match[1].split("|")}
    kind, _, form = words.partition(":")
    if kind in ("string", "boolean", "integer", "number", "object"):
        return {"type": kind} | (_FORMATS.get(form, {}) if kind == "string" else {})
    return {"$ref": f"#/$defs/{words}"}
