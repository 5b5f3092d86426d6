"""The tables as a page: `python -m tradepost.sandbox.fidelity.page > docs/fidelity.md`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

from tradepost.sandbox.fidelity import TABLES
from tradepost.sandbox.fidelity.model import Endpoint, Table

_HEAD = """# How true the sandbox is

The sandbox simulates each vendor from its documents, and from what others report of it. `make fidelity` lets the
vendors' own clients judge it, `make documents` their machine-readable documents. This page is generated from the tables
in `tradepost/sandbox/fidelity/`, which the tests read: `python -m tradepost.sandbox.fidelity.page > docs/fidelity.md`.

- **faithful**: behaves as the vendor's page says, as far as a client can see.
- **simplified**: less than the vendor's, in the way that is told.
- **unknown**: something about it could be confirmed by nobody without a real account. Beside it stands how `setup` or
  `check` finds out on one, or why the product need not know."""


def render() -> str:
    """The whole page."""
    return "\n".join([_HEAD, "", *_overview(), *(line for table in TABLES.values() for line in _section(table))]) + "\n"


def _overview() -> Iterator[str]:
    yield "| vendor | endpoints | faithful | simplified | unknown |"
    yield "|---|---|---|---|---|"
    for table in TABLES.values():
        grades = Counter(each.grade for each in table.endpoints)
        counts = " | ".join(str(grades[name]) for name in ("faithful", "simplified", "unknown"))
        yield f"| {table.title} | {len(table.endpoints)} | {counts} |"


def _section(table: Table) -> Iterator[str]:
    yield from ("", f"## {table.title}", "")
    for remark in table.remarks:
        yield f"- {remark}"
    yield from ("", "| endpoint | | how, or what is not known |", "|---|---|---|")
    for each in table.endpoints:
        yield f"| {_name(each)} | {each.grade} | {_cell(each)} |"


def _name(each: Endpoint) -> str:
    text = f"`{' '.join(each.methods)} {each.path}`"
    return f"[{text}]({each.page})" if each.page else text


def _cell(each: Endpoint) -> str:
    parts = [each.simplified] if each.simplified else []
    parts += [f"*Unknown:* {doubt.what}" + (f" *Probe:* {doubt.probe}" if doubt.probe else "") for doubt in each.doubts]
    return " ".join(parts).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(render())
