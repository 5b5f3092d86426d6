"""From what pydantic says about data to what a person needs to read: place, what is wrong, how to mend it.

No sentence holds a value of the file: it may be a secret in the wrong place. Keys are told only where they are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connectors.oauth import SecretRef
from tradepost.config.values import closest
from tradepost.config.yaml_marks import Document, Flaw, Mark, Path
from tradepost.errors import UserError
from tradepost.messages import Language, Sentence, known, sentence
from tradepost.phrases import Phrase

M = TypeVar("M", bound=BaseModel)

_PLAIN_KEY = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_MASK_FROM = 3  # shorter values are words of any sentence

_NAMES = {  # https://docs.pydantic.dev/latest/errors/validation_errors/
    "string_type": "not_text",
    "path_type": "not_text",
    "int_type": "not_whole_number",
    "int_parsing": "not_whole_number",
    "int_parsing_size": "not_whole_number",
    "int_from_float": "not_whole_number",
    "float_type": "not_number",
    "float_parsing": "not_number",
    "finite_number": "not_number",
    "decimal_parsing": "not_number",
    "bool_type": "not_boolean",
    "bool_parsing": "not_boolean",
    "list_type": "not_list",
    "tuple_type": "not_list",
    "set_type": "not_list",
    "frozen_set_type": "not_list",
    "dict_type": "not_section",
    "model_type": "not_section",
    "model_attributes_type": "not_section",
    "dataclass_type": "not_section",
    "mapping_type": "not_section",
    "date_type": "not_date",
    "date_parsing": "not_date",
    "date_from_datetime_parsing": "not_date",
    "date_from_datetime_inexact": "not_date",
    "time_parsing": "not_time",
    "time_delta_parsing": "not_span",
    "time_delta_type": "not_span",
    "url_parsing": "not_url",
    "url_scheme": "not_url",
    "url_type": "not_url",
    "string_pattern_mismatch": "wrong_shape",
}
_CHOICES = {"literal_error": "expected", "enum": "expected", "union_tag_invalid": "expected_tags"}
_LIMITS = {
    "greater_than": ("too_small", "gt"),
    "greater_than_equal": ("too_small", "ge"),
    "less_than": ("too_large", "lt"),
    "less_than_equal": ("too_large", "le"),
    "string_too_short": ("too_short", "min_length"),
    "too_short": ("too_short", "min_length"),
    "string_too_long": ("too_long", "max_length"),
    "too_long": ("too_long", "max_length"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of the configuration, at its place."""

    file: str
    mark: Mark
    path: str  # such as mailboxes[2].start; parts that a person chose freely are left out
    what: Sentence
    mend: Sentence

    def say(self, language: Language) -> str:
        where = f"{self.file}:{self.mark.line}:{self.mark.column}"
        head = f"{where}: {self.path}: " if self.path else f"{where}: "
        return f"{head}{self.what.say(language)}\n    {self.mend.say(language)}"


class ConfigError(UserError):
    """The configuration cannot be used. Holds every problem found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.mark, p.path, p.what.id)))
        super().__init__(*(p.what for p in self.problems))

    def say(self, language: Language) -> str:
        lines = [p.say(language) for p in self.problems]
        return "\n".join([*lines, sentence("config.count", count=len(lines)).say(language)])


class Check:
    """The check of one file: its document, and the mistakes found so far."""

    def __init__(self, file: str, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._file = file
        for flaw in document.flaws:
            self._add(flaw, "")

    def tell(self, path: Path, name: str, /, **values: object) -> None:
        """The problem `config.<name>` with the value at a path."""
        self._add(Flaw(self.document.spot(path).value, name, values), show_path(path))

    def tell_key(self, path: Path, name: str, /, **values: object) -> None:
        """The problem `config.<name>` with the key at a path."""
        self._add(Flaw(self.document.spot(path).key, name, values), show_path(path[:-1]))

    def tell_unknown_key(self, path: Path, keys: Sequence[str]) -> None:
        """The last part of the path is no key of its section, which knows these."""
        name, values = _unknown_key(str(path[-1]), keys)
        self.tell_key(path, name, **values)

    def validate(self, model: type[M], data: object, under: Path = (), also: Sequence[str] = ()) -> M | None:
        """The data as a model, or None after telling each mistake.

        `under` is the path where the data stands; `also` are keys that may stand there beside the model's.
        """
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self._tell_validation(error, model, under, also)
            return None

    def _tell_validation(
        self, error: ValidationError, model: type[BaseModel], under: Path, also: Sequence[str]
    ) -> None:
        told: set[object] = set()
        for detail in error.errors(include_url=False):
            kind = detail["type"]
            loc, parents, models = _walk(model, detail["loc"])
            path, in_union = _locate(self.document, (*under, *loc), kind)
            # Every branch of a union complains by itself; the first complaint about a place is told.
            identity = path if in_union else (path, kind, loc)
            if identity in told:
                continue
            told.add(identity)
            keys = {*_keys_of(parents), *(also if len(loc) == 1 else ())}
            name, values = _sayable(detail, *_explain(detail, sorted(keys), models))
            tell = self.tell_key if kind == "extra_forbidden" or loc[-1:] == ("[key]",) else self.tell
            tell(path, name, **values)

    def _add(self, flaw: Flaw, path: str) -> None:
        self.problems.append(Problem(self._file, flaw.mark, path, flaw.what, flaw.mend))


def _locate(document: Document, loc: Path, kind: str) -> tuple[Path, bool]:
    """The part of pydantic's place that is in the file, and whether the rest names branches of a union."""
    path: Path = ()
    foreign = 0
    for part in loc:
        if (*path, part) in document.spots:
            path = (*path, part)
        elif part != "[key]":
            foreign += 1
    return path, foreign > (kind == "missing")


def _explain(
    detail: ErrorDetails, keys: Sequence[str], models: Sequence[type[BaseModel]]
) -> tuple[str, dict[str, object]]:
    """The name of the pair of sentences, and their values.

    `keys` are known where the mistake is, `models` what may stand there.
    """
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "missing", {"key": str(detail["loc"][-1])}
    if kind == "union_tag_not_found":
        return "missing", {"key": str(context["discriminator"]).strip("'")}
    if kind == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]), keys)
    if detail["input"] is None:
        return "nothing_there", {}
    if SecretRef in models and not known(f"config.{kind}.what"):
        return "secret_literal", {}
    if kind in _CHOICES:
        return "not_choice", {"choices": ", ".join(_quoted(str(context.get(_CHOICES[kind], ""))))}
    if kind in _LIMITS:
        name, key = _LIMITS[kind]
        return name, {"limit": context.get(key, "?")}
    if kind in _NAMES:
        return _NAMES[kind], {}
    return kind, dict(context)


def _sayable(detail: ErrorDetails, name: str, values: dict[str, object]) -> tuple[str, dict[str, object]]:
    """The pair of sentences if the catalogue has it and all its values are there, else what the refusing check said."""
    if known(f"config.{name}.what"):
        with suppress(KeyError):
            for part in ("what", "mend"):
                Sentence(f"config.{name}.{part}", values).say(Language.EN)
            return name, values
    return "refused", {"reason": Phrase(_masked(detail["msg"], detail["input"]))}


def _unknown_key(key: str, keys: Sequence[str]) -> tuple[str, dict[str, object]]:
    suggestion = closest(key, list(keys))
    return (
        ("unknown_key_near", {"suggestion": suggestion}) if suggestion else ("unknown_key", {"keys": ", ".join(keys)})
    )


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text) or [text]


def _masked(text: str, value: object) -> str:
    """A sentence of somebody else's check without the values it was about."""
    text = text.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    for leaf in sorted(set(_leaves(value)), key=len, reverse=True):
        text = text.replace(leaf, "***")
    return text


def _leaves(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in _leaves(part)]
    return [str(value)] if len(str(value)) >= _MASK_FROM else []


Models = list[type[BaseModel]]


def _walk(model: type[BaseModel], loc: Path) -> tuple[Path, Models, Models]:
    """Pydantic's place without the tags of unions; the models that may stand around it, and at it."""
    clean: list[str | int] = []
    parents, models = [model], [model]
    for part in loc:
        tagged = [m for m in models if _has_tag(m, part)] if len(models) > 1 else []
        if tagged:
            models = tagged
            continue
        clean.append(part)
        parents = models
        fields = [f for m in models for name, f in m.model_fields.items() if part in (name, f.alias)]
        if fields:  # else an index, or a key that people choose
            models = [m for f in fields for m in _models_in(f.annotation)]
    return tuple(clean), parents, models


def _has_tag(model: type[BaseModel], tag: str | int) -> bool:
    return any(tag in get_args(field.annotation) for field in model.model_fields.values())


def _keys_of(models: Models) -> list[str]:
    return [f.alias or name for m in models for name, f in m.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in get_args(annotation) for m in _models_in(part)]


def show_path(path: Path) -> str:
    """`mailboxes[2].start`; a key that is neither ours nor a plain name shows as `*`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += ("." if text else "") + (part if _PLAIN_KEY.fullmatch(part) else "*")
    return text
