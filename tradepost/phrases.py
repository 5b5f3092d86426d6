"""Connectors' English sentences, and those of the configuration's keys, in the reader's language.

A connector speaks English only: the hint of an error, a finding of `check`, a step of `setup`, what a key of its
configuration means. Beside its module lies `<module>.zh.yaml`, which turns each of its sentences, ``{name}`` where a
value stands, into Chinese. A sentence is stored, logged and sent as the English text and gets its language where it is
shown; one that no file knows is shown as it is. The keys of the other sections have their Chinese beside their models.
`docs/decisions/0017-a-sentence-is-translated-where-it-is-shown.md` says why.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

import connectors
import mappings
import sync
from tradepost.messages import Language

MOST = 2_000  # characters; a longer text is no sentence of a connector
_LIST = re.compile(r", | and ")
_END = re.compile(r"(?<=\.) (?=[A-Z])")  # between two sentences

_OTHERS: dict[str, None] = {}  # stems of files that lie beside connectors from elsewhere, in the order they were learnt


@dataclass(frozen=True, slots=True)
class Phrase:
    """A connector's sentence as a value of a `Sentence`."""

    text: str

    def say(self, language: Language) -> str:
        return phrase(self.text, language)


def phrase(text: str, language: Language) -> str:
    """A connector's sentence in a language, or as it is where no file knows it."""
    if language is Language.EN or len(text) > MOST:
        return text
    return book(language, tuple(_OTHERS)).say(text)


def learn(connector: type[object]) -> None:
    """Take the sentences beside a connector's module too; those of the built-in ones are always known."""
    file = getattr(sys.modules.get(connector.__module__), "__file__", None)
    if file and not any(Path(file).is_relative_to(home) for home in _homes()):
        _OTHERS[str(Path(file).with_suffix(""))] = None


# ------------------------------------------------------------------------------------------------------------- matching


@dataclass(frozen=True, slots=True)
class Pattern:
    """An English sentence with places for values: `fixed` is the text around them, one part more than `names`."""

    fixed: tuple[str, ...]
    names: tuple[str, ...]
    said: str

    @property
    def weight(self) -> int:
        return sum(map(len, self.fixed))

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in the places, each as short as it can be; None for another sentence."""
        first, last, end = self.fixed[0], self.fixed[-1], len(text) - len(self.fixed[-1])
        at = len(first)
        if not (text.startswith(first) and text.endswith(last)) or at >= end:
            return None
        found = []
        for part in self.fixed[1:-1]:
            stop = text.find(part, at + 1, end)
            if stop < 0:
                return None
            found.append(text[at:stop])
            at = stop + len(part)
        return dict(zip(self.names, (*found, text[at:end]), strict=True)) if at < end else None


class Book:
    """Sentences of one language by their English."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        patterns = [_pattern(english, said) for english, said in pairs.items()]
        self._plain = {p.fixed[0]: p.said for p in patterns if not p.names}
        # Of several that fit, the one that fixes most of the text.
        self._patterns = sorted((p for p in patterns if p.names), key=lambda p: (-p.weight, p.fixed))

    def say(self, text: str) -> str:
        """The text in the book's language; two sentences, one after the other, are found one by one."""
        return self._plain.get(text) or self._two(text) or self._known(text) or text

    def _two(self, text: str) -> str | None:
        for end in _END.finditer(text):
            first, second = self._known(text[: end.start()]), self._known(text[end.end() :])
            if first and second:
                return first + second
        return None

    def _known(self, text: str) -> str | None:
        if said := self._plain.get(text):
            return said
        for pattern in self._patterns:
            values = pattern.values(text)
            if values is not None:
                return pattern.said.format_map({name: self._value(value) for name, value in values.items()})
        return None

    def _value(self, value: str) -> str:
        """A value may be a sentence of the book too, or a list of its words; names and codes stay as they are."""
        if said := self._known(value):
            return said
        parts = _LIST.split(value)
        if not any(part in self._plain for part in parts):
            return value
        return "、".join(self._plain.get(part, part) for part in parts)


def _pattern(english: str, said: str) -> Pattern:
    fixed, names = [""], []
    for text, name, _, _ in string.Formatter().parse(english):
        fixed[-1] += text
        if name is not None:
            names.append(name)
            fixed.append("")
    return Pattern(tuple(fixed), tuple(names), said if names else said.format_map({}))


# ---------------------------------------------------------------------------------------------------------------- files


@cache
def book(language: Language, others: tuple[str, ...] = ()) -> Book:
    """Our own sentences, and those of connectors whose module's path without its ending is given."""
    pairs: dict[str, str] = {}
    for file in own_files(language):
        pairs |= read_phrases(file)
    for stem in others:
        pairs = _readable(Path(f"{stem}.{language}.yaml")) | pairs
    return Book(pairs)


def own_files(language: Language) -> tuple[Path, ...]:
    """The files of connectors, rules, engine and configuration, and of what `tradepost` itself answers as an error."""
    here = Path(__file__).parent
    homes = (*_homes(), here / "config")
    beside = (file for home in homes for file in sorted(home.rglob(f"*.{language}.yaml")))
    return *beside, here / "locale" / f"hints.{language}.yaml"


def read_phrases(file: Path) -> dict[str, str]:
    """English to another language. Raises OSError, ValueError and yaml.YAMLError."""
    text = file.read_text(encoding="utf-8")
    # The base loader takes every word as text.
    loaded: object = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506
    if not isinstance(loaded, dict):
        raise ValueError(f"{file}: sentences by their English are expected")  # noqa: TRY004 - of a file, not a caller
    return {str(english): str(said).rstrip("\n") for english, said in loaded.items()}


def _readable(file: Path) -> dict[str, str]:
    """A stranger's file that is missing or spoiled only leaves his sentences in English."""
    try:
        pairs = read_phrases(file)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return {english: said for english, said in pairs.items() if _sound(english, said)}


def _sound(english: str, said: str) -> bool:
    """Whether every place of the translation is one of the sentence's, and no two places touch."""
    try:
        return not faults({english: said})
    except ValueError:  # a brace that opens nothing
        return False


def faults(pairs: Mapping[str, str]) -> Iterable[str]:
    """Sentences that cannot be used: places that touch, that repeat, or that differ in the two languages."""
    wrong = []
    for english, said in pairs.items():
        here, there = _pattern(english, "x"), _pattern(said, "x")
        touching = any(not part for part in here.fixed[1:-1]) or here.weight == 0
        if touching or len(set(here.names)) < len(here.names) or not set(there.names) <= set(here.names):
            wrong.append(english)
    return wrong


def _homes() -> tuple[Path, ...]:
    return tuple(Path(str(package.__file__)).parent for package in (connectors, mappings, sync))
