"""The Object Reference's fields and flags, and samples of answers, judge Salesforce; no API document is published.

Fields and flags: sobjects.digest.json. Envelopes: response-samples.json, whose structures are documented or observed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.documents.document import PRODUCT, Document, Json, Violation, read_json
from tradepost.sandbox.recorder import Exchange

_KINDS: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "double": (float, int),
    "currency": (float, int),
    "percent": (float, int),
}
_SYSTEM = frozenset(
    {"Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000")
_FLAGS = {
    "filterable": "filter",
    "sortable": "sort",
    "groupable": "group",
    "nillable": "nillable",
    "idLookup": "idLookup",
    "defaultedOnCreate": "defaultedOnCreate",
}
_RIGHTS = {"createable": "create", "updateable": "update"}
# Operation -> the sample that shows its envelope.
_ENVELOPES = (
    (re.compile(r"POST /services/oauth2/token"), 200, "token"),
    (re.compile(r"POST /services/oauth2/token"), 400, "oauth_error"),
    (re.compile(r"GET /services/data/[^/]+/query(All)?/?"), 200, "query_page"),
    (re.compile(r"GET .*/sobjects/[^/]+/deleted/?"), 200, "deleted"),
    (re.compile(r"(POST|PATCH|DELETE) .*/composite/sobjects/?"), 200, "collections_partial"),
    (re.compile(r"POST .*/composite/?"), 200, "composite_halted"),
    (re.compile(r"POST .*/composite/graph/?"), 200, "graph_mixed"),
)
# Keys that a sample shows for its situation only.
_OPTIONAL = frozenset({"nextRecordsUrl", "fields", "refresh_token", "created", "id", "duplicateResult", "errorCode"})
_RECORD_URL = re.compile(r"/services/data/v[\d.]+/sobjects/(\w+)(?:/([^/?]+))?(?:/([^/?]+))?/?")


class Checker:
    """Judges one vendor's exchanges."""

    def __init__(self, specs: Path | None) -> None:
        if specs is None:
            raise FileNotFoundError("The digests of Salesforce are not here.")
        self.objects: Json = json.loads((specs / "salesforce/sobjects.digest.json").read_text())["objects"]
        samples = json.loads((specs / "salesforce/response-samples.json").read_text())["samples"]
        self.samples: Json = {each["name"]: each for each in samples}
        self.document = Document("salesforce", (), {})

    def judge(self, exchange: Exchange) -> list[Violation]:
        reply = read_json(exchange.reply_headers, exchange.reply)
        return sorted({Violation("salesforce", where, what) for where, what in self._judged(exchange, reply)})

    def _judged(self, exchange: Exchange, reply: Any) -> Iterator[tuple[str, str]]:
        line = f"{exchange.method} {exchange.path}"
        for pattern, status, name in _ENVELOPES:
            if status == exchange.status and pattern.fullmatch(line):
                schema = inferred(self.samples[name]["body"])
                yield from ((name, what) for what in self.document.errors(schema, reply))
        if exchange.path.startswith("/services/data/"):
            yield from self._refusal(exchange, reply)
            yield from self._records(reply)
            if exchange.path.rstrip("/").endswith("/describe") and exchange.status == 200:
                yield from self._description(reply)
            yield from self._written(exchange, reply)

    # -------------------------------------------------------------------------------------------- refusals

    def _refusal(self, exchange: Exchange, reply: Any) -> Iterator[tuple[str, str]]:
        if exchange.status < 400 or reply is None or "/composite/tree/" in exchange.path:
            return
        schema = inferred(self.samples["required_missing"]["body"], loose=("fields",))
        yield from ((f"refusal {exchange.status}", what) for what in self.document.errors(schema, reply))
        if isinstance(reply, list) and reply and isinstance(reply[0], dict):
            code = reply[0].get("errorCode")
            for sample in self.samples.values():
                body = sample["body"]
                if isinstance(body, list) and isinstance(body[0], dict) and body[0].get("errorCode") == code:
                    if sample["status"] not in (exchange.status, 200):
                        yield str(code), f"comes with {exchange.status} instead of {sample['status']}"
                    if set(body[0]) - set(reply[0]):
                        yield str(code), f"lacks {sorted(set(body[0]) - set(reply[0]))}"

    # -------------------------------------------------------------------------------------------- records

    def _records(self, value: Any) -> Iterator[tuple[str, str]]:
        """Every record in an answer, however deep: its fields exist and their values are of their type."""
        if isinstance(value, list):
            for each in value:
                yield from self._records(each)
        if not isinstance(value, dict):
            return
        attributes = value.get("attributes")
        kind = attributes.get("type") if isinstance(attributes, dict) else None
        if kind in self.objects:
            yield from self._record(str(kind), value)
        for each in value.values():
            yield from self._records(each)

    def _record(self, kind: str, record: Json) -> Iterator[tuple[str, str]]:
        known = self.objects[kind]["fields"]
        for name, value in record.items():
            if name == "attributes" or name.endswith(("__c", "__r")) or isinstance(value, (dict, list)):
                continue
            if name not in known:
                if f"{name}Id" not in known and name not in _SYSTEM and value is not None:  # null: no children
                    yield kind, f"{name} is no field"
            elif not _fits(known[name], name, value):
                yield kind, f"{name} ({known[name]['type']}) holds {_told(value)}"

    def _description(self, reply: Any) -> Iterator[tuple[str, str]]:
        kind = reply.get("name") if isinstance(reply, dict) else None
        if kind not in self.objects:
            return
        known = self.objects[kind]["fields"]
        for each in reply["fields"]:
            told = known.get(each["name"])
            if each["custom"] or each["name"] in _SYSTEM:
                continue
            if told is None:
                yield kind, f"{each['name']} is described and no field"
            elif told.get("flagsKnown", True):
                yield from self._field(kind, each, told)

    @staticmethod
    def _field(kind: str, described: Json, told: Json) -> Iterator[tuple[str, str]]:
        name, flags = described["name"], set(told["flags"])
        for ours, theirs in _FLAGS.items():
            if described[ours] != (theirs in flags):
                yield kind, f"{name} is {'' if described[ours] else 'not '}{ours}, told otherwise"
        for ours, theirs in _RIGHTS.items():
            if described[ours] and theirs not in flags:
                yield kind, f"{name} is {ours}, told otherwise"
        if described["type"].lower() != told["type"].lower():
            yield kind, f"{name} is a {described['type']}, told a {told['type']}"
        longest = told.get("maxLength")
        if longest and described["length"] and described["type"] != "reference" and described["length"] != longest:
            yield kind, f"{name} takes {described['length']} characters, told {longest}"
        strange = set(described["referenceTo"]) - set(told.get("referenceTo") or described["referenceTo"])
        if any(not each.endswith("__c") for each in strange):
            yield kind, f"{name} points to {sorted(strange)}"

    # -------------------------------------------------------------------------------------------- writing

    def _written(self, exchange: Exchange, reply: Any) -> Iterator[tuple[str, str]]:
        """Fields that a successful save wrote are marked so."""
        body = read_json(exchange.headers, exchange.body)
        if not exchange.headers.get("user-agent", "").startswith(PRODUCT):
            return
        if exchange.status >= 300 or exchange.method not in ("POST", "PATCH") or not isinstance(body, dict):
            return
        for part in self._parts(exchange, body, reply):
            yield from self._save(*part)

    def _parts(self, exchange: Exchange, body: Json, reply: Any) -> Iterator[tuple[str, str, Json]]:
        yield exchange.method, exchange.path, body
        answers = reply.get("compositeResponse", []) if isinstance(reply, dict) else []
        groups = [(body.get("compositeRequest", []), answers)]
        graphs = reply.get("graphs", []) if isinstance(reply, dict) else []
        for graph, told in zip(body.get("graphs", []), graphs, strict=False):
            groups.append((graph.get("compositeRequest", []), told["graphResponse"]["compositeResponse"]))
        for asked, got in groups:
            for part, answer in zip(asked, got, strict=False):
                if answer["httpStatusCode"] < 300 and isinstance(part.get("body"), dict):
                    yield part["method"], urlsplit(part["url"]).path, part["body"]
        for record, answer in zip(body.get("records", []), reply if isinstance(reply, list) else [], strict=False):
            if answer and answer.get("success") and isinstance(record, dict):
                verb = "PATCH" if any(name.lower() == "id" for name in record) else "POST"
                path = f"/services/data/v66.0/sobjects/{(record.get('attributes') or {}).get('type')}"
                yield verb, path, {k: v for k, v in record.items() if k.lower() not in ("id", "attributes")}

    def _save(self, method: str, path: str, body: Json) -> Iterator[tuple[str, str]]:
        match = _RECORD_URL.fullmatch(path)
        kind = match[1] if match else ""
        if kind not in self.objects or (match and match[3]):
            return  # an upsert by key may have created or changed
        right = "create" if method == "POST" else "update"
        for name, value in body.items():
            told = self.objects[kind]["fields"].get(name)
            if name.endswith(("__c", "__r")) or isinstance(value, dict) or name == "attributes":
                continue
            if told is None:
                yield kind, f"{name} was written and is no field"
            elif told.get("flagsKnown", True) and right not in told["flags"]:
                yield kind, f"{name} was written, told not to be {right}able"


def _fits(told: Json, name: str, value: Any) -> bool:
    if value is None:
        return told["type"] == "JunctionIdList" or "nillable" in told["flags"] or not told.get("flagsKnown", True)
    kind = told["type"]
    if kind in _KINDS:
        return isinstance(value, _KINDS[kind]) and isinstance(value, bool) == (kind == "boolean")
    if not isinstance(value, str):
        return False
    if kind.lower() == "datetime":
        return bool(_DATE_TIME.fullmatch(value))
    if kind == "date":
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value))
    if kind in ("reference", "id") or name == "Id":
        return bool(re.fullmatch(r"[0-9A-Za-z]{18}", value))
    return len(value) <= (told.get("maxLength") or len(value))


def _told(value: Any) -> str:
    return "null" if value is None else "a value that does not fit" if isinstance(value, str) else type(value).__name__


def inferred(sample: Any, loose: tuple[str, ...] = ()) -> Json:
    """A schema from one sample: its keys, closed; all needed but those that belong to its situation."""
    if isinstance(sample, dict):
        return {
            "type": "object",
            "properties": {name: _value(name, each) for name, each in sample.items()} | {key: {} for key in _OPTIONAL},
            "required": [name for name in sample if name not in _OPTIONAL and name not in loose],
            "additionalProperties": False,
        }
    if isinstance(sample, list):
        return (
            {"type": "array", "items": {"anyOf": [inferred(each) for each in sample]}} if sample else {"type": "array"}
        )
    kinds = {bool: "boolean", int: "integer", str: "string", type(None): "null"}
    return {"type": kinds[type(sample)]}


def _value(name: str, sample: Any) -> Json:
    """What differs from record to record is not looked into here."""
    if name in ("records", "body", "httpHeaders"):
        return {}
    if name == "errors":
        return {"type": "array"}
    return inferred(sample)
