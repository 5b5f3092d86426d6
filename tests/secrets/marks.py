"""Words that mean nothing, one set a run: planted where a text, a subject or an address stands, and looked for."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

LETTERS = "bcdfghjklmnpqrstvwxz"
PLANTED = ("body", "subject", "address")
KINDS = (*PLANTED, "secret")  # secrets are those that the simulated vendors really check and hand out


@dataclass(frozen=True, slots=True)
class Marks:
    """`words` by kind; a word is twenty lower-case letters that no program and no language uses."""

    words: dict[str, tuple[str, ...]]

    @classmethod
    def drawn(cls, seed: int, each: int = 6) -> Marks:
        chance = Random(f"marks-{seed}")
        return cls({kind: tuple("".join(chance.choices(LETTERS, k=20)) for _ in range(each)) for kind in PLANTED})

    def found(self, text: str, kinds: Iterable[str] = KINDS) -> list[str]:
        """`kind:word` for every planted word in a text, however it is spelt."""
        lowered = text.lower()
        return [
            f"{kind}:{word}"
            for kind in kinds
            for word in self.words.get(kind, ())
            if any(spelling in text or spelling in lowered for spelling in spellings(word))
        ]


def spellings(word: str) -> set[str]:
    """As it is, in JSON, in a URL, in hex and in base64, wherever in a text of three bytes it begins."""
    shifted = (base64.b64encode(b"." * n + word.encode())[4 if n else 0 : -4].decode() for n in range(3))
    raw = {word, word.lower(), json.dumps(word)[1:-1], quote(word, safe=""), word.encode().hex(), word[::-1], *shifted}
    return {spelling for spelling in raw if len(spelling) > 8}
