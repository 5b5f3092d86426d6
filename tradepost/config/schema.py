"""The configuration as a JSON schema, so that editors complete keys and show their sentences."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from mappings.rules import Rules
from tradepost.config.kinds import Kind, Side, find_kind
from tradepost.config.models import ConfigFile, Connection, CrmConnection
from tradepost.messages import Language, say
from tradepost.phrases import phrase

# Others may be installed, but the file committed is the same everywhere.
SHIPPED = ("gmail", "microsoft365", "hubspot", "salesforce", "zoho")

Schema = dict[str, Any]


def schema_text(language: Language = Language.EN, *, ascii_only: bool = False) -> str:
    """The schema as a JSON document. In English it is the committed one: config.schema.json."""
    return json.dumps(schema(language), indent=2, ensure_ascii=ascii_only) + "\n"


def schema(language: Language = Language.EN) -> Schema:
    """JSON Schema 2020-12 of the whole file, for the connectors that are shipped; its sentences in a language."""
    made = ConfigFile.model_json_schema()
    definitions: Schema = made.pop("$defs")
    kinds = {name: find_kind(name) for name in SHIPPED}
    for name, kind in kinds.items():
        if kind:
            definitions |= _connection(name, kind)
    definitions |= _rules()
    made["properties"]["connections"]["additionalProperties"] = _by_type(list(kinds))
    rules = made["properties"]["rules"]
    made["properties"]["rules"] = {"$ref": "#/$defs/Rules", "description": rules["description"]}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": say("config.schema_title", language)}
    whole = {**made, "$defs": dict(sorted(definitions.items()))}
    return {**head, **_tidy(whole, language)}


def _by_type(names: list[str]) -> Schema:
    """Each shipped type has its own keys; those of other types are not known here."""
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"type": "string", "examples": names}},
        "allOf": [
            {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": {"$ref": f"#/$defs/{name}"}}
            for name in names
        ],
    }


def _connection(name: str, kind: Kind) -> Schema:
    """The common keys and the connector's own as one closed section, under the type's name."""
    common = _of(Connection if kind.side is Side.MAIL else CrmConnection, name)
    own = _of(kind.config, name)
    definitions = {**common.pop("$defs", {}), **own.pop("$defs", {})}
    section = {
        "type": "object",
        "description": own.get("description", ""),
        "properties": {**common["properties"], "type": {"const": name}, **own["properties"]},
        "required": sorted({"type", *own.get("required", [])}),
        "additionalProperties": False,
    }
    return {**{f"{name}.{key}": value for key, value in definitions.items()}, name: section}


def _of(model: type[BaseModel], prefix: str) -> Schema:
    return model.model_json_schema(ref_template=f"#/$defs/{prefix}.{{model}}")


def _rules() -> Schema:
    """The rules with nothing required in its sections: what is left out is as shipped."""
    made = Rules.model_json_schema()
    definitions: Schema = made.pop("$defs")
    for section in (made, *(definitions[name] for name in ("LogRule", "FirstResponse", "Silence"))):
        section.pop("required", None)
    return {**definitions, "Rules": made}


def _tidy(node: Any, language: Language) -> Any:
    """Each sentence in a language, without the titles that pydantic makes of names; editors would show them instead."""
    if isinstance(node, list):
        return [_tidy(part, language) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key != "title" or not isinstance(value, str)}
    return {key: _told(key, value, language) for key, value in kept.items()}


def _told(key: str, value: Any, language: Language) -> Any:
    """Of a class's docstring the first paragraph is for the reader; what follows is for programmers."""
    if key == "description" and isinstance(value, str):
        return phrase(value.partition("\n\n")[0], language)
    return _tidy(value, language)
