"""Click's own words (Usage, Options, its error sentences) in the language of the terminal.

Click asks gettext for each of them, but gettext finds catalogues only as compiled files by the process's locale, and
the language here may come from an option. So its two look-up functions are replaced, by those below.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import click.core
import click.decorators
import click.exceptions
import click.formatting
import click.parser
import click.termui
import click.types
import yaml

from tradepost.messages import Language

MODULES = (
    click.core,
    click.decorators,
    click.exceptions,
    click.formatting,
    click.parser,
    click.termui,
    click.types,
)


@cache
def translations(language: Language) -> Mapping[str, str]:
    """Click's sentence -> ours; empty for English."""
    if language is Language.EN:
        return {}
    text = files("tradepost").joinpath("locale", f"click.{language}.yaml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506 - takes every word as text


def speak(language: Language) -> None:
    """From now on Click speaks this language, in the whole process."""
    words = translations(language)

    def single(message: str) -> str:
        return words.get(message, message)

    def plural(one: str, many: str, number: int) -> str:
        return single(one if number == 1 else many)

    for module in MODULES:
        if hasattr(module, "_"):
            setattr(module, "_", single)  # noqa: B010 - mypy knows no such name there
        if hasattr(module, "ngettext"):
            setattr(module, "ngettext", plural)  # noqa: B010
