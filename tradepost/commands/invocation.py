"""What every command is handed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, RenderableType

from tradepost.config import Settings, find_config, load
from tradepost.messages import Language, say

# Beyond those that JSON escapes by itself; U+009B begins a command like ESC [ does.
_COMMANDS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of the program: its language, where to write, what surrounds it, the configuration it was given."""

    language: Language
    out: Console
    err: Console
    environ: Mapping[str, str]
    config: Path | None = None

    def settings(self) -> Settings:
        """The checked configuration. Raises `UserError`."""
        return load(find_config(self.config), self.environ)

    def say(self, name: str, /, **values: object) -> str:
        return say(name, self.language, **values)

    def print(self, what: RenderableType) -> None:
        """To standard output; a line is never folded."""
        self.out.print(what, soft_wrap=isinstance(what, str))

    def print_json(self, data: object) -> None:
        """For scripts: one document, in UTF-8, without colours."""
        self.out.file.write(visible(json.dumps(data, ensure_ascii=False, indent=2)) + "\n")


def visible(document: str) -> str:
    """The same JSON with everything escaped that commands a terminal or turns what follows around."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
