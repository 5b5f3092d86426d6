"""Which call a path is. Graph reads names without letter case and takes `users('x')` for `users/x`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tradepost.sandbox.graph import attachments, folders, messages, others, subscriptions, users, writing
from tradepost.sandbox.graph.call import Route
from tradepost.sandbox.graph.errors import invalid_version, method_not_allowed, unknown_segment, unparsable

VERSIONS = ("v1.0", "beta")
ROUTES = (
    *users.ROUTES,
    *folders.ROUTES,
    *messages.ROUTES,
    *attachments.ROUTES,
    *writing.ROUTES,
    *subscriptions.ROUTES,
    *others.ROUTES,
)
_KEYED = re.compile(r"([A-Za-z]+)\('((?:[^']|'')*)'\)")


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    key: tuple[str, _Node] | None = None
    routes: dict[str, Route] = field(default_factory=dict)


def _tree() -> _Node:
    root = _Node()
    for route in ROUTES:
        node = root
        for step in route.pattern.split("/"):
            if step.startswith("{"):
                if node.key is None:
                    node.key = (step[1:-1], _Node())
                node = node.key[1]
            else:
                node = node.literal.setdefault(step, _Node())
        node.routes[route.method] = route
    return root


_ROOT = _tree()


def _segments(path: str) -> list[str]:
    """The path below its version, keys in brackets as segments of their own, casts and brackets of functions gone."""
    found: list[str] = []
    for segment in filter(None, path.split("/")[2:]):
        keyed = _KEYED.fullmatch(segment)
        if keyed:
            found += [keyed[1], keyed[2].replace("''", "'")]
        else:
            found.append(segment.removeprefix("microsoft.graph.").removesuffix("()"))
    if found and found[0].lower() == "me":
        found[:1] = ["users", "me"]
    return _flattened(found)


def _flattened(steps: list[str]) -> list[str]:
    """`mailFolders/a/childFolders/b/...` is `mailFolders/b/...`."""
    while (
        len(steps) >= 6
        and steps[2].lower() == "mailfolders"
        and steps[4].lower() == "childfolders"
        and steps[5].lower() not in ("delta", "$count")
    ):
        steps = [*steps[:3], *steps[5:]]
    return steps


def version_of(path: str) -> str:
    """The first step of a path."""
    return path.lstrip("/").partition("/")[0]


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route and the keys in the path. Raises the vendor's 400 or 405."""
    if version_of(path) not in VERSIONS:
        raise invalid_version()
    node, args = _ROOT, {}
    steps = _segments(path)
    for at, step in enumerate(steps):
        below = node.literal.get(step.lower())
        if below is None and node.key is not None and not step.startswith("$"):
            name, below = node.key
            args[name] = step
        if below is None:
            if at > 2 and steps[2].lower() in ("messages", "mailfolders"):
                raise unparsable(f"Resource not found for the segment '{step}'.")
            raise unknown_segment(step)
        node = below
    route = node.routes.get(method)
    if route is None:
        if not node.routes:
            raise unknown_segment(steps[-1] if steps else "")
        raise method_not_allowed()
    return route, args
