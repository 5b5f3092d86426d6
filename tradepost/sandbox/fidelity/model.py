"""An endpoint of a simulator and how true it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Literal
from urllib.parse import unquote

_SLASH = re.compile("%2f", re.IGNORECASE)
_KEYED = re.compile(r"\('((?:[^']|'')*)'\)")

Grade = Literal["faithful", "simplified", "unknown"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something nobody could confirm without a real account, and how `setup` or `check` finds out on one.

    `probe` is empty where the program does not depend on the answer.
    """

    what: str
    probe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path with the methods that behave alike.

    `path` is a template: `{name}` stands for one segment, `{name...}` for one or more. `simplified` says what is less
    than the vendor's, `page` where the vendor describes it.
    """

    methods: tuple[str, ...]
    path: str
    page: str = ""
    simplified: str = ""
    doubts: tuple[Doubt, ...] = field(default_factory=tuple)

    @property
    def grade(self) -> Grade:
        """What is unknown outweighs what is simplified."""
        return "unknown" if self.doubts else "simplified" if self.simplified else "faithful"

    @property
    def variables(self) -> int:
        """How many segments are open: the template with the fewest is the one meant."""
        return self.path.count("{")


@dataclass(frozen=True, slots=True)
class Table:
    """One vendor's endpoints. `name` is the simulator's, `title` what people call it."""

    name: str
    title: str
    endpoints: tuple[Endpoint, ...]
    remarks: tuple[str, ...] = ()

    def find(self, method: str, path: str) -> Endpoint | None:
        """The endpoint a request names; a slash at the end does not matter. HEAD is read as GET, `a('x')` as `a/x`."""
        wanted = "GET" if method == "HEAD" else method
        plain = unquote(_SLASH.sub("%252F", path))  # a slash inside a segment does not end it
        path = _KEYED.sub(r"/\1", plain.rstrip("/")) or "/"
        found = [e for e in self.endpoints if wanted in e.methods and expression(e.path).fullmatch(path)]
        return min(found, key=lambda e: e.variables, default=None)


@cache
def expression(template: str) -> re.Pattern[str]:
    """A template as an expression for whole paths."""
    pieces = re.split(r"(\{\w+(?:\.\.\.)?\})", template)
    pattern = "".join(
        (".+" if piece.endswith("...}") else "[^/]+") if piece.startswith("{") else re.escape(piece) for piece in pieces
    )
    return re.compile(pattern, re.IGNORECASE)


def endpoint(
    methods: str, path: str, page: str = "", *, simplified: str = "", doubts: Iterable[tuple[str, str]] = ()
) -> Endpoint:
    """`endpoint("GET PATCH", "/a/{id}")`, with doubts as (what, probe)."""
    return Endpoint(
        methods=tuple(methods.split()),
        path=path,
        page=page,
        simplified=simplified,
        doubts=tuple(Doubt(what, probe) for what, probe in doubts),
    )
