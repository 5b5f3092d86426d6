"""The sentences a person reads, in English and Simplified Chinese, by id.

A sentence travels as a value (`Sentence`) and gets its language where it is shown. Sentences live in
`tradepost/locale/<language>.yaml`: nested keys joined by dots are the ids, ``{name}`` marks a place for a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Protocol, runtime_checkable

import yaml


class Language(StrEnum):
    EN = "en"
    ZH = "zh"


@runtime_checkable
class Sayable(Protocol):
    """What gets its language where it is shown."""

    def say(self, language: Language) -> str: ...


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its values and no language yet. A value may be a sentence or phrase too."""

    id: str
    values: Mapping[str, object] = field(default_factory=dict)

    def say(self, language: Language) -> str:
        return say(self.id, language, **self.values)


def sentence(name: str, /, **values: object) -> Sentence:
    """The catalogue's sentence `name` with its values."""
    return Sentence(name, values)


def say(name: str, language: Language, /, **values: object) -> str:
    """The catalogue's sentence in a language. Raises KeyError for an unknown id or a value that is left out."""
    spoken = {key: v.say(language) if isinstance(v, Sayable) else v for key, v in values.items()}
    return catalogue(language)[name].format_map(spoken)


def known(name: str) -> bool:
    """Whether the catalogue has such a sentence."""
    return name in catalogue(Language.EN)


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """All sentences of a language by id."""
    text = files("tradepost").joinpath("locale", f"{language}.yaml").read_text(encoding="utf-8")
    # The base loader takes every word as text; to others a key such as `yes` is a truth value.
    loaded: object = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506
    return dict(_flatten(loaded, ""))


def _flatten(node: object, prefix: str) -> list[tuple[str, str]]:
    if isinstance(node, dict):
        return [
            pair for key, value in node.items() for pair in _flatten(value, f"{prefix}.{key}" if prefix else str(key))
        ]
    return [(prefix, str(node).rstrip("\n"))]


def choose_language(given: str | None, environ: Mapping[str, str], configured: str | None = None) -> Language:
    """The language of the terminal: the option, TRADEPOST_LANG, the config, the locale, else English."""
    for word in (given, environ.get("TRADEPOST_LANG"), configured, *_locale_words(environ)):
        if language := _language(word):
            return language
    return Language.EN


def _locale_words(environ: Mapping[str, str]) -> list[str]:
    """POSIX: the first of these that is set and not empty decides."""
    return [word for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (word := environ.get(name))][:1]


def _language(word: str | None) -> Language | None:
    start = (word or "").strip().lower().replace("_", "-").split("-")[0].split(".")[0]
    return Language(start) if start in set(Language) else None
