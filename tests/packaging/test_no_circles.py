"""No file of ours imports itself by way of others; an import for types alone is an import.

import-linter holds the same of neighbours in one package, and of packages (`make lint`); what it does not see is a
package's face (`__init__.py`) that its own files import.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import invalidate_caches
from pathlib import Path

import grimp
import pytest

OURS = ("connectors", "mappings", "sync", "tradepost")


def circles(packages: Sequence[str]) -> list[list[str]]:
    """Every group of two or more files that reach one another; a file is in one group at most."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    below = {file: sorted(graph.find_modules_directly_imported_by(file)) for file in graph.modules}
    above = {file: sorted(graph.find_modules_that_directly_import(file)) for file in graph.modules}
    left, found = set(below), []
    for file in sorted(below):
        if file in left:
            group = reached(file, below.__getitem__, left) & reached(file, above.__getitem__, left)
            left -= group
            found += [sorted(group)] if len(group) > 1 else []
    return found


def reached(start: str, following: Callable[[str], Sequence[str]], among: set[str]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        fresh = [file for file in following(waiting.pop()) if file in among and file not in found]
        found.update(fresh)
        waiting += fresh
    return found


def test_no_file_of_ours_imports_itself_by_way_of_others() -> None:
    assert circles(OURS) == []


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {
                "__init__": "",
                "call": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from {house}.vendor import Vendor\n",
                "routes": "from {house} import call\n",
                "vendor": "from {house}.routes import ROUTES\n",
            },
            ["call", "routes", "vendor"],
        ),
        ({"__init__": "from {house}.door import Door\n", "door": "from {house} import NAME\n"}, ["", "door"]),
        ({"__init__": "from {house}.door import Door\n", "door": "from {house} import wall\n", "wall": ""}, []),
    ],
    ids=["for types alone", "through the package's face", "none"],
)
def test_a_circle_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], found: list[str]
) -> None:
    house = f"house_{len(files)}_{len(found)}"
    (tmp_path / house).mkdir()
    for name, text in files.items():
        (tmp_path / house / f"{name}.py").write_text(text.format(house=house))
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    expected = [f"{house}.{name}".rstrip(".") for name in found]
    assert circles((house,)) == ([expected] if expected else [])
