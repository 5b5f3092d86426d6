"""Violations where the document is wrong: at most ten a vendor, each with the page that shows it.

`pattern` is an expression for the whole text of a violation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.documents.document import Violation

MOST = 10


@dataclass(frozen=True, slots=True)
class Explained:
    vendor: str
    pattern: str
    why: str
    page: str


_OBJECTS = "https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference"

EXPLAINED: tuple[Explained, ...] = (
    Explained(
        "salesforce",
        r"EmailMessage: IsExternallyVisible (is updateable|was written), told .*",
        "The table of flags forgets it; the text of the same page lets it be changed after a mail was sent.",
        f"{_OBJECTS}/sforce_api_objects_emailmessage.htm",
    ),
    Explained(
        "salesforce",
        r"Lead: Company is not nillable, told otherwise",
        "The flags are those of an org with person accounts; the text says Required, and others refuse a lead without.",
        f"{_OBJECTS}/sforce_api_objects_lead.htm",
    ),
)


def explanation(violation: Violation) -> Explained | None:
    """The row that explains a violation, or None."""
    rows = (row for row in EXPLAINED if row.vendor == violation.vendor)
    return next((row for row in rows if re.fullmatch(row.pattern, f"{violation.where}: {violation.what}")), None)
