"""Word lists as data (`mappings/defaults/words.yaml`, or a company's own), made ready for looking up. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from mappings.model import FindingKind


@dataclass(frozen=True, slots=True)
class FindingWords:
    """What tells one kind of finding: `words` folded, `names` (for subjects and attachment names only) as written."""

    kind: FindingKind
    words: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """All word lists of reading. Built by `from_data`."""

    findings: tuple[FindingWords, ...]
    auto_subjects: re.Pattern[str]
    auto_phrases: re.Pattern[str]
    auto_texts: re.Pattern[str]
    bounce_subjects: re.Pattern[str]
    machine_names: frozenset[str]
    unattended_names: frozenset[str]

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Words:
        """From the parsed YAML file. Raises KeyError for a missing list, ValueError for an unknown finding."""
        kinds = sorted((FindingKind(kind), lists) for kind, lists in data["findings"].items())
        return cls(
            findings=tuple(_finding(kind, lists) for kind, lists in kinds),
            auto_subjects=whole_words(data["auto_reply_subjects"]),
            auto_phrases=whole_words(data["auto_reply_phrases"]),
            auto_texts=whole_words(data["auto_reply_texts"]),
            bounce_subjects=whole_words(data["bounce_subjects"]),
            machine_names=frozenset(data["machine_names"]),
            unattended_names=frozenset(data["unattended_names"]),
        )


def _finding(kind: FindingKind, lists: Mapping[str, Iterable[str]]) -> FindingWords:
    words = tuple(sorted({fold(word) for word in lists["words"]} - {""}))
    return FindingWords(kind, words, tuple(sorted(set(lists.get("names") or ()) - {""})))


def present(words: Iterable[str], text: str) -> list[str]:
    """Those of the words that stand in the text as whole words."""
    return [word for word in words if word in text and _stands_alone(word, text)]


def _stands_alone(word: str, text: str) -> bool:
    """Scripts written without blanks have no word boundary to look for."""
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 1]
        if not (_spaced(word[0]) and _in_word(before)) and not (_spaced(word[-1]) and _in_word(after)):
            return True
        at = text.find(word, at + 1)
    return False


def _in_word(neighbour: str) -> bool:
    return bool(neighbour) and (_spaced(neighbour) or neighbour == "_")


def fold(text: str) -> str:
    """Text as the lists are compared with it: full-width forms narrow, case and runs of blanks away."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def whole_words(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern for any of the words, longest first, for text that went through `fold`."""
    ordered = sorted({fold(word) for word in words} - {""}, key=lambda word: (-len(word), word))
    return re.compile("|".join(_bounded(word) for word in ordered) or r"(?!)")


def _bounded(word: str) -> str:
    before = r"(?<!\w)" if _spaced(word[0]) else ""
    after = r"(?!\w)" if _spaced(word[-1]) else ""
    return before + re.escape(word) + after


def _spaced(character: str) -> bool:
    """Whether the character belongs to a script that puts blanks between words."""
    return character.isalnum() and not ("\u2e80" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af")


@cache
def load_words() -> Words:
    """The packaged lists."""
    return Words.from_data(yaml.safe_load(files("mappings").joinpath("defaults", "words.yaml").read_text("utf-8")))
