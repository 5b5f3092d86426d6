"""YAML text to plain data with the place of every value, so that each mistake can be shown where it was made.

Plain scalars get types by YAML 1.2's core schema, not 1.1's: `off`, `no` and `09:00` stay the text they are
(https://yaml.org/spec/1.2.2/#103-core-schema). Numbers are numbers only when writing them again gives the same text, so
that an id such as 0051200 keeps its zeros.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from tradepost.messages import Sentence

MAX_BYTES = 1_000_000
MAX_NODES = 50_000
MAX_DEPTH = 40

Path = tuple[str | int, ...]

_INT = re.compile(r"0|-?[1-9][0-9]{0,17}")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]*[1-9]|-?(0|[1-9][0-9]*)\.0")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a text; both count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value stands; `key` is where its key does, the value itself for items of a list."""

    key: Mark
    value: Mark


@dataclass(frozen=True, slots=True)
class Flaw:
    """A mistake in the text itself: where, and the catalogue's pair of sentences under `config.<name>`."""

    mark: Mark
    name: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def what(self) -> Sentence:
        return Sentence(f"config.{self.name}.what", self.values)

    @property
    def mend(self) -> Sentence:
        return Sentence(f"config.{self.name}.mend", self.values)


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data, the spot of every path in it, and what is wrong with the text (the data is then incomplete)."""

    data: object
    spots: Mapping[Path, Spot]
    flaws: tuple[Flaw, ...] = ()

    def spot(self, path: Path) -> Spot:
        """The spot of the longest known part of a path."""
        while path not in self.spots:
            path = path[:-1]
        return self.spots[path]


START = Mark(1, 1)


def flawed(flaw: Flaw) -> Document:
    """A text that gave no data."""
    return Document(None, {(): Spot(START, START)}, (flaw,))


def decode(raw: bytes) -> str | Flaw:
    """Bytes to text: UTF-8, or UTF-16 with its mark."""
    if len(raw) > MAX_BYTES:
        return Flaw(START, "too_big", {"limit": MAX_BYTES})
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode(encoding, "ignore")
        return Flaw(_mark_after(before), "not_gbk" if _is_gbk(raw) else "not_utf8")


def read(text: str) -> Document:
    """Text to data. A mistake that stops the reader is the only one told; others are collected."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        return flawed(_syntax_flaw(error, text))
    except yaml.reader.ReaderError as error:
        return flawed(_character_flaw(error, text))
    except RecursionError:
        return flawed(Flaw(START, "too_deep", {"limit": MAX_DEPTH}))
    if root is None:
        return flawed(Flaw(START, "empty_file"))
    reader = _Reader()
    data = reader.value(root, (), Spot(_mark(root), _mark(root)))
    return Document(data, reader.spots, tuple(reader.flaws))


class _Reader:
    """Walks the node tree once; aliases are walked again each time they are used, within `MAX_NODES`."""

    def __init__(self) -> None:
        self.spots: dict[Path, Spot] = {}
        self.flaws: list[Flaw] = []
        self._nodes = 0
        self._open: list[int] = []  # the collections around the present node, to notice one that holds itself

    def value(self, node: yaml.Node, path: Path, spot: Spot) -> object:
        self.spots[path] = spot
        if _foreign_tag(node):
            self._tell(Flaw(_mark(node), "tag"))
        if isinstance(node, yaml.ScalarNode):
            self._nodes += 1
            return _scalar(node)
        if not self._enter(node):
            return None
        result = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._list(node, path)
        self._open.pop()
        return result

    def _enter(self, node: yaml.Node) -> bool:
        self._nodes += 1
        if len(self._open) >= MAX_DEPTH or self._nodes > MAX_NODES or id(node) in self._open:
            self._tell(Flaw(_mark(node), "too_deep", {"limit": MAX_DEPTH}))
            return False
        self._open.append(id(node))
        return True

    def _list(self, node: yaml.Node, path: Path) -> list[object]:
        return [self.value(item, (*path, n), Spot(_mark(item), _mark(item))) for n, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        result: dict[str, object] = {}
        seen: dict[str, Mark] = {}
        for key, value in sorted(node.value, key=lambda pair: not _is_merge(pair[0])):  # what is merged in goes below
            if not isinstance(key, yaml.ScalarNode):
                self._tell(Flaw(_mark(key), "key_not_text"))
            elif _is_merge(key):
                result.update(self._merged(value, path))
            elif key.value in seen:
                self._tell(Flaw(_mark(key), "duplicate_key", {"line": seen[key.value].line}))
            else:
                seen[key.value] = _mark(key)
                result[key.value] = self.value(value, (*path, key.value), Spot(_mark(key), _mark(value)))
        return result

    def _merged(self, node: yaml.Node, path: Path) -> dict[str, object]:
        result: dict[str, object] = {}
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for part in reversed(parts):  # https://yaml.org/type/merge.html: earlier ones win
            if not isinstance(part, yaml.MappingNode):
                self._tell(Flaw(_mark(part), "merge"))
            elif self._enter(part):
                result.update(self._mapping(part, path))
                self._open.pop()
        return result

    def _tell(self, flaw: Flaw) -> None:
        """Once: an alias is walked again at each use, and a file that is too deep is so in many places."""
        if flaw not in self.flaws and not (flaw.name == "too_deep" and any(f.name == "too_deep" for f in self.flaws)):
            self.flaws.append(flaw)


def _is_merge(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and key.style is None


def _foreign_tag(node: yaml.Node) -> bool:
    """Whether the text names a type by itself. The composer resolves others to the tags that `_scalar` ignores."""
    tag = str(node.tag)
    return not tag.startswith("tag:yaml.org,2002:") or tag.startswith("tag:yaml.org,2002:python/")


def _scalar(node: yaml.Node) -> object:
    text = str(node.value)
    if getattr(node, "style", None) is not None or node.tag == "tag:yaml.org,2002:str":
        return text
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _mark_after(text: str) -> Mark:
    return Mark(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _is_gbk(raw: bytes) -> bool:
    try:
        return any("一" <= c <= "鿿" for c in raw.decode("gb18030"))
    except UnicodeDecodeError:
        return False


def _character_flaw(error: yaml.reader.ReaderError, text: str) -> Flaw:
    return Flaw(_mark_after(text[: error.position]), "bad_character", {"code": f"U+{ord(text[error.position]):04X}"})


_SYNTAX = (  # parts of PyYAML's own words (scanner.py, parser.py, composer.py) -> our sentences
    ("mapping values are not allowed", "colon"),
    ("could not find expected ':'", "no_colon"),
    ("while scanning a quoted scalar", "open_quote"),
    ("unknown escape character", "escape"),
    ("expected escape sequence", "escape"),
    ("undefined alias", "unknown_alias"),
    ("expected a single document", "two_documents"),
    ("cannot start any token", "special_character"),
    ("expected ',' or", "open_bracket"),
    ("expected <block end>", "indentation"),
    ("while scanning a tag", "tag"),
    ("undefined tag handle", "tag"),
)


def _syntax_flaw(error: yaml.MarkedYAMLError, text: str) -> Flaw:
    place = error.problem_mark or error.context_mark
    mark = Mark(place.line + 1, place.column + 1) if place else Mark(1, 1)
    if tab := _tab_in_indent(text, mark):
        return Flaw(tab, "tab")
    words = f"{error.context or ''} {error.problem or ''}"
    name = next((name for part, name in _SYNTAX if part in words), "syntax")
    if name in {"open_quote", "open_bracket", "no_colon"} and error.context_mark:  # where it begins is where to look
        mark = Mark(error.context_mark.line + 1, error.context_mark.column + 1)
    return Flaw(mark, name)


def _tab_in_indent(text: str, mark: Mark) -> Mark | None:
    lines = text.splitlines()
    for number in (mark.line, mark.line - 1):
        line = lines[number - 1] if 0 < number <= len(lines) else ""
        indent = line[: len(line) - len(line.lstrip())]
        if "\t" in indent:
            return Mark(number, indent.index("\t") + 1)
    return None
