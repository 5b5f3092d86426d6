"""A vendor's document: its operations, and what is wrong with an exchange by it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from connectors.http import USER_AGENT
from tradepost.sandbox.recorder import Exchange

Json = dict[str, Any]
PRODUCT = USER_AGENT.partition("/")[0]


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """`where` is the operation as the document writes it, `what` the place in the body and what is wrong there.

    Ids, indexes and values are left out, so that the same mistake is the same violation.
    """

    vendor: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.vendor}: {self.where}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `replies` are JSON schemas by status; None is an answer without JSON.

    `default` holds for statuses that are not listed, when there is one. `query` maps parameters to whether they are
    required; None where the document does not list them all.
    """

    method: str
    path: str
    request: Json | None = None
    replies: Mapping[str, Json | None] = field(default_factory=dict)
    default: Json | None = None
    query: Mapping[str, bool] | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def expression(self) -> re.Pattern[str]:
        pieces = re.split(r"(\{[^}]+\})", self.path)
        return re.compile("".join("[^/]+?" if p.startswith("{") else re.escape(p) for p in pieces), re.IGNORECASE)


class Document:
    """Operations over one set of definitions."""

    def __init__(self, vendor: str, operations: Iterable[Operation], definitions: Json) -> None:
        self.vendor = vendor
        self.operations = tuple(operations)
        self.definitions = definitions
        self._validators: dict[str, Draft202012Validator] = {}

    @cached_property
    def _routes(self) -> list[tuple[re.Pattern[str], int, Operation]]:
        return [(each.expression, each.path.count("{"), each) for each in self.operations]

    def find(self, method: str, path: str) -> list[Operation]:
        """Every operation that a request may mean, the most particular first; only those of the same rank."""
        hits = [(n, each) for known, n, each in self._routes if each.method == method and known.fullmatch(path)]
        least = min((n for n, _ in hits), default=0)
        return [each for n, each in hits if n == least]

    # -------------------------------------------------------------------------------------------- judging

    def judge(self, exchange: Exchange, path: str) -> list[Violation]:
        """What is wrong; where several operations share a path, the one that is least wrong was meant."""
        found = [list(self._judged(each, exchange)) for each in self.find(exchange.method, path)]
        return min(found, key=len, default=[])

    def _judged(self, operation: Operation, exchange: Exchange) -> Iterator[Violation]:
        def wrong(what: str) -> Violation:
            return Violation(self.vendor, operation.name, what)

        # What tests write by hand and other clients send shows what the sandbox takes; the product answers for its own.
        if exchange.status < 300 and exchange.headers.get("user-agent", "").startswith(PRODUCT):
            yield from (wrong(what) for what in self._query(operation, exchange))
            body = read_json(exchange.headers, exchange.body)
            if operation.request is not None and body is not None:
                yield from (wrong(f"request {what}") for what in self.errors(operation.request, body))
        status = str(exchange.status)
        if status not in operation.replies and (operation.default is None or exchange.status < 300):
            yield wrong(f"status {status} is not told")
            return
        schema = operation.replies.get(status, operation.default)
        body = read_json(exchange.reply_headers, exchange.reply)
        if schema is not None and body is not None:
            yield from (wrong(f"{status} {what}") for what in self.errors(schema, body))

    @staticmethod
    def _query(operation: Operation, exchange: Exchange) -> Iterator[str]:
        if operation.query is None:
            return
        given = {name for name, _ in parse_qsl(exchange.query, keep_blank_values=True)}
        yield from (f"unknown parameter {name}" for name in sorted(given - set(operation.query)))
        needed = {name for name, required in operation.query.items() if required}
        yield from (f"missing parameter {name}" for name in sorted(needed - given))

    def errors(self, schema: Json, body: Any) -> list[str]:
        """What a schema says of a body, each once."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator({**schema, "$defs": self.definitions})
        told = (_words(error) for error in self._validators[key].iter_errors(body))
        return sorted({each for words in told for each in words})


def _words(error: ValidationError) -> Iterator[str]:
    """One error as text without values; for an anyOf that of the alternative that fits best."""
    if error.validator == "anyOf" and error.context:
        by_branch: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            by_branch.setdefault(inner.relative_schema_path[0], []).append(inner)
        best = min(by_branch.values(), key=lambda inner: (not _same_kind(inner), _outer(inner), len(inner)))
        for each in best:
            yield from _words(each)
        return
    place = "$" + "".join("[]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    place = re.sub(r"\.(\d{5,}|[\w.+-]+@[\w.-]+)(?=$|[.\[])", ".{id}", place)
    match error.validator:
        case "additionalProperties":
            known = set(error.schema.get("properties", {}))
            patterns = list(error.schema.get("patternProperties", {}))
            extra = [n for n in error.instance if n not in known and not any(re.search(p, n) for p in patterns)]
            yield from (f"{place}: {name} is not told" for name in sorted(extra))
        case "required":
            yield f"{place}: {error.message.split(' ')[0]} is missing"
        case "type":
            yield f"{place}: {_kind(error.instance)} instead of {error.validator_value}"
        case "enum":
            yield f"{place}: {str(error.instance)[:40]!r} is none of the values"
        case _:
            yield f"{place}: against {error.validator}"


def _same_kind(errors: Sequence[ValidationError]) -> bool:
    """Whether a branch differs in more than its outermost type."""
    return not any(error.validator == "type" and not error.relative_path for error in errors)


def _outer(errors: Sequence[ValidationError]) -> int:
    """How many names of the outermost object are missing or strange."""
    return sum(error.validator in ("required", "additionalProperties") for error in errors if not error.relative_path)


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def read_json(headers: Mapping[str, str], body: bytes) -> Any:
    """A body as JSON, None when it is none or empty."""
    if not body.strip() or "json" not in headers.get("content-type", "application/json"):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def shape(value: Any) -> Any:
    """What of a body decides over its being right: names, kinds, and short words, which may be enumerated."""
    if isinstance(value, dict):
        return tuple((name, shape(each)) for name, each in sorted(value.items()))
    if isinstance(value, list):
        return frozenset(shape(each) for each in value)
    if isinstance(value, str):
        if value.isupper() or (value.isalpha() and len(value) < 24):
            return value
        return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", value))[:12]
    return _kind(value)
