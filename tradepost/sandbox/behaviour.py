"""The rules that the simulators keep, as a page: `python -m tradepost.sandbox.behaviour > docs/behaviour.md`.

Each simulator has a dataclass `Strictness` with one field a rule. A test is the rule's when it is called `test_<rule>`
or `test_<rule>_<more>`; the tests of each vendor prove that it fails where the simulator is lax in that rule.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from inspect import getsource
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

from tradepost.sandbox.gmail.strictness import Strictness as Gmail
from tradepost.sandbox.graph.strictness import Strictness as Graph
from tradepost.sandbox.hubspot.strictness import Strictness as HubSpot
from tradepost.sandbox.salesforce.strictness import Strictness as Salesforce
from tradepost.sandbox.zoho.strictness import Strictness as Zoho

VENDORS: dict[str, tuple[str, type]] = {
    "gmail": ("Gmail", Gmail),
    "graph": ("Microsoft Graph", Graph),
    "salesforce": ("Salesforce", Salesforce),
    "hubspot": ("HubSpot", HubSpot),
    "zoho": ("Zoho CRM", Zoho),
}
"""Vendor -> its title and its class of rules."""
TESTS = Path(__file__).parents[2] / "tests"
_HEAD = """# What the sandbox does not let through

Each rule below is one that clients trip over, and each has tests that fail when the sandbox stops keeping it: the last
tests of every vendor run them against a sandbox that is lax in that one rule. This page is generated from the classes
`Strictness` in `tradepost/sandbox/`: `python -m tradepost.sandbox.behaviour > docs/behaviour.md`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a vendor. `tests` are (path below the repository, name of the test)."""

    vendor: str
    name: str
    sentence: str
    tests: tuple[tuple[str, str], ...]


def named_for_rules(rules: Iterable[str], tests: Iterable[str]) -> dict[str, list[str]]:
    """Rule -> names of its tests. Of two rules that a test may be named for, the longer one is meant."""
    found: dict[str, list[str]] = {rule: [] for rule in rules}
    for test in tests:
        named = [rule for rule in found if test == f"test_{rule}" or test.startswith(f"test_{rule}_")]
        if named:
            found[max(named, key=len)].append(test)
    return found


def sentences(kind: type) -> dict[str, str]:
    """Field -> the string below it, which Python itself drops."""
    found: dict[str, str] = {}
    for each in ast.walk(ast.parse(dedent(getsource(kind)))):
        for node, after in pairwise(each.body) if isinstance(each, ast.ClassDef) else ():
            match (node, after):
                case (ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text)))):
                    found[name] = " ".join(text.split())
    return found


def rules(vendor: str, tests: Path = TESTS) -> tuple[Rule, ...]:
    """The rules of a vendor in the order of its class, with their tests. `tests` is the directory of all tests."""
    told = sentences(VENDORS[vendor][1])
    names = [field.name for field in fields(VENDORS[vendor][1])]
    files = dict(_tests_of(tests / f"sandbox_{vendor}"))
    by_rule = named_for_rules(names, files)
    return tuple(Rule(vendor, name, told[name], tuple((files[test], test) for test in by_rule[name])) for name in names)


def _tests_of(folder: Path) -> Iterator[tuple[str, str]]:
    """(Name, path below the repository) of each test in the behaviour files of a folder."""
    for path in sorted(folder.glob("test_*_behaviour*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name, path.relative_to(folder.parents[1]).as_posix()


def render(tests: Path = TESTS) -> str:
    """The whole page."""
    everything = {vendor: rules(vendor, tests) for vendor in VENDORS}
    lines = [_HEAD, "", "| vendor | rules | tests |", "|---|---|---|"]
    for vendor, found in everything.items():
        lines.append(f"| {VENDORS[vendor][0]} | {len(found)} | {sum(len(rule.tests) for rule in found)} |")
    for vendor, found in everything.items():
        lines += ["", f"## {VENDORS[vendor][0]}", "", "| rule | what the vendor does | test |", "|---|---|---|"]
        lines += [f"| `{rule.name}` | {rule.sentence} | {_links(rule)} |" for rule in found]
    return "\n".join(lines) + "\n"


def _links(rule: Rule) -> str:
    return "<br>".join(f"[`{test}`](../{path})" for path, test in rule.tests)


if __name__ == "__main__":
    sys.stdout.write(render())
