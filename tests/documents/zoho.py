"""Zoho's OpenAPI documents of v8 judge Zoho.

Their patterns are invented test data, and most operations list only 200
(https://github.com/zoho/crm-oas): patterns are left out, and statuses that are not listed are not judged.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.documents.document import Violation
from tests.documents.openapi import Reader
from tradepost.sandbox.recorder import Exchange


class Checker:
    """Judges one vendor's exchanges."""

    def __init__(self, specs: Path | None) -> None:
        if specs is None:
            raise FileNotFoundError("The documents of Zoho are not here.")
        files = sorted((specs / "zoho").glob("*.json"))
        self.document = Reader("zoho", files, closed=False, patterns=False, query=False).document()

    def judge(self, exchange: Exchange) -> list[Violation]:
        path = re.sub(r"^/crm/(bulk/)?v[\d.]+/", r"/crm/\1v8/", exchange.path.rstrip("/"))
        return [each for each in self.document.judge(exchange, path) if not each.what.startswith("status ")]
