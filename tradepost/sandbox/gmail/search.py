"""Gmail's search box as a predicate over messages.

Operators: https://support.google.com/mail/answer/7190. Days begin at midnight in California, whatever the account's
zone: https://developers.google.com/workspace/gmail/api/guides/filtering. Epoch seconds work and are not documented.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tradepost.sandbox.gmail.mailbox import Mailbox, Message

Test = Callable[[Message], bool]

_ZONE = ZoneInfo("America/Los_Angeles")
_DATE = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$|(\d{1,2})[/-](\d{1,2})[/-](\d{4})$")
_SPAN = re.compile(r"(\d+)([dmyh])$")
_SIZE = re.compile(r"(\d+)([kKmM]?)$")
_WORD = re.compile(r"\w+")
_SECONDS = {"h": 3600, "d": 86400, "m": 30 * 86400, "y": 365 * 86400}
_PLACES = {"inbox": "INBOX", "sent": "SENT", "spam": "SPAM", "trash": "TRASH", "chats": "CHAT", "chat": "CHAT"}
_PLACES |= {"drafts": "DRAFT", "draft": "DRAFT", "starred": "STARRED", "important": "IMPORTANT", "unread": "UNREAD"}


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled query. `hidden` says that it names spam or trash itself, so that they are not left out."""

    matches: Test
    hidden: bool


def compile_query(text: str, mailbox: Mailbox, now: datetime) -> Query:
    """Compile what a person may type; like Gmail it never refuses, and takes unknown operators for words."""
    parser = _Parser(text, mailbox, now)
    tests: list[Test] = []
    while parser.more():
        tests.extend(parser.sequence())
        parser.at += 1  # a closing bracket too many
    return Query(_all(tests), parser.hidden)


def _all(tests: list[Test]) -> Test:
    return lambda message: all(test(message) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda message: any(test(message) for test in tests)


def _not(test: Test) -> Test:
    return lambda message: not test(message)


class _Parser:
    """Reads left to right; OR joins the terms beside it, brackets group, a minus negates what follows."""

    def __init__(self, text: str, mailbox: Mailbox, now: datetime) -> None:
        self.text = text
        self.at = 0
        self.mailbox = mailbox
        self.now = now
        self.hidden = False
        self.depth = 0

    def more(self) -> bool:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at < len(self.text)

    def sequence(self) -> list[Test]:
        tests: list[Test] = []
        joined = False
        while self.more() and self.text[self.at] not in ")}":
            word = re.match(r"(OR|AND)(?=\s|$)", self.text[self.at :])
            if word:
                self.at += word.end()
                joined = word[1] == "OR"
                continue
            test = self.term()
            if joined and tests:
                test = _any([tests.pop(), test])
            tests.append(test)
            joined = False
        return tests

    def term(self) -> Test:
        char = self.text[self.at]
        if char == "-" and self.at + 1 < len(self.text) and not self.text[self.at + 1].isspace():
            self.at += 1
            hidden = self.hidden
            test = self.term()
            self.hidden = hidden  # "-in:spam" asks for no spam
            return _not(test)
        if char in "({":
            return self.group(char)
        operator = re.match(r"([A-Za-z0-9_]+):", self.text[self.at :])
        if operator and operator[1].lower() in _OPERATORS:
            self.at += operator.end()
            return self.operand(operator[1].lower())
        return _contains(self.value())

    def group(self, char: str) -> Test:
        self.at += 1
        self.depth += 1
        tests = self.sequence() if self.depth < 30 else []
        self.depth -= 1
        self.at += 1
        return _all(tests) if char == "(" else _any(tests)

    def operand(self, name: str) -> Test:
        """What stands after `name:`; a bracketed list applies the operator to each of its words."""
        if self.at < len(self.text) and self.text[self.at] in "({":
            char = self.text[self.at]
            end = self.text.find(")" if char == "(" else "}", self.at)
            inner = self.text[self.at + 1 : end if end > 0 else len(self.text)]
            self.at = end + 1 if end > 0 else len(self.text)
            words = re.findall(r'"[^"]*"|\S+', inner)
            tests = [self.apply(name, word.strip('"')) for word in words if word not in ("OR", "AND")]
            return _any(tests) if char == "{" or "OR" in words else _all(tests)
        return self.apply(name, self.value())

    def value(self) -> str:
        rest = self.text[self.at :]
        found = re.match(r'"([^"]*)"?|[^\s(){}]+|.', rest, re.DOTALL)
        if found is None:
            return ""
        self.at += found.end()
        return found[1] if found[1] is not None else found[0]

    def apply(self, name: str, value: str) -> Test:
        if name in ("in", "is", "label") and value.lower() in ("anywhere", "spam", "trash"):
            self.hidden = True
        return _OPERATORS[name](self, value)


# ----------------------------------------------------------------------------------------------------------- operators


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _holds(haystack: str, needle: str) -> bool:
    """Whole words, in order and together; a script without blanks between words is searched as it stands."""
    wanted = needle.lower().strip()
    if not wanted.isascii():
        return wanted in haystack.lower()
    parts = _words(wanted)
    return not parts or f" {' '.join(parts)} " in f" {' '.join(_words(haystack))} "


def _contains(value: str) -> Test:
    def test(message: Message) -> bool:
        content = message.content
        people = " ".join(f"{mail} {name}" for pairs in content.people.values() for mail, name in pairs)
        return _holds(f"{content.header('subject')}\n{people}\n{' '.join(content.filenames)}\n{content.text}", value)

    return test


def _people(fields: Iterable[str]) -> Callable[[_Parser, str], Test]:
    names = tuple(fields)

    def build(parser: _Parser, value: str) -> Test:
        wanted = value.lower()
        mine = parser.mailbox.addresses

        def test(message: Message) -> bool:
            pairs = [pair for name in names for pair in message.content.people[name]]
            if wanted == "me":
                return any(mail in mine for mail, _ in pairs)
            return any(mail == wanted or _holds(f"{mail} {name}", wanted) for mail, name in pairs)

        return test

    return build


def _subject(_: _Parser, value: str) -> Test:
    return lambda message: _holds(message.content.header("subject"), value)


def _header(name: str) -> Callable[[_Parser, str], Test]:
    return lambda _, value: lambda message: _holds(message.content.header(name), value)


def _msgid(_: _Parser, value: str) -> Test:
    wanted = value.strip("<>")
    return lambda message: message.head.message_id == wanted


def _labelled(label: str) -> Test:
    return lambda message: label in message.labels


def _in(parser: _Parser, value: str) -> Test:
    place = value.lower()
    if place == "anywhere":
        return lambda _: True
    return _labelled(_PLACES[place]) if place in _PLACES else _label(parser, value)


def _is(parser: _Parser, value: str) -> Test:
    return _not(_labelled("UNREAD")) if value.lower() == "read" else _in(parser, value)


def _label(parser: _Parser, value: str) -> Test:
    """By name, where a blank or slash of the name may be typed as a hyphen; or by id."""
    wanted = re.sub(r"[\s/]", "-", value.lower())
    if wanted in _PLACES:
        return _labelled(_PLACES[wanted])
    for label in parser.mailbox.labels.values():
        if wanted in (label.id.lower(), re.sub(r"[\s/]", "-", label.name.lower())):
            return _labelled(label.id)
    return lambda _: False


def _category(_: _Parser, value: str) -> Test:
    return _labelled({"primary": "CATEGORY_PERSONAL"}.get(value.lower(), f"CATEGORY_{value.upper()}"))


def _has(_: _Parser, value: str) -> Test:
    tests: dict[str, Test] = {
        "attachment": lambda message: bool(message.content.filenames),
        "userlabels": lambda message: any(name.startswith("Label_") for name in message.labels),
        "nouserlabels": lambda message: not any(name.startswith("Label_") for name in message.labels),
    }
    return tests.get(value.lower(), lambda _: False)


def _filename(_: _Parser, value: str) -> Test:
    wanted = value.lower()
    return lambda message: any(
        _holds(name, wanted) or name.lower().endswith(f".{wanted}") for name in message.content.filenames
    )


def _moment(value: str) -> float | None:
    """Seconds since the epoch for a number of seconds or a date; None when it is neither."""
    found = _DATE.match(value)
    if not found:
        return float(value) if value.isascii() and value.isdigit() else None
    year, month, day = (int(found[i]) for i in ((1, 2, 3) if found[1] else (6, 4, 5)))
    try:
        return datetime(year, month, day, tzinfo=_ZONE).timestamp()
    except (ValueError, OverflowError):
        return None


def _after(_: _Parser, value: str) -> Test:
    moment = _moment(value)
    return lambda message: moment is None or message.internal_ms >= moment * 1000


def _before(_: _Parser, value: str) -> Test:
    moment = _moment(value)
    return lambda message: moment is None or message.internal_ms < moment * 1000


def _newer(parser: _Parser, value: str) -> Test:
    span = _SPAN.match(value.lower())
    if not span:
        return lambda _: True
    edge = (parser.now - timedelta(seconds=min(int(span[1]), 1000) * _SECONDS[span[2]])).timestamp() * 1000
    return lambda message: message.internal_ms >= edge


def _older(parser: _Parser, value: str) -> Test:
    return _not(_newer(parser, value)) if _SPAN.match(value.lower()) else lambda _: True


def _size(sign: int) -> Callable[[_Parser, str], Test]:
    def build(_: _Parser, value: str) -> Test:
        found = _SIZE.match(value)
        if not found:
            return lambda _: True
        edge = int(found[1]) * {"": 1, "k": 1024, "m": 1024 * 1024}[found[2].lower()]
        return lambda message: sign * (len(message.raw) - edge) > 0

    return build


_OPERATORS: dict[str, Callable[[_Parser, str], Test]] = {
    "after": _after,
    "newer": _after,
    "before": _before,
    "older": _before,
    "newer_than": _newer,
    "older_than": _older,
    "from": _people(["from"]),
    "to": _people(["to", "cc", "bcc"]),  # To: finds every kind of recipient
    "cc": _people(["cc"]),
    "bcc": _people(["bcc"]),
    "subject": _subject,
    "deliveredto": _header("delivered-to"),
    "list": _header("list-id"),
    "rfc822msgid": _msgid,
    "label": _label,
    "in": _in,
    "is": _is,
    "category": _category,
    "has": _has,
    "filename": _filename,
    "larger": _size(1),
    "size": _size(1),
    "smaller": _size(-1),
}
