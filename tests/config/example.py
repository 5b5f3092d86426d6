"""The example of each language as it is written: its keys, each with the comment above it, and what the models say."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from mappings.rules import Rules
from tradepost.config.kinds import Side, find_kind
from tradepost.config.models import ConfigFile, Connection, CrmConnection
from tradepost.config.schema import SHIPPED
from tradepost.messages import Language

ROOT = Path(__file__).parents[2]
FILES = {Language.EN: ROOT / "config.example.yaml", Language.ZH: ROOT / "config.example.zh.yaml"}
NAMES = {"google": "gmail", "microsoft": "microsoft365"}  # connections by their type; the CRMs go by theirs
KEY = re.compile(r"(?P<indent> *)(?P<dash>- )?(?P<comment># )?(?P<key>[a-z][a-z_]*):( |$)")


@cache
def example(language: Language) -> str:
    return FILES[language].read_text(encoding="utf-8")


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def sentences_of(model: type[BaseModel], path: str) -> Iterator[tuple[str, str]]:
    """Every key of a model and of the sections in it, as a.b.c, with its description.

    What a secret reference may hold is no key.
    """
    for name, field in model.model_fields.items():
        yield f"{path}{name}", field.description or ""
        for inner in models_in(field.annotation):
            if inner.__name__ != "SecretRef":
                yield from sentences_of(inner, f"{path}{name}.")


@cache
def wanted() -> dict[str, set[str]]:
    """Every key that the example must have, with the descriptions that models have for it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name in SHIPPED:
        kind = find_kind(name)
        assert kind is not None
        for model in (kind.config, Connection if kind.side is Side.MAIL else CrmConnection):
            for path, sentence in sentences_of(model, f"connections.{name}."):
                found[path].add(sentence)
    for path, sentence in sentences_of(ConfigFile, ""):
        found[path].add(sentence)
    return dict(found)


@cache
def described() -> dict[str, set[str]]:
    """`wanted`, and the keys of rules, of which the example shows a few only."""
    return wanted() | {path: {sentence} for path, sentence in sentences_of(Rules, "rules.")}


@cache
def lines(language: Language) -> tuple[tuple[str, str, str], ...]:
    """Every line that is no sentence: the path of its key if it is one, commented out or not, its comment, the line."""
    found: list[tuple[str, str, str]] = []
    stack: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in example(language).splitlines():
        match = KEY.match(line)
        path = ""
        if match and (not match["comment"] or comment):
            indent = len(match["indent"]) + len(match["dash"] or "")
            stack = [(at, key) for at, key in stack if at < indent]
            path = _by_type(".".join([*(key for _, key in stack), match["key"]]))
            if not match["comment"]:
                stack.append((indent, match["key"]))
        elif line.strip().startswith("#"):
            comment.append(line.strip().lstrip("# "))
            continue
        found.append((path, " ".join(comment), line))
        comment = []
    return tuple(found)


def _by_type(path: str) -> str:
    for name, kind in NAMES.items():
        path = path.replace(f"connections.{name}.", f"connections.{kind}.")
    return path


@cache
def written(language: Language) -> dict[str, str]:
    """Every key of the example with the comment right above the first of its places."""
    found: dict[str, str] = {}
    for path, comment, _ in lines(language):
        if path:
            found.setdefault(path, comment)
    return found
