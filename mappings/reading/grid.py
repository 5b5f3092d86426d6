"""How many characters the tables of an HTML body take when they are drawn as text. Pure.

Every line of a table is as long as its widest row: one long cell above thousands of short ones would make gigabytes of
blanks out of a mail of two hundred kilobytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml.etree import iterwalk  # type: ignore[import-untyped]

_INLINE = frozenset(
    str.split(
        "a abbr acronym b bdi bdo big cite code del dfn em font i img ins kbd mark q s samp small span strike strong "
        "sub sup time tt u var wbr"
    )
)
_PARTS = ("table", "thead", "tbody", "tfoot", "tr", "td", "th")


@dataclass(slots=True)
class _Cell:
    """A cell under way: the line being written, the longest one, and how many there are."""

    run: int = 0
    longest: int = 0
    lines: int = 1

    def breaks(self, lines: int = 1, width: int = 0) -> None:
        self.longest, self.run = max(self.longest, self.run, width), 0
        self.lines += lines


@dataclass(slots=True)
class _Table:
    """A table under way: the widths of its columns, the cells of its present row, and its lines so far."""

    widths: list[int] = field(default_factory=list)
    column: int = 0
    row: int = 0
    lines: int = 0

    def take(self, cell: _Cell) -> None:
        cell.breaks()
        self.widths += [0] * (self.column + 1 - len(self.widths))
        self.widths[self.column] = max(self.widths[self.column], cell.longest)
        self.column += 1
        self.row = max(self.row, cell.lines)

    def turn(self) -> None:
        """The row is over."""
        self.lines, self.row, self.column = self.lines + self.row, 0, 0


def drawn(tree: Any) -> int:
    """The characters of all tables, blanks included."""
    whole = 0
    open_: list[_Cell | _Table] = [_Cell()]
    for event, element in iterwalk(tree, events=("start", "end")):
        tag, text = element.tag, element.text if event == "start" else element.tail
        top = open_[-1]
        if event == "start" and tag == "table":
            open_.append(_Table())
        elif event == "start" and tag in ("td", "th") and isinstance(top, _Table):
            open_.append(_Cell())
        elif event == "end" and tag in ("td", "th") and isinstance(top, _Cell) and len(open_) > 1:
            open_.pop()
            _table(open_).take(top)
        elif event == "end" and tag == "table" and isinstance(top, _Table):
            open_.pop()
            top.turn()
            whole += sum(top.widths) * top.lines
            if isinstance(open_[-1], _Cell):
                open_[-1].breaks(top.lines, sum(top.widths))
        elif tag == "tr" and isinstance(top, _Table):
            top.turn()
        elif tag not in _INLINE and isinstance(top, _Cell):
            top.breaks()
        if text and isinstance(open_[-1], _Cell):
            open_[-1].run += len(text)
            open_[-1].lines += text.count("\n")
    return whole


def _table(open_: list[_Cell | _Table]) -> _Table:
    found = open_[-1]
    assert isinstance(found, _Table)  # noqa: S101 - a cell is only opened in one
    return found


def flatten(tree: Any) -> None:
    """Every part of a table becomes a block of its own, one below the other."""
    for element in tree.iter(*_PARTS):
        element.tag = "div"
