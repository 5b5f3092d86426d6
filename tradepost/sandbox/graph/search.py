"""$search over mail: the keywords of KQL that Graph names for messages.

https://learn.microsoft.com/graph/search-query-parameter#using-search-on-message-collections.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from tradepost.sandbox.graph.errors import bad_request
from tradepost.sandbox.graph.mailbox import Item
from tradepost.sandbox.graph.odata import parse_date

Test = Callable[[Item], bool]
MAX_LENGTH, MAX_TERMS = 2_000, 100
_TERM = re.compile(
    r'\s*(?:(?P<mark>[()])|(?:(?P<key>[A-Za-z]+)\s*(?P<op>[:<>]=?|=)\s*)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s()"]+)))'
)
_DATES = frozenset({"received", "sent"})


@lru_cache(maxsize=64)
def compile_search(text: str) -> Test:
    """Raises 400 for what cannot be read."""
    inner = text.strip()
    if len(inner) >= 2 and inner[0] == inner[-1] == '"':
        inner = inner[1:-1].replace('\\"', '"')
    if len(inner) > MAX_LENGTH or not inner.strip():
        raise bad_request(f"Syntax error: character '\"' is not valid at position 0 in '{inner[:40]}'.")
    return _Parser(inner).parse()


class _Parser:
    """Terms side by side must all hold; OR binds them weaker, NOT and `-` turn one round."""

    def __init__(self, text: str) -> None:
        self.tokens = [found for found in _TERM.finditer(text) if found[0].strip()][:MAX_TERMS]
        self.at = 0

    def parse(self) -> Test:
        tests: list[list[Test]] = [[]]
        while self.at < len(self.tokens) and self.tokens[self.at]["mark"] != ")":
            if self.tokens[self.at]["word"] == "OR" and not self.tokens[self.at]["key"]:
                self.at += 1
                tests.append([])
            else:
                tests[-1].append(self.one())
        return lambda item: any(all(test(item) for test in group) for group in tests)

    def one(self) -> Test:
        token = self.tokens[self.at]
        self.at += 1
        word = token["word"] or ""
        if token["mark"] == "(":
            inner = self.parse()
            self.at += 1
            return inner
        if token["key"]:
            return _keyed(token["key"].lower(), token["op"], token["phrase"] or word)
        if word == "AND":
            return lambda _: True
        if word in ("NOT", "-") and self.at < len(self.tokens):
            turned = self.one()
            return lambda item: not turned(item)
        if word.startswith("-") and len(word) > 1:
            refused = _anywhere(word[1:])
            return lambda item: not refused(item)
        return _anywhere(token["phrase"] if token["phrase"] is not None else word)


def _has(text: str, wanted: str) -> bool:
    return wanted.rstrip("*").lower() in text.lower()


def _people(item: Item, *kinds: str) -> str:
    return " ".join(f"{p.name} {p.address}" for kind in kinds for p in item.content.people[kind])


def _anywhere(wanted: str) -> Test:
    return lambda item: (
        _has(item.head.subject, wanted) or _has(_people(item, "from", "sender"), wanted) or _has(item.text, wanted)
    )


def _keyed(key: str, operator: str, wanted: str) -> Test:
    readers: dict[str, Callable[[Item], str]] = {
        "subject": lambda item: item.head.subject,
        "body": lambda item: item.text,
        "from": lambda item: _people(item, "from", "sender"),
        "to": lambda item: _people(item, "to"),
        "cc": lambda item: _people(item, "cc"),
        "bcc": lambda item: _people(item, "bcc"),
        "recipients": lambda item: _people(item, "to", "cc", "bcc"),
        "participants": lambda item: _people(item, "from", "sender", "to", "cc", "bcc"),
        "attachment": lambda item: " ".join(a.name for a in item.attachments),
        "importance": lambda item: item.importance or item.content.header("Importance"),
        "kind": lambda _: "email",
        "internetmessageid": lambda item: f"<{item.head.message_id}>",
    }
    if key in readers:
        read = readers[key]
        return lambda item: _has(read(item), wanted)
    if key in ("hasattachments", "hasattachment"):
        expected = wanted.lower() in ("true", "yes", "1")
        return lambda item: any(not a.inline for a in item.attachments) is expected
    if key in _DATES:
        return _dated(key, operator, wanted)
    return _anywhere(f"{key}{operator}{wanted}")


def _dated(key: str, operator: str, wanted: str) -> Test:
    first, _, last = wanted.partition("..")
    try:
        start, end = parse_date(first), parse_date(last or first)
    except ValueError as error:
        raise bad_request(f"Invalid date '{wanted}' in $search.") from error

    def test(item: Item) -> bool:
        at = item.received if key == "received" else item.sent
        if last or operator in (":", "="):
            return start.date() <= at.date() <= end.date()
        return {"<": at < start, ">": at > start, "<=": at <= start, ">=": at >= start}.get(operator, False)

    return test
