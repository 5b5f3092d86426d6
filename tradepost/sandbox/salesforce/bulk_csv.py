"""Rows of bulk jobs as CSV, out and in.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/datafiles_prepare_csv.htm
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
NULL = "#N/A"


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str, line_ending: str) -> bytes:
    """Every value is quoted; what is empty is an empty text."""
    out = io.StringIO()
    writer = csv.writer(
        out, delimiter=DELIMITERS[delimiter], lineterminator=LINE_ENDINGS[line_ending], quoting=csv.QUOTE_ALL
    )
    writer.writerow(columns)
    writer.writerows([text(value) for value in row] for row in rows)
    return out.getvalue().encode()


def text(value: Any) -> str:
    """A JSON value of the REST API as bulk results write it: times end in Z there, not in +0000."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    found = str(value)
    return f"{found[:-5]}Z" if len(found) == 28 and found.endswith(".000+0000") else found


def read(data: bytes, delimiter: str, line_ending: str) -> tuple[list[str], list[list[str]]]:
    """Column names and rows. Raises ValueError for what is no CSV."""
    try:
        content = data.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(content, newline=""), delimiter=DELIMITERS[delimiter], strict=True)
        lines = [line for line in reader if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError("CSV content could not be read") from error
    if not lines:
        raise ValueError("CSV content is empty")
    width = len(lines[0])
    if any(len(line) != width for line in lines):
        raise ValueError("CSV content has a line with another number of columns than its header")
    if line_ending == "LF" and "\r\n" in content:
        raise ValueError("LineEnding is invalid on user data. Current LineEnding setting is LF")
    return lines[0], lines[1:]


def flat(record: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value at the end of a path of relationships, None where a link is missing."""
    here: Any = record
    for step in path:
        here = here.get(step) if isinstance(here, Mapping) else None
    return here


def nested(columns: Sequence[str], row: Sequence[str]) -> dict[str, Any]:
    """A row as the body of a save: empty cells are left out, `#N/A` is null, `Account.Key__c` names a parent."""
    found: dict[str, Any] = {}
    for name, cell in zip(columns, row, strict=True):
        if not cell:
            continue
        parent, dot, field = name.partition(".")
        found[parent] = {field: cell} if dot else None if cell == NULL else cell
    return found
