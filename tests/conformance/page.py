"""docs/adding-a-connector.md as programs: its code blocks, put together by the file that each names."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from tradepost.testing.pocket import KEY, pocket_rig

PAGE = Path(__file__).parents[2] / "docs/adding-a-connector.md"
_BLOCK = re.compile(r"^```python (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def programs() -> dict[str, str]:
    """File name -> its text: the blocks in order, two blank lines before what begins a line, one before a method."""
    found: dict[str, str] = {}
    for name, code in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        gap = "" if name not in found else "\n" if code.startswith(" ") else "\n\n"
        found[name] = found.get(name, "") + gap + code
    return found


@cache
def pocket_target() -> ModuleType:
    """The connector that the page builds."""
    text = programs()["pocket_target.py"]
    module = ModuleType("pocket_target")
    sys.modules["pocket_target"] = module  # pydantic looks for names there
    exec(compile(text, "docs/adding-a-connector.md", "exec"), module.__dict__)  # noqa: S102 - our own page
    return module


def connect(services):
    """A connection of the page's connector."""
    page = pocket_target()
    os.environ.setdefault("POCKET_KEY", KEY)
    return page.PocketTarget(page.PocketConfig.model_validate({"key": {"env": "POCKET_KEY"}}), services)


PocketRig = pocket_rig(connect)
