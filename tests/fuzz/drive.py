"""One parser under atheris, in a process of its own: python -m tests.fuzz.drive PARSER [libFuzzer's arguments].

Needs .venv-fuzz on the path; `make fuzz` sees to it.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["connectors", "mappings", "flufl", "email_reply_extractor", "inscriptis"]):
    from tests.fuzz.targets import JSON, TARGETS

from tests.fuzz.sound import timed

ODD: tuple[Any, ...] = (None, True, False, 0, -1, 1.5, 10**30, "", "x", "\ud83d", "\x00", [], {}, [[]], [None], {"": None}, "9" * 5000)  # fmt: skip


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """Half the time a change of the JSON's tree (another shape in one place), else of its bytes."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        try:
            changed = json.dumps(_changed(json.loads(data), chance)).encode()
        except (ValueError, RecursionError):
            changed = b""
        if 0 < len(changed) <= most:
            return changed
    return bytes(atheris.Mutate(data, most))


def _changed(tree: Any, chance: random.Random) -> Any:
    if not isinstance(tree, dict | list) or not tree or chance.random() < 0.15:
        return chance.choice(ODD)
    places = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    place = chance.choice(places)
    copy = tree.copy()
    if chance.random() < 0.1:
        del copy[place]
    elif chance.random() < 0.1 and isinstance(copy, list):
        copy.append(copy[place])
    else:
        copy[place] = _changed(tree[place], chance)
    return copy


def main() -> None:
    name = sys.argv.pop(1)
    more = {"custom_mutator": mutated} if name in JSON else {}
    atheris.Setup(sys.argv, timed(TARGETS[name]), **more)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
